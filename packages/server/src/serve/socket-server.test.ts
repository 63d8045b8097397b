/** Scopes, refusals, draining, and what hostile requests get; over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { systemRandom } from "@suda/protocol";
import { HandshakeRefused, ManualClock, RawWebSocket, RecordingApp, type RecordingAppOptions } from "@suda/testing";
import { SocketServer, type SocketServerOptions } from "./socket-server.ts";

interface World extends AsyncDisposable {
  readonly app: RecordingApp;
  readonly sockets: SocketServer;
  readonly url: string;
  readonly failures: unknown[];
}

async function openWorld(options: RecordingAppOptions = {}, more: Partial<SocketServerOptions> = {}): Promise<World> {
  const app = new RecordingApp(options);
  const failures: unknown[] = [];
  const sockets = new SocketServer({ app, clock: new ManualClock(), random: systemRandom, onFailure: (error) => failures.push(error), ...more });
  const { url } = await sockets.listen({ port: 0, host: "127.0.0.1" });
  return { app, sockets, url, failures, [Symbol.asyncDispose]: () => sockets[Symbol.asyncDispose]() };
}

const openSocket = (url: string, headers: Readonly<Record<string, string>> = {}, subprotocol?: string): Promise<RawWebSocket> =>
  RawWebSocket.open(url, { onMessage: () => {}, headers, ...(subprotocol === undefined ? {} : { subprotocol }) });

/** Sends bytes as they are and returns everything that comes back until the server closes. */
async function exchange(url: string, request: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port) });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.end(request);
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

