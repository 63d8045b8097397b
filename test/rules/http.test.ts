/** The rules of the HTTP API, through communicators: R1–R8, and what only a backend can do (A7–A9, C4, B3, B4, B9). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commands, errors, limits, msgpackCodec, type ErrorCode } from "@suda/protocol";
import { clientId, codeOf, HandshakeRefused, say, TestServer, textOf, userId, WebSocketCommunicator, type HttpAnswer } from "@suda/testing";

describe("requests", () => {
  test("[R1] a route refuses with the error frame of its command, and the status of the table", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const stranger = { conversation: "g.01HF7YAT00000000000000000" };
    const pairs = [
      {
        http: await suda.as("alice").get(`/v1/conversations/${stranger.conversation}/history`),
        socket: await alice.answer({ type: "history.get", ...stranger }),
      },
      { http: await suda.as("alice").get("/v1/users/nobody"), socket: await alice.answer({ type: "user.get", user: "nobody" }) },
      {
        http: await suda.as("alice").post(`/v1/conversations/${stranger.conversation}/messages`, { clientId: "c", content: { type: "text", text: "" } }),
        socket: await alice.answer({ type: "message.send", ...stranger, clientId: "c", content: { type: "text", text: "" } }),
      },
    ];
    for (const { http, socket } of pairs) {
      const { ref: _ref, ...expected } = socket as unknown as Record<string, unknown>;
      assert.deepEqual(http.body, expected);
      assert.equal(http.status, errors[codeOf(socket) as ErrorCode].status);
    }
    const mine = await suda.as("alice").get("/v1/conversations");
    assert.deepEqual([mine.status, mine.body], [200, { conversations: [], more: false }]);
  });

  test("[R2] without credentials, and with wrong or expired ones", async () => {
    await using suda = await TestServer.open();
    assert.deepEqual(refusal(await suda.http().get("/v1/conversations")), [401, "auth.required"]);
    const expired = suda.token("alice", { exp: Math.floor(suda.clock.now() / 1_000) - 60 });
    for (const path of ["/v1/conversations", "/healthz"]) {
      assert.deepEqual(refusal(await suda.http({ authorization: "Bearer not.a.token" }).get(path)), [401, "auth.invalid"]);
      assert.deepEqual(refusal(await suda.http({ authorization: "Basic YWxpY2U6eA==" }).get(path)), [401, "auth.invalid"]);
      assert.deepEqual(refusal(await suda.http({ authorization: `Bearer ${expired}` }).get(path)), [401, "auth.expired"]);
    }
    assert.equal((await suda.http().get("/healthz")).status, 200);
  });

  test("[R3] an API key needs Suda-User where a user is needed", async () => {
    await using suda = await TestServer.open();
    const { id } = await group(suda, ["alice", "bob"]);
    const calls: readonly (readonly [string, string, unknown])[] = [
      ["GET", "/v1/conversations", undefined],
      ["POST", `/v1/conversations/${id}/messages`, { clientId: "c1", content: textOf("hi") }],
      ["POST", `/v1/conversations/${id}/read`, { seq: 0 }],
    ];
    for (const [method, path, body] of calls) {
      assert.deepEqual(refusal(await suda.backend().request(method, path, body)), [400, "frame.invalid"]);
      assert.equal((await suda.backend("alice").request(method, path, body)).status, 200);
    }
    assert.deepEqual(refusal(await suda.backend("not a user id").get("/v1/conversations")), [400, "frame.invalid"]);
    assert.deepEqual(refusal(await suda.backend("~system").get("/v1/conversations")), [400, "frame.invalid"]);
  });

  test("[R4] bodies are JSON or MessagePack, replies follow Accept", async () => {
    await using suda = await TestServer.open();
    const body = { name: "앨리스" };
    const packed = await suda.as("alice").request("PUT", "/v1/users/alice", msgpackCodec.encode(body), { "content-type": "application/msgpack" });
    assert.deepEqual(packed.body, { user: { id: "alice", name: "앨리스" } });
    for (const type of ["text/plain", "application/x-www-form-urlencoded"])
      assert.deepEqual(refusal(await suda.as("alice").request("PUT", "/v1/users/alice", JSON.stringify(body), { "content-type": type })), [
        400,
        "frame.malformed",
      ]);
    const answer = await suda.as("alice").fetch("/v1/users/alice", { headers: { accept: "application/msgpack" } });
    assert.equal(answer.headers.get("content-type"), "application/msgpack");
    assert.deepEqual(msgpackCodec.parse(new Uint8Array(await answer.arrayBuffer())), { user: { id: "alice", name: "앨리스" } });
  });

  test("[R5] [D3] a message over HTTP is the same message over WebSocket, and reaches connections live", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("bob") });
    const path = `/v1/conversations/${conversation.id}/messages`;
    const message = { clientId: clientId("paid"), content: textOf("감사합니다") };
    const first = await suda.as("alice").post(path, message);
    assert.equal((await bob.event("message.created")).clientId, "paid");
    const again = await alice.request({ type: "message.send", conversation: conversation.id, ...message });
    assert.deepEqual(again, { ...again, ...(first.body as object), duplicate: true });
    const backend = await suda.backend("alice").post(path, message);
    assert.deepEqual(backend.body, { ...(first.body as object), duplicate: true });
    assert.deepEqual(refusal(await suda.as("alice").post(path, { ...message, content: textOf("something else") })), [409, "send.conflict"]);
    assert.deepEqual(
      (await bob.leftovers()).filter(({ type }) => type === "message.created"),
      [],
    );
  });

  test("[R6] the documents hold every route, command and event; /docs needs nothing from outside", async () => {
    await using suda = await TestServer.open();
    const open = (await suda.http().get("/openapi.json")).body as { openapi: string; paths: Record<string, Record<string, unknown>> };
    assert.equal(open.openapi, "3.1.0");
    for (const [path, operations] of Object.entries(open.paths)) {
      for (const method of Object.keys(operations)) {
        const answer = await suda.http().request(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, "x"), method === "get" ? undefined : {});
        assert.deepEqual(refusal(answer), [401, "auth.required"], `${method} ${path} is served`);
      }
    }
    const asynchronous = (await suda.http().get("/asyncapi.json")).body as { components: { messages: object } };
    const names = Object.keys(asynchronous.components.messages);
    for (const type of Object.keys(commands)) assert.ok(names.includes(type) && names.includes(`${type}.reply`), type);
    for (const type of ["message.created", "member.removed", "conversation.joined", "conversation.left", "error"]) assert.ok(names.includes(type), type);
    const page = await suda.http().get("/docs");
    const html = String(page.body);
    for (const name of [...Object.keys(commands), ...Object.keys(errors)]) assert.ok(html.includes(name), name);
    assert.doesNotMatch(html, /<(?:script|img|iframe|object)|\bsrc=|href="(?![/#])|@import|url\(/);
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  });

  test("[R7] pages of allowed origins may call, others may not read the answer", async () => {
    await using suda = await TestServer.open({ allowedOrigins: ["https://app.example.com"] });
    const allowedFor = async (origin: string) => (await suda.as("alice").get("/v1/conversations", { origin })).headers.get("access-control-allow-origin");
    assert.equal(await allowedFor("https://app.example.com"), "https://app.example.com");
    assert.equal(await allowedFor("https://app.example.com.evil.example"), null);
    assert.equal(await allowedFor("null"), null);
    const preflight = await suda.http().fetch("/v1/conversations", {
      method: "OPTIONS",
      headers: { origin: "https://app.example.com", "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
    });
    assert.equal(preflight.headers.get("access-control-allow-origin"), "https://app.example.com");
    assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /authorization/i);
  });

  test("[R8] an unknown path is said to be unknown", async () => {
    await using suda = await TestServer.open();
    for (const path of ["/v2/users/alice", "/v1/nothing", "/favicon.ico"])
      assert.deepEqual(refusal(await suda.as("alice").get(path)), [404, "route.not_found"]);
    await assert.rejects(
      suda.connectSilently({ path: "/v2/socket" }),
      (error) => error instanceof HandshakeRefused && error.status === 404 && error.body.includes("route.not_found"),
    );
  });
});

describe("the product's backend", () => {
  test("[A7] acts as anybody, in every conversation; a token speaks for its own user only", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const { conversation } = await alice.request({ type: "conversation.create", title: "팀", members: [userId("bob")] });
    const path = `/v1/conversations/${conversation.id}`;
    assert.equal((await suda.backend().request("PATCH", path, { title: "바뀐 이름" })).status, 200);
    assert.equal((await alice.event("conversation.updated")).from, "~system");
    assert.equal((await suda.backend("bob").request("DELETE", `${path}/members/alice`)).status, 200, "no role is needed");
    assert.equal((await alice.event("member.removed")).from, "bob");
    const asBob = await suda.http({ authorization: `Bearer ${suda.token("alice")}` }).get("/v1/conversations", { "suda-user": "bob" });
    assert.deepEqual(refusal(asBob), [403, "auth.forbidden"]);
    assert.equal((await suda.as("alice").get("/v1/conversations", { "suda-user": "alice" })).status, 200);
  });

  test("[A8] alone chooses a conversation's id, and who is a bot", async () => {
    await using suda = await TestServer.open();
    const named = { id: "order-1", members: ["bob"] };
    assert.deepEqual(refusal(await suda.as("alice").post("/v1/conversations", named)), [403, "auth.forbidden"]);
    assert.equal((await suda.backend("alice").post("/v1/conversations", named)).status, 200);
    assert.deepEqual(refusal(await suda.as("alice").request("PUT", "/v1/users/alice", { bot: true })), [403, "auth.forbidden"]);
    const bot = await suda.backend().request("PUT", "/v1/users/helper", { bot: true, name: "Helper" });
    assert.deepEqual(bot.body, { user: { id: "helper", name: "Helper", bot: true } });
  });

  test("[A8] [D16] or signs it into a token, for a connection and for a request", async () => {
    await using suda = await TestServer.open();
    const token = (user: string, claims: object) => suda.token(user, { ...claims });
    const isBot = async (user: string) => (await suda.backend().get(`/v1/users/${user}`)).body;
    await using echo = await suda.connectSilently();
    await echo.request({ type: "hello", token: token("echo", { bot: true }) });
    assert.deepEqual(await isBot("echo"), { user: { id: "echo", bot: true } });
    // At once, and not only from the next hello on.
    const { conversation } = await echo.request({ type: "conversation.open", with: userId("alice") });
    await say(echo, conversation.id, "what a bot says");
    assert.equal((await echo.request({ type: "conversation.get", conversation: conversation.id })).conversation.read, 0);
    const put = (user: string, claims: object) =>
      suda.http({ authorization: `Bearer ${token(user, claims)}` }).request("PUT", `/v1/bots/${user}`, { name: "Bot" });
    assert.equal((await put("order", { bot: true })).status, 200);
    assert.deepEqual(await isBot("order"), { user: { id: "order", name: "Bot", bot: true } });
    for (const claim of [undefined, false, "true", 1]) assert.deepEqual(refusal(await put("human", { bot: claim })), [403, "auth.forbidden"], String(claim));
  });

  test("[A9] sends only for members", async () => {
    await using suda = await TestServer.open();
    const { id } = await group(suda, ["alice"]);
    const message = { clientId: "c1", content: textOf("hi") };
    assert.deepEqual(refusal(await suda.backend("mallory").post(`/v1/conversations/${id}/messages`, message)), [404, "member.not_found"]);
    assert.equal((await suda.backend("alice").post(`/v1/conversations/${id}/messages`, message)).status, 200);
  });

  test("[C4] an id that exists is the conversation that exists", async () => {
    await using suda = await TestServer.open();
    const first = await suda.backend().post("/v1/conversations", { id: "order-7", title: "Order 7", members: ["alice"] });
    const again = await suda.backend().post("/v1/conversations", { id: "order-7", title: "Order 7", members: ["alice"] });
    assert.deepEqual(again, first);
    assert.equal((first.body as { conversation: { id: string } }).conversation.id, "order-7");
    assert.deepEqual(refusal(await suda.backend().post("/v1/conversations", { id: "d.order", members: ["alice"] })), [400, "frame.invalid"]);
  });
});

describe("bounds", () => {
  test("[B3] handshakes of one address are limited, and others' are not", async () => {
    await using suda = await TestServer.open({ limits: { connects: { perSecond: 1, burst: 2 } } });
    const connect = (address: string) => WebSocketCommunicator.connect(suda.server.app, { address });
    await using _first = await connect("192.0.2.1");
    await using _second = await connect("192.0.2.1");
    await assert.rejects(connect("192.0.2.1"), (error) => error instanceof HandshakeRefused && error.status === 429);
    await using _other = await connect("192.0.2.2");
    suda.clock.advance(1_000);
    await using _later = await connect("192.0.2.1");
  });

  test("[B4] requests of one address are limited, but not those of an API key", async () => {
    await using suda = await TestServer.open({ limits: { requests: { perSecond: 1, burst: 3 } } });
    for (let i = 0; i < 3; i++) assert.equal((await suda.as("alice").get("/v1/conversations")).status, 200);
    const limited = await suda.as("alice").get("/v1/conversations");
    assert.deepEqual(refusal(limited), [429, "rate.limited"]);
    assert.equal(limited.headers.get("retry-after"), "1");
    assert.equal((await suda.backend("alice").get("/v1/conversations")).status, 200);
    suda.clock.advance(1_000);
    assert.equal((await suda.as("alice").get("/v1/conversations")).status, 200);
  });

  test("[B9] a body over the bound is refused, whatever its length header said", async () => {
    await using suda = await TestServer.open();
    const put = (bytes: number, headers: Record<string, string> = {}) =>
      suda.as("alice").request("PUT", "/v1/users/alice", `{"name":"a"${" ".repeat(bytes - 12)}}`, headers);
    assert.equal((await put(limits.frameMaxBytes)).status, 200);
    assert.deepEqual(refusal(await put(limits.frameMaxBytes + 1)), [413, "frame.too_large"]);
    assert.deepEqual(refusal(await put(limits.frameMaxBytes + 1, { "content-length": "10" })), [413, "frame.too_large"]);
    assert.deepEqual(refusal(await put(20, { "content-length": "9999999" })), [413, "frame.too_large"]);
  });
});

function refusal({ status, body }: HttpAnswer): readonly [number, unknown] {
  return [status, (body as { code?: unknown }).code];
}

async function group(suda: TestServer, members: readonly string[]): Promise<{ readonly id: string }> {
  const { body } = await suda.backend().post("/v1/conversations", { members });
  return (body as { conversation: { id: string } }).conversation;
}
