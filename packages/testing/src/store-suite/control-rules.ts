/** S39–S41: who is in charge of a conversation with a bot, judged and counted in the moment of storing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { verifyStore, type AppendOutcome, type ControlChangedBody, type Draft, type LogBody } from "@suda/server/store";
import type { ConversationId, UserId } from "@suda/protocol";
import { alice, bob, carol, draft, key, lobby, room, says, user, World, type OpenStore } from "./world.ts";

const tutor = user("tutor");
const minuteMs = 60_000;
const handoff = (queue?: string): ControlChangedBody => ({ type: "control.changed", holder: "none", epoch: 0, reason: "handoff", ...(queue && { queue }) });
const taken = (agent: UserId, leaseMs = minuteMs): ControlChangedBody => ({
  type: "control.changed",
  holder: "human",
  epoch: 0,
  agent,
  leaseMs,
  reason: "taken",
});
const returned: ControlChangedBody = { type: "control.changed", holder: "bot", epoch: 0, reason: "returned" };
const expired: ControlChangedBody = { ...returned, reason: "expired" };
const asBot = (text: string, epoch?: number): Draft => ({ from: tutor, asBot: true, body: says(text), ...(epoch !== undefined && { ifControlEpoch: epoch }) });
const ofAgent = (agent: UserId): Draft => ({ from: tutor, asAgent: agent, body: { ...says("by hand"), agent } as LogBody });

function nameOf(outcome: AppendOutcome | undefined): string | undefined {
  return outcome?.outcome === "refused" ? outcome.reason : outcome?.outcome;
}

/** A group of alice, bob, carol and tutor, and short ways to ask and to look. */
async function staffed(open: OpenStore) {
  const world = await World.open(open);
  await world.group(lobby, [alice, bob, carol, tutor]);
  const attempt = async (one: Draft): Promise<string | undefined> => nameOf((await world.store.log.append(lobby, [one]))[0]);
  const change = (from: UserId, body: ControlChangedBody, controlOf?: UserId | null): Promise<string | undefined> =>
    attempt({ from, body, ...(controlOf !== undefined && { controlOf }) });
  const control = async (id: ConversationId = lobby) => (await world.store.conversations.get(id))?.control;
  return { world, attempt, change, control };
}

