/** S28–S30 and S33: delivery marks, the conversation's settings at commit, a member's own settings, the list of those with retention. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppendOutcome, LogBody } from "@suda/server/store";
import type { ConversationId, UserId } from "@suda/protocol";
import { alice, asMember, bob, carol, draft, lobby, room, says, storedSeq, World, type OpenStore } from "./world.ts";

const notes = room("notes");
const pair = room("pair");
const update = (patch: object): LogBody => ({ type: "conversation.updated", ...patch });
/** `stored` or the reason of the refusal. */
const nameOf = (outcome: AppendOutcome | undefined): string | undefined => (outcome?.outcome === "refused" ? outcome.reason : outcome?.outcome);

export function settingRules(open: OpenStore): void {
  /** `lobby` with alice as owner, bob as admin and carol as member; `pair`, direct, of alice and bob; `notes` of alice alone. */
  async function peopled(): Promise<{ world: World; attempt: (id: ConversationId, from: UserId, body?: LogBody) => Promise<string | undefined> }> {
    const world = await World.open(open);
    const { conversations } = world.store;
    const fields = { epoch: "e", createdAt: world.clock.now() } as const;
    const members = [
      { user: alice, role: "owner" },
      { user: bob, role: "admin" },
      { user: carol, role: "member" },
    ] as const;
    await conversations.create({ ...fields, id: lobby, kind: "group", members });
    const both = [alice, bob].map((user) => ({ user, role: "member" as const }));
    await conversations.create({ ...fields, id: pair, kind: "direct", members: both });
    await conversations.create({ ...fields, id: notes, kind: "direct", members: both.slice(0, 1) });
    return { world, attempt: async (id, from, body = says("안녕")) => nameOf((await world.store.log.append(id, [asMember(from, body)]))[0]) };
  }
  const changeOf = async (world: World, user: UserId): Promise<number> => (await world.store.conversations.memberships(user)).change;

  test("[S28] a delivery mark goes forwards, never backwards, never beyond the head, and moves no change counter", async () => {
    const { world } = await peopled();
    await using _world = world;
    const { log, conversations } = world.store;
    await log.append(lobby, [draft(alice, says("one")), draft(alice, says("two")), draft(alice, says("three"))]);
    const before = await changeOf(world, carol);
    const marks: unknown[] = [];
    for (const seq of [0, 2, 1, 999, -1]) marks.push((await conversations.advanceDelivered(lobby, carol, seq))?.deliveredSeq);
    assert.deepEqual(marks, [0, 2, 2, 3, 3]);
    assert.equal(await changeOf(world, carol), before);
    const member = await (await world.reopen()).conversations.member(lobby, carol);
    assert.deepEqual([member?.deliveredSeq, member?.readSeq, member?.readOrdinal], [3, 0, 0]);
    assert.equal(await world.store.conversations.advanceDelivered(room("nowhere"), carol, 1), undefined);
    assert.equal(await world.store.conversations.advanceDelivered(pair, carol, 1), undefined);
  });

  test("[S28] [S12] what was read or written was delivered, also of marks at once; who joins begins at the joining", async () => {
    const { world } = await peopled();
    await using _world = world;
    const { log, conversations } = world.store;
    await log.append(lobby, [draft(alice, says("one")), draft(alice, says("two"))]);
    const marksOf = async (user: UserId): Promise<unknown> => {
      const member = await conversations.member(lobby, user);
      return [member?.readSeq, member?.deliveredSeq];
    };
    assert.deepEqual(await marksOf(alice), [2, 2]);
    await Promise.all([
      conversations.advanceDelivered(lobby, carol, 1),
      conversations.advanceRead(lobby, carol, 2),
      conversations.advanceDelivered(lobby, carol, 1),
    ]);
    assert.deepEqual(await marksOf(carol), [2, 2]);
    await log.append(lobby, [draft(bob, says("three")), draft(alice, { type: "member.removed", user: carol })]);
    await log.append(lobby, [draft(alice, { type: "member.added", users: [carol] })]);
    assert.deepEqual(await marksOf(carol), [5, 5]);
    assert.deepEqual(await marksOf(bob), [3, 3]);
  });

  test("[S29] when only admins write, a member's message is refused; admins, other entries and drafts without asMember are not", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    const { log } = world.store;
    assert.equal(await attempt(lobby, carol), "stored");
    assert.equal(await attempt(lobby, alice, update({ write: "admins" })), "stored");
    for (const from of [carol, "stranger" as UserId]) assert.equal(await attempt(lobby, from), "write");
    for (const from of [alice, bob]) assert.equal(await attempt(lobby, from), "stored");
    assert.equal(await attempt(lobby, carol, { type: "reaction.added", target: 1, emoji: "👍" }), "stored");
    assert.equal(storedSeq((await log.append(lobby, [draft(carol, says("by the backend"))]))[0]), 6);
    assert.equal((await (await world.reopen()).conversations.get(lobby))?.write, "admins");
    assert.equal(await attempt(lobby, alice, update({ write: null })), "stored");
    assert.equal((await world.store.conversations.get(lobby))?.write, undefined);
    assert.deepEqual((await world.store.log.append(lobby, [asMember(carol, says("again"))])).map(nameOf), ["stored"]);
  });

  test("[S29] in slow mode a member waits to the millisecond; admins do not", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    assert.equal(await attempt(lobby, alice, update({ slowModeMs: 1_000 })), "stored");
    assert.equal(await attempt(lobby, carol), "stored");
    world.clock.time += 400;
    const store = await world.reopen();
    assert.deepEqual(await store.log.append(lobby, [asMember(carol, says("too soon"), "k")]), [{ outcome: "refused", reason: "slow", retryAfterMs: 600 }]);
    for (const from of [alice, alice, bob, bob]) assert.deepEqual((await store.log.append(lobby, [asMember(from, says("!"))])).map(nameOf), ["stored"]);
    world.clock.time += 599;
    assert.deepEqual(await store.log.append(lobby, [asMember(carol, says("too soon"), "k")]), [{ outcome: "refused", reason: "slow", retryAfterMs: 1 }]);
    world.clock.time += 1;
    assert.deepEqual((await store.log.append(lobby, [asMember(carol, says("in time"), "k")])).map(nameOf), ["stored"]);
    const [retry] = await store.log.append(lobby, [asMember(carol, says("in time"), "k")]);
    assert.equal(retry?.outcome, "duplicate", "what is stored is not sent too soon");
    assert.deepEqual((await store.log.append(lobby, [draft(carol, says("by the backend"))])).map(nameOf), ["stored"]);
    assert.equal((await store.conversations.member(lobby, carol))?.sentAt, world.clock.now());
  });

  test("[S29] drafts of one append see each other's settings and messages, so two of one member never fit into slow mode", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    const { log } = world.store;
    const slow = draft(alice, update({ slowModeMs: 5_000 }));
    assert.deepEqual(await log.append(lobby, [asMember(carol, says("1")), slow, asMember(carol, says("2")), asMember(carol, says("3"))]), [
      { outcome: "withheld" },
      { outcome: "withheld" },
      { outcome: "withheld" },
      { outcome: "refused", reason: "slow", retryAfterMs: 5_000 },
    ]);
    // Before the setting nobody kept the time, so the first message under it is free.
    assert.deepEqual((await log.append(lobby, [asMember(carol, says("1")), slow, asMember(carol, says("2"))])).map(nameOf), ["stored", "stored", "stored"]);
    const tries = await Promise.all([log.append(lobby, [asMember(bob, update({ slowModeMs: null }))]), log.append(lobby, [asMember(carol, says("3"))])]);
    assert.deepEqual(
      tries.map(([outcome]) => nameOf(outcome)),
      ["stored", "stored"],
    );
    assert.equal((await world.store.conversations.member(lobby, carol))?.sentAt, undefined, "no time is kept without slow mode");
    assert.equal(await attempt(lobby, carol), "stored");
  });

  test("[S29] of the parts of one send only the first is judged by slow mode, and all wait with it", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    await attempt(lobby, alice, update({ slowModeMs: 1_000 }));
    const part = (index: number): LogBody => ({ ...says(`part ${index}`), part: { index, total: 2 } }) as LogBody;
    const send = async (): Promise<readonly (string | undefined)[]> =>
      (await world.store.log.append(lobby, [asMember(carol, part(1)), asMember(carol, part(2))])).map(nameOf);
    assert.deepEqual(await send(), ["stored", "stored"]);
    world.clock.time += 999;
    assert.deepEqual(await send(), ["slow", "withheld"]);
    world.clock.time += 1;
    assert.deepEqual(await send(), ["stored", "stored"]);
    assert.equal(await attempt(lobby, carol), "slow");
  });

  test("[S29] whatever the clock does, nobody waits longer than slow mode", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    await attempt(lobby, alice, update({ slowModeMs: 1_000 }));
    await attempt(lobby, carol);
    world.clock.time += 600;
    await attempt(lobby, alice);
    world.clock.time -= 500;
    const [outcome] = await world.store.log.append(lobby, [asMember(carol, says("x"))]);
    assert.deepEqual(outcome, { outcome: "refused", reason: "slow", retryAfterMs: 400 }, "by the time of the log");
    world.clock.time -= 101;
    assert.equal(await attempt(lobby, carol), "stored", "the clock is behind the last message and cannot tell");
    world.clock.time -= 3_600_000;
    assert.equal(await attempt(lobby, carol), "stored");
    world.clock.time += 3_600_000 + 601;
    assert.equal(await attempt(lobby, carol), "slow", "it has caught up");
  });

  test("[S29] [S3] a retry of what is stored is a duplicate, whatever the settings are by then", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    const { log, conversations } = world.store;
    const send = (id: ConversationId, from: UserId): Promise<readonly AppendOutcome[]> => log.append(id, [asMember(from, says("hello"), "k")]);
    await send(lobby, carol);
    await send(pair, alice);
    await attempt(lobby, alice, update({ write: "admins", slowModeMs: 60_000 }));
    await conversations.updateMember(pair, bob, { isBlocking: true });
    assert.deepEqual((await send(lobby, carol)).map(nameOf), ["duplicate"]);
    assert.deepEqual((await send(pair, alice)).map(nameOf), ["duplicate"]);
    assert.deepEqual((await log.append(pair, [asMember(alice, says("hello"), "other")])).map(nameOf), ["blocked"]);
  });

  test("[S29] a block of the other one refuses both sides everything in the direct conversation, and ends with it", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    assert.equal(await attempt(pair, alice), "stored");
    assert.equal((await world.store.conversations.updateMember(pair, bob, { isBlocking: true }))?.isBlocking, true);
    await world.reopen();
    const again = async (from: UserId, body: LogBody): Promise<unknown> => nameOf((await world.store.log.append(pair, [asMember(from, body)]))[0]);
    for (const body of [says("x"), { type: "reaction.added", target: 1, emoji: "👍" } as const, { type: "pin.added", target: 1 } as const]) {
      assert.equal(await again(alice, body), "blocked");
      assert.equal(await again(bob, body), "blocking");
    }
    assert.deepEqual((await world.store.log.append(pair, [draft(alice, { type: "message.deleted", target: 1 })])).map(nameOf), ["stored"]);
    await world.store.conversations.updateMember(pair, alice, { isBlocking: true });
    assert.equal(await again(alice, says("x")), "blocked", "being blocked is told first");
    await world.store.conversations.updateMember(pair, alice, { isBlocking: null });
    assert.equal((await world.store.conversations.updateMember(pair, bob, { isBlocking: null }))?.isBlocking, undefined);
    for (const from of [alice, bob]) assert.equal(await again(from, says("x")), "stored");
  });

  test("[S29] a block under way already counts, and means nothing with oneself and in groups", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    const { log, conversations } = world.store;
    const [, outcomes] = await Promise.all([conversations.updateMember(pair, bob, { isBlocking: true }), log.append(pair, [asMember(alice, says("x"))])]);
    assert.deepEqual(outcomes, [{ outcome: "refused", reason: "blocked" }]);
    await conversations.updateMember(notes, alice, { isBlocking: true });
    await conversations.updateMember(lobby, bob, { isBlocking: true });
    assert.equal(await attempt(notes, alice), "stored");
    for (const from of [alice, bob, carol]) assert.equal(await attempt(lobby, from), "stored");
  });

  test("[S30] own settings are kept, null removes, and each change moves the user's change counter", async () => {
    const { world } = await peopled();
    await using _world = world;
    const start = await changeOf(world, carol);
    const patches = [
      { mutedUntil: 5 },
      { mutedUntil: 5 },
      { mutedUntil: 9, hiddenOrdinal: 0 },
      {},
      { isMarkedUnread: true },
      { mutedUntil: null },
      { mutedUntil: null },
    ] as const;
    const changes: number[] = [];
    for (const patch of patches) {
      await world.store.conversations.updateMember(lobby, carol, patch);
      changes.push((await changeOf(world, carol)) - start);
    }
    assert.deepEqual(changes, [1, 1, 2, 2, 3, 4, 4]);
    const store = await world.reopen();
    const { mutedUntil, hiddenOrdinal, isMarkedUnread } = (await store.conversations.member(lobby, carol)) ?? {};
    assert.deepEqual([mutedUntil, hiddenOrdinal, isMarkedUnread], [undefined, 0, true]);
    assert.deepEqual((await store.conversations.memberships(carol)).memberships, [{ conversation: lobby, state: "joined", change: start + 4 }]);
    assert.equal((await store.conversations.member(lobby, bob))?.hiddenOrdinal, undefined, "nobody else's");
    assert.equal(await store.conversations.updateMember(pair, carol, { mutedUntil: 1 }), undefined);
    assert.equal(await store.conversations.updateMember(room("nowhere"), carol, { mutedUntil: 1 }), undefined);
  });

  test("[S30] [S10] reading takes the mark of unread away and moves the counter, even when the read mark stays; writing takes it too", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    const { conversations } = world.store;
    await attempt(lobby, alice);
    await conversations.advanceRead(lobby, carol, 1);
    await conversations.updateMember(lobby, carol, { isMarkedUnread: true });
    const before = await changeOf(world, carol);
    const read = await conversations.advanceRead(lobby, carol, 0);
    assert.deepEqual([read?.isMarkedUnread, read?.readSeq, await changeOf(world, carol)], [undefined, 1, before + 1]);
    await conversations.advanceRead(lobby, carol, 1);
    assert.equal(await changeOf(world, carol), before + 1);
    await conversations.updateMember(lobby, carol, { isMarkedUnread: true });
    assert.equal(await attempt(lobby, carol), "stored");
    assert.equal((await conversations.member(lobby, carol))?.isMarkedUnread, undefined);
    assert.equal(await changeOf(world, carol), before + 2, "the head has moved: the counter need not");
  });

  test("[S30] who leaves and joins again begins with no settings and no waiting time", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    await attempt(lobby, alice, update({ slowModeMs: 60_000 }));
    await attempt(lobby, carol);
    await world.store.conversations.updateMember(lobby, carol, { mutedUntil: 9, hiddenOrdinal: 1, isMarkedUnread: true });
    await attempt(lobby, alice, { type: "member.removed", user: carol });
    await attempt(lobby, alice, { type: "member.added", users: [carol] });
    const joined = { user: carol, role: "member", joinedAt: world.clock.now(), readSeq: 4, readOrdinal: 1, deliveredSeq: 4 };
    assert.deepEqual(await (await world.reopen()).conversations.member(lobby, carol), joined);
    assert.deepEqual((await world.store.log.append(lobby, [asMember(carol, says("x"))])).map(nameOf), ["stored"]);
  });

  test("[S33] conversations with retention are listed by id, page by page, from creation and from changes on", async () => {
    const { world, attempt } = await peopled();
    await using _world = world;
    const { conversations } = world.store;
    const make = (id: string, retentionMs?: number): Promise<unknown> =>
      conversations.create({
        id: room(id),
        kind: "group",
        epoch: "e",
        createdAt: 1,
        members: [{ user: alice, role: "owner" }],
        ...(retentionMs !== undefined && { retentionMs }),
      });
    await Promise.all([make("z", 60_000), make("b", 60_000), make("b.1", 90_000), make("without")]);
    assert.deepEqual(await conversations.withRetention(undefined, 1_000), ["b", "b.1", "z"]);
    await attempt(lobby, alice, update({ retentionMs: 70_000 }));
    await attempt(room("b"), alice, update({ retentionMs: 80_000 }));
    await attempt(room("z"), alice, update({ retentionMs: null }));
    await attempt(room("without"), alice, update({ title: "still without", retentionMs: null }));
    const store = await world.reopen();
    assert.deepEqual(await store.conversations.withRetention(undefined, 1_000), ["b", "b.1", lobby]);
    assert.deepEqual(await store.conversations.withRetention(undefined, 2), ["b", "b.1"]);
    assert.deepEqual(await store.conversations.withRetention(room("b"), 1), ["b.1"]);
    assert.deepEqual(await store.conversations.withRetention(room("b.1"), 2), [lobby]);
    assert.deepEqual(await store.conversations.withRetention(lobby, 2), []);
    assert.deepEqual([(await store.conversations.get(room("b")))?.retentionMs, (await store.conversations.get(room("z")))?.retentionMs], [80_000, undefined]);
  });
}
