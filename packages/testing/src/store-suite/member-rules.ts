/** S10 and S12: memberships, change counters and read marks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Membership } from "@suda/server/store";
import { alice, bob, carol, draft, lobby, room, says, user, World, type OpenStore } from "./world.ts";

const byConversation = (a: Membership, b: Membership) => (a.conversation < b.conversation ? -1 : 1);

export function memberRules(open: OpenStore): void {
  test("[S10] joins and leaves move the user's change counter; left stays as a trace", async () => {
    await using world = await World.open(open);
    const { log, conversations } = world.store;
    assert.deepEqual(await conversations.memberships(bob), { change: 0, memberships: [] });
    await world.group(lobby, [alice]);
    await log.append(lobby, [draft(alice, { type: "member.added", users: [bob] })]);
    await world.group(room("attic"), [alice, bob]);
    await log.append(lobby, [draft(alice, { type: "member.removed", user: bob })]);
    const state = await (await world.reopen()).conversations.memberships(bob);
    assert.equal(state.change, 3);
    assert.deepEqual(state.memberships.toSorted(byConversation), [
      { conversation: room("attic"), state: "joined", change: 2 },
      { conversation: lobby, state: "left", change: 3 },
    ]);
    await world.store.log.append(lobby, [draft(alice, { type: "member.added", users: [bob] })]);
    assert.equal((await world.store.conversations.memberships(bob)).change, 4);
  });

  test("[S10] the counter alone, and one membership, are what the whole list says", async () => {
    await using world = await World.open(open);
    const attic = room("attic");
    await world.group(lobby, [alice, bob]);
    await world.group(attic, [alice, bob]);
    await world.store.log.append(lobby, [draft(alice, { type: "member.removed", user: bob })]);
    const { conversations } = await world.reopen();
    assert.equal(await conversations.change(bob), 3);
    assert.deepEqual(await conversations.membership(bob, attic), { change: 3, membership: { conversation: attic, state: "joined", change: 2 } });
    assert.deepEqual(await conversations.membership(bob, lobby), { change: 3, membership: { conversation: lobby, state: "left", change: 3 } });
    assert.deepEqual(await conversations.membership(bob, room("cellar")), { change: 3, membership: undefined });
    assert.equal(await conversations.change(carol), 0);
    assert.deepEqual(await conversations.membership(carol, lobby), { change: 0, membership: undefined });
  });

  test("[S10] messages move nobody's change counter", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await world.store.log.append(lobby, [draft(alice, says("one")), draft(alice, { type: "conversation.updated", title: "T" })]);
    for (const who of [alice, bob]) assert.equal((await world.store.conversations.memberships(who)).change, 1);
  });

  test("[S10] concurrent changes of one user in many conversations each get their own number", async () => {
    await using world = await World.open(open);
    const rooms = Array.from({ length: 60 }, (_, index) => room(`room${index}`));
    await Promise.all(rooms.map((id) => world.group(id, [alice])));
    await Promise.all(rooms.map((id) => world.store.log.append(id, [draft(alice, { type: "member.added", users: [bob, carol] })])));
    for (const who of [alice, bob, carol]) {
      const state = await world.store.conversations.memberships(who);
      assert.equal(state.change, 60);
      assert.deepEqual(
        state.memberships.map(({ change }) => change).sort((a, b) => a - b),
        rooms.map((_, index) => index + 1),
      );
    }
  });

  test("[S10] members come by user id, page by page", async () => {
    await using world = await World.open(open);
    const names = Array.from({ length: 25 }, (_, index) => user(`u${String(index).padStart(2, "0")}`));
    await world.group(lobby, names.toReversed());
    const { conversations } = world.store;
    const page = async (after: string | undefined, limit: number) =>
      (await conversations.members(lobby, after === undefined ? undefined : user(after), limit)).map((member) => member.user);
    assert.deepEqual(await page(undefined, 10_000), names);
    assert.deepEqual(await page(undefined, 3), names.slice(0, 3));
    assert.deepEqual(await page("u02", 3), names.slice(3, 6));
    assert.deepEqual(await page("u02x", 1), names.slice(3, 4));
    assert.deepEqual(await page("u24", 3), []);
    assert.deepEqual(await conversations.members(room("nowhere"), undefined, 3), []);
    assert.equal(await conversations.member(room("nowhere"), alice), undefined);
  });

  test("[S12] a read mark goes forwards, never backwards, never beyond the head", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    const { log, conversations } = world.store;
    await log.append(lobby, [
      draft(alice, says("one")),
      draft(alice, { type: "conversation.updated", title: "not a message" }),
      draft(alice, says("two")),
      draft(alice, says("three")),
    ]);
    const advance = async (seq: number) => {
      const member = await conversations.advanceRead(lobby, bob, seq);
      return [member?.readSeq, member?.readOrdinal];
    };
    assert.deepEqual(await advance(0), [0, 0]);
    assert.deepEqual(await advance(2), [2, 1]);
    assert.deepEqual(await advance(1), [2, 1]);
    assert.deepEqual(await advance(3), [3, 2]);
    assert.deepEqual(await advance(999), [4, 3]);
    assert.deepEqual(await advance(-1), [4, 3]);
    const member = await (await world.reopen()).conversations.member(lobby, bob);
    assert.equal(member?.readSeq, 4);
    assert.equal(member.readOrdinal, 3);
  });

  test("[S12] concurrent read marks end at the highest", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await world.store.log.append(
      lobby,
      Array.from({ length: 40 }, (_, index) => draft(alice, says(`${index}`))),
    );
    const marks = await Promise.all(Array.from({ length: 40 }, (_, index) => world.store.conversations.advanceRead(lobby, bob, ((index * 17) % 40) + 1)));
    assert.ok(marks.every((mark, index) => (mark?.readSeq ?? 0) >= ((index * 17) % 40) + 1));
    assert.equal((await world.store.conversations.member(lobby, bob))?.readSeq, 40);
  });

  test("[S12] a read mark beside concurrent sends of the same user loses to neither", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await world.store.log.append(lobby, [draft(alice, says("one"))]);
    const [, mark] = await Promise.all([
      world.store.log.append(lobby, [draft(bob, says("two"))]),
      world.store.conversations.advanceRead(lobby, bob, 1),
      world.store.log.append(lobby, [draft(bob, says("three"))]),
    ]);
    assert.ok((mark?.readSeq ?? 0) >= 1);
    assert.equal((await world.store.conversations.member(lobby, bob))?.readSeq, 3);
  });

  test("[S10] [S12] a read mark that moved moves the user's change counter, so that other devices learn of it", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await world.store.log.append(lobby, [draft(alice, says("one"))]);
    await world.store.conversations.advanceRead(lobby, bob, 1);
    await world.store.conversations.advanceRead(lobby, bob, 1);
    assert.deepEqual(await world.store.conversations.memberships(bob), { change: 2, memberships: [{ conversation: lobby, state: "joined", change: 2 }] });
  });

  test("[S12] who is no member has no read mark", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    assert.equal(await world.store.conversations.advanceRead(lobby, carol, 0), undefined);
    assert.equal(await world.store.conversations.advanceRead(room("nowhere"), alice, 0), undefined);
  });
}