describe("socket server", { timeout: 30_000 }, () => {
  test("[I1] a scope is frozen and complete: path decoded once, query, headers, address, subprotocols", async () => {
    await using world = await openWorld({ subprotocol: "b" });
    await using client = await openSocket(
      `${world.url}/a%2520b/%EC%88%98?x=1&x=2`,
      { "X-Thing": "가".normalize("NFC").length.toString(), Cookie: "a=1" },
      "a, b",
    );
    const { scope } = await world.app.connection();
    assert.ok(Object.isFrozen(scope), "frozen");
    assert.equal(scope.path, "/a%20b/수");
    assert.deepEqual(scope.query.getAll("x"), ["1", "2"]);
    assert.equal(scope.headers.get("x-thing"), "1");
    assert.equal(scope.client.address, "127.0.0.1");
    assert.deepEqual(scope.subprotocols, ["a", "b"]);
    assert.equal(client.subprotocol, "b");
    await fetch(`${world.url}/p?q=%EC%88%98`, { headers: { "x-thing": "2" } });
    const [http] = world.app.httpScopes;
    assert.ok(http !== undefined && Object.isFrozen(http), "frozen");
    assert.deepEqual([http.path, http.query.get("q"), http.headers.get("x-thing"), http.client.address], ["/p", "수", "2", "127.0.0.1"]);
  });

  test("[I1] the address behind a trusted proxy is the one that it names", async () => {
    await using world = await openWorld({}, { trustedProxies: ["127.0.0.1"] });
    await using _client = await openSocket(world.url, { "X-Forwarded-For": "6.6.6.6, 203.0.113.9" });
    assert.equal((await world.app.connection()).scope.client.address, "203.0.113.9");
    await fetch(world.url, { headers: { "x-forwarded-for": "203.0.113.8" } });
    assert.equal(world.app.httpScopes[0]?.client.address, "203.0.113.8");
  });

  test("[I1] a path that cannot be decoded never reaches an app", async () => {
    await using world = await openWorld();
    await assert.rejects(openSocket(`${world.url}/%E0%A4`), (error) => error instanceof HandshakeRefused && error.status === 400);
    assert.deepEqual(world.app.scopes, []);
    assert.deepEqual(world.failures, []);
  });

  test("[I2] a refusal is an HTTP answer with status, headers and body, and there is no connection", async () => {
    await using world = await openWorld({
      answer: ({ path }) => (path === "/no" ? { kind: "refuse", status: 403, headers: { "X-Why": "because" }, body: '{"code":"x"}' } : undefined),
    });
    const answer = await exchange(
      world.url,
      "GET /no HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n/);
    assert.match(answer, /^X-Why: because\r$/m);
    assert.match(answer, /^Content-Type: application\/json\r$/m);
    assert.match(answer, /\r\n\r\n\{"code":"x"\}$/);
    assert.equal(world.sockets.connectionCount, 0);
    await using client = await openSocket(world.url);
    assert.ok(client.isOpen, "the same server accepts others");
    assert.equal(client.subprotocol, undefined);
  });

  test("[I2] a handshake that is not one is refused by its headers", async () => {
    await using world = await openWorld();
    const lines = ["GET / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket"];
    for (const more of [["Sec-WebSocket-Version: 13"], ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short"]])
      assert.match(await exchange(world.url, [...lines, ...more, "", ""].join("\r\n")), /^HTTP\/1\.1 400 /);
    assert.match(
      await exchange(world.url, [...lines, "Sec-WebSocket-Version: 7", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""].join("\r\n")),
      /^HTTP\/1\.1 4\d\d /,
    );
    assert.equal(world.sockets.connectionCount, 0);
    assert.deepEqual(world.failures, []);
  });

  test("[I9] an app that throws at the handshake is a 500, at a request too, and the server goes on", async () => {
    await using world = await openWorld({
      answer: ({ path }) => {
        if (path === "/throw") throw new Error("thrown");
        return undefined;
      },
      http: (scope) => {
        if (scope.path === "/throw") throw new Error("thrown");
        return scope.path === "/reject" ? Promise.reject(new Error("rejected")) : new Response("fine");
      },
    });
    await assert.rejects(openSocket(`${world.url}/throw`), (error) => error instanceof HandshakeRefused && error.status === 500);
    assert.equal((await fetch(`${world.url}/throw`)).status, 500);
    assert.equal((await fetch(`${world.url}/reject`)).status, 500);
    assert.equal(await (await fetch(world.url)).text(), "fine");
    await using client = await openSocket(world.url);
    assert.ok(client.isOpen, "accepted");
    assert.equal(world.failures.length, 3);
  });

  test("[B6] beyond maxConnections a handshake is refused with 503, and room is made by one that goes", async () => {
    await using world = await openWorld({}, { maxConnections: 2 });
    await using first = await openSocket(world.url);
    await using _second = await openSocket(world.url);
    await assert.rejects(openSocket(world.url), (error) => error instanceof HandshakeRefused && error.status === 503);
    const firstServer = await world.app.connection();
    await first.close();
    await firstServer.end();
    await using third = await openSocket(world.url);
    assert.ok(third.isOpen, "there is room");
    assert.equal(world.sockets.connectionCount, 2);
  });

  test("[I10] [B8] a drain answers what is under way, hands over nothing more, and closes with 1012", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    await using world = await openWorld({
      onMessage: (message, { connection }) => gate.then(() => connection.send(new TextEncoder().encode(`answer to ${String(message)}`))),
      onDrain: async ({ connection }) => connection.send(new TextEncoder().encode("the rest")),
    });
    const received: string[] = [];
    await using client = await RawWebSocket.open(world.url, { onMessage: (payload) => received.push(payload.toString()) });
    const server = await world.app.connection();
    client.send("one");
    client.send("two");
    await server.message();
    const draining = world.sockets.drain();
    assert.ok(world.sockets.isDraining, "draining");
    await assert.rejects(openSocket(world.url), "no new connections");
    release();
    assert.equal(await client.closed, 1_012);
    await draining;
    assert.deepEqual(received, ["answer to one", "the rest"]);
    assert.deepEqual(server.messages, ["one"]);
    assert.equal((await server.end()).code, 1_012);
  });

  test("[I10] a drain waits for requests under way, and cuts what is open when its time is over", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    await using world = await openWorld({ http: async ({ path }) => (path === "/slow" ? gate.then(() => new Response("done")) : new Response("")) });
    const answer = fetch(`${world.url}/slow`);
    while (world.app.httpScopes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const draining = world.sockets.drain();
    await new Promise((resolve) => setImmediate(resolve));
    release();
    assert.equal(await (await answer).text(), "done");
    await draining;
  });

  test("[I10] clients that do not read hold up a drain for two seconds at most, also when the app waits for them", { timeout: 20_000 }, async () => {
    const page = new Uint8Array(65_536);
    await using world = await openWorld({
      onMessage: async (_message, { connection }) => {
        while (connection.isOpen && !connection.isCongested) connection.send(page);
        await connection.drained();
      },
    });
    await using idle = await openSocket(world.url);
    await using greedy = await openSocket(world.url);
    for (const { socket } of [idle, greedy]) socket.pause();
    greedy.send("more");
    const servers = [await world.app.connection(), await world.app.connection()];
    while (servers.every(({ connection }) => !connection.isCongested)) await new Promise((resolve) => setTimeout(resolve, 5));
    const begun = performance.now();
    await world.sockets.drain(10_000);
    assert.ok(performance.now() - begun < 4_000, `${Math.round(performance.now() - begun)} ms`);
    assert.equal(world.sockets.connectionCount, 0);
  });

  test("[I8] a client that does not answer the close is cut by the end of the drain", { timeout: 4_000 }, async () => {
    const world = await openWorld();
    const client = await openSocket(world.url);
    const server = await world.app.connection();
    client.socket.removeAllListeners("data");
    client.socket.resume();
    await world.sockets.drain(0);
    assert.equal(world.sockets.connectionCount, 0);
    assert.equal(server.connection.isOpen, false);
    await client.closed;
    await world.sockets[Symbol.asyncDispose]();
  });

  test("[D11] what is no HTTP is a 400, and no fault of the server", async () => {
    await using world = await openWorld();
    for (const nonsense of [
      "nonsense\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "\u0016\u0003\u0001\u0002\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    ])
      assert.match(await exchange(world.url, nonsense), /^HTTP\/1\.1 400 /, JSON.stringify(nonsense));
    for (const host of ["", "a b", "]", "a/b", "%"]) {
      const answer = await exchange(world.url, `GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(host));
    }
    assert.match(await exchange(world.url, "GET /x HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 400 /, "no Host at all");
    assert.equal((await fetch(`${world.url}/fine`)).status, 200);
    assert.deepEqual(world.failures, []);
  });
});
