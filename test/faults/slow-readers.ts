/**
 * `npm run test:faults -- slow-readers [--clients 2000]`: members of a busy group that stop reading (B4). One run,
 * side by side: how long a message takes to the members who read, first without and then with the others, and what
 * the server holds in memory for them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeServerFrames, jsonCodec, stringifyFrame, type ClientId, type ConversationId, type UserId } from "@suda/protocol";
import { RawWebSocket, readMemoryBytes, ServerProcess, signToken, WireClient, writeTokenKey } from "@suda/testing";

export interface SlowReadersReport {
  readonly clients: number;
  /** ms from send to delivery at members who read. */
  readonly alone: Percentiles;
  readonly beside: Percentiles;
  /** Resident memory of the server. */
  readonly memoryBeforeBytes: number;
  readonly memoryPeakBytes: number;
  /** What the outboxes may hold together by their bound. */
  readonly memoryBoundBytes: number;
  /** What those that did not read were told when they read again: `lag`, or a close code. */
  readonly told: Readonly<Record<string, number>>;
  /** Messages that a reading member lacked in the end: none may be. */
  readonly missing: number;
}

interface Percentiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const readers = 10;
const textLength = 6_000;
const outboxMaxBytes = 262_144;

export async function runSlowReaders({ clients, messages }: { readonly clients: number; readonly messages: number }): Promise<SlowReadersReport> {
  const directory = mkdtempSync(join(tmpdir(), "suda-slow-"));
  writeTokenKey(directory);
  const env = { SUDA_COMMANDS_PER_SECOND: "0", SUDA_CONNECTS_PER_SECOND: "0", SUDA_MAX_MEMBERS: String(clients + 100) };
  try {
    await using server = await ServerProcess.open({
      program: ["apps/suda/bin/suda.js", "serve", "--port", "0", "--data", directory, "--store", "memory", "--log-level", "error"],
      env,
    });
    const { url, pid } = server;
    const group = new Group(url, directory);
    await using _ = group;
    await group.open();
    const alone = percentiles(await group.talk(messages, 25));
    const memoryBeforeBytes = readMemoryBytes(pid);
    const stuck = await group.addStuck(clients);
    // First what the kernel's buffers take, as fast as it goes; what is measured comes after.
    let memoryPeakBytes = memoryBeforeBytes;
    const watch = setInterval(() => (memoryPeakBytes = Math.max(memoryPeakBytes, readMemoryBytes(pid))), 100);
    while (!(await hasLagged(url, clients))) await group.talk(20, 0);
    const beside = percentiles(await group.talk(messages, 25));
    clearInterval(watch);
    const missing = group.missing();
    const told: Record<string, number> = {};
    for (const { socket } of stuck) socket.socket.resume();
    for (const answer of await Promise.all(stuck.map((one) => one.told))) told[answer] = (told[answer] ?? 0) + 1;
    return { clients, alone, beside, memoryBeforeBytes, memoryPeakBytes, memoryBoundBytes: clients * outboxMaxBytes, told, missing };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A member that stopped reading, and what it is told when it reads again. */
interface Stuck {
  readonly socket: RawWebSocket;
  readonly told: Promise<string>;
}

/** A conversation of one who writes, some who read and many who do not. */
class Group implements AsyncDisposable {
  readonly #url: string;
  readonly #directory: string;
  readonly #connections: AsyncDisposable[] = [];
  readonly #sentAt = new Map<number, number>();
  #latencies: number[] = [];
  readonly #seen: Set<number>[] = [];
  #arrived: () => void = () => {};
  #writer!: WireClient;
  #conversation!: ConversationId;
  #sent = 0;

  constructor(url: string, directory: string) {
    this.#url = url;
    this.#directory = directory;
  }

  async open(): Promise<void> {
    this.#writer = await this.#connect("writer");
    const names = Array.from({ length: readers }, (_, index) => `reader-${index}` as UserId);
    this.#conversation = (await this.#writer.request("conversation.create", { members: names })).conversation.id;
    for (const name of names) {
      const seen = new Set<number>();
      this.#seen.push(seen);
      await this.#connect(name, (clientId) => {
        seen.add(clientId);
        this.#latencies.push(performance.now() - (this.#sentAt.get(clientId) ?? 0));
        this.#arrived();
      });
    }
  }

  /** Members that say hello and never read again. */
  async addStuck(count: number): Promise<readonly Stuck[]> {
    const stuck: Stuck[] = [];
    for (let from = 0; from < count; from += 500) {
      const users = Array.from({ length: Math.min(500, count - from) }, (_, index) => `stuck-${from + index}` as UserId);
      await this.#writer.request("member.add", { conversation: this.#conversation, users });
      for (const user of users) {
        let isGreeted = false;
        let tell: (answer: string) => void = () => {};
        const told = new Promise<string>((resolve) => (tell = resolve));
        const socket = await RawWebSocket.open(`${this.#url}/v1/socket`, {
          subprotocol: jsonCodec.subprotocol,
          onMessage: (payload) => {
            if (!isGreeted) socket.socket.pause();
            else if (decodeServerFrames(jsonCodec, payload.toString()).some(({ type }) => type === "lag")) tell("lag");
            isGreeted = true;
          },
          onClose: (code) => tell(String(code)),
        });
        // What the server cuts is the expected end of these.
        socket.socket.on("error", () => {});
        socket.send(stringifyFrame({ type: "hello", ref: 1, token: signToken(this.#directory, user) }));
        stuck.push({ socket, told: withTimeout(told) });
        this.#connections.push(socket);
      }
    }
    return stuck;
  }

  /** Sends messages, waits until all who read have them, and returns the ms that each took to each. */
  async talk(messages: number, pauseMs: number): Promise<readonly number[]> {
    this.#latencies = [];
    const expected = messages * readers;
    const text = "가".repeat(textLength / 3);
    for (let index = 0; index < messages; index++) {
      const clientId = this.#sent++;
      this.#sentAt.set(clientId, performance.now());
      await this.#writer.request("message.send", { conversation: this.#conversation, clientId: String(clientId) as ClientId, content: { type: "text", text } });
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    while (this.#latencies.length < expected) await new Promise<void>((resolve) => (this.#arrived = resolve));
    return this.#latencies;
  }

  missing(): number {
    return this.#seen.reduce((sum, seen) => sum + this.#sent - seen.size, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) await connection[Symbol.asyncDispose]();
  }

  async #connect(user: string, onMessage?: (clientId: number) => void): Promise<WireClient> {
    const client = await WireClient.open({
      url: this.#url,
      token: signToken(this.#directory, user),
      onEvent: (event) => {
        if (event.type === "message.created") onMessage?.(Number(event.clientId));
      },
    });
    this.#connections.push(client);
    return client;
  }
}

export function describeSlowReaders(report: SlowReadersReport): readonly string[] {
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
  const { clients, alone, beside, memoryBeforeBytes, memoryPeakBytes, memoryBoundBytes, told, missing } = report;
  return [
    `${clients} members stop reading`,
    `delivery to those who read: alone p50 ${alone.p50Ms.toFixed(1)} p99 ${alone.p99Ms.toFixed(1)} ms; beside them p50 ${beside.p50Ms.toFixed(1)} p99 ${beside.p99Ms.toFixed(1)} ms`,
    `server: ${mebibytes(memoryBeforeBytes)} before, ${mebibytes(memoryPeakBytes)} at most; the bound of the outboxes is ${mebibytes(memoryBoundBytes)}`,
    `told when they read again: ${JSON.stringify(told)}; ${missing} messages missing`,
  ];
}

export function isWithinBounds({ missing, memoryBeforeBytes, memoryPeakBytes, memoryBoundBytes }: SlowReadersReport): boolean {
  return missing === 0 && memoryPeakBytes - memoryBeforeBytes <= memoryBoundBytes;
}

/** Whether live events of so many connections were replaced by `lag`. */
async function hasLagged(url: string, count: number): Promise<boolean> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, "m").exec(text)?.[1] ?? 0);
  return value("suda_lags_total") >= count || value("suda_slow_closes_total") > 0;
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? 0, p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0 };
}

async function withTimeout(told: Promise<string>): Promise<string> {
  const timeout = new Promise<string>((resolve) => setTimeout(() => resolve("nothing"), 240_000).unref());
  return Promise.race([told, timeout]);
}
