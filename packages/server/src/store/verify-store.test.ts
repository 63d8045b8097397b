/** The check of a whole store must be able to fail: damage of every kind is planted and found in its place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, Content, ConversationId, UserId } from "@suda/protocol";
import { ManualClock } from "@suda/testing";
import { MemoryStore } from "./memory-store.ts";
import type { Finding, FindingKind } from "./finding.ts";
import type { Annotation, ConversationRecord, Floor, LogEntry, MemberRecord, Membership, Store } from "./store.ts";
import { verifyStore } from "./verify-store.ts";

const team = "team" as ConversationId;
const busy = "busy" as ConversationId;
const old = "old" as ConversationId;
const pair = "pair" as ConversationId;
const [alice, bob, carol] = ["alice", "bob", "carol"] as [UserId, UserId, UserId];
const text = (value: string): Content => ({ type: "text", text: value });

/**
 * `team`, created by alice as owner with bob: 1 alice writes, 2 alice adds carol, 3 carol writes, 4 carol becomes admin,
 * 5 a title, 6 alice writes, 7 bob leaves. bob and carol have read 3.
 */
async function filledStore(): Promise<MemoryStore> {
  const clock = new ManualClock();
  const store = new MemoryStore({ clock });
  const members = [
    { user: alice, role: "owner" },
    { user: bob, role: "member" },
  ] as const;
  await store.conversations.create({ id: team, kind: "group", epoch: "e", createdAt: clock.now(), createdBy: alice, members });
  await store.conversations.create({ id: "empty" as ConversationId, kind: "group", epoch: "e", createdAt: clock.now(), members });
  const append = async (from: UserId, body: LogEntry["body"], clientId?: string): Promise<void> => {
    clock.advance(10);
    await store.log.append(team, [{ from, body, ...(clientId === undefined ? {} : { clientId: clientId as ClientId }) }]);
  };
  await append(alice, { type: "message.created", content: text("one") }, "c-1");
  await append(alice, { type: "member.added", users: [carol] });
  await append(carol, { type: "message.created", content: text("two") }, "c-1");
  await append(alice, { type: "member.updated", user: carol, role: "admin" });
  await append(alice, { type: "conversation.updated", title: "Team", data: { room: 4 } });
  await append(alice, { type: "message.created", content: text("three") }, "c-2");
  await store.conversations.advanceRead(team, bob, 3);
  await append(bob, { type: "member.removed", user: bob });
  for (const id of [busy, old]) await fillWithChanges(store, id, clock);
  await store.log.truncate(old, 5);
  await store.conversations.create({
    id: pair,
    kind: "direct",
    epoch: "e",
    createdAt: clock.now(),
    members: [alice, bob].map((user) => ({ user, role: "member" })),
  });
  return store;
}

/**
 * By alice and bob, with slow mode of a second from 1 on: 2 alice writes, 3 bob writes, 4 alice edits 2, 5 bob writes, 6 bob
 * edits 5, 7 alice reacts to 5, 8 alice pins 5, 9 bob writes, 10 bob edits 9, 11 bob deletes 9, 12 alice edits 2 again.
 * alice has hidden 3 and 5, and has muted it.
 */
async function fillWithChanges(store: Store, id: ConversationId, clock: ManualClock): Promise<void> {
  const members = [alice, bob].map((user) => ({ user, role: "member" as const }));
  await store.conversations.create({ id, kind: "group", epoch: "e", createdAt: clock.now(), members, retentionMs: 60_000 });
  const says = (value: string): LogEntry["body"] => ({ type: "message.created", content: text(value), data: { about: value } });
  const edits = (target: number, value: string): LogEntry["body"] => ({ type: "message.edited", target, rev: 0, content: text(value) });
  const bodies: [UserId, LogEntry["body"]][] = [
    [alice, { type: "conversation.updated", slowModeMs: 1_000 }],
    [alice, says("two")],
    [bob, says("three")],
    [alice, edits(2, "2")],
    [bob, says("five")],
    [bob, edits(5, "5")],
    [alice, { type: "reaction.added", target: 5, emoji: "👍" }],
    [alice, { type: "pin.added", target: 5 }],
    [bob, says("nine")],
    [bob, edits(9, "9")],
    [bob, { type: "message.deleted", target: 9 }],
    [alice, edits(2, "zwei")],
  ];
  for (const [from, body] of bodies) {
    clock.advance(10);
    await store.log.append(id, [{ from, body }]);
  }
  for (const seq of [3, 5]) await store.conversations.hideMessage(id, alice, seq);
  await store.conversations.updateMember(id, alice, { mutedUntil: 5, hiddenOrdinal: 1 });
}

