/** Connecting, staying and coming back, on a clock that the test moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { closeCodes } from "@suda/protocol";
import { me, settle } from "../../test/frames.ts";
import { ScriptedServer } from "../../test/scripted-server.ts";
import { openClient } from "../index.ts";

const half = { bytes: (length: number) => new Uint8Array(length), float: () => 0.5 };

/** An unsigned JWT that is over at `exp`. */
function tokenUntil(expiresAt: number): string {
  return `e30.${Buffer.from(JSON.stringify({ sub: "alice", exp: expiresAt / 1_000 })).toString("base64url")}.c2ln`;
}

test("a token is asked for before each hello", async () => {
  const server = new ScriptedServer();
  let asked = 0;
  await using client = await server.open({ tokenProvider: async () => `token ${++asked}` });
  assert.equal((await server.greet()).token, "token 1");
  assert.deepEqual(client.connection.getSnapshot(), { kind: "open", user: me });
  server.socket.end(1006);
  await server.reconnect();
  assert.equal((await server.greet()).token, "token 2");
});

test("waits between attempts double up to a minute, and are random between nothing and that", async () => {
  const server = new ScriptedServer();
  await using client = await server.open({ random: half });
  const waits: number[] = [];
  for (let attempt = 0; attempt < 10; attempt++) {
    server.socket.end(1006);
    const state = client.connection.getSnapshot();
    assert.ok(state.kind === "waiting");
    waits.push(state.retryAt - server.clock.now());
    await server.reconnect();
  }
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("after a connection that held, the waits begin anew; after one that fell at once they don't", async () => {
  const server = new ScriptedServer();
  await using client = await server.open({ random: half });
  const waitAfter = async (heldMs: number): Promise<number> => {
    await server.greet();
    server.clock.advance(heldMs);
    server.socket.end(1006);
    const state = client.connection.getSnapshot();
    assert.ok(state.kind === "waiting");
    const waitMs = state.retryAt - server.clock.now();
    await server.reconnect();
    return waitMs;
  };
  assert.equal(await waitAfter(100), 250);
  assert.equal(await waitAfter(100), 500);
  assert.equal(await waitAfter(10_000), 250);
});

test("after goaway the first attempt is spread over the server's window", async () => {
  const server = new ScriptedServer();
  await using client = await server.open({ random: half });
  await server.greet();
  server.socket.tell({ type: "goaway", windowMs: 40_000 });
  server.socket.end(closeCodes.restart.code, "restart");
  const state = client.connection.getSnapshot();
  assert.ok(state.kind === "waiting");
  assert.equal(state.retryAt - server.clock.now(), 20_000);
  assert.deepEqual([state.code, state.reason], [1012, "The server restarts."]);
});

for (const [name, { code, resumable, means }] of Object.entries(closeCodes)) {
  test(`[D11] close code ${code} (${name}) ${resumable ? "leads back" : "ends the client"}, with code and reason`, async () => {
    const server = new ScriptedServer();
    await using client = await server.open();
    await server.greet();
    server.socket.end(code, name);
    const state = client.connection.getSnapshot();
    assert.equal(state.kind, resumable ? "waiting" : "closed");
    assert.ok(state.kind === "waiting" || state.kind === "closed");
    assert.deepEqual([state.code, state.reason], [code, means]);
    if (resumable) await server.reconnect();
    else server.clock.advance(120_000);
    await settle();
    assert.equal(server.sockets.length, resumable ? 2 : 1);
  });
}

test("a hello that is refused for good ends the client with the server's refusal", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  server.socket.accept();
  const ready = client.ready();
  server.socket.refuse(await server.socket.take("hello"), "auth.invalid");
  await assert.rejects(ready, { code: "client.closed" });
  const state = client.connection.getSnapshot();
  assert.ok(state.kind === "closed");
  assert.equal(state.error?.code, "auth.invalid");
  await assert.rejects(client.request("user.get", { user: me }), { code: "client.closed" });
  assert.throws(() => client.conversation("room").sendText("late"), { code: "client.closed" });
});

test("a hello that is refused for now is said again, not before the server wants it", async () => {
  const server = new ScriptedServer();
  await using client = await server.open({ random: half });
  server.socket.accept();
  server.socket.refuse(await server.socket.take("hello"), "server.busy", { retryable: true, retryAfterMs: 7_000 });
  await settle();
  const state = client.connection.getSnapshot();
  assert.ok(state.kind === "waiting");
  assert.equal(state.retryAt - server.clock.now(), 7_250);
  assert.equal(server.socket.closedWith, 1000);
  await server.reconnect();
  await server.greet();
  assert.equal(client.connection.getSnapshot().kind, "open");
});

test("a server that never answers hello, and a token that never comes, are given up after 15 s", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  server.socket.accept();
  server.clock.advance(15_000);
  assert.equal(client.connection.getSnapshot().kind, "waiting");
  const stuck = new ScriptedServer();
  await using waiting = await stuck.open({ tokenProvider: () => new Promise(() => {}) });
  stuck.clock.advance(15_000);
  assert.equal(waiting.connection.getSnapshot().kind, "waiting");
});

test("a token provider that throws is asked again", async () => {
  const server = new ScriptedServer();
  let isOffline = true;
  const tokenProvider = (): string => {
    if (isOffline) throw new Error("offline");
    return "token";
  };
  await using client = await server.open({ tokenProvider });
  const state = client.connection.getSnapshot();
  assert.ok(state.kind === "waiting");
  assert.equal(state.reason, "There is no token: offline");
  isOffline = false;
  client.retryNow();
  await settle();
  await server.greet();
  assert.equal(client.connection.getSnapshot().kind, "open");
});

