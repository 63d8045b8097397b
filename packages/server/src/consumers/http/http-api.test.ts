/** The HTTP API: every route's success and its refusals, callers, encodings, bounds. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jsonCodec, msgpackCodec } from "@suda/protocol";
import { clientId, createTestGroup, TestServer, textOf, type HttpAnswer, type HttpCommunicator } from "@suda/testing";
import { routes } from "./http-routes.ts";

const codeOf = ({ status, body }: HttpAnswer): string => (status < 300 ? "ok" : ((body as { code?: string }).code ?? String(status)));
type Answer = Record<string, never>;
const send = (id: string, text = id): object => ({ clientId: id, content: textOf(text) });

const question = { content: textOf("more?"), quickReplies: [{ action: { type: "postback", id: "more", label: "More" } }] };

/** A server with a group of alice (owner) and bob, made by the backend with an id of its own, and one in which a bot has asked alice something. */
async function openWorld(): Promise<{ suda: TestServer; alice: HttpCommunicator; bob: HttpCommunicator; carol: HttpCommunicator } & AsyncDisposable> {
  const suda = await TestServer.open({ hooks: { afterCommit: { hook: () => {} } }, limits: { requests: { perSecond: 0, burst: 1 } } });
  await suda.backend("alice").post("/v1/conversations", { id: "room", title: "팀", members: ["bob", "tutor"] });
  await suda.backend().request("PUT", "/v1/bots/tutor", { name: "Tutor" });
  await suda.backend("alice").post("/v1/conversations", { id: "asked", members: ["tutor"] });
  await suda.backend("tutor").post("/v1/conversations/asked/messages", { clientId: "q", ...question });
  // Of events that are not there any more.
  for (const owner of ["tutor", "~after-commit"])
    for (const id of ["000000001-x", "000000002-x"])
      await suda.store.documents.put("dead-letters", `${owner}/${id}`, { id, conversation: "room", seq: 1_000_000 });
  return { suda, alice: suda.as("alice"), bob: suda.as("bob"), carol: suda.as("carol"), [Symbol.asyncDispose]: () => suda[Symbol.asyncDispose]() };
}

const template = { version: 1, fallback: "en", locales: { en: [{ content: textOf("hello") }] } };

