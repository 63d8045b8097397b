/**
 * What a client that was away has missed: per conversation exactly the events after its cursor, or explicitly
 * that it must begin anew (promise 7, rule D7). Bounded in events and bytes; what does not fit is `more`, and
 * the client reads it as history. Reads nothing but the log, so it works on any node and never expires.
 */
import { limits, stringifyFrame, type ConversationId, type Cursor, type LogEvent, type Resume, type Resumed } from "@suda/protocol";
import type { ConversationRecord, MemberRecord } from "../store/store.ts";
import type { Actor, ChatContext } from "./context.ts";
import type { Joined, KnownOfPage } from "./list-conversations.ts";
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
  /** What was read for it, and need not be read again for the list. */
  readonly known: KnownOfPage;
}

interface Budget {
  events: number;
  bytes: number;
}

/**
 * @param joined read after the connection joined its groups, so that what moves afterwards is told live
 * @param records of the conversations that the user is a member of, read after `joined`
 */
export async function resume(
  context: ChatContext,
  actor: Actor,
  { change, cursors }: Resume,
  { joined, records }: { readonly joined: Joined; readonly records: readonly ConversationRecord[] },
): Promise<Missed> {
  const { conversations } = context.store;
  const own = new Map(records.map((record) => [record.id, record]));
  const current = new Set(joined.ids);
  const moved = joined.memberships.filter((membership) => membership.change > change);
  const asked = Object.entries(cursors) as [ConversationId, Cursor][];
  const gone = asked.map(([id]) => id).filter((id) => !current.has(id));
  const left = new Set([...gone, ...moved.filter(({ state }) => state === "left").map(({ conversation }) => conversation)]);
  const resumed: Resumed[] = [];
  const members = new Map<ConversationId, MemberRecord>();
  const budget: Budget = { events: maxEvents, bytes: maxBytes };
  for (const [id, cursor] of asked) {
    const record = own.get(id);
    if (record === undefined || (cursor.epoch === record.epoch && cursor.seq === record.head.seq)) continue;
    const member = await conversations.member(id, actor.user);
    if (member === undefined) continue;
    members.set(id, member);
    resumed.push(await missedOf(context, { record, member, cursor, budget }));
  }
  const last = new Map(resumed.flatMap(({ conversation, events }) => events.slice(-1).map((event) => [conversation, event] as const)));
  const changed = moved.filter(({ state }) => state === "joined").map(({ conversation }) => conversation);
  return { resumed, left: [...left], changed, known: { members, last } };
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
