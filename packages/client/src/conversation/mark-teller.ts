/**
 * Tells the server a mark that only grows (how far the user has read, how far this device has received): one command at a
 * time, the newest mark only, until it is confirmed (D9).
 */
import type { Clock, Timer } from "@suda/protocol";
import { isGone, RequestRefused, retryDelayOf } from "../errors.ts";

export interface MarkTellerOptions<Reply> {
  readonly clock: Clock;
  readonly isOpen: () => boolean;
  readonly tell: (seq: number) => Promise<Reply>;
  readonly onConfirmed: (reply: Reply) => void;
  readonly onProblem: (problem: unknown) => void;
  /** How long to wait for a higher mark before one is told; default: not at all. */
  readonly delayMs?: () => number;
}

export class MarkTeller<Reply> {
  readonly #options: MarkTellerOptions<Reply>;
  #wanted: number | undefined;
  #told = 0;
  #isTelling = false;
  #timer: Timer | undefined;

  constructor(options: MarkTellerOptions<Reply>) {
    this.#options = options;
  }

  /** What the server has not confirmed. */
  get wanted(): number | undefined {
    return this.#wanted;
  }

  /** A mark that was told before is told again only with `isAgain`. */
  advance(seq: number, isAgain = false): void {
    if (seq <= this.#told && !isAgain) return;
    this.#wanted = Math.max(this.#wanted ?? 0, seq);
    const { clock, delayMs } = this.#options;
    if (delayMs === undefined) this.flush();
    else this.#timer ??= clock.schedule(delayMs(), () => this.flush());
  }

  /** Another mark says as much as one up to `seq`. */
  pass(seq: number): void {
    this.#told = Math.max(this.#told, seq);
    if ((this.#wanted ?? 0) <= seq) this.#wanted = undefined;
  }

  /** The numbering is another one. */
  reset(): void {
    this.#told = 0;
    this.#wanted = undefined;
  }

  /** Tells it now, if there is something to tell and a connection. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const seq = this.#wanted;
    if (seq === undefined || this.#isTelling || !this.#options.isOpen()) return;
    this.#isTelling = true;
    this.#tell(seq).catch(this.#options.onProblem);
  }

  async #tell(seq: number): Promise<void> {
    try {
      const reply = await this.#options.tell(seq);
      this.pass(seq);
      this.#options.onConfirmed(reply);
    } catch (error) {
      // The next connection tells it.
      if (isGone(error)) return;
      const delayMs = retryDelayOf(error);
      if (delayMs !== undefined) {
        this.#timer = this.#options.clock.schedule(delayMs, () => this.flush());
        return;
      }
      this.#wanted = undefined;
      if (!(error instanceof RequestRefused)) throw error;
    } finally {
      this.#isTelling = false;
    }
    // It moved on meanwhile; if it waits for more, it goes on waiting.
    if (this.#timer === undefined) this.flush();
  }
}
