/** Tells the server how far the user has read: one command at a time, the newest mark only, until it is confirmed (D9). */
import type { Clock, ReplyOf, Timer } from "@suda/protocol";
import { ClientClosed, ConnectionLost, RequestRefused } from "./errors.ts";

export interface ReadMarkOptions {
  readonly clock: Clock;
  readonly isOpen: () => boolean;
  readonly tell: (seq: number) => Promise<ReplyOf<"receipt.read">>;
  readonly onConfirmed: (reply: ReplyOf<"receipt.read">) => void;
  readonly onProblem: (problem: unknown) => void;
}

const retryMs = 1_000;

export class ReadMark {
  readonly #options: ReadMarkOptions;
  #wanted: number | undefined;
  #isTelling = false;
  #retry: Timer | undefined;

  constructor(options: ReadMarkOptions) {
    this.#options = options;
  }

  /** What the server has not confirmed. */
  get wanted(): number | undefined {
    return this.#wanted;
  }

  advance(seq: number): void {
    this.#wanted = Math.max(this.#wanted ?? 0, seq);
    this.flush();
  }

  /** Tells it now, if there is something to tell and a connection. */
  flush(): void {
    const seq = this.#wanted;
    if (seq === undefined || this.#isTelling || !this.#options.isOpen()) return;
    this.#retry?.cancel();
    this.#isTelling = true;
    this.#tell(seq).catch(this.#options.onProblem);
  }

  async #tell(seq: number): Promise<void> {
    try {
      const reply = await this.#options.tell(seq);
      if (this.#wanted === seq) this.#wanted = undefined;
      this.#options.onConfirmed(reply);
    } catch (error) {
      // The next connection tells it.
      if (error instanceof ConnectionLost || error instanceof ClientClosed) return;
      if (error instanceof RequestRefused && error.retryable) {
        this.#retry = this.#options.clock.schedule(error.retryAfterMs ?? retryMs, () => this.flush());
        return;
      }
      this.#wanted = undefined;
      if (!(error instanceof RequestRefused)) throw error;
    } finally {
      this.#isTelling = false;
    }
    // It moved on meanwhile.
    this.flush();
  }
}
