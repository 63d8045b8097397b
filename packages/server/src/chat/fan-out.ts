/**
 * ⑦ From a durable entry to every connection of every member: one event to the conversation's group. And
 * the events of the layer that consumers understand, with the names of their groups.
 *
 * The layer is a hint (promise 13): what it loses, clients fetch from the log by seq.
 */
import type {
  ConversationId,
  ConversationTruncated,
  InteractionAnswered,
  LogEvent,
  ReceiptUpdated,
  StreamEvent,
  ThinkingStarted,
  ThinkingStopped,
  TypingStarted,
  TypingStopped,
  UserId,
} from "@suda/protocol";
import type { LayerEvent } from "../channel-layer/channel-layer.ts";
import type { ConversationRecord, LogEntry } from "../store/store.ts";
import type { ChatContext } from "./context.ts";
import { streamGroup, type StreamStopped } from "./streams/stream-calls.ts";
import { viewEvent, withoutValue } from "./view.ts";

/** A new entry of a conversation's log, to the conversation's group. */
export interface ConversationEvent extends LayerEvent {
  readonly type: "conversation.event";
  /** As everybody may see it. */
  readonly event: LogEvent;
  /** As these users see it, if they see more: what was given with a tap. One object for all of them, so that it is encoded once (⑨). */
  readonly forSome?: { readonly users: readonly UserId[]; readonly event: LogEvent };
}

/** The user has become a member, to the user's group: its connections join the conversation's group. */
export interface MembershipJoined extends LayerEvent {
  readonly type: "membership.joined";
  readonly conversation: ConversationId;
}

/** A setting of the user's own changed, to the user's group: its connections tell of the conversation as it is now. */
export interface MembershipChanged extends LayerEvent {
  readonly type: "membership.changed";
  readonly conversation: ConversationId;
  /** The message that the user deleted for themself, if that is what changed. */
  readonly target?: number;
}

/** To the group of those who watch the user. */
export interface PresenceEvent extends LayerEvent {
  readonly type: "presence.event";
  readonly event: { readonly type: "presence.changed"; readonly user: UserId; readonly online: boolean };
}

/** To the group of a user who was blocked: its connections no longer watch `user`. */
export interface PresenceRevoked extends LayerEvent {
  readonly type: "presence.revoked";
  readonly user: UserId;
}

/** Something of the moment, to the conversation's group. */
export interface ConversationEphemeral extends LayerEvent {
  readonly type: "conversation.ephemeral";
  readonly event:
    | TypingStarted
    | TypingStopped
    | ThinkingStarted
    | ThinkingStopped
    | StreamEvent
    | ReceiptUpdated
    | ConversationTruncated
    | InteractionAnswered;
  /** The user's change counter to which this moved it: of a read mark, where there are several nodes. */
  readonly change?: number;
}

/** To who follows all logs: there is something new in this one. */
export interface LogMoved extends LayerEvent {
  readonly type: "log.moved";
  readonly conversation: ConversationId;
}

/** Who follows all logs. */
export const commitsGroup = "commits";

export type ChatLayerEvent = ConversationEvent | ConversationEphemeral | MembershipJoined | MembershipChanged | PresenceRevoked;

/** All connections of all members. */
export function conversationGroup(id: ConversationId): string {
  return `conversation:${id}`;
}

/** All connections of one user. */
export function userGroup(user: UserId): string {
  return `user:${user}`;
}

/** All connections that watch the user. */
export function presenceGroup(user: UserId): string {
  return `presence:${user}`;
}

export function presenceEvent(user: UserId, online: boolean): PresenceEvent {
  return { type: "presence.event", event: { type: "presence.changed", user, online } };
}

export async function fanOut(context: ChatContext, conversation: ConversationId, entries: readonly LogEntry[]): Promise<void> {
  const group = conversationGroup(conversation);
  for (const entry of entries) {
    await tell(context, group, conversationEvent(viewEvent(conversation, entry)));
  }
  if (context.tellsCommits === true && entries.length > 0) await tell(context, commitsGroup, { type: "log.moved", conversation });
}

/** The event as this user sees it. */
export function shownTo(user: UserId, { event, forSome }: Omit<ConversationEvent, "type">): LogEvent {
  return forSome === undefined || !forSome.users.includes(user) ? event : forSome.event;
}

