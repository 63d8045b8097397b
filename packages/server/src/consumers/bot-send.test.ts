/** Several messages of a bot at once, and stored templates by id: all or none, retries, who may, over WebSocket and HTTP. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits, templateLimits, type ConversationId, type LogEvent, type MessageCreated, type ServerFrame } from "@suda/protocol";
import { clientId, codeOf, createTestGroup, goldenMessage, TestServer, textOf, userId, type HttpAnswer, type WebSocketCommunicator } from "@suda/testing";

const body = (text: string): { content: ReturnType<typeof textOf> } => ({ content: textOf(text) });
const bodies = (count: number): readonly object[] => Array.from({ length: count }, (_, index) => body(`${index + 1}`));

/** What an answer says: seqs, and whether they were there; or the error with its path. */
function outcome(frame: ServerFrame): readonly unknown[] {
  if (frame.type === "error") return [frame.code, frame.path];
  const { seqs, duplicate = false } = frame as unknown as { seqs: number[]; duplicate?: true };
  return [seqs, duplicate];
}

function httpOutcome({ status, body: answer }: HttpAnswer): readonly unknown[] {
  const { code, path, seqs, duplicate = false } = answer as { code?: string; path?: string; seqs?: number[]; duplicate?: true };
  return status === 200 ? [seqs, duplicate] : [code, path];
}

interface World extends AsyncDisposable {
  readonly suda: TestServer;
  readonly tutor: WebSocketCommunicator;
  readonly alice: WebSocketCommunicator;
  readonly room: ConversationId;
  readonly send: (clientId: string, fields: object) => Promise<readonly unknown[]>;
  readonly log: () => Promise<readonly LogEvent[]>;
}

/** A group of alice and the bot tutor. */
async function openWorld(): Promise<World> {
  const suda = await TestServer.open({ limits: { commands: { perSecond: 0, burst: 10_000 } } });
  const tutor = await suda.connectBot("tutor");
  const alice = await suda.connect("alice");
  const { id: room } = await createTestGroup(alice, ["tutor"]);
  await tutor.event("conversation.joined");
  return {
    suda,
    tutor,
    alice,
    room,
    send: async (id, fields) => outcome(await tutor.answer({ type: "bot.send", conversation: room, clientId: id, ...fields })),
    log: async () => (await alice.request({ type: "history.get", conversation: room, after: 0 })).events,
    async [Symbol.asyncDispose]() {
      for (const connection of [tutor, alice]) await connection[Symbol.asyncDispose]();
      await suda[Symbol.asyncDispose]();
    },
  };
}

