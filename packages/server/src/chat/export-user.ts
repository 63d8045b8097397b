/**
 * Everything a store holds of one user, as lines for a file: what they may ask for by law. Their profile, their side of every
 * conversation that they are or were in, what they wrote, also what they have since edited or hidden, and what others
 * wrote there as they could see it. Of others nothing that others keep to themselves: no settings, marks or profiles, and
 * nothing from after the user was removed. Read page by page, so that a long life is no large memory. Rule S54.
 */
import type { ConversationId, LogEvent, Role, ShownContent, User, UserId } from "@suda/protocol";
import { entryPages, memberPages } from "../store/read-whole.ts";
import type { ConversationRecord, LogEntry, MemberRecord, Membership, Store } from "../store/store.ts";
import { viewEvent, viewEvents, viewUser } from "./view.ts";

/** Of the lines; a reader that knows another one must not guess. */
export const exportFormat = 1;

export type ExportLine =
  | {
      readonly line: "export";
      readonly format: typeof exportFormat;
      readonly at: number;
      readonly user?: UserId;
      readonly conversation?: ConversationId;
      readonly othersEvents: boolean;
    }
  | { readonly line: "user"; readonly user: User; readonly createdAt: number }
  | { readonly line: "conversation"; readonly conversation: ExportedConversation; readonly membership?: ExportedMembership }
  | { readonly line: "member"; readonly user: UserId; readonly role: Role; readonly joinedAt: number }
  | {
      readonly line: "event";
      readonly event: LogEvent;
      /** What the user first wrote, of a message of theirs that was edited. */
      readonly original?: ShownContent;
      /** The user has deleted it for themself. */
      readonly hidden?: true;
    }
  | { readonly line: "end"; readonly conversations: number; readonly events: number };

export type ExportedConversation = Pick<ConversationRecord, "id" | "kind"> &
  Partial<Pick<ConversationRecord, "createdAt" | "createdBy" | "title" | "avatar" | "data" | "between" | "memberCount">> & {
    /** Seq of the first event that there still is. */
    readonly from?: number;
  };

/** The user's own side, under the names of the store's contract. */
export type ExportedMembership = { readonly state: "joined" | "left" } & Partial<Omit<MemberRecord, "user">>;

export interface ExportUserOptions {
  readonly user: UserId;
  readonly at: number;
  /** Whether what others wrote is in it, as far as the user could see it. */
  readonly othersEvents: boolean;
}

const pageMax = 200;
const pageMaxBytes = 524_288;

/** Nothing but its first and last line for a user of whom nothing is known. @throws what the store throws */
export async function* exportUser(store: Store, { user, at, othersEvents }: ExportUserOptions): AsyncGenerator<ExportLine> {
  yield { line: "export", format: exportFormat, at, user, othersEvents };
  const [profile] = await store.users.getMany([user]);
  if (profile !== undefined) yield { line: "user", user: viewUser(profile), createdAt: profile.createdAt };
  const { memberships } = await store.conversations.memberships(user);
  let conversations = 0;
  let events = 0;
  for (const membership of memberships) {
    const found = await store.conversations.getWithMember(membership.conversation, user);
    if (found === undefined) continue;
    const { conversation: record, member } = found;
    conversations++;
    yield describe(record, membership, member);
    const until = member === undefined ? await lastSeen(store, record, user) : record.head.seq;
    for await (const line of eventsOf(store, record, { user, until, othersEvents })) {
      events++;
      yield line;
    }
  }
  yield { line: "end", conversations, events };
}

/** A whole conversation: what it is, who is in it, and every event, with what was given with taps. Nobody's own settings and marks. */
export async function* exportConversation(
  store: Store,
  { conversation, at }: { readonly conversation: ConversationId; readonly at: number },
): AsyncGenerator<ExportLine> {
  yield { line: "export", format: exportFormat, at, conversation, othersEvents: true };
  const record = await store.conversations.get(conversation);
  let events = 0;
  if (record !== undefined) {
    yield { line: "conversation", conversation: shown(record) };
    for await (const page of memberPages(store.conversations, conversation))
      for (const { user, role, joinedAt } of page) yield { line: "member", user, role, joinedAt };
    for await (const page of entryPages(store.log, conversation, { until: record.head.seq })) {
      for (const entry of page) {
        events++;
        yield { line: "event", event: viewEvent(conversation, entry) };
      }
    }
  }
  yield { line: "end", conversations: record === undefined ? 0 : 1, events };
}

function describe(record: ConversationRecord, { state }: Membership, member: MemberRecord | undefined): ExportLine {
  // Who left may not know what became of it.
  if (member === undefined) return { line: "conversation", conversation: { id: record.id, kind: record.kind }, membership: { state } };
  const { user: _user, ...own } = member;
  return { line: "conversation", conversation: shown(record), membership: { state, ...own } };
}

function shown({ id, kind, createdAt, createdBy, title, avatar, data, between, memberCount, floor }: ConversationRecord): ExportedConversation {
  return {
    id,
    kind,
    createdAt,
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(title === undefined ? {} : { title }),
    ...(avatar === undefined ? {} : { avatar }),
    ...(data === undefined ? {} : { data }),
    ...(between === undefined ? {} : { between }),
    memberCount,
    ...(floor === undefined ? {} : { from: floor.seq + 1 }),
  };
}

/** The entry with which somebody who is no member was removed; 0 when it was truncated, and with it all that they could see. */
async function lastSeen({ log }: Store, { id, head }: ConversationRecord, user: UserId): Promise<number> {
  for (let before = head.seq + 1; ; ) {
    const page = await log.readBefore(id, before, pageMax, pageMaxBytes);
    const removal = page.findLast(({ body }) => body.type === "member.removed" && body.user === user);
    if (removal !== undefined) return removal.seq;
    const first = page[0];
    if (first === undefined) return 0;
    before = first.seq;
  }
}

/** Up to `until` all that could be seen, and behind it (of somebody who was removed: a message of the backend's, say) what is the user's own. */
async function* eventsOf(
  store: Store,
  record: ConversationRecord,
  { user, until, othersEvents }: { readonly user: UserId; readonly until: number; readonly othersEvents: boolean },
): AsyncGenerator<ExportLine & { line: "event" }> {
  const { id, head } = record;
  for await (const page of entryPages(store.log, id, { until: head.seq })) {
    const wanted = page.filter(({ seq, from }) => from === user || (othersEvents && seq <= until));
    const hidden = await store.conversations.hiddenBy(
      id,
      user,
      wanted.flatMap(({ seq, body }) => (body.type === "message.created" ? [seq] : [])),
    );
    const own = wanted.filter(({ from }) => from === user);
    const others = wanted.filter(({ from }) => from !== user);
    // Their own words in full, also those that they have hidden from themself; of others what they would be shown.
    const events = [...(await viewEvents({ store }, { user }, id, own)), ...(await viewEvents({ store }, { user, hides: hidden.size }, id, others))].sort(
      (one, other) => one.seq - other.seq,
    );
    for (const [index, event] of events.entries()) {
      const original = event.from === user ? originalOf(wanted[index]) : undefined;
      yield { line: "event", event, ...(original === undefined ? {} : { original }), ...(hidden.has(event.seq) ? { hidden: true } : {}) };
    }
  }
}

function originalOf(entry: LogEntry | undefined): ShownContent | undefined {
  if (entry?.body.type !== "message.created" || entry.annotation?.edited === undefined || entry.annotation.deleted !== undefined) return undefined;
  return entry.body.content;
}
