/** One accepted socket, over real sockets: order, bounds in both directions, and every way to end. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jsonCodec, systemRandom } from "@suda/protocol";
import { encodeWebSocketFrame, ManualClock, opcodes, RawWebSocket, RecordingApp, type RecordedConnection, type RecordingAppOptions } from "@suda/testing";
import type { ConnectionBounds } from "./served-connection.ts";
import { SocketServer } from "./socket-server.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A server, one client, and both sides of their connection. */
class Pair implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly app: RecordingApp;
  readonly failures: unknown[] = [];
  readonly received: string[] = [];
  slowCloses = 0;
  client!: RawWebSocket;
  server!: RecordedConnection;
  readonly #sockets: SocketServer;
  #url = "";

  private constructor(options: RecordingAppOptions, bounds: Partial<ConnectionBounds>) {
    this.app = new RecordingApp(options);
    this.#sockets = new SocketServer({
      app: this.app,
      clock: this.clock,
      random: systemRandom,
      bounds,
      onFailure: (error) => this.failures.push(error),
      onSlow: () => this.slowCloses++,
    });
  }

  static async open(options: RecordingAppOptions = {}, bounds: Partial<ConnectionBounds> = {}): Promise<Pair> {
    const pair = new Pair(options, bounds);
    pair.#url = (await pair.#sockets.listen({ port: 0, host: "127.0.0.1" })).url;
    pair.client = await pair.connect((payload) => pair.received.push(payload));
    pair.server = await pair.app.connection();
    return pair;
  }

  connect(onMessage: (payload: string) => void = () => {}): Promise<RawWebSocket> {
    return RawWebSocket.open(this.#url, { onMessage: (payload, isText) => onMessage(`${isText ? "text" : "binary"} ${payload.toString()}`) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    await this.#sockets[Symbol.asyncDispose]();
  }
}

