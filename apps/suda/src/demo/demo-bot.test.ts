/** The demo bot on a server without a socket, and people who try everything that it shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Content, ContentType, ConversationId, InteractionCreated, MessageCreated } from "@suda/protocol";
import { clientId, createTestGroup, goldenMessages, say, TestServer, userId, type WebSocketCommunicator } from "@suda/testing";
import { createDemoBot } from "./demo-bot.ts";
import { demoCommands, sentences } from "./sentences.ts";
import { demoKinds } from "./showcase.ts";

class Demo implements AsyncDisposable {
  readonly suda: TestServer;
  readonly alice: WebSocketCommunicator;
  readonly conversation: ConversationId;
  readonly #bot: AsyncDisposable;
  #taps = 0;

  private constructor(suda: TestServer, bot: AsyncDisposable, alice: WebSocketCommunicator, conversation: ConversationId) {
    this.suda = suda;
    this.#bot = bot;
    this.alice = alice;
    this.conversation = conversation;
  }

  static async open(): Promise<Demo> {
    const suda = await TestServer.open({ limits: { commands: { perSecond: 0, burst: 1 } }, customKinds: demoKinds });
    const bot = createDemoBot({
      ...suda.botLink("sudabot"),
      wordPauseMs: 0,
      async giveBack(conversation) {
        const { status } = await suda.backend().post(`/v1/conversations/${conversation}/control/return`, {});
        assert.equal(status, 200);
      },
      onProblem: (problem) => {
        throw problem;
      },
    });
    await bot.start();
    const alice = await suda.connect("alice");
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("sudabot") });
    return new Demo(suda, bot, alice, conversation.id);
  }

  /** Says it, and the bot's next message of that type. */
  async ask<Type extends ContentType>(text: string, type: Type): Promise<MessageCreated & { readonly content: Extract<Content, { readonly type: Type }> }> {
    await say(this.alice, this.conversation, text);
    return this.answer(type);
  }

  async answer<Type extends ContentType>(type: Type): Promise<MessageCreated & { readonly content: Extract<Content, { readonly type: Type }> }> {
    const answer = await this.alice.event("message.created", ({ from, content }) => from === "sudabot" && content.type === type);
    return answer as MessageCreated & { readonly content: Extract<Content, { readonly type: Type }> };
  }

  tap(target: number, action: string, value?: InteractionCreated["value"]) {
    const given = value === undefined ? {} : { value };
    return this.alice.request({
      type: "interaction.tap",
      conversation: this.conversation,
      target,
      action,
      clientId: clientId(`tap-${++this.#taps}`),
      ...given,
    });
  }

  async toast(): Promise<string> {
    return (await this.alice.event("interaction.answered")).toast;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.alice[Symbol.asyncDispose]();
    await this.#bot[Symbol.asyncDispose]();
    await this.suda[Symbol.asyncDispose]();
  }
}

test("it says again what is said, helps in the language in which it is asked, and tells its commands", async () => {
  await using demo = await Demo.open();
  assert.equal((await demo.ask("안녕하세요 👋", "text")).content.text, "안녕하세요 👋");
  assert.equal((await demo.ask("/help", "text")).content.text, sentences.en.help);
  assert.equal((await demo.ask("/도움말", "text")).content.text, sentences.ko.help);
  assert.equal((await demo.ask("/nothing", "text")).content.text, sentences.en.help);
  assert.equal((await demo.ask("/없는것", "text")).content.text, sentences.ko.help);
  const { body } = await demo.suda.as("alice").get("/v1/bots/sudabot");
  const { name, commands } = (body as { bot: { name: string; commands: { name: string }[] } }).bot;
  assert.equal(name, "수다봇");
  const names = Object.values(demoCommands).flatMap(({ en, ko }) => [en[0], ko[0]]);
  assert.deepEqual(commands.map((command) => command.name).sort(), names.toSorted());
});

for (const [command, hello] of [
  ["/templates", /bold/],
  ["/템플릿", /굵은/],
] as const)
  test(`${command} shows a message of every type`, async () => {
    await using demo = await Demo.open();
    const first = await demo.ask(command, "text");
    assert.match(first.content.text, hello);
    const types = [...new Set(goldenMessages.map(({ type }) => type))];
    const seen = new Set<string>(["text"]);
    while (seen.size < types.length) {
      const { content } = await demo.alice.event("message.created", ({ from }) => from === "sudabot");
      seen.add(content.type);
    }
    assert.deepEqual([...seen].sort(), types.sort());
  });

