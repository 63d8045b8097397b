/**
 * What one node of several does so that the layer may lose anything (promise 13): it compares what its connections were told with
 * the store, at a slow beat and at once when the layer's link is restored. See {@link HeadWatch} and {@link MembershipWatch}.
 *
 * A beat reads one record for each conversation and each user with a connection here, at most {@link NodeWatchOptions.recordsPerSecond}:
 * up to 5,000 of them nothing is late by more than five seconds, also while there is no link; beyond, in proportion.
 */
import type { Clock, Timer } from "@suda/protocol";
import type { ChannelLayer, ChannelLayerLink } from "../../channel-layer/channel-layer.ts";
import { inParallel } from "../../store/in-parallel.ts";
import type { Store } from "../../store/store.ts";
import { HeadWatch, type WatchCount } from "./head-watch.ts";
import { MembershipWatch } from "./membership-watch.ts";

export interface NodeWatchOptions {
  readonly store: Pick<Store, "log" | "conversations">;
  readonly layer: ChannelLayer;
  readonly link: ChannelLayerLink;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
  readonly count: (what: WatchCount, count: number) => void;
  /** Between the end of one beat and the next, 100…; default 2,000. */
  readonly beatMs?: number;
  /** Default 5,000. */
  readonly recordsPerSecond?: number;
}

/** What is on its way arrives within this; only what has not come then is missing. */
const flightMs = 500;
/** Logs that are read at once: while there is no link all that is written at other nodes is read here. */
const parallelLogs = 16;

export class NodeWatch implements AsyncDisposable {
  readonly heads: HeadWatch;
  readonly memberships: MembershipWatch;
  readonly #options: NodeWatchOptions;
  #timer: Timer | undefined;
  #beating: Promise<void> | undefined;
  #isStopped = false;
  /** The link was restored, and no beat has begun since. */
  #isRestored = false;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.heads = new HeadWatch(options);
    this.memberships = new MembershipWatch(options);
    options.link.onRestored(() => this.#onRestored());
    this.#scheduleNext();
  }

  /** Resolves when the beat under way has ended. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#beating;
    this.heads.close();
    this.memberships.close();
  }

  #onRestored(): void {
    this.#isRestored = true;
    if (!this.#isStopped && this.#beating === undefined) this.#beat();
  }

  #scheduleNext(): void {
    if (!this.#isStopped) this.#timer = this.#options.clock.schedule(this.#options.beatMs ?? 2_000, () => this.#beat());
  }

  #beat(): void {
    this.#timer?.cancel();
    this.#beating = this.#compare()
      .catch(this.#options.onFailure)
      .finally(() => {
        this.#beating = undefined;
        // During a beat, which may have looked before.
        if (this.#isRestored && !this.#isStopped) this.#beat();
        else this.#scheduleNext();
      });
  }

  async #compare(): Promise<void> {
    const { link, onFailure } = this.#options;
    const isRestored = this.#isRestored;
    this.#isRestored = false;
    const pause = (records: number): Promise<void> => this.#pause((records * 1_000) / (this.#options.recordsPerSecond ?? 5_000));
    const users = await this.memberships.compare(pause);
    const heads = await this.heads.compare(pause);
    if (isRestored) this.memberships.doubtPresence();
    if (heads.size === 0 && users.size === 0) return;
    if (link.isConnected) await this.#pause(flightMs);
    // First the logs: what a setting says of a message is understood when the message is known.
    await inParallel([...heads], parallelLogs, async ([id, head]) => {
      if (!this.#isStopped) await this.heads.catchUp(id, head).catch(onFailure);
    });
    for (const [user, memberships] of users) this.memberships.catchUp(user, memberships);
  }

  #pause(ms: number): Promise<void> {
    return this.#isStopped ? Promise.resolve() : new Promise((resolve) => this.#options.clock.schedule(ms, resolve));
  }
}
