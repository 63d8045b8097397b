/** A bot inside the process answers every message once: also what came meanwhile, and what came while it was away. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Content, ConversationId, LogEvent, MessageCreated } from "@suda/protocol";
import { clientId, createTestGroup, say, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";
import { MemoryChannelLayer } from "../channel-layer/memory-channel-layer.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { BotDefinition } from "./in-process-bot.ts";

const bot = userId("echobot");
const unlimited = { limits: { commands: { perSecond: 0, burst: 1 } } } as const;
const textIn = (event: LogEvent): string => (event.type === "message.created" && event.content.type === "text" ? event.content.text : "");

/** Echoes; silent to what begins with a dot. */
const echo: BotDefinition = {
  user: bot,
  name: "메아리",
  answer: (message): Content | undefined => (textIn(message).startsWith(".") ? undefined : textOf(`echo ${textIn(message)}`)),
};

async function openWithBot(connection: WebSocketCommunicator): Promise<ConversationId> {
  return (await connection.request({ type: "conversation.open", with: bot })).conversation.id;
}

const echoOf = (connection: WebSocketCommunicator, text: string): Promise<MessageCreated> =>
  connection.event("message.created", (event) => textIn(event) === `echo ${text}`);

/** The bot's answers in the log. */
async function answersIn(connection: WebSocketCommunicator, conversation: ConversationId): Promise<string[]> {
  const { events } = await connection.request({ type: "history.get", conversation, after: 0, limit: 200 });
  return events.filter(({ from }) => from === bot).map(textIn);
}

