/** A connection that breaks, a limit, and the end: nothing is lost, nothing is there twice. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppTransport, createTestGroup, say, TestServer } from "@suda/testing";
import { heard, newBot, openWith, saidBy, startEcho, unlimited, until, workedOff } from "../test/kit.ts";

describe("connection", () => {
  test("[D7] what comes while the connection is away is answered when it is back, once", async () => {
    await using suda = await TestServer.open(unlimited);
    const network = new AppTransport(suda.server.app.websocket);
    await using _bot = await startEcho(suda, suda.botLink("echo", network));
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "1");
    await heard(alice, "echo 1");
    network.isOnline = false;
    network.cut();
    await say(alice, id, "2");
    const group = await createTestGroup(alice, ["echo"]);
    await say(alice, group.id, "3");
    network.isOnline = true;
    await until("the answers", async () => {
      suda.clock.advance(500);
      return (await saidBy(alice, group.id, "echo")).length > 0 && (await saidBy(alice, id, "echo")).length > 1;
    });
    assert.deepEqual(await saidBy(alice, id, "echo"), ["echo 1", "echo 2"]);
    assert.deepEqual(await saidBy(alice, group.id, "echo"), ["echo 3"]);
  });

  test("[D3] a connection that breaks between an answer and its reply makes no second answer", async () => {
    await using suda = await TestServer.open(unlimited);
    const network = new AppTransport(suda.server.app.websocket);
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    let cuts = 0;
    const transport: typeof network.transport = (url, handlers) => {
      const socket = network.transport(url, {
        ...handlers,
        onMessage: (text) => {
          // The answer is in the log, and nobody hears of it.
          if (cuts < 3 && text.includes('"seqs":')) {
            cuts++;
            return network.cut();
          }
          handlers.onMessage(text);
        },
      });
      return socket;
    };
    await using _bot = await startEcho(suda, { ...suda.botLink("echo"), transport });
    for (const text of ["1", "2", "3"]) await say(alice, id, text);
    await until("all answers", async () => {
      suda.clock.advance(500);
      return (await saidBy(alice, id, "echo")).length === 3;
    });
    await workedOff(suda, id, "echo");
    assert.ok(cuts > 0);
    assert.deepEqual(await saidBy(alice, id, "echo"), ["echo 1", "echo 2", "echo 3"]);
  });

  test("[B1] a server's limit is waited for: nothing is lost, nothing is doubled", async () => {
    await using suda = await TestServer.open({ limits: { commands: { perSecond: 50, burst: 10 } } });
    const people = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const connection = await suda.connect(`user-${n}`);
        const id = await openWith(connection, "echo");
        await say(connection, id, String(n));
        return { connection, id };
      }),
    );
    await using _bot = await startEcho(suda);
    for (const [n, { connection, id }] of people.entries()) {
      let isAnswered = false;
      const answered = heard(connection, `echo ${n}`).then(() => (isAnswered = true));
      await until(`the answer to ${n}`, () => {
        suda.clock.advance(20);
        return isAnswered;
      });
      await answered;
      assert.deepEqual(await saidBy(connection, id, "echo"), [`echo ${n}`]);
      await connection[Symbol.asyncDispose]();
    }
  });

  test("disposing lets handlers end for 5 s, gives the others up, and twice is fine", async () => {
    await using suda = await TestServer.open(unlimited);
    const given: unknown[] = [];
    const bot = newBot(suda).on("message", async (ctx) => {
      if (ctx.text === "quick") {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return void (await ctx.reply("done"));
      }
      await new Promise<void>((resolve) => ctx.signal.addEventListener("abort", () => resolve()));
      given.push(ctx.text);
    });
    await bot.start();
    await using alice = await suda.connect("alice");
    await using carol = await suda.connect("carol");
    const [quick, slow] = [await openWith(alice, "echo"), await openWith(carol, "echo")];
    await say(alice, quick, "quick");
    await say(carol, slow, "slow");
    await until("both", async () => suda.clock.pendingTimers >= 2);
    await new Promise((resolve) => setImmediate(resolve));
    const disposed = bot[Symbol.asyncDispose]();
    await heard(alice, "done");
    assert.deepEqual(given, []);
    suda.clock.advance(5_000);
    await disposed;
    await bot[Symbol.asyncDispose]();
    assert.deepEqual(given, ["slow"]);
    await assert.rejects(bot.send(quick, "more"), { code: "client.closed" });
    const member = await suda.store.conversations.member(slow, "echo" as never);
    assert.equal(member?.readSeq, 0, "what was given up is not marked as worked off");
  });
});
