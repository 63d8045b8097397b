/**
 * The load generator of the send bench: pairs of users in direct conversations. Every sender has one message
 * under way: the next one leaves when the reply is there. Its partner is connected too, so that the time
 * from the send to the partner's event is measured by the same clock.
 */
import { answerParent, childArgument, quantile, RawWebSocket, signToken } from "@suda/testing";

export interface SendersArgument {
  readonly url: string;
  readonly dataDirectory: string;
  readonly senders: number;
}

export type SendersQuestion = { readonly ask: "connect" } | { readonly ask: "load"; readonly seconds: number };

export interface SendersAnswer {
  readonly sends: number;
  readonly elapsedMs: number;
  readonly replyMs: Quantiles;
  readonly deliveryMs: Quantiles;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

interface Peer {
  readonly user: string;
  readonly socket: RawWebSocket;
  conversation: string;
  isSender: boolean;
  /** 0 before the load and after it. */
  sentAt: number;
  onReply: (reply: Frame) => void;
}

interface Frame {
  readonly type: string;
  readonly from?: string;
  readonly clientId?: string;
  readonly conversation?: { readonly id: string };
}

const argument = childArgument() as SendersArgument;
/** A text of a usual length: 119 bytes. */
const text = "안녕하세요! ".repeat(7);
const peers: Peer[] = [];
const replyTimes: number[] = [];
const deliveryTimes: number[] = [];
/** By clientId, until the partner has seen it. */
const sentAt = new Map<string, number>();
let isLoading = false;
let lastClientId = 0;
let underWay = 0;
let allAnswered = (): void => {};

answerParent(async (given): Promise<SendersAnswer> => {
  const question = given as SendersQuestion;
  if (question.ask === "load") return load(question.seconds);
  await connectAll();
  return answer(0);
});

async function connectAll(): Promise<void> {
  // One sender needs a partner who only listens; otherwise both of a pair send.
  const users = Math.max(2, argument.senders);
  for (let first = 0; first < users; first += 64)
    await Promise.all(Array.from({ length: Math.min(64, users - first) }, (_, offset) => connectOne(first + offset)));
  for (let i = 0; i < users; i += 2) {
    const [one, other] = [peers[i], peers[i + 1]];
    if (one === undefined || other === undefined) throw new RangeError("The number of senders is 1 or even.");
    const { conversation } = await ask(one, { type: "conversation.open", with: other.user });
    one.conversation = other.conversation = conversation?.id ?? "";
  }
  for (const [index, peer] of peers.entries()) peer.isSender = index < argument.senders;
}

async function connectOne(index: number): Promise<void> {
  const socket = await RawWebSocket.open(`${argument.url}/v1/socket`, {
    subprotocol: "suda.v1.json",
    localAddress: `127.0.${1 + (index >> 8)}.${1 + ((index & 0xff) % 250)}`,
    onMessage: (payload) => onMessage(peer, payload.toString()),
    onClose: (code) => {
      console.error(`Connection ${index} was closed with ${code}.`);
      process.exit(1);
    },
  });
  const peer: Peer = { user: userOf(index), socket, conversation: "", isSender: false, sentAt: 0, onReply: () => {} };
  peers[index] = peer;
  await ask(peer, { type: "hello", token: signToken(argument.dataDirectory, userOf(index)) });
}

function ask(peer: Peer, command: object): Promise<Frame> {
  return new Promise((resolve) => {
    peer.onReply = resolve;
    peer.socket.send(JSON.stringify({ ...command, ref: 1 }));
  });
}

/** A frame, or an array of them when a turn brought several. */
function onMessage(peer: Peer, message: string): void {
  const parsed = JSON.parse(message) as Frame | readonly Frame[];
  for (const frame of Array.isArray(parsed) ? (parsed as readonly Frame[]) : [parsed as Frame]) {
    if (frame.type === "reply") onReply(peer, frame);
    else if (frame.type === "error") throw new Error(`The server refused: ${message}`);
    // Its own event comes to the sender too; the partner's is what is timed.
    else if (frame.type === "message.created" && frame.from !== peer.user) onDelivery(frame.clientId ?? "");
  }
}

function onDelivery(clientId: string): void {
  const at = sentAt.get(clientId);
  if (at === undefined) return;
  sentAt.delete(clientId);
  deliveryTimes.push(performance.now() - at);
}

function onReply(peer: Peer, reply: Frame): void {
  if (peer.sentAt === 0) return peer.onReply(reply);
  replyTimes.push(performance.now() - peer.sentAt);
  underWay--;
  if (isLoading) sendNext(peer);
  else if (underWay === 0) allAnswered();
}

function sendNext(peer: Peer): void {
  underWay++;
  const clientId = `c-${process.pid}-${++lastClientId}`;
  const command = { type: "message.send", ref: lastClientId, conversation: peer.conversation, clientId, content: { type: "text", text } };
  peer.sentAt = performance.now();
  sentAt.set(clientId, peer.sentAt);
  peer.socket.send(JSON.stringify(command));
}

async function load(seconds: number): Promise<SendersAnswer> {
  replyTimes.length = 0;
  deliveryTimes.length = 0;
  isLoading = true;
  const isDone = new Promise<void>((resolve) => (allAnswered = resolve));
  const startedAt = performance.now();
  for (const peer of peers) if (peer.isSender) sendNext(peer);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  isLoading = false;
  await isDone;
  const elapsedMs = performance.now() - startedAt;
  for (const peer of peers) peer.sentAt = 0;
  return answer(elapsedMs);
}

function answer(elapsedMs: number): SendersAnswer {
  return { sends: replyTimes.length, elapsedMs, replyMs: quantilesOf(replyTimes), deliveryMs: quantilesOf(deliveryTimes) };
}

function quantilesOf(times: readonly number[]): Quantiles {
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), max: quantile(times, 1) };
}

function userOf(index: number): string {
  return `user-${index}`;
}
