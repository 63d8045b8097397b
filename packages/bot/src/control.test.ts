/** A human takes over: the bot is silent, and never talks over them, whatever it is in the middle of. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RequestRefused } from "@suda/client";
import { say, TestServer } from "@suda/testing";
import { heard, newBot, openWith, saidBy, startEcho, unlimited, until, workedOff } from "../test/kit.ts";
import type { BotError } from "./bot-error.ts";

describe("control", () => {
  test("[T26] it hands over and is silent; when it is in charge again it answers what is said then, and not what was said before", async () => {
    await using suda = await TestServer.open(unlimited);
    const events: string[] = [];
    const bot = newBot(suda)
      .command("human", async (ctx) => {
        await ctx.reply("one moment");
        await ctx.handoff("math");
      })
      .on("message", (ctx) => ctx.reply(`echo ${ctx.text}`))
      .on("control.changed", (ctx) => void events.push(`${ctx.event.holder} ${ctx.event.reason}`));
    await using _bot = bot;
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "/human");
    await alice.event("control.changed");
    await say(alice, id, "anybody?");
    await workedOff(suda, id, "echo");
    assert.equal((await suda.backend("mina").post(`/v1/conversations/${id}/control/take`, {})).status, 200);
    await say(alice, id, "hello mina");
    await workedOff(suda, id, "echo");
    assert.equal((await suda.backend().post(`/v1/conversations/${id}/control/return`, {})).status, 200);
    await say(alice, id, "bot?");
    await heard(alice, "echo bot?");
    assert.deepEqual(await saidBy(alice, id, "echo"), ["one moment", "echo bot?"]);
    await workedOff(suda, id, "echo");
    assert.deepEqual(events, ["human taken", "bot returned"]);
  });

  test("[T26] what it was about to say when somebody took over and gave back is not said, and told", async () => {
    await using suda = await TestServer.open(unlimited);
    const problems: BotError[] = [];
    let release = (): void => {};
    let isThinking = false;
    await using bot = newBot(suda, { onProblem: (problem) => problems.push(problem as BotError) }).on("message", async (ctx) => {
      if (ctx.text === "slow") {
        await new Promise<void>((resolve) => {
          release = resolve;
          isThinking = true;
        });
      }
      await ctx.reply(`echo ${ctx.text}`);
    });
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "slow");
    await until("the handler", () => isThinking);
    await suda.backend("mina").post(`/v1/conversations/${id}/control/take`, {});
    await suda.backend().post(`/v1/conversations/${id}/control/return`, {});
    release();
    await workedOff(suda, id, "echo");
    await say(alice, id, "quick");
    await heard(alice, "echo quick");
    assert.deepEqual(await saidBy(alice, id, "echo"), ["echo quick"]);
    assert.deepEqual(
      problems.map(({ code, cause }) => [code, (cause as RequestRefused).code]),
      [["bot.refused", "control.lost"]],
    );
  });

  test("a bot that was away meanwhile knows who is in charge when it comes back", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    {
      await using _bot = await startEcho(suda);
      await say(alice, id, "1");
      await heard(alice, "echo 1");
      await workedOff(suda, id, "echo");
    }
    await say(alice, id, "2");
    await suda.backend("mina").post(`/v1/conversations/${id}/control/take`, {});
    await say(alice, id, "3");
    await using _bot = await startEcho(suda);
    await workedOff(suda, id, "echo");
    await suda.backend().post(`/v1/conversations/${id}/control/return`, {});
    await say(alice, id, "4");
    await heard(alice, "echo 4");
    assert.deepEqual(await saidBy(alice, id, "echo"), ["echo 1", "echo 4"]);
  });
});
