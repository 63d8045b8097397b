/** Webhooks of bots: registration and deliveries, through the HTTP API and over real sockets. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, test } from "node:test";
import type { ConversationId, Webhook } from "@suda/protocol";
import {
  eventually,
  ManualClock,
  openWebhookWorld,
  openWithTutor,
  refusalIn,
  say,
  TestServer,
  textOf,
  userId,
  webhookPath,
  WebhookReceiver,
  webhookSecretIn,
  webhookText,
} from "@suda/testing";
import { MemoryStore } from "../store/memory-store.ts";

const ok = [200, undefined, undefined];

describe("registering a webhook", () => {
  test("[W1] the backend and the bot itself do; the secret is shown once, by the first registration", async () => {
    await using suda = await TestServer.open();
    await suda.backend().request("PUT", "/v1/bots/tutor", {});
    await suda.backend().request("PUT", "/v1/bots/other", {});
    assert.deepEqual(refusalIn(await suda.backend().get(webhookPath)), [404, "webhook.not_found", undefined]);
    const first = await suda.as("tutor").request("PUT", webhookPath, { url: "https://bot.example/hook" });
    assert.equal(webhookSecretIn(first).length, 50);
    const again = await suda.backend().request("PUT", webhookPath, { url: "https://bot.example/other", events: ["message.created", "message.edited"] });
    assert.equal((again.body as { secret?: string }).secret, undefined);
    const { webhook } = (await suda.as("tutor").get(webhookPath)).body as { webhook: Webhook };
    assert.deepEqual([webhook.url, webhook.events], ["https://bot.example/other", ["message.created", "message.edited"]]);
    assert.deepEqual(webhook.status, { failing: 0, badAnswers: 0, deadLetters: 0, deadLettersDropped: 0 });
    assert.ok(!JSON.stringify((await suda.backend().get(webhookPath)).body).includes("whsec_"));
    for (const user of ["alice", "other"]) {
      for (const [method, rest, body] of [
        ["GET", ""],
        ["PUT", "", { url: "https://evil.example/" }],
        ["POST", "/secret", {}],
        ["DELETE", ""],
      ] as const)
        assert.deepEqual(
          refusalIn(await suda.as(user).request(method, webhookPath + rest, body)),
          [403, "auth.forbidden", undefined],
          `${user} ${method} ${rest}`,
        );
    }
    assert.deepEqual(refusalIn(await suda.backend().request("PUT", "/v1/bots/alice/webhook", { url: "https://a.example/" })), [
      404,
      "user.not_found",
      undefined,
    ]);
    assert.deepEqual(refusalIn(await suda.backend().request("DELETE", webhookPath)), ok);
    assert.deepEqual(refusalIn(await suda.backend().request("DELETE", webhookPath)), [404, "webhook.not_found", undefined]);
    assert.deepEqual(refusalIn(await suda.backend().post(`${webhookPath}/secret`, {})), [404, "webhook.not_found", undefined]);
  });

  test("[W1] [W10] a URL that is never called, and an event that there is not, are refused with their path", async () => {
    await using suda = await TestServer.open();
    await suda.backend().request("PUT", "/v1/bots/tutor", {});
    const put = async (body: object): Promise<readonly unknown[]> => refusalIn(await suda.backend().request("PUT", webhookPath, body));
    for (const url of [
      "http://bot.example/",
      "https://127.0.0.1/",
      "https://169.254.169.254/latest",
      "https://[::ffff:10.0.0.1]/",
      "https://2130706433/",
      "https://bot.example:22/",
      "https://user@bot.example/",
      "ftp://bot.example/",
      "nonsense",
      "",
    ])
      assert.deepEqual(await put({ url }), [400, "frame.invalid", "/url"], url);
    assert.deepEqual(await put({ url: "https://bot.example/", events: ["message.exploded"] }), [400, "frame.invalid", "/events/0"]);
    assert.deepEqual(await put({ url: "https://bot.example/", events: [] }), [400, "frame.invalid", "/events"]);
    assert.deepEqual(await put({ url: "https://bot.example/", secret: "mine" }), [400, "frame.invalid", "/secret"]);
    assert.deepEqual(await put({ url: `https://bot.example/${"x".repeat(1_980)}` }), ok);
    assert.deepEqual(await put({ url: `https://bot.example/${"x".repeat(1_981)}` }), [400, "frame.invalid", "/url"]);
  });

  test("[W10] a name that turns out to have a private address is not connected, and its bot is told why", async () => {
    await using receiver = await WebhookReceiver.open();
    const port = new URL(receiver.url).port;
    const resolver = { resolve: () => Promise.resolve(["127.0.0.1"]) };
    await using suda = await TestServer.open({ outgoing: { allow: ["198.18.7.7"], resolver } });
    await suda.backend().request("PUT", "/v1/bots/tutor", {});
    assert.deepEqual(refusalIn(await suda.backend().request("PUT", webhookPath, { url: `http://rebound.example:${port}/` })), ok);
    const { say, status } = await openWithTutor(suda, "alice");
    await say("안녕");
    await eventually(async () => (await status()).lastError !== undefined);
    const { code = "", message = "" } = (await status()).lastError ?? {};
    assert.equal(code, "outgoing.refused_address");
    assert.ok(!message.includes("127.0.0.1"), message);
    assert.equal(receiver.connections, 0);
  });
});

describe("deliveries of a webhook", () => {
  test("[W3] each event is one signed request with all that is needed to answer it", async () => {
    await using world = await openWebhookWorld();
    const seq = await world.say("안녕");
    const [received] = await world.receiver.arrived(1);
    assert.equal(received?.refused, undefined);
    assert.equal(received?.id, `${world.id.replace(".", "_")}_${seq}`);
    const { type, bot, conversation, user, event } = received.body;
    assert.deepEqual([type, bot, user.id], ["message.created", "tutor", "alice"]);
    assert.deepEqual([conversation.id, conversation.with, conversation.last], [world.id, "alice", undefined]);
    assert.deepEqual([event.seq, webhookText(received)], [seq, "안녕"]);
  });

  test("[W3] what the bot itself says, and events that it did not ask for, are passed over; each conversation is in order", async () => {
    await using world = await openWebhookWorld({ events: ["message.edited", "message.created"] });
    const { suda, receiver, id } = world;
    await suda.backend("tutor").post(`/v1/conversations/${id}/messages`, { clientId: "own", content: textOf("mine") });
    const first = await world.say("하나");
    await suda.backend("alice").request("PUT", `/v1/conversations/${id}/messages/${first}/reactions/%F0%9F%91%8D`);
    await suda.backend("alice").request("PATCH", `/v1/conversations/${id}/messages/${first}`, { content: textOf("하나!") });
    await world.say("둘");
    const received = await receiver.arrived(3);
    assert.deepEqual(
      received.map(({ body }) => [body.type, body.event.seq]),
      [
        ["message.created", 2],
        ["message.edited", 4],
        ["message.created", 5],
      ],
    );
    await eventually(async () => (await suda.store.conversations.member(id, userId("tutor")))?.readSeq === 5);
  });

  test("[W3] [D5] what came while nobody could deliver comes after a restart, nothing missing, and what was taken not again", async () => {
    const store = new MemoryStore();
    const clock = new ManualClock();
    await using receiver = await WebhookReceiver.open({ clock });
    {
      const suda = await TestServer.open({ store, clock, outgoing: { allow: ["127.0.0.0/8"] } });
      await suda.backend().request("PUT", "/v1/bots/tutor", {});
      receiver.secrets.push(webhookSecretIn(await suda.backend().request("PUT", webhookPath, { url: receiver.url })));
      const { id, say: tell } = await openWithTutor(suda, "alice");
      await tell("하나");
      await eventually(async () => (await store.conversations.member(id, userId("tutor")))?.readSeq === 1);
      await suda.server[Symbol.asyncDispose]();
    }
    {
      // Without the permission it can only fail: no connection is made.
      const suda = await TestServer.open({ store, clock });
      await using alice = await suda.connect("alice");
      const { conversation } = await alice.request({ type: "conversation.open", with: userId("tutor") });
      for (const text of ["둘", "셋"]) await say(alice, conversation.id, text);
      await suda.server[Symbol.asyncDispose]();
    }
    await using suda = await TestServer.open({ store, clock, outgoing: { allow: ["127.0.0.0/8"] } });
    const { say: tell } = await openWithTutor(suda, "alice");
    await tell("넷");
    const received = await receiver.arrived(4, () => clock.advance(100));
    assert.deepEqual(received.map(webhookText), ["하나", "둘", "셋", "넷"]);
    assert.ok(received.every(({ refused }) => refused === undefined));
  });

  test("[W4] a bot that hangs keeps nobody but the one conversation it hangs in", async () => {
    const hanging: ServerResponse[] = [];
    await using world = await openWebhookWorld({
      respond: (received, response) => {
        if (webhookText(received).startsWith("hang")) hanging.push(response);
        else response.end();
      },
    });
    const { suda, receiver } = world;
    const bob = await openWithTutor(suda, "bob");
    await world.say("hang");
    await receiver.arrived(1);
    await world.say("behind");
    for (const text of ["a", "b", "c"]) await bob.say(text);
    assert.deepEqual((await receiver.arrived(4)).map(webhookText), ["hang", "a", "b", "c"]);
    // Only its time-out moves it; then the same again, and what is behind it.
    receiver.respond = (_received, response) => void response.end();
    const all = await receiver.arrived(6, () => suda.clock.advance(1_000));
    assert.deepEqual(all.slice(4).map(webhookText), ["hang", "behind"]);
    assert.equal(all[4]?.id, all[0]?.id);
  });

  test("[W2] a secret is rotated with overlap: both sign, then the new one alone", async () => {
    await using world = await openWebhookWorld();
    const { suda, receiver } = world;
    const [old = ""] = receiver.secrets;
    const rotated = await suda.as("tutor").post(`${webhookPath}/secret`, { overlapMs: 60_000 });
    const fresh = webhookSecretIn(rotated);
    assert.notEqual(fresh, old);
    const judge = async (secret: string, text: string): Promise<string | undefined> => {
      receiver.secrets.splice(0, receiver.secrets.length, secret);
      const count = receiver.received.length;
      const seq = await world.say(text);
      // Also its answer has come, so that the clock may be moved.
      await eventually(async () => (await suda.store.conversations.member(world.id, userId("tutor")))?.readSeq === seq);
      return receiver.received[count]?.refused;
    };
    assert.deepEqual([await judge(old, "a"), await judge(fresh, "b")], [undefined, undefined]);
    suda.clock.advance(60_000);
    assert.deepEqual([await judge(old, "c"), await judge(fresh, "d")], ["webhook.signature_wrong", undefined]);
    const { webhook } = (await suda.backend().get(webhookPath)).body as { webhook: Webhook };
    assert.equal(webhook.secrets.length, 1);
    for (const [overlapMs, expected] of [
      [604_800_000, ok],
      [604_800_001, [400, "frame.invalid", "/overlapMs"]],
      [-1, [400, "frame.invalid", "/overlapMs"]],
    ] as const)
      assert.deepEqual(refusalIn(await suda.backend().post(`${webhookPath}/secret`, { overlapMs })), expected);
    // However often it is rotated, three sign at most.
    for (let n = 0; n < 5; n++) await suda.backend().post(`${webhookPath}/secret`, {});
    assert.equal(((await suda.backend().get(webhookPath)).body as { webhook: Webhook }).webhook.secrets.length, 3);
    assert.equal(await judge(fresh, "e"), "webhook.signature_wrong");
  });

  test("[W3] a bot that was removed is told nothing more, and one that is added begins behind its joining", async () => {
    await using world = await openWebhookWorld();
    const { suda, receiver } = world;
    await suda.backend("alice").post("/v1/conversations", { id: "room", members: ["bob"] });
    const tell = (text: string): Promise<number> => world.say(text, "room" as ConversationId);
    await tell("before");
    await suda.backend("alice").post("/v1/conversations/room/members", { users: ["tutor"] });
    await tell("with it");
    assert.deepEqual((await receiver.arrived(1)).map(webhookText), ["with it"]);
    await suda.backend("alice").request("DELETE", "/v1/conversations/room/members/tutor");
    await tell("without it");
    await world.say("marker");
    assert.deepEqual((await receiver.arrived(2)).map(webhookText), ["with it", "marker"]);
    assert.equal(await suda.failures(), 0);
  });
});