interface Damage {
  /** Default `team`. */
  readonly conversation?: ConversationId;
  readonly entry?: (entry: LogEntry) => LogEntry | undefined;
  readonly record?: (record: ConversationRecord) => ConversationRecord;
  readonly members?: (members: readonly MemberRecord[]) => readonly MemberRecord[];
  readonly memberships?: (memberships: readonly Membership[], user: UserId) => readonly Membership[];
  readonly reacted?: (reacted: ReadonlyMap<number, readonly string[]>) => ReadonlyMap<number, readonly string[]>;
  readonly hidden?: (hidden: ReadonlySet<number>) => ReadonlySet<number>;
  readonly retaining?: (ids: readonly ConversationId[]) => readonly ConversationId[];
}

/** The store as it would be read if it were damaged so; everything of one conversation only. */
function damaged(store: Store, damage: Damage): Store {
  const { entry = (same) => same, record = (same) => same, members = (same) => same, memberships = (same) => same } = damage;
  const { conversation = team, reacted = (same) => same, hidden = (same) => same, retaining = (same) => same } = damage;
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
      members: async (id, ...rest) => (id === conversation ? members(await conversations.members(id, ...rest)) : conversations.members(id, ...rest)),
      memberships: async (user) => {
        const list = await conversations.memberships(user);
        return { ...list, memberships: memberships(list.memberships, user) };
      },
      advanceRead: (...args) => conversations.advanceRead(...args),
      hiddenBy: async (id, ...rest) => (id === conversation ? hidden(await conversations.hiddenBy(id, ...rest)) : conversations.hiddenBy(id, ...rest)),
      withRetention: async (...args) => retaining(await conversations.withRetention(...args)),
    },
    users: store.users,
    status: () => store.status(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function findingsOf(store: Store): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const verified = await verifyStore(store, (finding) => findings.push(finding));
  assert.equal(verified.findings, findings.length);
  return findings;
}

const atEntry =
  (seq: number, change: (entry: LogEntry) => LogEntry | undefined) =>
  (entry: LogEntry): LogEntry | undefined =>
    entry.seq === seq ? change(entry) : entry;
const ofUser =
  (user: UserId, change: (member: MemberRecord) => MemberRecord) =>
  (members: readonly MemberRecord[]): readonly MemberRecord[] =>
    members.map((member) => (member.user === user ? change(member) : member));

test("a store that was only written through the contract has no findings", async () => {
  await using store = await filledStore();
  const findings: Finding[] = [];
  assert.deepEqual(await verifyStore(store, (finding) => findings.push(finding)), { conversations: 5, entries: 7 + 12 + 8, findings: 0 });
  assert.deepEqual(findings, []);
});

interface Planted {
  readonly what: string;
  readonly damage: Damage;
  readonly kind: FindingKind;
  readonly seq?: number;
  readonly user?: UserId;
}

