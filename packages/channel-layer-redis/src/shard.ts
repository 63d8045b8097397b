/**
 * Two connections to one Redis, for publishing and for listening (a connection that listens says nothing else). They live and end together.
 *
 * Whether they carry anything is seen by a beat that this node publishes to itself: it goes the whole way, so a server that stands
 * still, and a connection that is half dead, are found as well as one that was closed.
 */
import type { Clock, Timer } from "@suda/protocol";
import type { RedisCredentials, RedisEndpoint } from "./redis-address.ts";
import { destroyClient, isRedirection, newRedisClient, type RedisClient } from "./redis-client.ts";

export interface ShardOptions {
  readonly endpoint: RedisEndpoint;
  readonly credentials: RedisCredentials;
  readonly isTls: boolean;
  /** Pub/sub by slots. */
  readonly isSharded: boolean;
  /** Of what may wait for an answer: one of so many shards. */
  readonly share: number;
  readonly clock: Clock;
  readonly beat: Buffer;
  readonly onMessage: (name: string, message: Buffer) => void;
  /** Once, and not after {@link Shard.close}. */
  readonly onLost: (cause: unknown) => void;
  /** A slot is not here, or not here any more. */
  readonly onMoved: (name: string | undefined) => void;
}

/** Published, and not yet taken by Redis: when either is reached, further ones are lost at once. Shared among all shards. */
const maxUnansweredMessages = 20_000;
const maxUnansweredBytes = 33_554_432;
const connectTimeoutMs = 5_000;
const beatEveryMs = 2_000;
/** Two beats that did not come. */
const silenceMs = 6_000;

export class Shard {
  readonly endpoint: RedisEndpoint;
  readonly #options: ShardOptions;
  readonly #publisher: RedisClient;
  readonly #subscriber: RedisClient;
  #state: "new" | "connected" | "ended" = "new";
  #beatName: string | undefined;
  #beatTimer: Timer | undefined;
  #heardAt = 0;
  #unanswered = 0;
  #unansweredBytes = 0;
  #idle: (() => void) | undefined;

  constructor(options: ShardOptions) {
    this.#options = options;
    this.endpoint = options.endpoint;
    const client = { ...options, connectTimeoutMs, onLost: (cause: unknown) => this.#end(cause) };
    this.#publisher = newRedisClient(client);
    this.#subscriber = newRedisClient(client);
    this.#subscriber.on("sharded-channel-moved", (name: string) => {
      if (name === this.#beatName) this.#beatName = undefined;
      options.onMoved(name);
    });
  }

  /** Rejects when it cannot be reached; it is over then. */
  async connect(): Promise<void> {
    try {
      await Promise.all([this.#publisher.connect(), this.#subscriber.connect()]);
    } catch (error) {
      this.close();
      throw error;
    }
    if (this.#state !== "new") return this.close();
    this.#state = "connected";
  }

  get isConnected(): boolean {
    return this.#state === "connected";
  }

  /** For questions. */
  get client(): RedisClient {
    return this.#publisher;
  }

  get isIdle(): boolean {
    return this.#unanswered === 0;
  }

  /** Whether one more may go out. */
  get hasRoom(): boolean {
    const { share } = this.#options;
    return this.isConnected && this.#unanswered < maxUnansweredMessages * share && this.#unansweredBytes < maxUnansweredBytes * share;
  }

  /** Never rejects; in the order of the calls. How many heard it here, `undefined` when it was lost. */
  async publish(name: string, message: Buffer): Promise<number | undefined> {
    this.#unanswered++;
    this.#unansweredBytes += message.byteLength;
    try {
      return await (this.#options.isSharded ? this.#publisher.sPublish(name, message) : this.#publisher.publish(name, message));
    } catch (error) {
      // A connection that is gone is told once and not for each message.
      if (isRedirection(error)) this.#options.onMoved(undefined);
      return undefined;
    } finally {
      this.#unanswered--;
      this.#unansweredBytes -= message.byteLength;
      if (this.#unanswered === 0) this.#idle?.();
    }
  }

  /** All in one slot where it is sharded. Resolves when Redis has confirmed all of them; rejects when it will not. */
  async subscribe(names: readonly string[]): Promise<void> {
    const { isSharded } = this.#options;
    const all = names as string[];
    await this.#orEnd(isSharded ? this.#subscriber.sSubscribe(all, this.#onHeard, true) : this.#subscriber.subscribe(all, this.#onHeard, true));
  }

  async unsubscribe(names: readonly string[]): Promise<void> {
    const all = names as string[];
    await this.#orEnd(this.#options.isSharded ? this.#subscriber.sUnsubscribe(all) : this.#subscriber.unsubscribe(all));
  }

  /** One of these names, which are of this node alone, tells from now on whether the shard lives. Resolves when it is listened to. */
  async beatOn(names: readonly string[]): Promise<void> {
    if (this.#beatName !== undefined && names.includes(this.#beatName)) return;
    const [name] = names;
    this.#beatName = name;
    this.#beatTimer?.cancel();
    if (name === undefined) return;
    this.#heardAt = this.#options.clock.monotonicMs();
    this.#beatTimer = this.#options.clock.schedule(beatEveryMs, () => this.#beat());
    try {
      await this.subscribe([name]);
    } catch (error) {
      if (this.#beatName === name) this.#beatName = undefined;
      throw error;
    }
  }

  /** Resolves when what was published has been taken, or after a while. */
  async drain(withinMs: number): Promise<void> {
    if (this.isIdle || !this.isConnected) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.schedule(withinMs, resolve);
      this.#idle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  close(): void {
    this.#state = "ended";
    this.#beatTimer?.cancel();
    destroyClient(this.#publisher);
    destroyClient(this.#subscriber);
  }

  readonly #onHeard = (message: Buffer, channel: Buffer): void => {
    if (!this.isConnected) return;
    const name = channel.toString("latin1");
    if (name === this.#beatName) this.#heardAt = this.#options.clock.monotonicMs();
    else this.#options.onMessage(name, message);
  };

  #beat(): void {
    const { clock, beat } = this.#options;
    if (!this.isConnected || this.#beatName === undefined) return;
    if (clock.monotonicMs() - this.#heardAt > silenceMs) return this.#end(new Error(`Nothing was heard of it for ${silenceMs / 1_000} s.`));
    void this.publish(this.#beatName, beat);
    this.#beatTimer = clock.schedule(beatEveryMs, () => this.#beat());
  }

  #end(cause: unknown): void {
    // One that fails while it is made rejects `connect`.
    if (!this.isConnected) return;
    this.close();
    this.#options.onLost(cause);
  }

  /** A refusal (of an ACL, say) ends it as well: a node that only thinks that it listens is worse than one that says it does not. */
  async #orEnd(going: Promise<unknown>): Promise<void> {
    try {
      await going;
    } catch (error) {
      if (isRedirection(error)) this.#options.onMoved(undefined);
      else this.#end(error);
      throw error;
    }
  }
}
