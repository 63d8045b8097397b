/** S24–S27: changes of messages are judged at commit, annotate their message, and a deletion erases. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { annotate, isMessageChange, pinsAfter, type Annotation, type AppendOutcome, type Draft, type LogBody, type LogEntry } from "@suda/server/store";
import { alice, bob, bytes, carol, checkLog, draft, lobby, readLog, says, storedSeq, World, type OpenStore } from "./world.ts";

const edit = (target: number, text: string): LogBody => ({ type: "message.edited", target, rev: 0, content: { type: "text", text } });
const remove = (target: number): LogBody => ({ type: "message.deleted", target });
const react = (target: number, emoji: string): LogBody => ({ type: "reaction.added", target, emoji });
const unreact = (target: number, emoji: string): LogBody => ({ type: "reaction.removed", target, emoji });
const pin = (target: number): LogBody => ({ type: "pin.added", target });
const unpin = (target: number): LogBody => ({ type: "pin.removed", target });

const offered = { action: { type: "postback", id: "a", label: "a", data: "d" } } as const;

/** `stored`, or the reason or name of the outcome. */
const nameOf = (outcome: AppendOutcome | undefined): string | undefined => (outcome?.outcome === "rejected" ? outcome.reason : outcome?.outcome);

export function changeRules(open: OpenStore): void {
  /** A group of alice, bob and carol in which alice has said `one` (seq 1) and bob `two` (seq 2). */
  async function talking(): Promise<{ world: World; attempt: (draft: Draft) => Promise<string | undefined> }> {
    const world = await World.open(open);
    await world.group(lobby, [alice, bob, carol]);
    await world.store.log.append(lobby, [draft(alice, says("one")), draft(bob, says("two"))]);
    return { world, attempt: async (one) => nameOf((await world.store.log.append(lobby, [one]))[0]) };
  }

  test("[S24] a change is stored for a message that is there, by whom it may be made, and refused otherwise", async () => {
    const { world, attempt } = await talking();
    await using _world = world;
    for (const body of [edit(1, "x"), remove(1), react(1, "👍"), unreact(1, "👍"), pin(1), unpin(1)])
      for (const target of [0, 3, -1, 1.5, 1e15]) assert.equal(await attempt(draft(alice, { ...body, target } as LogBody)), "no_message");
    await world.store.log.append(lobby, [draft(alice, { type: "member.updated", user: bob, role: "admin" })]);
    assert.equal(await attempt(draft(alice, react(3, "👍"))), "no_message", "an entry that is no message");
    assert.equal(await attempt({ ...draft(carol, remove(1)), unlessAuthor: [] }), "not_author");
    assert.equal(await attempt({ ...draft(carol, remove(1)), unlessAuthor: ["owner", "admin"] }), "not_author");
    assert.equal(await attempt({ ...draft(alice, edit(1, "uno")), unlessAuthor: [] }), "stored");
    assert.equal(await attempt({ ...draft(bob, remove(1)), unlessAuthor: ["owner", "admin"] }), "stored", "by role at commit");
    for (const body of [edit(1, "x"), react(1, "👍"), unreact(1, "👍"), pin(1), unpin(1)]) assert.equal(await attempt(draft(alice, body)), "deleted");
    assert.equal((await checkLog(world.store, lobby)).length, 5);
  });

  test("[S24] a reply names a message that is there", async () => {
    const { world, attempt } = await talking();
    await using _world = world;
    const reply = (replyTo: number): Draft => draft(bob, { ...says("re"), replyTo } as LogBody);
    for (const replyTo of [0, 3, 99]) assert.equal(await attempt(reply(replyTo)), "no_message");
    assert.equal(await attempt(reply(1)), "stored");
    await world.store.log.append(lobby, [draft(alice, remove(1))]);
    assert.equal(await attempt(reply(1)), "stored", "a deleted message keeps its place");
    assert.deepEqual((await readLog(await world.reopen(), lobby))[2]?.body, { ...says("re"), replyTo: 1 });
  });

  test("[S24] one refused change withholds the drafts beside it", async () => {
    const { world } = await talking();
    await using _world = world;
    const outcomes = await world.store.log.append(lobby, [draft(alice, says("three")), draft(alice, edit(9, "x"))]);
    assert.deepEqual(outcomes.map(nameOf), ["withheld", "no_message"]);
    assert.equal((await checkLog(world.store, lobby)).length, 2);
  });

  test("[S25] edits count rev 1, 2, 3, keep the type, and a stale ifRev is refused", async () => {
    const { world, attempt } = await talking();
    await using _world = world;
    assert.equal(await attempt({ ...draft(alice, edit(1, "uno")), ifRev: 0 }), "stored");
    assert.equal(await attempt({ ...draft(alice, edit(1, "eins")), ifRev: 0 }), "other_rev");
    assert.equal(await attempt({ ...draft(alice, edit(1, "하나")), ifRev: 1 }), "stored");
    assert.equal(await attempt({ ...draft(alice, edit(1, "ichi")), ifRev: 7 }), "other_rev");
    const media: LogBody = { type: "message.edited", target: 1, rev: 0, content: { type: "image", url: "https://a.example/x" } };
    assert.equal(await attempt(draft(alice, media)), "other_kind");
    const log = await checkLog(await world.reopen(), lobby);
    assert.deepEqual(
      log.slice(2).map(({ body }) => body),
      [
        { ...edit(1, "uno"), rev: 1 },
        { ...edit(1, "하나"), rev: 2 },
      ],
    );
    const at = world.clock.now();
    assert.deepEqual(log[0]?.body, says("one"), "the entry is as it was appended");
    assert.deepEqual(log[0]?.annotation, { changed: 4, edited: { rev: 2, at, content: { type: "text", text: "하나" }, seqs: [3, 4] } });
    assert.equal(log[1]?.annotation, undefined);
  });

  test("[S25] [S3] an edit with a key is stored once, whatever rev it got, also after the message was deleted", async () => {
    const { world, attempt } = await talking();
    await using _world = world;
    const first = { ...draft(alice, edit(1, "uno"), "e1"), ifRev: 0 };
    assert.equal(await attempt(first), "stored");
    assert.equal(await attempt(draft(alice, edit(1, "eins"), "e2")), "stored");
    assert.equal(await attempt(first), "duplicate");
    assert.equal(await attempt(draft(alice, edit(1, "eins"), "e2")), "duplicate");
    assert.equal(await attempt(draft(alice, edit(1, "zwei"), "e2")), "conflict");
    await world.store.log.append(lobby, [draft(alice, remove(1))]);
    await world.reopen();
    const again = await world.store.log.append(lobby, [draft(alice, edit(1, "eins"), "e2")]);
    assert.deepEqual(again, [{ outcome: "duplicate", seq: 4, at: world.clock.now() }]);
    assert.equal((await checkLog(world.store, lobby)).length, 5);
  });

  test("[S25] two edits at once with the same ifRev: one is stored", async () => {
    const { world } = await talking();
    await using _world = world;
    const tries = await Promise.all(["a", "b", "c"].map((text) => world.store.log.append(lobby, [{ ...draft(alice, edit(1, text)), ifRev: 0 }])));
    assert.deepEqual(
      tries.map(([outcome]) => nameOf(outcome)),
      ["stored", "other_rev", "other_rev"],
    );
  });

  test("[S25] bytes in an edit come back as Uint8Array, and there is an end to edits", async () => {
    const { world, attempt } = await talking();
    await using _world = world;
    await world.store.log.append(lobby, [draft(alice, bytes(new Uint8Array([1, 2])))]);
    const content = { type: "bytes", mime: "a/b", bytes: new Uint8Array([3]) } as const;
    assert.equal(await attempt(draft(alice, { type: "message.edited", target: 3, rev: 0, content })), "stored");
    const log = await checkLog(await world.reopen(), lobby);
    assert.deepEqual(log[2]?.annotation?.edited?.content, content);
    for (let round = 0; round < 2; round++)
      await world.store.log.append(
        lobby,
        Array.from({ length: 100 }, (_, index) => draft(alice, edit(1, `${round} ${index}`))),
      );
    assert.equal(await attempt(draft(alice, edit(1, "one too many"))), "full");
  });

  test("[S26] a deletion erases the message and its edits everywhere; digests and the rolling hash stay", async () => {
    const { world } = await talking();
    await using _world = world;
    const secret = { type: "message.created", content: { type: "text", text: "secret zero" }, data: { note: "secret data" }, replyTo: 1 } as const;
    await world.store.log.append(lobby, [draft(alice, secret, "k"), draft(bob, react(3, "👍"))]);
    await world.store.log.append(lobby, [draft(alice, edit(3, "secret one"), "e"), draft(alice, edit(3, "secret two"))]);
    const before = await checkLog(world.store, lobby);
    assert.match(JSON.stringify(before), /secret zero.*secret data.*secret one.*secret two/, "it was there");
    const [deletion] = await world.store.log.append(lobby, [draft(alice, remove(3))]);
    assert.equal(storedSeq(deletion), 7);
    for (const isReopened of [false, true]) {
      const store = isReopened ? await world.reopen() : world.store;
      const log = await checkLog(store, lobby);
      assert.doesNotMatch(JSON.stringify(log), /secret/);
      assert.deepEqual(log[2]?.body, { type: "message.created", content: { type: "deleted" }, replyTo: 1 });
      assert.deepEqual(log[4]?.body, { type: "message.edited", target: 3, rev: 1, content: { type: "deleted" } });
      assert.deepEqual(log[2]?.annotation, { changed: 7, deleted: { seq: 7, at: world.clock.now(), by: alice } });
      for (const [index, entry] of before.entries()) assert.deepEqual([log[index]?.digest, log[index]?.hash], [entry.digest, entry.hash]);
      assert.doesNotMatch(JSON.stringify(await store.log.readBefore(lobby, 99, 100)), /secret/);
      const [retry] = await store.log.append(lobby, [draft(alice, secret, "k")]);
      assert.deepEqual(retry, { outcome: "duplicate", seq: 3, at: world.clock.now() }, "its key still knows what it was");
    }
  });

  test("[S26] a second deletion stores nothing and gives the place of the first", async () => {
    const { world } = await talking();
    await using _world = world;
    const tries = await Promise.all([1, 2, 3].map(() => world.store.log.append(lobby, [draft(alice, remove(1))])));
    assert.equal(storedSeq(tries[0]?.[0]), 3);
    const at = world.clock.now();
    assert.deepEqual(tries.slice(1), [[{ outcome: "unchanged", seq: 3, at }], [{ outcome: "unchanged", seq: 3, at }]]);
    world.clock.time += 50;
    const store = await world.reopen();
    assert.deepEqual(await store.log.append(lobby, [draft(alice, remove(1))]), [{ outcome: "unchanged", seq: 3, at }]);
    assert.equal((await checkLog(store, lobby)).length, 3);
  });

  test("[S26] a message that is sent, edited and deleted in one append is erased too", async () => {
    const { world } = await talking();
    await using _world = world;
    const outcomes = await world.store.log.append(lobby, [draft(alice, says("secret")), draft(alice, edit(3, "secret 2")), draft(alice, remove(3))]);
    assert.deepEqual(outcomes.map(nameOf), ["stored", "stored", "stored"]);
    assert.doesNotMatch(JSON.stringify(await checkLog(await world.reopen(), lobby)), /secret/);
  });

  test("[S27] reactions count each user once per emoji, in the order of their first giving", async () => {
    const { world, attempt } = await talking();
    await using _world = world;
    const steps: [Draft, string][] = [
      [draft(alice, react(1, "👍")), "stored"],
      [draft(bob, react(1, "❤️")), "stored"],
      [draft(bob, react(1, "👍")), "stored"],
      [draft(bob, react(1, "👍")), "unchanged"],
      [draft(carol, unreact(1, "👍")), "unchanged"],
      [draft(alice, react(1, ":party:")), "stored"],
      [draft(alice, unreact(1, ":party:")), "stored"],
    ];
    for (const [one, outcome] of steps) assert.equal(await attempt(one), outcome);
    for (const isReopened of [false, true]) {
      const store = isReopened ? await world.reopen() : world.store;
      const [first] = await checkLog(store, lobby);
      const reactions = [
        { emoji: "👍", count: 2 },
        { emoji: "❤️", count: 1 },
      ];
      assert.deepEqual(first?.annotation, { changed: 7, reactions });
      assert.deepEqual(await store.log.reactedBy(lobby, bob, [1, 2]), new Map([[1, ["❤️", "👍"].sort()]]));
      assert.deepEqual(await store.log.reactedBy(lobby, alice, [1]), new Map([[1, ["👍"]]]));
      assert.deepEqual(await store.log.reactedBy(lobby, carol, [1]), new Map());
    }
    assert.equal((await world.store.conversations.get(lobby))?.head.ordinal, 2, "none of it is an unread message");
  });

  test("[S27] a message has at most 20 different reactions, and a conversation 50 pins in order", async () => {
    const { world, attempt } = await talking();
    await using _world = world;
    for (let index = 0; index < 20; index++) assert.equal(await attempt(draft(alice, react(1, `:e${index}:`))), "stored");
    assert.equal(await attempt(draft(alice, react(1, ":e20:"))), "full");
    assert.equal(await attempt(draft(bob, react(1, ":e7:"))), "stored");
    await world.store.log.append(
      lobby,
      Array.from({ length: 60 }, (_, index) => draft(alice, says(`m${index}`))),
    );
    const first = 24;
    for (let index = 0; index < 50; index++) assert.equal(await attempt(draft(alice, pin(first + index))), "stored");
    assert.equal(await attempt(draft(alice, pin(first + 50))), "full");
    assert.equal(await attempt(draft(bob, pin(first))), "unchanged");
    assert.equal(await attempt(draft(alice, unpin(first))), "stored");
    assert.equal(await attempt(draft(alice, unpin(first))), "unchanged");
    assert.equal(await attempt(draft(alice, pin(first))), "stored");
    assert.equal(await attempt(draft(alice, remove(first + 1))), "stored");
    const pins = (await (await world.reopen()).conversations.get(lobby))?.pins;
    assert.deepEqual(pins, [...Array.from({ length: 48 }, (_, index) => first + 2 + index), first], "a deletion takes the pin too");
  });

  test("[S27] the last pin that goes leaves none", async () => {
    const { world, attempt } = await talking();
    await using _world = world;
    assert.equal(await attempt(draft(alice, pin(1))), "stored");
    assert.deepEqual((await world.store.conversations.get(lobby))?.pins, [1]);
    assert.equal(await attempt(draft(alice, unpin(1))), "stored");
    const conversation = await (await world.reopen()).conversations.get(lobby);
    assert.ok(conversation !== undefined && !("pins" in conversation));
  });

  test("[S25] [S26] [S27] replaying annotate and pinsAfter over any log gives the annotations, reactions and pins", async () => {
    const person = fc.constantFrom(alice, bob, carol);
    const target = fc.integer({ min: 1, max: 8 });
    const emoji = fc.constantFrom("👍", "❤️", ":a:");
    const body: fc.Arbitrary<LogBody> = fc.oneof(
      fc.string({ minLength: 1, maxLength: 9 }).map((text) => says(text)),
      fc.tuple(target, fc.string({ minLength: 1, maxLength: 9 })).map(([seq, text]) => edit(seq, text)),
      { weight: 3, arbitrary: fc.tuple(target, emoji).map(([seq, one]) => react(seq, one)) },
      { weight: 2, arbitrary: fc.tuple(target, emoji).map(([seq, one]) => unreact(seq, one)) },
      target.map(pin),
      target.map(unpin),
      target.map(remove),
      target.map((seq): LogBody => ({ type: "message.created", content: { type: "text", text: "?" }, quickReplies: seq % 2 === 0 ? [] : [offered] })),
      { weight: 3, arbitrary: target.map((seq): LogBody => ({ type: "interaction.created", target: seq, action: "a" })) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(person, body), { maxLength: 40 }), async (drafts) => {
        await using world = await World.open(open);
        await world.group(lobby, [alice, bob, carol]);
        await world.store.log.append(lobby, [draft(alice, says("1")), draft(bob, says("2")), draft(carol, says("3"))]);
        await Promise.all(drafts.map(([from, one]) => world.store.log.append(lobby, [draft(from, one)])));
        const store = await world.reopen();
        const log = await checkLog(store, lobby);
        const model = replay(log);
        for (const entry of log) assert.deepEqual(entry.annotation, model.annotations.get(entry.seq));
        assert.deepEqual((await store.conversations.get(lobby))?.pins, model.pins);
        const reacted = log.filter(({ annotation }) => annotation?.reactions !== undefined).map(({ seq }) => seq);
        for (const who of [alice, bob, carol]) {
          const own = await store.log.reactedBy(lobby, who, reacted);
          for (const seq of reacted) assert.deepEqual(own.get(seq) ?? [], [...(model.given.get(`${seq} ${who}`) ?? [])].sort());
        }
      }),
      { numRuns: 25 },
    );
  });
}

function replay(log: readonly LogEntry[]) {
  const annotations = new Map<number, Annotation>();
  const given = new Map<string, Set<string>>();
  let pins: readonly number[] | undefined;
  for (const entry of log) {
    const { body } = entry;
    if (!isMessageChange(body)) continue;
    const after = annotate(annotations.get(body.target), entry, body);
    if (after !== undefined) annotations.set(body.target, after);
    pins = pinsAfter(pins, body);
    const key = `${body.target} ${entry.from}`;
    if (body.type === "reaction.added") given.set(key, (given.get(key) ?? new Set()).add(body.emoji));
    if (body.type === "reaction.removed") given.get(key)?.delete(body.emoji);
  }
  return { annotations, given, pins };
}
