/** What a webhook answers: messages, and what cannot be used. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConversationId } from "@suda/protocol";
import { answerJson, clientId, eventually, historyOf, openWebhookWorld, textOf, textOfEvent, userId, WebhookReceiver, webhookText } from "@suda/testing";

const hourMs = 3_600_000;

describe("what a webhook answers", () => {
  test("[W8] up to five messages are sent as the bot, once, however often the event is delivered", async () => {
    const messages = ["하나", "둘", "셋", "넷", "다섯"].map((text) => ({ content: textOf(text) }));
    await using world = await openWebhookWorld({ respond: answerJson({ messages }) });
    await world.say("안녕");
    await eventually(async () => (await historyOf(world)).length === 6);
    assert.deepEqual((await historyOf(world)).map(textOfEvent), ["안녕", "하나", "둘", "셋", "넷", "다섯"]);
    assert.equal((await world.status()).badAnswers, 0);
    // As after a crash between the answer and the mark: the mark is put back by replaying the event as a dead letter.
    const id = `${world.suda.clock.now().toString(36).padStart(9, "0")}-x`;
    await world.suda.store.documents.put("dead-letters", `tutor/${id}`, { id, conversation: world.id, seq: 1 });
    await world.suda.backend().request("POST", `/v1/bots/tutor/dead-letters/${id}/replay`);
    assert.equal(world.receiver.received.length, 2);
    assert.equal((await historyOf(world)).length, 6);
  });

  test("[W8] in slow mode an answer waits for its turn, without asking the bot again", async () => {
    await using world = await openWebhookWorld({ respond: answerJson({ messages: [{ content: textOf("a") }, { content: textOf("b") }] }) });
    const { suda } = world;
    await suda.backend("alice").post("/v1/conversations", { id: "room", slowModeMs: 60_000, members: ["tutor"] });
    const length = async (): Promise<number> =>
      ((await suda.backend().get("/v1/conversations/room/history?after=0")).body as { events: unknown[] }).events.length;
    await world.say("하나", "room" as ConversationId);
    await eventually(async () => (await length()) === 3);
    await world.say("둘", "room" as ConversationId);
    await world.receiver.arrived(2);
    assert.equal(await length(), 4);
    await eventually(
      async () => (await length()) === 6,
      () => suda.clock.advance(1_000),
    );
    assert.equal(world.receiver.received.length, 2);
  });

  const six = Array.from({ length: 6 }, () => ({ content: textOf("x") }));
  const bad: readonly (readonly [string, WebhookReceiver["respond"], string, RegExp])[] = [
    ["invalid JSON", answerJson("{nonsense"), "frame.malformed", /not JSON/],
    ["six messages", answerJson({ messages: six }), "frame.invalid", /^\/messages /],
    ["an invalid message", answerJson({ messages: [{ content: textOf("") }] }), "frame.invalid", /^\/messages\/0\/content\/text /],
    [
      "a message that breaks a rule across fields",
      answerJson({ messages: [{ content: { type: "confirm", text: "?", actions: [] } }] }),
      "frame.invalid",
      /\/messages\/0/,
    ],
    ["an unknown field", answerJson({ message: "hi" }), "frame.invalid", /^\/message /],
    ["a toast to what is no tap", answerJson({ toast: "hi" }), "frame.invalid", /^\/toast /],
    ["nesting without end", answerJson("[".repeat(20_000)), "frame.too_deep", /32/],
    ["__proto__", answerJson('{"__proto__":{}}'), "frame.forbidden_key", /__proto__/],
    [
      "what is not UTF-8",
      (_received, response) => void response.writeHead(200, { "content-type": "application/json" }).end(Buffer.of(0x7b, 0xff, 0x7d)),
      "frame.malformed",
      /UTF-8/,
    ],
    [
      "100 MB",
      (_received, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const part = Buffer.alloc(1_048_576, 32);
        let left = 100;
        const write = (): void => {
          while (left-- > 0) if (!response.write(part)) return void response.once("drain", write);
          response.end();
        };
        write();
      },
      "frame.too_large",
      /65536 bytes/,
    ],
  ];
  for (const [what, respond, code, sentence] of bad) {
    test(`[W9] ${what}: the event was taken, the status says what is wrong, and nothing is repeated`, async () => {
      await using world = await openWebhookWorld({ respond });
      const { suda, receiver } = world;
      await world.say("안녕");
      await eventually(async () => (await world.status()).badAnswers === 1);
      const { lastBadAnswer, failing } = await world.status();
      assert.deepEqual([lastBadAnswer?.code, lastBadAnswer?.seq, failing], [code, 1, 0]);
      assert.match(lastBadAnswer?.message ?? "", sentence);
      receiver.respond = (_received, response) => void response.end();
      await world.say("둘");
      assert.deepEqual((await receiver.arrived(2)).map(webhookText), ["안녕", "둘"]);
      suda.clock.advance(hourMs);
      assert.deepEqual((await historyOf(world)).map(textOfEvent), ["안녕", "둘"]);
      assert.equal(await suda.failures(), 0);
      assert.match(String((await suda.http().get("/metrics")).body), /suda_webhook_deliveries_total\{outcome="bad-answer"\} 1/);
    });
  }

  test("[W8] a tap is delivered, with what was given to the bot, and its toast reaches who tapped", async () => {
    await using world = await openWebhookWorld({ respond: answerJson({ toast: "알겠어요" }) });
    const { suda, receiver, id } = world;
    await using alice = await suda.connect("alice");
    const question = { type: "confirm", text: "?", actions: ["yes", "no"].map((action) => ({ type: "postback", id: action, label: action, data: action })) };
    const asked = await suda.backend("tutor").post(`/v1/conversations/${id}/messages`, { clientId: "q", content: question, altText: "?" });
    const { seq: target } = asked.body as { seq: number };
    await alice.request({ type: "interaction.tap", conversation: id, target, action: "yes", clientId: clientId("t") });
    const answered = await alice.event("interaction.answered");
    assert.deepEqual([answered.toast, answered.from, answered.target], ["알겠어요", "tutor", target + 1]);
    const [received] = await receiver.arrived(1);
    assert.deepEqual(
      [received?.body.type, received?.refused, received?.body.event.type === "interaction.created" && received.body.event.data],
      ["interaction.created", undefined, "yes"],
    );
    assert.equal((await world.status()).badAnswers, 0);
  });

  test("[W8] an answer that is not JSON by its Content-Type is none", async () => {
    await using world = await openWebhookWorld({ respond: (_received, response) => void response.writeHead(200, { "content-type": "text/html" }).end("OK") });
    await world.say("안녕");
    await eventually(async () => (await world.suda.store.conversations.member(world.id, userId("tutor")))?.readSeq === 1);
    assert.equal((await world.status()).badAnswers, 0);
  });
});