/** Resolves when `isTrue` does; the test's own timeout ends a wait in vain. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("served connection", { timeout: 30_000 }, () => {
  test("[I5] text arrives as a string, binary as bytes, fragments as one message", async () => {
    await using pair = await Pair.open();
    pair.client.send("안녕 👋");
    assert.equal(await pair.server.message(), "안녕 👋");
    pair.client.send(Uint8Array.of(1, 2, 3));
    assert.deepEqual(Uint8Array.from((await pair.server.message()) as Uint8Array), Uint8Array.of(1, 2, 3));
    pair.client.write(encodeWebSocketFrame({ opcode: opcodes.text, payload: text("안").subarray(0, 2), isFinal: false }));
    pair.client.write(encodeWebSocketFrame({ opcode: opcodes.ping, payload: text("between") }));
    pair.client.write(encodeWebSocketFrame({ opcode: opcodes.continuation, payload: text("안").subarray(2) }));
    assert.equal(await pair.server.message(), "안");
  });

  test("[I3] [I4] messages are handed over one at a time and in order; onClose comes once and last", async () => {
    let running = 0;
    let most = 0;
    await using pair = await Pair.open({
      onMessage: async () => {
        most = Math.max(most, ++running);
        await nextTurn();
        running--;
      },
    });
    for (let number = 0; number < 500; number++) pair.client.send(String(number));
    await until(() => pair.server.messages.length === 500);
    await pair.client.close(1000);
    assert.deepEqual(await pair.server.end(), { code: 1000, reason: "" });
    assert.equal(most, 1);
    assert.deepEqual(
      pair.server.messages,
      Array.from({ length: 500 }, (_, number) => String(number)),
    );
    assert.equal(pair.server.closes.length, 1);
  });

  test("[I6] what one turn sends arrives as one message, joined, in order; the next turn's as another", async () => {
    await using pair = await Pair.open({ joiner: jsonCodec });
    for (const number of [1, 2, 3]) pair.server.connection.send(jsonCodec.encode({ number }));
    await nextTurn();
    pair.server.connection.send(jsonCodec.encode({ number: 4 }));
    await until(() => pair.received.length === 2);
    assert.deepEqual(pair.received, ['text [{"number":1},{"number":2},{"number":3}]', 'text {"number":4}']);
  });

  test("[I8] close writes what is queued first; a second close and later sends do nothing", async () => {
    await using pair = await Pair.open();
    const { connection } = pair.server;
    connection.send(text("last words"));
    connection.close(4_999, "enough");
    connection.close(1_000, "again");
    connection.send(text("too late"));
    assert.equal(connection.isOpen, false);
    assert.equal(await pair.client.closed, 4_999);
    assert.deepEqual(await pair.server.end(), { code: 4_999, reason: "enough" });
    assert.deepEqual(pair.received, ["binary last words"]);
  });

  test("[I8] closing while the app is busy: what waits is not handed over, and onClose still comes once", async () => {
    let release = (): void => {};
    await using pair = await Pair.open({ onMessage: () => new Promise((resolve) => (release = resolve)) });
    for (const word of ["one", "two", "three"]) pair.client.send(word);
    assert.equal(await pair.server.message(), "one");
    pair.server.connection.close(1_000, "");
    release();
    assert.equal((await pair.server.end()).code, 1_000);
    await nextTurn();
    assert.deepEqual(pair.server.messages, ["one"]);
    assert.equal(pair.server.closes.length, 1);
  });

  test("[I3] a client that breaks off while the app is busy ends with 1006", async () => {
    let release = (): void => {};
    await using pair = await Pair.open({ onMessage: () => new Promise((resolve) => (release = resolve)) });
    pair.client.send("one");
    await pair.server.message();
    pair.client.destroy();
    assert.equal((await pair.server.end()).code, 1_006);
    release();
    assert.equal(pair.server.connection.isOpen, false);
    pair.server.connection.send(text("to nobody"));
    assert.deepEqual(pair.failures, []);
  });

  test("[F3] text that is not UTF-8 closes with 1007; the same bytes as binary are taken", async () => {
    await using pair = await Pair.open();
    pair.client.send(Uint8Array.of(0xc3, 0x28));
    assert.deepEqual(Uint8Array.from((await pair.server.message()) as Uint8Array), Uint8Array.of(0xc3, 0x28));
    pair.client.sendFrame(opcodes.text, Uint8Array.of(0xc3, 0x28));
    assert.equal(await pair.client.closed, 1_007);
    await pair.server.end();
    assert.deepEqual(pair.failures, []);
  });

  test("[F2] 65,536 bytes are taken, one more closes with 1009, also in fragments and before it is there", async () => {
    await using pair = await Pair.open();
    pair.client.send("a".repeat(65_536));
    assert.equal((await pair.server.message()).length, 65_536);
    pair.client.send("a".repeat(65_537));
    assert.equal(await pair.client.closed, 1_009);
    await pair.server.end();

    await using fragmented = await pair.connect();
    fragmented.write(encodeWebSocketFrame({ opcode: opcodes.text, payload: new Uint8Array(40_000).fill(97), isFinal: false }));
    fragmented.write(encodeWebSocketFrame({ opcode: opcodes.continuation, payload: new Uint8Array(25_537).fill(97) }));
    assert.equal(await fragmented.closed, 1_009);

    await using claiming = await pair.connect();
    claiming.write(encodeWebSocketFrame({ opcode: opcodes.binary, payload: new Uint8Array(1), claimedLength: 2n ** 40n }));
    assert.equal(await claiming.closed, 1_009);
    assert.deepEqual(pair.failures, []);
  });

  test("[D11] frames that RFC 6455 forbids close with 1002", async () => {
    await using pair = await Pair.open();
    const forbidden = [
      { opcode: opcodes.text, payload: text("x"), mask: undefined },
      { opcode: opcodes.text, payload: text("x"), reserved: 4 },
      { opcode: 3, payload: text("x") },
      { opcode: opcodes.continuation, payload: text("x") },
      { opcode: opcodes.ping, payload: new Uint8Array(126) },
      { opcode: opcodes.ping, payload: text("x"), isFinal: false },
      { opcode: opcodes.close, payload: Uint8Array.of(0) },
    ];
    for (const frame of forbidden) {
      await using client = await pair.connect();
      client.write(encodeWebSocketFrame(frame));
      assert.equal(await client.closed, 1_002, JSON.stringify(frame).slice(0, 80));
    }
    pair.client.send("still here");
    assert.equal(await pair.server.message(), "still here");
    assert.deepEqual(pair.failures, []);
  });

  test("[I9] an app that throws or rejects ends its own connection with 1011; others go on", async () => {
    await using pair = await Pair.open({
      onMessage: (message) => {
        if (message === "throw") throw new Error("thrown");
        return message === "reject" ? Promise.reject(new Error("rejected")) : undefined;
      },
    });
    for (const word of ["throw", "reject"]) {
      await using client = await pair.connect();
      client.send(word);
      assert.equal(await client.closed, 1_011);
    }
    pair.client.send("fine");
    assert.equal(await pair.server.message(), "fine");
    assert.deepEqual(
      pair.failures.map((error) => (error as Error).message),
      ["thrown", "rejected"],
    );
  });

  test("[D6] a client that does not read is closed with 4000 after a bounded amount, and one that reads is not", async () => {
    await using pair = await Pair.open();
    const healthy = await pair.connect();
    const healthyServer = await pair.app.connection();
    pair.client.socket.pause();
    const chunk = new Uint8Array(32_768);
    let sentBytes = 0;
    while (pair.server.connection.isOpen) {
      pair.server.connection.send(chunk);
      if (healthyServer.connection.isCongested) await healthyServer.connection.drained();
      healthyServer.connection.send(chunk);
      sentBytes += chunk.byteLength;
      assert.ok(sentBytes < 256_000_000, "it takes without end");
      await nextTurn();
    }
    assert.equal(pair.slowCloses, 1);
    assert.ok(healthyServer.connection.isOpen, "the healthy one goes on");
    pair.client.socket.resume();
    assert.equal(await pair.client.closed, 4_000);
    assert.equal((await pair.server.end()).code, 4_000);
    assert.equal(healthy.isOpen, true);
  });

  test("[D6] more than 1,024 frames that a client does not take close it with 4000, however small they are", async () => {
    await using pair = await Pair.open({}, { outboxMaxBytes: 1_000_000_000 });
    pair.client.socket.pause();
    // Fill what the operating system holds, so that everything after it waits here.
    for (let index = 0; index < 40; index++) pair.server.connection.send(new Uint8Array(1_000_000));
    await nextTurn();
    let frames = 0;
    while (pair.server.connection.isOpen) {
      pair.server.connection.send(Uint8Array.of(1));
      assert.ok(++frames < 2_000, "it takes without end");
      await nextTurn();
    }
    assert.ok(frames > 900, `closed after ${frames} small frames`);
    assert.equal(pair.slowCloses, 1);
  });

  test("[D6] an outbox that is older than 10 s closes with 4000", async () => {
    await using pair = await Pair.open({}, { outboxMaxBytes: 1_000_000_000, outboxMaxFrames: 1_000_000 });
    pair.client.socket.pause();
    for (let index = 0; index < 40; index++) pair.server.connection.send(new Uint8Array(1_000_000));
    await nextTurn();
    while (pair.server.connection.isOpen) {
      pair.clock.advance(4_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(pair.slowCloses, 1);
  });

  test("[B7] while the app is busy the socket is read no further; nothing is dropped, and it goes on", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    await using pair = await Pair.open({ onMessage: () => gate });
    const count = 2_000;
    const payload = "x".repeat(16_000);
    for (let number = 0; number < count; number++) pair.client.send(`${number} ${payload}`);
    await pair.server.message();
    // Another connection's whole exchange passes meanwhile, so the first one's socket had its turns.
    for (let round = 0; round < 20; round++) {
      await using other = await pair.connect();
      other.send("hello");
      await (await pair.app.connection()).message();
    }
    assert.equal(pair.server.messages.length, 1);
    assert.ok(pair.client.socket.writableLength > 0, "32 MB were taken while the app was busy");
    release();
    await until(() => pair.server.messages.length === count);
    assert.deepEqual(
      pair.server.messages.map((message) => Number.parseInt(message as string)),
      Array.from({ length: count }, (_, number) => number),
    );
  });

  test("[B5] a client that does not answer a ping is closed with 4002; one that answers stays", async () => {
    await using pair = await Pair.open();
    await using dead = await pair.connect();
    const deadServer = await pair.app.connection();
    dead.socket.pause();
    while (deadServer.connection.isOpen) {
      pair.clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    dead.socket.resume();
    assert.equal(await dead.closed, 4_002);
    assert.ok(pair.server.connection.isOpen, "the healthy one is open");
  });
});
