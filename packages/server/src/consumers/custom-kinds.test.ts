/** Custom kinds: registering them, what a send, an edit and a check say to their data, and what other processes see of a change. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { templateLimits, type ConversationId } from "@suda/protocol";
import { MemoryStore, type Store } from "@suda/server/store";
import {
  clientId,
  codeOf,
  createTestGroup,
  goldenKinds,
  goldenMessage,
  ManualClock,
  TestServer,
  type HttpAnswer,
  type WebSocketCommunicator,
} from "@suda/testing";

const poll = goldenMessage("custom");
const schema = goldenKinds["poll.v1"] as object;
const pollOf = (data: object): object => ({ content: { type: "custom", kind: "poll.v1", data }, altText: "x" });
const outcome = ({ status, body }: HttpAnswer): readonly unknown[] => [status, (body as { code?: string }).code, (body as { path?: string }).path];
const ok = [200, undefined, undefined];
const kind = (name: string): string => `/v1/custom-kinds/${name}`;

async function answerOf(connection: WebSocketCommunicator, command: object): Promise<readonly unknown[]> {
  const answer = await connection.answer(command);
  return answer.type === "error" ? [answer.code, answer.path] : ["ok", (answer as { duplicate?: boolean }).duplicate === true];
}

async function openRoom(
  suda: TestServer,
): Promise<{ alice: WebSocketCommunicator; room: ConversationId; send: (id: string, message: object) => Promise<readonly unknown[]> }> {
  const alice = await suda.connectBot("alice");
  const { id: room } = await createTestGroup(alice, []);
  return { alice, room, send: (id, message) => answerOf(alice, { type: "message.send", conversation: room, clientId: clientId(id), ...message }) };
}

describe("custom kinds", () => {
  test("[T40] a kind that is not registered is refused with what to do; registered, its data must fit, everywhere alike", async () => {
    await using suda = await TestServer.open();
    const { alice, room, send } = await openRoom(suda);
    const unknown = await alice.answer({ type: "message.send", conversation: room, clientId: clientId("a"), ...poll });
    assert.ok(unknown.type === "error");
    assert.deepEqual([unknown.code, unknown.path], ["frame.invalid", "/content/kind"]);
    assert.match(unknown.message, /PUT \/v1\/custom-kinds/);
    assert.deepEqual(outcome(await suda.backend().request("PUT", kind("poll.v1"), { schema })), ok);
    assert.deepEqual(await send("a", poll), ["ok", false]);
    const wrong: readonly (readonly [object, string])[] = [
      [{}, "/content/data/question"],
      [{ question: "?", options: ["a"] }, "/content/data/options"],
      [{ question: "?", options: ["a", ""] }, "/content/data/options/1"],
      [{ question: "?", options: ["a", "b"], colour: "red" }, "/content/data/colour"],
    ];
    for (const [data, path] of wrong) {
      assert.deepEqual(await send("w", pollOf(data)), ["frame.invalid", path]);
      const several = { type: "bot.send", conversation: room, clientId: "w", messages: [poll, pollOf(data)] };
      assert.deepEqual(await answerOf(alice, several), ["frame.invalid", `/messages/1${path}`]);
      const edit = { type: "message.edit", conversation: room, target: 1, content: { type: "custom", kind: "poll.v1", data } };
      assert.deepEqual(await answerOf(alice, edit), ["frame.invalid", path]);
      const http = await suda.backend("alice").post(`/v1/conversations/${room}/messages`, { clientId: "w", ...pollOf(data) });
      assert.deepEqual(outcome(http), [400, "frame.invalid", path]);
      const { body } = await suda.as("alice").post("/v1/bots/templates/validate", { messages: [poll, pollOf(data)] });
      const { valid, findings } = body as { valid: boolean; findings: readonly { path: string; message: string }[] };
      assert.deepEqual([valid, findings.map((finding) => finding.path)], [false, [`/1${path}`]]);
      assert.ok(findings[0]?.message.startsWith(`/1${path} `), findings[0]?.message);
    }
    const template = {
      version: 1,
      fallback: "en",
      variables: { q: { type: "string" } },
      locales: { en: [pollOf({ question: "{{q}}", options: ["a", "b"] })] },
    };
    await suda.backend().request("PUT", "/v1/bots/alice/templates/t", template);
    const filled = (q: string): object => ({ type: "bot.send", conversation: room, clientId: "t", template: { id: "t", variables: { q } } });
    assert.deepEqual(await answerOf(alice, filled("")), ["frame.invalid", "/template/messages/0/content/data/question"]);
    assert.deepEqual(await answerOf(alice, filled("When?")), ["ok", false]);
    const edited = { type: "custom", kind: "poll.v1", data: { question: "Where?", options: ["here", "there"] } };
    assert.deepEqual(await answerOf(alice, { type: "message.edit", conversation: room, target: 1, content: edited }), ["ok", false]);
    const { head } = await alice.request({ type: "history.get", conversation: room });
    assert.equal(head, 3);
    await alice[Symbol.asyncDispose]();
  });

  test("[T12] [T39] a check says of sender what a send would say to who asks", async () => {
    await using suda = await TestServer.open();
    await suda.backend().request("PUT", "/v1/bots/tutor", {});
    const messages = [{ content: { type: "text", text: "x" }, sender: { name: "Tutor" } }];
    const pathsOf = async (http: { post: (path: string, body: object) => Promise<HttpAnswer> }): Promise<readonly string[]> =>
      ((await http.post("/v1/bots/templates/validate", { messages })).body as { findings: { path: string }[] }).findings.map(({ path }) => path);
    assert.deepEqual(await pathsOf(suda.as("alice")), ["/0/sender"]);
    assert.deepEqual(await pathsOf(suda.as("tutor")), []);
    assert.deepEqual(await pathsOf(suda.backend()), []);
  });

  test("[T40] [D3] who sends again after the schema has changed is told of the first message; what is new is refused", async () => {
    await using suda = await TestServer.open();
    const { alice, room, send } = await openRoom(suda);
    const register = async (properties: object): Promise<void> =>
      assert.deepEqual(outcome(await suda.backend().request("PUT", kind("poll.v1"), { schema: { type: "object", properties } })), ok);
    const several = { type: "bot.send", conversation: room, clientId: "s", messages: [poll, poll] };
    const edit = { type: "message.edit", conversation: room, target: 1, content: poll.content, clientId: "e" };
    await register({});
    assert.deepEqual(await send("a", poll), ["ok", false]);
    for (const command of [several, edit]) assert.deepEqual(await answerOf(alice, command), ["ok", false]);
    const check = async (path: string): Promise<void> => {
      assert.deepEqual(await send("a", poll), ["ok", true]);
      for (const command of [several, edit]) assert.deepEqual(await answerOf(alice, command), ["ok", true]);
      assert.deepEqual(await send("b", poll), ["frame.invalid", path]);
      assert.deepEqual(await answerOf(alice, { ...several, clientId: "b" }), ["frame.invalid", `/messages/0${path}`]);
      assert.deepEqual(await answerOf(alice, { ...edit, clientId: "b" }), ["frame.invalid", path]);
    };
    await register({ question: { type: "number" } });
    await check("/content/data/question");
    assert.deepEqual(outcome(await suda.backend().request("DELETE", kind("poll.v1"))), ok);
    await check("/content/kind");
    const { head } = await alice.request({ type: "history.get", conversation: room });
    assert.equal(head, 4);
    await alice[Symbol.asyncDispose]();
  });

  test("[T41] [T42] [T43] what cannot be checked is not registered, and says where", async () => {
    await using suda = await TestServer.open();
    const put = async (body: object, name = "poll.v1"): Promise<readonly unknown[]> => outcome(await suda.backend().request("PUT", kind(name), body));
    const x = (inner: object): object => ({ schema: { properties: { x: inner } } });
    assert.deepEqual(await put(x({ maxLenght: 1 })), [400, "frame.invalid", "/schema/properties/x/maxLenght"]);
    assert.deepEqual(await put(x({ $ref: "https://a.example/s.json" })), [400, "frame.invalid", "/schema/properties/x/$ref"]);
    assert.deepEqual(await put({ schema: { $ref: "#" } }), [400, "frame.invalid", "/schema"]);
    assert.deepEqual(await put({ schema: true }), [400, "frame.invalid", "/schema"]);
    assert.deepEqual(await put({}), [400, "frame.invalid", "/schema"]);
    assert.deepEqual(await put({ schema: {} }, "-x"), [400, "frame.invalid", "/kind"]);
    assert.deepEqual(await put({ schema: {} }, "x".repeat(65)), [400, "frame.invalid", "/kind"]);
    const nested = (depth: number): object => (depth === 1 ? {} : { not: nested(depth - 1) });
    assert.deepEqual(await put({ schema: nested(templateLimits.kindSchemaMaxDepth + 1) }), [400, "frame.invalid", "/schema"]);
    assert.deepEqual((await suda.backend().get("/v1/custom-kinds")).body, { kinds: [] });
    assert.deepEqual(await put({ schema: nested(templateLimits.kindSchemaMaxDepth) }), ok);
    assert.deepEqual(await put({ schema: { title: "x".repeat(templateLimits.kindSchemaMaxBytes - 12) } }, "x".repeat(64)), ok);
    assert.deepEqual(await put({ schema: { title: "x".repeat(templateLimits.kindSchemaMaxBytes - 11) } }), [400, "frame.invalid", "/schema"]);
  });

  test("[T43] a hundred are registered and no more, also when several try at once; one that is there can be replaced", async () => {
    await using suda = await TestServer.open();
    const put = async (name: string): Promise<unknown> => outcome(await suda.backend().request("PUT", kind(name), { schema: {} }))[1];
    for (let index = 0; index < templateLimits.customKindsMax - 1; index++) assert.equal(await put(`k${index}`), undefined);
    const tries = await Promise.all(["a", "b", "c"].map(put));
    assert.ok(tries.filter((code) => code === undefined).length <= 1, String(tries));
    const count = async (): Promise<number> => ((await suda.backend().get("/v1/custom-kinds")).body as { kinds: readonly object[] }).kinds.length;
    assert.ok((await count()) <= templateLimits.customKindsMax);
    await put("last");
    assert.equal(await count(), templateLimits.customKindsMax);
    assert.equal(await put("one-more"), "kind.full");
    assert.equal(await put("k7"), undefined);
    assert.deepEqual(outcome(await suda.backend().request("DELETE", kind("k7"))), ok);
    assert.equal(await put("one-more"), undefined);
  });

  test("[T44] users and bots neither read nor change kinds; declared ones are changed by nobody", async () => {
    await using suda = await TestServer.open({ customKinds: goldenKinds });
    const { alice, send } = await openRoom(suda);
    assert.deepEqual(await send("a", poll), ["ok", false]);
    for (const [method, path, body] of [
      ["GET", "/v1/custom-kinds"],
      ["GET", kind("poll.v1")],
      ["PUT", kind("quiz"), { schema: {} }],
      ["DELETE", kind("poll.v1")],
    ] as const)
      assert.deepEqual(outcome(await suda.as("alice").request(method, path, body)), [403, "auth.forbidden", undefined]);
    const backend = suda.backend();
    assert.deepEqual(outcome(await backend.request("PUT", kind("poll.v1"), { schema: {} })), [409, "kind.declared", undefined]);
    assert.deepEqual(outcome(await backend.request("DELETE", kind("poll.v1"))), [409, "kind.declared", undefined]);
    assert.deepEqual(outcome(await backend.get(kind("quiz"))), [404, "kind.not_found", undefined]);
    assert.deepEqual(outcome(await backend.request("DELETE", kind("quiz"))), [404, "kind.not_found", undefined]);
    assert.deepEqual((await backend.request("PUT", kind("quiz"), { schema: { title: "Quiz" } })).body, { kind: "quiz", schema: { title: "Quiz" } });
    assert.deepEqual((await backend.get(kind("quiz"))).body, { kind: "quiz", schema: { title: "Quiz" } });
    assert.deepEqual((await backend.get(kind("poll.v1"))).body, { kind: "poll.v1", schema });
    assert.deepEqual((await backend.get("/v1/custom-kinds")).body, { kinds: [{ kind: "poll.v1", declared: true }, { kind: "quiz" }] });
    await alice[Symbol.asyncDispose]();
  });

  test("[T41] [T43] a server is not made with a kind whose schema cannot be checked", async () => {
    for (const customKinds of [{ "a b": {} }, { a: { properties: { x: { nullable: true } } } }, { a: { $ref: "#" } }, { a: { title: "x".repeat(65_000) } }])
      await assert.rejects(TestServer.open({ customKinds }), (error: Error) => error instanceof TypeError && error.message.startsWith("customKinds: "));
  });

  test("[T44] another server on the same store knows a change after at most five seconds, and the one that made it at once", async () => {
    const clock = new ManualClock();
    await using store = new MemoryStore({ clock });
    await using one = await TestServer.open({ store: shared(store), clock });
    await using other = await TestServer.open({ store: shared(store), clock });
    const { alice, send } = await openRoom(other);
    const register = async (inner: object): Promise<void> => assert.equal((await one.backend().request("PUT", kind("poll.v1"), { schema: inner })).status, 200);
    assert.deepEqual(await send("a", poll), ["frame.invalid", "/content/kind"]);
    await register(schema);
    assert.deepEqual(await send("a", poll), ["frame.invalid", "/content/kind"]);
    clock.advance(5_000);
    assert.deepEqual(await send("a", poll), ["ok", false]);
    await register({ required: ["place"] });
    const { body } = await one.backend().post("/v1/bots/templates/validate", { messages: [poll] });
    assert.equal((body as { valid: boolean }).valid, false);
    assert.deepEqual(await send("b", poll), ["ok", false]);
    clock.advance(5_000);
    assert.deepEqual(await send("c", poll), ["frame.invalid", "/content/data/place"]);
    assert.equal(codeOf(await alice.answer({ type: "user.get", user: "alice" })), "ok");
    await alice[Symbol.asyncDispose]();
  });

  test("[T40] made-up kinds cost a bounded memory, and no more than one look into the store each", async () => {
    const clock = new ManualClock();
    const memory = new MemoryStore({ clock });
    let reads = 0;
    const documents: Store["documents"] = {
      ...memory.documents,
      get: (collection, key) => {
        if (collection === "custom-kinds") reads++;
        return memory.documents.get(collection, key);
      },
    };
    const store = Object.create(shared(memory), { documents: { value: documents } }) as Store;
    await using suda = await TestServer.open({ store, clock });
    const { customKinds } = suda.server.context;
    const ask = (name: string): Promise<unknown> => customKinds.check({ type: "custom", kind: name, data: {} });
    for (let index = 0; index < 1_000; index++) await ask(`k${index}`);
    assert.equal(reads, 1_000);
    for (let index = 999; index >= 1_000 - 256; index--) await ask(`k${index}`);
    assert.equal(reads, 1_000, "the last 256 are remembered");
    await ask("k0");
    assert.equal(reads, 1_001, "what was driven out is read again");
  });
});

/** A store that a server may close without closing it for the other. */
function shared(store: Store): Store {
  return Object.create(store, { [Symbol.asyncDispose]: { value: async () => {} } }) as Store;
}
