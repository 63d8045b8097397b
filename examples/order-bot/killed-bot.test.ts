/** The program on a real server, and killed. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ContentType, MessageCreated } from "@suda/protocol";
import { clientId, ServerProcess, signToken, userId, WireClient, writeTokenKey } from "@suda/testing";
import { placedIn, somewhere, valued } from "./test/shop.ts";

test("the program is killed in the middle of an order on a real server, and started again it ends it, once", { timeout: 300_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "suda-order-"));
  writeTokenKey(directory);
  const command = fileURLToPath(new URL("../../apps/suda/bin/suda.js", import.meta.url));
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  await using server = await ServerProcess.open({ program: [command, "serve", "--port", "0", "--data", directory, "--log-level", "error"] });
  const data = join(directory, "order-bot");
  const env = { ...process.env, SUDA_URL: server.url, BOT_TOKEN: signToken(directory, "order", { bot: true }), ORDER_BOT_DATA: data };
  const start = (): ChildProcess =>
    spawn(process.execPath, ["--import", import.meta.resolve("tsx"), "--conditions=suda-source", main], { env, stdio: "ignore" });
  const kill = async (child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> => {
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill(signal);
    return exited;
  };
  const said: MessageCreated[] = [];
  let arrived = (): void => {};
  let bot = start();
  try {
    await using bob = await WireClient.open({
      url: server.url,
      token: signToken(directory, "bob"),
      onEvent(event) {
        if (event.type === "message.created" && event.from === "order") said.push(event);
        arrived();
      },
    });
    const next = async (type: ContentType): Promise<number> => {
      for (;;) {
        const index = said.findIndex(({ content }) => content.type === type);
        if (index !== -1) return said.splice(0, index + 1).at(-1)?.seq ?? 0;
        await new Promise<void>((resolve) => (arrived = resolve));
      }
    };
    const { conversation } = await bob.request("conversation.open", { with: userId("order") });
    const { id } = conversation;
    const tap = (target: number, action: string, value?: object) =>
      bob.request("interaction.tap", { conversation: id, target, action, clientId: clientId(`${action}-${target}`), ...valued(value) });
    await bob.request("message.send", { conversation: id, clientId: clientId("c1"), content: { type: "text", text: "/buy notes 2" } });
    await tap(await next("details"), "checkout");
    const form = await next("form");
    await kill(bot, "SIGKILL");
    await tap(form, "submit", somewhere);
    bot = start();
    await tap(await next("confirm"), "order");
    await kill(bot, "SIGKILL");
    bot = start();
    await next("receipt");
    await bob.request("message.send", { conversation: id, clientId: clientId("c2"), content: { type: "text", text: "/shop" } });
    await next("carousel");
    assert.equal(await kill(bot, "SIGTERM"), 0);
    const { events } = await bob.request("history.get", { conversation: id, after: 0, limit: 200 });
    const receipts = events.flatMap((event) => (event.type === "message.created" && event.content.type === "receipt" ? [event.content.orderNumber] : []));
    const orders = await placedIn(data);
    assert.deepEqual([receipts.length, orders.map(({ number }) => number)], [1, receipts]);
    assert.deepEqual(orders[0]?.delivery, somewhere);
  } finally {
    if (bot.exitCode === null && bot.signalCode === null) await kill(bot, "SIGKILL");
    await rm(directory, { recursive: true, force: true });
  }
});
