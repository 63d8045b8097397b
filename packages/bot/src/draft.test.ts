/** An answer that grows: what members see of it, and that it is one whole message whatever happens on the way. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { StreamAppended } from "@suda/protocol";
import { say, TestServer, type WebSocketCommunicator } from "@suda/testing";
import { heard, newBot, openWith, saidBy, unlimited, until, workedOff } from "../test/kit.ts";
import type { BotError } from "./bot-error.ts";
import type { Draft } from "./context.ts";
import type { DeadLetter } from "./conversation-work.ts";

/** Moves the test's time until an event has come. */
async function flowing<Event>(suda: TestServer, coming: Promise<Event>): Promise<Event> {
  let isThere = false;
  const noted = coming.finally(() => (isThere = true));
  await until("the event", () => {
    suda.clock.advance(50);
    return isThere;
  });
  return noted;
}

const appended = (connection: WebSocketCommunicator): Promise<StreamAppended> => connection.event("stream.appended");

describe("streams", () => {
  test("[T47] [T49] a source is shown as it comes, and is one message in the end, with what stands beside it", async () => {
    await using suda = await TestServer.open(unlimited);
    let next = (): void => {};
    async function* source(): AsyncGenerator<string> {
      yield "First ";
      yield "we \u{1F600}";
      await new Promise<void>((resolve) => (next = resolve));
      yield " collect the terms.";
    }
    const seqs: number[] = [];
    await using bot = newBot(suda).on("message", async (ctx) => {
      ctx.thinking();
      seqs.push((await ctx.stream(source(), { silent: true })).seq, (await ctx.reply("Done.")).seq);
    });
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    const seq = await say(alice, id, "?");
    await alice.event("thinking.started");
    const started = await flowing(suda, alice.event("stream.started"));
    assert.deepEqual([started.from, started.stream, started.replyTo], ["echo", `answer-${seq}`, seq]);
    let text = "";
    while (text !== "First we \u{1F600}") text += (await flowing(suda, appended(alice))).text;
    next();
    const message = await flowing(
      suda,
      alice.event("message.created", ({ from }) => from === "echo"),
    );
    assert.deepEqual(message.content, { type: "text", text: "First we \u{1F600} collect the terms." });
    assert.deepEqual([message.clientId, message.silent, message.seq], [`answer-${seq}`, true, seq + 1]);
    await heard(alice, "Done.");
    await workedOff(suda, id, "echo");
    assert.deepEqual(seqs, [seq + 1, seq + 2]);
  });

  test("a source that fails takes its draft away, and the next try begins another one with the same id", async () => {
    await using suda = await TestServer.open(unlimited);
    async function* source(attempt: number): AsyncGenerator<string> {
      yield `try ${attempt}`;
      if (attempt === 2) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error("The model is away.");
    }
    await using bot = newBot(suda).on("message", (ctx) => ctx.stream(source(ctx.attempt)));
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "?");
    await flowing(suda, alice.event("stream.aborted"));
    await flowing(suda, heard(alice, "try 2"));
    assert.deepEqual(await saidBy(alice, id, "echo"), ["try 2"]);
  });

  test("[T48] what an earlier life left under way is begun again, and its text is gone", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    const seq = await say(alice, id, "?");
    await using earlier = await suda.connectSilently();
    await earlier.request({ type: "hello", token: suda.token("echo", { bot: true }) });
    const stream = { conversation: id, stream: `answer-${seq}` as never };
    await earlier.request({ type: "stream.start", ...stream });
    await earlier.request({ type: "stream.append", ...stream, offset: 0, text: "something else" });
    let draft: Draft | undefined;
    let release = (): void => {};
    await using bot = newBot(suda).on("message", async (ctx) => {
      draft = ctx.stream();
      draft.append("this");
      await new Promise<void>((resolve) => (release = resolve));
    });
    await bot.start();
    await flowing(
      suda,
      alice.event("stream.appended", ({ text }) => text === "this"),
    );
    assert.deepEqual(
      (await alice.request({ type: "stream.get", conversation: id })).drafts.map(({ text }) => text),
      ["this"],
    );
    assert.equal(draft?.text, "this");
    release();
  });

  test("by hand: appended, finished with another content; what is not finished goes when the handler ends", async () => {
    await using suda = await TestServer.open(unlimited);
    const letters: DeadLetter[] = [];
    const codes: string[] = [];
    await using bot = newBot(suda, { onDeadLetter: (letter) => void letters.push(letter) }).on("message", async (ctx) => {
      const draft = ctx.stream();
      draft.append("thinking aloud");
      if (ctx.text === "leave") {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return;
      }
      await draft.finish("the answer");
      assert.throws(() => draft.append("more"), { code: "bot.draft_over" });
      codes.push(await draft.finish().then(String, (error: BotError) => error.code));
      const long = ctx.stream();
      long.append("x".repeat(5_000));
      assert.throws(() => long.append("x"), { code: "bot.draft_full" });
      await long.abort("Too long.");
      await long.abort();
    });
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "answer");
    await flowing(suda, heard(alice, "the answer"));
    await workedOff(suda, id, "echo");
    await say(alice, id, "leave");
    await flowing(suda, alice.event("stream.aborted"));
    await workedOff(suda, id, "echo");
    assert.deepEqual(codes, ["bot.draft_over"]);
    assert.deepEqual(await saidBy(alice, id, "echo"), ["the answer"]);
    assert.deepEqual(letters, []);
    assert.deepEqual((await alice.request({ type: "stream.get", conversation: id })).drafts, []);
  });
});
