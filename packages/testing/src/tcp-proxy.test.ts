/** The proxy carries every byte in order whatever the link is like, and ends connections as it is told. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { TcpProxy, type LinkConditions } from "./tcp-proxy.ts";

/** Sends back what it gets, and ends when the client ends. */
async function echoServer(t: TestContext, onSocket: (socket: Socket) => void = () => {}): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onSocket(socket);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

const hashOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function roundTrip(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = await connectTo(port);
  socket.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const links: readonly (readonly [what: string, conditions: Partial<LinkConditions>, size: number])[] = [
  ["good", {}, 3_000_000],
  ["late", { latencyMs: 20 }, 300_000],
  ["late and uneven", { latencyMs: 5, jitterMs: 20 }, 300_000],
  ["slow", { bytesPerSecond: 200_000 }, 40_000],
  ["in slices of 3 bytes", { sliceBytes: 3 }, 5_000],
  ["late, slow and in slices", { latencyMs: 5, jitterMs: 5, bytesPerSecond: 100_000, sliceBytes: 700 }, 10_000],
];

for (const [what, conditions, size] of links) {
  test(`a link that is ${what} carries every byte in order, and the end of each direction`, async (t) => {
    await using proxy = await TcpProxy.open({ port: await echoServer(t), conditions });
    const bytes = randomBytes(size);
    assert.equal(hashOf(await roundTrip(proxy.port, bytes)), hashOf(bytes));
  });
}

test("a black hole holds everything back, and healing lets it through", async (t) => {
  await using proxy = await TcpProxy.open({ port: await echoServer(t) });
  const socket = await connectTo(proxy.port);
  socket.write("one");
  assert.equal(String((await once(socket, "data"))[0]), "one");
  proxy.set({ isBlackHole: true });
  let heard = "";
  socket.on("data", (bytes: Buffer) => (heard += String(bytes)));
  socket.write("two");
  // Another connection's round trip is longer than this one's would have been.
  await using other = await TcpProxy.open({ port: await echoServer(t) });
  await roundTrip(other.port, randomBytes(100_000));
  assert.equal(heard, "");
  const arrived = once(socket, "data");
  proxy.heal();
  await arrived;
  assert.equal(heard, "two");
  socket.destroy();
});

test("a mute link takes what the client says and holds back the answers, which a reset then loses", async (t) => {
  let hear: (text: string) => void = () => {};
  const heard = new Promise<string>((resolve) => (hear = resolve));
  const port = await echoServer(t, (socket) => socket.once("data", (bytes: Buffer) => hear(String(bytes))));
  await using proxy = await TcpProxy.open({ port, conditions: { isMute: true } });
  const socket = await connectTo(proxy.port);
  let answered = "";
  socket.on("data", (bytes: Buffer) => (answered += String(bytes)));
  socket.write("one");
  assert.equal(await heard, "one");
  const failed = once(socket, "error");
  proxy.reset();
  await failed;
  assert.equal(answered, "");
});

test("reset ends both sides at once, and only those that are chosen", async (t) => {
  const accepted: Socket[] = [];
  await using proxy = await TcpProxy.open({ port: await echoServer(t, (socket) => void accepted.push(socket)) });
  const sockets = [await connectTo(proxy.port), await connectTo(proxy.port)] as const;
  for (const socket of sockets) {
    socket.write("here");
    await once(socket, "data");
  }
  const failed = once(sockets[0], "error");
  assert.equal(
    proxy.reset((index) => index === 0),
    1,
  );
  assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, "ECONNRESET");
  const [first] = accepted;
  if (first?.destroyed === false) await new Promise<void>((resolve) => first.once("close", () => resolve()));
  sockets[1].write("still here");
  assert.equal(String((await once(sockets[1], "data"))[0]), "still here");
  assert.equal(proxy.connectionCount, 1);
  sockets[1].destroy();
});

test("half-close tells the server of an end that the client has not made, and the client can still read", async (t) => {
  let ended: Promise<unknown> | undefined;
  const port = await echoServer(t, (socket) => void (ended = once(socket, "end")));
  await using proxy = await TcpProxy.open({ port });
  const socket = await connectTo(proxy.port);
  socket.write("last words");
  assert.equal(String((await once(socket, "data"))[0]), "last words");
  const end = once(socket, "end");
  proxy.halfClose();
  await ended;
  await end;
  assert.equal(socket.writable, true);
  socket.destroy();
});

test("after a retarget new connections go to the other server, and those that are open stay", async (t) => {
  const names: string[] = [];
  const first = await echoServer(t, () => names.push("first"));
  const second = await echoServer(t, () => names.push("second"));
  await using proxy = await TcpProxy.open({ port: first });
  const old = await connectTo(proxy.port);
  old.write("old");
  await once(old, "data");
  proxy.retarget(second);
  assert.equal(String(await roundTrip(proxy.port, Buffer.from("new"))), "new");
  old.write("still");
  assert.equal(String((await once(old, "data"))[0]), "still");
  assert.deepEqual(names, ["first", "second"]);
  old.destroy();
});

test("refusing resets new connections until it is healed; disposing twice is fine", async (t) => {
  const proxy = await TcpProxy.open({ port: await echoServer(t) });
  proxy.refuse();
  const refused = connect({ port: proxy.port, host: "127.0.0.1" });
  await assert.rejects(once(refused, "close"), { code: "ECONNRESET" });
  proxy.heal();
  assert.equal(String(await roundTrip(proxy.port, Buffer.from("again"))), "again");
  await proxy[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  assert.equal(proxy.connectionCount, 0);
});
