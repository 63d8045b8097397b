/**
 * Two connections to one Redis, for publishing and for listening (a connection that listens says nothing else), kept
 * alive: lost, they are made again, and what was listened to before is again.
 *
 * Whether they carry anything is seen by a beat that this node publishes to itself: it goes the whole way, so a server that stands
 * still, and a connection that is half dead, are found as well as one that was closed.
 */
import { createClient, ErrorReply } from "@redis/client";
import type { Clock, Timer } from "@suda/protocol";
import type { ChannelLayerLink } from "@suda/server/channel-layer";
import { RedisLayerError } from "./redis-layer-error.ts";
import { Subscriptions } from "./subscriptions.ts";

export interface RedisLinkOptions {
  /** `redis://user:password@host:6379/0`, or `rediss:` with TLS. */
  readonly url: string;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** A channel of this node alone, for the beat. */
  readonly beatChannel: string;
  readonly beat: Buffer;
  readonly onMessage: (channel: string, message: Buffer) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Published, and not yet taken by Redis: when either is reached, further ones are lost at once. */
const maxUnansweredMessages = 20_000;
const maxUnansweredBytes = 33_554_432;
const connectTimeoutMs = 5_000;
const beatEveryMs = 2_000;
/** Two beats that did not come. */
const silenceMs = 6_000;
const firstPauseMs = 100;
const maxPauseMs = 5_000;

/** What waiting does not mend. */
const refusalExpression = /^(?:WRONGPASS|NOAUTH|NOPERM)\b|\bAUTH\b|\bDB index\b/;

const nothing = Promise.resolve(undefined);

type Redis = ReturnType<typeof createClient>;

/** `lost` counts what did not go out because there was no connection, or too many waited. */
export interface RedisLinkStatus extends ChannelLayerLink {
  /** Names that this node listens to. */
  readonly subscriptions: number;
}

interface Pair {
  readonly publisher: Redis;
  readonly subscriber: Redis;
}

export class RedisLink implements RedisLinkStatus, AsyncDisposable {
  readonly #options: RedisLinkOptions;
  readonly #subscriptions: Subscriptions;
  #pair: Pair | undefined;
  #connecting: Promise<void> | undefined;
  #retry: Timer | undefined;
  #beatTimer: Timer | undefined;
  #heardAt = 0;
  #failures = 0;
  /** What others said before this connection, or between it and the one before, was not heard. */
  #isLate = false;
  readonly #restoredListeners: (() => void)[] = [];
  #isClosed = false;
  #unanswered = 0;
  #unansweredBytes = 0;
  #idle: (() => void) | undefined;
  /** Messages that did not go out. */
  lost = 0;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#subscriptions = new Subscriptions({
      subscribe: (names) => this.#subscribe(names),
      unsubscribe: (names) => this.#unsubscribe(names),
    });
    void this.#subscriptions.add(options.beatChannel);
  }

  /** When everything is listened to again; what was said meanwhile is gone. */
  onRestored(listener: () => void): void {
    this.#restoredListeners.push(listener);
  }

  get isConnected(): boolean {
    return this.#pair !== undefined;
  }

  /** What is listened to now. */
  get subscriptions(): number {
    return this.#subscriptions.active;
  }

  /** Resolves after the first try; later ones make themselves. @throws RedisLayerError refused */
  async open(): Promise<void> {
    try {
      await this.#connect();
    } catch (cause) {
      if (cause instanceof ErrorReply && refusalExpression.test(cause.message)) {
        await this[Symbol.asyncDispose]();
        throw new RedisLayerError("refused", `Redis does not let this node in: ${cause.message}`, { cause });
      }
      this.#isLate = true;
      this.#onUnreachable(cause);
    }
  }

  /** Resolves when Redis has confirmed it, or there is no connection that could: then it is made up for with the next one. */
  subscribe(name: string): Promise<void> {
    return this.#subscriptions.add(name);
  }

  unsubscribe(name: string): void {
    this.#subscriptions.remove(name);
  }

  /**
   * Never rejects; in the order of the calls. The number of nodes that heard it, `undefined` when it was lost.
   * @param write called, before this returns, if it can go out
   */
  publish(channel: string, write: () => Buffer): Promise<number | undefined> {
    const pair = this.#pair;
    if (pair === undefined || this.#unanswered >= maxUnansweredMessages || this.#unansweredBytes >= maxUnansweredBytes) {
      this.lost++;
      return nothing;
    }
    return this.#send(pair, channel, write());
  }

  async #send(pair: Pair, channel: string, message: Buffer): Promise<number | undefined> {
    this.#unanswered++;
    this.#unansweredBytes += message.byteLength;
    try {
      return await pair.publisher.publish(channel, message);
    } catch {
      // The connection is gone, which is told once and not for each message.
      this.lost++;
      return undefined;
    } finally {
      this.#unanswered--;
      this.#unansweredBytes -= message.byteLength;
      if (this.#unanswered === 0) this.#idle?.();
    }
  }

  /** What was published is let out for a second; then both connections end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#retry?.cancel();
    this.#beatTimer?.cancel();
    if (this.#unanswered > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.schedule(1_000, resolve);
        this.#idle = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    this.#drop();
    await this.#connecting?.catch(() => {});
  }

  async #connect(): Promise<void> {
    const pair: Pair = { publisher: this.#newClient(), subscriber: this.#newClient() };
    const { publisher, subscriber } = pair;
    for (const client of [publisher, subscriber]) {
      client.on("error", (error: unknown) => this.#onLost(pair, error));
      client.on("end", () => this.#onLost(pair, new Error("The connection ended.")));
    }
    try {
      await Promise.all([publisher.connect(), subscriber.connect()]);
      if (this.#isClosed) throw new Error("The layer is closed.");
    } catch (error) {
      destroy(pair);
      throw error;
    }
    this.#pair = pair;
    this.#heardAt = this.#options.clock.monotonicMs();
    this.#failures = 0;
    this.#beatTimer = this.#options.clock.schedule(beatEveryMs, () => this.#beat(pair));
    await this.#subscriptions.restore();
    if (this.#pair !== pair) return;
    const isLate = this.#isLate;
    this.#isLate = true;
    if (isLate) for (const listener of this.#restoredListeners) listener();
  }

  #newClient(): Redis {
    const { url } = this.#options;
    // Its own coming back would listen again one name at a time, and would queue what is published meanwhile.
    return createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false, connectTimeout: connectTimeoutMs, noDelay: true } });
  }

  #beat(pair: Pair): void {
    if (this.#pair !== pair) return;
    const { clock, beat, beatChannel } = this.#options;
    if (clock.monotonicMs() - this.#heardAt > silenceMs) return this.#onLost(pair, new Error(`Nothing was heard of Redis for ${silenceMs / 1_000} s.`));
    void this.publish(beatChannel, () => beat);
    this.#beatTimer = clock.schedule(beatEveryMs, () => this.#beat(pair));
  }

  #onLost(pair: Pair, cause: unknown): void {
    if (this.#pair !== pair || this.#isClosed) return;
    this.#drop();
    this.#options.onFailure(
      new RedisLayerError("lost", `The connection to Redis is lost: ${messageOf(cause)} Nodes do not hear each other until it is back.`, { cause }),
    );
    this.#retryLater();
  }

  #drop(): void {
    const pair = this.#pair;
    this.#pair = undefined;
    this.#beatTimer?.cancel();
    this.#subscriptions.lose();
    if (pair !== undefined) destroy(pair);
  }

  /** After a random time below a bound that doubles: all nodes lost it in the same moment. */
  #retryLater(): void {
    const { clock, random } = this.#options;
    const pauseMs = random() * Math.min(maxPauseMs, firstPauseMs * 2 ** this.#failures++);
    this.#retry = clock.schedule(pauseMs, () => {
      if (this.#isClosed) return;
      this.#connecting = this.#connect().catch((cause: unknown) => {
        if (!this.#isClosed) this.#onUnreachable(cause);
      });
    });
  }

  /** Said now and then, and not each time. */
  #onUnreachable(cause: unknown): void {
    if (this.#failures % 10 === 0)
      this.#options.onFailure(new RedisLayerError("unreachable", `Redis cannot be reached: ${messageOf(cause)} Nodes do not hear each other.`, { cause }));
    this.#retryLater();
  }

  async #subscribe(names: readonly string[]): Promise<void> {
    const { onMessage, beatChannel, clock } = this.#options;
    const pair = this.#pair;
    if (pair === undefined) return;
    const onHeard = (message: Buffer, channel: Buffer): void => {
      if (this.#pair !== pair) return;
      const name = channel.toString("latin1");
      if (name === beatChannel) this.#heardAt = clock.monotonicMs();
      onMessage(name, message);
    };
    await this.#orLose(pair, pair.subscriber.subscribe(names as string[], onHeard, true));
  }

  async #unsubscribe(names: readonly string[]): Promise<void> {
    const pair = this.#pair;
    if (pair !== undefined) await this.#orLose(pair, pair.subscriber.unsubscribe(names as string[]));
  }

  /** A refusal (of an ACL, say) ends the connection as well: a node that only thinks that it listens is worse than one that says it does not. */
  async #orLose(pair: Pair, going: Promise<unknown>): Promise<void> {
    try {
      await going;
    } catch (error) {
      this.#onLost(pair, error);
      throw error;
    }
  }
}

function destroy({ publisher, subscriber }: Pair): void {
  for (const client of [publisher, subscriber]) if (client.isOpen) client.destroy();
}

/** A sentence. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.endsWith(".") ? message : `${message}.`;
}
