/**
 * Work that is due by time in conversations of a list: one after the other, with room for others' work between them, and
 * a pause between two sweeps. Several processes may sweep the same store; what is done must bear that.
 */
import type { Timer } from "@suda/protocol";
import type { ChatContext } from "./context.ts";

export interface SweeperOptions<Item> {
  readonly context: ChatContext;
  /** Between the end of a sweep and the next one. */
  readonly everyMs: number;
  /** The items behind `after`, in the order of the list. */
  readonly page: (after: Item | undefined, limit: number) => Promise<readonly Item[]>;
  readonly apply: (item: Item) => Promise<void>;
}

const pageSize = 100;

export class Sweeper<Item> implements AsyncDisposable {
  readonly #options: SweeperOptions<Item>;
  #timer: Timer | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #isStopped = false;
  /** Ends the pause between two items. */
  #goOn: (() => void) | undefined;

  constructor(options: SweeperOptions<Item>) {
    this.#options = options;
    this.#scheduleNext();
  }

  /** No further item is begun; resolves when the one under way is done. Twice is fine. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#goOn?.();
    await this.#sweeping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #scheduleNext(): void {
    if (this.#isStopped) return;
    const { context, everyMs } = this.#options;
    this.#timer = context.clock.schedule(everyMs, () => {
      this.#sweeping = this.#sweep()
        .catch(context.onFailure)
        .finally(() => this.#scheduleNext());
    });
  }

  /** A failure of one item does not keep the rest. */
  async #sweep(): Promise<void> {
    const { context, page, apply } = this.#options;
    let after: Item | undefined;
    for (;;) {
      // A store that cannot write says so in its status, and need not be asked a thousand times.
      if (context.store.status().state !== "ready") return;
      const items = await page(after, pageSize);
      for (const item of items) {
        if (this.#isStopped) return;
        await apply(item).catch(context.onFailure);
        await this.#pause();
      }
      after = items.at(-1);
      if (items.length < pageSize) return;
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#goOn = resolve;
      this.#options.context.clock.schedule(0, resolve);
    });
  }
}
