/**
 * A promise that knows whether anybody waits for it. A handler may leave `ctx.reply(…)` without `await`: the bot then waits
 * for it, and an error that nobody else would see is the handler's error.
 */
export class WatchedPromise<T> extends Promise<T> {
  #isWatched = false;

  /** What is derived from it is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  get isWatched(): boolean {
    return this.#isWatched;
  }

  // It is a promise, so it has one. `await` of a subclass goes through `then`, and so do catch and finally.
  // oxlint-disable-next-line unicorn/no-thenable
  override then<A = T, B = never>(
    onDone?: ((value: T) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isWatched = true;
    return super.then(onDone, onFailed);
  }

  /** Waits without counting as somebody who does. */
  settled(): Promise<PromiseSettledResult<T>> {
    return super.then(
      (value) => ({ status: "fulfilled", value }) as const,
      (reason: unknown) => ({ status: "rejected", reason }) as const,
    );
  }
}
