/** "Is writing…", "is thinking…": said again before others stop showing it, until there is a message or the handler ends. Lossy by contract. */
import type { Clock, Timer } from "@suda/protocol";

export interface WorkingSignOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly start: () => Promise<unknown>;
  /** When there was no message: that ends it by itself. */
  readonly stop: () => Promise<unknown>;
}

export class WorkingSign {
  readonly #options: WorkingSignOptions;
  #timer: Timer | undefined;

  constructor(options: WorkingSignOptions) {
    this.#options = options;
  }

  /** Shows it, from now on. */
  show(): void {
    const { clock, everyMs, start } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.schedule(everyMs, () => this.show());
    // Whatever comes of it, the handler goes on.
    start().catch(() => {});
  }

  /** A message was said. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** There will be none. */
  takeBack(): void {
    if (this.#timer === undefined) return;
    this.end();
    this.#options.stop().catch(() => {});
  }
}
