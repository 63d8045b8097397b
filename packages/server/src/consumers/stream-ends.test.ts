/** How streams end without a message, their bounds, and what changes when there are two nodes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits, streamLimits, type ConversationId, type ServerFrame } from "@suda/protocol";
import { MemoryChannelLayer } from "@suda/server/channel-layer";
import { MemoryStore } from "@suda/server/store";
import {
  clientId,
  codeOf,
  createTestGroup,
  type HttpAnswer,
  makeTestBot,
  ManualClock,
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

describe("how a stream ends without a message", () => {
  const aborted = async (connection: WebSocketCommunicator): Promise<string> => (await connection.event("stream.aborted")).reason;

  test("[T51] 30 s without an append; an append, or a start, counts anew", async () => {
    await using world = await openStreamWorld();
    const { suda, alice, bot, id } = world;
    await bot.request(start(id));
    suda.clock.advance(streamLimits.idleMs - 1);
    await bot.request(append(id, "more"));
    suda.clock.advance(streamLimits.idleMs - 1);
    await bot.request(start(id));
    suda.clock.advance(streamLimits.idleMs - 1);
    assert.equal((await alice.request({ type: "stream.get", conversation: id })).drafts.length, 1);
    suda.clock.advance(1);
    // The bot is told too.
    for (const connection of [alice, bot]) assert.equal(await aborted(connection), "timeout");
    assert.equal(codeOf(await bot.answer(append(id, "late"))), "stream.not_found");
    assert.equal(codeOf(await bot.answer(start(id))), "ok");
  });

  test("[T51] five minutes in all", async () => {
    await using world = await openStreamWorld();
    const { suda, alice, bot, id } = world;
    await bot.request(start(id));
    for (let n = 0; n < 14; n++) {
      suda.clock.advance(20_000);
      await bot.request(append(id, "."));
    }
    suda.clock.advance(19_999);
    await bot.request(append(id, "."));
    suda.clock.advance(1);
    assert.equal(await aborted(alice), "too_long");
  });

  test("[T51] a bot whose last connection is gone for 10 s; one that comes back goes on", async () => {
    await using world = await openStreamWorld();
    const { suda, alice, bot, id } = world;
    await bot.request(start(id));
    await bot.request(append(id, "half "));
    await bot[Symbol.asyncDispose]();
    suda.clock.advance(streamLimits.goneMs - 1);
    const back = await suda.connect("tutor");
    suda.clock.advance(streamLimits.goneMs);
    assert.deepEqual(await asked(back, append(id, "whole", 5)), { length: 10 });
    await back[Symbol.asyncDispose]();
    // By HTTP it goes on without a connection.
    assert.equal(httpCode(await suda.as("tutor").post(`/v1/conversations/${id}/streams/${s1}/append`, { text: "!" })), "ok");
    suda.clock.advance(streamLimits.goneMs);
    assert.equal((await alice.request({ type: "stream.get", conversation: id })).drafts[0]?.text, "half whole!");
    await using third = await suda.connect("tutor");
    await third.request(append(id, "!"));
    await third[Symbol.asyncDispose]();
    suda.clock.advance(streamLimits.goneMs);
    assert.equal(await aborted(alice), "gone");
  });

  test("[T51] a bot that is removed, and one that is blocked", async () => {
    await using world = await openStreamWorld();
    const { alice, bot, id } = world;
    await bot.request(start(id));
    await alice.request({ type: "member.remove", conversation: id, user: userId("tutor") });
    assert.equal(await aborted(alice), "removed");
    assert.equal(codeOf(await bot.answer(append(id, "x"))), "conversation.not_found");
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("tutor") });
    await bot.request(start(conversation.id));
    await alice.request({ type: "user.block", user: userId("tutor") });
    assert.equal(await aborted(alice), "blocked");
    assert.equal(codeOf(await bot.answer(append(conversation.id, "x"))), "stream.not_found");
  });

  test("[T51] a server that stops; it begins none any more, but stores what is finished with its content", async () => {
    await using world = await openStreamWorld();
    const { suda, alice, bot, id } = world;
    await bot.request(start(id));
    suda.server.context.streams.stop();
    assert.equal(await aborted(alice), "restart");
    assert.equal(codeOf(await bot.answer(start(id))), "server.draining");
    assert.equal(codeOf(await bot.answer({ type: "stream.finish", conversation: id, stream: s1, content: textOf("all") })), "ok");
  });
});

describe("bounds", () => {
  test("[T47] 5,000 code points, and not one more", async () => {
    await using world = await openStreamWorld();
    const { bot, id } = world;
    await bot.request(start(id));
    assert.equal(codeOf(await bot.answer(append(id, "👋".repeat(limits.textMaxLength + 1)))), "frame.invalid");
    await bot.request(append(id, "👋".repeat(limits.textMaxLength - 1)));
    assert.equal(codeOf(await bot.answer(append(id, "ab"))), "stream.full");
    assert.deepEqual(await asked(bot, append(id, "a")), { length: limits.textMaxLength });
    assert.equal(codeOf(await bot.answer(append(id, "a"))), "stream.full");
    assert.equal(codeOf(await bot.answer({ type: "stream.finish", conversation: id, stream: s1 })), "ok");
  });

  test("[T52] a bot has 8 streams in a conversation, and others have their own", async () => {
    await using world = await openStreamWorld();
    const { suda, alice, bot, id } = world;
    for (let n = 0; n < streamLimits.perConversationMax; n++) await bot.request(start(id, clientId(`s-${n}`)));
    assert.equal(codeOf(await bot.answer(start(id, clientId("s-8")))), "stream.full");
    assert.equal(codeOf(await bot.answer(start(id, clientId("s-7")))), "ok");
    await bot.request({ type: "stream.abort", conversation: id, stream: clientId("s-0") });
    assert.equal(codeOf(await bot.answer(start(id, clientId("s-8")))), "ok");
    await makeTestBot(suda, "other");
    await alice.request({ type: "member.add", conversation: id, users: [userId("other")] });
    await using other = await suda.connect("other");
    assert.equal(codeOf(await other.answer(start(id, clientId("s-0")))), "ok");
    assert.equal((await alice.request({ type: "stream.get", conversation: id })).drafts.length, 9);
  });

  test("[T48] a reason of 200 characters, and not one more", async () => {
    await using world = await openStreamWorld();
    const { bot, id } = world;
    const abort = (length: number) => ({ type: "stream.abort", conversation: id, stream: s1, reason: "x".repeat(length) });
    assert.equal(codeOf(await bot.answer(abort(streamLimits.detailMaxLength))), "ok");
    assert.equal(codeOf(await bot.answer(abort(streamLimits.detailMaxLength + 1))), "frame.invalid");
  });
});

describe("on two nodes", () => {
  async function openNodes() {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    const layer = new MemoryChannelLayer();
    const one = await TestServer.open({ store, layer, clock, ...unlimited });
    const two = await TestServer.open({ store, layer, clock, ...unlimited });
    await makeTestBot(one);
    const alice = await two.connect("alice");
    const { id } = await createTestGroup(alice, ["tutor"]);
    const bot = await one.connect("tutor");
    return {
      clock,
      one,
      two,
      alice,
      bot,
      id,
      async [Symbol.asyncDispose]() {
        await alice[Symbol.asyncDispose]();
        await bot[Symbol.asyncDispose]();
        await one.server[Symbol.asyncDispose]();
        await two.server[Symbol.asyncDispose]();
        await layer[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  }

  test("[T53] what is asked on one node of a stream of the other is carried there", async () => {
    await using nodes = await openNodes();
    const { clock, two, alice, bot, id } = nodes;
    const at = `/v1/conversations/${id}/streams/${s1}`;
    await bot.request(start(id));
    await bot.request(append(id, "one "));
    assert.deepEqual((await two.as("tutor").post(`${at}/append`, { offset: 4, text: "two" })).body, { length: 7 });
    assert.deepEqual((await two.as("tutor").post(`${at}/append`, { offset: 4, text: "two" })).body, { length: 7 });
    assert.equal(httpCode(await two.as("tutor").post(`${at}/append`, { offset: 9, text: "x" })), "stream.gap");
    // Nothing is here; what the other node has comes as an event.
    assert.deepEqual((await alice.request({ type: "stream.get", conversation: id })).drafts, []);
    assert.equal((await alice.event("stream.started", ({ text }) => text !== undefined)).text, "one two");
    const done = await two.as("tutor").post(`${at}/finish`, {});
    assert.equal(done.status, 200);
    assert.deepEqual((await alice.event("message.created")).content, textOf("one two"));
    assert.equal((await alice.event("stream.finished")).target, (done.body as { seq: number }).seq);
    clock.advance(60_000);
    assert.deepEqual(
      ofStreams(await alice.leftovers()).filter(({ type }) => type === "stream.aborted"),
      [],
    );
  });

  test("[T53] an abort is carried; a start elsewhere takes the stream over; what nobody has is not found after a second", async () => {
    await using nodes = await openNodes();
    const { clock, one, two, alice, bot, id } = nodes;
    await bot.request(start(id));
    await two.as("tutor").request("DELETE", `/v1/conversations/${id}/streams/${s1}?reason=enough`);
    assert.equal((await alice.event("stream.aborted")).detail, "enough");
    await bot.request(start(id));
    await using elsewhere = await two.connect("tutor");
    await elsewhere.request(start(id));
    await elsewhere.request(append(id, "anew", 0));
    assert.equal(one.server.context.streams.count, 0);
    assert.equal((await alice.request({ type: "stream.get", conversation: id })).drafts[0]?.text, "anew");
    const lost = two.as("tutor").post(`/v1/conversations/${id}/streams/nobody/append`, { text: "x" });
    // When the question has been asked is not seen from here: time goes on until it is answered.
    const answer = { code: "" };
    const answered = lost.then((reply) => (answer.code = httpCode(reply)));
    while (answer.code === "") {
      await elsewhere.leftovers();
      clock.advance(1_000);
    }
    assert.equal(await answered, "stream.not_found");
  });

  test("[T51] a bot that is removed on one node has its stream of the other aborted", async () => {
    await using nodes = await openNodes();
    const { alice, bot, id } = nodes;
    await bot.request(start(id));
    await alice.request({ type: "member.remove", conversation: id, user: userId("tutor") });
    assert.equal((await alice.event("stream.aborted")).reason, "removed");
  });
});
