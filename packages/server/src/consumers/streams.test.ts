/** Thinking and streams: who may, what members see, and what happens when something is said twice. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConversationId, ServerFrame } from "@suda/protocol";
import {
  clientId,
  codeOf,
  type HttpAnswer,
  makeTestBot,
  openStreamWorld,
  type Request,
  TestServer,
  textOf,
  unlimited,
  userId,
  type WebSocketCommunicator,
} from "@suda/testing";
const s1 = clientId("answer-1");
const start = (conversation: ConversationId, stream = s1) => ({ type: "stream.start", conversation, stream }) as const;
const append = (conversation: ConversationId, text: string, offset?: number) =>
  ({ type: "stream.append", conversation, stream: s1, text, ...(offset === undefined ? {} : { offset }) }) as const;
/** A reply without what every reply has. */
async function asked(connection: WebSocketCommunicator, command: Request): Promise<object> {
  const { type: _type, ref: _ref, ...reply } = (await connection.request(command)) as { type?: unknown; ref?: unknown };
  return reply;
}
const httpCode = ({ status, body }: HttpAnswer): string => (status < 300 ? "ok" : ((body as { code?: string }).code ?? String(status)));
const ofStreams = (frames: readonly ServerFrame[]): readonly ServerFrame[] =>
  frames.filter(({ type }) => type.startsWith("stream.") || type.startsWith("thinking."));

describe("who may", () => {
  test("[T45] only a bot that is a member, over WebSocket and over HTTP", async () => {
    await using world = await openStreamWorld();
    const { suda, alice, bot, id } = world;
    await makeTestBot(suda, "stranger");
    await using stranger = await suda.connect("stranger");
    const commands = [
      { type: "thinking.start" },
      { type: "thinking.stop" },
      { type: "stream.start", stream: s1 },
      { type: "stream.append", stream: s1, text: "x" },
      { type: "stream.finish", stream: s1, content: textOf("x") },
      { type: "stream.abort", stream: s1 },
    ];
    for (const command of commands) {
      const asked = { ...command, conversation: id };
      assert.equal(codeOf(await alice.answer(asked)), "bot.required", command.type);
      assert.equal(codeOf(await stranger.answer(asked)), "conversation.not_found", command.type);
      assert.equal(codeOf(await bot.answer(asked)), "ok", command.type);
    }
    const at = `/v1/conversations/${id}`;
    const requests = [
      ["PUT", `${at}/thinking`],
      ["DELETE", `${at}/thinking`],
      ["PUT", `${at}/streams/two`, {}],
      ["POST", `${at}/streams/two/append`, { text: "x" }],
      ["POST", `${at}/streams/two/finish`, {}],
      ["DELETE", `${at}/streams/two`],
    ] as const;
    for (const [method, path, body] of requests) {
      assert.equal(httpCode(await suda.as("alice").request(method, path, body)), "bot.required", path);
      assert.equal(httpCode(await suda.as("stranger").request(method, path, body)), "conversation.not_found", path);
      assert.equal(httpCode(await suda.backend("stranger").request(method, path, body)), "member.not_found", path);
      assert.equal(httpCode(await suda.backend("tutor").request(method, path, body)), "ok", path);
    }
  });

  test("[T45] a bot that may not write there may not begin", async () => {
    await using world = await openStreamWorld();
    const { alice, bot, id } = world;
    await alice.request({ type: "conversation.update", conversation: id, write: "admins" });
    for (const type of ["thinking.start", "stream.start"])
      assert.equal(codeOf(await bot.answer({ type, conversation: id, ...(type === "stream.start" ? { stream: s1 } : {}) })), "conversation.read_only");
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("tutor") });
    await alice.request({ type: "user.block", user: userId("tutor") });
    assert.equal(codeOf(await bot.answer(start(conversation.id))), "user.blocked");
    await alice.request({ type: "user.unblock", user: userId("tutor") });
    assert.equal(codeOf(await bot.answer(start(conversation.id))), "ok");
  });
});

