/** Who answers in a conversation with a bot: handing over, taking, giving back, leases, and what is refused meanwhile. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Control, ConversationId, LogEvent } from "@suda/protocol";
import { clientId, codeOf, createTestGroup, say, TestServer, textOf, userId, type HttpAnswer, type WebSocketCommunicator } from "@suda/testing";

const minuteMs = 60_000;
const quarterMs = 15 * minuteMs;
const unlimited = { limits: { commands: { perSecond: 0, burst: 1 }, requests: { perSecond: 0, burst: 1 } } } as const;
const httpCode = ({ status, body }: HttpAnswer): string => (status < 300 ? "ok" : String((body as { code?: string }).code));

/** A direct conversation of alice's with tutor, a bot; a group of olga (owner), alice and tutor; dora and alice, who speak without a bot. */
async function openWorld() {
  const suda = await TestServer.open(unlimited);
  await suda.backend().request("PUT", "/v1/bots/tutor", { name: "Tutor" });
  const [alice, tutor, olga] = await Promise.all(["alice", "tutor", "olga"].map((user) => suda.connect(user)));
  assert.ok(alice && tutor && olga);
  const direct = (await alice.request({ type: "conversation.open", with: userId("tutor") })).conversation.id;
  const plain = (await alice.request({ type: "conversation.open", with: userId("dora") })).conversation.id;
  const group = (await createTestGroup(olga, ["alice", "tutor"])).id;
  let count = 0;
  const send = async (connection: WebSocketCommunicator, conversation: ConversationId, control?: number): Promise<string> =>
    codeOf(
      await connection.answer({
        type: "message.send",
        conversation,
        clientId: `k${++count}`,
        content: textOf(`words ${count}`),
        ...(control !== undefined && { control }),
      }),
    );
  const ask = async (connection: WebSocketCommunicator, type: string, conversation: ConversationId, fields: object = {}): Promise<string> =>
    codeOf(await connection.answer({ type: `control.${type}`, conversation, ...fields }));
  /** Over HTTP with the API key, on behalf of `user` if one is named. */
  const desk = async (user: string | undefined, what: string, conversation: ConversationId, body: object = {}): Promise<string> =>
    httpCode(await suda.backend(user).post(`/v1/conversations/${conversation}/control/${what}`, body));
  const words = async (body: object, conversation: ConversationId = direct, user = "tutor"): Promise<string> =>
    httpCode(await suda.backend(user).post(`/v1/conversations/${conversation}/messages`, { clientId: `k${++count}`, content: textOf("by desk"), ...body }));
  const control = async (conversation: ConversationId): Promise<Control | undefined> =>
    ((await suda.backend().get(`/v1/conversations/${conversation}`)).body as { conversation: { control?: Control } }).conversation.control;
  const history = async (conversation: ConversationId): Promise<LogEvent[]> =>
    ((await suda.backend().get(`/v1/conversations/${conversation}/history?after=0&limit=200`)).body as { events: LogEvent[] }).events;
  return {
    suda,
    alice,
    tutor,
    olga,
    direct,
    group,
    plain,
    send,
    ask,
    desk,
    words,
    control,
    history,
    async [Symbol.asyncDispose]() {
      assert.equal(await suda.failures(), 0);
      for (const connection of [alice, tutor, olga]) await connection[Symbol.asyncDispose]();
      await suda[Symbol.asyncDispose]();
    },
  };
}

/** Lets the next sweep of leases come and end. */
async function sweep(suda: TestServer): Promise<void> {
  suda.clock.advance(10_000);
  for (let turn = 0; turn < 30; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    suda.clock.advance(0);
  }
}