test("/card: a like is counted in place, and the seat is given once", async () => {
  await using demo = await Demo.open();
  const { seq } = await demo.ask("/card", "card");
  for (const count of [1, 2]) {
    await demo.tap(seq, "like");
    const edited = await demo.alice.event("message.edited");
    assert.equal(edited.target, seq);
    assert.match(edited.content.type === "card" ? (edited.content.text ?? "") : "", new RegExp(`One seat is left.\\n♥ ${count}$`));
    assert.equal(await demo.toast(), `♥ ${count}`);
  }
  const first = await demo.tap(seq, "reserve");
  assert.equal(await demo.toast(), sentences.en.reserved);
  const { content } = await demo.alice.event("message.edited");
  assert.match(content.type === "card" ? (content.text ?? "") : "", /The seat is alice's.\n♥ 2$/);
  const second = await demo.tap(seq, "reserve");
  assert.deepEqual([second.used, second.seq], [true, first.seq]);
  // What was counted before and who has the seat stay when the next one likes it.
  await demo.tap(seq, "like");
  const liked = await demo.alice.event("message.edited");
  assert.match(liked.content.type === "card" ? (liked.content.text ?? "") : "", /The seat is alice's.\n♥ 3$/);
});

test("/order: a good, its form, its receipt", async () => {
  await using demo = await Demo.open();
  const carousel = await demo.ask("/주문", "carousel");
  await demo.tap(carousel.seq, "buy-pens");
  const form = await demo.answer("form");
  assert.equal(form.content.title, "젤 펜 5자루");
  await demo.tap(form.seq, "submit", { quantity: "2", name: "지민", address: "서울특별시 종로구 사직로 161" });
  assert.equal(await demo.toast(), sentences.ko.ordered);
  const { content } = await demo.answer("receipt");
  assert.deepEqual([content.recipient, content.currency, content.summary], ["지민", "KRW", { subtotal: 18_000, shipping: 3_000, total: 21_000 }]);
});

test("/form: what was filled in comes back", async () => {
  await using demo = await Demo.open();
  const form = await demo.ask("/form", "form");
  await demo.tap(form.seq, "submit", { name: "Alice", grade: "m1", subjects: ["math", "english"], agree: true });
  const { content } = await demo.answer("details");
  assert.deepEqual(
    content.rows.map(({ label, value }) => `${label}: ${value}`),
    ["name: Alice", "grade: m1", "subjects: math, english", "agree: yes"],
  );
});

test("/stream: an answer grows and ends in a message; its quick replies are commands", async () => {
  await using demo = await Demo.open();
  await say(demo.alice, demo.conversation, "/stream");
  await demo.alice.event("thinking.started");
  await demo.alice.event("stream.started");
  const message = await demo.answer("text");
  assert.equal(message.content.text, sentences.en.growing);
  await demo.tap(message.seq, "card");
  await demo.answer("card");
});

test("a photo is answered, as bytes and by its URL; what has no words is not", async () => {
  await using demo = await Demo.open();
  const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const send = (content: Content) =>
    demo.alice.request({ type: "message.send", conversation: demo.conversation, clientId: clientId(`send-${content.type}`), content });
  const { seq } = await send({ type: "bytes", mime: "image/png", bytes: Uint8Array.from(pixel) });
  const answer = await demo.answer("text");
  assert.deepEqual([answer.replyTo, answer.content.text], [seq, sentences.en.photo(`image/png, ${pixel.length} bytes, 1 × 1`)]);
  await send({ type: "location", latitude: 37.5, longitude: 127 });
  await send({ type: "image", url: "https://example.com/a.jpg", caption: "이거 뭐예요?" });
  assert.equal((await demo.answer("text")).content.text, sentences.ko.photo("https://example.com/a.jpg"));
});

test("any other button is answered with what it said; of others' messages it says nothing", async () => {
  await using demo = await Demo.open();
  await say(demo.alice, demo.conversation, "/templates");
  const confirm = await demo.answer("confirm");
  await demo.tap(confirm.seq, "begin");
  assert.equal(await demo.toast(), 'You tapped “begin”: {"begin":true}');
  const details = await demo.answer("details");
  await demo.tap(details.seq, "move", "10:30");
  assert.equal(await demo.toast(), 'You tapped “move”: "10:30"');
});

test("in a group it answers commands and its own buttons", async () => {
  await using demo = await Demo.open();
  const group = await createTestGroup(demo.alice, ["bob", "sudabot"]);
  await using bob = await demo.suda.connect("bob");
  await say(bob, group.id, "/card");
  const card = await bob.event("message.created", ({ content }) => content.type === "card");
  await bob.request({ type: "interaction.tap", conversation: group.id, target: card.seq, action: "reserve", clientId: clientId("t") });
  const { toast } = await bob.event("interaction.answered");
  assert.equal(toast, sentences.en.reserved);
});

test("/human: it is silent until /bot gives the conversation back", async () => {
  await using demo = await Demo.open();
  assert.equal((await demo.ask("/human", "text")).content.text, sentences.en.handover);
  const { holder, queue } = await demo.alice.event("control.changed");
  assert.deepEqual([holder, queue], ["none", "demo"]);
  await say(demo.alice, demo.conversation, "is anybody there?");
  assert.equal((await demo.ask("/bot", "text")).content.text, sentences.en.back);
  assert.equal((await demo.ask("hello again", "text")).content.text, "hello again");
});