/** One request per route that the owner may make, or the bot where it says so, in an order in which they all succeed. */
const requests: readonly (readonly [name: string, method: string, path: string, body?: object | undefined, as?: "tutor"])[] = [
  ["putUser", "PUT", "/v1/users/alice", { name: "앨리스" }],
  ["getUser", "GET", "/v1/users/alice"],
  ["listConversations", "GET", "/v1/conversations?limit=5"],
  ["createConversation", "POST", "/v1/conversations", { members: ["bob"] }],
  ["getConversation", "GET", "/v1/conversations/room"],
  ["updateConversation", "PATCH", "/v1/conversations/room", { title: "새 이름", data: null }],
  ["listMembers", "GET", "/v1/conversations/room/members?limit=1"],
  ["addMembers", "POST", "/v1/conversations/room/members", { users: ["dave"] }],
  ["updateMember", "PATCH", "/v1/conversations/room/members/dave", { role: "admin" }],
  ["sendMessage", "POST", "/v1/conversations/room/messages", send("k")],
  ["editMessage", "PATCH", "/v1/conversations/room/messages/4", { content: textOf("edited"), rev: 0, clientId: "e" }],
  ["addReaction", "PUT", `/v1/conversations/room/messages/4/reactions/${encodeURIComponent("👍🏽")}`],
  ["removeReaction", "DELETE", `/v1/conversations/room/messages/4/reactions/${encodeURIComponent("👍🏽")}`],
  ["addPin", "PUT", "/v1/conversations/room/pins/4"],
  ["tap", "POST", "/v1/conversations/asked/messages/1/interactions", { clientId: "t", action: "more" }],
  ["answerTap", "POST", "/v1/conversations/asked/interactions/2/answer", { toast: "noted" }, "tutor"],
  ["hideMessage", "PUT", "/v1/conversations/room/messages/4/hidden"],
  ["removePin", "DELETE", "/v1/conversations/room/pins/4"],
  ["deleteMessage", "DELETE", "/v1/conversations/room/messages/4"],
  ["getHistory", "GET", "/v1/conversations/room/history?after=0&limit=2"],
  ["markRead", "POST", "/v1/conversations/room/read", { seq: 1 }],
  ["markDelivered", "POST", "/v1/conversations/room/delivered", { seq: 2 }],
  ["markUnread", "PUT", "/v1/conversations/room/unread"],
  ["mute", "PUT", "/v1/conversations/room/mute", { until: 4_000_000_000_000 }],
  ["unmute", "DELETE", "/v1/conversations/room/mute"],
  ["hide", "PUT", "/v1/conversations/room/hidden"],
  ["show", "DELETE", "/v1/conversations/room/hidden"],
  ["block", "PUT", "/v1/blocks/bob"],
  ["unblock", "DELETE", "/v1/blocks/bob"],
  ["removeMember", "DELETE", "/v1/conversations/room/members/dave"],
  ["handOff", "POST", "/v1/conversations/room/control/handoff", { queue: "math" }],
  ["takeControl", "POST", "/v1/conversations/room/control/take", { leaseMs: 60_000 }],
  ["returnControl", "POST", "/v1/conversations/room/control/return", {}],
  ["readInbox", "GET", "/v1/inbox?state=held&queue=math&limit=5"],
  ["putBot", "PUT", "/v1/bots/tutor", { commands: [{ name: "help", description: "What I can do" }] }, "tutor"],
  ["getBot", "GET", "/v1/bots/tutor", undefined, "tutor"],
  [
    "sendFromBot",
    "POST",
    "/v1/bots/tutor/messages",
    { conversation: "room", clientId: "b", messages: [{ content: textOf("one") }, { content: textOf("two") }] },
    "tutor",
  ],
  ["putTemplate", "PUT", "/v1/bots/tutor/templates/hello", template, "tutor"],
  ["getTemplate", "GET", "/v1/bots/tutor/templates/hello?version=1", undefined, "tutor"],
  ["listTemplates", "GET", "/v1/bots/tutor/templates", undefined, "tutor"],
  ["deleteTemplate", "DELETE", "/v1/bots/tutor/templates/hello", undefined, "tutor"],
  ["addMembers", "POST", "/v1/conversations/room/members", { users: ["tutor"] }],
  ["startThinking", "PUT", "/v1/conversations/room/thinking", undefined, "tutor"],
  ["stopThinking", "DELETE", "/v1/conversations/room/thinking", undefined, "tutor"],
  ["startStream", "PUT", "/v1/conversations/room/streams/s", { replyTo: 4 }, "tutor"],
  ["appendToStream", "POST", "/v1/conversations/room/streams/s/append", { offset: 0, text: "more" }, "tutor"],
  ["finishStream", "POST", "/v1/conversations/room/streams/s/finish", {}, "tutor"],
  ["abortStream", "DELETE", "/v1/conversations/room/streams/s?reason=enough", undefined, "tutor"],
  ["putCustomKind", "PUT", "/v1/custom-kinds/poll.v1", { schema: { type: "object" } }],
  ["getCustomKind", "GET", "/v1/custom-kinds/poll.v1"],
  ["listCustomKinds", "GET", "/v1/custom-kinds"],
  ["deleteCustomKind", "DELETE", "/v1/custom-kinds/poll.v1"],
  ["putWebhook", "PUT", "/v1/bots/tutor/webhook", { url: "https://localhost/hook" }, "tutor"],
  ["getWebhook", "GET", "/v1/bots/tutor/webhook", undefined, "tutor"],
  ["rotateWebhookSecret", "POST", "/v1/bots/tutor/webhook/secret", {}, "tutor"],
  ["listDeadLetters", "GET", "/v1/bots/tutor/dead-letters?limit=2", undefined, "tutor"],
  ["replayDeadLetter", "POST", "/v1/bots/tutor/dead-letters/000000001-x/replay", undefined, "tutor"],
  ["deleteDeadLetter", "DELETE", "/v1/bots/tutor/dead-letters/000000002-x", undefined, "tutor"],
  ["replayDeadLetters", "POST", "/v1/bots/tutor/dead-letters/replay", undefined, "tutor"],
  ["deleteDeadLetters", "DELETE", "/v1/bots/tutor/dead-letters", undefined, "tutor"],
  ["deleteWebhook", "DELETE", "/v1/bots/tutor/webhook", undefined, "tutor"],
  ["listHookDeadLetters", "GET", "/v1/hooks/after-commit/dead-letters?limit=2"],
  ["replayHookDeadLetter", "POST", "/v1/hooks/after-commit/dead-letters/000000001-x/replay"],
  ["deleteHookDeadLetter", "DELETE", "/v1/hooks/after-commit/dead-letters/000000002-x"],
  ["replayHookDeadLetters", "POST", "/v1/hooks/after-commit/dead-letters/replay"],
  ["deleteHookDeadLetters", "DELETE", "/v1/hooks/after-commit/dead-letters"],
  ["validateMessages", "POST", "/v1/bots/templates/validate", { messages: [{ content: textOf("hello") }], targets: ["kakao"] }],
];

