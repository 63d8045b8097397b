/** S31: the beginning of a log goes, with everything that was made of it, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SudaError } from "@suda/protocol";
import { countUnread, isErased, verifyStore, type AppendOutcome, type Finding, type LogBody, type LogEntry, type Store } from "@suda/server/store";
import { alice, bob, carol, checkLog, draft, lobby, readLog, room, says, storedSeq, World, type OpenStore } from "./world.ts";

const edit = (target: number, text: string): LogBody => ({ type: "message.edited", target, rev: 0, content: { type: "text", text } });
const react = (target: number, emoji = "👍"): LogBody => ({ type: "reaction.added", target, emoji });
const pin = (target: number): LogBody => ({ type: "pin.added", target });
const remove = (target: number): LogBody => ({ type: "message.deleted", target });
const nameOf = (outcome: AppendOutcome | undefined): string | undefined => (outcome?.outcome === "rejected" ? outcome.reason : outcome?.outcome);
const seqsOf = (entries: readonly LogEntry[]): number[] => entries.map(({ seq }) => seq);
const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);

async function assertWhole(store: Store): Promise<void> {
  const findings: Finding[] = [];
  await verifyStore(store, (finding) => findings.push(finding));
  assert.deepEqual(findings, []);
}

export function truncationRules(open: OpenStore): void {
  /** alice, bob and carol; messages `m1`… of alice with keys k1…, but each third entry is a change of the title. */
  async function filled(count: number): Promise<World> {
    const world = await World.open(open);
    await world.group(lobby, [alice, bob, carol]);
    for (let start = 1; start <= count; start += 100) {
      const drafts = range(start, Math.min(start + 99, count)).map((seq) =>
        seq % 3 === 0 ? draft(bob, { type: "conversation.updated", title: `t${seq}` }) : draft(alice, says(`m${seq}`), `k${seq}`),
      );
      world.clock.time += 10;
      await world.store.log.append(lobby, drafts);
    }
    return world;
  }

  test("[S31] entries before the cut are gone from every read, the head stays, and the log goes on behind it", async () => {
    await using world = await filled(10);
    const before = await world.store.conversations.get(lobby);
    const sixth = (await readLog(world.store, lobby))[5];
    assert.deepEqual(await world.store.log.truncate(lobby, 7), { removed: 6, from: 7 });
    for (const isReopened of [false, true]) {
      const store = isReopened ? await world.reopen() : world.store;
      assert.deepEqual(seqsOf(await store.log.readAfter(lobby, 0, 100)), [7, 8, 9, 10]);
      assert.deepEqual(seqsOf(await store.log.readAfter(lobby, 3, 2)), [7, 8]);
      assert.deepEqual(seqsOf(await store.log.readAfter(lobby, 7, 100)), [8, 9, 10]);
      assert.deepEqual(seqsOf(await store.log.readBefore(lobby, 9, 100)), [7, 8]);
      assert.deepEqual(await store.log.readBefore(lobby, 7, 100), []);
      const conversation = await store.conversations.get(lobby);
      assert.deepEqual(conversation?.head, before?.head);
      assert.deepEqual(conversation?.floor, { seq: 6, ordinal: sixth?.ordinal, hash: sixth?.hash });
      assert.equal(conversation.title, "t9");
      await assertWhole(store);
    }
    assert.equal(storedSeq((await world.store.log.append(lobby, [draft(bob, says("on"))]))[0]), 11);
    await checkLog(world.store, lobby);
  });

  test("[S31] nothing to cut is no mistake, a cut beyond the head is one at the head, and an emptied log goes on", async () => {
    await using world = await filled(4);
    const { log, conversations } = world.store;
    for (const before of [0, 1, -5]) assert.deepEqual(await log.truncate(lobby, before), { removed: 0, from: 1 });
    assert.equal((await conversations.get(lobby))?.floor, undefined);
    assert.deepEqual(await log.truncate(lobby, 3), { removed: 2, from: 3 });
    assert.deepEqual(await log.truncate(lobby, 2), { removed: 0, from: 3 });
    assert.deepEqual(await log.truncate(lobby, Number.MAX_SAFE_INTEGER), { removed: 2, from: 5 });
    const store = await world.reopen();
    assert.deepEqual(await readLog(store, lobby), []);
    await assertWhole(store);
    assert.equal((await store.conversations.get(lobby))?.head.seq, 4);
    assert.equal(storedSeq((await store.log.append(lobby, [draft(alice, says("on"))]))[0]), 5);
    await checkLog(store, lobby);
    await assertWhole(store);
    await assert.rejects(store.log.truncate(room("nowhere"), 5), (error) => error instanceof SudaError && error.code === "conversation.not_found");
    await world.group(room("empty"), [alice]);
    assert.deepEqual(await store.log.truncate(room("empty"), 5), { removed: 0, from: 1 });
  });

  test("[S31] [S3] a retry of a message that is gone is still its duplicate, and another body under its key still a conflict", async () => {
    await using world = await filled(2);
    const { log } = world.store;
    const at = world.clock.now();
    await log.append(lobby, [draft(alice, edit(1, "uno"), "e1"), draft(alice, edit(1, "eins"), "e2"), draft(bob, says("secret"), "k1")]);
    await log.append(lobby, [draft(bob, remove(5))]);
    const expected = [
      { outcome: "duplicate", seq: 1, at },
      { outcome: "conflict", seq: 1 },
      { outcome: "duplicate", seq: 3, at },
      { outcome: "duplicate", seq: 4, at },
      { outcome: "conflict", seq: 4 },
      { outcome: "duplicate", seq: 5, at },
    ];
    const retries = [
      draft(alice, says("m1"), "k1"),
      draft(alice, says("m1!"), "k1"),
      draft(alice, edit(1, "uno"), "e1"),
      draft(alice, edit(1, "eins"), "e2"),
      draft(alice, edit(1, "zwei"), "e2"),
      draft(bob, says("secret"), "k1"),
    ];
    const answers = async (store: Store): Promise<unknown[]> => (await Promise.all(retries.map((retry) => store.log.append(lobby, [retry])))).flat();
    world.clock.time += 1_000;
    assert.deepEqual(await answers(world.store), expected, "as long as they are there");
    const [, ...underWay] = await Promise.all([log.truncate(lobby, 7), ...retries.map((retry) => log.append(lobby, [retry]))]);
    assert.deepEqual(underWay.flat(), expected, "while they go");
    assert.deepEqual(await readLog(world.store, lobby), []);
    assert.deepEqual(await answers(world.store), expected);
    assert.deepEqual(await answers(await world.reopen()), expected);
    assert.equal((await world.store.conversations.get(lobby))?.head.seq, 6);
  });

  test("[S31] [S24] a message that is gone takes no change and no reply", async () => {
    await using world = await filled(5);
    const { log, conversations } = world.store;
    await log.truncate(lobby, 3);
    for (const body of [edit(2, "x"), react(2), pin(2), remove(2), { ...says("re"), replyTo: 2 } as LogBody, { ...says("re"), replyTo: 1 } as LogBody])
      assert.deepEqual((await log.append(lobby, [draft(alice, body)])).map(nameOf), ["no_message"]);
    assert.equal(await conversations.hideMessage(lobby, bob, 2), "no_message");
    for (const body of [edit(4, "x"), react(4), pin(4), { ...says("re"), replyTo: 4 } as LogBody])
      assert.deepEqual((await log.append(lobby, [draft(alice, body)])).map(nameOf), ["stored"]);
    assert.equal(await conversations.hideMessage(lobby, bob, 4), "hidden");
    await assertWhole(await world.reopen());
  });

  test("[S31] with a message go its annotation, reactions, pin and hides, and what its later edits said; those of others stay", async () => {
    await using world = await filled(5);
    const { log, conversations } = world.store;
    for (const target of [1, 2, 4, 5]) {
      await log.append(lobby, [draft(alice, edit(target, `edit of ${target}`)), draft(bob, react(target)), draft(carol, pin(target))]);
      await conversations.hideMessage(lobby, bob, target);
    }
    const change = (await conversations.memberships(bob)).change;
    const chain = (await readLog(world.store, lobby)).map(({ hash }) => hash);
    assert.deepEqual(await log.truncate(lobby, 5), { removed: 4, from: 5 });
    for (const isReopened of [false, true]) {
      const store = isReopened ? await world.reopen() : world.store;
      const left = await checkLog(store, lobby);
      assert.deepEqual(
        left.map(({ hash }) => hash),
        chain.slice(4),
      );
      assert.doesNotMatch(JSON.stringify(left), /edit of [124]/);
      const edits = left.filter(({ body }) => body.type === "message.edited");
      assert.deepEqual(
        edits.map(({ body }) => isErased(body)),
        [true, true, true, false],
      );
      assert.deepEqual(left[0]?.annotation?.reactions, [{ emoji: "👍", count: 1 }]);
      assert.deepEqual(await store.log.reactedBy(lobby, bob, [1, 2, 4, 5]), new Map([[5, ["👍"]]]));
      assert.deepEqual((await store.conversations.get(lobby))?.pins, [5]);
      assert.deepEqual(await store.conversations.hiddenBy(lobby, bob, [1, 2, 4, 5]), new Set([5]));
      assert.equal((await store.conversations.member(lobby, bob))?.hides, 1);
      assert.equal((await store.conversations.memberships(bob)).change, change, "truncating is nobody's own change");
      await assertWhole(store);
    }
    await world.store.log.truncate(lobby, 6);
    const store = await world.reopen();
    assert.equal((await store.conversations.get(lobby))?.pins, undefined);
    assert.equal((await store.conversations.member(lobby, bob))?.hides, undefined);
    await assertWhole(store);
  });

  test("[S31] [S32] hides of messages that are gone do not come back with somebody who joins again", async () => {
    await using world = await filled(5);
    const { log, conversations } = world.store;
    for (const target of [1, 2, 4]) await conversations.hideMessage(lobby, bob, target);
    await log.append(lobby, [draft(alice, { type: "member.removed", user: bob })]);
    await log.truncate(lobby, 3);
    await log.append(lobby, [draft(alice, { type: "member.added", users: [bob] })]);
    const store = await world.reopen();
    assert.equal((await store.conversations.member(lobby, bob))?.hides, 1);
    assert.deepEqual(await store.conversations.hiddenBy(lobby, bob, [1, 2, 4]), new Set([4]));
    await assertWhole(store);
  });

  test("[S31] [S12] unread counts what is still there, for marks below the floor, at it and above", async () => {
    await using world = await filled(10);
    const { log, conversations } = world.store;
    await conversations.advanceRead(lobby, bob, 1);
    await conversations.advanceRead(lobby, carol, 9);
    await log.truncate(lobby, 6);
    const unread = async (who: typeof bob): Promise<unknown> => {
      const [conversation, member] = [await world.store.conversations.get(lobby), await world.store.conversations.member(lobby, who)];
      assert.ok(conversation !== undefined && member !== undefined);
      return [member.readSeq, member.deliveredSeq, countUnread(conversation, member)];
    };
    // Left: 6 title, 7, 8, 9 title, 10.
    assert.deepEqual(await unread(bob), [1, 1, 3]);
    assert.deepEqual(await unread(carol), [9, 9, 1]);
    for (const [seq, expected] of [
      [3, [3, 3, 3]],
      [5, [5, 5, 3]],
      [7, [7, 7, 2]],
      [99, [10, 10, 0]],
    ] as const) {
      await world.store.conversations.advanceRead(lobby, bob, seq);
      assert.deepEqual(await unread(bob), expected, `read up to ${seq}`);
      await assertWhole(await world.reopen());
    }
  });

  test("[S31] [S9] truncating while appends, changes and hides are under way leaves a dense log that agrees with itself", async () => {
    await using world = await filled(900);
    const { log, conversations } = world.store;
    const outcomes = new Map<string, AppendOutcome[]>();
    const work: Promise<unknown>[] = [];
    for (let round = 0; round < 40; round++) {
      const target = round * 20 + 2;
      const bodies: [string, LogBody][] = [
        ["says", says(`r${round}`)],
        ["edit", edit(target, `secret ${round}`)],
        ["react", react(target)],
        ["pin", pin(target + 2)],
        ["delete", remove(target + 3)],
      ];
      for (const [name, body] of bodies)
        work.push(log.append(lobby, [draft(alice, body, `${name}${round}`)]).then((stored) => outcomes.set(`${name}${round}`, [...stored])));
      work.push(conversations.hideMessage(lobby, carol, target));
      if (round % 4 === 0) work.push(log.truncate(lobby, round * 20 + 11));
      // Some turns of their own, so that calls also meet a commit under way.
      if (round % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(work);
    const store = await world.reopen();
    const left = await checkLog(store, lobby);
    assert.equal(left[0]?.seq, 731);
    await assertWhole(store);
    for (const [name, [outcome]] of outcomes)
      if (name.startsWith("says")) assert.equal(outcome?.outcome, "stored", name);
      else assert.ok(["stored", "no_message"].includes(nameOf(outcome) ?? ""), `${name} is ${nameOf(outcome)}`);
    const edits = left.flatMap(({ body }) => (body.type === "message.edited" ? [[body.target > 730, isErased(body)]] : []));
    assert.ok(edits.every(([isThere, isGone]) => isThere !== isGone));
    assert.ok(edits.length >= 8, "some edits were stored");
  });

  test("[S31] of truncations at once each entry is removed by one", async () => {
    await using world = await filled(700);
    const results = await Promise.all([300, 650, 100, 650].map((before) => world.store.log.truncate(lobby, before)));
    assert.equal(
      results.reduce((sum, { removed }) => sum + removed, 0),
      649,
    );
    assert.deepEqual(
      results.map(({ from }) => from >= 100),
      [true, true, true, true],
    );
    assert.equal((await readLog(world.store, lobby))[0]?.seq, 650);
    await assertWhole(await world.reopen());
  });

  test("[S31] [S14] whoever pages while the log is truncated gets whole pages, of what is there at that moment", async () => {
    await using world = await filled(1_500);
    const { log, conversations } = world.store;
    const progress = { isDone: false };
    const truncating = (async () => {
      for (let before = 200; before <= 1_400; before += 300) await log.truncate(lobby, before);
      progress.isDone = true;
    })();
    let [pages, after, floorSeen] = [0, 0, 0];
    while (!progress.isDone || pages === 0) {
      const floor = (await conversations.get(lobby))?.floor?.seq ?? 0;
      assert.ok(floor >= floorSeen, "a floor that was shown went back");
      floorSeen = floor;
      for (const page of [await log.readAfter(lobby, after, 40), await log.readBefore(lobby, 1_501, 1_000)]) {
        const seqs = seqsOf(page);
        assert.deepEqual(seqs, range(seqs[0] ?? 1, seqs.at(-1) ?? 0), "a page has no holes");
        assert.ok((seqs[0] ?? Infinity) > floor);
      }
      after = (after + 40) % 1_400;
      pages++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await truncating;
    assert.deepEqual(seqsOf(await log.readAfter(lobby, 0, 3)), [1_400, 1_401, 1_402]);
  });

  test("[S31] after any commands the store agrees with itself and unread with a recount", async () => {
    const person = fc.constantFrom(alice, bob, carol);
    const seq = fc.integer({ min: 0, max: 25 });
    const command: fc.Arbitrary<(store: Store) => Promise<unknown>> = fc.oneof(
      { weight: 4, arbitrary: person.map((who) => (store: Store) => store.log.append(lobby, [draft(who, says("hi"))])) },
      fc.tuple(person, seq).map(
        ([who, target]) =>
          (store: Store) =>
            store.log.append(lobby, [draft(who, edit(target, "x"))]),
      ),
      fc.tuple(person, seq).map(
        ([who, target]) =>
          (store: Store) =>
            store.log.append(lobby, [draft(who, react(target))]),
      ),
      fc.tuple(person, seq).map(
        ([who, target]) =>
          (store: Store) =>
            store.log.append(lobby, [draft(who, pin(target))]),
      ),
      fc.tuple(person, seq).map(
        ([who, target]) =>
          (store: Store) =>
            store.log.append(lobby, [draft(who, remove(target))]),
      ),
      fc.tuple(person, fc.boolean()).map(
        ([who, isIn]) =>
          (store: Store) =>
            store.log.append(lobby, [draft(alice, isIn ? { type: "member.added", users: [who] } : { type: "member.removed", user: who })]),
      ),
      person.map(
        (who) => (store: Store) =>
          store.log.append(lobby, [
            draft(who, { type: "conversation.updated", slowModeMs: who === bob ? null : 1_000, retentionMs: who === bob ? 60_000 : null }),
          ]),
      ),
      fc.tuple(person, seq).map(
        ([who, upTo]) =>
          (store: Store) =>
            store.conversations.advanceRead(lobby, who, upTo),
      ),
      fc.tuple(person, seq).map(
        ([who, upTo]) =>
          (store: Store) =>
            store.conversations.advanceDelivered(lobby, who, upTo),
      ),
      fc.tuple(person, seq).map(
        ([who, target]) =>
          (store: Store) =>
            store.conversations.hideMessage(lobby, who, target),
      ),
      person.map((who) => (store: Store) => store.conversations.updateMember(lobby, who, { isMarkedUnread: true, mutedUntil: 1 })),
      { weight: 2, arbitrary: seq.map((before) => (store: Store) => store.log.truncate(lobby, before)) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 50 }), fc.boolean(), async (commands, isAtOnce) => {
        await using world = await World.open(open);
        await world.group(lobby, [alice, bob, carol]);
        if (isAtOnce) await Promise.all(commands.map((run) => run(world.store)));
        else for (const run of commands) await run(world.store);
        const store = await world.reopen();
        const log = await checkLog(store, lobby);
        await assertWhole(store);
        const conversation = await store.conversations.get(lobby);
        assert.ok(conversation);
        for (const member of await store.conversations.members(lobby, undefined, 10)) {
          const recount = log.filter((entry) => entry.seq > member.readSeq && entry.body.type === "message.created").length;
          assert.equal(countUnread(conversation, member), recount, member.user);
        }
      }),
      { numRuns: 40 },
    );
  });
}
