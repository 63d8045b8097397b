/**
 * The channel layer carries events between consumers, in one process or across nodes. It stands at ⑧ of
 * the path of a message and is only a hint: at most once, never persistent; what it loses, the log heals.
 *
 * Contract: docs/contracts/channel-layer.md, rules L1…, held by `channelLayerSuite` of @suda/testing for
 * every driver. Names and shape are those of Django Channels' layers (`group_add`, `group_send`…); new are
 * the shared event object, the counted drop and one suite for all drivers.
 */

/** Plain data (strings, numbers, booleans, null, bytes, arrays, objects of these), frozen by convention: every receiver of a node gets the same object (L7). */
export interface LayerEvent {
  /** `noun.verb`; the receiving consumer dispatches on it. `layer.…` is the layer's own. */
  readonly type: string;
}

/** What a channel gets instead of the events that did not fit into its inbox (L4). */
export interface LayerDropped extends LayerEvent {
  readonly type: "layer.dropped";
  /** How many were dropped since the last event that this channel received. */
  readonly count: number;
}

/**
 * Takes one event. Called one at a time per channel: while a returned promise is pending, further events
 * wait in the inbox (L3). A rejection or a throw is reported by the layer and ends nothing (L8).
 */
export type Receive = (event: LayerEvent) => void | Promise<void>;

export interface Channel {
  /** Unique among all nodes; at most 100 characters. */
  readonly name: string;
  /** Whether it has joined the group and not left it (L12). */
  isIn(group: string): boolean;
  /** Leaves all groups and forgets the inbox. Twice is fine. */
  close(): Promise<void>;
}

export interface ChannelLayerStats {
  /** Events handed to receivers. */
  readonly delivered: number;
  /** Events that found a full inbox or no channel. */
  readonly dropped: number;
  readonly channels: number;
  readonly groups: number;
}

/** What is between the nodes of a layer, and may lose. */
export interface ChannelLayerLink {
  /** False while this node does not hear the others, or not all that they say. What it sends reaches its own channels all the same. */
  readonly isConnected: boolean;
  /** Events for other nodes that did not go out, since the start: there was no connection, or too many waited. */
  readonly lost: number;
  /** Calls back each time the link carries again, or at last: events of other nodes may be missing. */
  onRestored(listener: () => void): void;
}

export interface ChannelLayer extends AsyncDisposable {
  /** A new channel: the address of one consumer's inbox. */
  open(receive: Receive): Channel;
  /** To one channel, on whichever node it is. Resolves when the layer has taken the event, not when it arrived. */
  send(channel: string, event: LayerEvent): Promise<void>;
  /** From when it resolves, events to the group reach the channel (L5). Twice is once. */
  groupAdd(group: string, channel: Channel): Promise<void>;
  /** From when it is called, no event to the group reaches the channel through this membership (L6). */
  groupDiscard(group: string, channel: Channel): Promise<void>;
  /** To all channels of a group, in the order of the calls of one node to this group (L2). */
  groupSend(group: string, event: LayerEvent): Promise<void>;
  /** To those channels of a group that are on this node (L12). */
  groupSendHere(group: string, event: LayerEvent): Promise<void>;
  /** Whether a channel of this node is in the group (L12). */
  isGroupHere(group: string): boolean;
  /** Absent when nothing can be lost between nodes: a layer of one process. */
  readonly link?: ChannelLayerLink;
  stats(): ChannelLayerStats;
}

/** Bounds of every driver, so that a program that works on one works on all. */
export const channelLayerLimits = {
  /** Characters of a group's name: `A–Z a–z 0–9 . _ - : @ + | ~ =`. */
  groupNameMaxLength: 200,
  /** Events that wait for one channel whose receiver is busy. */
  inboxCapacity: 1_000,
} as const;

const groupNameExpression = /^[A-Za-z0-9._:@+|~=-]{1,200}$/;

/** @throws TypeError for a name that not every driver could take: a programmer's mistake */
export function checkGroupName(group: string): void {
  if (!groupNameExpression.test(group))
    throw new TypeError(
      `A group's name is 1–${channelLayerLimits.groupNameMaxLength} of A–Z a–z 0–9 . _ : @ + | ~ = -; got ${JSON.stringify(group.slice(0, 80))}.`,
    );
}