describe("control", () => {
  test("[T25] each change is an event to every member, counts the epoch, and is on the record; before the first there is nothing", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, direct, desk } = world;
    assert.equal((await alice.request({ type: "conversation.get", conversation: direct })).conversation.control, undefined);
    const at = suda.clock.now();
    const handed = await alice.request({ type: "control.handoff", conversation: direct, queue: "math" });
    const waiting = { holder: "none", epoch: 1, queue: "math", seq: 1, at };
    assert.deepEqual([handed.seq, handed.at, handed.control], [1, at, waiting]);
    const event = { type: "control.changed", conversation: direct, seq: 1, at, from: "alice", holder: "none", epoch: 1, queue: "math", reason: "handoff" };
    for (const connection of [alice, tutor]) assert.deepEqual(await connection.event("control.changed"), event);
    suda.clock.advance(1_000);
    assert.equal(await desk("mina", "take", direct), "ok");
    const held = { holder: "human", agent: "mina", epoch: 2, queue: "math", leaseMs: quarterMs, leaseUntil: at + 1_000 + quarterMs };
    const taken = { type: "control.changed", conversation: direct, seq: 2, at: at + 1_000, from: "mina", reason: "taken", ...held };
    for (const connection of [alice, tutor]) assert.deepEqual(await connection.event("control.changed"), taken);
    for (const connection of [alice, tutor]) {
      const { conversation } = await connection.request({ type: "conversation.get", conversation: direct });
      assert.deepEqual(conversation.control, { ...held, seq: 2, at: at + 1_000 });
    }
    assert.equal(await desk("mina", "return", direct), "ok");
    assert.deepEqual(await world.control(direct), { holder: "bot", epoch: 3, seq: 3, at: at + 1_000 });
    // A device that was away is told by the log, and by the record.
    await using later = await suda.connectSilently();
    const greeted = await later.request({ type: "hello", token: suda.token("alice") });
    assert.equal(greeted.conversations.find(({ id }) => id === direct)?.control?.epoch, 3);
    assert.deepEqual(
      (await world.history(direct)).map((one) => one.type === "control.changed" && [one.from, one.reason, one.epoch]),
      [
        ["alice", "handoff", 1],
        ["mina", "taken", 2],
        ["mina", "returned", 3],
      ],
    );
  });

  test("[T25] two people have nothing to take over from", async () => {
    await using world = await openWorld();
    for (const what of ["handoff", "take", "return"]) {
      assert.equal(await world.ask(world.alice, what, world.plain), "control.no_bot");
      assert.equal(await world.desk("mina", what, world.plain), "control.no_bot");
    }
  });

  test("[T26] while it is not in charge, what the bot sends, edits and types is refused, also when the backend speaks as the bot; others are not bound", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, olga, direct, group, send, desk, words } = world;
    for (const id of [direct, group]) {
      const seq = await say(tutor, id, "I am a bot");
      const edit = { type: "message.edit", conversation: id, target: seq, content: textOf("edited") };
      const path = `/v1/conversations/${id}/messages`;
      const all = async (): Promise<Set<string>> =>
        new Set([
          await send(tutor, id),
          codeOf(await tutor.answer(edit)),
          codeOf(await tutor.answer({ type: "typing.start", conversation: id })),
          await words({}, id),
          httpCode(await suda.backend("tutor").request("PATCH", `${path}/${seq}`, { content: textOf("edited") })),
          httpCode(await suda.as("tutor").post(path, { clientId: `t${Math.random()}`, content: textOf("x") })),
        ]);
      assert.deepEqual(await all(), new Set(["ok"]));
      assert.equal(await desk(undefined, "handoff", id), "ok");
      assert.deepEqual(await all(), new Set(["control.lost"]));
      assert.equal(codeOf(await tutor.answer({ type: "typing.stop", conversation: id })), "ok");
      assert.equal(await send(alice, id), "ok");
      assert.equal(await desk("olga", "take", id), "ok");
      assert.deepEqual(await all(), new Set(["control.lost"]));
      assert.equal(codeOf(await tutor.answer({ type: "reaction.add", conversation: id, target: seq, emoji: "👍" })), "ok", "it says nothing with it");
      assert.equal(await desk("olga", "return", id), "ok");
      assert.deepEqual(await all(), new Set(["ok"]));
    }
    assert.equal(await send(olga, group), "ok");
  });

  test("[T26] a send of several, a template's, a stream and thinking are bound too, and a handoff ends what grows", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, direct, ask } = world;
    let count = 0;
    const all = async (control?: number): Promise<string[]> => {
      const id = `s${++count}`;
      const named = control === undefined ? {} : { control };
      const commands: { type: string; [field: string]: unknown }[] = [
        { type: "bot.send", clientId: `several-${id}`, messages: [{ content: textOf("one") }, { content: textOf("two") }], ...named },
        { type: "stream.finish", stream: id, content: textOf("the whole answer"), ...named },
      ];
      if (control === undefined) commands.push({ type: "thinking.start" }, { type: "stream.start", stream: `g${id}` });
      const codes = [];
      for (const command of commands) codes.push(codeOf(await tutor.answer({ ...command, conversation: direct })));
      return codes;
    };
    assert.deepEqual(new Set(await all()), new Set(["ok"]));
    assert.deepEqual(new Set(await all(0)), new Set(["ok"]));
    assert.deepEqual(new Set(await all(1)), new Set(["control.lost"]));
    const grow = { type: "stream.append", conversation: direct, stream: "gs1", text: "and " };
    assert.equal(codeOf(await tutor.answer(grow)), "ok");
    assert.equal(await ask(alice, "handoff", direct), "ok");
    const aborted = await alice.event("stream.aborted");
    assert.deepEqual([aborted.stream, aborted.reason], ["gs1", "control"]);
    assert.equal(codeOf(await tutor.answer(grow)), "control.lost");
    assert.deepEqual(new Set(await all()), new Set(["control.lost"]));
    assert.equal(codeOf(await tutor.answer({ type: "thinking.stop", conversation: direct })), "ok");
    const several = { clientId: "by-http", messages: [{ content: textOf("x") }] };
    assert.equal(httpCode(await suda.backend().post("/v1/bots/tutor/messages", { ...several, conversation: direct })), "control.lost");
    await world.desk(undefined, "return", direct);
    assert.deepEqual(new Set(await all(2)), new Set(["ok"]));
  });

  test("[T26] who names an epoch that is not the current one is refused, whoever it is, and a retry finds the first send", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, direct, send, ask, desk } = world;
    assert.deepEqual([await send(tutor, direct, 0), await send(tutor, direct, 1), await send(alice, direct, 1)], ["ok", "control.lost", "control.lost"]);
    const first = { type: "message.send", conversation: direct, clientId: "first", content: textOf("the same"), control: 0 };
    const { seq } = await tutor.request({ ...first, clientId: clientId("first"), type: "message.send" });
    await ask(tutor, "handoff", direct);
    await desk(undefined, "return", direct);
    assert.deepEqual([await send(tutor, direct, 0), await send(tutor, direct, 1), await send(tutor, direct, 2)], ["control.lost", "control.lost", "ok"]);
    assert.deepEqual([await send(alice, direct, 0), await send(alice, direct, 2), await send(tutor, direct)], ["control.lost", "ok", "ok"]);
    const { ref: _ref, ...again } = (await tutor.answer({ ...first, control: 7 })) as unknown as Record<string, unknown>;
    assert.deepEqual([again["seq"], again["duplicate"]], [seq, true], "control is no part of the message");
    const edit = { type: "message.edit", conversation: direct, target: seq, content: textOf("edited") };
    assert.deepEqual([codeOf(await tutor.answer({ ...edit, control: 1 })), codeOf(await tutor.answer({ ...edit, control: 2 }))], ["control.lost", "ok"]);
    const path = `/v1/conversations/${direct}/messages`;
    const over = async (control: number): Promise<unknown> =>
      httpCode(await suda.as("tutor").post(path, { clientId: `h${control}`, content: textOf("x"), control }));
    assert.deepEqual([await over(1), await over(2)], ["control.lost", "ok"]);
    for (const control of [-1, 1.5, "2", null])
      assert.deepEqual(codeOf(await tutor.answer({ ...first, clientId: "bad", control })), "frame.invalid", String(control));
  });

  test("[T27] who may hand over, and what asking again does", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, olga, direct, group, ask, desk, control } = world;
    await using eve = await suda.connect("eve");
    assert.equal(await ask(eve, "handoff", direct), "conversation.not_found");
    assert.equal(await ask(alice, "handoff", group), "member.forbidden");
    assert.equal(await ask(tutor, "handoff", group), "ok");
    const head = (await olga.request({ type: "conversation.get", conversation: group })).conversation.head;
    const again = await olga.request({ type: "control.handoff", conversation: group });
    assert.deepEqual([again.seq, again.control?.epoch], [head, 1], "nothing was written");
    assert.equal(await ask(olga, "handoff", group, { queue: "billing" }), "ok");
    assert.deepEqual([(await control(group))?.epoch, (await control(group))?.queue], [2, "billing"]);
    assert.equal(await ask(olga, "take", group), "ok");
    assert.equal(await ask(tutor, "handoff", group, { queue: "other" }), "ok");
    assert.deepEqual([(await control(group))?.epoch, (await control(group))?.agent], [3, "olga"], "a bot sends no human away");
    assert.equal(await ask(olga, "handoff", group, { queue: "other" }), "ok");
    assert.deepEqual([(await control(group))?.holder, (await control(group))?.queue], ["none", "other"], "the agent hands on");
    assert.equal(await desk("mina", "take", direct), "ok");
    for (const connection of [alice, tutor]) assert.equal(await ask(connection, "handoff", direct, { queue: "x" }), "ok");
    for (const user of ["alice", "tutor"]) assert.equal(await desk(user, "handoff", direct, { queue: "x" }), "ok");
    assert.equal((await control(direct))?.agent, "mina");
    assert.equal(await desk("nari", "handoff", direct, { queue: "x" }), "control.held");
    assert.equal(await desk("mina", "handoff", direct, { queue: "x" }), "ok");
    assert.equal((await control(direct))?.queue, "x");
    await alice.request({ type: "user.block", user: userId("tutor") });
    assert.equal(await ask(alice, "handoff", direct), "user.blocked");
    for (const queue of ["", "q".repeat(65), 7, null]) assert.equal(await ask(alice, "handoff", direct, { queue }), "frame.invalid", String(queue));
    assert.equal(await ask(olga, "handoff", group, { queue: "q".repeat(64) }), "ok");
  });

  test("[T28] who may take over: managers of a group, whom the backend names, and no bot", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, olga, direct, group, ask, desk, control } = world;
    await using eve = await suda.connect("eve");
    assert.equal(await ask(eve, "take", group), "conversation.not_found");
    assert.deepEqual([await ask(alice, "take", direct), await ask(tutor, "take", direct)], ["auth.forbidden", "auth.forbidden"]);
    assert.equal(await ask(alice, "take", group), "member.forbidden");
    await olga.request({ type: "member.update", conversation: group, user: userId("tutor"), role: "admin" });
    assert.equal(await ask(tutor, "take", group), "member.forbidden");
    for (const user of ["alice", "tutor"]) assert.equal(await desk(user, "take", direct), "frame.invalid", user);
    assert.equal(await desk(undefined, "take", direct), "frame.invalid", "somebody must be named");
    assert.equal(await control(direct), undefined);
    assert.equal(await ask(olga, "take", group, { leaseMs: minuteMs }), "ok");
    await olga.request({ type: "member.update", conversation: group, user: userId("alice"), role: "admin" });
    assert.equal(await ask(alice, "take", group), "control.held");
    assert.equal(await desk("mina", "take", group), "control.held");
    assert.equal((await world.history(group)).filter(({ type }) => type === "member.added").length, 0, "all or none");
    suda.clock.advance(minuteMs - 1);
    assert.equal(await ask(olga, "take", group, { leaseMs: 2 * minuteMs }), "ok", "again oneself");
    assert.equal((await control(group))?.leaseUntil, suda.clock.now() + 2 * minuteMs);
    suda.clock.advance(2 * minuteMs - 1);
    assert.equal(await ask(alice, "take", group), "control.held");
    suda.clock.advance(1);
    // Whether a sweep has seen it by now or not.
    assert.equal(await ask(alice, "take", group), "ok", "the lease is over");
    for (const leaseMs of [minuteMs - 1, 86_400_001, 0, 1.5, "60000"])
      assert.equal(await ask(olga, "take", group, { leaseMs }), "frame.invalid", String(leaseMs));
    assert.equal(await ask(alice, "take", group, { leaseMs: 86_400_000 }), "ok");
  });

  test("[T28] [T29] whom the backend puts in charge of a group becomes its member with it, writes as themself, and gives back without a role", async () => {
    await using world = await openWorld();
    const { suda, alice, olga, group, send, ask, desk } = world;
    await using mina = await suda.connect("mina");
    assert.equal(await desk("mina", "take", group), "ok");
    await mina.event("conversation.joined");
    const [added, taken] = (await world.history(group)).slice(-2);
    assert.ok(added?.type === "member.added" && taken?.type === "control.changed");
    assert.deepEqual([added.from, added.users, taken.seq - added.seq, taken.agent], ["mina", ["mina"], 1, "mina"]);
    assert.equal((await alice.event("control.changed")).agent, "mina");
    assert.equal(await send(mina, group), "ok");
    assert.equal(await world.words({ agent: "mina" }, group), "frame.invalid", "in a group they write as themself");
    await using nari = await suda.connect("nari");
    await olga.request({ type: "member.add", conversation: group, users: [userId("nari")] });
    for (const what of ["handoff", "return", "take"]) assert.equal(await ask(nari, what, group), "member.forbidden");
    assert.equal(await ask(mina, "return", group), "ok");
    assert.equal(await ask(mina, "return", group), "member.forbidden", "not the agent any more");
    assert.equal(await desk("mina", "take", group), "ok");
    assert.equal((await world.history(group)).filter(({ type }) => type === "member.added").length, 2, "a member already");
    assert.equal(await ask(mina, "handoff", group, { queue: "q" }), "ok");
  });

  test("[T28] a full group takes no agent", async () => {
    await using suda = await TestServer.open({ ...unlimited, limits: { ...unlimited.limits, maxMembers: 2 } });
    await using olga = await suda.connect("olga");
    const { id } = await createTestGroup(olga, ["alice"]);
    const take = (user: string) => suda.backend(user).post(`/v1/conversations/${id}/control/take`, {});
    assert.equal(httpCode(await take("mina")), "conversation.full");
    assert.equal(httpCode(await take("alice")), "ok");
  });

  test("[T29] who may give back", async () => {
    await using world = await openWorld();
    const { alice, tutor, olga, direct, group, ask, desk, control } = world;
    await desk("mina", "take", direct);
    assert.deepEqual([await ask(alice, "return", direct), await ask(tutor, "return", direct)], ["auth.forbidden", "auth.forbidden"]);
    assert.equal(await desk("tutor", "return", direct), "auth.forbidden", "the backend as the bot is the bot");
    assert.equal(await desk("nari", "return", direct), "control.held");
    assert.equal(await desk("mina", "return", direct), "ok");
    assert.equal(await desk("mina", "return", direct), "ok", "it is so already");
    assert.equal((await control(direct))?.epoch, 2);
    await desk("mina", "take", direct);
    assert.equal(await desk(undefined, "return", direct), "ok", "the backend itself, whoever is in charge");
    await desk("mina", "take", group);
    assert.equal(await ask(alice, "return", group), "member.forbidden");
    assert.equal(await ask(tutor, "return", group), "auth.forbidden");
    assert.equal(await ask(olga, "return", group), "ok", "an owner, though another one is the agent");
    assert.equal((await control(group))?.holder, "bot");
    await ask(tutor, "handoff", group);
    assert.equal(await ask(olga, "return", group), "ok", "nobody has come yet");
  });

  test("[T30] an agent's words go through the bot's account while that agent is in charge, and only from the backend", async () => {
    await using world = await openWorld();
    const { suda, alice, direct, words, desk } = world;
    assert.equal(await words({ agent: "mina" }), "control.lost");
    await desk("mina", "take", direct);
    assert.deepEqual(
      [await words({ agent: "nari" }), await words({}), await words({ agent: "mina", control: 0 })],
      ["control.lost", "control.lost", "control.lost"],
    );
    assert.equal(await words({ agent: "mina", clientId: "desk-1", control: 1 }), "ok");
    const message = await alice.event("message.created");
    assert.deepEqual([message.from, message.agent, message.content], ["tutor", "mina", textOf("by desk")]);
    assert.equal(await words({ agent: "mina", clientId: "desk-1" }), "ok", "a retry");
    assert.equal(await words({ agent: "nari", clientId: "desk-1" }), "send.conflict", "whose words they are is part of them");
    const path = `/v1/conversations/${direct}/messages`;
    const forged = { clientId: "forged", content: textOf("x"), agent: "mina" };
    for (const user of ["tutor", "alice"]) assert.equal(httpCode(await suda.as(user).post(path, forged)), "auth.forbidden", user);
    assert.equal(await words({ agent: "mina" }, direct, "alice"), "frame.invalid", "alice is no bot");
    for (const agent of ["", "a b", 7]) assert.equal(await words({ agent }), "frame.invalid", String(agent));
    assert.equal(codeOf(await alice.answer({ type: "message.send", conversation: direct, ...forged })), "frame.invalid", "not over WebSocket");
    await desk("mina", "return", direct);
    assert.equal(await words({ agent: "mina" }), "control.lost");
    // Who spoke stays, also when what they said is gone.
    await suda.backend().request("DELETE", `${path}/${message.seq}`);
    const deleted = (await world.history(direct)).find(({ seq }) => seq === message.seq);
    assert.ok(deleted?.type === "message.created" && deleted.agent === "mina" && deleted.content.type === "deleted");
    await alice.request({ type: "message.hide", conversation: direct, target: message.seq });
    const { events } = await alice.request({ type: "history.get", conversation: direct, after: message.seq - 1, limit: 1 });
    assert.deepEqual(events[0]?.type === "message.created" && [events[0].agent, events[0].hidden], ["mina", true]);
  });

  test("[T31] a lease lasts as long again after each message of the agent's, and then the bot is back by itself", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, olga, direct, group, send, words, desk, ask, control } = world;
    await desk("mina", "take", direct, { leaseMs: 5 * minuteMs });
    await ask(olga, "take", group, { leaseMs: 5 * minuteMs });
    for (let minute = 0; minute < 4; minute++) {
      suda.clock.advance(4 * minuteMs);
      await sweep(suda);
      assert.deepEqual([await words({ agent: "mina" }), await send(olga, group)], ["ok", "ok"]);
      await send(alice, direct);
      assert.deepEqual(
        [(await control(direct))?.leaseUntil, (await control(group))?.leaseUntil],
        [suda.clock.now() + 5 * minuteMs, suda.clock.now() + 5 * minuteMs],
      );
    }
    assert.equal((await control(direct))?.epoch, 1, "nothing is written for it");
    suda.clock.advance(5 * minuteMs - 10_001);
    await sweep(suda);
    assert.deepEqual([(await control(direct))?.holder, (await control(group))?.holder], ["human", "human"]);
    await sweep(suda);
    for (const [connection, id] of [
      [alice, direct],
      [olga, group],
    ] as const) {
      const event = await connection.event("control.changed", ({ reason }) => reason === "expired");
      assert.deepEqual([event.conversation, event.from, event.holder, event.epoch], [id, "~system", "bot", 2]);
      assert.equal(await send(tutor, id), "ok");
    }
    assert.equal(await words({ agent: "mina" }), "control.lost");
    await sweep(suda);
    assert.equal((await world.history(direct)).filter(({ type }) => type === "control.changed").length, 2, "once");
  });

  test("[T31] several processes that sweep the same store end a lease once", async () => {
    await using world = await openWorld();
    const { suda, direct, desk } = world;
    await using other = await TestServer.open({ ...unlimited, store: suda.store, clock: suda.clock });
    await desk("mina", "take", direct, { leaseMs: minuteMs });
    suda.clock.advance(minuteMs - 10_000);
    await sweep(suda);
    assert.equal((await world.control(direct))?.holder, "bot");
    assert.equal((await world.history(direct)).length, 2);
    assert.equal(await other.failures(), 0);
    // Its store is the first one's, which closes it.
    await other.server[Symbol.asyncDispose]();
  });
});