/** What was given with a tap is in the event for those alone whom it concerns. */
export function conversationEvent(event: LogEvent): ConversationEvent {
  if (event.type !== "interaction.created" || event.value === undefined) return { type: "conversation.event", event };
  return { type: "conversation.event", event: withoutValue(event), forSome: { users: [event.from, event.to], event } };
}

/** Whether typing and receipts are told to all members. */
export function isSmall({ limits }: ChatContext, { memberCount }: ConversationRecord): boolean {
  return memberCount <= limits.ephemeralMaxMembers;
}

/**
 * To all members of a conversation of at most `ephemeralMaxMembers`. In a larger one only one's own devices
 * learn of one's reading, and nobody of one's typing: a thousand members who read would tell a million times.
 */
export async function fanOutEphemeral(
  context: ChatContext,
  conversation: ConversationRecord,
  event: TypingStarted | TypingStopped | ReceiptUpdated,
  change?: number,
): Promise<void> {
  const ephemeral: ConversationEphemeral = { type: "conversation.ephemeral", event, ...(change === undefined ? {} : { change }) };
  if (isSmall(context, conversation)) await tell(context, conversationGroup(conversation.id), ephemeral);
  else if (event.type === "receipt.updated") await tell(context, userGroup(event.user), ephemeral);
}

export async function announceMembership(context: ChatContext, conversation: ConversationId, users: readonly UserId[]): Promise<void> {
  const event: MembershipJoined = { type: "membership.joined", conversation };
  for (const user of users) await tell(context, userGroup(user), event);
}

export async function announceChanged(
  context: ChatContext,
  { user, ...changed }: { readonly user: UserId; readonly conversation: ConversationId; readonly target?: number },
): Promise<void> {
  const event: MembershipChanged = { type: "membership.changed", ...changed };
  await tell(context, userGroup(user), event);
}

/** In conversations of any size: once for all that a sweep removed. */
export async function announceTruncated(context: ChatContext, conversation: ConversationId, from: number): Promise<void> {
  const event: ConversationEphemeral = { type: "conversation.ephemeral", event: { type: "conversation.truncated", conversation, from } };
  await tell(context, conversationGroup(conversation), event);
}

/** In conversations of any size: in a large one the parts of a stream are told less often. */
export async function announceStream(to: Pick<ChatContext, "layer" | "onFailure">, event: StreamEvent): Promise<void> {
  const ephemeral: ConversationEphemeral = { type: "conversation.ephemeral", event };
  await tell(to, conversationGroup(event.conversation), ephemeral);
}

/** In conversations of any size. */
export async function announceThinking(context: ChatContext, event: ThinkingStarted | ThinkingStopped): Promise<void> {
  const ephemeral: ConversationEphemeral = { type: "conversation.ephemeral", event };
  await tell(context, conversationGroup(event.conversation), ephemeral);
}

/** To every node with streams there: nobody streams to who blocks them. */
export async function stopStreams(context: ChatContext, conversation: ConversationId): Promise<void> {
  const event: StreamStopped = { type: "stream.stopped", conversation };
  await tell(context, streamGroup(conversation), event);
}

/** To the connections of the user who tapped, and nobody else's. */
export async function tellToast(context: ChatContext, tapper: UserId, event: InteractionAnswered): Promise<void> {
  const ephemeral: ConversationEphemeral = { type: "conversation.ephemeral", event };
  await tell(context, userGroup(tapper), ephemeral);
}

/** `watcher` learns no more of whether `user` is there. */
export async function revokePresence(context: ChatContext, user: UserId, watcher: UserId): Promise<void> {
  const event: PresenceRevoked = { type: "presence.revoked", user };
  await tell(context, userGroup(watcher), event);
}

/** What the layer cannot take is in the log: an author whose message is durable must not be told that it failed (D13). */
async function tell(
  { layer, onFailure }: Pick<ChatContext, "layer" | "onFailure">,
  group: string,
  event: ChatLayerEvent | StreamStopped | LogMoved,
): Promise<void> {
  try {
    await layer.groupSend(group, event);
  } catch (error) {
    onFailure(error);
  }
}