describe("several messages at once", () => {
  test("[T35] one to five are stored side by side, each with its part; none and six are refused", async () => {
    await using world = await openWorld();
    const { alice, send, log } = world;
    assert.deepEqual(await send("none", { messages: [] }), ["frame.invalid", "/messages"]);
    assert.deepEqual(await send("six", { messages: bodies(6) }), ["frame.invalid", "/messages"]);
    assert.deepEqual(await send("neither", {}), ["frame.invalid", "/messages"]);
    assert.deepEqual(await send("both", { messages: bodies(1), template: { id: "t" } }), ["frame.invalid", "/template"]);
    assert.deepEqual(await send("five", { messages: bodies(5) }), [[1, 2, 3, 4, 5], false]);
    assert.deepEqual(await send("one", { messages: bodies(1) }), [[6], false]);
    const events = await log();
    assert.deepEqual(
      events.map((event) => event.type === "message.created" && [event.clientId, event.content, event.part]),
      [
        ["five", textOf("1"), { index: 1, total: 5 }],
        ["five#2", textOf("2"), { index: 2, total: 5 }],
        ["five#3", textOf("3"), { index: 3, total: 5 }],
        ["five#4", textOf("4"), { index: 4, total: 5 }],
        ["five#5", textOf("5"), { index: 5, total: 5 }],
        ["one", textOf("1"), undefined],
      ],
    );
    assert.deepEqual(new Set(events.slice(0, 5).map(({ at }) => at)).size, 1);
    for (const event of events) assert.deepEqual(await alice.event("message.created"), event);
    const { conversation } = await alice.request({ type: "conversation.get", conversation: world.room });
    assert.equal(conversation.unread, 6);
  });

  test("[T35] one message that is refused keeps back all of them, and says which one it was", async () => {
    await using world = await openWorld();
    const card = goldenMessage("card");
    const wrong: readonly (readonly [readonly object[], string])[] = [
      [[body("a"), { content: card.content }], "/messages/1/altText"],
      [[body("a"), body("b"), { content: { type: "card" }, altText: "x" }], "/messages/2/content"],
      [[body("a"), body("")], "/messages/1/content/text"],
      [[body("a"), { ...body("b"), colour: "red" }], "/messages/1/colour"],
      [[body("a"), { ...body("b"), part: { index: 1, total: 2 } }], "/messages/1/part"],
      [[body("a"), { ...body("b"), replyTo: 7 }], "/messages/1/replyTo"],
    ];
    for (const [messages, path] of wrong) {
      assert.deepEqual(await world.send("w", { messages }), ["frame.invalid", path]);
      const http = await world.suda.as("tutor").post("/v1/bots/tutor/messages", { conversation: world.room, clientId: "w", messages });
      assert.deepEqual([http.status, ...httpOutcome(http)], [400, "frame.invalid", path]);
    }
    assert.deepEqual(await world.log(), []);
    assert.deepEqual(await world.send("w", { messages: [body("a"), card] }), [[1, 2], false]);
  });

  test("[T36] the clientId is at most 62 characters, so that those of its messages are clientIds too", async () => {
    await using world = await openWorld();
    const { botSendIdMaxLength: max } = templateLimits;
    assert.deepEqual(await world.send("x".repeat(max + 1), { messages: bodies(2) }), ["frame.invalid", "/clientId"]);
    assert.deepEqual(await world.send("", { messages: bodies(2) }), ["frame.invalid", "/clientId"]);
    assert.deepEqual(await world.send("x".repeat(max), { messages: bodies(2) }), [[1, 2], false]);
    const last = (await world.log()).at(-1);
    assert.ok(last?.type === "message.created");
    assert.equal(last.clientId.length, limits.clientIdMaxLength);
  });

  test("[T36] [D3] a retry gives the same seqs; other words, or another number of messages, are a conflict", async () => {
    await using world = await openWorld();
    const { send } = world;
    assert.deepEqual(await send("s", { messages: bodies(3) }), [[1, 2, 3], false]);
    assert.deepEqual(await send("s", { messages: bodies(3) }), [[1, 2, 3], true]);
    const again = await world.suda.backend("tutor").post("/v1/bots/tutor/messages", { conversation: world.room, clientId: "s", messages: bodies(3) });
    assert.deepEqual(httpOutcome(again), [[1, 2, 3], true]);
    for (const messages of [bodies(1), bodies(2), bodies(4), [...bodies(2), body("other")], [body("2"), body("1"), body("3")]])
      assert.deepEqual(await send("s", { messages }), ["send.conflict", undefined]);
    assert.equal((await world.log()).length, 3);
  });

  test("[T36] a send of one is message.send; a message that took a part's clientId before makes the whole send a conflict", async () => {
    await using world = await openWorld();
    const { tutor, room, send } = world;
    const single = async (id: string, text: string): Promise<string> =>
      codeOf(await tutor.answer({ type: "message.send", conversation: room, clientId: clientId(id), ...body(text) }));
    assert.equal(await single("a", "1"), "ok");
    assert.deepEqual(await send("a", { messages: bodies(1) }), [[1], true]);
    assert.deepEqual(await send("a", { messages: bodies(2) }), ["send.conflict", undefined]);
    assert.equal(await single("b#2", "2"), "ok");
    assert.deepEqual(await send("b", { messages: bodies(2) }), ["send.conflict", undefined]);
    assert.equal(await single("b", "1"), "ok");
    assert.deepEqual(await send("c", { messages: bodies(2) }), [[4, 5], false]);
    assert.equal(await single("c#2", "2"), "send.conflict");
    assert.equal((await world.log()).length, 5);
  });

  test("[T35] [D4] sends of a connection are in the log in their order, whatever kind they are", async () => {
    await using world = await openWorld();
    const { tutor, room, suda } = world;
    await suda.backend().request("PUT", "/v1/bots/tutor/templates/t", {
      version: 1,
      fallback: "en",
      locales: { en: [body("from a template")] },
    });
    const commands = Array.from({ length: 60 }, (_, index) => {
      const id = { ref: `r-${index}`, conversation: room, clientId: `k-${index}` };
      if (index % 3 === 0) return { type: "message.send", ...id, ...body(`${index}`) };
      return { type: "bot.send", ...id, ...(index % 3 === 1 ? { messages: bodies(2) } : { template: { id: "t" } }) };
    });
    tutor.send(commands);
    const events = (await tutor.request({ type: "history.get", conversation: room, after: 0, limit: 200 })).events;
    const expected = commands.flatMap(({ clientId: id, type }, index) => (type === "bot.send" && index % 3 === 1 ? [id, `${id}#2`] : [id]));
    assert.deepEqual(
      events.map((event) => (event as MessageCreated).clientId),
      expected,
    );
    const refused = (await tutor.leftovers()).filter(({ type }) => type === "error");
    assert.deepEqual(refused, []);
  });

  test("[T37] only a bot sends so, or the backend in a bot's name; a bot that is no member is told that there is nothing", async () => {
    await using world = await openWorld();
    const { suda, alice, room } = world;
    assert.deepEqual(outcome(await alice.answer({ type: "bot.send", conversation: room, clientId: "x", messages: bodies(1) })), ["bot.required", undefined]);
    await using other = await suda.connectBot("other");
    const foreign = await other.answer({ type: "bot.send", conversation: room, clientId: "x", messages: bodies(1) });
    assert.deepEqual(outcome(foreign), ["conversation.not_found", undefined]);
    const nowhere = await other.answer({ type: "bot.send", conversation: "nowhere", clientId: "x", messages: bodies(1) });
    assert.deepEqual(outcome(nowhere), outcome(foreign));
    const fields = { conversation: room, clientId: "x", messages: bodies(1) };
    for (const [http, bot, code] of [
      [suda.as("alice"), "tutor", "auth.forbidden"],
      [suda.as("alice"), "alice", "auth.forbidden"],
      [suda.as("other"), "tutor", "auth.forbidden"],
      [suda.backend(), "alice", "user.not_found"],
      [suda.as("other"), "other", "conversation.not_found"],
      [suda.backend(), "other", "member.not_found"],
    ] as const)
      assert.deepEqual(httpOutcome(await http.post(`/v1/bots/${bot}/messages`, fields)), [code, undefined], `${bot} ${code}`);
    assert.deepEqual(httpOutcome(await suda.backend().post("/v1/bots/tutor/messages", fields)), [[1], false]);
    const [first] = await world.log();
    assert.deepEqual(first?.from, "tutor");
    assert.deepEqual(httpOutcome(await suda.as("tutor").post("/v1/bots/tutor/messages", { ...fields, clientId: "y" })), [[2], false]);
  });

  test("[T35] [S29] slow mode judges a send as one; blocked, it is refused as a whole", async () => {
    await using world = await openWorld();
    const { alice, tutor, room, send, suda } = world;
    await alice.request({ type: "conversation.update", conversation: room, slowModeMs: 5_000 });
    assert.deepEqual(await send("a", { messages: bodies(3) }), [[2, 3, 4], false]);
    assert.deepEqual(await send("b", { messages: bodies(3) }), ["send.slow", undefined]);
    suda.clock.advance(5_000);
    assert.deepEqual(await send("b", { messages: bodies(3) }), [[5, 6, 7], false]);
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("tutor") });
    await alice.request({ type: "user.block", user: userId("tutor") });
    const direct = { type: "bot.send", conversation: conversation.id, clientId: "c", messages: bodies(2) };
    assert.deepEqual(outcome(await tutor.answer(direct)), ["user.blocked", undefined]);
    await alice.request({ type: "user.unblock", user: userId("tutor") });
    assert.deepEqual(outcome(await tutor.answer(direct)), [[1, 2], false]);
  });

  test("[T35] [T10] a part that is deleted, for all or for oneself, still says which one it was", async () => {
    await using world = await openWorld();
    const { alice, tutor, room } = world;
    await world.send("s", { messages: bodies(2) });
    await tutor.request({ type: "message.delete", conversation: room, target: 1 });
    await alice.request({ type: "message.hide", conversation: room, target: 2 });
    assert.deepEqual(
      (await world.log()).slice(0, 2).map((event) => event.type === "message.created" && [event.content, event.part]),
      [
        [{ type: "deleted" }, { index: 1, total: 2 }],
        [{ type: "deleted" }, { index: 2, total: 2 }],
      ],
    );
    assert.deepEqual(await world.send("s", { messages: bodies(2) }), [[1, 2], true]);
  });
});