describe("what members see", () => {
  test("[T46] thinking is told to the other members and to nobody else", async () => {
    await using world = await openStreamWorld();
    const { suda, alice, bot, id } = world;
    await using mallory = await suda.connect("mallory");
    await bot.request({ type: "thinking.start", conversation: id });
    assert.deepEqual(await alice.event("thinking.started"), { type: "thinking.started", conversation: id, user: "tutor" });
    await bot.request({ type: "thinking.stop", conversation: id });
    assert.deepEqual(await alice.event("thinking.stopped"), { type: "thinking.stopped", conversation: id, user: "tutor" });
    for (const connection of [bot, mallory]) assert.deepEqual(ofStreams(await connection.leftovers()), []);
  });

  for (const subprotocols of [["suda.v1.json"], ["suda.v1.msgpack"]]) {
    test(`[T47] [T49] an answer grows and becomes a message (${String(subprotocols)})`, async () => {
      await using world = await openStreamWorld();
      const { suda, alice, id } = world;
      await using bob = await suda.connect("alice", { subprotocols });
      await using bot = await suda.connect("tutor", { subprotocols });
      const { seq: question } = await alice.request({ type: "message.send", conversation: id, clientId: clientId("q"), content: textOf("왜?") });
      await bot.request({ ...start(id), replyTo: question });
      assert.deepEqual(await bob.event("stream.started"), { type: "stream.started", conversation: id, from: "tutor", stream: s1, replyTo: question });
      assert.deepEqual(await asked(bot, append(id, "왜냐하면 👋")), { length: 6 });
      assert.deepEqual(await bob.event("stream.appended"), {
        type: "stream.appended",
        conversation: id,
        from: "tutor",
        stream: s1,
        offset: 0,
        text: "왜냐하면 👋",
      });
      // What comes within 50 ms of what was told is one event.
      await bot.request(append(id, " 그것은"));
      await bot.request(append(id, " 이렇다"));
      suda.clock.advance(50);
      assert.deepEqual(await bob.event("stream.appended"), {
        type: "stream.appended",
        conversation: id,
        from: "tutor",
        stream: s1,
        offset: 6,
        text: " 그것은 이렇다",
      });
      const done = await bot.request({ type: "stream.finish", conversation: id, stream: s1 });
      const message = await bob.event("message.created", ({ from }) => from === "tutor");
      assert.deepEqual([message.seq, message.clientId, message.content, message.replyTo], [done.seq, s1, textOf("왜냐하면 👋 그것은 이렇다"), question]);
      assert.deepEqual(await bob.event("stream.finished"), { type: "stream.finished", conversation: id, from: "tutor", stream: s1, target: done.seq });
      assert.deepEqual((await bob.request({ type: "stream.get", conversation: id })).drafts, []);
    });
  }

  test("[T47] the more members there are, the longer is joined", async () => {
    await using world = await openStreamWorld(Array.from({ length: 199 }, (_, n) => `user-${n}`));
    const { suda, alice, bot, id } = world;
    await bot.request(start(id));
    await bot.request(append(id, "a"));
    assert.equal((await alice.event("stream.appended")).text, "a");
    await bot.request(append(id, "b"));
    suda.clock.advance(149);
    await bot.request(append(id, "c"));
    assert.deepEqual(
      ofStreams(await alice.leftovers()).filter(({ type }) => type === "stream.appended"),
      [],
    );
    suda.clock.advance(1);
    assert.equal((await alice.event("stream.appended")).text, "bc");
  });

  test("[T50] who joins midway gets the text so far, and what comes next fits; strangers and former members get no byte", async () => {
    await using world = await openStreamWorld(["bob", "former"]);
    const { suda, alice, bot, id } = world;
    await using former = await suda.connect("former");
    await using mallory = await suda.connect("mallory");
    await alice.request({ type: "member.remove", conversation: id, user: userId("former") });
    await former.event("conversation.left");
    await former.leftovers();
    await bot.request(start(id));
    await bot.request(append(id, "canary-one "));
    await bot.request(append(id, "canary-two "));
    await using bob = await suda.connect("bob");
    const { drafts } = await bob.request({ type: "stream.get", conversation: id });
    assert.deepEqual(drafts, [{ stream: s1, from: "tutor", text: "canary-one canary-two ", startedAt: suda.clock.now() }]);
    await bot.request(append(id, "canary-three"));
    suda.clock.advance(50);
    // It overlaps with what the answer had already.
    const { offset, text } = await bob.event("stream.appended");
    assert.equal("canary-one canary-two ".slice(0, offset) + text, "canary-one canary-two canary-three");
    await bot.request({ type: "stream.abort", conversation: id, stream: s1, reason: "canary-four" });
    assert.deepEqual(await bob.event("stream.aborted"), {
      type: "stream.aborted",
      conversation: id,
      from: "tutor",
      stream: s1,
      reason: "bot",
      detail: "canary-four",
    });
    for (const connection of [former, mallory]) {
      assert.equal(codeOf(await connection.answer({ type: "stream.get", conversation: id })), "conversation.not_found");
      assert.equal(JSON.stringify(await connection.leftovers()).includes("canary"), false);
    }
  });
});

