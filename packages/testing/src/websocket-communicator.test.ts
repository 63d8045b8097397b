/** The communicators themselves: what a wait takes, what it says when it is in vain, and what an app's fault becomes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jsonCodec } from "@suda/protocol";
import { HandshakeRefused } from "./handshake-refused.ts";
import { HttpCommunicator } from "./http-communicator.ts";
import { RecordingApp } from "./recording-app.ts";
import { WebSocketCommunicator } from "./websocket-communicator.ts";

const left = (change: number): object => ({ type: "conversation.left", conversation: "c", change });

describe("WebSocketCommunicator", () => {
  test("messages are handed over one at a time and in order, as serve does it", async () => {
    const app = new RecordingApp({ onMessage: () => new Promise((resolve) => setImmediate(resolve)) });
    await using client = await WebSocketCommunicator.connect(app);
    const server = await app.connection();
    for (const word of ["one", "two", "three"]) client.sendRaw(word);
    assert.deepEqual(await client.leftovers(), []);
    assert.deepEqual(server.messages, ["one", "two", "three"]);
  });

  test("a wait takes the first that fits and leaves the others; two waits at once both get theirs", { timeout: 5_000 }, async () => {
    const app = new RecordingApp();
    await using client = await WebSocketCommunicator.connect(app);
    const { connection } = await app.connection();
    const waits = [3, 1, 2].map((wanted) => client.event("conversation.left", ({ change }) => change === wanted));
    for (const change of [1, 2, 3, 4]) {
      connection.send(jsonCodec.encode(left(change)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(
      (await Promise.all(waits)).map(({ change }) => change),
      [3, 1, 2],
    );
    assert.deepEqual(await client.leftovers(), [left(4)]);
  });

  test("a wait in vain says what was received instead, and that the connection was closed", async () => {
    const app = new RecordingApp();
    await using client = await WebSocketCommunicator.connect(app, { timeoutMs: 20 });
    const { connection } = await app.connection();
    connection.send(jsonCodec.encode(left(1)));
    await assert.rejects(client.event("message.created"), /event message\.created[^]*nothing of the kind[^]*"conversation\.left"/);
    connection.close(4_999, "enough");
    assert.deepEqual(await client.closed(), { code: 4_999, reason: "enough" });
    await assert.rejects(client.event("message.created"), /closed with 4999 enough/);
  });

  test("what an app throws is thrown when the communicator is disposed of; a refusal is HandshakeRefused", async () => {
    const throwing = new RecordingApp({ onMessage: () => Promise.reject(new Error("the finding")) });
    const client = await WebSocketCommunicator.connect(throwing);
    client.sendRaw("x");
    await assert.rejects(async () => client[Symbol.asyncDispose](), /the finding/);
    const refusing = new RecordingApp({ answer: () => ({ kind: "refuse", status: 403, body: "because" }) });
    await assert.rejects(
      WebSocketCommunicator.connect(refusing),
      (error) => error instanceof HandshakeRefused && error.status === 403 && error.body === "because",
    );
  });
});

test("HttpCommunicator runs an HTTP app with its scope, and reads JSON and text", async () => {
  const app = new RecordingApp({
    http: async (scope, request) => (scope.path === "/text" ? new Response("plain") : Response.json({ path: scope.path, sent: await request.json() })),
  });
  const http = new HttpCommunicator(app, { headers: { "x-a": "1" }, address: "192.0.2.1" });
  assert.deepEqual((await http.post("/%EC%88%98?q=1", { a: 1 })).body, { path: "/수", sent: { a: 1 } });
  assert.equal((await http.get("/text")).body, "plain");
  const [scope] = app.httpScopes;
  assert.deepEqual([scope?.client.address, scope?.headers.get("x-a"), scope?.query.get("q")], ["192.0.2.1", "1", "1"]);
});