const planted: readonly Planted[] = [
  { what: "a missing entry", damage: { entry: atEntry(3, () => undefined) }, kind: "log.hole", seq: 4 },
  { what: "a missing end", damage: { entry: atEntry(7, () => undefined) }, kind: "log.hole", seq: 7 },
  {
    what: "another body",
    damage: { entry: atEntry(3, (entry) => ({ ...entry, body: { type: "message.created", content: text("2") } })) },
    kind: "log.digest",
    seq: 3,
  },
  { what: "another sender", damage: { entry: atEntry(3, (entry) => ({ ...entry, from: alice })) }, kind: "log.hash", seq: 3 },
  { what: "a time before the entry before", damage: { entry: atEntry(4, (entry) => ({ ...entry, at: entry.at - 11 })) }, kind: "log.time", seq: 4 },
  { what: "a clientId twice", damage: { entry: atEntry(6, (entry) => ({ ...entry, clientId: "c-1" as ClientId })) }, kind: "log.key", seq: 6 },
  { what: "a wrong count", damage: { entry: atEntry(6, (entry) => ({ ...entry, ordinal: 4 })) }, kind: "log.ordinal", seq: 6 },
  { what: "another head", damage: { record: (record) => ({ ...record, head: { ...record.head, hash: "f".repeat(32) } }) }, kind: "head.differs", seq: 7 },
  { what: "another title", damage: { record: (record) => ({ ...record, title: "Crew" }) }, kind: "conversation.differs" },
  { what: "a wrong member count", damage: { record: (record) => ({ ...record, memberCount: 3 }) }, kind: "conversation.differs" },
  { what: "a wrong membersSeq", damage: { record: (record) => ({ ...record, membersSeq: 6 }) }, kind: "conversation.differs" },
  { what: "another role", damage: { members: ofUser(carol, (member) => ({ ...member, role: "member" })) }, kind: "member.differs", user: carol },
  { what: "another time of joining", damage: { members: ofUser(alice, (member) => ({ ...member, joinedAt: 5 })) }, kind: "member.differs", user: alice },
  {
    what: "a member who left",
    damage: { members: (members) => [...members, { user: bob, role: "member", joinedAt: 0, readSeq: 3, readOrdinal: 2, deliveredSeq: 3 }] },
    kind: "member.differs",
    user: bob,
  },
  { what: "a member who is not there", damage: { members: (members) => members.filter(({ user }) => user !== carol) }, kind: "member.differs", user: carol },
  { what: "a mark beyond the head", damage: { members: ofUser(carol, (member) => ({ ...member, readSeq: 8 })) }, kind: "read.differs", user: carol },
  {
    what: "a mark behind what was written",
    damage: { members: ofUser(alice, (member) => ({ ...member, readSeq: 5, readOrdinal: 2 })) },
    kind: "read.differs",
    user: alice,
  },
  { what: "a wrong unread count", damage: { members: ofUser(carol, (member) => ({ ...member, readOrdinal: 1 })) }, kind: "unread.differs", user: carol },
  {
    what: "a list without the conversation",
    damage: { memberships: (list, user) => list.filter(({ conversation }) => user !== carol || conversation !== team) },
    kind: "membership.differs",
    user: carol,
  },
  {
    what: "a list with a conversation that was left",
    damage: { memberships: (list, user) => list.map((one) => (user === bob ? { ...one, state: "joined" } : one)) },
    kind: "membership.differs",
    user: bob,
  },
  {
    what: "a change beyond the counter",
    damage: { memberships: (list, user) => list.map((one) => (user === bob ? { ...one, change: 99 } : one)) },
    kind: "membership.differs",
    user: bob,
  },
  ...plantedInChanges(),
];

