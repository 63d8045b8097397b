/**
 * The channel layer of one process: a map of groups to channels. ⑧ of the path of a message.
 *
 * Rules L1… of docs/contracts/channel-layer.md. Delivery happens in a microtask after the call, never
 * inside it, so that a receiver may send without recursion (L9); a receiver that is not busy gets the event
 * without any queue in between, which is what makes 1,000 members cheap.
 */
import {
  channelLayerLimits,
  checkGroupName,
  type Channel,
  type ChannelLayer,
  type ChannelLayerStats,
  type LayerDropped,
  type LayerEvent,
  type Receive,
} from "./channel-layer.ts";

export interface MemoryChannelLayerOptions {
  /** Events that wait for one channel whose receiver is busy, 1…; default 1,000. */
  readonly inboxCapacity?: number;
  /** In front of the names of channels; default `local`. */
  readonly node?: string;
  /** The last member of a group has left it. For drivers that listen elsewhere for a group that is here. */
  readonly onGroupEmpty?: (group: string) => void;
  /** Gets what receivers throw (L8); default: ignored. */
  readonly onFailure?: (error: unknown) => void;
}

interface Outgoing {
  readonly to: "group" | "channel";
  readonly name: string;
  readonly event: LayerEvent;
}

export class MemoryChannelLayer implements ChannelLayer {
  readonly #channels = new Map<string, MemoryChannel>();
  readonly #groups = new Map<string, Set<MemoryChannel>>();
  readonly #counters = { delivered: 0, dropped: 0 };
  readonly #capacity: number;
  readonly #node: string;
  readonly #onGroupEmpty: (group: string) => void;
  readonly #onFailure: (error: unknown) => void;
  /** What was sent in this turn, in order. */
  #outgoing: Outgoing[] = [];
  #opened = 0;
  #isClosed = false;

  constructor(options: MemoryChannelLayerOptions = {}) {
    this.#capacity = options.inboxCapacity ?? channelLayerLimits.inboxCapacity;
    this.#node = options.node ?? "local";
    this.#onGroupEmpty = options.onGroupEmpty ?? (() => {});
    this.#onFailure = options.onFailure ?? (() => {});
  }

  open(receive: Receive): Channel {
    if (this.#isClosed) throw new Error("The channel layer is closed; no channel can be opened.");
    const channel = new MemoryChannel(`${this.#node}.${++this.#opened}`, {
      receive,
      capacity: this.#capacity,
      counters: this.#counters,
      onFailure: this.#onFailure,
      onClosed: () => this.#forget(channel),
    });
    this.#channels.set(channel.name, channel);
    return channel;
  }

  async send(channel: string, event: LayerEvent): Promise<void> {
    this.#enqueue({ to: "channel", name: channel, event });
  }

  async groupAdd(group: string, channel: Channel): Promise<void> {
    checkGroupName(group);
    const member = this.#channels.get(channel.name);
    if (member === undefined) return;
    let members = this.#groups.get(group);
    if (members === undefined) {
      members = new Set();
      this.#groups.set(group, members);
    }
    members.add(member);
    member.groups.add(group);
  }

  async groupDiscard(group: string, channel: Channel): Promise<void> {
    const member = this.#channels.get(channel.name);
    if (member !== undefined) this.#discard(group, member);
  }

  async groupSend(group: string, event: LayerEvent): Promise<void> {
    checkGroupName(group);
    this.#enqueue({ to: "group", name: group, event });
  }

  groupSendHere(group: string, event: LayerEvent): Promise<void> {
    return this.groupSend(group, event);
  }

  isGroupHere(group: string): boolean {
    return this.#groups.has(group);
  }

  /** Whether it is one of these. */
  hasChannel(name: string): boolean {
    return this.#channels.has(name);
  }

  stats(): ChannelLayerStats {
    return { ...this.#counters, channels: this.#channels.size, groups: this.#groups.size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#deliver();
    this.#isClosed = true;
    for (const channel of this.#channels.values()) await channel.close();
  }

  #enqueue(outgoing: Outgoing): void {
    if (this.#isClosed) return;
    this.#outgoing.push(outgoing);
    if (this.#outgoing.length === 1) queueMicrotask(() => this.#deliver());
  }

  /** Events that receivers send meanwhile start a list of their own and come after these. */
  #deliver(): void {
    const batch = this.#outgoing;
    this.#outgoing = [];
    for (const { to, name, event } of batch) {
      if (to === "group") {
        const members = this.#groups.get(name);
        // Over a copy: who leaves and joins again while it receives would stand in the set a second time.
        if (members !== undefined) for (const member of Array.from(members)) if (members.has(member)) member.accept(event);
      } else {
        const channel = this.#channels.get(name);
        if (channel === undefined) this.#counters.dropped++;
        else channel.accept(event);
      }
    }
  }

  #discard(group: string, member: MemoryChannel): void {
    member.groups.delete(group);
    const members = this.#groups.get(group);
    if (members?.delete(member) !== true || members.size > 0) return;
    this.#groups.delete(group);
    this.#onGroupEmpty(group);
  }

  #forget(channel: MemoryChannel): void {
    for (const group of channel.groups) this.#discard(group, channel);
    this.#channels.delete(channel.name);
  }
}

interface MemoryChannelOptions {
  readonly receive: Receive;
  readonly capacity: number;
  readonly counters: { delivered: number; dropped: number };
  readonly onFailure: (error: unknown) => void;
  readonly onClosed: () => void;
}

class MemoryChannel implements Channel {
  readonly name: string;
  readonly groups = new Set<string>();
  readonly #options: MemoryChannelOptions;
  /** Present only while the receiver is busy: most channels never have one. */
  #inbox: LayerEvent[] | undefined;
  #droppedHere = 0;
  #isClosed = false;

  constructor(name: string, options: MemoryChannelOptions) {
    this.name = name;
    this.#options = options;
  }

  isIn(group: string): boolean {
    return this.groups.has(group);
  }

  accept(event: LayerEvent): void {
    if (this.#isClosed) return;
    if (this.#inbox === undefined) {
      const pending = this.#hand(event);
      if (pending !== undefined) {
        this.#inbox = [];
        void this.#work(pending);
      }
    } else if (this.#inbox.length < this.#options.capacity) {
      this.#inbox.push(event);
    } else {
      this.#droppedHere++;
      this.#options.counters.dropped++;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inbox = undefined;
    this.#options.onClosed();
  }

  /** Runs while the receiver is busy; never rejects. */
  async #work(first: Promise<void>): Promise<void> {
    await first;
    for (let event = this.#inbox?.shift(); event !== undefined; event = this.#inbox?.shift()) await this.#hand(event);
    if (this.#droppedHere > 0 && !this.#isClosed) {
      // After what came before the loss, before what comes after it.
      const dropped: LayerDropped = { type: "layer.dropped", count: this.#droppedHere };
      this.#droppedHere = 0;
      await this.#hand(dropped);
      return this.#work(Promise.resolve());
    }
    this.#inbox = undefined;
  }

  /** One event to the receiver; a promise, which does not reject, only if the receiver went on asynchronously. */
  #hand(event: LayerEvent): Promise<void> | undefined {
    this.#options.counters.delivered++;
    try {
      const going = this.#options.receive(event);
      return going instanceof Promise ? going.catch(this.#options.onFailure) : undefined;
    } catch (error) {
      this.#options.onFailure(error);
      return undefined;
    }
  }
}
