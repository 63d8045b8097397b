/**
 * The load generator of the fan-out bench: a process with all members' sockets. A few of them send a burst,
 * all receive. Deliveries are counted by searching the bytes for the beginning of an event, which costs less
 * than any server under test; a sample of the sockets parses everything and checks count, text and order.
 */
import { msgpackCodec } from "@suda/protocol";
import { answerParent, childArgument, RawWebSocket, signToken, WireClient } from "@suda/testing";

export type TargetKind = "suda" | "suda-msgpack" | "ws" | "socket.io";

export interface ReceiversArgument {
  readonly kind: TargetKind;
  readonly url: string;
  readonly members: number;
  readonly senders: number;
  /** Of Suda, for its token key. */
  readonly dataDirectory: string;
}

/** `apart`: the same number of messages, each leaving when all members have the one before, so that nothing can be joined. */
export type ReceiversQuestion = { readonly ask: "connect" } | { readonly ask: "burst" | "apart"; readonly messages: number };

export interface ReceiversAnswer {
  /** From the first send to the last delivery. */
  readonly elapsedMs: number;
  readonly deliveries: number;
  /** WebSocket messages that they came in. */
  readonly frames: number;
  readonly bytes: number;
}

interface Dialect {
  readonly path: string;
  readonly subprotocol?: string;
  readonly isText: boolean;
  /** Begins every event, and occurs nowhere else in the bytes. */
  readonly needle: Buffer;
  /** The events of one WebSocket message; for the sample. */
  readonly events: (payload: Buffer) => readonly SeenEvent[];
  readonly command: (fields: object) => string | Uint8Array;
}

interface SeenEvent {
  readonly type: string;
  readonly seq: number;
  readonly content: { readonly text: string };
}

const sampleSize = 10;
/** Answers a burst that stands still for this long is ended with an error. */
const stallMs = 30_000;
const text = "x".repeat(120);
const argument = childArgument() as ReceiversArgument;
const dialect = dialectOf(argument.kind);

let conversation = "room";
let received = 0;
let expected = Number.POSITIVE_INFINITY;
let frames = 0;
let bytes = 0;
let lastRef = 0;
let allReceived = (): void => {};
const counts = new Uint32Array(argument.members);
const sampleSeqs = new Map<number, number>();
const sockets: RawWebSocket[] = [];

answerParent(async (given): Promise<ReceiversAnswer> => {
  const question = given as ReceiversQuestion;
  if (question.ask !== "connect") return deliver(question.messages, question.ask === "burst" ? question.messages : 1);
  await connectAll();
  return { elapsedMs: 0, deliveries: 0, frames: 0, bytes: 0 };
});

async function connectAll(): Promise<void> {
  if (argument.kind.startsWith("suda")) conversation = await createGroup();
  const batch = 50;
  for (let first = 0; first < argument.members; first += batch) {
    const indexes = Array.from({ length: Math.min(batch, argument.members - first) }, (_, offset) => first + offset);
    await Promise.all(indexes.map(connectOne));
  }
}

async function createGroup(): Promise<string> {
  await using owner = await WireClient.open({ url: argument.url, token: tokenOf(0) });
  const members = Array.from({ length: argument.members - 1 }, (_, index) => userOf(index + 1));
  const { conversation } = await owner.request("conversation.create", { title: "Fan-out", members: members as never[] });
  return conversation.id;
}

async function connectOne(index: number): Promise<void> {
  let greeted = (): void => {};
  const isGreeted = new Promise<void>((resolve) => (greeted = resolve));
  const isSample = index % Math.ceil(argument.members / sampleSize) === 0;
  const socket = await RawWebSocket.open(argument.url + dialect.path, {
    ...(dialect.subprotocol === undefined ? {} : { subprotocol: dialect.subprotocol }),
    // A limit per address is not what is measured here.
    localAddress: `127.0.${1 + (index >> 8)}.${1 + ((index & 0xff) % 250)}`,
    onMessage: (payload) => {
      if (sockets[index] !== undefined) return onDelivery(index, payload, isSample);
      if (argument.kind === "socket.io" && payload.toString() === "2") return;
      if (argument.kind === "socket.io" && payload.toString().startsWith("0{")) return socket.send("40");
      greeted();
    },
    onClose: (code) => {
      console.error(`Connection ${index} was closed with ${code}.`);
      process.exit(1);
    },
  });
  if (argument.kind.startsWith("suda")) socket.send(dialect.command({ type: "hello", ref: 0, token: tokenOf(index) }));
  if (argument.kind === "ws") greeted();
  await isGreeted;
  sockets[index] = socket;
}

