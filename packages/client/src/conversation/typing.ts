/** Telling that one writes: ephemeral, and never in the way of anything (promise 10). */
import type { Clock } from "@suda/protocol";

/** One's own is told again at most this often. */
const tellEveryMs = 3_000;

export interface TypingOptions {
  readonly clock: Clock;
  readonly isOpen: () => boolean;
  readonly tell: (type: "typing.start" | "typing.stop") => Promise<unknown>;
}

export class Typing {
  readonly #options: TypingOptions;
  #toldAtMs: number | undefined;

  constructor(options: TypingOptions) {
    this.#options = options;
  }

  /** One writes. */
  start(): void {
    if (!this.#options.isOpen()) return;
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#toldAtMs !== undefined && nowMs - this.#toldAtMs < tellEveryMs) return;
    this.#toldAtMs = nowMs;
    this.#tell("typing.start");
  }

  /** One has stopped. */
  stop(): void {
    const wasTold = this.#toldAtMs !== undefined;
    this.endTurn();
    if (wasTold && this.#options.isOpen()) this.#tell("typing.stop");
  }

  /** One has sent, or nobody hears it: the next stroke is told at once. */
  endTurn(): void {
    this.#toldAtMs = undefined;
  }

  #tell(type: "typing.start" | "typing.stop"): void {
    // Lossy by contract: a refusal (too fast, too many members) changes nothing for the user.
    this.#options.tell(type).catch(() => {});
  }
}
