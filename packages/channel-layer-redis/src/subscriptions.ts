/**
 * What a node wants to hear, and what Redis knows of it: brought together by commands of many names, one after the other,
 * so that ten thousand users who come back at once are some hundred commands and not half a million.
 */

export interface SubscriptionsOptions {
  /** Resolves when Redis has confirmed all of them. */
  readonly subscribe: (names: readonly string[]) => Promise<void>;
  readonly unsubscribe: (names: readonly string[]) => Promise<void>;
}

/** Names of one command. */
const namesAtOnce = 1_000;

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #wanted = new Set<string>();
  readonly #active = new Set<string>();
  /** Where the two differ, in the order in which that began. */
  #different = new Set<string>();
  #waiting = new Map<string, (() => void)[]>();
  #isConnected = false;
  /** Of the connection: what was begun on an older one says nothing of this one, and is not waited for. */
  #life = 0;
  #working: { readonly life: number; readonly done: Promise<void> } | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** How many Redis has confirmed. */
  get active(): number {
    return this.#active.size;
  }

  get wanted(): ReadonlySet<string> {
    return this.#wanted;
  }

  /** Resolves when it is confirmed, or when there is no connection (any more). */
  async add(name: string): Promise<void> {
    this.#wanted.add(name);
    if (!this.#isConnected) return;
    if (this.#active.has(name) && !this.#different.has(name)) return;
    const confirmed = new Promise<void>((resolve) => {
      const waiting = this.#waiting.get(name);
      if (waiting === undefined) this.#waiting.set(name, [resolve]);
      else waiting.push(resolve);
    });
    this.#changed(name);
    await confirmed;
  }

  remove(name: string): void {
    this.#wanted.delete(name);
    if (this.#isConnected) this.#changed(name);
  }

  /** There is a connection, which knows nothing. Resolves when all that is wanted is confirmed, or it is gone too. */
  async restore(): Promise<void> {
    const life = ++this.#life;
    this.#isConnected = true;
    this.#active.clear();
    this.#different = new Set(this.#wanted);
    this.#start();
    while (life === this.#life && this.#working !== undefined) await this.#working.done;
  }

  lose(): void {
    this.#life++;
    this.#isConnected = false;
    this.#active.clear();
    this.#different.clear();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const resolve of waiting.flat()) resolve();
  }

  #changed(name: string): void {
    this.#different.add(name);
    this.#start();
  }

  #start(): void {
    const life = this.#life;
    if (this.#working?.life === life || this.#different.size === 0) return;
    const done = this.#work(life).finally(() => {
      if (this.#working?.life !== life) return;
      this.#working = undefined;
      // What came in the very last moment.
      if (life === this.#life) this.#start();
    });
    this.#working = { life, done };
  }

  /** In the next turn, so that what this one brings goes together. */
  async #work(life: number): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#different.size > 0 && life === this.#life) {
      const missing: string[] = [];
      const unwanted: string[] = [];
      for (const name of this.#different) {
        if (missing.length + unwanted.length === namesAtOnce) break;
        this.#different.delete(name);
        if (this.#wanted.has(name) === this.#active.has(name)) this.#confirm(name);
        else if (this.#wanted.has(name)) missing.push(name);
        else {
          unwanted.push(name);
          // From here on: who wants it again meanwhile must ask for it again.
          this.#active.delete(name);
        }
      }
      try {
        if (missing.length > 0) await this.#options.subscribe(missing);
        if (unwanted.length > 0) await this.#options.unsubscribe(unwanted);
      } catch {
        // The connection broke in the middle, or the slot went elsewhere; with the next one all begins anew.
        if (life === this.#life) this.lose();
      }
      if (life !== this.#life) return;
      for (const name of missing) {
        this.#active.add(name);
        this.#confirm(name);
      }
    }
  }

  #confirm(name: string): void {
    // Unwanted, and wanted again while that was on its way: the next round sees to it.
    if (this.#different.has(name)) return;
    const waiting = this.#waiting.get(name);
    this.#waiting.delete(name);
    for (const resolve of waiting ?? []) resolve();
  }
}
