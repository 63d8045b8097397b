import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { jsonCodec, systemClock, type ClientId, type ConversationId } from "@suda/protocol";
import { WebSocketServer, type WebSocket } from "ws";
import { ConnectionLost, createConnection, type ChatConnection, type ConnectionListener, type ConnectionState } from "./connection.ts";

interface Frame {
  readonly type: string;
  readonly ref: number | string;
  readonly token?: string;
  readonly clientId?: string;
}

/** A server that does what the test says with each frame; `connection` counts from 1. */
async function scriptedServer(t: TestContext, onFrame: (frame: Frame, socket: WebSocket, connection: number) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => jsonCodec.subprotocol });
  let connections = 0;
  server.on("connection", (socket) => {
    const connection = ++connections;
    socket.on("message", (data: Buffer) => onFrame(JSON.parse(data.toString()) as Frame, socket, connection));
  });
  await once(server, "listening");
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/socket`;
}

const reply = (socket: WebSocket, ref: number | string, fields: object): void => socket.send(JSON.stringify({ type: "reply", ref, ...fields }));
const greet = (socket: WebSocket, ref: number | string): void => reply(socket, ref, { user: "bob", conversations: [], more: false, change: 0 });

function connect(t: TestContext, url: string, listener: ConnectionListener = {}, tokens: string[] = ["token"]): ChatConnection {
  const connection = createConnection({
    url,
    token: async () => tokens.shift() ?? "token",
    listener,
    clock: systemClock,
    // No waiting between attempts.
    random: { bytes: (length) => new Uint8Array(length), float: () => 0 },
  });
  t.after(() => connection[Symbol.asyncDispose]());
  return connection;
}

const message = (clientId: string) => ({
  conversation: "g.x" as ConversationId,
  clientId: clientId as ClientId,
  content: { type: "text" as const, text: clientId },
});

test("a send that was not answered goes out again with the same clientId, before those after it", async (t) => {
  const received: string[] = [];
  const url = await scriptedServer(t, (frame, socket, connection) => {
    if (frame.type === "hello") return greet(socket, frame.ref);
    received.push(`${connection}:${frame.clientId}`);
    // The first connection takes the message and dies before the answer.
    if (connection === 1) socket.terminate();
    else reply(socket, frame.ref, { seq: received.length, at: 1, duplicate: true });
  });
  const connection = connect(t, url);
  await connection.open();
  await Promise.all([connection.send(message("a")), connection.send(message("b")), connection.send(message("c"))]);
  assert.deepEqual(received, ["1:a", "2:a", "2:b", "2:c"]);
});

test("a send that is limited waits as long as the server says; one that is refused makes room for the next", async (t) => {
  const received: string[] = [];
  const url = await scriptedServer(t, (frame, socket) => {
    if (frame.type === "hello") return greet(socket, frame.ref);
    received.push(String(frame.clientId));
    if (frame.clientId === "a" && received.length === 1)
      socket.send(JSON.stringify({ type: "error", ref: frame.ref, code: "rate.limited", message: "wait", retryable: true, retryAfterMs: 60 }));
    else if (frame.clientId === "b") socket.send(JSON.stringify({ type: "error", ref: frame.ref, code: "send.conflict", message: "no", retryable: false }));
    else reply(socket, frame.ref, { seq: 1, at: 1 });
  });
  const connection = connect(t, url);
  await connection.open();
  const outcomes = await Promise.allSettled([connection.send(message("a")), connection.send(message("b")), connection.send(message("c"))]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(received, ["a", "a", "b", "c"]);
});

test("what was asked when the connection broke is refused, and each connection has a fresh token", async (t) => {
  const tokens: (string | undefined)[] = [];
  const url = await scriptedServer(t, (frame, socket, connection) => {
    if (frame.type !== "hello") return socket.terminate();
    tokens.push(frame.token);
    if (connection <= 2) greet(socket, frame.ref);
  });
  const states: ConnectionState["kind"][] = [];
  const helloAgain = new Promise<void>((resolve) => {
    let hellos = 0;
    const listener: ConnectionListener = {
      onState: ({ kind }) => states.push(kind),
      onHello: () => {
        if (++hellos === 2) resolve();
      },
    };
    const connection = connect(t, url, listener, ["first", "second"]);
    void connection.open().then(() => assert.rejects(connection.request("user.get", { user: "x" as never }), ConnectionLost));
  });
  await helloAgain;
  assert.deepEqual(tokens, ["first", "second"]);
  assert.deepEqual(states, ["connecting", "open", "waiting", "connecting", "open"]);
});

test("a token that is refused for good ends the connection instead of being tried again", async (t) => {
  let hellos = 0;
  const url = await scriptedServer(t, (frame, socket) => {
    hellos++;
    socket.send(JSON.stringify({ type: "error", ref: frame.ref, code: "auth.invalid", message: "not ours", retryable: false }));
    socket.close(4501);
  });
  const connection = connect(t, url);
  await assert.rejects(connection.open(), { code: "auth.invalid" });
  assert.equal(connection.state.kind, "closed");
  await assert.rejects(connection.send(message("a")), ConnectionLost);
  assert.equal(hellos, 1);
});

test("where nothing listens, or something else, opening fails and does not go on", async (t) => {
  const connection = connect(t, "ws://127.0.0.1:1/v1/socket");
  await assert.rejects(connection.open(), ConnectionLost);
  assert.equal(connection.state.kind, "closed");
  const url = await scriptedServer(t, (_frame, socket) => socket.send("<html>"));
  await assert.rejects(connect(t, url).open(), /does not speak Suda's protocol/);
});
