/** The check of a whole store must be able to fail: damage of every kind is planted and found in its place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, Content, ConversationId, UserId } from "@suda/protocol";
import { atEntry, damaged, findingsOf, ManualClock, ofUser, type Damage } from "@suda/testing";
import { MemoryStore } from "./memory-store.ts";
import type { Finding, FindingKind } from "./finding.ts";
import { StoreCorruptError } from "./store-errors.ts";
import type { LogEntry } from "./store.ts";
import { verifyStore } from "./verify-store.ts";

const team = "team" as ConversationId;
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
  return store;
}

test("a store that was only written through the contract has no findings", async () => {
  await using store = await filledStore();
  const findings: Finding[] = [];
  assert.deepEqual(await verifyStore(store, (finding) => findings.push(finding)), { conversations: 2, entries: 7, findings: 0 });
  assert.deepEqual(findings, []);
});

interface Planted {
  readonly what: string;
  readonly damage: Omit<Damage, "conversation">;
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
];

for (const { what, damage, kind, seq, user } of planted) {
  test(`${what} is found as ${kind}, with its place`, async () => {
    await using store = await filledStore();
    const findings = await findingsOf(damaged(store, { conversation: team, ...damage }));
    const fitting = findings.filter((finding) => finding.kind === kind && finding.conversation === team);
    assert.ok(
      fitting.some((finding) => (seq === undefined || finding.seq === seq) && (user === undefined || finding.user === user)),
      JSON.stringify(findings),
    );
    assert.ok(fitting.every(({ message }) => !message.includes("one") || !message.includes("two")));
  });
}

test("a record that the driver cannot read is named, and what lies behind it is still checked", async () => {
  await using store = await filledStore();
  const corrupt = new StoreCorruptError("wrong checksum", { conversation: team, seq: 3 });
  const broken = damaged(store, {
    conversation: team,
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

test("another failure than damage ends the check", async () => {
  await using store = await filledStore();
  const failing = damaged(store, {
    conversation: team,
    entry: () => {
      throw new Error("no connection");
    },
  });
  await assert.rejects(findingsOf(failing), /no connection/);
});
