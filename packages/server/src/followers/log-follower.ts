/**
 * Works off logs, each in order from its cursor to its head, several at once. The log is the queue: nothing is kept here
 * but which logs have something to be done, so that what the layer loses or doubles, and a crash, cost nothing but a
 * second look. In-process bots, webhooks and hooks stand on it.
 *
 * Promises: an entry is performed only when all before it are done or passed; a log that waits or fails keeps no other one;
 * at most `atOnce` logs are worked off at the same time, the others wait in the order in which they were woken, and one
 * with a long backlog goes to the end after each page. Held by log-follower.test.ts.
 */
import type { Clock, ConversationId, Timer } from "@suda/protocol";
import type { LogEntry, Store } from "../store/store.ts";

/** `passed`: nothing was to be done. `waitMs`: not done; the same entry again after that time, and nothing behind it before. */
export type Step = "done" | "passed" | { readonly waitMs: number };

export interface LogFollowerOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Up to where a log is worked off; `undefined` when it is not to be followed (any more). */
  readonly cursor: (id: ConversationId) => Promise<number | undefined>;
  /** Durable when it resolves. After each entry that is done, and at the end of a page that was passed. */
  readonly advance: (id: ConversationId, seq: number) => Promise<void>;
  /** May be called again for the same entry. Waits are told by `waitMs`; what it throws goes to `onFailure`. */
  readonly perform: (id: ConversationId, entry: LogEntry) => Promise<Step>;
  /** How many logs may be worked off at once, asked before each is begun; 0: none until {@link LogFollower.proceed}. */
  readonly atOnce: () => number;
  readonly onFailure: (error: unknown) => void;
  /** When a log that threw is tried again; absent: when it is woken. */
  readonly retryMs?: number;
}

/** Entries of one page, and their stored bytes. */
const pageSize = 100;
const pageBytes = 1_048_576;

export class LogFollower implements AsyncDisposable {
  readonly #options: LogFollowerOptions;
  /** In the order of waking. A log is in one of the three at most. */
  readonly #ready = new Set<ConversationId>();
  readonly #working = new Map<ConversationId, Promise<void>>();
  readonly #waiting = new Map<ConversationId, Timer>();
  /** Woken while they were worked off. */
  readonly #again = new Set<ConversationId>();
  #isClosed = false;

  constructor(options: LogFollowerOptions) {
    this.#options = options;
  }

  /** Logs that have something to be done, as far as is known. */
  get pending(): number {
    return this.#ready.size + this.#working.size + this.#waiting.size;
  }

  /** There may be something new. One that waits goes on waiting. */
  wake(id: ConversationId): void {
    if (this.#isClosed || this.#waiting.has(id)) return;
    if (this.#working.has(id)) this.#again.add(id);
    else this.#ready.add(id);
    this.proceed();
  }

  /** Not before `ms` have passed, whoever wakes it. */
  hold(id: ConversationId, ms: number): void {
    if (this.#isClosed) return;
    this.#waiting.get(id)?.cancel();
    this.#ready.delete(id);
    const release = (): void => {
      this.#waiting.delete(id);
      this.wake(id);
    };
    this.#waiting.set(id, this.#options.clock.schedule(ms, release));
  }

  /** All that wait may go on now. */
  releaseAll(): void {
    for (const [id, timer] of this.#waiting) {
      timer.cancel();
      this.#waiting.delete(id);
      if (!this.#isClosed) this.#ready.add(id);
    }
    this.proceed();
  }

  /** Looks at `atOnce` again. */
  proceed(): void {
    for (const id of this.#ready) {
      if (this.#isClosed || this.#working.size >= this.#options.atOnce()) return;
      this.#ready.delete(id);
      this.#working.set(id, this.#work(id));
    }
  }

  /** Begins nothing more; resolves when what is under way has ended. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
    this.#ready.clear();
    await Promise.all(this.#working.values());
  }

  /** One page; never rejects. */
  async #work(id: ConversationId): Promise<void> {
    const { onFailure, retryMs } = this.#options;
    let wait: number | undefined;
    try {
      wait = await this.#page(id);
    } catch (error) {
      onFailure(error);
      wait = retryMs;
    }
    // In the turn of the last look, so that no wake-up falls between.
    this.#working.delete(id);
    const isAgain = this.#again.delete(id);
    if (wait !== undefined) this.hold(id, wait);
    else if (isAgain) this.wake(id);
    this.proceed();
  }

  /** @returns how long the log is to wait */
  async #page(id: ConversationId): Promise<number | undefined> {
    const { store, cursor, advance, perform } = this.#options;
    const from = await cursor(id);
    if (from === undefined) return undefined;
    const entries = await store.log.readAfter(id, from, pageSize, pageBytes);
    let passed: number | undefined;
    let wait: number | undefined;
    for (const entry of entries) {
      if (this.#isClosed) break;
      const step = await perform(id, entry);
      if (typeof step === "object") {
        wait = step.waitMs;
        break;
      }
      passed = step === "passed" ? entry.seq : undefined;
      if (step === "done") await advance(id, entry.seq);
    }
    if (passed !== undefined) await advance(id, passed);
    // There may be more behind the page, or it came meanwhile.
    if (entries.length > 0 && wait === undefined) this.#again.add(id);
    return wait;
  }
}
