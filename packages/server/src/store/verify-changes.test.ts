/** Damage to what a log makes of its messages, to settings and to the floor is planted and found in its place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Content, ConversationId, UserId } from "@suda/protocol";
import { atEntry, damaged, findingsOf, ManualClock, ofUser, type Damage } from "@suda/testing";
import type { FindingKind } from "./finding.ts";
import { MemoryStore } from "./memory-store.ts";
import type { ControlRecord } from "./control.ts";
import type { Annotation, ConversationRecord, Floor, LogEntry, Store } from "./store.ts";
import { verifyStore } from "./verify-store.ts";

const busy = "busy" as ConversationId;
const old = "old" as ConversationId;
const pair = "pair" as ConversationId;
const quiet = "quiet" as ConversationId;
const tapped = "tapped" as ConversationId;
const held = "held" as ConversationId;
const shortened = "shortened" as ConversationId;
const [alice, bob, carol] = ["alice", "bob", "carol"] as [UserId, UserId, UserId];
const text = (value: string): Content => ({ type: "text", text: value });

/** `held`; `shortened`, the same without its first three entries; `busy`; `old`, the same without its first four entries; `pair`, a direct conversation of alice and bob; `quiet`, a group of theirs with one message of alice's; `tapped`, see below. */
async function filledStore(): Promise<MemoryStore> {
  const clock = new ManualClock();
  const store = new MemoryStore({ clock });
  for (const id of [busy, old]) await fillWithChanges(store, id, clock);
  await store.log.truncate(old, 5);
  const fields = { epoch: "e", createdAt: clock.now(), members: [alice, bob].map((user) => ({ user, role: "member" as const })) };
  await store.conversations.create({ ...fields, id: pair, kind: "direct" });
  await store.conversations.create({ ...fields, id: quiet, kind: "group" });
  await store.log.append(quiet, [{ from: alice, body: { type: "message.created", content: text("one") } }]);
  await store.conversations.create({ ...fields, id: tapped, kind: "group" });
  await fillWithTaps(store);
  for (const id of [held, shortened]) await fillWithControl(store, id, clock);
  await store.log.truncate(shortened, 4);
  return store;
}

/** Two cards of alice's, each tapped by bob (3, 4), the second one deleted (5). */
async function fillWithTaps(store: Store): Promise<void> {
  const buttons = [{ type: "postback", id: "a", label: "a", once: true, data: "three" }] as const;
  const card: LogEntry["body"] = { type: "message.created", content: { type: "card", text: "two", buttons: [...buttons] }, altText: "two" };
  await store.log.append(tapped, [
    { from: alice, body: card },
    { from: alice, body: card },
    { from: bob, body: { type: "interaction.created", target: 1, action: "a" } },
    { from: bob, body: { type: "interaction.created", target: 2, action: "a" } },
    { from: alice, body: { type: "message.deleted", target: 2 } },
  ]);
}

