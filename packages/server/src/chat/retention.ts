/**
 * Conversations that do not keep their entries for ever: every minute what became older than their `retentionMs`
 * is removed from the log (rule D15). Clients that are there are told where the log begins now; the others learn
 * it when they resume (`truncated`), and by the conversation's `from`.
 */
import type { ConversationId, Timer } from "@suda/protocol";
import type { ConversationRecord } from "../store/store.ts";
import type { ChatContext } from "./context.ts";
import { announceTruncated } from "./fan-out.ts";

/** Between the end of a sweep and the next one: how much longer than promised an entry may stay. */
const sweepEveryMs = 60_000;
const pageSize = 100;

export class RetentionSweeper implements AsyncDisposable {
  readonly #context: ChatContext;
  #timer: Timer | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #isStopped = false;
  /** Ends the pause between two conversations. */
  #goOn: (() => void) | undefined;

  constructor(context: ChatContext) {
    this.#context = context;
    this.#scheduleNext();
  }

  /** No further conversation is begun; resolves when the one under way is done. Twice is fine. */
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
    const { clock, onFailure } = this.#context;
    this.#timer = clock.schedule(sweepEveryMs, () => {
      this.#sweeping = this.#sweep()
        .catch(onFailure)
        .finally(() => this.#scheduleNext());
    });
  }

  /** One conversation after the other, with room for others' work between them; a failure of one does not keep the rest. */
  async #sweep(): Promise<void> {
    const { store, onFailure } = this.#context;
    let after: ConversationId | undefined;
    for (;;) {
      // A store that cannot write says so in its status, and need not be asked a thousand times.
      if (store.status().state !== "ready") return;
      const page = await store.conversations.withRetention(after, pageSize);
      for (const id of page) {
        if (this.#isStopped) return;
        await applyRetention(this.#context, id).catch(onFailure);
        await this.#pause();
      }
      after = page.at(-1);
      if (page.length < pageSize) return;
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#goOn = resolve;
      this.#context.clock.schedule(0, resolve);
    });
  }
}

/** Removes what is older than the conversation keeps it, and tells those who are there. */
export async function applyRetention(context: ChatContext, id: ConversationId): Promise<void> {
  const { store, clock } = context;
  const record = await store.conversations.get(id);
  if (record?.retentionMs === undefined) return;
  const cut = await firstAfter(context, record, clock.now() - record.retentionMs);
  if (cut <= (record.floor?.seq ?? 0) + 1) return;
  const { removed, from } = await store.log.truncate(id, cut);
  if (removed > 0) await announceTruncated(context, id, from);
}

/** The first seq whose entry is younger than `time`, by halving, since `at` never goes backwards (D4); one behind the head when none is. */
async function firstAfter({ store }: ChatContext, { id, head, floor }: ConversationRecord, time: number): Promise<number> {
  if (head.at <= time) return head.seq + 1;
  let low = (floor?.seq ?? 0) + 1;
  let high = head.seq;
  let middle = low;
  // The oldest entry first: usually nothing is due, and one read tells.
  while (low < high) {
    const [entry] = await store.log.readAfter(id, middle - 1, 1);
    // Another node truncates at the same time: what it left is looked at in the next sweep.
    if (entry === undefined || entry.seq !== middle) return low;
    if (entry.at > time) high = middle;
    else low = middle + 1;
    middle = (low + high) >>> 1;
  }
  return low;
}