describe("a stored template by its id", () => {
  const put = async ({ suda }: World, version: number, en: readonly object[], more: object = {}): Promise<void> => {
    const template = { version, fallback: "en", variables: { name: { type: "string", required: true } }, locales: { en }, ...more };
    const { status, body: answer } = await suda.backend().request("PUT", "/v1/bots/tutor/templates/hello", template);
    assert.equal(status, 200, JSON.stringify(answer));
  };
  const ask = (fields: object = {}): object => ({ template: { id: "hello", variables: { name: "지민" }, ...fields } });
  const texts = async (world: World): Promise<readonly unknown[]> =>
    (await world.log()).map((event) => event.type === "message.created" && event.content.type === "text" && event.content.text);

  test("[T38] is filled and sent in the user's language, or in its fallback", async () => {
    await using world = await openWorld();
    await put(world, 1, [body("Hello {{name}}"), body("How are you?")], {
      locales: { en: [body("Hello {{name}}"), body("How are you?")], ko: [body("{{name}}님, 안녕하세요")] },
    });
    assert.deepEqual(await world.send("a", ask({ locale: "ko-KR" })), [[1], false]);
    assert.deepEqual(await world.send("b", ask({ locale: "fr" })), [[2, 3], false]);
    assert.deepEqual(await world.send("c", ask()), [[4, 5], false]);
    assert.deepEqual(await texts(world), ["지민님, 안녕하세요", "Hello 지민", "How are you?", "Hello 지민", "How are you?"]);
    const events = await world.log();
    assert.deepEqual(
      events.map((event) => event.type === "message.created" && event.part),
      [undefined, { index: 1, total: 2 }, { index: 2, total: 2 }, { index: 1, total: 2 }, { index: 2, total: 2 }],
    );
    const http = await world.suda.backend().post("/v1/bots/tutor/messages", { conversation: world.room, clientId: "d", ...ask({ locale: "ko" }) });
    assert.deepEqual(httpOutcome(http), [[6], false]);
  });

  test("[T38] what is not there or does not fit is refused with its path, and nothing is stored", async () => {
    await using world = await openWorld();
    assert.deepEqual(await world.send("a", ask()), ["template.not_found", undefined]);
    await put(world, 1, [body("Hello {{name}}"), { content: { type: "card", title: "{{name}}" }, altText: "{{name}}" }]);
    const wrong: readonly (readonly [object, string, string | undefined])[] = [
      [{ version: 2 }, "template.not_found", undefined],
      [{ version: 0 }, "frame.invalid", "/template/version"],
      [{ variables: {} }, "frame.invalid", "/template/variables/name"],
      [{ variables: { name: 1 } }, "frame.invalid", "/template/variables/name"],
      [{ variables: { name: "x", age: 1 } }, "frame.invalid", "/template/variables/age"],
      [{ variables: { name: ["x"] } }, "frame.invalid", "/template/variables/name"],
      [{ variables: { "a b": "x" } }, "frame.invalid", "/template/variables/a b"],
      [{ variables: { name: "가".repeat(81) } }, "frame.invalid", "/template/messages/1/content/title"],
      [{ locale: "" }, "frame.invalid", "/template/locale"],
      [{ locale: "x".repeat(36) }, "frame.invalid", "/template/locale"],
      [{ colour: "red" }, "frame.invalid", "/template/colour"],
    ];
    for (const [fields, code, path] of wrong) assert.deepEqual(await world.send("a", ask(fields)), [code, path], JSON.stringify(fields));
    assert.deepEqual(await world.log(), []);
    assert.deepEqual(await world.send("a", ask({ locale: "x".repeat(35), variables: { name: "가".repeat(80) } })), [[1, 2], false]);
  });

  test("[T38] a retry after a new version was stored finds what the older one made; another value is a conflict", async () => {
    await using world = await openWorld();
    await put(world, 1, [body("Hello {{name}}")]);
    assert.deepEqual(await world.send("a", ask()), [[1], false]);
    await put(world, 2, [body("Hi {{name}}"), body("Welcome back")]);
    assert.deepEqual(await world.send("a", ask()), [[1], true]);
    assert.deepEqual(await world.send("a", ask({ version: 1 })), [[1], true]);
    assert.deepEqual(await world.send("a", ask({ version: 2 })), ["send.conflict", undefined]);
    assert.deepEqual(await world.send("a", ask({ variables: { name: "준호" } })), ["send.conflict", undefined]);
    assert.deepEqual(await world.send("b", ask()), [[2, 3], false]);
    // The newest one wants to be told more: the retry cannot even be filled from it.
    const variables = { name: { type: "string", required: true }, day: { type: "string", required: true } };
    await put(world, 3, [body("Hi {{name}}, see you on {{day}}")], { variables });
    assert.deepEqual(await world.send("a", ask()), [[1], true]);
    assert.deepEqual(await world.send("b", ask()), [[2, 3], true]);
    assert.deepEqual(await world.send("c", ask()), ["frame.invalid", "/template/variables/day"]);
    assert.deepEqual(await world.send("c", ask({ version: 2 })), [[4, 5], false]);
    assert.deepEqual(await texts(world), ["Hello 지민", "Hi 지민", "Welcome back", "Hi 지민", "Welcome back"]);
  });

  test("[T38] a retry finds its messages for as long as their version is kept", async () => {
    await using world = await openWorld();
    for (let version = 1; version <= templateLimits.templateVersionsMax; version++) {
      await put(world, version, [body(`v${version} {{name}}`)]);
      if (version === 1) assert.deepEqual(await world.send("a", ask()), [[1], false]);
    }
    assert.deepEqual(await world.send("a", ask()), [[1], true]);
    await put(world, templateLimits.templateVersionsMax + 1, [body("one more {{name}}")]);
    assert.deepEqual(await world.send("a", ask()), ["send.conflict", undefined]);
    await world.suda.backend().request("DELETE", "/v1/bots/tutor/templates/hello");
    assert.deepEqual(await world.send("a", ask()), ["template.not_found", undefined]);
    assert.deepEqual(await texts(world), ["v1 지민"]);
  });

  test("[T37] [T38] is the bot's own: another bot has none of that name", async () => {
    await using world = await openWorld();
    await put(world, 1, [body("Hello {{name}}")]);
    await using other = await world.suda.connectBot("other");
    await world.alice.request({ type: "member.add", conversation: world.room, users: [userId("other")] });
    await other.event("conversation.joined");
    const answer = await other.answer({ type: "bot.send", conversation: world.room, clientId: "x", ...ask() });
    assert.deepEqual(outcome(answer), ["template.not_found", undefined]);
  });
});

describe("sender", () => {
  test("[T39] the name and picture of one message are for bots and the backend; a user is refused with the field's path", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, room } = world;
    const message = { ...body("hello"), sender: { name: "Somebody else" } };
    const refused = await alice.answer({ type: "message.send", conversation: room, clientId: clientId("a"), ...message });
    assert.deepEqual(outcome(refused), ["bot.required", "/sender"]);
    const http = await suda.as("alice").post(`/v1/conversations/${room}/messages`, { clientId: "a", ...message });
    assert.deepEqual([http.status, ...httpOutcome(http)], [403, "bot.required", "/sender"]);
    assert.deepEqual(await world.log(), []);
    assert.equal(codeOf(await tutor.answer({ type: "message.send", conversation: room, clientId: clientId("a"), ...message })), "ok");
    assert.deepEqual(await world.send("b", { messages: [message, message] }), [[2, 3], false]);
    for (const user of ["alice", "tutor"])
      assert.equal((await suda.backend(user).post(`/v1/conversations/${room}/messages`, { clientId: "c", ...message })).status, 200);
  });
});
