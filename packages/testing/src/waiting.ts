/**
 * Waiting for an answer and not for time: a queue of what arrived, and a wait that fails after a while with
 * what was received instead.
 */
export const defaultTimeoutMs = 10_000;

export class Arrivals<T> {
  readonly #waiting: T[] = [];
  readonly #describe: (item: T) => string;
  /** Everything that ever arrived, for the message of a wait that failed. */
  readonly #seen: string[] = [];
  /** How often something was taken out of the middle. */
  #taken = 0;
  #wake: (() => void) | undefined;
  #end: string | undefined;

  constructor(describe: (item: T) => string) {
    this.#describe = describe;
  }

  push(item: T): void {
    this.#waiting.push(item);
    this.#seen.push(this.#describe(item));
    if (this.#seen.length > 50) this.#seen.shift();
    this.#wakeAll();
  }

  /** Nothing more will arrive; waits that are not satisfied fail with `reason`. */
  end(reason: string): void {
    this.#end ??= reason;
    this.#wakeAll();
  }

  /** Takes the first that fits, leaving those before it for other waits. */
  async take(what: string, fits: (item: T) => boolean, timeoutMs: number): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    // What was looked at is not looked at again: of twenty thousand arrivals that would be two hundred million looks.
    let looked = 0;
    let taken = this.#taken;
    for (;;) {
      if (taken !== this.#taken) looked = 0;
      taken = this.#taken;
      for (; looked < this.#waiting.length; looked++) {
        if (!fits(this.#waiting[looked] as T)) continue;
        this.#taken++;
        return this.#waiting.splice(looked, 1)[0] as T;
      }
      const remainingMs = deadline - performance.now();
      if (this.#end !== undefined || remainingMs <= 0) {
        const why = this.#end ?? `nothing of the kind within ${timeoutMs} ms`;
        throw new Error(`Waited for ${what}: ${why}. Received instead:${this.#seen.length === 0 ? " nothing" : `\n  ${this.#seen.join("\n  ")}`}`);
      }
      await this.#arrival(remainingMs);
    }
  }

  /** What has arrived and was not taken. */
  drain(): T[] {
    this.#taken++;
    return this.#waiting.splice(0);
  }

  async #arrival(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      const before = this.#wake;
      this.#wake = () => {
        clearTimeout(timer);
        before?.();
        resolve();
      };
    });
  }

  /** Forgets the waiters before it wakes them, because some of them will wait again at once. */
  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