describe("in-process bot", () => {
  test("it is a user with a name, joins conversations, and answers each message once", async () => {
    await using suda = await TestServer.open(unlimited);
    await suda.server.addBot(echo);
    await using alice = await suda.connect("alice");
    assert.deepEqual((await alice.request({ type: "user.get", user: bot })).user, { id: bot, name: "메아리", bot: true });
    const id = await openWithBot(alice);
    for (const text of ["하나", ".쉿", "둘"]) await say(alice, id, text);
    await echoOf(alice, "하나");
    await echoOf(alice, "둘");
    assert.deepEqual(await answersIn(alice, id), ["echo 하나", "echo 둘"]);
    const group = await createTestGroup(alice, [bot]);
    await say(alice, group.id, "셋");
    await echoOf(alice, "셋");
    assert.equal(await suda.failures(), 0);
  });

  test("[D5] what is said while it thinks is answered too, in order", async () => {
    await using suda = await TestServer.open(unlimited);
    let release = (): void => {};
    const thinking = new Promise<void>((resolve) => (release = resolve));
    const asked: string[] = [];
    await suda.server.addBot({
      ...echo,
      answer: async (message) => {
        asked.push(textIn(message));
        if (textIn(message) === "하나") await thinking;
        return textOf(`echo ${textIn(message)}`);
      },
    });
    await using alice = await suda.connect("alice");
    const id = await openWithBot(alice);
    await say(alice, id, "하나");
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await say(alice, id, "둘");
    await say(alice, id, "셋");
    release();
    for (const text of ["하나", "둘", "셋"]) await echoOf(alice, text);
    assert.deepEqual(await answersIn(alice, id), ["echo 하나", "echo 둘", "echo 셋"]);
  });

  test("[D5] after a restart it answers what it missed, and nothing twice", async () => {
    const store = new MemoryStore();
    let id: ConversationId;
    {
      const first = await TestServer.open({ ...unlimited, store });
      await first.server.addBot(echo);
      await using alice = await first.connect("alice");
      id = await openWithBot(alice);
      await say(alice, id, "하나");
      await echoOf(alice, "하나");
      await first.server[Symbol.asyncDispose]();
    }
    {
      const away = await TestServer.open({ ...unlimited, store });
      await using alice = await away.connect("alice");
      for (const text of ["둘", ".쉿", "셋"]) await say(alice, id, text);
      await away.server[Symbol.asyncDispose]();
    }
    await using suda = await TestServer.open({ ...unlimited, store });
    await using alice = await suda.connect("alice");
    await suda.server.addBot(echo);
    for (const text of ["둘", "셋"]) await echoOf(alice, text);
    await say(alice, id, "넷");
    await echoOf(alice, "넷");
    assert.deepEqual(await answersIn(alice, id), ["echo 하나", "echo 둘", "echo 셋", "echo 넷"]);
  });

  test("[D5] [D16] a crash in the middle of a backlog loses no answer: its own sends do not count as having read", async () => {
    const store = new MemoryStore();
    let id: ConversationId;
    {
      const first = await TestServer.open({ ...unlimited, store });
      await first.server.addBot({
        ...echo,
        answer: async (message) => {
          if (textIn(message) === "둘") throw new Error("A crash, as far as the log can see.");
          // What the others say lands before the bot's answer.
          if (textIn(message) === "하나") for (const text of ["둘", "셋"]) await say(alice, message.conversation, text);
          return textOf(`echo ${textIn(message)}`);
        },
      });
      await using alice = await first.connect("alice");
      id = await openWithBot(alice);
      await say(alice, id, "하나");
      await echoOf(alice, "하나");
      await first.server[Symbol.asyncDispose]();
    }
    await using suda = await TestServer.open({ ...unlimited, store });
    await using alice = await suda.connect("alice");
    await suda.server.addBot(echo);
    for (const text of ["둘", "셋"]) await echoOf(alice, text);
    assert.deepEqual(await answersIn(alice, id), ["echo 하나", "echo 둘", "echo 셋"]);
  });

  test("[D13] what the layer loses is answered with the next event that comes through", async () => {
    const layer = new MemoryChannelLayer();
    await using suda = await TestServer.open({ ...unlimited, layer });
    await suda.server.addBot(echo);
    await using alice = await suda.connect("alice");
    const id = await openWithBot(alice);
    await say(alice, id, ".hello");
    const groupSend = layer.groupSend.bind(layer);
    layer.groupSend = async () => {};
    await say(alice, id, "lost");
    layer.groupSend = groupSend;
    await say(alice, id, "heard");
    await echoOf(alice, "heard");
    assert.deepEqual(await answersIn(alice, id), ["echo lost", "echo heard"]);
  });

  test("a bot that throws is reported, harms nobody, and is asked again", async () => {
    await using suda = await TestServer.open(unlimited);
    let isBroken = true;
    await suda.server.addBot({
      ...echo,
      answer: (message) => {
        if (isBroken) throw new Error("broken");
        return textOf(`echo ${textIn(message)}`);
      },
    });
    await using alice = await suda.connect("alice");
    const id = await openWithBot(alice);
    await say(alice, id, "하나");
    while ((await suda.failures()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    isBroken = false;
    await say(alice, id, "둘");
    for (const text of ["하나", "둘"]) await echoOf(alice, text);
  });

  test("an answer that was given before and would be another one now stays the first, and the bot goes on", async () => {
    const store = new MemoryStore();
    await using suda = await TestServer.open({ ...unlimited, store });
    await using alice = await suda.connect("alice");
    const id = await openWithBot(alice);
    await say(alice, id, "하나");
    await store.users.update(bot, { bot: true }, suda.clock.now());
    // The answer of an earlier life, whose mark was not kept.
    await using earlier = await suda.connect(bot);
    await earlier.request({ type: "message.send", conversation: id, clientId: clientId("answer-1"), content: textOf("the first answer") });
    await earlier.request({ type: "message.send", conversation: id, clientId: clientId("by-hand"), content: textOf("by hand") });
    await say(alice, id, "둘");
    await suda.server.addBot(echo);
    await echoOf(alice, "둘");
    assert.deepEqual(await answersIn(alice, id), ["the first answer", "by hand", "echo 둘"]);
  });

  test("[A13] [A12] who blocks it, and a group in which it may not write, hear nothing of it; it goes on elsewhere and when it may again", async () => {
    await using suda = await TestServer.open(unlimited);
    await suda.server.addBot(echo);
    await using alice = await suda.connect("alice");
    await using carol = await suda.connect("carol");
    const quiet = await openWithBot(alice);
    await say(alice, quiet, "하나");
    await echoOf(alice, "하나");
    const group = await createTestGroup(alice, [bot, "carol"]);
    await alice.request({ type: "conversation.update", conversation: group.id, write: "admins" });
    await say(alice, group.id, "소식");
    await alice.request({ type: "user.block", user: bot });
    const other = await openWithBot(carol);
    await say(carol, other, "둘");
    await echoOf(carol, "둘");
    await alice.request({ type: "user.unblock", user: bot });
    await say(alice, quiet, "셋");
    await echoOf(alice, "셋");
    assert.deepEqual(await answersIn(alice, group.id), []);
    await alice.request({ type: "conversation.update", conversation: group.id, write: null });
    await say(alice, group.id, "넷");
    await echoOf(alice, "넷");
    assert.equal(await suda.failures(), 0, "to be refused is no failure of the server");
  });

  test("[C21] in slow mode its answers wait for their turn, in order", async () => {
    await using suda = await TestServer.open(unlimited);
    await suda.server.addBot(echo);
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, [bot]);
    await alice.request({ type: "conversation.update", conversation: id, slowModeMs: 10_000 });
    for (const text of ["하나", "둘", "셋"]) await say(alice, id, text);
    await echoOf(alice, "하나");
    for (const text of ["둘", "셋"]) {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      const before = (await answersIn(alice, id)).length;
      suda.clock.advance(9_999);
      assert.equal((await answersIn(alice, id)).length, before);
      suda.clock.advance(1);
      await echoOf(alice, text);
    }
    assert.deepEqual(await answersIn(alice, id), ["echo 하나", "echo 둘", "echo 셋"]);
    assert.equal(await suda.failures(), 0);
  });

  test("[T33] it is silent while a human is in charge or waited for, does not answer that later, and goes on with what comes after", async () => {
    const store = new MemoryStore();
    await using suda = await TestServer.open({ ...unlimited, store });
    await suda.server.addBot(echo);
    await using alice = await suda.connect("alice");
    const id = await openWithBot(alice);
    const desk = async (what: string): Promise<void> =>
      assert.equal((await suda.backend("mina").post(`/v1/conversations/${id}/control/${what}`, {})).status, 200);
    await say(alice, id, "하나");
    await echoOf(alice, "하나");
    await alice.request({ type: "control.handoff", conversation: id });
    await say(alice, id, "기다림");
    await desk("take");
    await say(alice, id, "선생님께");
    const words = { clientId: "desk-1", content: textOf("네"), agent: "mina" };
    assert.equal((await suda.backend(bot).post(`/v1/conversations/${id}/messages`, words)).status, 200);
    await desk("return");
    const back = await say(alice, id, "둘");
    await echoOf(alice, "둘");
    assert.deepEqual(await answersIn(alice, id), ["echo 하나", "네", "echo 둘"]);
    await alice.event("receipt.updated", ({ user, read }) => user === bot && read >= back);
    assert.ok(((await store.conversations.member(id, bot))?.readSeq ?? 0) >= back, "the mark moved over what was the human's");
    assert.equal(await suda.failures(), 0);
  });

  test("[T33] a human who takes over while it thinks is not talked over, also when they have given back by then", async () => {
    await using suda = await TestServer.open(unlimited);
    let release = (): void => {};
    const thinking = new Promise<void>((resolve) => (release = resolve));
    const asked: string[] = [];
    await suda.server.addBot({
      ...echo,
      answer: async (message) => {
        asked.push(textIn(message));
        if (textIn(message) === "하나") await thinking;
        return textOf(`echo ${textIn(message)}`);
      },
    });
    await using alice = await suda.connect("alice");
    const id = await openWithBot(alice);
    await say(alice, id, "하나");
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const what of ["take", "return"]) await suda.backend("mina").post(`/v1/conversations/${id}/control/${what}`, {});
    release();
    await say(alice, id, "둘");
    await echoOf(alice, "둘");
    assert.deepEqual(await answersIn(alice, id), ["echo 둘"]);
    assert.equal(await suda.failures(), 0);
  });

  test("[T33] after a restart it does not answer what was said before it was put in charge again", async () => {
    const store = new MemoryStore();
    let id: ConversationId;
    {
      const first = await TestServer.open({ ...unlimited, store });
      await first.server.addBot(echo);
      await using alice = await first.connect("alice");
      id = await openWithBot(alice);
      await first.server[Symbol.asyncDispose]();
    }
    await using suda = await TestServer.open({ ...unlimited, store });
    await using alice = await suda.connect("alice");
    await say(alice, id, "하나");
    await alice.request({ type: "control.handoff", conversation: id });
    await suda.backend().post(`/v1/conversations/${id}/control/return`, {});
    await say(alice, id, "둘");
    await suda.server.addBot(echo);
    await echoOf(alice, "둘");
    assert.deepEqual(await answersIn(alice, id), ["echo 둘"]);
  });
});
