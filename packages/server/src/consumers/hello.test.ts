/** Who is there: the first command, what it refuses, and the end of a token. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SudaError } from "@suda/protocol";
import { MemoryStore, type Store } from "@suda/server/store";
import {
  codeOf,
  conversationId,
  createTestGroup,
  HandshakeRefused,
  RawWebSocket,
  say,
  signTestToken,
  testApiKey,
  TestServer,
  userId,
  WebSocketCommunicator,
} from "@suda/testing";
import { withResolvers } from "./with-resolvers.ts";

const seconds = (ms: number): number => Math.floor(ms / 1_000);

describe("hello", () => {
  test("[H1] a command before hello is refused on its ref, and hello may follow", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connectSilently();
    const early = await alice.answer({ type: "conversation.list" });
    assert.deepEqual([early.type, codeOf(early)], ["error", "auth.required"]);
    assert.equal((await alice.request({ type: "hello", token: suda.token("alice") })).user, "alice");
    assert.deepEqual((await alice.request({ type: "conversation.list" })).conversations, []);
  });

  test("[H2] without hello in 10 seconds the connection is closed with 4003; one that said hello stays", async () => {
    await using suda = await TestServer.open();
    await using silent = await suda.connectSilently();
    await using refused = await suda.connectSilently();
    await using alice = await suda.connect("alice");
    await refused.answer({ type: "hello" });
    suda.clock.advance(9_999);
    await alice.request({ type: "conversation.list" });
    suda.clock.advance(1);
    assert.equal((await silent.closed()).code, 4_003);
    assert.equal((await refused.closed()).code, 4_003);
    await alice.request({ type: "conversation.list" });
  });

  test("[H3] a second hello is refused and changes nothing", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    for (const user of ["alice", "bob"]) {
      const again = await alice.answer({ type: "hello", token: suda.token(user) });
      assert.equal(codeOf(again), "auth.already");
    }
    await alice.request({ type: "user.update", name: "Alice" });
    assert.equal((await alice.request({ type: "user.get", user: userId("alice") })).user.name, "Alice");
  });

  test("[H4] an expired token is told so and closes with 4001; a good one from the same signer is taken", async () => {
    await using suda = await TestServer.open();
    await using late = await suda.connectSilently();
    const expired = suda.token("alice", { exp: seconds(suda.clock.now()) - 6 });
    const refusal = await late.answer({ type: "hello", token: expired });
    assert.deepEqual([codeOf(refusal), refusal.type === "error" && refusal.retryable], ["auth.expired", true]);
    assert.equal((await late.closed()).code, 4_001);
    await assert.rejects(
      suda.connectSilently({ headers: { authorization: `Bearer ${expired}` } }),
      (error) => error instanceof HandshakeRefused && error.status === 401 && error.body.includes("auth.expired"),
    );
    await using alice = await suda.connect("alice");
    await alice.request({ type: "conversation.list" });
  });

  test("[H5] a token that is not this server's closes with 4501, and is a 401 in the handshake", async () => {
    await using suda = await TestServer.open();
    const exp = seconds(suda.clock.now()) + 60;
    const forged = {
      "another key": signTestToken({ sub: "alice", exp }, { secret: new Uint8Array(32) }),
      "alg none": `${signTestToken({ sub: "alice", exp }, { header: { alg: "none" } })
        .split(".")
        .slice(0, 2)
        .join(".")}.`,
      "another algorithm": signTestToken({ sub: "alice", exp }, { header: { alg: "HS512" } }),
      "no sub": signTestToken({ exp }),
      "no exp": signTestToken({ sub: "alice" }),
      "the system's id": signTestToken({ sub: "~system", exp }),
      "no user id": signTestToken({ sub: "alice smith", exp }),
      "not a JWT": "nonsense",
    };
    for (const [what, token] of Object.entries(forged)) {
      await using mallory = await suda.connectSilently();
      const refusal = await mallory.answer({ type: "hello", token });
      assert.deepEqual([codeOf(refusal), refusal.type === "error" && refusal.retryable], ["auth.invalid", false], what);
      assert.equal((await mallory.closed()).code, 4_501, what);
      await assert.rejects(
        suda.connectSilently({ headers: { authorization: `Bearer ${token}` } }),
        (error) => error instanceof HandshakeRefused && error.status === 401,
        what,
      );
    }
    assert.equal(await suda.failures(), 0);
  });

  test("[H6] with a token in the handshake hello needs none; one that it brings counts", async () => {
    await using suda = await TestServer.open();
    const headers = { authorization: `Bearer ${suda.token("alice")}` };
    await using alice = await suda.connectSilently({ headers });
    assert.equal((await alice.request({ type: "hello" })).user, "alice");
    await using bob = await suda.connectSilently({ headers });
    assert.equal((await bob.request({ type: "hello", token: suda.token("bob") })).user, "bob");
    await using late = await suda.connectSilently({ headers: { authorization: `Bearer ${suda.token("alice", { exp: seconds(suda.clock.now()) + 5 })}` } });
    suda.clock.advance(6_000);
    assert.equal(codeOf(await late.answer({ type: "hello" })), "auth.expired");
    assert.equal((await late.closed()).code, 4_001);
  });

  test("[H7] a token in the URL is not looked at", async () => {
    await using suda = await TestServer.open();
    const url = await suda.listen();
    const received: string[] = [];
    const path = `/v1/socket?token=${suda.token("alice")}&access_token=${suda.token("alice")}`;
    await using client = await RawWebSocket.open(url + path, { onMessage: (payload) => received.push(payload.toString()) });
    client.send('{"type":"hello","ref":1}');
    // The second answer comes after the first.
    client.send('{"type":"hello","ref":2,"token":"nonsense"}');
    assert.equal(await client.closed, 4_501);
    assert.match(received[0] ?? "", /"ref":1,"code":"auth\.required"/);
  });

  test("[H15] a hello that the store fails is answered with its error and closes with 1011; what comes from the conversations meanwhile is dropped", async () => {
    await using kept = new MemoryStore();
    let isFailing = false;
    const asked = withResolvers();
    const told = withResolvers();
    const getMany: typeof kept.conversations.getMany = async (ids) => {
      if (!isFailing) return await kept.conversations.getMany(ids);
      asked.resolve();
      await told.promise;
      throw new SudaError("store.failed");
    };
    const { log, users, documents } = kept;
    const store: Store = {
      log,
      users,
      documents,
      conversations: { ...kept.conversations, getMany },
      status: () => kept.status(),
      async [Symbol.asyncDispose]() {},
    };
    await using suda = await TestServer.open({ store });
    const url = await suda.listen();
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(bob, ["alice"]);
    isFailing = true;
    const received: string[] = [];
    await using alice = await RawWebSocket.open(`${url}/v1/socket`, { onMessage: (payload) => received.push(payload.toString()) });
    alice.send(JSON.stringify({ type: "hello", ref: 1, token: suda.token("alice") }));
    await asked.promise;
    await say(bob, id, "before you are greeted");
    told.resolve();
    assert.equal(await alice.closed, 1_011);
    assert.equal(received.length, 1);
    assert.match(received[0] ?? "", /"type":"error","ref":1,"code":"store\.failed"/);
    // The server lives on, and so does the user.
    isFailing = false;
    await using again = await suda.connect("alice");
    assert.equal((await again.request({ type: "history.get", conversation: id })).head, 1);
  });

  test("[H8] when the token expires the connection is closed with 4001, also after more than 24 days", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connectSilently();
    await using bob = await suda.connectSilently();
    await alice.request({ type: "hello", token: suda.token("alice", { exp: seconds(suda.clock.now()) + 60 }) });
    await bob.request({ type: "hello", token: suda.token("bob", { exp: seconds(suda.clock.now()) + 60 * 86_400 }) });
    suda.clock.advance(59_000);
    await alice.request({ type: "conversation.list" });
    suda.clock.advance(1_000);
    assert.equal((await alice.closed()).code, 4_001);
    suda.clock.advance(59 * 86_400_000);
    await bob.request({ type: "conversation.list" });
    suda.clock.advance(86_400_000);
    assert.equal((await bob.closed()).code, 4_001);
  });

  test("[H9] hello without a token where the handshake brought none is refused, and a good one may follow", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connectSilently();
    assert.equal(codeOf(await alice.answer({ type: "hello" })), "auth.required");
    await alice.request({ type: "hello", token: suda.token("alice") });
  });

  test("[H10] an API key cannot open a WebSocket", async () => {
    await using suda = await TestServer.open();
    await assert.rejects(
      suda.connectSilently({ headers: { authorization: `Bearer ${testApiKey}` } }),
      (error) => error instanceof HandshakeRefused && error.status === 403 && error.body.includes("auth.forbidden"),
    );
    await using alice = await suda.connectSilently();
    assert.equal(codeOf(await alice.answer({ type: "hello", token: testApiKey })), "auth.invalid");
  });

  test("[H11] the reply names user, change and newest conversations; events come from it on and none before", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const groups = [];
    for (let index = 0; index < 60; index++) {
      suda.clock.advance(1_000);
      groups.push(await createTestGroup(alice, ["bob"], `group ${index}`));
    }
    await using bob = await suda.connectSilently();
    bob.send([
      { type: "hello", ref: "h", token: suda.token("bob") },
      { type: "conversation.list", ref: "l", limit: 1 },
    ]);
    const oldest = conversationId(groups[0]?.id ?? "");
    await say(alice, oldest, "to a group that is not on the page");
    const first = await bob.receive("the first frame");
    assert.deepEqual([first.type, "ref" in first ? first.ref : undefined], ["reply", "h"]);
    const hello = first as unknown as { user: string; change: number; conversations: { title: string }[]; more: boolean };
    assert.deepEqual([hello.user, hello.change, hello.conversations.length, hello.more], ["bob", 60, 50, true]);
    await say(alice, oldest, "and another");
    assert.equal((await bob.event("message.created", ({ seq }) => seq === 2)).conversation, oldest);
  });

  test("[H13] a user exists from the first hello, or from when it is named", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    assert.equal(codeOf(await alice.answer({ type: "user.get", user: "bob" })), "user.not_found");
    await alice.request({ type: "conversation.open", with: userId("bob") });
    assert.deepEqual((await alice.request({ type: "user.get", user: userId("bob") })).user, { id: "bob" });
    assert.deepEqual((await alice.request({ type: "user.get", user: userId("alice") })).user, { id: "alice" });
  });

  test("[F16] the first known subprotocol counts, none is JSON, none known is a 400", async () => {
    await using suda = await TestServer.open();
    for (const [offered, chosen, name] of [
      [[], undefined, "json"],
      [["suda.v1.json"], "suda.v1.json", "json"],
      [["suda.v9", "suda.v1.msgpack", "suda.v1.json"], "suda.v1.msgpack", "msgpack"],
    ] as const) {
      await using client = await suda.connectSilently({ subprotocols: offered });
      assert.equal(client.subprotocol, chosen);
      assert.equal(client.codec.name, name);
      await client.request({ type: "hello", token: suda.token("alice") });
    }
    await assert.rejects(suda.connectSilently({ subprotocols: ["suda.v2.json"] }), (error) => error instanceof HandshakeRefused && error.status === 400);
  });

  test("[H12] a page from another origin is refused with 403; allowed ones, the server's own, and programs pass", async () => {
    await using suda = await TestServer.open({ allowedOrigins: ["https://app.example"] });
    const connect = (origin: string | undefined): Promise<WebSocketCommunicator> =>
      suda.connectSilently({ headers: { host: "chat.example:8000", ...(origin === undefined ? {} : { origin }) } });
    for (const origin of [undefined, "https://app.example", "http://chat.example:8000", "https://chat.example:8000"]) {
      await using client = await connect(origin);
      assert.ok(client instanceof WebSocketCommunicator, origin);
    }
    for (const origin of [
      "https://evil.example",
      "http://app.example",
      "https://app.example:444",
      "https://app.example.evil.example",
      "https://chat.example",
      "null",
      "",
      "HTTPS://APP.EXAMPLE",
    ])
      await assert.rejects(
        connect(origin),
        (error) => error instanceof HandshakeRefused && error.status === 403 && error.body.includes("origin.forbidden"),
        origin,
      );
  });
});