/** 1 alice asks for a human, 2 bob writes, 3 bob takes over, 4 alice writes, 5 bob writes, which begins the lease anew. */
async function fillWithControl(store: Store, id: ConversationId, clock: ManualClock): Promise<void> {
  const members = [alice, bob].map((user) => ({ user, role: "member" as const }));
  await store.conversations.create({ id, kind: "group", epoch: "e", createdAt: clock.now(), members });
  const says: LogEntry["body"] = { type: "message.created", content: text("a word") };
  const bodies: [UserId, LogEntry["body"]][] = [
    [alice, { type: "control.changed", holder: "none", epoch: 0, queue: "math", reason: "handoff" }],
    [bob, says],
    [bob, { type: "control.changed", holder: "human", epoch: 0, agent: bob, leaseMs: 60_000, reason: "taken" }],
    [alice, says],
    [bob, says],
  ];
  for (const [from, body] of bodies) {
    clock.advance(10);
    await store.log.append(id, [{ from, body }]);
  }
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

test("a store with changes of every kind and a truncated log has no findings", async () => {
  await using store = await filledStore();
  const verified = await verifyStore(store, (finding) => assert.fail(JSON.stringify(finding)));
  assert.deepEqual(verified, { conversations: 7, entries: 12 + 8 + 1 + 5 + 5 + 2, findings: 0 });
});

interface Planted {
  readonly what: string;
  readonly damage: Damage;
  readonly kind: FindingKind;
  readonly seq?: number;
  readonly user?: UserId;
}

function planted(): readonly Planted[] {
  const inBusy = (damage: Omit<Damage, "conversation">): Damage => ({ ...damage, conversation: busy });
  const inOld = (damage: Omit<Damage, "conversation">): Damage => ({ ...damage, conversation: old });
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
  const inTapped = (seq: number, change: (entry: LogEntry) => LogEntry): Damage => ({ conversation: tapped, entry: atEntry(seq, change) });
  const withBody =
    (fields: object) =>
    (entry: LogEntry): LogEntry => {
      const body = Object.fromEntries(Object.entries({ ...entry.body, ...fields }).filter(([, value]) => value !== undefined));
      return { ...entry, body: body as unknown as LogEntry["body"] };
    };
  const control =
    (change: (control: ControlRecord) => ControlRecord | undefined) =>
    (record: ConversationRecord): ConversationRecord => {
      const { control: before, ...rest } = record;
      const after = before && change(before);
      return after === undefined ? rest : { ...rest, control: after };
    };
  const wrongly: readonly (readonly [string, Omit<Damage, "conversation">])[] = [
    ["nobody in charge", { record: control(() => undefined) }],
    ["another agent in charge", { record: control((one) => ({ ...one, agent: alice })) }],
    ["an older lease", { record: control((one) => ({ ...one, leaseUntil: (one.leaseUntil ?? 0) - 10 })) }],
    ["no place in the list", { controlled: (places) => places.filter(({ id }) => id !== held && id !== shortened) }],
    ["another place in the list", { controlled: (places) => places.map((one) => ({ ...one, at: one.at + 1 })) }],
  ];
  return [
    ...wrongly.map(([what, damage]): Planted => ({ what, damage: { ...damage, conversation: held }, kind: "control.differs" })),
    ...[wrongly[0], wrongly[2], wrongly[3]].flatMap((one): readonly Planted[] =>
      one === undefined ? [] : [{ what: `${one[0]} of a truncated log`, damage: { ...one[1], conversation: shortened }, kind: "control.differs" }],
    ),
    {
      what: "an epoch that does not follow",
      damage: { conversation: held, entry: atEntry(3, (entry) => ({ ...entry, body: { ...entry.body, epoch: 3 } as LogEntry["body"] })) },
      kind: "control.differs",
      seq: 3,
    },
    {
      what: "control that nobody changed",
      damage: { conversation: quiet, record: (record) => ({ ...record, control: { holder: "bot", epoch: 1, seq: 1, at: 1 } }) },
      kind: "control.differs",
    },
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
    { what: "a pin that nobody set", damage: { conversation: quiet, record: (record) => ({ ...record, pins: [1] }) }, kind: "pins.differs" },
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
      damage: { conversation: quiet, members: ofUser(alice, (member) => ({ ...member, sentAt: 7 })) },
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
      damage: { conversation: quiet, retaining: (ids) => (ids.length === 0 ? ids : [...ids, quiet]) },
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
    {
      what: "an action that is used up and is not shown so",
      damage: inTapped(
        1,
        annotated(({ used: _used, ...rest }) => rest),
      ),
      kind: "annotation.differs",
      seq: 1,
    },
    {
      what: "a tap that a deletion would not find",
      damage: inTapped(
        1,
        annotated(({ taps: _taps, ...rest }) => rest),
      ),
      kind: "annotation.differs",
      seq: 1,
    },
    { what: "another value of a tap", damage: inTapped(3, withBody({ value: "three" })), kind: "log.digest", seq: 3 },
    { what: "another reader of what a tap says", damage: inTapped(3, withBody({ to: carol })), kind: "log.digest", seq: 3 },
    {
      what: "a tap that is erased and whose message is there",
      damage: inTapped(3, withBody({ data: undefined, erased: true })),
      kind: "erasure.differs",
      seq: 3,
    },
    { what: "a tap whose message was deleted, saying something", damage: inTapped(4, withBody({ data: "three" })), kind: "erasure.differs", seq: 4 },
    { what: "a tap whose message was deleted, not erased", damage: inTapped(4, withBody({ erased: undefined })), kind: "erasure.differs", seq: 4 },
    { what: "a pin on a truncated message", damage: inOld({ record: (record) => ({ ...record, pins: [2, 5] }) }), kind: "pins.differs" },
  ];
}

for (const { what, damage, kind, seq, user } of planted()) {
  test(`${what} is found as ${kind}, with its place`, async () => {
    await using store = await filledStore();
    const findings = await findingsOf(damaged(store, damage));
    const fitting = findings.filter((finding) => finding.kind === kind && finding.conversation === damage.conversation);
    assert.ok(
      fitting.some((finding) => (seq === undefined || finding.seq === seq) && (user === undefined || finding.user === user)),
      JSON.stringify(findings),
    );
    assert.ok(fitting.every(({ message }) => !/two|three|five|nine|zwei/.test(message)));
  });
}

test("a conversation that is only listed as one with retention is named", async () => {
  await using store = await filledStore();
  const findings = await findingsOf(damaged(store, { conversation: quiet, retaining: (ids) => (ids.length === 0 ? ids : [...ids, "z" as ConversationId]) }));
  assert.deepEqual(
    findings.map(({ kind, conversation }) => [kind, conversation]),
    [["retention.differs", "z"]],
  );
});
