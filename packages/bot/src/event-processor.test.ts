/** What a failure means: tried again, passed over, waited for; and how much of it others notice. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RequestRefused } from "@suda/client";
import { createTestGroup, say, TestServer } from "@suda/testing";
import { heard, newBot, openWith, saidBy, startEcho, unlimited, until, workedOff } from "../test/kit.ts";
import { BotError } from "./bot-error.ts";
import type { DeadLetter } from "./conversation-work.ts";

describe("failures", () => {
  test("an event whose handler fails is tried again and then passed over; nothing of others waits for it", async () => {
    await using suda = await TestServer.open(unlimited);
    const attempts: number[] = [];
    const letters: DeadLetter[] = [];
    await using bot = newBot(suda, { onDeadLetter: (letter) => void letters.push(letter) }).on("message", async (ctx) => {
      if (ctx.text === "poison") {
        attempts.push(ctx.attempt);
        throw new Error("cannot");
      }
      await ctx.reply(`echo ${ctx.text}`);
    });
    await bot.start();
    await using alice = await suda.connect("alice");
    await using carol = await suda.connect("carol");
    const id = await openWith(alice, "echo");
    await say(alice, id, "poison");
    await say(alice, id, "after");
    await until("the first try", () => attempts.length === 1);
    const other = await openWith(carol, "echo");
    await say(carol, other, "hello");
    await heard(carol, "echo hello");
    await until("the second try", () => {
      suda.clock.advance(1_000);
      return attempts.length === 2;
    });
    assert.deepEqual(await saidBy(alice, id, "echo"), []);
    suda.clock.advance(4_000);
    assert.equal(attempts.length, 2, "the second wait is longer");
    await until("the third try", () => {
      suda.clock.advance(1_000);
      return attempts.length === 3;
    });
    await heard(alice, "echo after");
    assert.deepEqual(attempts, [1, 2, 3]);
    assert.deepEqual(
      letters.map(({ event, attempts: count, error }) => [event.seq, count, (error as Error).message]),
      [[1, 3, "cannot"]],
    );
  });

  test("without somebody to tell, a letter is a problem, and a teller that fails too", async () => {
    await using suda = await TestServer.open(unlimited);
    const problems: unknown[] = [];
    const fail = (): never => {
      throw new Error("cannot");
    };
    {
      await using bot = newBot(suda, { maxAttempts: 1, onProblem: (problem) => problems.push(problem) }).on("message", fail);
      await bot.start();
      await using alice = await suda.connect("alice");
      const id = await openWith(alice, "echo");
      await say(alice, id, "1");
      await workedOff(suda, id, "echo");
    }
    const first = problems[0] as BotError;
    assert.deepEqual([first.code, first.seq, (first.cause as Error).message], ["bot.handler_failed", 1, "cannot"]);
    await using bot = newBot(suda, { maxAttempts: 1, onProblem: (problem) => problems.push(problem), onDeadLetter: fail }).on("message", fail);
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "2");
    await workedOff(suda, id, "echo");
    assert.equal((problems[1] as Error).message, "cannot");
  });

  test("a handler that is out of time is given up, and cannot speak any more", async () => {
    await using suda = await TestServer.open(unlimited);
    const late: string[] = [];
    const starts: number[] = [];
    let release = (): void => {};
    const stuck = new Promise<void>((resolve) => (release = resolve));
    await using bot = newBot(suda, { timeoutMs: 30_000 }).on("message", async (ctx) => {
      starts.push(ctx.attempt);
      if (ctx.attempt === 1) {
        await stuck;
        assert.ok(ctx.signal.aborted);
        late.push(await ctx.reply("too late").then(String, (error: BotError) => error.code));
        ctx.state["said"] = "too late";
        return;
      }
      release();
      await ctx.reply(`in time, ${JSON.stringify(ctx.state)}`);
    });
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "?");
    await until("the first try", () => starts.length === 1);
    suda.clock.advance(30_000);
    await until("the second try", () => {
      suda.clock.advance(1_000);
      return starts.length === 2;
    });
    await heard(alice, "in time, {}");
    await until("the late one", () => late.length === 1);
    assert.deepEqual(late, ["bot.context_over"]);
    assert.deepEqual(await saidBy(alice, id, "echo"), ["in time, {}"]);
  });

  test("[A12] [A13] where it may not write is said, passed over, and no failure", async () => {
    await using suda = await TestServer.open(unlimited);
    const problems: BotError[] = [];
    await using _bot = await startEcho(suda, { onProblem: (problem) => problems.push(problem as BotError) });
    await using alice = await suda.connect("alice");
    const group = await createTestGroup(alice, ["echo"]);
    await alice.request({ type: "conversation.update", conversation: group.id, write: "admins" });
    await say(alice, group.id, "1");
    await workedOff(suda, group.id, "echo");
    await alice.request({ type: "conversation.update", conversation: group.id, write: null });
    await say(alice, group.id, "2");
    await heard(alice, "echo 2");
    assert.deepEqual(
      problems.map(({ code, seq, cause }) => [code, seq, (cause as RequestRefused).code]),
      [["bot.refused", 2, "conversation.read_only"]],
    );
  });

  test("[C21] in slow mode answers wait for their turn, and other conversations do not", async () => {
    await using suda = await TestServer.open(unlimited);
    await using _bot = await startEcho(suda, { concurrency: 1 });
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, ["echo"]);
    await alice.request({ type: "conversation.update", conversation: id, slowModeMs: 60_000 });
    for (const text of ["1", "2"]) await say(alice, id, text);
    await heard(alice, "echo 1");
    const other = await openWith(alice, "echo");
    await say(alice, other, "quick");
    await heard(alice, "echo quick");
    assert.deepEqual(await saidBy(alice, id, "echo"), ["echo 1"]);
    suda.clock.advance(60_000);
    await heard(alice, "echo 2");
  });
});
