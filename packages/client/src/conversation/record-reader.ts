/** Asks for a conversation's record when it may be behind: one command at a time, and once more when that was wanted meanwhile. */
import type { Clock } from "@suda/protocol";
import { isGone, RequestRefused, retryDelayOf } from "../errors.ts";

export interface RecordReaderOptions {
  readonly clock: Clock;
  readonly isOpen: () => boolean;
  /** Resolves when what was answered has been taken. */
  readonly ask: () => Promise<void>;
  /** It is not the user's any more. */
  readonly onGone: () => void;
  readonly onProblem: (problem: unknown) => void;
}

export class RecordReader {
  readonly #options: RecordReaderOptions;
  #isReading = false;
  #isWantedAgain = false;

  constructor(options: RecordReaderOptions) {
    this.#options = options;
  }

  /** Without a connection nothing: hello brings what changed. */
  read(): void {
    // An answer that is on its way may be older than what this call is about.
    this.#isWantedAgain = this.#isReading;
    if (this.#isReading || !this.#options.isOpen()) return;
    this.#isReading = true;
    this.#read().catch(this.#options.onProblem);
  }

  async #read(): Promise<void> {
    const { clock, ask, onGone } = this.#options;
    try {
      await ask();
    } catch (error) {
      if (isGone(error)) return;
      const delayMs = retryDelayOf(error);
      if (delayMs !== undefined) clock.schedule(delayMs, () => this.read());
      else if (error instanceof RequestRefused && error.code === "conversation.not_found") onGone();
      else throw error;
    } finally {
      this.#isReading = false;
      if (this.#isWantedAgain) this.read();
    }
  }
}
