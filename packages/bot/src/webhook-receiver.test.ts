/** The webhook transport: what is believed, what is answered, and that the same handlers have the same events. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { newWebhookSecret, signWebhook, stringifyFrame, systemClock, type ConversationId, type LogEvent } from "@suda/protocol";
import { say, TestServer, textOf, type ManualClock } from "@suda/testing";
import { heard, openWith, saidBy, unlimited, until } from "../test/kit.ts";
import type { DeadLetter } from "./conversation-work.ts";
import { createBot, type BotOptions } from "./create-bot.ts";
import type { Bot } from "./bot.ts";
import { nodeListener } from "./node-listener.ts";
import type { StoredState } from "./state-store.ts";

const secret = newWebhookSecret();
const conversation = "d.test" as ConversationId;

type AnyBot = Bot<Record<string, unknown>>;

function webhookBot(options: Partial<BotOptions<Record<string, unknown>>> = {}): AnyBot {
  return createBot({ webhook: { secrets: [secret] }, ...options });
}

function messageOf(text: string, seq = 1, id = conversation): LogEvent {
  return { type: "message.created", conversation: id, seq, at: 1, from: "alice" as never, clientId: `c${seq}` as never, content: textOf(text) };
}

interface Deliver {
  readonly event: LogEvent;
  readonly id?: string;
  readonly at?: number;
  readonly secrets?: readonly string[];
  readonly body?: string;
}

async function requestOf({ event, id = `d_test_${event.seq}`, at = Date.now(), secrets = [secret], body }: Deliver): Promise<Request> {
  const text = body ?? stringifyFrame({ type: event.type, bot: "echo", conversation: { id: event.conversation, kind: "direct", epoch: "e1" }, event });
  const headers = { "content-type": "application/json", ...(await signWebhook({ id, at, body: text, secrets })) };
  return new Request("http://bot.example.com/suda", { method: "POST", headers, body: text });
}

async function deliver(bot: AnyBot, one: Deliver): Promise<{ readonly status: number; readonly body: unknown; readonly retryAfter: string | null }> {
  const response = await bot.fetch(await requestOf(one));
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, body: isJson ? JSON.parse(text) : text, retryAfter: response.headers.get("retry-after") };
}

describe("webhook bot", () => {
  test("it answers in the response, one to five messages, when it has no way to the server", async () => {
    await using bot = webhookBot()
      .command("five", async (ctx) => {
        await ctx.reply("1", "2");
        void ctx.reply("3");
        await ctx.stream(["4", "5"], { silent: true });
        if (ctx.args[0] === "more") await ctx.reply("6", "7");
      })
      .photo((ctx) => ctx.reply(`${ctx.photo.kind === "bytes" ? ctx.photo.bytes.length : 0} bytes`))
      .on("message", (ctx) => {
        ctx.typing();
        ctx.thinking();
        return ctx.text === "quiet" ? undefined : ctx.reply({ content: textOf(`echo ${ctx.text}`), silent: true });
      });
    assert.deepEqual((await deliver(bot, { event: messageOf("hi") })).body, { messages: [{ content: textOf("echo hi"), silent: true }] });
    assert.deepEqual((await deliver(bot, { event: messageOf("quiet", 2) })).body, {});
    const five = ["1", "2", "3"].map((text) => ({ content: textOf(text) }));
    assert.deepEqual((await deliver(bot, { event: messageOf("/five", 3) })).body, { messages: [...five, { content: textOf("45"), silent: true }] });
    const picture = { ...messageOf("", 4), content: { type: "bytes", mime: "image/png", bytes: new Uint8Array(3) } } as LogEvent;
    assert.deepEqual((await deliver(bot, { event: picture })).body, { messages: [{ content: textOf("3 bytes") }] });
    assert.throws(() => void bot.start(), TypeError);
    await assert.rejects(bot.send("d.test", "news"), TypeError);
  });

  test("the sixth message, and what needs the API, is the handler's failure", async () => {
    const letters: DeadLetter[] = [];
    await using bot = webhookBot({ maxAttempts: 1, onDeadLetter: (letter) => void letters.push(letter) }).on("message", async (ctx) => {
      if (ctx.text === "edit") await ctx.edit(1, "x");
      if (ctx.text === "ask") await ctx.request("member.list", { conversation: ctx.conversation });
      for (let n = 0; n < 3; n++) await ctx.reply("a", "b");
    });
    for (const [index, text] of ["six", "edit", "ask"].entries()) assert.equal((await deliver(bot, { event: messageOf(text, index + 1) })).status, 200);
    assert.deepEqual(
      letters.map(({ error }) => (error as { code: string }).code),
      ["bot.answer_full", "bot.no_api", "bot.no_api"],
    );
  });

  test("only what the server signed, lately, is believed; nothing else reaches a handler", async () => {
    let handled = 0;
    await using bot = webhookBot({ onProblem: () => {} }).on("message", () => void handled++);
    const event = messageOf("hi");
    const other = newWebhookSecret();
    assert.equal((await deliver(bot, { event, secrets: [other] })).status, 401);
    assert.equal((await deliver(bot, { event, at: Date.now() - 301_000 })).status, 401);
    assert.equal((await deliver(bot, { event, at: Date.now() + 301_000 })).status, 401);
    assert.equal((await bot.fetch(new Request("http://bot.example.com/", { method: "POST", body: "{}" }))).status, 401);
    assert.equal((await bot.fetch(new Request("http://bot.example.com/"))).status, 405);
    const changed = await requestOf({ event });
    assert.equal((await bot.fetch(new Request(changed.url, { method: "POST", headers: changed.headers, body: "{}" }))).status, 401);
    assert.equal((await deliver(bot, { event, body: "x".repeat(262_145) })).status, 413);
    assert.equal(handled, 0);
    // Signed and not understood: taken, and told.
    for (const body of ["no JSON", "null", "{}", '{"bot":"echo","event":{"type":"message.created","seq":"1"}}', '{"bot":"echo","event":null}'])
      assert.equal((await deliver(bot, { event, body })).status, 200, body);
    assert.equal(handled, 0);
    assert.equal((await deliver(bot, { event, secrets: [other, secret] })).status, 200);
    assert.equal(handled, 1);
  });

  test("a failure is repeated by the server, and given up after as many tries as elsewhere", async () => {
    const letters: DeadLetter[] = [];
    const attempts: number[] = [];
    await using bot = webhookBot({ onDeadLetter: (letter) => void letters.push(letter) }).on("message", (ctx) => {
      attempts.push(ctx.attempt);
      throw new Error("cannot");
    });
    const event = messageOf("hi");
    const statuses = [];
    for (let n = 0; n < 3; n++) statuses.push((await deliver(bot, { event })).status);
    assert.deepEqual([statuses, attempts, letters.length], [[500, 500, 200], [1, 2, 3], 1]);
  });

  test("an event that comes again while it is handled waits, and is answered alike and once", async () => {
    let release = (): void => {};
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    let handled = 0;
    const order: string[] = [];
    await using bot = webhookBot().on("message", async (ctx) => {
      handled++;
      order.push(ctx.text);
      if (ctx.text === "slow") await isReleased;
      await ctx.reply(`${ctx.text} ${handled}`);
    });
    const first = deliver(bot, { event: messageOf("slow") });
    await until("the first", () => handled === 1);
    const again = deliver(bot, { event: messageOf("slow") });
    const other = await deliver(bot, { event: messageOf("other", 1, "d.other" as ConversationId), id: "d_other_1" });
    assert.deepEqual(other.body, { messages: [{ content: textOf("other 2") }] });
    release();
    assert.deepEqual(await Promise.all([first, again]), [await first, await first]);
    assert.equal(handled, 2);
  });

  test("a state that was kept brings the same answer again in another process, and is not changed twice", async () => {
    const kept = new Map<string, StoredState>();
    const states = { get: (id: string) => kept.get(id), set: (id: string, state: StoredState) => void kept.set(id, state) };
    const start = (): AnyBot =>
      webhookBot({ states }).on("message", (ctx) => {
        ctx.state["count"] = Number(ctx.state["count"] ?? 0) + 1;
        return ctx.reply(String(ctx.state["count"]));
      });
    const expected = { messages: [{ content: textOf("1") }] };
    for (let life = 0; life < 2; life++) {
      await using bot = start();
      assert.deepEqual((await deliver(bot, { event: messageOf("hi", 5) })).body, expected);
    }
    await using bot = start();
    assert.deepEqual((await deliver(bot, { event: messageOf("hi", 6) })).body, { messages: [{ content: textOf("2") }] });
    // A dead letter that is delivered late, out of order.
    assert.deepEqual((await deliver(bot, { event: messageOf("hi", 2) })).body, { messages: [{ content: textOf("3") }] });
  });

  test("with the server's API it speaks at once, in order, and an event twice is answered once", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    // Its time is the server's, and the signature's too.
    const clock: ManualClock = suda.clock;
    const start = (): AnyBot =>
      webhookBot({ ...suda.botLink("echo"), transport: () => assert.fail("a webhook bot has no connection") })
        .command("who", async (ctx) => ctx.reply(`${(await ctx.request("member.list", { conversation: ctx.conversation })).members.length}`))
        .on("message", async (ctx) => {
          ctx.thinking();
          const { seq } = await ctx.reply(`echo ${ctx.text}`);
          await ctx.edit(seq, `echo ${ctx.text}!`);
          await ctx.stream(["grown ", ctx.text]);
        });
    const seq = await say(alice, id, "hi");
    for (let life = 0; life < 2; life++) {
      await using bot = start();
      assert.deepEqual(await deliver(bot, { event: messageOf("hi", seq, id), at: clock.now() }), { status: 200, body: {}, retryAfter: null });
    }
    assert.deepEqual(await saidBy(alice, id, "echo"), ["echo hi!", "grown hi"]);
    await using bot = start();
    const who = await say(alice, id, "/who");
    await deliver(bot, { event: messageOf("/who", who, id), at: clock.now() });
    await heard(alice, "2");
    // A refusal that passes is the server's to repeat.
    const { id: group } = (await alice.request({ type: "conversation.create", members: ["echo" as never] })).conversation;
    await alice.request({ type: "conversation.update", conversation: group, slowModeMs: 60_000 });
    const one = await say(alice, group, "/who");
    assert.equal((await deliver(bot, { event: messageOf("/who", one, group), at: clock.now(), id: "g_1" })).status, 200);
    const waits = await deliver(bot, { event: messageOf("/who", one + 5, group), at: clock.now(), id: "g_2" });
    assert.deepEqual([waits.status, waits.retryAfter], [503, "60"]);
  });

  test("over Node's own HTTP server", async () => {
    await using bot = webhookBot({ clock: systemClock }).on("message", (ctx) => ctx.reply(`echo ${ctx.text}`));
    const server = createServer(nodeListener(bot.fetch));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const request = await requestOf({ event: messageOf("안녕") });
      const response = await fetch(`http://127.0.0.1:${port}/suda`, { method: "POST", headers: request.headers, body: await request.text() });
      assert.deepEqual([response.status, await response.json()], [200, { messages: [{ content: textOf("echo 안녕") }] }]);
      assert.equal((await fetch(`http://127.0.0.1:${port}/suda`)).status, 405);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("secrets that are none are refused at once, and so is a request without any", async () => {
    assert.throws(() => createBot({ webhook: { secrets: ["secret"] } }), TypeError);
    assert.throws(() => createBot({}), /needs the server's `url`/);
    await using bot = createBot({ url: "http://localhost:8000", token: "t" });
    assert.throws(() => void bot.fetch(new Request("http://bot.example.com/")), TypeError);
  });
});
