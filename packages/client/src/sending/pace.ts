/**
 * A token bucket: sends stay below what a server takes of one user (200 at once, 50 a second), because a
 * refusal in the middle of a pipeline would let later messages overtake the refused one.
 */
import type { Clock } from "@suda/protocol";

const burst = 50;
const perSecond = 40;

export class Pace {
  readonly #clock: Clock;
  #left = burst;
  #countedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#countedAtMs = clock.monotonicMs();
  }

  /** 0 when one may go now, which then counts; else the milliseconds until the next may. */
  take(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#countedAtMs) / 1_000) * perSecond);
    this.#countedAtMs = nowMs;
    if (this.#left < 1) return Math.ceil(((1 - this.#left) * 1_000) / perSecond);
    this.#left--;
    return 0;
  }
}
