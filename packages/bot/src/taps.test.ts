/** What people tap: buttons, quick replies and forms; and what the bot does about it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Content } from "@suda/protocol";
import { say, TestServer, type WebSocketCommunicator } from "@suda/testing";
import { heard, newBot, openWith, unlimited, workedOff } from "../test/kit.ts";

const card: Content = {
  type: "card",
  title: "Pizza",
  buttons: [
    { type: "postback", id: "size-s", label: "Small", data: { size: "s" }, route: "order" },
    { type: "postback", id: "size-l", label: "Large", data: { size: "l" } },
    { type: "postback", id: "help", label: "?", data: "help" },
  ],
};
const form: Content = {
  type: "form",
  title: "Where to?",
  fields: [
    { id: "street", kind: "text", label: "Street", required: true },
    { id: "floor", kind: "number", label: "Floor" },
  ],
};

async function shown(connection: WebSocketCommunicator, type: Content["type"]): Promise<number> {
  return (await connection.event("message.created", ({ content }) => content.type === type)).seq;
}

describe("taps", () => {
  test("[T15] a tap finds its handler by id, route or pattern, with what the button carries", async () => {
    await using suda = await TestServer.open(unlimited);
    await using bot = newBot(suda)
      .on("message", (ctx) => ctx.reply({ content: card, altText: "Pizza" }))
      .action("order", async (ctx, next) => {
        await ctx.reply("by its route");
        await next();
      })
      .action(/^size-/g, async (ctx) => {
        await ctx.toast(`Ordered ${JSON.stringify(ctx.data)}`);
        await ctx.replace({ type: "card", title: `Pizza, ${ctx.action}` });
      })
      .on("interaction.created", (ctx) => ctx.reply(`any ${ctx.event.action}`));
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "pizza");
    const target = await shown(alice, "card");
    const tap = (action: string, clientId: string) => alice.request({ type: "interaction.tap", conversation: id, target, action, clientId: clientId as never });
    await tap("size-s", "t1");
    await heard(alice, "by its route");
    assert.equal((await alice.event("interaction.answered")).toast, 'Ordered {"size":"s"}');
    assert.deepEqual((await alice.event("message.edited")).content, { type: "card", title: "Pizza, size-s" });
    await workedOff(suda, id, "echo");
    await say(alice, id, "another");
    const next = await shown(alice, "card");
    for (const action of ["size-l", "size-s"])
      await alice.request({ type: "interaction.tap", conversation: id, target: next, action, clientId: `u-${action}` as never }).catch(() => {});
    await workedOff(suda, id, "echo");
    await say(alice, id, "and another");
    const last = await shown(alice, "card");
    await alice.request({ type: "interaction.tap", conversation: id, target: last, action: "help", clientId: "t3" as never });
    await heard(alice, "any help");
  });

  test("[T17] a form comes with its values, checked by the server", async () => {
    await using suda = await TestServer.open(unlimited);
    await using bot = newBot(suda)
      .on("message", (ctx) => ctx.reply({ content: form, altText: "Where to?" }))
      .form((ctx) => ctx.reply(JSON.stringify(ctx.values)));
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "here");
    const target = await shown(alice, "form");
    const submit = (value: object, clientId: string) => alice.answer({ type: "interaction.tap", conversation: id, target, action: "submit", value, clientId });
    assert.equal((await submit({ floor: 3 }, "f1")).type, "error");
    assert.equal((await submit({ street: "Main Street", floor: 3 }, "f2")).type, "reply");
    await heard(alice, '{"street":"Main Street","floor":3}');
  });

  test("taps on what another bot said come to nobody, and those of deleted messages neither", async () => {
    await using suda = await TestServer.open(unlimited);
    const seen: string[] = [];
    const botOf = (user: string) =>
      newBot(suda, suda.botLink(user))
        .command(user, (ctx) => ctx.reply({ content: card, altText: "Pizza" }))
        .action(/./, (ctx) => void seen.push(`${user} ${ctx.action}`));
    await using one = botOf("one");
    await using other = botOf("other");
    await Promise.all([one.start(), other.start()]);
    await using alice = await suda.connect("alice");
    const { id } = (await alice.request({ type: "conversation.create", members: ["one" as never, "other" as never] })).conversation;
    await say(alice, id, "/one");
    const target = await shown(alice, "card");
    await alice.request({ type: "interaction.tap", conversation: id, target, action: "help", clientId: "t1" as never });
    await workedOff(suda, id, "one");
    await workedOff(suda, id, "other");
    assert.deepEqual(seen, ["one help"]);
  });
});
