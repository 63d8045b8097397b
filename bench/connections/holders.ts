/** The clients of the connections bench: many connections that are greeted, and say nothing more than a page that is open in a tab. */
import { answerParent, childArgument, quantile, RawWebSocket, signToken } from "@suda/testing";

export interface HoldersArgument {
  readonly url: string;
  readonly dataDirectory: string;
  readonly connections: number;
  /** Groups that each user is in. */
  readonly conversations: number;
}

/** `connect`: all at once, with cursors from the second time on. `drop`: all at once, without a goodbye. */
export interface HoldersQuestion {
  readonly ask: "prepare" | "connect" | "drop";
}

export interface HoldersAnswer {
  /** From the first handshake to the last reply to hello. */
  readonly elapsedMs: number;
  /** From a client's handshake to its reply. */
  readonly helloMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Conversations that the replies named: all at first, and those that moved when one comes back. */
  readonly conversations: number;
}

/** Members of each group. */
const groupSize = 10;
/** Handshakes under way at once: fewer than what a kernel queues for a listener. */
const underWayMax = 1_000;

const { url, dataDirectory, connections, conversations } = childArgument() as HoldersArgument;
const sockets: RawWebSocket[] = [];
/** What each client was told in its first hello: from there it resumes. */
const resumes: object[] = [];
let isDropping = false;
let isFirst = true;

answerParent(async (given): Promise<HoldersAnswer> => {
  const { ask } = given as HoldersQuestion;
  if (ask === "prepare") await prepare();
  if (ask === "drop") await drop();
  return ask === "connect" ? connectAll() : { elapsedMs: 0, helloMs: { p50: 0, p99: 0, max: 0 }, conversations: 0 };
});

/** Every user into so many groups, each with neighbours at another distance. */
async function prepare(): Promise<void> {
  for (let round = 0; round < conversations; round++) {
    const distance = round + 1;
    // Another one for each round: nobody is in thousands of conversations.
    const mayor = await greet(`mayor-${round}`, {});
    let ref = 1;
    const created: Promise<unknown>[] = [];
    for (let first = 0; first < connections; first += groupSize) {
      const members = Array.from({ length: Math.min(groupSize, connections) }, (_, at) => (first * distance + at * distance) % connections);
      created.push(mayor.ask({ type: "conversation.create", ref: ++ref, title: "모임", members: [...new Set(members)].map(userOf) }));
      if (created.length >= 32) await Promise.all(created.splice(0));
    }
    await Promise.all(created);
    mayor.socket.destroy();
  }
}

async function connectAll(): Promise<HoldersAnswer> {
  const times: number[] = [];
  let known = 0;
  let next = 0;
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    for (let index = next++; index < connections; index = next++) {
      const begunAt = performance.now();
      const fields = isFirst ? {} : { resume: resumes[index] };
      const { socket, hello } = await greet(userOf(index), fields, `127.0.${1 + (index >> 8)}.${1 + ((index & 0xff) % 250)}`);
      sockets[index] = socket;
      times.push(performance.now() - begunAt);
      const told = (hello["conversations"] ?? []) as readonly { readonly id: string; readonly epoch: string; readonly head: number }[];
      known += told.length;
      if (isFirst) resumes[index] = { change: hello["change"], cursors: Object.fromEntries(told.map(({ id, epoch, head }) => [id, { seq: head, epoch }])) };
    }
  };
  await Promise.all(Array.from({ length: Math.min(underWayMax, connections) }, worker));
  isFirst = false;
  return {
    elapsedMs: performance.now() - startedAt,
    helloMs: { p50: quantile(times, 0.5), p99: quantile(times, 0.99), max: quantile(times, 1) },
    conversations: known,
  };
}

async function drop(): Promise<void> {
  isDropping = true;
  const ended = sockets.splice(0).map((socket) => (socket.destroy(), socket.closed));
  await Promise.all(ended);
  isDropping = false;
}

interface Greeted {
  readonly socket: RawWebSocket;
  readonly hello: Readonly<Record<string, unknown>>;
  ask(command: { readonly ref: number } & Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
}

async function greet(user: string, fields: object, localAddress?: string): Promise<Greeted> {
  const waiting = new Map<unknown, (reply: Readonly<Record<string, unknown>>) => void>();
  const socket = await RawWebSocket.open(`${url}/v1/socket`, {
    subprotocol: "suda.v1.json",
    ...(localAddress === undefined ? {} : { localAddress }),
    onMessage(payload) {
      // What is not a reply is looked at by nobody, as long as it is no refusal.
      const text = payload.toString();
      if (text.includes('"type":"error"')) throw new Error(`The server refused: ${text.slice(0, 300)}`);
      if (!text.includes('"type":"reply"')) return;
      const told = JSON.parse(text) as Record<string, unknown> | Record<string, unknown>[];
      for (const frame of Array.isArray(told) ? told : [told]) {
        waiting.get(frame["ref"])?.(frame);
        waiting.delete(frame["ref"]);
      }
    },
    onClose(code) {
      if (user.startsWith("mayor") || isDropping) return;
      console.error(`The connection of ${user} was closed with ${code}.`);
      process.exit(1);
    },
  });
  const ask: Greeted["ask"] = (command) =>
    new Promise((resolve) => {
      waiting.set(command.ref, resolve);
      socket.send(JSON.stringify(command));
    });
  const hello = await ask({ type: "hello", ref: 1, token: signToken(dataDirectory, user), ...fields });
  return { socket, hello, ask };
}

function userOf(index: number): string {
  return `user-${index}`;
}
