/**
 * Time that only a test moves. Timers that come due run inside of {@link ManualClock.advance}, in the order of
 * their times.
 */
import type { Clock, Timer } from "@suda/protocol";

interface Scheduled extends Timer {
  readonly dueAt: number;
  readonly task: () => void;
}

export class ManualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #timers: Scheduled[] = [];

  /** @param now epoch ms at the start; default 1,700,000,000,000 (a day in November 2023) */
  constructor(now = 1_700_000_000_000) {
    this.#wallMs = now;
  }

  now(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  schedule(delayMs: number, task: () => void): Timer {
    const timer: Scheduled = {
      dueAt: this.#monotonicMs + Math.max(delayMs, 0),
      task,
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
    this.#timers.push(timer);
    return timer;
  }

  /** Timers that have not run and were not cancelled. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Moves both clocks on, and runs what comes due on the way. @param ms 0… */
  advance(ms: number): void {
    const end = this.#monotonicMs + ms;
    for (;;) {
      const due = this.#timers.filter(({ dueAt }) => dueAt <= end).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (due === undefined) break;
      this.#moveTo(Math.max(due.dueAt, this.#monotonicMs));
      due.cancel();
      due.task();
    }
    this.#moveTo(end);
  }

  /** The wall clock jumps, as when somebody sets it; timers and the monotonic clock don't notice. */
  jumpTo(now: number): void {
    this.#wallMs = now;
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}