export function controlRules(open: OpenStore): void {
  test("[S39] a bot's words are stored only while it is in charge, an agent's through its account only while that agent is, and nobody else is bound", async () => {
    const { world, attempt, change } = await staffed(open);
    await using _world = world;
    const all = async (): Promise<(string | undefined)[]> => {
      const drafts = [
        asBot("x"),
        { from: tutor, asBot: true, body: { type: "message.edited", target: 1, rev: 0, content: { type: "text", text: "y" } } },
      ] as const;
      return [
        await attempt(drafts[0]),
        await attempt(drafts[1]),
        await attempt(ofAgent(alice)),
        await attempt(ofAgent(bob)),
        await attempt(draft(alice, says("z"))),
      ];
    };
    assert.equal(await attempt(asBot("first")), "stored");
    assert.deepEqual(await all(), ["stored", "stored", "control", "control", "stored"]);
    await change(tutor, handoff("math"));
    assert.deepEqual(await all(), ["control", "control", "control", "control", "stored"]);
    await change(alice, taken(alice));
    await world.reopen();
    const again = async (one: Draft): Promise<string | undefined> => nameOf((await world.store.log.append(lobby, [one]))[0]);
    assert.deepEqual([await again(asBot("x")), await again(ofAgent(alice)), await again(ofAgent(bob))], ["control", "stored", "control"]);
    await world.store.log.append(lobby, [{ from: alice, body: returned }]);
    assert.deepEqual([await again(asBot("x")), await again(ofAgent(alice))], ["stored", "control"]);
  });

  test("[S39] whoever names an epoch is stored only while it is the current one", async () => {
    const { world, attempt, change } = await staffed(open);
    await using _world = world;
    const said = async (): Promise<unknown[]> => {
      const answers = [];
      for (const epoch of [0, 1, 2])
        answers.push(await attempt(asBot(`at ${epoch}`, epoch)), await attempt({ from: carol, ifControlEpoch: epoch, body: says("c") }));
      return answers;
    };
    assert.deepEqual(await said(), ["stored", "stored", "control", "control", "control", "control"]);
    await change(tutor, handoff());
    assert.deepEqual(await said(), ["control", "control", "control", "stored", "control", "control"]);
    await change(alice, returned);
    assert.deepEqual(await said(), ["control", "control", "control", "control", "stored", "stored"]);
  });

  test("[S39] [S3] [S9] what was called after a change is judged by it while it is under way; a retry of what is stored is a duplicate", async () => {
    const { world } = await staffed(open);
    await using _world = world;
    const { log } = world.store;
    const keyed = (name: string): Draft => ({ ...asBot(name), clientId: key(name) });
    const outcomes = await Promise.all([
      log.append(lobby, [keyed("before")]),
      log.append(lobby, [{ from: tutor, body: handoff() }]),
      log.append(lobby, [keyed("after")]),
      log.append(lobby, [keyed("before")]),
      log.append(lobby, [{ from: alice, body: returned }]),
      log.append(lobby, [keyed("after")]),
    ]);
    assert.deepEqual(
      outcomes.map(([one]) => nameOf(one)),
      ["stored", "stored", "control", "duplicate", "stored", "stored"],
    );
  });

  test("[S39] [S4] in one append each draft sees the control that those before it made", async () => {
    const { world } = await staffed(open);
    await using _world = world;
    const append = async (...drafts: Draft[]): Promise<unknown[]> => (await world.store.log.append(lobby, drafts)).map(nameOf);
    assert.deepEqual(await append(asBot("I ask a teacher."), { from: tutor, body: handoff() }), ["stored", "stored"]);
    assert.deepEqual(await append({ from: alice, body: returned }, asBot("back")), ["stored", "stored"]);
    assert.deepEqual(await append({ from: tutor, body: handoff() }, asBot("too late")), ["withheld", "control"]);
    assert.deepEqual(await append(draft(carol, says("a tap")), { from: carol, body: handoff(), controlOf: null }), ["stored", "stored"]);
    assert.deepEqual(await append(draft(carol, says("a second one")), { from: carol, body: handoff(), controlOf: null }), ["stored", "unchanged"]);
  });

  test("[S40] each change counts the epoch on and is the record's control, with its place and its lease; what is so already stores nothing", async () => {
    const { world, change, control } = await staffed(open);
    await using _world = world;
    assert.equal(await control(), undefined, "nothing is written before the first change");
    assert.equal(await change(alice, returned), "unchanged");
    assert.equal(await change(tutor, handoff("math")), "stored");
    const at = world.clock.now();
    assert.deepEqual(await control(), { holder: "none", epoch: 1, queue: "math", seq: 1, at });
    assert.equal(await change(alice, handoff("math")), "unchanged");
    assert.equal(await change(alice, handoff("physics")), "stored");
    world.clock.time += 5;
    assert.equal(await change(bob, taken(bob, 2 * minuteMs), bob), "stored");
    const held = { holder: "human", epoch: 3, agent: bob, queue: "physics", leaseMs: 2 * minuteMs, leaseUntil: at + 5 + 2 * minuteMs, seq: 3, at: at + 5 };
    assert.deepEqual((await (await world.reopen()).conversations.get(lobby))?.control, held);
    const [entry] = await world.store.log.readAfter(lobby, 2, 1);
    const { seq: _seq, at: _at, ...said } = held;
    assert.deepEqual(entry?.body, { type: "control.changed", reason: "taken", ...said });
    await world.store.log.append(lobby, [{ from: bob, body: returned }]);
    assert.deepEqual(await control(), { holder: "bot", epoch: 4, seq: 4, at: at + 5 });
    assert.deepEqual(await verifyStore(world.store, (finding) => assert.fail(JSON.stringify(finding))), { conversations: 1, entries: 4, findings: 0 });
  });

  test("[S40] what an agent holds another one cannot take, hand on or return before the lease is over, and `null` never", async () => {
    const { world, change, control } = await staffed(open);
    await using _world = world;
    await change(alice, taken(alice), alice);
    for (const body of [taken(bob), handoff("x"), returned]) {
      assert.equal(await change(bob, body, bob), "held");
      assert.equal(await change(bob, body, null), "unchanged");
    }
    assert.equal(await change(alice, taken(alice), alice), "stored", "again oneself");
    world.clock.time += minuteMs - 1;
    assert.equal(await change(bob, taken(bob), bob), "held");
    world.clock.time += 1;
    assert.equal(await change(bob, handoff(), null), "unchanged", "it is nobody else's before somebody takes it");
    assert.equal(await change(bob, taken(bob), bob), "stored");
    assert.equal((await control())?.agent, bob);
    assert.equal(await change(alice, returned, alice), "held");
    assert.equal(await change(alice, returned), "stored", "without a condition anybody's is ended");
  });

  test("[S40] a message of the agent's renews the lease, their own or through the bot's account; an expiry ends only one that is over", async () => {
    const { world, attempt, change, control } = await staffed(open);
    await using _world = world;
    await change(alice, taken(alice), alice);
    const since = world.clock.now();
    const until = async (): Promise<number> => ((await control())?.leaseUntil ?? 0) - since;
    world.clock.time += 40_000;
    await attempt(draft(bob, says("not the agent")));
    await attempt({ from: alice, body: { type: "reaction.added", target: 2, emoji: "👍" } });
    assert.equal(await until(), minuteMs);
    await attempt(draft(alice, says("the agent")));
    assert.equal(await until(), 40_000 + minuteMs);
    world.clock.time += minuteMs - 1;
    assert.equal(await change(alice, expired), "unchanged");
    await attempt(ofAgent(alice));
    assert.equal(await until(), 40_000 + minuteMs - 1 + minuteMs);
    assert.equal((await control())?.epoch, 1);
    world.clock.time += minuteMs;
    assert.equal(await attempt({ from: alice, ifControlEpoch: 0, body: expired }), "control");
    assert.equal(await attempt({ from: alice, ifControlEpoch: 1, body: expired }), "stored");
    assert.equal(await change(alice, expired), "unchanged");
    await world.reopen();
    assert.deepEqual(await verifyStore(world.store, (finding) => assert.fail(JSON.stringify(finding))), { conversations: 1, entries: 6, findings: 0 });
  });

  test("[S40] [S26] [S31] a deletion keeps whose words they were, and a truncation keeps who is in charge", async () => {
    const { world, change, attempt } = await staffed(open);
    await using _world = world;
    await change(alice, taken(alice), alice);
    world.clock.time += 10;
    await attempt(ofAgent(alice));
    await attempt({ from: tutor, body: { type: "message.deleted", target: 2 } });
    const [message] = await world.store.log.readAfter(lobby, 1, 1);
    assert.deepEqual(message?.body, { type: "message.created", content: { type: "deleted" }, agent: alice });
    const before = (await world.store.conversations.get(lobby))?.control;
    for (const floor of [2, 3, 4]) {
      await world.store.log.truncate(lobby, floor);
      const record = await (await world.reopen()).conversations.get(lobby);
      assert.deepEqual([record?.floor?.seq, record?.control], [floor - 1, before]);
      await verifyStore(world.store, (finding) => assert.fail(JSON.stringify(finding)));
    }
    assert.deepEqual((await world.store.log.append(lobby, [asBot("x")])).map(nameOf), ["control"]);
  });

  test("[S41] those that wait and those that are held are listed by time, then by id, page by page", async () => {
    const { world } = await staffed(open);
    await using _world = world;
    const { conversations, log } = world.store;
    const start = world.clock.now();
    const put = (id: string, body: ControlChangedBody) => log.append(room(id), [{ from: alice, body }]);
    for (const id of ["c", "a", "b", "b.1", "never"]) await world.group(room(id), [alice, tutor]);
    await Promise.all([put("c", handoff()), put("b", handoff())]);
    world.clock.time += 1_000_000;
    await Promise.all([put("b.1", handoff()), put("a", handoff("q"))]);
    const places = (...ids: [string, number][]) => ids.map(([id, later]) => ({ id: room(id), at: start + later }));
    const waiting = places(["b", 0], ["c", 0], ["a", 1_000_000], ["b.1", 1_000_000]);
    assert.deepEqual(await conversations.withControl("none", undefined, 1_000), waiting);
    assert.deepEqual(await conversations.withControl("human", undefined, 1_000), []);
    world.clock.time += 1;
    await put("b", taken(alice));
    world.clock.time += 1;
    await put("c", handoff("other"));
    await put("a", returned);
    await put("b.1", taken(alice));
    await put("b.1", taken(alice, 3 * minuteMs));
    const store = await world.reopen();
    assert.deepEqual(await store.conversations.withControl("none", undefined, 1_000), places(["c", 1_000_002]));
    const held = places(["b", 1_000_001], ["b.1", 1_000_002]);
    assert.deepEqual(await store.conversations.withControl("human", undefined, 1_000), held);
    assert.deepEqual(await store.conversations.withControl("human", undefined, 1), held.slice(0, 1));
    assert.deepEqual(await store.conversations.withControl("human", held[0], 1), held.slice(1));
    assert.deepEqual(await store.conversations.withControl("human", held[1], 1), []);
    assert.deepEqual(await store.conversations.withControl("human", { id: room("z"), at: 0 }, 5), held, "a place need not be there");
    await verifyStore(store, (finding) => assert.fail(JSON.stringify(finding)));
  });

  test("[S39] [S40] whatever is done in whatever order, the log alone tells who was in charge, and no bot spoke while it was not", async () => {
    const agent = fc.constantFrom(alice, bob);
    const step = fc.oneof(
      fc.record({
        from: fc.constant(tutor),
        asBot: fc.constant(true as const),
        body: fc.constant(says("bot")),
        ifControlEpoch: fc.option(fc.nat(6), { nil: undefined }),
      }),
      agent.map((from): Draft => draft(from, says("agent"))),
      agent.map(ofAgent),
      fc.constant<Draft>({ from: tutor, body: handoff(), controlOf: null }),
      agent.map((from): Draft => ({ from, body: taken(from), controlOf: from })),
      agent.map((from): Draft => ({ from, body: returned, controlOf: from })),
      fc.constant<Draft>({ from: carol, body: expired }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.array(step, { minLength: 1, maxLength: 3 }), fc.nat(70_000)), { maxLength: 40 }), async (steps) => {
        await using world = await World.open(open);
        await world.group(lobby, [alice, bob, carol, tutor]);
        const pending: Promise<unknown>[] = [];
        for (const [drafts, laterMs] of steps) {
          world.clock.time += laterMs;
          const clean = drafts.map(({ ifControlEpoch, ...rest }): Draft => (ifControlEpoch === undefined ? rest : { ...rest, ifControlEpoch }));
          pending.push(world.store.log.append(lobby, clean));
        }
        await Promise.all(pending);
        let holder = "bot";
        let holdingAgent: UserId | undefined;
        for (const { seq, from, body } of await world.store.log.readAfter(lobby, 0, 1_000)) {
          if (body.type === "control.changed") {
            holder = body.holder;
            holdingAgent = body.agent;
          } else if (from === tutor && body.type === "message.created") {
            const isAgent = body.agent !== undefined;
            assert.ok(isAgent ? holder === "human" && body.agent === holdingAgent : holder === "bot", `seq ${seq}`);
          }
        }
        await verifyStore(world.store, (finding) => assert.fail(JSON.stringify(finding)));
      }),
      { numRuns: 30 },
    );
  });
}