/** Of `busy`, and of `old`, which begins at 5. */
function plantedInChanges(): readonly Planted[] {
  const inBusy = (damage: Damage): Damage => ({ conversation: busy, ...damage });
  const inOld = (damage: Damage): Damage => ({ conversation: old, ...damage });
  const annotated =
    (change: (annotation: Annotation) => Annotation | undefined) =>
    (entry: LogEntry): LogEntry => {
      const { annotation, ...rest } = entry;
      const changed = annotation && change(annotation);
      return changed === undefined ? rest : { ...rest, annotation: changed };
    };
  const edited = (content: Content) =>
    annotated((annotation) => (annotation.edited === undefined ? annotation : { ...annotation, edited: { ...annotation.edited, content } }));
  const floor =
    (change: (floor: Floor) => Floor) =>
    (record: ConversationRecord): ConversationRecord => ({ ...record, ...(record.floor && { floor: change(record.floor) }) });
  const isDeleted = { type: "deleted" } as const;
  return [
    {
      what: "an edit that is not shown",
      damage: inBusy({
        entry: atEntry(
          2,
          annotated(() => undefined),
        ),
      }),
      kind: "annotation.differs",
      seq: 2,
    },
    { what: "another content of an edit", damage: inBusy({ entry: atEntry(2, edited(text("drei"))) }), kind: "annotation.differs", seq: 2 },
    {
      what: "a count of reactions",
      damage: inBusy({
        entry: atEntry(
          5,
          annotated((one) => ({ ...one, reactions: [{ emoji: "👍", count: 2 }] })),
        ),
      }),
      kind: "annotation.differs",
      seq: 5,
    },
    {
      what: "a change that no entry made",
      damage: inBusy({ entry: atEntry(3, (entry) => ({ ...entry, annotation: { changed: 4 } })) }),
      kind: "annotation.differs",
      seq: 3,
    },
    {
      what: "a deletion that is not shown",
      damage: inBusy({
        entry: atEntry(
          9,
          annotated(() => undefined),
        ),
      }),
      kind: "annotation.differs",
      seq: 9,
    },
    { what: "a reaction that is nobody's", damage: inBusy({ reacted: () => new Map() }), kind: "reaction.differs", seq: 5, user: alice },
    {
      what: "a reaction too many",
      damage: inBusy({ reacted: (one) => new Map([...one].map(([seq, emojis]) => [seq, [...emojis, "🎉"]])) }),
      kind: "reaction.differs",
      user: alice,
    },
    {
      what: "a deleted message that is there",
      damage: inBusy({ entry: atEntry(9, (entry) => ({ ...entry, body: { type: "message.created", content: text("nine") } })) }),
      kind: "erasure.differs",
      seq: 9,
    },
    {
      what: "a deleted message whose data is there",
      damage: inBusy({ entry: atEntry(9, (entry) => ({ ...entry, body: { ...entry.body, data: { about: "nine" } } as LogEntry["body"] })) }),
      kind: "erasure.differs",
      seq: 9,
    },
    {
      what: "an edit of a deleted message that is there",
      damage: inBusy({ entry: atEntry(10, (entry) => ({ ...entry, body: { type: "message.edited", target: 9, rev: 1, content: text("9") } })) }),
      kind: "erasure.differs",
      seq: 10,
    },
    {
      what: "a message that nobody deleted, erased",
      damage: inBusy({ entry: atEntry(3, (entry) => ({ ...entry, body: { type: "message.created", content: isDeleted } })) }),
      kind: "erasure.differs",
      seq: 3,
    },
    {
      what: "an edit that nobody deleted, erased",
      damage: inBusy({ entry: atEntry(6, (entry) => ({ ...entry, body: { type: "message.edited", target: 5, rev: 1, content: isDeleted } })) }),
      kind: "erasure.differs",
      seq: 6,
    },
    { what: "a pin that is lost", damage: inBusy({ record: ({ pins: _pins, ...record }) => record }), kind: "pins.differs" },
    { what: "a pin that nobody set", damage: { record: (record) => ({ ...record, pins: [1] }) }, kind: "pins.differs" },
    { what: "another slow mode", damage: inBusy({ record: (record) => ({ ...record, slowModeMs: 5_000 }) }), kind: "conversation.differs" },
    { what: "a group between two", damage: inBusy({ record: (record) => ({ ...record, between: [alice, bob] }) }), kind: "conversation.differs" },
    {
      what: "a direct conversation between nobody",
      damage: { conversation: pair, record: ({ between: _between, ...record }) => record },
      kind: "conversation.differs",
    },
    {
      what: "a direct conversation between others",
      damage: { conversation: pair, record: (record) => ({ ...record, between: [alice, carol] }) },
      kind: "conversation.differs",
    },
    {
      what: "a mark of delivery behind the read mark",
      damage: inBusy({ members: ofUser(bob, (member) => ({ ...member, deliveredSeq: 8 })) }),
      kind: "delivered.differs",
      user: bob,
    },
    {
      what: "a mark of delivery beyond the head",
      damage: inBusy({ members: ofUser(bob, (member) => ({ ...member, deliveredSeq: 13 })) }),
      kind: "delivered.differs",
      user: bob,
    },
    {
      what: "another time of the last message",
      damage: inBusy({ members: ofUser(bob, (member) => ({ ...member, sentAt: 7 })) }),
      kind: "settings.differs",
      user: bob,
    },
    {
      what: "no time of the last message",
      damage: inBusy({ members: ofUser(bob, ({ sentAt: _sentAt, ...member }) => member) }),
      kind: "settings.differs",
      user: bob,
    },
    {
      what: "a time of the last message without slow mode",
      damage: { members: ofUser(alice, (member) => ({ ...member, sentAt: 7 })) },
      kind: "settings.differs",
      user: alice,
    },
    {
      what: "hidden at a message to come",
      damage: inBusy({ members: ofUser(alice, (member) => ({ ...member, hiddenOrdinal: 5 })) }),
      kind: "settings.differs",
      user: alice,
    },
    {
      what: "muted until no time",
      damage: inBusy({ members: ofUser(alice, (member) => ({ ...member, mutedUntil: Number.NaN })) }),
      kind: "settings.differs",
      user: alice,
    },
    { what: "a hidden message that is not hidden", damage: inBusy({ hidden: () => new Set([3]) }), kind: "hides.differs", user: alice },
    {
      what: "a wrong count of hidden messages",
      damage: inBusy({ members: ofUser(alice, ({ hides: _hides, ...member }) => member) }),
      kind: "hides.differs",
      user: alice,
    },
    { what: "retention that is not listed", damage: inBusy({ retaining: (ids) => ids.filter((id) => id !== busy) }), kind: "retention.differs" },
    {
      what: "a list with a conversation without retention",
      damage: { retaining: (ids) => (ids.length === 0 ? ids : [...ids, team]) },
      kind: "retention.differs",
    },
    { what: "a floor above the head", damage: inOld({ record: floor((one) => ({ ...one, seq: 13 })) }), kind: "floor.differs", seq: 13 },
    { what: "a floor that counts more than there is", damage: inOld({ record: floor((one) => ({ ...one, ordinal: 6 })) }), kind: "floor.differs", seq: 4 },
    { what: "an entry below the floor", damage: inOld({ record: floor((one) => ({ ...one, seq: 5 })) }), kind: "floor.differs", seq: 5 },
    { what: "a missing entry behind the floor", damage: inOld({ entry: atEntry(5, () => undefined) }), kind: "log.hole", seq: 6 },
    { what: "another floor's hash", damage: inOld({ record: floor((one) => ({ ...one, hash: "f".repeat(32) })) }), kind: "log.hash", seq: 5 },
    { what: "another floor's count", damage: inOld({ record: floor((one) => ({ ...one, ordinal: 1 })) }), kind: "log.ordinal", seq: 5 },
    {
      what: "a mark below the floor that counts more than the floor",
      damage: inOld({ members: ofUser(alice, (member) => ({ ...member, readOrdinal: 3 })) }),
      kind: "unread.differs",
      user: alice,
    },
    {
      what: "an edit of a truncated message that is there",
      damage: inOld({ entry: atEntry(12, (entry) => ({ ...entry, body: { type: "message.edited", target: 2, rev: 2, content: text("zwei") } })) }),
      kind: "erasure.differs",
      seq: 12,
    },
    { what: "a pin on a truncated message", damage: inOld({ record: (record) => ({ ...record, pins: [2, 5] }) }), kind: "pins.differs" },
  ];
}

