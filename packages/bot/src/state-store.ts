/** Where the state of conversations is kept: a contract of two functions, and the default in memory. */

/**
 * A conversation's state, and the last event that made it. With `seq` and `epoch`, an event whose state is kept is
 * not handled again after a crash: a counter counts once.
 */
export interface StoredState {
  readonly epoch: string;
  readonly seq: number;
  /** JSON. */
  readonly value: unknown;
  /** What was answered in a webhook's response, JSON: the response may not have arrived, and is given again. */
  readonly answer?: unknown;
}

/** A file, Redis, a table: whatever the author has. Both may reject; the event is then tried again. */
export interface StateStore {
  get(conversation: string): Promise<StoredState | undefined> | StoredState | undefined;
  /** Resolves when it is kept. Never called for one conversation twice at a time. */
  set(conversation: string, state: StoredState): Promise<void> | void;
}

const defaultMaxConversations = 10_000;

/** In memory: gone with the process, and of those longest unused when there are more than fit. */
export class MemoryStateStore implements StateStore {
  readonly #maxConversations: number;
  readonly #states = new Map<string, StoredState>();

  /** @param maxConversations default 10,000 */
  constructor(maxConversations: number = defaultMaxConversations) {
    this.#maxConversations = maxConversations;
  }

  get(conversation: string): StoredState | undefined {
    const state = this.#states.get(conversation);
    if (state === undefined) return undefined;
    this.#states.delete(conversation);
    this.#states.set(conversation, state);
    return state;
  }

  set(conversation: string, state: StoredState): void {
    this.#states.delete(conversation);
    this.#states.set(conversation, state);
    const [oldest] = this.#states.keys();
    if (this.#states.size > this.#maxConversations && oldest !== undefined) this.#states.delete(oldest);
  }
}
