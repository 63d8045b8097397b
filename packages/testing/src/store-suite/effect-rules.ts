/** S6: an entry and its effects on members and conversation are one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { effectsOf, verifyStore, type LogBody, type LogEntry, type MemberRecord } from "@suda/server/store";
import type { Role, UserId } from "@suda/protocol";
import { alice, allMembers, bob, carol, checkLog, draft, lobby, says, user, World, type OpenStore } from "./world.ts";

const people = [alice, bob, carol, user("dave"), user("erin")];
const person = fc.constantFrom(...people);
const someBody: fc.Arbitrary<LogBody> = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20 }).map((text) => says(text)),
  fc.uniqueArray(person, { minLength: 1 }).map((users): LogBody => ({ type: "member.added", users })),
  person.map((who): LogBody => ({ type: "member.removed", user: who })),
  fc.record({ type: fc.constant("member.updated" as const), user: person, role: fc.constantFrom<Role>("owner", "admin", "member") }),
  fc.constantFrom<LogBody>(
    { type: "conversation.updated", title: "Title", data: { a: 1 } },
    { type: "conversation.updated", title: null },
    { type: "conversation.updated", avatar: "https://a.example/b.png", data: null },
  ),
);

export function effectRules(open: OpenStore): void {
  test("[S6] members join, change and leave with their entries", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const { log, conversations } = world.store;
    await log.append(lobby, [draft(alice, says("before bob"))]);
    world.clock.time += 50;
    await log.append(lobby, [draft(alice, { type: "member.added", users: [bob, alice, carol] })]);
    const joined = { role: "member", joinedAt: world.clock.now(), readSeq: 2, readOrdinal: 1, deliveredSeq: 2 };
    assert.deepEqual(await conversations.member(lobby, bob), { user: bob, ...joined }, "what was said before is not unread");
    assert.equal((await conversations.get(lobby))?.memberCount, 3);
    await log.append(lobby, [draft(alice, { type: "member.updated", user: bob, role: "admin" })]);
    assert.deepEqual(await conversations.member(lobby, bob), { user: bob, ...joined, role: "admin" });
    await log.append(lobby, [draft(alice, { type: "member.removed", user: bob })]);
    assert.equal(await conversations.member(lobby, bob), undefined);
    assert.deepEqual(
      (await allMembers(world.store, lobby)).map((member) => member.user),
      [alice, carol],
    );
    const conversation = await conversations.get(lobby);
    assert.equal(conversation?.memberCount, 2);
    assert.equal(conversation?.membersSeq, 4);
  });

  test("[S6] a join of a member, a removal or role of a stranger change nothing", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const before = await world.store.conversations.member(lobby, alice);
    await world.store.log.append(lobby, [
      draft(bob, { type: "member.added", users: [alice] }),
      draft(bob, { type: "member.removed", user: carol }),
      draft(bob, { type: "member.updated", user: carol, role: "owner" }),
      draft(bob, { type: "member.updated", user: alice, role: "member" }),
    ]);
    const conversation = await world.store.conversations.get(lobby);
    assert.equal(conversation?.membersSeq, 0);
    assert.equal(conversation?.memberCount, 1);
    assert.deepEqual(await world.store.conversations.member(lobby, alice), before);
    assert.deepEqual(await world.store.conversations.memberships(carol), { change: 0, memberships: [] });
  });

  test("[S6] title, avatar and data follow the log; null removes", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const { log, conversations } = world.store;
    await log.append(lobby, [draft(alice, { type: "conversation.updated", title: "One", data: { a: 1 } })]);
    await log.append(lobby, [draft(alice, { type: "conversation.updated", avatar: "https://a.example/b", data: { b: 2 } })]);
    let conversation = await conversations.get(lobby);
    assert.equal(conversation?.title, "One");
    assert.equal(conversation?.avatar, "https://a.example/b");
    assert.deepEqual(conversation?.data, { b: 2 });
    await log.append(lobby, [draft(alice, { type: "conversation.updated", title: null, avatar: null, data: null })]);
    conversation = await (await world.reopen()).conversations.get(lobby);
    assert.ok(conversation !== undefined && !("title" in conversation) && !("avatar" in conversation) && !("data" in conversation));
    assert.equal(conversation.membersSeq, 0);
  });

  test("[S6] [S12] who sends has read", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await world.store.log.append(lobby, [draft(bob, says("one")), draft(bob, says("two")), draft(alice, says("three")), draft(bob, says("four"))]);
    const mark = async (who: UserId) => (await world.store.conversations.member(lobby, who))?.readOrdinal;
    assert.equal(await mark(alice), 3);
    assert.equal(await mark(bob), 4);
  });

  test("[S6] [S12] [S29] what keeps the read mark counts as written, and not as read", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await world.store.log.append(lobby, [draft(alice, { type: "conversation.updated", slowModeMs: 1_000 })]);
    await world.store.log.append(lobby, [draft(alice, says("one")), { ...draft(bob, says("two"), "two"), keepsReadMark: true }]);
    const store = await world.reopen();
    const [, , entry] = await checkLog(store, lobby);
    assert.equal(entry?.keepsReadMark, true, "so that the log alone tells it");
    assert.deepEqual(await store.conversations.member(lobby, bob), {
      user: bob,
      role: "member",
      joinedAt: world.clock.now(),
      readSeq: 0,
      readOrdinal: 0,
      deliveredSeq: 0,
      sentAt: world.clock.now(),
    });
    assert.equal((await store.conversations.advanceRead(lobby, bob, 2))?.readSeq, 2);
    const findings: unknown[] = [];
    await verifyStore(store, (finding) => findings.push(finding));
    assert.deepEqual(findings, []);
    await store.log.append(lobby, [draft(bob, says("three"))]);
    assert.equal((await store.conversations.member(lobby, bob))?.readSeq, 4);
  });

  test("[S6] [S1] replaying effectsOf over any log gives the members, the conversation and the counts", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.tuple(person, someBody), { minLength: 1, maxLength: 3 }), { maxLength: 15 }), async (appends) => {
        await using world = await World.open(open);
        await world.group(lobby, [alice, bob]);
        await Promise.all(
          appends.map((drafts) =>
            world.store.log.append(
              lobby,
              drafts.map(([from, body]) => draft(from, body)),
            ),
          ),
        );
        const store = await world.reopen();
        const log = await checkLog(store, lobby);
        const model = replay(log, [alice, bob], world.clock.now());
        const conversation = await store.conversations.get(lobby);
        assert.deepEqual(await allMembers(store, lobby), model.members);
        assert.equal(conversation?.memberCount, model.members.length);
        assert.equal(conversation?.membersSeq, model.membersSeq);
        assert.equal(conversation?.title, model.title);
        for (const who of people) {
          const state = (await store.conversations.memberships(who)).memberships[0]?.state;
          assert.equal(
            state === "joined",
            model.members.some((member) => member.user === who),
          );
        }
      }),
      { numRuns: 25 },
    );
  });
}

/** The members and title that a log gives: written apart from the drivers' code, from the contract's words. */
function replay(log: readonly LogEntry[], founders: readonly UserId[], createdAt: number) {
  const members = new Map<UserId, MemberRecord>(
    founders.map((who) => [who, { user: who, role: "member", joinedAt: createdAt, readSeq: 0, readOrdinal: 0, deliveredSeq: 0 }]),
  );
  let title: string | undefined;
  let membersSeq = 0;
  for (const entry of log) {
    for (const effect of effectsOf(entry)) {
      if (effect.effect === "conversation.patch") {
        if (effect.patch.title !== undefined) title = effect.patch.title ?? undefined;
        continue;
      }
      const member = members.get(effect.user);
      if (effect.effect === "member.join" && member === undefined) {
        members.set(effect.user, {
          user: effect.user,
          role: effect.role,
          joinedAt: entry.at,
          readSeq: entry.seq,
          readOrdinal: entry.ordinal,
          deliveredSeq: entry.seq,
        });
        membersSeq = entry.seq;
      } else if (effect.effect === "member.leave" && members.delete(effect.user)) {
        membersSeq = entry.seq;
      } else if (effect.effect === "member.role" && member !== undefined && member.role !== effect.role) {
        members.set(effect.user, { ...member, role: effect.role });
        membersSeq = entry.seq;
      } else if (effect.effect === "member.read" && member !== undefined) {
        members.set(effect.user, { ...member, readSeq: entry.seq, readOrdinal: entry.ordinal, deliveredSeq: entry.seq });
      }
    }
  }
  return { members: [...members.values()].sort((a, b) => (a.user < b.user ? -1 : 1)), title, membersSeq };
}