for (const { what, damage, kind, seq, user } of planted) {
  test(`${what} is found as ${kind}, with its place`, async () => {
    await using store = await filledStore();
    const findings = await findingsOf(damaged(store, damage));
    const fitting = findings.filter((finding) => finding.kind === kind && finding.conversation === (damage.conversation ?? team));
    assert.ok(
      fitting.some((finding) => (seq === undefined || finding.seq === seq) && (user === undefined || finding.user === user)),
      JSON.stringify(findings),
    );
    assert.ok(fitting.every(({ message }) => !message.includes("one") || !message.includes("two")));
  });
}

test("a record that the driver cannot read is named, and what lies behind it is still checked", async () => {
  await using store = await filledStore();
  const corrupt = Object.assign(new Error("The store is damaged: wrong checksum. Run it."), { code: "store.corrupt", conversation: team, seq: 3 });
  const broken = damaged(store, {
    entry: (entry) => {
      if (entry.seq === 3) throw corrupt;
      return entry.seq === 5 ? { ...entry, digest: "0".repeat(32) } : entry;
    },
  });
  const findings = await findingsOf(broken);
  assert.deepEqual(
    findings.map(({ kind, seq }) => [kind, seq]),
    [
      ["record.damaged", 3],
      ["log.digest", 5],
      ["log.hash", 5],
    ],
  );
});

test("a conversation that is only listed as one with retention is named", async () => {
  await using store = await filledStore();
  const findings = await findingsOf(damaged(store, { retaining: (ids) => (ids.length === 0 ? ids : [...ids, "z" as ConversationId]) }));
  assert.deepEqual(
    findings.map(({ kind, conversation }) => [kind, conversation]),
    [["retention.differs", "z"]],
  );
});

test("another failure than damage ends the check", async () => {
  await using store = await filledStore();
  const failing = damaged(store, {
    entry: () => {
      throw new Error("no connection");
    },
  });
  await assert.rejects(findingsOf(failing), /no connection/);
});