describe("appends and finishes that are repeated", () => {
  test("[T48] what is there already does no harm; a gap and another text are refused", async () => {
    await using world = await openStreamWorld();
    const { suda, alice, bot, id } = world;
    await bot.request(start(id));
    await bot.request(start(id));
    await bot.request(append(id, "one ", 0));
    assert.deepEqual(await asked(bot, append(id, "one ", 0)), { length: 4 });
    assert.deepEqual(await asked(bot, append(id, "one two", 0)), { length: 7 });
    assert.equal(codeOf(await bot.answer(append(id, "x", 8))), "stream.gap");
    assert.equal(codeOf(await bot.answer(append(id, "x", 0))), "stream.conflict");
    suda.clock.advance(50);
    await alice.event("stream.started");
    assert.deepEqual([(await alice.event("stream.appended")).text, (await alice.event("stream.appended")).text], ["one ", "two"]);
    assert.deepEqual(ofStreams(await alice.leftovers()), []);
    assert.equal((await alice.request({ type: "stream.get", conversation: id })).drafts[0]?.text, "one two");
  });

  test("[T49] a finish is idempotent, with and without its content, also when the draft is gone", async () => {
    await using world = await openStreamWorld();
    const { bot, id, suda } = world;
    await bot.request(start(id));
    await bot.request(append(id, "all"));
    const { seq, at } = await bot.request({ type: "stream.finish", conversation: id, stream: s1, silent: true });
    assert.deepEqual(await asked(bot, { type: "stream.finish", conversation: id, stream: s1, silent: true }), { seq, at, duplicate: true });
    const again = { type: "stream.finish", conversation: id, stream: s1, content: textOf("all"), silent: true } as const;
    assert.deepEqual(await asked(bot, again), { seq, at, duplicate: true });
    assert.equal(codeOf(await bot.answer({ ...again, content: textOf("other") })), "send.conflict");
    // As by message.send, and after a restart, which knows nothing of the stream.
    assert.deepEqual(await asked(bot, { type: "message.send", conversation: id, clientId: s1, content: textOf("all"), silent: true }), {
      seq,
      at,
      duplicate: true,
    });
    await using restarted = await TestServer.open({ store: suda.store, clock: suda.clock, ...unlimited });
    await using botAgain = await restarted.connect("tutor");
    assert.deepEqual(await asked(botAgain, { type: "stream.finish", conversation: id, stream: s1 }), { seq, at, duplicate: true });
    assert.equal(codeOf(await botAgain.answer({ type: "stream.finish", conversation: id, stream: clientId("never") })), "stream.not_found");
    assert.deepEqual(await asked(botAgain, again), { seq, at, duplicate: true });
  });

  test("[T49] a stream without a text needs a content; a finish that is refused leaves it under way", async () => {
    await using world = await openStreamWorld();
    const { bot, alice, id } = world;
    await bot.request(start(id));
    assert.equal(codeOf(await bot.answer({ type: "stream.finish", conversation: id, stream: s1 })), "frame.invalid");
    const card = { type: "card", title: "Steps" };
    assert.equal(codeOf(await bot.answer({ type: "stream.finish", conversation: id, stream: s1, content: card })), "frame.invalid");
    assert.equal((await alice.request({ type: "stream.get", conversation: id })).drafts.length, 1);
    const { seq } = await bot.request({ type: "stream.finish", conversation: id, stream: s1, content: { type: "card", title: "Steps" }, altText: "Steps" });
    const message = await alice.event("message.created");
    assert.deepEqual([message.seq, message.altText], [seq, "Steps"]);
  });

  test("[T47] over HTTP the same: begun with an API key, repeated, finished with the bot's token", async () => {
    await using world = await openStreamWorld();
    const { suda, alice, id } = world;
    const at = `/v1/conversations/${id}/streams/${encodeURIComponent("a/b%c")}`;
    const backend = suda.backend("tutor");
    assert.equal(httpCode(await backend.request("PUT", at, {})), "ok");
    assert.equal((await alice.event("stream.started")).stream, "a/b%c");
    for (let n = 0; n < 2; n++) assert.deepEqual((await backend.post(`${at}/append`, { offset: 0, text: "half" })).body, { length: 4 });
    assert.equal(httpCode(await backend.post(`${at}/append`, { offset: 5, text: "x" })), "stream.gap");
    const first = await suda.as("tutor").post(`${at}/finish`, {});
    assert.equal(first.status, 200);
    assert.deepEqual((await suda.as("tutor").post(`${at}/finish`, {})).body, { ...(first.body as object), duplicate: true });
    assert.equal((await alice.event("message.created")).clientId, "a/b%c");
    assert.equal(httpCode(await backend.post(`${at}/append`, { text: "late" })), "stream.not_found");
  });
});
