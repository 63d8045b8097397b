/**
 * What is between the nodes: the shards of Redis, found and kept. Each lane of topics is with the shard that has its slot; a shard that is lost
 * takes its lanes with it and the others go on, until it is back, or another has its slots. Without sharding there is one lane, with one Redis.
 *
 * Who is to be spoken to is asked when a connection is lost, when Redis says that a slot is elsewhere, and every ten seconds: a master
 * that was replaced behind a partition answers as before, and is heard by nobody.
 */
import type { Clock, Timer } from "@suda/protocol";
import type { ChannelLayerLink } from "@suda/server/channel-layer";
import { channelName, laneCount, laneOf, laneOfName, slotOfLane, topicOf } from "./lanes.ts";
import { nameOf, type RedisAddress } from "./redis-address.ts";
import { isRefusal, messageOf } from "./redis-client.ts";
import { RedisLayerError } from "./redis-layer-error.ts";
import { Shard } from "./shard.ts";
import { Subscriptions } from "./subscriptions.ts";
import { NotMaster, TopologyReader, type Topology } from "./topology.ts";

export interface RedisLinkOptions {
  readonly address: RedisAddress;
  /** In front of every name in Redis. */
  readonly prefix: string;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** A topic of this node alone, that nobody else listens to. */
  readonly beatTopic: string;
  readonly beat: Buffer;
  readonly onMessage: (topic: string, message: Buffer) => void;
  readonly onFailure: (error: unknown) => void;
}

export interface RedisLinkStatus extends ChannelLayerLink {
  /** Names that this node listens to. */
  readonly subscriptions: number;
}

const firstPauseMs = 100;
const maxPauseMs = 5_000;
const recheckMs = 10_000;
/** After Redis said that a slot is elsewhere: what it says of one it will say of many. */
const movedPauseMs = 200;
const drainMs = 1_000;
const nothing = Promise.resolve(undefined);

interface Lane {
  readonly subscriptions: Subscriptions;
  /** Has its slot, as far as is known: {@link nameOf} of it. */
  owner: string | undefined;
  shard: Shard | undefined;
  isRestored: boolean;
  /** Something may have been missed since it was listened to last. */
  isLate: boolean;
  /** Connections that it was on and left. They are not used again: what @redis/client thinks of their subscriptions need not be so. */
  left: WeakSet<Shard>;
}

