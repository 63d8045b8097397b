/** S32: messages that one member has hidden from themself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { alice, bob, carol, draft, lobby, room, says, World, type OpenStore } from "./world.ts";

export function hideRules(open: OpenStore): void {
  /** A group of alice and bob with three messages (1, 2, 4) and an entry that is none (3). */
  async function talking(): Promise<World> {
    const world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await world.store.log.append(lobby, [
      draft(alice, says("one")),
      draft(bob, says("two")),
      draft(alice, { type: "conversation.updated", title: "T" }),
      draft(alice, says("four")),
    ]);
    return world;
  }

  test("[S32] a message is hidden once, from one member alone, and moves that member's change counter", async () => {
    await using world = await talking();
    const { conversations } = world.store;
    const start = (await conversations.memberships(alice)).change;
    const outcomes = [];
    for (const target of [1, 2, 1]) outcomes.push(await conversations.hideMessage(lobby, alice, target));
    assert.deepEqual(outcomes, ["hidden", "hidden", "unchanged"]);
    const store = await world.reopen();
    assert.deepEqual(await store.conversations.hiddenBy(lobby, alice, [4, 3, 2, 1]), new Set([2, 1]));
    assert.deepEqual(await store.conversations.hiddenBy(lobby, alice, [1]), new Set([1]));
    assert.deepEqual(await store.conversations.hiddenBy(lobby, bob, [1, 2, 3, 4]), new Set());
    assert.equal((await store.conversations.member(lobby, alice))?.hides, 2);
    assert.equal((await store.conversations.member(lobby, bob))?.hides, undefined);
    assert.deepEqual(await store.conversations.memberships(alice), {
      change: start + 2,
      memberships: [{ conversation: lobby, state: "joined", change: start + 2 }],
    });
    assert.equal((await store.log.readAfter(lobby, 0, 10)).length, 4, "the log is as it was");
  });

  test("[S32] only a message that is there can be hidden, a deleted one too, and only by a member", async () => {
    await using world = await talking();
    const { conversations } = world.store;
    for (const target of [0, 3, 5, -1, 1.5, 1e15]) assert.equal(await conversations.hideMessage(lobby, alice, target), "no_message", `${target}`);
    assert.equal((await conversations.member(lobby, alice))?.hides, undefined);
    await world.store.log.append(lobby, [draft(alice, { type: "message.deleted", target: 1 })]);
    assert.equal(await conversations.hideMessage(lobby, alice, 1), "hidden");
    assert.equal(await conversations.hideMessage(lobby, carol, 1), undefined);
    assert.equal(await conversations.hideMessage(room("nowhere"), alice, 1), undefined);
    assert.deepEqual(await conversations.hiddenBy(room("nowhere"), alice, [1]), new Set());
  });

  test("[S32] of hides at once each message counts once", async () => {
    await using world = await talking();
    const outcomes = await Promise.all([1, 2, 1, 4, 1, 2].map((target) => world.store.conversations.hideMessage(lobby, alice, target)));
    assert.deepEqual(outcomes, ["hidden", "hidden", "unchanged", "hidden", "unchanged", "unchanged"]);
    assert.equal((await world.store.conversations.member(lobby, alice))?.hides, 3);
  });

  test("[S32] what was hidden stays hidden to somebody who leaves and joins again, and goes on counting", async () => {
    await using world = await talking();
    await world.store.conversations.hideMessage(lobby, bob, 1);
    await world.store.conversations.hideMessage(lobby, bob, 4);
    await world.store.log.append(lobby, [draft(alice, { type: "member.removed", user: bob })]);
    assert.deepEqual(await world.store.conversations.hiddenBy(lobby, bob, [1, 2, 4]), new Set([1, 4]));
    await world.store.log.append(lobby, [draft(alice, { type: "member.added", users: [bob, carol] })]);
    const store = await world.reopen();
    assert.equal((await store.conversations.member(lobby, bob))?.hides, 2);
    assert.equal((await store.conversations.member(lobby, carol))?.hides, undefined);
    assert.equal(await store.conversations.hideMessage(lobby, bob, 1), "unchanged");
    assert.equal(await store.conversations.hideMessage(lobby, bob, 2), "hidden");
    assert.equal((await store.conversations.member(lobby, bob))?.hides, 3);
  });
}
