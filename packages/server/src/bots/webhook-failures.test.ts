/** Webhooks that fail: what is tried again, what disables them, what is given up. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Webhook } from "@suda/protocol";
import {
  deadLettersOf,
  eventually,
  ManualClock,
  openWebhookWorld,
  type ReceivedWebhook,
  refusalIn,
  TestServer,
  webhookPath,
  WebhookReceiver,
  webhookText,
} from "@suda/testing";
import { MemoryStore } from "../store/memory-store.ts";

const hourMs = 3_600_000;

describe("a webhook that fails", () => {
  const bad: readonly (readonly [string, WebhookReceiver["respond"], string])[] = [
    ["answers 500", (_received, response) => void response.writeHead(500).end(), "outgoing.status"],
    ["answers 404", (_received, response) => void response.writeHead(404).end(), "outgoing.status"],
    ["hangs", () => {}, "outgoing.timeout"],
    ["drips a byte a second", (_received, response) => void response.writeHead(200, { "content-length": "100" }).write("x"), "outgoing.timeout"],
    ["redirects", (_received, response) => void response.writeHead(302, { location: "http://169.254.169.254/" }).end(), "outgoing.redirect"],
    ["resets", (_received, response) => void response.socket?.resetAndDestroy(), "outgoing.unreachable"],
    ["is no web server", (_received, response) => void response.socket?.end("SSH-2.0-OpenSSH_9.6\r\n"), "outgoing.malformed"],
  ];
  for (const [what, respond, code] of bad) {
    test(`[W5] one that ${what} is tried again with the same id; its status says why, and all is well afterwards`, async () => {
      await using world = await openWebhookWorld({ respond });
      const { suda, receiver } = world;
      await world.say("안녕");
      // Only the time-outs need time, and would meet the others too if it were moved.
      await eventually(
        async () => (await world.status()).failing === 1,
        () => suda.clock.advance(code === "outgoing.timeout" && receiver.received.length > 0 ? 1_000 : 0),
      );
      const { failing, lastError, failingSince = 0, nextTryAt = 0 } = await world.status();
      assert.deepEqual([failing, lastError?.code, lastError?.seq], [1, code, 1]);
      assert.ok(nextTryAt >= failingSince);
      receiver.respond = (_received, response) => void response.end();
      await eventually(
        async () => (await world.status()).failing === 0,
        () => suda.clock.advance(100),
      );
      assert.ok(receiver.received.length >= 2);
      assert.equal(new Set(receiver.received.map(({ id }) => id)).size, 1);
      assert.ok(receiver.received.every(({ refused }) => refused === undefined));
      await world.say("둘");
      const all = await receiver.arrived(receiver.received.length + 1);
      assert.equal(all.at(-1) === undefined ? "" : webhookText(all.at(-1) as ReceivedWebhook), "둘");
      assert.equal(await suda.failures(), 0);
    });
  }

  test("[W5] waits grow, Retry-After is honoured within an hour, and a restart goes on with the same state", async () => {
    const store = new MemoryStore();
    const clock = new ManualClock();
    const first = await openWebhookWorld({
      store,
      clock,
      respond: (_received, response) => void response.writeHead(503, { "retry-after": "86400" }).end(),
    });
    await first.say("안녕");
    await eventually(async () => (await first.status()).failing === 1);
    const before = await first.status();
    assert.equal((before.nextTryAt ?? 0) - clock.now(), hourMs);
    await first.suda.server[Symbol.asyncDispose]();
    await using suda = await TestServer.open({ store, clock, outgoing: { allow: ["127.0.0.0/8"] } });
    const status = async (): Promise<Webhook["status"]> => ((await suda.backend().get(webhookPath)).body as { webhook: Webhook }).webhook.status;
    assert.deepEqual(await status(), before);
    clock.advance(hourMs - 1_000);
    assert.equal(first.receiver.received.length, 1);
    await first.receiver.arrived(2, () => clock.advance(500));
    await eventually(async () => (await status()).lastError?.attempts === 2);
    assert.equal((await status()).failingSince, before.failingSince);
    await first.receiver[Symbol.asyncDispose]();
  });

  test("[W6] 410 disables it until it is registered again; then everything comes that it missed", async () => {
    await using world = await openWebhookWorld({ respond: (_received, response) => void response.writeHead(410).end() });
    const { suda, receiver } = world;
    await world.say("하나");
    const disabledAt = async (): Promise<number | undefined> => ((await suda.backend().get(webhookPath)).body as { webhook: Webhook }).webhook.disabledAt;
    await eventually(async () => (await disabledAt()) !== undefined);
    await world.say("둘");
    suda.clock.advance(hourMs);
    assert.equal(receiver.received.length, 1);
    receiver.respond = (_received, response) => void response.end();
    await suda.backend().request("PUT", webhookPath, { url: receiver.url });
    assert.equal(await disabledAt(), undefined);
    assert.deepEqual((await receiver.arrived(3)).map(webhookText), ["하나", "하나", "둘"]);
  });

  test("[W7] after 72 hours an event is a dead letter, the ones behind it go on, and it can be replayed or deleted", async () => {
    await using world = await openWebhookWorld({
      respond: (received, response) => void response.writeHead(webhookText(received).startsWith("poison") ? 500 : 200).end(),
    });
    const { suda, receiver, id } = world;
    const seq = await world.say("poison");
    await world.say("behind");
    await receiver.arrived(1);
    const since = (await eventually(async () => (await world.status()).failing === 1), await world.status()).failingSince ?? 0;
    await eventually(
      async () => (await deadLettersOf(suda)).length === 1,
      () => suda.clock.advance(600_000),
    );
    assert.ok(suda.clock.now() - since >= 72 * hourMs, "not before");
    await eventually(
      async () => receiver.received.some((one) => webhookText(one) === "behind") && (await world.status()).failing === 0,
      () => suda.clock.advance(100),
    );
    const [letter] = await deadLettersOf(suda);
    // The clock moves fast here, so that the last attempt may have timed out.
    assert.deepEqual([letter?.conversation, letter?.seq, letter?.type, letter?.code.startsWith("outgoing.")], [id, seq, "message.created", true]);
    assert.equal((await world.status()).deadLetters, 1);
    const replay = `/v1/bots/tutor/dead-letters/${letter?.id}/replay`;
    assert.equal(((await suda.backend().request("POST", replay)).body as { outcome: string }).outcome, "failed");
    for (const [method, where] of [
      ["GET", "/v1/bots/tutor/dead-letters"],
      ["POST", replay],
      ["POST", "/v1/bots/tutor/dead-letters/replay"],
      ["DELETE", `/v1/bots/tutor/dead-letters/${letter?.id}`],
      ["DELETE", "/v1/bots/tutor/dead-letters"],
    ] as const)
      assert.deepEqual(refusalIn(await suda.as("alice").request(method, where)), [403, "auth.forbidden", undefined], `${method} ${where}`);
    receiver.respond = (_received, response) => void response.end();
    assert.equal(((await suda.backend().request("POST", replay)).body as { outcome: string }).outcome, "delivered");
    const last = receiver.received.at(-1);
    assert.deepEqual([last?.id, last?.refused], [receiver.received[0]?.id, undefined]);
    assert.deepEqual(await deadLettersOf(suda), []);
    assert.deepEqual(refusalIn(await suda.backend().request("POST", replay)), [404, "dead_letter.not_found", undefined]);
    assert.equal(await suda.failures(), 0);
  });
});
