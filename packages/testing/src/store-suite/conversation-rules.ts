/** S11: creating, finding and listing conversations. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyHash, type NewConversation, type Store } from "@suda/server/store";
import { alice, bob, carol, draft, key, lobby, room, says, World, type OpenStore } from "./world.ts";

const plain: NewConversation = {
  id: lobby,
  kind: "group",
  epoch: "e1",
  createdAt: 1_700_000_000_000,
  createdBy: alice,
  title: "Lobby",
  data: { color: "blue", nested: [1, { a: null }] },
  members: [
    { user: bob, role: "member" },
    { user: alice, role: "owner" },
  ],
};

export function conversationRules(open: OpenStore): void {
  test("[S11] a new conversation has its fields, its members and an empty log", async () => {
    await using world = await World.open(open);
    const { outcome, conversation } = await world.store.conversations.create(plain);
    assert.equal(outcome, "created");
    const { members: _, ...fields } = plain;
    const expected = { ...fields, memberCount: 2, membersSeq: 0, head: { seq: 0, at: plain.createdAt, ordinal: 0, hash: emptyHash } };
    assert.deepEqual(conversation, expected);
    const store = await world.reopen();
    assert.deepEqual(await store.conversations.get(lobby), expected);
    assert.deepEqual(await store.conversations.members(lobby, undefined, 10), [
      { user: alice, role: "owner", joinedAt: plain.createdAt, readSeq: 0, readOrdinal: 0, deliveredSeq: 0 },
      { user: bob, role: "member", joinedAt: plain.createdAt, readSeq: 0, readOrdinal: 0, deliveredSeq: 0 },
    ]);
    assert.deepEqual(await store.conversations.memberships(alice), { change: 1, memberships: [{ conversation: lobby, state: "joined", change: 1 }] });
  });

  test("[S11] a second creation with the same id finds the first and writes nothing", async () => {
    await using world = await World.open(open);
    await world.store.conversations.create(plain);
    await world.store.log.append(lobby, [draft(alice, says("hello"))]);
    const again = await world.store.conversations.create({ ...plain, epoch: "e2", title: "Other", members: [{ user: carol, role: "owner" }] });
    assert.equal(again.outcome, "existing");
    assert.equal(again.conversation.title, "Lobby");
    assert.equal(again.conversation.epoch, "e1");
    assert.equal(again.conversation.head.seq, 1);
    assert.equal(await world.store.conversations.member(lobby, carol), undefined);
    assert.deepEqual(await world.store.conversations.memberships(carol), { change: 0, memberships: [] });
  });

  test("[S11] a second creation with the same key finds the first, whatever its id; another user's key does not", async () => {
    await using world = await World.open(open);
    const keyed = (id: string, who = alice) => ({ ...plain, id: room(id), key: { user: who, clientId: key("c1") } });
    assert.equal((await world.store.conversations.create(keyed("one"))).outcome, "created");
    const store = await world.reopen();
    const again = await store.conversations.create(keyed("two"));
    assert.equal(again.outcome, "existing");
    assert.equal(again.conversation.id, room("one"));
    assert.equal(await store.conversations.get(room("two")), undefined);
    assert.ok(!("key" in again.conversation));
    assert.equal((await store.conversations.create(keyed("three", bob))).outcome, "created");
  });

  test("[S11] of concurrent creations one creates and all get the same conversation", async () => {
    await using world = await World.open(open);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => world.store.conversations.create({ ...plain, id: room(`c${index}`), key: { user: alice, clientId: key("k") } })),
    );
    assert.equal(results.filter(({ outcome }) => outcome === "created").length, 1);
    assert.equal(new Set(results.map(({ conversation }) => conversation.id)).size, 1);
    assert.equal((await world.store.conversations.memberships(alice)).change, 1);
  });

  test("[S11] an append right behind a creation finds the conversation", async () => {
    await using world = await World.open(open);
    const [, outcomes] = await Promise.all([world.store.conversations.create(plain), world.store.log.append(lobby, [draft(alice, says("first!"))])]);
    assert.equal(outcomes[0]?.outcome, "stored");
  });

  test("[S11] somebody named twice among the members joins once, with the first role", async () => {
    await using world = await World.open(open);
    const members = [
      { user: alice, role: "owner" },
      { user: alice, role: "member" },
    ] as const;
    const { conversation } = await world.store.conversations.create({ ...plain, members });
    assert.equal(conversation.memberCount, 1);
    assert.equal((await world.store.conversations.member(lobby, alice))?.role, "owner");
  });

  test("[S11] a direct conversation knows its two members, one twice in a conversation with oneself, and takes no third", async () => {
    await using world = await World.open(open);
    const direct = (id: string, ...users: (typeof alice)[]): NewConversation => ({
      id: room(id),
      kind: "direct",
      epoch: "e",
      createdAt: 1,
      members: users.map((user) => ({ user, role: "member" })),
    });
    const { conversations } = world.store;
    assert.deepEqual((await conversations.create(direct("ab", bob, alice))).conversation.between, [bob, alice]);
    assert.deepEqual((await conversations.create(direct("a", alice))).conversation.between, [alice, alice]);
    assert.deepEqual((await conversations.create(direct("aa", alice, alice))).conversation.between, [alice, alice]);
    await assert.rejects(conversations.create(direct("abc", alice, bob, carol)), RangeError);
    await assert.rejects(conversations.create(direct("none")), RangeError);
    await world.store.log.append(room("ab"), [draft(alice, { type: "conversation.updated", data: { a: 1 } })]);
    const store = await world.reopen();
    assert.deepEqual((await store.conversations.get(room("ab")))?.between, [bob, alice], "a change of the record keeps them");
    assert.deepEqual((await store.conversations.get(room("a")))?.between, [alice, alice]);
    assert.equal(await store.conversations.get(room("abc")), undefined);
    await world.group(lobby, [alice, bob]);
    assert.equal((await store.conversations.get(lobby))?.between, undefined);
  });

  test("[S5] a conversation and a member of it that are read together are what each is by itself", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await world.group(room("other"), [carol]);
    const check = async ({ conversations }: Store): Promise<void> => {
      for (const user of [alice, bob, carol])
        assert.deepEqual(await conversations.getWithMember(lobby, user), {
          conversation: await conversations.get(lobby),
          member: await conversations.member(lobby, user),
        });
      assert.equal(await conversations.getWithMember(room("nowhere"), alice), undefined);
    };
    await check(world.store);
    assert.equal((await world.store.conversations.getWithMember(lobby, bob))?.member?.role, "member");
    await world.store.log.append(lobby, [draft(alice, { type: "member.updated", user: bob, role: "admin" }), draft(bob, says("x"), "k")]);
    const both = await world.store.conversations.getWithMember(lobby, bob);
    assert.deepEqual([both?.conversation.head.seq, both?.member?.role, both?.member?.readSeq], [2, "admin", 2]);
    await check(world.store);
    await world.store.log.append(lobby, [draft(alice, { type: "member.removed", user: bob })]);
    assert.equal((await world.store.conversations.getWithMember(lobby, bob))?.member, undefined);
    await check(await world.reopen());
  });

  test("[S14] conversations are listed by id, page by page, and got in the order asked for", async () => {
    await using world = await World.open(open);
    const ids = ["B", "a", "a-1", "a.1", "a_", "aa", "b", "g.01"].map((id) => room(id));
    const sorted = ids.toSorted();
    for (const id of ids.toReversed()) {
      await world.group(id, [alice, bob]);
      await world.store.log.append(id, [draft(alice, says("x"), "k")]);
    }
    const { conversations } = world.store;
    assert.deepEqual(await conversations.list(undefined, 1_000), sorted);
    assert.deepEqual(await conversations.list(undefined, 3), sorted.slice(0, 3));
    assert.deepEqual(await conversations.list(sorted[2], 3), sorted.slice(3, 6));
    assert.deepEqual(await conversations.list(sorted[5], 3), sorted.slice(6), "shorter: the last");
    assert.deepEqual(await conversations.list(room("a0"), 1), [room("a_")]);
    const got = await conversations.getMany([room("b"), room("nowhere"), room("a"), room("b")]);
    assert.deepEqual(
      got.map(({ id }) => id),
      [room("b"), room("a"), room("b")],
    );
    assert.equal(await conversations.get(room("nowhere")), undefined);
  });
}
