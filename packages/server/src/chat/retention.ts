/**
 * Conversations that do not keep their entries for ever: every minute what became older than their `retentionMs`
 * is removed from the log (rule D15). Clients that are there are told where the log begins now; the others learn
 * it when they resume (`truncated`), and by the conversation's `from`.
 */
import type { ConversationId } from "@suda/protocol";
import type { ConversationRecord } from "../store/store.ts";
import type { ChatContext } from "./context.ts";
import { announceTruncated } from "./fan-out.ts";
import { Sweeper } from "./sweeper.ts";

/** Between the end of a sweep and the next one: how much longer than promised an entry may stay. */
const sweepEveryMs = 60_000;

export function retentionSweeper(context: ChatContext): Sweeper<ConversationId> {
  const { conversations } = context.store;
  return new Sweeper({
    context,
    everyMs: sweepEveryMs,
    page: (after, limit) => conversations.withRetention(after, limit),
    apply: (id) => applyRetention(context, id),
  });
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
export async function firstAfter({ store }: ChatContext, { id, head, floor }: ConversationRecord, time: number): Promise<number> {
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
