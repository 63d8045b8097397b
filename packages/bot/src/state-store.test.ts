/** The state of a conversation: its own, changed once for each event, whatever fails or dies. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createTestGroup, say, TestServer } from "@suda/testing";
import { heard, newBot, openWith, saidBy, unlimited, until, workedOff } from "../test/kit.ts";
import type { BotError } from "./bot-error.ts";
import type { Bot } from "./bot.ts";
import type { DeadLetter } from "./conversation-work.ts";
import { MemoryStateStore, type StoredState } from "./state-store.ts";

describe("state", () => {
  test("each conversation has its own, changes one after the other, and the next life has it", async () => {
    await using suda = await TestServer.open(unlimited);
    const kept = new Map<string, StoredState>();
    const states = {
      get: async (conversation: string) => kept.get(conversation),
      set: async (conversation: string, state: StoredState) => void kept.set(conversation, state),
    };
    const start = async (): Promise<Bot<{ count: number }>> => {
      const bot = newBot<{ count: number }>(suda, { states, initialState: () => ({ count: 0 }) }).on("message", async (ctx) => {
        const before = ctx.state.count;
        await new Promise((resolve) => setImmediate(resolve));
        ctx.state.count = before + 1;
        await ctx.reply(`${ctx.text} ${ctx.state.count}`);
      });
      await bot.start();
      return bot;
    };
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    const group = await createTestGroup(alice, ["echo"]);
    {
      await using _bot = await start();
      await Promise.all(["a", "b", "c"].map((text) => say(alice, id, text)));
      await say(alice, group.id, "x");
      await heard(alice, "x 1");
      await workedOff(suda, id, "echo");
    }
    await using _bot = await start();
    await say(alice, id, "d");
    await heard(alice, "d 4");
    assert.deepEqual(new Set((await saidBy(alice, id, "echo")).map((said) => said.slice(-1))), new Set(["1", "2", "3", "4"]));
  });

  test("an event whose state was kept is not handled again after a crash: it counts once", async () => {
    await using suda = await TestServer.open(unlimited);
    const kept = new Map<string, StoredState>();
    const states = {
      get: (conversation: string) => kept.get(conversation),
      set: (conversation: string, state: StoredState) => void kept.set(conversation, state),
    };
    let handled = 0;
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "1");
    const { epoch } = (await alice.request({ type: "conversation.get", conversation: id })).conversation;
    // As a process leaves it that dies before it has moved its mark.
    kept.set(id, { epoch, seq: 1, value: { count: 1 } });
    await using bot = newBot<{ count?: number }>(suda, { states }).on("message", (ctx) => {
      handled++;
      ctx.state = { count: (ctx.state.count ?? 0) + 1 };
    });
    await bot.start();
    await workedOff(suda, id, "echo");
    assert.equal(handled, 0);
    await say(alice, id, "2");
    await workedOff(suda, id, "echo");
    assert.deepEqual(kept.get(id), { epoch, seq: 2, value: { count: 2 } });
    // Of another log it says nothing.
    kept.set(id, { epoch: "another", seq: 1_000, value: { count: 7 } });
    await say(alice, id, "3");
    await workedOff(suda, id, "echo");
    assert.deepEqual(kept.get(id), { epoch, seq: 3, value: { count: 8 } });
  });

  test("a failed try leaves nothing in the state, a store that fails is tried again, and a state has a bound", async () => {
    await using suda = await TestServer.open(unlimited);
    const kept = new Map<string, StoredState>();
    let failures = 1;
    const letters: DeadLetter[] = [];
    const states = {
      get: (conversation: string) => kept.get(conversation),
      set: (conversation: string, state: StoredState) => {
        if (failures-- > 0) throw new Error("The disk is away.");
        kept.set(conversation, state);
      },
    };
    await using bot = newBot<{ text?: string }>(suda, { states, maxStateBytes: 1_000, onDeadLetter: (letter) => void letters.push(letter) }).on(
      "message",
      (ctx) => {
        assert.deepEqual(ctx.state, {});
        ctx.state.text = ctx.text.repeat(100);
      },
    );
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "12345678901");
    await workedOff(suda, id, "echo");
    assert.deepEqual(
      letters.map(({ error, attempts }) => [(error as BotError).code, attempts]),
      [["bot.state_too_large", 1]],
    );
    await say(alice, id, "123");
    await until("the store's failure", () => failures === 0);
    await until("the second try", () => {
      suda.clock.advance(1_000);
      return kept.has(id);
    });
    assert.deepEqual(kept.get(id)?.value, { text: "123".repeat(100) });
  });
});

test("states in memory have a bound: the one longest unused goes first", () => {
  const states = new MemoryStateStore(2);
  const state = (value: number): StoredState => ({ epoch: "e", seq: 1, value });
  states.set("a", state(1));
  states.set("b", state(2));
  assert.deepEqual(states.get("a"), state(1));
  states.set("c", state(3));
  assert.deepEqual([states.get("a"), states.get("b"), states.get("c")], [state(1), undefined, state(3)]);
});
