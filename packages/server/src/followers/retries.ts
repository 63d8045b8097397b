/**
 * What is being tried again, per log: since when, how often, and when next. Each state is a document, so that a restart goes
 * on with the same times and does not begin at once with everybody whom it found in trouble.
 *
 * Waits have full jitter: between nothing and a bound that doubles from a second to ten minutes, or what the other side
 * asked for (Retry-After), whichever is later. An entry is given up when its log has been in trouble for
 * 72 hours and the entry itself is that old, so that each is tried for 72 hours also when several follow each other.
 */
import type { Clock, ConversationId, Random } from "@suda/protocol";
import type { DocumentStore } from "../store/document-store.ts";
import { documentsOf } from "../store/read-whole.ts";
import type { LogEntry } from "../store/store.ts";

export interface Trouble {
  readonly conversation: ConversationId;
  /** Of the entry that is being tried. */
  readonly seq: number;
  readonly type: string;
  readonly attempts: number;
  /** Attempts without success, earlier entries counted. */
  readonly failures: number;
  readonly firstFailureAt: number;
  readonly lastFailureAt: number;
  readonly nextTryAt: number;
  readonly code: string;
  readonly message: string;
}

export interface Failed {
  readonly code: string;
  /** For whoever registered the URL. */
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** Of all requests to the receiver, not of this event alone: 429. */
  readonly isOfAll?: boolean;
}

export interface RetriesOptions {
  readonly documents: DocumentStore;
  /** Of the keys in `deliveries`; what follows is the conversation's id. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
}

export const giveUpAfterMs = 259_200_000;
const firstBoundMs = 1_000;
const lastBoundMs = 600_000;
/** Whatever Retry-After says. */
const retryAfterMaxMs = 3_600_000;

export class Retries {
  readonly #options: RetriesOptions;
  readonly #troubles = new Map<ConversationId, Trouble>();

  private constructor(options: RetriesOptions) {
    this.#options = options;
  }

  static async open(options: RetriesOptions): Promise<Retries> {
    const retries = new Retries(options);
    for await (const trouble of readTroubles(options)) retries.#troubles.set(trouble.conversation, trouble);
    return retries;
  }

  get troubles(): ReadonlyMap<ConversationId, Trouble> {
    return this.#troubles;
  }

  /** @returns how long to wait, or what is to be given up; both are durable */
  async failed(conversation: ConversationId, entry: LogEntry, failed: Failed): Promise<{ readonly waitMs: number } | { readonly givenUp: Trouble }> {
    const { documents, prefix, clock, random } = this.#options;
    const now = clock.now();
    const before = this.#troubles.get(conversation);
    const failures = (before?.failures ?? 0) + 1;
    const waitMs = Math.max(backOffMs(failures, random), Math.min(failed.retryAfterMs ?? 0, retryAfterMaxMs));
    const trouble: Trouble = {
      conversation,
      seq: entry.seq,
      type: entry.body.type,
      attempts: (before?.seq === entry.seq ? before.attempts : 0) + 1,
      failures,
      firstFailureAt: before?.firstFailureAt ?? now,
      lastFailureAt: now,
      nextTryAt: now + waitMs,
      code: failed.code,
      message: failed.message,
    };
    await documents.put("deliveries", prefix + conversation, { ...trouble });
    this.#troubles.set(conversation, trouble);
    const isOver = now - trouble.firstFailureAt >= giveUpAfterMs && now - entry.at >= giveUpAfterMs;
    return isOver ? { givenUp: trouble } : { waitMs };
  }

  async succeeded(conversation: ConversationId): Promise<void> {
    if (!this.#troubles.has(conversation)) return;
    await this.#options.documents.delete("deliveries", this.#options.prefix + conversation);
    this.#troubles.delete(conversation);
  }
}

/** Full jitter, so that those who failed together do not come back together. @param failures 1… */
export function backOffMs(failures: number, random: Random, maxMs: number = lastBoundMs): number {
  return Math.round(random.float() * Math.min(firstBoundMs * 2 ** Math.min(failures - 1, 30), maxMs));
}

/** @param limit how many at most */
export async function* readTroubles(
  { documents, prefix }: Pick<RetriesOptions, "documents" | "prefix">,
  limit: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Trouble> {
  let count = 0;
  for await (const { value } of documentsOf(documents, "deliveries", prefix)) {
    if (++count > limit) return;
    yield value as unknown as Trouble;
  }
}

/** Forgets all of a prefix. */
export async function deleteTroubles(options: Pick<RetriesOptions, "documents" | "prefix">): Promise<void> {
  const keys: string[] = [];
  for await (const { conversation } of readTroubles(options)) keys.push(options.prefix + conversation);
  for (const key of keys) await options.documents.delete("deliveries", key);
}
