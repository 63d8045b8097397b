/**
 * The channel layer of several nodes: Redis pub/sub between them, and within a node the memory layer. ⑧ of the path of a
 * message. Rules L1… of docs/contracts/channel-layer.md.
 *
 * An event goes to the channels of this node at once and as it is, and to the other nodes by Redis; so whoever is on one node
 * talks on while Redis is away. A node listens to a group while it has a member of it, and decodes an event once for all of them.
 * What Redis loses (it keeps nothing) is in the logs.
 *
 * The idea of a subscription per group is that of the channels_redis pub/sub layer and of Socket.IO's Redis adapter.
 */
import { randomBytes } from "node:crypto";
import { systemClock, systemRandom, type Clock } from "@suda/protocol";
import {
  checkGroupName,
  MemoryChannelLayer,
  type Channel,
  type ChannelLayer,
  type ChannelLayerStats,
  type LayerEvent,
  type Receive,
} from "@suda/server/channel-layer";
import { isFrom, readAddressed, readEvent, writeMessage } from "./layer-message.ts";
import { parseRedisUrl } from "./redis-address.ts";
import { RedisLayerError } from "./redis-layer-error.ts";
import { RedisLink, type RedisLinkStatus } from "./redis-link.ts";

export interface RedisChannelLayerOptions {
  /** As {@link parseRedisUrl} takes it: `redis://user:password@host:6379`, several hosts of a Cluster, `redis+sentinel://s1,s2/mymaster`. */
  readonly url: string;
  /** In front of every name in Redis: systems that share a Redis have different ones. 1–40 of `A–Z a–z 0–9 . _ -`; default `suda`. */
  readonly prefix?: string;
  /** Events that wait for one channel whose receiver is busy, 1…; default 1,000. */
  readonly inboxCapacity?: number;
  /** Gets what receivers throw (L8), and a {@link RedisLayerError} when Redis is lost. Default: ignored. */
  readonly onFailure?: (error: unknown) => void;
  readonly clock?: Clock;
}

const prefixExpression = /^[A-Za-z0-9._-]{1,40}$/;
/** What is said to a group, to the channels of a node, and by a node to itself. */
const [groupTopic, nodeTopic, beatTopic] = ["g:", "n:", "b:"] as const;
const beatType = "layer.beat";

export class RedisChannelLayer implements ChannelLayer {
  readonly #local: MemoryChannelLayer;
  readonly #link: RedisLink;
  readonly #onFailure: (error: unknown) => void;
  /** Twelve characters; also in front of the names of this node's channels. */
  readonly #node: string;
  #isClosed = false;
  #dropped = 0;
  #foreign = 0;

  private constructor(options: RedisChannelLayerOptions) {
    const { url, prefix = "suda", clock = systemClock, onFailure = () => {} } = options;
    if (!prefixExpression.test(prefix)) throw new TypeError(`A prefix is 1–40 of A–Z a–z 0–9 . _ -; got ${JSON.stringify(prefix.slice(0, 80))}.`);
    this.#onFailure = onFailure;
    this.#node = randomBytes(9).toString("base64url");
    this.#local = new MemoryChannelLayer({
      node: this.#node,
      onFailure,
      ...(options.inboxCapacity === undefined ? {} : { inboxCapacity: options.inboxCapacity }),
      // The first member subscribes in groupAdd, which must wait for it.
      onGroupEmpty: (group) => this.#link.unsubscribe(groupTopic + group),
    });
    this.#link = new RedisLink({
      address: parseRedisUrl(url),
      prefix,
      clock,
      random: () => systemRandom.float(),
      beatTopic: beatTopic + this.#node,
      beat: writeMessage(this.#node, { type: beatType }),
      onMessage: (topic, message) => this.#onMessage(topic, message),
      onFailure,
    });
    void this.#link.subscribe(nodeTopic + this.#node);
  }

  /**
   * Resolves after the first try. A Redis that is not there yet is told to `onFailure`, and then everything is as after a loss: the node works, and
   * joins the others when it is there. @throws RedisLayerError refused: user or password are wrong; TypeError for what is no address or prefix
   */
  static async open(options: RedisChannelLayerOptions): Promise<RedisChannelLayer> {
    const layer = new RedisChannelLayer(options);
    await layer.#link.open();
    return layer;
  }

  open(receive: Receive): Channel {
    return this.#local.open(receive);
  }

  async send(channel: string, event: LayerEvent): Promise<void> {
    if (this.#isClosed) return;
    const node = channel.slice(0, this.#node.length);
    if (node === this.#node) return this.#local.send(channel, event);
    void this.#countDropped(this.#publish(nodeTopic + node, [channel, event]));
  }

  async groupAdd(group: string, channel: Channel): Promise<void> {
    await this.#local.groupAdd(group, channel);
    if (this.#local.isGroupHere(group)) await this.#link.subscribe(groupTopic + group);
  }

  groupDiscard(group: string, channel: Channel): Promise<void> {
    return this.#local.groupDiscard(group, channel);
  }

  async groupSend(group: string, event: LayerEvent): Promise<void> {
    checkGroupName(group);
    if (this.#isClosed) return;
    void this.#local.groupSend(group, event);
    void this.#publish(groupTopic + group, event);
  }

  async groupSendHere(group: string, event: LayerEvent): Promise<void> {
    await this.#local.groupSend(group, event);
  }

  isGroupHere(group: string): boolean {
    return this.#local.isGroupHere(group);
  }

  stats(): ChannelLayerStats {
    const local = this.#local.stats();
    return { ...local, dropped: local.dropped + this.#dropped };
  }

  /** How it stands with Redis. */
  get link(): RedisLinkStatus {
    return this.#link;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#local[Symbol.asyncDispose]();
    await this.#link[Symbol.asyncDispose]();
  }

  /** Never rejects. The number of nodes that heard it, `undefined` when it was lost. Encodes nothing that would be lost anyway. */
  #publish(name: string, value: LayerEvent | readonly [channel: string, event: LayerEvent]): Promise<number | undefined> {
    return this.#link.publish(name, () => writeMessage(this.#node, value));
  }

  async #countDropped(receivers: Promise<number | undefined>): Promise<void> {
    if ((await receivers) === 0) this.#dropped++;
  }

  #onMessage(topic: string, message: Buffer): void {
    // What this node said, its channels have had.
    if (isFrom(message, this.#node)) return;
    if (topic.startsWith(groupTopic)) {
      const event = readEvent(message);
      if (event === undefined) this.#onForeign(topic);
      else void this.#local.groupSend(topic.slice(groupTopic.length), event);
      return;
    }
    const addressed = readAddressed(message);
    if (addressed === undefined) this.#onForeign(topic);
    else void this.#local.send(...addressed);
  }

  /** Another program under our names, or a newer version of this one. */
  #onForeign(topic: string): void {
    if (this.#foreign++ % 1_000 > 0) return;
    this.#onFailure(
      new RedisLayerError("foreign", `What came for ${topic} is of no version that this node knows. Systems that share a Redis need a prefix each.`),
    );
  }
}
