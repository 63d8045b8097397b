/**
 * How many requests one receiver gets at once, and when none. One more with each success, half with each failure: a
 * slow or dead receiver soon has a single request under way, and takes no connections from others. When several
 * conversations have failed and none has succeeded, it counts as down: one attempt at a time, with growing pauses of at most
 * a minute, so that one that comes back is noticed within that time.
 */
import type { Clock, ConversationId, Random } from "@suda/protocol";
import { backOffMs } from "./retries.ts";

export interface PaceOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Requests at once when all is well. */
  readonly maxAtOnce: number;
}

/** Different conversations that fail in a row until the receiver counts as down. */
const failingUntilDown = 4;
const pauseMaxMs = 60_000;
/** How long one `Retry-After` of a 429 holds up everything. */
const askedPauseMaxMs = 600_000;

export class Pace {
  readonly #options: PaceOptions;
  readonly #failing = new Set<ConversationId>();
  #limit: number;
  #failures = 0;
  /** On the monotonic clock. */
  #pausedUntil = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#limit = Math.min(4, options.maxAtOnce);
  }

  get atOnce(): number {
    return this.#options.clock.monotonicMs() < this.#pausedUntil ? 0 : this.#limit;
  }

  get isDown(): boolean {
    return this.#failing.size >= failingUntilDown;
  }

  /** @returns whether it had counted as down: what waits may go on at once */
  succeeded(): boolean {
    const wasDown = this.isDown;
    this.#failing.clear();
    this.#failures = 0;
    this.#limit = Math.min(this.#limit + 1, this.#options.maxAtOnce);
    return wasDown;
  }

  /** @returns for how long nothing is to be begun, 0 for no pause */
  failed(conversation: ConversationId, retryAfterMs = 0): number {
    const { clock, random } = this.#options;
    // Bounded: beyond the number it says no more.
    if (!this.isDown) this.#failing.add(conversation);
    this.#failures++;
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
    if (this.isDown) this.#limit = 1;
    const pauseMs = Math.max(Math.min(retryAfterMs, askedPauseMaxMs), this.isDown ? backOffMs(this.#failures - failingUntilDown + 1, random, pauseMaxMs) : 0);
    if (pauseMs > 0) this.#pausedUntil = clock.monotonicMs() + pauseMs;
    return pauseMs;
  }
}