export class RedisLink implements RedisLinkStatus, AsyncDisposable {
  readonly #options: RedisLinkOptions;
  readonly #reader: TopologyReader;
  readonly #shards = new Map<string, Shard>();
  #lanes: readonly Lane[];
  #isSharded = false;
  /** What is published is heard beyond the Redis that takes it. */
  #isWide = false;
  /** Resolves when what was found last is connected, or could not be. */
  #settling: Promise<unknown> = Promise.resolve();
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  #isRefreshing = false;
  #isStale = false;
  #failures = 0;
  readonly #restoredListeners: (() => void)[] = [];
  #isOpened = false;
  #isClosed = false;
  /** Messages that did not go out. */
  lost = 0;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#reader = new TopologyReader(options);
    this.#lanes = this.#newLanes(1);
  }

  /** When what was not listened to for a while is again; what was said meanwhile is gone. In a Cluster, of any part of it. */
  onRestored(listener: () => void): void {
    this.#restoredListeners.push(listener);
  }

  /** Whether everything that is wanted is listened to. */
  get isConnected(): boolean {
    return this.#lanes.every(({ isRestored }) => isRestored);
  }

  /** What is listened to now. */
  get subscriptions(): number {
    return this.#lanes.reduce((sum, { subscriptions }) => sum + subscriptions.active, 0);
  }

  /** Resolves after the first try; later ones make themselves. @throws RedisLayerError refused */
  async open(): Promise<void> {
    const refusal = await this.#refresh();
    await this.#settling;
    this.#isOpened = true;
    for (const lane of this.#lanes) if (!lane.isRestored) lane.isLate = true;
    if (refusal === undefined) return;
    await this[Symbol.asyncDispose]();
    throw new RedisLayerError("refused", `Redis does not let this node in: ${messageOf(refusal)}`, { cause: refusal });
  }

  /** Resolves when Redis has confirmed it, or there is no connection that could: then it is made up for with the next one. */
  subscribe(topic: string): Promise<void> {
    return this.#lane(topic).subscriptions.add(topic);
  }

  unsubscribe(topic: string): void {
    this.#lane(topic).subscriptions.remove(topic);
  }

  /**
   * Never rejects; in the order of the calls. The number of nodes that heard it, `undefined` when it was lost.
   * @param write called, before this returns, if it can go out
   */
  publish(topic: string, write: () => Buffer): Promise<number | undefined> {
    const index = this.#index(topic);
    const shard = this.#lanes[index]?.shard;
    if (shard?.hasRoom !== true) {
      this.lost++;
      return nothing;
    }
    return this.#counted(shard.publish(this.#nameOf(index, topic), write()));
  }

  /** What was published is let out for a second; then all connections end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.timer.cancel();
    await Promise.all([...this.#shards.values()].map((shard) => shard.drain(drainMs)));
    for (const lane of this.#lanes) detach(lane);
    for (const shard of this.#shards.values()) shard.close();
    this.#shards.clear();
    await this.#settling;
  }

  // ── topics and lanes ────────────────────────────────────────────────────────────────────────────────

  #index(topic: string): number {
    return this.#isSharded ? laneOf(topic) : 0;
  }

  #lane(topic: string): Lane {
    return this.#lanes[this.#index(topic)] as Lane;
  }

  #nameOf(lane: number, topic: string): string {
    return channelName(this.#options.prefix, this.#isSharded ? lane : undefined, topic);
  }

  #newLanes(count: number): Lane[] {
    return Array.from({ length: count }, (_, index) => {
      const subscriptions = new Subscriptions({
        subscribe: (topics) => subscribed(lane, (shard) => shard.subscribe(topics.map((topic) => this.#nameOf(index, topic)))),
        unsubscribe: (topics) => subscribed(lane, (shard) => shard.unsubscribe(topics.map((topic) => this.#nameOf(index, topic)))),
      });
      const lane: Lane = { subscriptions, owner: undefined, shard: undefined, isRestored: false, isLate: this.#isOpened, left: new WeakSet() };
      return lane;
    });
  }

  /** Redis shards now, or does not any more: another Redis stands behind the address than before. */
  #setSharded(isSharded: boolean): void {
    if (isSharded === this.#isSharded) return;
    for (const lane of this.#lanes) detach(lane);
    for (const shard of this.#shards.values()) shard.close();
    this.#shards.clear();
    const topics = this.#lanes.flatMap(({ subscriptions }) => [...subscriptions.wanted]);
    this.#isSharded = isSharded;
    this.#lanes = this.#newLanes(isSharded ? laneCount : 1);
    for (const topic of topics) void this.subscribe(topic);
  }

  async #counted(going: Promise<number | undefined>): Promise<number | undefined> {
    const receivers = await going;
    if (receivers === undefined) this.lost++;
    // A Cluster that does not shard carries it on to its other nodes, and counts those of one.
    return this.#isWide ? undefined : receivers;
  }

  // ── who is to be spoken to ──────────────────────────────────────────────────────────────────────────

  /** Asks now. Never rejects. @returns at the first time: why Redis does not let this node in, if that is so */
  async #refresh(): Promise<unknown> {
    if (this.#isClosed) return undefined;
    if (this.#isRefreshing) {
      this.#isStale = true;
      return undefined;
    }
    this.#isRefreshing = true;
    this.#isStale = false;
    try {
      const connected = [...this.#shards.values()].filter((shard) => shard.isConnected);
      const topology = await this.#reader.read(connected);
      if (!this.#isClosed) this.#settling = this.#settle(topology);
      this.#schedule(recheckMs);
      return undefined;
    } catch (cause) {
      if (this.#isClosed) return undefined;
      if (!this.#isOpened && isRefusal(cause)) return cause;
      this.#onUnreachable(cause);
      return undefined;
    } finally {
      this.#isRefreshing = false;
      if (this.#isStale) this.#schedule(movedPauseMs);
    }
  }

  /** Lanes go to where their slots are. Resolves when those of shards that can be reached are listened to. */
  async #settle({ kind, isSharded, masters }: Topology): Promise<void> {
    this.#setSharded(isSharded);
    this.#isWide = kind === "cluster" && !isSharded;
    for (const [index, lane] of this.#lanes.entries()) {
      const slot = slotOfLane(index);
      const master = isSharded ? masters.find(({ ranges }) => ranges.some(([first, last]) => first <= slot && slot <= last)) : masters[0];
      lane.owner = master === undefined ? undefined : nameOf(master.endpoint);
      if (lane.shard !== undefined && nameOf(lane.shard.endpoint) !== lane.owner) detach(lane);
    }
    const owners = new Set(this.#lanes.map(({ owner }) => owner));
    for (const [name, shard] of this.#shards) {
      if (owners.has(name)) continue;
      this.#shards.delete(name);
      shard.close();
    }
    const going: Promise<void>[] = [];
    for (const { endpoint } of masters) {
      const name = nameOf(endpoint);
      if (!owners.has(name)) continue;
      const shard = this.#shards.get(name);
      if (shard === undefined) going.push(this.#connect(endpoint, owners.size));
      else if (shard.isConnected) going.push(this.#attach(shard));
    }
    await Promise.all(going);
  }

  /** Never rejects. */
  async #connect(endpoint: Shard["endpoint"], count: number): Promise<void> {
    const { address, clock, beat, prefix, onMessage } = this.#options;
    const name = nameOf(endpoint);
    const shard: Shard = new Shard({
      ...address,
      endpoint,
      isSharded: this.#isSharded,
      share: 1 / count,
      clock,
      beat,
      onMessage: (channel, message) => onMessage(topicOf(prefix, this.#isSharded, channel), message),
      onLost: (cause) => this.#onLost(shard, cause),
      onMoved: (channel) => this.#onMoved(shard, channel),
    });
    this.#shards.set(name, shard);
    try {
      await shard.connect();
    } catch (cause) {
      if (this.#shards.get(name) !== shard) return;
      this.#shards.delete(name);
      if (!this.#isClosed) this.#onUnreachable(cause);
      return;
    }
    if (this.#shards.get(name) === shard && shard.isConnected) await this.#attach(shard);
  }

  /** All lanes of a shard that are with none. Never rejects. */
  async #attach(shard: Shard): Promise<void> {
    const name = nameOf(shard.endpoint);
    const lanes = this.#lanes.filter((lane) => lane.owner === name && lane.shard === undefined);
    if (lanes.some((lane) => lane.left.has(shard))) return this.#replace(shard);
    for (const lane of lanes) lane.shard = shard;
    const beats = this.#lanes.flatMap((lane, index) => (lane.shard === shard ? [this.#nameOf(index, this.#options.beatTopic)] : []));
    try {
      await shard.beatOn(beats);
    } catch {
      // It is lost, or the slot moved, and either is told.
    }
    await Promise.all(
      lanes.map(async (lane) => {
        if (lane.shard !== shard) return;
        await lane.subscriptions.restore();
        if (lane.shard === shard) lane.isRestored = true;
      }),
    );
    const restored = lanes.filter((lane) => lane.shard === shard && lane.isRestored);
    if (this.isConnected) this.#failures = 0;
    const isLate = restored.some((lane) => lane.isLate);
    for (const lane of restored) lane.isLate = false;
    if (this.#isOpened && isLate && !this.#isClosed) this.#tellRestored();
  }

  #tellRestored(): void {
    for (const listener of this.#restoredListeners) {
      try {
        listener();
      } catch (error) {
        this.#options.onFailure(error);
      }
    }
  }

  #replace(shard: Shard): void {
    this.#forget(shard);
    shard.close();
    this.#schedule(movedPauseMs);
  }

  #forget(shard: Shard): void {
    const name = nameOf(shard.endpoint);
    if (this.#shards.get(name) === shard) this.#shards.delete(name);
    for (const lane of this.#lanes) if (lane.shard === shard) detach(lane);
  }

  #onLost(shard: Shard, cause: unknown): void {
    const wasHeard = this.#lanes.some((lane) => lane.shard === shard && lane.isRestored);
    this.#forget(shard);
    if (this.#isClosed) return;
    const message = `The connection to Redis at ${nameOf(shard.endpoint)} is lost: ${messageOf(cause)} Nodes do not hear each other until it is back.`;
    // One that never came so far, because this user may not listen, is said now and then.
    if (wasHeard || this.#failures % 10 === 0) this.#options.onFailure(new RedisLayerError("lost", message, { cause }));
    this.#retryLater();
  }

  /** @param channel that Redis ended by itself; `undefined` where it only said that it is elsewhere */
  #onMoved(shard: Shard, channel: string | undefined): void {
    if (this.#isClosed) return;
    const lane = channel === undefined ? undefined : this.#lanes[laneOfName(this.#options.prefix, channel) ?? -1];
    if (lane?.shard === shard) detach(lane);
    this.#schedule(movedPauseMs);
  }

  /** Said now and then, and not each time. */
  #onUnreachable(cause: unknown): void {
    // It answers, and is the wrong one: what is said there is heard by nobody.
    if (cause instanceof NotMaster) for (const shard of this.#shards.values()) this.#replace(shard);
    // Those who would know cannot be asked, and nothing is missing.
    else if (this.isConnected) return this.#schedule(recheckMs);
    if (this.#failures % 10 === 0)
      this.#options.onFailure(new RedisLayerError("unreachable", `Redis cannot be reached: ${messageOf(cause)} Nodes do not hear each other.`, { cause }));
    this.#retryLater();
  }

  /** After a random time below a bound that doubles: all nodes lost it in the same moment. */
  #retryLater(): void {
    this.#schedule(this.#options.random() * Math.min(maxPauseMs, firstPauseMs * 2 ** this.#failures++));
  }

  /** Sooner, if it is planned already. */
  #schedule(afterMs: number): void {
    if (this.#isClosed) return;
    const { clock } = this.#options;
    const at = clock.monotonicMs() + afterMs;
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.#timer?.timer.cancel();
    const timer = clock.schedule(afterMs, () => {
      this.#timer = undefined;
      void this.#refresh();
    });
    this.#timer = { at, timer };
  }
}

/** A slot that went elsewhere takes its lane with it. Without a shard nobody asks. */
async function subscribed(lane: Lane, use: (shard: Shard) => Promise<void>): Promise<void> {
  const { shard } = lane;
  try {
    if (shard !== undefined) await use(shard);
  } catch (error) {
    if (lane.shard === shard) detach(lane);
    throw error;
  }
}

function detach(lane: Lane): void {
  if (lane.shard === undefined) return;
  lane.left.add(lane.shard);
  lane.shard = undefined;
  lane.isRestored = false;
  lane.isLate = true;
  lane.subscriptions.lose();
}