test("a connection that is silent is asked something, and is dead when nothing comes", async () => {
  const server = new ScriptedServer();
  await using client = await server.open({ random: half });
  await server.greet();
  server.clock.advance(20_000);
  const question = await server.socket.take("user.get");
  server.socket.reply(question, { user: { id: me } });
  await settle();
  assert.equal(client.connection.getSnapshot().kind, "open");
  server.clock.advance(20_000);
  await server.socket.take("user.get");
  server.clock.advance(15_000);
  assert.equal(client.connection.getSnapshot().kind, "waiting");
  assert.equal(server.socket.closedWith, 1000);
});

test("[D18] a connection on which something is heard is alive however slow the server answers, but not for ever", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet();
  const asked = client.request("user.get", { user: me });
  const waitAndHear = (ms: number): void => {
    for (const endsAt = server.clock.now() + ms; server.clock.now() < endsAt; ) {
      server.clock.advance(10_000);
      server.socket.tell({ type: "user.updated", user: { id: me } });
    }
  };
  waitAndHear(50_000);
  server.socket.reply(await server.socket.take("user.get"), { user: { id: me } });
  assert.equal((await asked).user.id, me);
  const lost = client.request("user.get", { user: me });
  waitAndHear(80_000);
  await assert.rejects(lost, { code: "connection.lost", message: "No answer came in time." });
});

test("[D18] a connection on which nothing is heard any more is dead when a request has waited for 15 s", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet();
  server.clock.advance(8_000);
  const asked = client.request("user.get", { user: me });
  server.clock.advance(12_000);
  assert.equal(client.connection.getSnapshot().kind, "open");
  server.clock.advance(5_000);
  await assert.rejects(asked, { code: "connection.lost" });
});

test("what was asked when the connection broke is rejected; what an old socket says is not heard", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet();
  const asked = client.request("user.get", { user: me });
  const old = server.socket;
  const command = await old.take("user.get");
  old.end(1006);
  await assert.rejects(asked, { code: "connection.lost", retryable: true });
  await assert.rejects(client.request("user.get", { user: me }), { code: "connection.lost" });
  await server.reconnect();
  old.reply(command, { user: { id: me } });
  old.end(4500);
  assert.equal(client.connection.getSnapshot().kind, "connecting");
});

test("a token is refreshed in place before it is over, and again before the next is", async () => {
  const server = new ScriptedServer();
  const tokenProvider = (): string => tokenUntil(server.clock.now() + 600_000);
  await using client = await server.open({ tokenProvider });
  await server.greet();
  const stay = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10_000) {
      server.clock.advance(10_000);
      await settle();
      for (const command of server.socket.commands.splice(0)) {
        if (command.type === "user.get") server.socket.reply(command, { user: { id: me } });
        else server.socket.commands.push(command);
      }
    }
  };
  await stay(530_000);
  assert.deepEqual(server.socket.commands, []);
  await stay(10_000);
  const refresh = await server.socket.take("token.refresh");
  server.socket.reply(refresh, { expiresAt: server.clock.now() + 600_000 });
  await stay(530_000);
  assert.deepEqual(server.socket.commands, []);
  await stay(10_000);
  await server.socket.take("token.refresh");
  assert.equal(client.connection.getSnapshot().kind, "open");
});

test("what does not speak the protocol is left and tried again", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  server.socket.accept();
  server.socket.tellText("<html>");
  const state = client.connection.getSnapshot();
  assert.ok(state.kind === "waiting");
  assert.match(state.reason, /does not speak/);
});

test("[F2] [F7] what the server would close the connection for is refused here", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet();
  await assert.rejects(client.request("user.update", { data: { long: "수".repeat(30_000) } }), { code: "frame.too_large" });
  await assert.rejects(client.request("user.update", { data: JSON.parse('{"__proto__":1}') as Record<string, number> }), { code: "frame.forbidden_key" });
  // Half a surrogate pair, as from cutting an emoji.
  const sent = client.request("user.update", { name: '"__proto__":\ud83d' });
  const command = await server.socket.take("user.update");
  assert.equal(command.name, '"__proto__":\ufffd');
  server.socket.reply(command, { user: { id: me } });
  await sent;
});

test("disposing twice is fine, and closes the socket", async () => {
  const server = new ScriptedServer();
  const client = await server.open();
  await server.greet();
  await Promise.all([client[Symbol.asyncDispose](), client[Symbol.asyncDispose]()]);
  await client[Symbol.asyncDispose]();
  assert.equal(server.socket.closedWith, 1000);
  assert.equal(client.connection.getSnapshot().kind, "closed");
  assert.equal(server.clock.pendingTimers, 0);
});

test("a client that is disposed while it waits or connects leaves nothing behind", async () => {
  const server = new ScriptedServer();
  const client = await server.open();
  server.socket.end(1006);
  await client[Symbol.asyncDispose]();
  assert.equal(server.clock.pendingTimers, 0);
  const other = await server.open();
  await other[Symbol.asyncDispose]();
  assert.equal(server.clock.pendingTimers, 0);
  await assert.rejects(other.ready(), { code: "client.closed" });
});

test("a wrong address, and a runtime without WebSocket, are said at once", async () => {
  await assert.rejects(openClient({ url: "https://chat.test/", tokenProvider: () => "t" }), { name: "TypeError", message: /wss:/ });
  const hadOne = "WebSocket" in globalThis;
  if (!hadOne) await assert.rejects(openClient({ url: "ws://chat.test/", tokenProvider: () => "t" }), { name: "TypeError", message: /Install ws and pass it/ });
});

test("another user's token is not let near what is shown", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet();
  server.socket.end(1006);
  await server.reconnect();
  await server.greet({ user: "mallory" as typeof me });
  assert.equal(client.connection.getSnapshot().kind, "closed");
  assert.equal(client.user, me);
});
