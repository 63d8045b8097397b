/** S1–S5 and S7–S9: places, keys, batches and conditions of an append. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SudaError } from "@suda/protocol";
import { alice, bob, carol, checkLog, draft, lobby, readLog, room, says, storedSeq, user, World, type OpenStore } from "./world.ts";

export function appendRules(open: OpenStore): void {
  test("[S1] seq counts 1, 2, 3… in each conversation by itself", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    await world.group(room("attic"), [alice]);
    const { log } = world.store;
    assert.equal(storedSeq((await log.append(lobby, [draft(alice, says("one"))]))[0]), 1);
    assert.equal(storedSeq((await log.append(room("attic"), [draft(alice, says("one"))]))[0]), 1);
    assert.equal(storedSeq((await log.append(lobby, [draft(alice, says("two"))]))[0]), 2);
    await checkLog(world.store, lobby);
  });

  test("[S1] [S9] hundreds of concurrent appends to one conversation are dense and in the order of calls", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const texts = Array.from({ length: 600 }, (_, index) => `message ${index}`);
    const outcomes = await Promise.all(texts.map((text, index) => world.store.log.append(lobby, [draft(alice, says(text), `k${index}`)])));
    assert.deepEqual(
      outcomes.map(([outcome]) => storedSeq(outcome)),
      texts.map((_, index) => index + 1),
    );
    const log = await checkLog(world.store, lobby);
    assert.deepEqual(
      log.map((entry) => entry.body),
      texts.map((text) => says(text)),
    );
  });

  test("[S1] [S9] concurrent appends to many conversations keep to their own log", async () => {
    await using world = await World.open(open);
    const rooms = Array.from({ length: 40 }, (_, index) => room(`room${index}`));
    await Promise.all(rooms.map((id) => world.group(id, [alice])));
    const work: Promise<unknown>[] = [];
    for (let round = 0; round < 20; round++) {
      for (const id of rooms) work.push(world.store.log.append(id, [draft(alice, says(`${id} ${round}`), `r${round}`)]));
      // Some turns of their own, so that appends also meet a commit under way.
      if (round % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(work);
    for (const id of rooms) {
      const log = await checkLog(world.store, id);
      assert.deepEqual(
        log.map((entry) => entry.body),
        Array.from({ length: 20 }, (_, round) => says(`${id} ${round}`)),
      );
    }
  });

  test("[S3] what was asked, and not what was made of it, is what a retry is compared with, also after a truncation", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const made = { ...draft(alice, says("made"), "k"), asked: says("asked") };
    const first = storedSeq((await world.store.log.append(lobby, [made]))[0]);
    await world.store.log.append(lobby, [draft(alice, says("last"), "l")]);
    const judge = async (again: typeof made | ReturnType<typeof draft>): Promise<string> => (await world.store.log.append(lobby, [again]))[0]?.outcome ?? "";
    const judgeAll = async (): Promise<readonly string[]> => [
      await judge(draft(alice, says("asked"), "k")),
      await judge({ ...draft(alice, says("made otherwise"), "k"), asked: says("asked") }),
      await judge(draft(alice, says("made"), "k")),
      await judge({ ...made, asked: says("asked otherwise") }),
    ];
    const expected = ["duplicate", "duplicate", "conflict", "conflict"];
    assert.deepEqual(await judgeAll(), expected);
    assert.deepEqual((await readLog(world.store, lobby))[0]?.body, says("made"));
    await checkLog(world.store, lobby);
    await world.store.log.truncate(lobby, first + 1);
    assert.deepEqual(await judgeAll(), expected);
  });

  test("[S9] drafts of one append stay together among concurrent appends", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => world.store.log.append(lobby, [draft(alice, says(`a${index}`)), draft(bob, says(`b${index}`))])),
    );
    const log = await checkLog(world.store, lobby);
    assert.deepEqual(
      log.map((entry) => entry.body),
      Array.from({ length: 50 }, (_, index) => [says(`a${index}`), says(`b${index}`)]).flat(),
    );
  });

  test("[S2] at never goes backwards, whatever the clock does", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const start = world.clock.now();
    for (const jump of [5, -3_600_000, 1_000, 3_600_000 + 10]) {
      world.clock.time += jump;
      await world.store.log.append(lobby, [draft(alice, says(`after a jump of ${jump}`))]);
    }
    const log = await checkLog(world.store, lobby);
    assert.deepEqual(
      log.map((entry) => entry.at),
      [start + 5, start + 5, start + 5, start + 1_015],
    );
  });

  test("[S2] the first entry is not before the creation", async () => {
    await using world = await World.open(open);
    const { createdAt } = await world.group(lobby, [alice]);
    world.clock.time -= 10_000;
    await world.store.log.append(lobby, [draft(alice, says("from the past"))]);
    assert.equal((await checkLog(world.store, lobby))[0]?.at, createdAt);
  });

  test("[S3] the same key with the same body is a duplicate, also after a restart", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const [first] = await world.store.log.append(lobby, [draft(alice, says("hello"), "k")]);
    assert.equal(storedSeq(first), 1);
    world.clock.time += 99;
    await world.store.log.append(lobby, [draft(alice, says("something else"))]);
    const at = world.clock.now() - 99;
    assert.deepEqual(await world.store.log.append(lobby, [draft(alice, says("hello"), "k")]), [{ outcome: "duplicate", seq: 1, at }]);
    const store = await world.reopen();
    assert.deepEqual(await store.log.append(lobby, [draft(alice, says("hello"), "k")]), [{ outcome: "duplicate", seq: 1, at }]);
    assert.equal((await checkLog(store, lobby)).length, 2);
  });

  test("[S3] the same key with another body is a conflict and changes nothing", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    await world.store.log.append(lobby, [draft(alice, says("zero")), draft(alice, says("hello"), "k")]);
    assert.deepEqual(await world.store.log.append(lobby, [draft(alice, says("hullo"), "k")]), [{ outcome: "conflict", seq: 2 }]);
    assert.equal((await checkLog(world.store, lobby)).length, 2);
  });

  test("[S3] a key is one conversation's and one sender's", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    await world.group(room("attic"), [alice]);
    const { log } = world.store;
    assert.equal(storedSeq((await log.append(lobby, [draft(alice, says("hello"), "k")]))[0]), 1);
    assert.equal(storedSeq((await log.append(lobby, [draft(bob, says("hello"), "k")]))[0]), 2);
    assert.equal(storedSeq((await log.append(room("attic"), [draft(alice, says("hello"), "k")]))[0]), 1);
  });

  test("[S3] duplicates and conflicts of an append still under way are found", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const { log } = world.store;
    const at = world.clock.now();
    const tries = await Promise.all([
      log.append(lobby, [draft(alice, says("hello"), "k")]),
      log.append(lobby, [draft(alice, says("hello"), "k")]),
      log.append(lobby, [draft(alice, says("hullo"), "k")]),
      log.append(lobby, [draft(alice, says("hello"), "k"), draft(alice, says("more"), "k2")]),
    ]);
    assert.equal(storedSeq(tries[0]?.[0]), 1);
    assert.deepEqual(tries[1], [{ outcome: "duplicate", seq: 1, at }]);
    assert.deepEqual(tries[2], [{ outcome: "conflict", seq: 1 }]);
    assert.deepEqual(tries[3]?.[0], { outcome: "duplicate", seq: 1, at });
    assert.equal(storedSeq(tries[3]?.[1]), 2);
    assert.equal((await checkLog(world.store, lobby)).length, 2);
  });

  test("[S3] the same key twice in one append is stored once", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const outcomes = await world.store.log.append(lobby, [draft(alice, says("hello"), "k"), draft(alice, says("hello"), "k")]);
    assert.equal(storedSeq(outcomes[0]), 1);
    assert.deepEqual(outcomes[1], { outcome: "duplicate", seq: 1, at: world.clock.now() });
    const torn = await world.store.log.append(lobby, [draft(alice, says("one"), "j"), draft(alice, says("one"), "j"), draft(alice, says("two"), "j")]);
    assert.deepEqual(torn, [{ outcome: "withheld" }, { outcome: "withheld" }, { outcome: "conflict", seq: 0 }]);
    assert.equal((await checkLog(world.store, lobby)).length, 1);
  });

  test("[S3] bodies that say the same in another order of fields are the same", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const { log } = world.store;
    await log.append(lobby, [draft(alice, { type: "message.created", content: { type: "text", text: "x" }, data: { a: 1, b: [2] } }, "k")]);
    const [again] = await log.append(lobby, [draft(alice, { data: { b: [2], a: 1 }, content: { text: "x", type: "text" }, type: "message.created" }, "k")]);
    assert.equal(again?.outcome, "duplicate");
  });

  test("[S3] with onlyKnown nothing is stored: what is there is told, what is not is withheld", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const { log } = world.store;
    const known = { onlyKnown: true } as const;
    const ask = async (...drafts: Parameters<typeof log.append>[1]): Promise<readonly string[]> =>
      (await log.append(lobby, drafts, known)).map(({ outcome }) => outcome);
    assert.deepEqual(await ask(draft(alice, says("one"), "k")), ["withheld"]);
    await log.append(lobby, [draft(alice, says("one"), "k")]);
    assert.deepEqual(await ask(draft(alice, says("one"), "k")), ["duplicate"]);
    assert.deepEqual(await ask(draft(alice, says("other"), "k")), ["conflict"]);
    assert.deepEqual(await ask(draft(alice, says("one"), "k"), draft(alice, says("two"), "k2"), draft(alice, says("no key"))), [
      "duplicate",
      "withheld",
      "withheld",
    ]);
    assert.equal((await checkLog(world.store, lobby)).length, 1);
    assert.equal(storedSeq((await log.append(lobby, [draft(alice, says("two"), "k2")]))[0]), 2);
  });

  test("[S4] one bad draft holds back the whole append, and the retry without it stores the rest", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    const { log } = world.store;
    await log.append(lobby, [draft(bob, says("first"), "taken")]);
    const outcomes = await log.append(lobby, [
      draft(alice, says("one"), "k1"),
      draft(bob, says("not the first"), "taken"),
      draft(bob, says("first"), "taken"),
      draft(alice, { type: "member.removed", user: bob }, "k2"),
    ]);
    assert.deepEqual(outcomes, [
      { outcome: "withheld" },
      { outcome: "conflict", seq: 1 },
      { outcome: "duplicate", seq: 1, at: world.clock.now() },
      { outcome: "withheld" },
    ]);
    assert.equal((await checkLog(world.store, lobby)).length, 1);
    assert.ok(await world.store.conversations.member(lobby, bob), "effects were held back too");
    const retry = await log.append(lobby, [draft(alice, says("one"), "k1"), draft(alice, { type: "member.removed", user: bob }, "k2")]);
    assert.deepEqual(
      retry.map((outcome) => storedSeq(outcome)),
      [2, 3],
    );
  });

  test("[S4] duplicates in an append do not hold back the others", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    await world.store.log.append(lobby, [draft(alice, says("one"), "k1")]);
    const outcomes = await world.store.log.append(lobby, [draft(alice, says("one"), "k1"), draft(alice, says("two"), "k2")]);
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ["duplicate", "stored"],
    );
  });

  test("[S4] an append takes 1 to 100 drafts", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const many = (count: number) => Array.from({ length: count }, (_, index) => draft(alice, says(`${index}`), `k${index}`));
    await assert.rejects(world.store.log.append(lobby, []), RangeError);
    await assert.rejects(world.store.log.append(lobby, many(101)), RangeError);
    assert.equal((await readLog(world.store, lobby)).length, 0);
    assert.equal((await world.store.log.append(lobby, many(100))).length, 100);
    await checkLog(world.store, lobby);
  });

  test("[S5] what an append resolved with is read, at once and after a restart", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const [outcome] = await world.store.log.append(lobby, [draft(alice, says("hello"), "k")]);
    assert.equal(outcome?.outcome, "stored");
    const entry = outcome?.outcome === "stored" ? outcome.entry : undefined;
    assert.deepEqual(await world.store.log.readAfter(lobby, 0, 10), [entry]);
    assert.deepEqual(await (await world.reopen()).log.readAfter(lobby, 0, 10), [entry]);
  });

  test("[S7] the sender's role is judged at commit: refused without one, stored with one", async () => {
    await using world = await World.open(open);
    await world.store.conversations.create({
      id: lobby,
      kind: "group",
      epoch: "e1",
      createdAt: 1,
      members: [
        { user: alice, role: "owner" },
        { user: bob, role: "member" },
      ],
    });
    const { log } = world.store;
    const rename = (from: typeof alice) => draft(from, { type: "conversation.updated", title: "New" }, undefined, ["owner", "admin"]);
    assert.deepEqual(await log.append(lobby, [rename(bob)]), [{ outcome: "refused", reason: "role" }]);
    assert.deepEqual(await log.append(lobby, [rename(carol)]), [{ outcome: "refused", reason: "role" }]);
    assert.equal(storedSeq((await log.append(lobby, [rename(alice)]))[0]), 1);
    assert.equal(storedSeq((await log.append(lobby, [draft(carol, says("from the backend"))]))[0]), 2);
    assert.deepEqual(await log.append(lobby, [draft(carol, says("none will do"), "k", [])]), [{ outcome: "refused", reason: "role" }]);
  });

  test("[S7] a removal under way already counts: the send after it is refused", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    const { log } = world.store;
    const [before, , after] = await Promise.all([
      log.append(lobby, [draft(bob, says("before"), "k1", ["member"])]),
      log.append(lobby, [draft(alice, { type: "member.removed", user: bob })]),
      log.append(lobby, [draft(bob, says("after"), "k2", ["member"])]),
    ]);
    assert.equal(storedSeq(before?.[0]), 1);
    assert.deepEqual(after, [{ outcome: "refused", reason: "role" }]);
    const [retry] = await log.append(lobby, [draft(bob, says("before"), "k1", ["member"])]);
    assert.equal(retry?.outcome, "duplicate", "a retry learns what became of the first try, member or not");
    await checkLog(world.store, lobby);
  });

  test("[S7] drafts of one append see the roles that the drafts before them gave", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const joined = await world.store.log.append(lobby, [draft(alice, { type: "member.added", users: [bob] }), draft(bob, says("hi"), "k", ["member"])]);
    assert.deepEqual(
      joined.map((outcome) => storedSeq(outcome)),
      [1, 2],
    );
    const left = await world.store.log.append(lobby, [draft(alice, { type: "member.removed", user: bob }), draft(bob, says("bye"), "j", ["member"])]);
    assert.deepEqual(left, [{ outcome: "withheld" }, { outcome: "refused", reason: "role" }]);
  });

  test("[S8] a change that looked at all members is not stored when they have changed since", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    const { log, conversations } = world.store;
    await log.append(lobby, [draft(alice, says("not a change of members"))]);
    await log.append(lobby, [draft(alice, { type: "member.updated", user: bob, role: "admin" })], { ifMembersSeq: 0 });
    assert.equal((await conversations.get(lobby))?.membersSeq, 2);
    const late = draft(bob, { type: "member.removed", user: alice }, "k");
    assert.deepEqual(await log.append(lobby, [late], { ifMembersSeq: 0 }), [{ outcome: "moved" }]);
    assert.equal(storedSeq((await log.append(lobby, [late], { ifMembersSeq: 2 }))[0]), 3);
    const [retry] = await log.append(lobby, [late], { ifMembersSeq: 2 });
    assert.equal(retry?.outcome, "duplicate");
  });

  test("[S8] of two concurrent changes over the same members one is moved", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice, bob]);
    const leave = (who: typeof alice) => world.store.log.append(lobby, [draft(who, { type: "member.removed", user: who })], { ifMembersSeq: 0 });
    const [first, second] = await Promise.all([leave(alice), leave(bob)]);
    assert.equal(storedSeq(first?.[0]), 1);
    assert.deepEqual(second, [{ outcome: "moved" }]);
  });

  test("an append to a conversation that does not exist says so", async () => {
    await using world = await World.open(open);
    await assert.rejects(world.store.log.append(room("nowhere"), [draft(user("dave"), says("hello?"))]), (error) => {
      return error instanceof SudaError && error.code === "conversation.not_found";
    });
  });
}