function onDelivery(index: number, payload: Buffer, isSample: boolean): void {
  // Engine.IO's heartbeat.
  if (argument.kind === "socket.io" && payload.byteLength === 1 && payload[0] === 0x32) return sockets[index]?.send("3");
  let count = 0;
  for (let at = payload.indexOf(dialect.needle); at >= 0; at = payload.indexOf(dialect.needle, at + dialect.needle.byteLength)) count++;
  if (count === 0) return;
  if (isSample) checkSample(index, payload, count);
  counts[index] = (counts[index] ?? 0) + count;
  frames++;
  bytes += payload.byteLength;
  received += count;
  if (received >= expected) allReceived();
}

function checkSample(index: number, payload: Buffer, count: number): void {
  const events = dialect.events(payload);
  if (events.length !== count) throw new Error(`${events.length} events were counted as ${count}.`);
  for (const { seq, content } of events) {
    const last = sampleSeqs.get(index);
    if (last !== undefined && seq !== last + 1) throw new Error(`Connection ${index} received seq ${seq} after ${last}.`);
    if (content.text !== text) throw new Error(`Connection ${index} received another text at seq ${seq}.`);
    sampleSeqs.set(index, seq);
  }
}

/** Sends `messages` in bursts of `atOnce`, each when all members have the one before. */
async function deliver(messages: number, atOnce: number): Promise<ReceiversAnswer> {
  frames = 0;
  bytes = 0;
  counts.fill(0);
  const startedAt = performance.now();
  for (let sent = 0; sent < messages; sent += atOnce) await sendBurst(atOnce);
  const elapsedMs = performance.now() - startedAt;
  for (const [index, count] of counts.entries()) if (count !== messages) throw new Error(`Connection ${index} received ${count} of ${messages} messages.`);
  return { elapsedMs, deliveries: argument.members * messages, frames, bytes };
}

async function sendBurst(messages: number): Promise<void> {
  received = 0;
  expected = argument.members * messages;
  const done = new Promise<void>((resolve) => (allReceived = resolve));
  for (let i = 0; i < messages; i++) {
    const ref = ++lastRef;
    const command = { type: "message.send", ref, conversation, clientId: `b-${ref}`, content: { type: "text", text } };
    sockets[ref % argument.senders]?.send(dialect.command(command));
  }
  await Promise.race([done, untilStalled()]);
  if (received !== expected) throw new Error(`${received} of ${expected} deliveries arrived.`);
}

/** Resolves when nothing was delivered for {@link stallMs}. */
async function untilStalled(): Promise<void> {
  for (;;) {
    const before = received;
    await new Promise((resolve) => setTimeout(resolve, stallMs).unref());
    // A race that was won long ago ends here too, at the latest.
    if (received === before || received >= expected) return;
  }
}

function dialectOf(kind: TargetKind): Dialect {
  const json = { isText: true, needle: Buffer.from('"type":"message.created"'), command: (fields: object) => JSON.stringify(fields) } as const;
  const dialects: Readonly<Record<TargetKind, Dialect>> = {
    suda: { ...json, path: "/v1/socket", subprotocol: "suda.v1.json", events: (payload) => eventsOf(JSON.parse(payload.toString())) },
    "suda-msgpack": {
      path: "/v1/socket",
      subprotocol: "suda.v1.msgpack",
      isText: false,
      needle: Buffer.from("\u00afmessage.created", "latin1"),
      events: (payload) => eventsOf(msgpackCodec.parse(payload, { maxBytes: 16_777_216, maxKeys: 1_000_000 })),
      command: (fields) => msgpackCodec.encode(fields),
    },
    ws: { ...json, path: "/", events: (payload) => eventsOf(JSON.parse(payload.toString())) },
    "socket.io": {
      isText: true,
      path: "/socket.io/?EIO=4&transport=websocket",
      needle: Buffer.from('42["message.created"'),
      events: (payload) => eventsOf((JSON.parse(payload.toString().slice(2)) as unknown[])[1]),
      command: (fields) => `42${JSON.stringify(["message.send", fields])}`,
    },
  };
  return dialects[kind];
}

function eventsOf(parsed: unknown): readonly SeenEvent[] {
  return (Array.isArray(parsed) ? (parsed as SeenEvent[]) : [parsed as SeenEvent]).filter(({ type }) => type === "message.created");
}

function userOf(index: number): string {
  return `user-${index}`;
}

function tokenOf(index: number): string {
  return signToken(argument.dataDirectory, userOf(index));
}
