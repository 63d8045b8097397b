/** S5 and S16: nothing before it is durable, everything after, and an end that is one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SudaError } from "@suda/protocol";
import { alice, bob, checkLog, draft, lobby, room, says, World, type OpenStore } from "./world.ts";

export function durabilityRules(open: OpenStore): void {
  test("[S5] whoever sees a head can read every entry up to it, while appends are under way", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const { log, conversations } = world.store;
    const progress = { isDone: false };
    const writing = (async () => {
      for (let round = 0; round < 15; round++) {
        await Promise.all(Array.from({ length: 10 }, (_, index) => log.append(lobby, [draft(alice, says(`${round} ${index}`))])));
      }
      progress.isDone = true;
    })();
    let seen = 0;
    while (!progress.isDone) {
      const head = (await conversations.get(lobby))?.head.seq ?? 0;
      assert.ok(head >= seen, "a head that was shown went back");
      const entries = await log.readBefore(lobby, head + 1, 1_000);
      assert.deepEqual(
        entries.map((entry) => entry.seq),
        Array.from({ length: head }, (_, index) => index + 1),
      );
      seen = head;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    assert.equal((await checkLog(world.store, lobby)).length, 150);
  });

  test("[S5] an answer that leans on a write under way is given when that one can be read", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    const { log, conversations, users } = world.store;
    const first = log.append(lobby, [draft(alice, says("hello"), "k"), draft(alice, { type: "member.removed", user: bob })]);
    const answers = await Promise.all([
      log.append(lobby, [draft(alice, says("hello"), "k")]).then(async ([outcome]) => [outcome?.outcome, (await log.readAfter(lobby, 0, 1)).length]),
      log.append(lobby, [draft(alice, says("hullo"), "k")]).then(async ([outcome]) => [outcome?.outcome, (await log.readAfter(lobby, 0, 1)).length]),
      log.append(lobby, [draft(bob, says("me too"), "j", ["member"])]).then(async ([outcome]) => [outcome?.outcome, await conversations.member(lobby, bob)]),
      log
        .append(lobby, [draft(alice, says("on old members"), "m")], { ifMembersSeq: 0 })
        .then(async ([outcome]) => [outcome?.outcome, (await conversations.get(lobby))?.membersSeq]),
    ]);
    assert.deepEqual(answers, [
      ["duplicate", 1],
      ["conflict", 1],
      ["refused", undefined],
      ["moved", 2],
    ]);
    await first;
    const creation = { id: room("new"), kind: "group", epoch: "e", createdAt: 1, members: [] } as const;
    const created = conversations.create(creation);
    const { outcome } = await conversations.create(creation);
    assert.deepEqual([outcome, (await conversations.get(room("new")))?.id], ["existing", room("new")]);
    await created;
    const named = users.ensure([bob], 1);
    await users.ensure([bob], 2);
    assert.equal((await users.getMany([bob]))[0]?.createdAt, 1);
    await named;
  });

  test("[S16] disposal waits for what is under way; afterwards everything is refused", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    const { store } = world;
    assert.deepEqual(store.status(), { state: "ready" });
    const pending = Promise.all(Array.from({ length: 50 }, (_, index) => store.log.append(lobby, [draft(alice, says(`${index}`))])));
    const disposals = [store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()];
    assert.equal((await pending).length, 50);
    await Promise.all(disposals);
    await store[Symbol.asyncDispose]();
    assert.deepEqual(store.status(), { state: "closed" });
    const refused = (error: unknown) => error instanceof SudaError && error.code === "store.failed";
    await assert.rejects(store.log.append(lobby, [draft(alice, says("too late"))]), refused);
    await assert.rejects(store.log.readAfter(lobby, 0, 1), refused);
    await assert.rejects(store.conversations.get(lobby), refused);
    await assert.rejects(store.conversations.getMany([lobby]), refused);
    await assert.rejects(store.conversations.create({ id: lobby, kind: "group", epoch: "e", createdAt: 1, members: [] }), refused);
    await assert.rejects(store.conversations.memberships(alice), refused);
    await assert.rejects(store.conversations.membership(alice, lobby), refused);
    await assert.rejects(store.conversations.change(alice), refused);
    await assert.rejects(store.conversations.advanceRead(lobby, alice, 1), refused);
    await assert.rejects(store.log.truncate(lobby, 2), refused);
    await assert.rejects(store.conversations.advanceDelivered(lobby, alice, 1), refused);
    await assert.rejects(store.conversations.updateMember(lobby, alice, { mutedUntil: 1 }), refused);
    await assert.rejects(store.conversations.hideMessage(lobby, alice, 1), refused);
    await assert.rejects(store.conversations.hiddenBy(lobby, alice, [1]), refused);
    await assert.rejects(store.conversations.withRetention(undefined, 1), refused);
    await assert.rejects(store.conversations.withControl("human", undefined, 1), refused);
    await assert.rejects(store.users.getMany([alice]), refused);
    await assert.rejects(store.users.update(alice, {}, 1), refused);
  });

  test("[S16] what was appended before disposal is there after a restart", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const pending = Array.from({ length: 50 }, (_, index) => world.store.log.append(lobby, [draft(alice, says(`${index}`))]));
    const store = await world.reopen();
    await Promise.all(pending);
    assert.equal((await checkLog(store, lobby)).length, 50);
  });
}
