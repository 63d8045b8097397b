/**
 * Stores as they would be read if they were damaged: what the check of a whole store must find. Nothing is written; each
 * damage changes what one kind of read of one conversation gives.
 */
import assert from "node:assert/strict";
import {
  verifyStore,
  type Controlled,
  type ConversationRecord,
  type Finding,
  type LogEntry,
  type MemberRecord,
  type Membership,
  type Store,
} from "@suda/server/store";
import type { ConversationId, UserId } from "@suda/protocol";

export interface Damage {
  readonly conversation: ConversationId;
  readonly entry?: (entry: LogEntry) => LogEntry | undefined;
  readonly record?: (record: ConversationRecord) => ConversationRecord;
  readonly members?: (members: readonly MemberRecord[]) => readonly MemberRecord[];
  readonly memberships?: (memberships: readonly Membership[], user: UserId) => readonly Membership[];
  readonly reacted?: (reacted: ReadonlyMap<number, readonly string[]>) => ReadonlyMap<number, readonly string[]>;
  readonly hidden?: (hidden: ReadonlySet<number>) => ReadonlySet<number>;
  readonly controlled?: (places: readonly Controlled[]) => readonly Controlled[];
  readonly retaining?: (ids: readonly ConversationId[]) => readonly ConversationId[];
}

/** The store as it would be read if it were damaged so; everything of one conversation only. */
export function damaged(store: Store, damage: Damage): Store {
  const { entry = (same) => same, record = (same) => same, members = (same) => same, memberships = (same) => same } = damage;
  const { conversation, reacted = (same) => same, hidden = (same) => same, retaining = (same) => same, controlled = (same) => same } = damage;
  const { log, conversations } = store;
  return {
    log: {
      append: (...args) => log.append(...args),
      readAfter: async (id, ...rest) => {
        const entries = await log.readAfter(id, ...rest);
        return id === conversation ? entries.flatMap((one) => entry(one) ?? []) : entries;
      },
      readBefore: (...args) => log.readBefore(...args),
      reactedBy: async (id, ...rest) => (id === conversation ? reacted(await log.reactedBy(id, ...rest)) : log.reactedBy(id, ...rest)),
      truncate: (...args) => log.truncate(...args),
    },
    conversations: {
      ...conversations,
      create: (creation) => conversations.create(creation),
      get: async (id) => {
        const found = await conversations.get(id);
        return found?.id === conversation ? record(found) : found;
      },
      getMany: (ids) => conversations.getMany(ids),
      list: (...args) => conversations.list(...args),
      member: (...args) => conversations.member(...args),
      getWithMember: (...args) => conversations.getWithMember(...args),
      members: async (id, ...rest) => (id === conversation ? members(await conversations.members(id, ...rest)) : conversations.members(id, ...rest)),
      memberships: async (user) => {
        const list = await conversations.memberships(user);
        return { ...list, memberships: memberships(list.memberships, user) };
      },
      advanceRead: (...args) => conversations.advanceRead(...args),
      hiddenBy: async (id, ...rest) => (id === conversation ? hidden(await conversations.hiddenBy(id, ...rest)) : conversations.hiddenBy(id, ...rest)),
      withControl: async (...args) => controlled(await conversations.withControl(...args)),
      withRetention: async (...args) => retaining(await conversations.withRetention(...args)),
    },
    users: store.users,
    documents: store.documents,
    status: () => store.status(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** What the check of the whole store says. */
export async function findingsOf(store: Store): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const verified = await verifyStore(store, (finding) => findings.push(finding));
  assert.equal(verified.findings, findings.length);
  return findings;
}

/** Damages one entry; `undefined` loses it. */
export const atEntry =
  (seq: number, change: (entry: LogEntry) => LogEntry | undefined) =>
  (entry: LogEntry): LogEntry | undefined =>
    entry.seq === seq ? change(entry) : entry;
/** Damages one member. */
export const ofUser =
  (user: UserId, change: (member: MemberRecord) => MemberRecord) =>
  (members: readonly MemberRecord[]): readonly MemberRecord[] =>
    members.map((member) => (member.user === user ? change(member) : member));
