/** A bot of the SDK on a real server, without sockets: what it hears, what it says, and that it says it once. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WorkerPool } from "@suda/offload";
import type { RequestRefused } from "@suda/client";
import type { Content } from "@suda/protocol";
import { createTestGroup, say, TestServer, textOf } from "@suda/testing";
import { heard, newBot, openWith, saidBy, startEcho, unlimited, until, workedOff } from "../test/kit.ts";
import { BotError } from "./bot-error.ts";
import type { Sent } from "./context.ts";
import type { DeadLetter } from "./conversation-work.ts";
import { createBot } from "./create-bot.ts";

describe("bot", () => {
  test("it answers each message once, in direct conversations and groups, and has read it then", async () => {
    await using suda = await TestServer.open(unlimited);
    await using _bot = await startEcho(suda);
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    for (const text of ["하나", "둘"]) await say(alice, id, text);
    await heard(alice, "echo 하나");
    await heard(alice, "echo 둘");
    const group = await createTestGroup(alice, ["echo"]);
    await say(alice, group.id, "셋");
    await heard(alice, "echo 셋");
    assert.deepEqual(await saidBy(alice, id, "echo"), ["echo 하나", "echo 둘"]);
    assert.deepEqual(await saidBy(alice, group.id, "echo"), ["echo 셋"]);
    await workedOff(suda, id, "echo");
    await workedOff(suda, group.id, "echo");
    assert.equal(await suda.failures(), 0);
  });

  test("[D16] a user who is no bot is told so, because its cursor would not hold", async () => {
    await using suda = await TestServer.open();
    await using bot = newBot(suda, { tokenProvider: () => suda.token("echo") });
    await assert.rejects(bot.start(), (error) => error instanceof BotError && error.code === "bot.no_bot");
    await using wrong = newBot(suda, { tokenProvider: () => "no token", onProblem: () => {} });
    await assert.rejects(wrong.start(), { code: "client.closed" });
  });

  test("the closest handler has the event, and hands it on if it likes; middleware is around all", async () => {
    await using suda = await TestServer.open(unlimited);
    const trace: string[] = [];
    await using bot = newBot(suda)
      .use(async (ctx, next) => {
        trace.push(`> ${ctx.event.type}`);
        await next();
        trace.push("<");
      })
      .on("event", (ctx) => void trace.push(`event ${ctx.event.type}`))
      .on("message", async (ctx, next) => {
        trace.push(`message ${ctx.text}`);
        await next();
      })
      .command("order", "Orders something", (ctx) => ctx.reply(`ordered ${ctx.args.join(" + ")} (${ctx.argument})`))
      .command("help", async (_ctx, next) => {
        trace.push("help");
        await next();
      })
      .photo((ctx) => ctx.reply(`photo ${ctx.photo.kind} ${ctx.text}`));
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    const bytes: Content = { type: "bytes", mime: "image/png", bytes: new Uint8Array([1, 2, 3]) };
    const send = (content: Content, clientId: string) => alice.request({ type: "message.send", conversation: id, clientId: clientId as never, content });
    await say(alice, id, '/order "two pizzas" now');
    await heard(alice, 'ordered two pizzas + now ("two pizzas" now)');
    await send({ type: "image", url: "https://example.com/1.jpg", caption: "문제 3" }, "p1");
    await heard(alice, "photo url 문제 3");
    await send(bytes, "p2");
    await heard(alice, "photo bytes ");
    await send({ ...bytes, mime: "text/plain" }, "p3");
    await say(alice, id, "/help me");
    await say(alice, id, "/help@other me");
    await say(alice, id, "/help@echo me");
    await workedOff(suda, id, "echo");
    assert.deepEqual(
      trace.filter((line) => line !== "> message.created" && line !== "<"),
      ["message ", "event message.created", "help", "message /help me", "event message.created"]
        .concat(["message /help@other me", "event message.created"])
        .concat(["help", "message /help@echo me", "event message.created"]),
    );
    assert.equal(trace.filter((line) => line === "<").length, 7);
    assert.deepEqual((await suda.as("alice").get("/v1/bots/echo")).body, {
      bot: { id: "echo", commands: [{ name: "order", description: "Orders something" }] },
    });
  });

  test("other events come by their type, and the bot's own come to nobody", async () => {
    await using suda = await TestServer.open(unlimited);
    const seen: string[] = [];
    await using bot = newBot(suda)
      .on("member.added", (ctx) => ctx.reply(`welcome ${ctx.event.users.join()}`))
      .on("message.edited", (ctx) => void seen.push(`${ctx.event.target} is edited`))
      .on("message", (ctx) => void seen.push(ctx.text));
    await bot.start();
    await using alice = await suda.connect("alice");
    const group = await createTestGroup(alice, ["echo"]);
    const seq = await say(alice, group.id, "하나");
    await alice.request({ type: "message.edit", conversation: group.id, target: seq, content: textOf("둘") });
    await alice.request({ type: "member.add", conversation: group.id, users: ["bob" as never] });
    await heard(alice, "welcome bob");
    await workedOff(suda, group.id, "echo");
    assert.deepEqual(seen, ["하나", `${seq} is edited`]);
  });

  test("[D5] after a restart it works off what it missed, page by page, and answers nothing twice", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    {
      await using _bot = await startEcho(suda);
      await say(alice, id, "0");
      await heard(alice, "echo 0");
    }
    for (let n = 1; n <= 120; n++) await say(alice, id, String(n));
    await using _bot = await startEcho(suda);
    await heard(alice, "echo 120");
    assert.deepEqual(
      await saidBy(alice, id, "echo"),
      Array.from({ length: 121 }, (_, n) => `echo ${n}`),
    );
  });

  test("[D3] what was said before a crash stands, also when the handler would say something else now", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    const seq = await say(alice, id, "하나");
    {
      // Dies after the first of two answers.
      await using bot = newBot(suda);
      let reached = (): void => {};
      const isThere = new Promise<void>((resolve) => (reached = resolve));
      bot.on("message", async (ctx) => {
        await ctx.reply("first");
        reached();
        await new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(new Error("given up"))));
      });
      await bot.start();
      await isThere;
      const disposed = bot[Symbol.asyncDispose]();
      suda.clock.advance(5_000);
      await disposed;
    }
    const sent: unknown[] = [];
    await using bot = newBot(suda).on("message", async (ctx) => {
      sent.push(await ctx.reply("another first"));
      sent.push(await ctx.reply("second"));
    });
    await bot.start();
    await heard(alice, "second");
    assert.deepEqual(await saidBy(alice, id, "echo"), ["first", "second"]);
    const at = suda.clock.now();
    assert.deepEqual(sent, [
      { seq: seq + 1, seqs: [seq + 1], at: at - 5_000, isDuplicate: true },
      { seq: seq + 2, seqs: [seq + 2], at, isDuplicate: false },
    ]);
  });

  test("what a handler does not wait for is waited for, in order, and its error is the handler's", async () => {
    await using suda = await TestServer.open(unlimited);
    const letters: DeadLetter[] = [];
    await using bot = newBot(suda, { onDeadLetter: (letter) => void letters.push(letter) }).on("message", (ctx) => {
      void ctx.reply("1");
      if (ctx.text === "bad") void ctx.reply("");
      void ctx.reply("2");
      // Seen by somebody: no failure.
      void ctx.edit(9_999, "x").catch(() => {});
    });
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "good");
    await workedOff(suda, id, "echo");
    assert.deepEqual(await saidBy(alice, id, "echo"), ["1", "2"]);
    assert.deepEqual(letters, []);
    await say(alice, id, "bad");
    await workedOff(suda, id, "echo");
    assert.deepEqual(await saidBy(alice, id, "echo"), ["1", "2", "1", "2"]);
    assert.deepEqual(
      letters.map(({ error }) => (error as RequestRefused).code),
      ["frame.invalid"],
    );
  });

  test("a bot edits what it said, and an edit is there once", async () => {
    await using suda = await TestServer.open(unlimited);
    const sent: unknown[] = [];
    let isFirst = true;
    await using bot = newBot(suda).on("message", async (ctx) => {
      const { seq } = await ctx.reply("thinking…");
      sent.push(await ctx.edit(seq, "42"));
      if (!isFirst) return;
      isFirst = false;
      throw new Error("Once more.");
    });
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    const seq = await say(alice, id, "?");
    await until("the first try", () => !isFirst && suda.clock.pendingTimers > 0 && sent.length === 1);
    await until("the second try", () => {
      suda.clock.advance(1_000);
      return sent.length === 2;
    });
    assert.deepEqual(
      sent.map((one) => (one as { seq: number }).seq),
      [seq + 2, seq + 2],
    );
    assert.deepEqual(await saidBy(alice, id, "echo"), ["42"]);
  });

  test("[T35] several messages are said together, and a retry after a crash finds them", async () => {
    await using suda = await TestServer.open(unlimited);
    const sent: Sent[] = [];
    let tries = 0;
    await using bot = newBot(suda).on("message", async (ctx) => {
      sent.push(await ctx.reply("1", { type: "text", text: "2" }, { content: { type: "text", text: `3 at try ${++tries}` }, silent: true }));
      if (tries === 1) throw new Error("Once more.");
    });
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "?");
    await until("the second try", () => {
      suda.clock.advance(1_000);
      return sent.length === 2;
    });
    assert.deepEqual(await saidBy(alice, id, "echo"), ["1", "2", "3 at try 1"]);
    assert.deepEqual(
      sent.map(({ seq, seqs, isDuplicate }) => [seq, seqs, isDuplicate]),
      [
        [2, [2, 3, 4], false],
        [2, [2, 3, 4], true],
      ],
    );
    await workedOff(suda, id, "echo");
    const { seqs } = await bot.send(id, ["a", "b"], { clientId: "news-1" });
    assert.deepEqual((await bot.send(id, ["a", "b"], { clientId: "news-1" })).seqs, seqs);
    await bot.send(id, "c");
    assert.deepEqual((await saidBy(alice, id, "echo")).slice(3), ["a", "b", "c"]);
  });

  test("[T36] a stored template is said by its id", async () => {
    await using suda = await TestServer.open(unlimited);
    await using bot = newBot(suda).on("message", (ctx) => ctx.replyTemplate("hello", { name: ctx.text }, { locale: "ko-KR" }));
    await bot.start();
    const put = await suda.backend().request("PUT", "/v1/bots/echo/templates/hello", {
      version: 1,
      fallback: "en",
      variables: { name: { type: "string" } },
      locales: { en: [{ content: { type: "text", text: "Hello {{name}}" } }], ko: [{ content: { type: "text", text: "안녕하세요 {{name}}" } }] },
    });
    assert.equal(put.status, 200, JSON.stringify(put.body));
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "지민");
    await heard(alice, "안녕하세요 지민");
  });

  test("blocking work runs in a thread, and ends with the handler's time", async () => {
    await using suda = await TestServer.open(unlimited);
    const letters: DeadLetter[] = [];
    const module = new URL("../test/blocking.ts", import.meta.url);
    await using pool = new WorkerPool({ maxThreads: 1 });
    await using bot = newBot(suda, { pool, maxAttempts: 1, timeoutMs: 2_000, onDeadLetter: (letter) => void letters.push(letter) }).on(
      "message",
      async (ctx) => {
        if (ctx.text === "hang") await ctx.offload(module, undefined, { exportName: "hang" });
        await ctx.reply(`${await ctx.offload<number>(module, Number(ctx.text))}`);
      },
    );
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "20");
    await heard(alice, "6765");
    await say(alice, id, "hang");
    await until("the thread", () => pool.running === 1);
    suda.clock.advance(2_000);
    await until("the letter", () => letters.length === 1);
    assert.deepEqual(
      letters.map(({ error }) => (error as BotError).code),
      ["bot.timeout"],
    );
    await until("the thread's end", () => pool.running === 0);
  });
});

test("options that cannot be meant are refused at once", () => {
  assert.throws(() => createBot({ url: "ftp://example.com", token: "t" }), TypeError);
  assert.throws(() => createBot({ url: "http://localhost:8000" }), /suda token NAME --bot/);
  for (const wrong of [{ concurrency: 0 }, { timeoutMs: 0 }, { maxAttempts: Number.NaN }, { maxStateBytes: -1 }])
    assert.throws(() => createBot({ url: "http://localhost:8000", token: "t", ...wrong }), RangeError);
  const bot = createBot({ url: "http://localhost:8000", token: "t" });
  assert.throws(() => bot.command("/help", () => {}), TypeError);
  assert.throws(() => bot.user, /before `await bot.start\(\)`/);
});