describe("HTTP API", () => {
  test("[R1] every route succeeds for whom it is meant, and is listed here", async () => {
    assert.deepEqual(new Set(requests.map(([name]) => name)), new Set(routes.map(({ name }) => name)));
    for (const caller of ["token", "API key"] as const) {
      await using world = await openWorld();
      for (const [name, method, path, body, as = "alice"] of requests) {
        const http = caller === "token" ? world.suda.as(as) : world.suda.backend(as);
        const answer = await http.request(method, path, body);
        if (caller === "token" && routes.some((route) => route.name === name && route.caller === "backend")) {
          assert.deepEqual([answer.status, codeOf(answer)], [403, "auth.forbidden"], name);
          continue;
        }
        assert.equal(answer.status, 200, `${name} with ${caller}: ${JSON.stringify(answer.body)}`);
        assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
        assert.equal(answer.headers.get("cache-control"), "no-store");
      }
      assert.equal(await world.suda.failures(), 0);
    }
  });

  test("[R2] without credentials, and with wrong ones, every route is a 401", async () => {
    await using world = await openWorld();
    const expired = world.suda.token("alice", { exp: 1 });
    for (const [name, method, path, body] of requests) {
      const judge = async (authorization?: string): Promise<unknown[]> => {
        const answer = await world.suda.http(authorization === undefined ? {} : { authorization }).request(method, path, body);
        return [answer.status, codeOf(answer), answer.headers.get("www-authenticate")];
      };
      assert.deepEqual(await judge(), [401, "auth.required", "Bearer"], name);
      for (const wrong of ["Bearer nonsense", "Basic YWxpY2U6eA==", "Bearer", "Bearer a b"])
        assert.deepEqual(await judge(wrong), [401, "auth.invalid", "Bearer"], `${name}: ${wrong}`);
      assert.deepEqual(await judge(`Bearer ${expired}`), [401, "auth.expired", "Bearer"], name);
    }
    assert.equal(codeOf(await world.alice.get("/v1/conversations/room")), "ok");
  });

  test("[A1] a stranger is told not_found on every route of a conversation, as for one that does not exist", async () => {
    await using world = await openWorld();
    for (const [name, method, path, body] of requests.filter(([, , path]) => path.startsWith("/v1/conversations/"))) {
      const refusal = await world.carol.request(method, path, body);
      const nowhere = await world.carol.request(method, path.replace(/\/(room|asked)\b/, "/nowhere"), body);
      assert.deepEqual([refusal.status, refusal.body], [404, nowhere.body], name);
      assert.equal(codeOf(refusal), "conversation.not_found", name);
    }
  });

  test("[R1] what does not fit a route's schema is a 400 with the path of the field", async () => {
    await using world = await openWorld();
    const wrong: readonly (readonly [string, string, unknown, string])[] = [
      ["PUT", "/v1/users/alice", { name: "" }, "/name"],
      ["PUT", "/v1/users/alice", { nickname: "a" }, "/nickname"],
      ["GET", "/v1/users/a%20b", undefined, "/user"],
      ["GET", "/v1/conversations?limit=0", undefined, "/limit"],
      ["GET", "/v1/conversations?limit=many", undefined, "/limit"],
      ["GET", "/v1/conversations?limit=1&limit=2", undefined, "/limit"],
      ["GET", "/v1/conversations?colour=blue", undefined, "/colour"],
      ["GET", "/v1/conversations?__proto__=1", undefined, "/__proto__"],
      ["GET", "/v1/conversations/room/history?after=1&before=3", undefined, "/before"],
      ["POST", "/v1/conversations", {}, "/members"],
      ["POST", "/v1/conversations", { kind: "channel", members: [] }, "/kind"],
      ["POST", "/v1/conversations", { kind: "direct", members: ["bob"], title: "x" }, "/title"],
      ["POST", "/v1/conversations", { kind: "direct", members: ["bob", "carol"] }, "/members"],
      ["POST", "/v1/conversations/room/messages", { clientId: "k", content: { type: "text", text: "" } }, "/content/text"],
      ["POST", "/v1/conversations/room/messages", [], ""],
      ["PATCH", "/v1/conversations/room/members/bob", { role: "king" }, "/role"],
      ["PATCH", "/v1/conversations/room", {}, ""],
      ["PATCH", "/v1/conversations/room", { slowModeMs: 999 }, "/slowModeMs"],
      ["PATCH", "/v1/conversations/room", { retentionMs: 59_999 }, "/retentionMs"],
      ["PATCH", "/v1/conversations/room", { write: "nobody" }, "/write"],
      ["PUT", "/v1/conversations/room/mute", { until: 1 }, "/until"],
      ["PUT", "/v1/conversations/room/mute", { for: 1 }, "/for"],
      ["POST", "/v1/conversations/room/delivered", { seq: -1 }, "/seq"],
      ["PUT", "/v1/conversations/room/messages/x/hidden", undefined, "/target"],
      ["PUT", "/v1/blocks/alice", undefined, "/user"],
      ["POST", "/v1/conversations", { kind: "direct", members: ["bob"], retentionMs: 60_000 }, "/retentionMs"],
    ];
    for (const [method, path, body, field] of wrong) {
      const answer = await world.alice.request(method, path, body);
      assert.deepEqual([answer.status, codeOf(answer), (answer.body as { path?: string }).path], [400, "frame.invalid", field], `${method} ${path}`);
    }
    assert.equal(await world.suda.failures(), 0);
  });

  test("[R3] [A7] [A8] an API key acts for the user that it names, a token for nobody else", async () => {
    await using world = await openWorld();
    const { suda, alice } = world;
    const backend = suda.backend();
    for (const [name, method, path, body] of requests) {
      const { caller } = routes.find((route) => route.name === name) ?? { caller: "any" };
      if (caller === "user") assert.equal(codeOf(await backend.request(method, path, body)), "frame.invalid", name);
    }
    assert.equal(codeOf(await alice.get("/v1/conversations", { "suda-user": "alice" })), "ok");
    assert.equal(codeOf(await alice.get("/v1/conversations", { "suda-user": "bob" })), "auth.forbidden");
    assert.equal(codeOf(await suda.backend("a b").get("/v1/conversations")), "frame.invalid");
    assert.equal(codeOf(await suda.backend("~system").get("/v1/conversations")), "frame.invalid");
    assert.equal(codeOf(await alice.post("/v1/conversations", { id: "mine", members: [] })), "auth.forbidden");
    assert.equal(codeOf(await alice.request("PUT", "/v1/users/alice", { bot: true })), "auth.forbidden");
    assert.equal(codeOf(await alice.request("PUT", "/v1/users/bob", { name: "x" })), "auth.forbidden");
    assert.equal(codeOf(await backend.request("PUT", "/v1/users/helper", { bot: true, name: "도우미" })), "ok");
    assert.equal(codeOf(await backend.request("PATCH", "/v1/conversations/room", { title: "by the host" })), "ok");
    const { body } = await backend.get("/v1/conversations/room/history");
    assert.equal((body as { events: { from: string }[] }).events.at(-1)?.from, "~system");
  });

  test("[A9] nobody writes without being a member, not even for the backend", async () => {
    await using world = await openWorld();
    const path = "/v1/conversations/room/messages";
    assert.equal(codeOf(await world.suda.backend("carol").post(path, send("k"))), "member.not_found");
    assert.equal(codeOf(await world.suda.backend("bob").post(path, send("k"))), "ok");
  });

  test("[C4] [C3] [C1] creation is idempotent by id, by clientId, and for two users", async () => {
    await using world = await openWorld();
    const backend = world.suda.backend();
    const idOf = ({ body }: HttpAnswer): unknown => (body as { conversation: { id: string } }).conversation.id;
    const again = await backend.post("/v1/conversations", { id: "room", title: "another", members: ["carol"] });
    assert.deepEqual([idOf(again), (again.body as { conversation: { title: string } }).conversation.title], ["room", "팀"]);
    const create = (): Promise<HttpAnswer> => world.alice.post("/v1/conversations", { clientId: "c", members: [] });
    const [one, other] = await Promise.all([create(), create()]);
    assert.equal(idOf(one), idOf(other));
    const direct = await backend.post("/v1/conversations", { kind: "direct", members: ["alice", "bob"] });
    assert.equal(idOf(direct), "d.HLFUV9Hdq2DiBcD-PKL2XR");
    assert.equal(idOf(await world.bob.post("/v1/conversations", { kind: "direct", members: ["alice"] })), idOf(direct));
    for (const id of ["d.x", "g.01", "a.b", "", "a b"]) assert.equal(codeOf(await backend.post("/v1/conversations", { id, members: [] })), "frame.invalid", id);
  });

  test("[R5] [D3] a message sent over HTTP reaches connections live, and is the same one over WebSocket", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    const path = `/v1/conversations/${id}/messages`;
    const first = await suda.as("alice").post(path, send("k", "안녕"));
    assert.equal((await bob.event("message.created")).clientId, "k");
    const again = await alice.request({ type: "message.send", conversation: id, clientId: clientId("k"), content: textOf("안녕") });
    assert.deepEqual({ ...(first.body as object), duplicate: true }, { seq: again.seq, at: again.at, duplicate: again.duplicate });
    assert.equal(codeOf(await suda.as("alice").post(path, send("k", "other"))), "send.conflict");
  });

  test("[R4] [F14] bodies and replies are JSON or MessagePack, each by its own header", async () => {
    await using world = await openWorld();
    const authorization = `Bearer ${world.suda.token("alice")}`;
    const post = (codec: typeof jsonCodec, type: string, key: string): Promise<Response> =>
      world.suda.http().fetch("/v1/conversations/room/messages", {
        method: "POST",
        headers: { authorization, "content-type": type },
        body: Buffer.from(codec.encode({ clientId: key, content: { type: "bytes", mime: "a/b", bytes: Uint8Array.of(0, 255) } })),
      });
    assert.equal((await post(msgpackCodec, "application/msgpack", "a")).status, 200);
    assert.equal((await post(jsonCodec, "application/json; charset=utf-8", "b")).status, 200);
    for (const type of ["text/plain", "", "application/x-www-form-urlencoded"]) assert.equal((await post(jsonCodec, type, "c")).status, 400, type);
    assert.equal((await post(msgpackCodec, "application/json", "d")).status, 400);
    const packed = await world.suda.http().fetch("/v1/conversations/room/history", { headers: { authorization, accept: "application/msgpack" } });
    assert.equal(packed.headers.get("content-type"), "application/msgpack");
    const page = msgpackCodec.parse(new Uint8Array(await packed.arrayBuffer())) as { events: { content: { bytes: unknown } }[] };
    for (const { content } of page.events) assert.deepEqual(content.bytes, Uint8Array.of(0, 255));
    const json = await world.alice.get("/v1/conversations/room/history");
    for (const { content } of (json.body as typeof page).events) assert.equal(content.bytes, "AP8=");
  });

  test("[B9] [F4] [F5] [F7] bodies keep the bounds of frames, whatever their length header says", async () => {
    await using world = await openWorld();
    const path = "/v1/conversations/room/messages";
    const judge = async (body: string | Uint8Array): Promise<string> => codeOf(await world.alice.request("POST", path, body));
    assert.equal(await judge(`${JSON.stringify(send("k"))}${" ".repeat(60_000)}`), "ok");
    assert.equal(await judge(`${JSON.stringify(send("k"))}${" ".repeat(65_536)}`), "frame.too_large");
    for (const [body, code] of [
      ["", "frame.malformed"],
      ["nonsense", "frame.malformed"],
      ["[".repeat(20_000), "frame.too_deep"],
      ['{"__proto__":{}}', "frame.forbidden_key"],
      ['{"a":"\\ud83d"}', "frame.malformed"],
      ["null", "frame.invalid"],
    ] as const)
      assert.equal(await judge(body), code, body.slice(0, 20));
    assert.equal(await judge(Uint8Array.of(0x7b, 0xff, 0x7d)), "frame.malformed");
    const url = await world.suda.listen();
    const chunks = new ReadableStream({
      start(controller) {
        for (let index = 0; index < 20; index++) controller.enqueue(new Uint8Array(8_192).fill(32));
        controller.close();
      },
    });
    const headers = { authorization: `Bearer ${world.suda.token("alice")}`, "content-type": "application/json" };
    const streamed = await fetch(url + path, { method: "POST", headers, body: chunks, duplex: "half" });
    assert.equal(streamed.status, 413);
    assert.equal(((await streamed.json()) as Answer)["code"], "frame.too_large");
    assert.equal(await world.suda.failures(), 0);
  });

  test("[R7] pages of allowed origins may call /v1 and read refusals, others may not", async () => {
    await using suda = await TestServer.open({ allowedOrigins: ["https://app.example"] });
    const allowed = (answer: HttpAnswer): string | null => answer.headers.get("access-control-allow-origin");
    const preflight = (origin: string): Promise<HttpAnswer> =>
      suda.http().request("OPTIONS", "/v1/conversations", undefined, {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      });
    assert.deepEqual([(await preflight("https://app.example")).status, allowed(await preflight("https://app.example"))], [204, "https://app.example"]);
    assert.equal(allowed(await preflight("https://evil.example")), null);
    assert.equal(allowed(await suda.as("alice").get("/v1/conversations", { origin: "https://app.example" })), "https://app.example");
    assert.equal(allowed(await suda.as("alice").get("/v1/conversations", { origin: "https://evil.example" })), null);
    assert.equal(allowed(await suda.http().get("/v1/conversations", { origin: "https://app.example" })), "https://app.example", "auth.required can be read");
  });

  test("[R8] an unknown path, and a known one with another method, is route.not_found", async () => {
    await using world = await openWorld();
    for (const [method, path] of [
      ["GET", "/v1/nothing"],
      ["GET", "/nothing"],
      ["DELETE", "/v1/conversations"],
      ["GET", "/v1/conversations/"],
      ["POST", "/healthz"],
    ] as const) {
      const answer = await world.alice.request(method, path);
      assert.deepEqual([answer.status, codeOf(answer)], [404, "route.not_found"], `${method} ${path}`);
    }
  });
});
