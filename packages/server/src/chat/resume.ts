/**
 * What a client that was away has missed: per conversation exactly the events after its cursor, or explicitly
 * that it must begin anew (promise 7, rule D7). Bounded in events and bytes; what does not fit is `more`, and
 * the client reads it as history. Reads nothing but the log, so it works on any node and never expires.
 */
import { limits, stringifyFrame, type ConversationId, type Cursor, type LogEvent, type Resume, type Resumed } from "@suda/protocol";
import type { ConversationRecord, MemberRecord } from "../store/store.ts";
import type { Actor, ChatContext } from "./context.ts";
import { viewEvents } from "./view.ts";

/** Of all events of one resume together. */
const maxEvents = 2_000;
const maxBytes = 524_288;

export interface Missed {
  readonly resumed: readonly Resumed[];
  /** Conversations that the user is no member of any more. */
  readonly left: readonly ConversationId[];
  /** Conversations to show anew: joined, or read on another device, since `change`. */
  readonly changed: readonly ConversationId[];
}

interface Budget {
  events: number;
  bytes: number;
}

export async function resume(context: ChatContext, actor: Actor, { change, cursors }: Resume): Promise<Missed> {
  const { conversations } = context.store;
  const { memberships } = await conversations.memberships(actor.user);
  const joined = new Set(memberships.filter(({ state }) => state === "joined").map(({ conversation }) => conversation));
  const moved = memberships.filter((membership) => membership.change > change);
  const asked = Object.entries(cursors) as [ConversationId, Cursor][];
  const gone = asked.map(([id]) => id).filter((id) => !joined.has(id));
  const left = new Set([...gone, ...moved.filter(({ state }) => state === "left").map(({ conversation }) => conversation)]);
  const resumed: Resumed[] = [];
  const budget: Budget = { events: maxEvents, bytes: maxBytes };
  for (const [id, cursor] of asked) {
    const record = joined.has(id) ? await conversations.get(id) : undefined;
    const isBehind = record !== undefined && (cursor.epoch !== record.epoch || cursor.seq !== record.head.seq);
    const member = isBehind ? await conversations.member(id, actor.user) : undefined;
    const missed = record === undefined || member === undefined ? undefined : await missedOf(context, { record, member, cursor, budget });
    if (missed !== undefined) resumed.push(missed);
  }
  return { resumed, left: [...left], changed: moved.filter(({ state }) => state === "joined").map(({ conversation }) => conversation) };
}

interface Asked {
  readonly record: ConversationRecord;
  readonly member: MemberRecord;
  readonly cursor: Cursor;
  readonly budget: Budget;
}

async function missedOf(context: ChatContext, { record, member, cursor, budget }: Asked): Promise<Resumed> {
  const { id, epoch, head, floor } = record;
  const place = { conversation: id, epoch, head: head.seq };
  if (cursor.epoch !== epoch || cursor.seq > head.seq) return { ...place, outcome: "reset", events: [], more: head.seq > 0 };
  const limit = Math.min(limits.resumePageMax, budget.events);
  const entries = limit > 0 && budget.bytes > 0 ? await context.store.log.readAfter(id, cursor.seq, limit, budget.bytes) : [];
  const events = await viewEvents(context, member, id, entries);
  for (const event of events) spend(budget, event);
  // The floor may have moved since the record was read, and all that was missed may be gone.
  const from = events[0]?.seq ?? Math.max(cursor.seq, floor?.seq ?? 0) + 1;
  const last = events.at(-1)?.seq ?? from - 1;
  const isCut = from > cursor.seq + 1;
  return { ...place, outcome: isCut ? "truncated" : "events", ...(isCut ? { from } : {}), events, more: last < head.seq };
}

function spend(budget: Budget, event: LogEvent): void {
  budget.events--;
  budget.bytes -= stringifyFrame(event).length;
}
