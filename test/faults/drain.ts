/**
 * `npm run test:faults -- drain [--clients 200] [--seed N]`: SIGTERM under load (B9). Real clients write all the time, and
 * a program has just sent a pipelined window; in a second run, a member never reads, and another one does not read and asks
 * for ever more. The server is told to stop; a new one starts on the same data when it has ended, behind the address that
 * the clients know.
 *
 * Promised: the process ends within its grace; what was under way is answered; whoever reads is told `goaway` and then
 * 1012; the clients come back by themselves, first tries spread over the window; nothing is lost, doubled or reordered.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { closeCodes, decodeServerFrames, jsonCodec, stringifyFrame, type ConversationId, type ServerFrame } from "@suda/protocol";
import { verifyStore } from "@suda/server/store";
import { openLmdbStore } from "@suda/store-lmdb";
import { checkHistory, RawWebSocket, SeededRandom, ServerProcess, signToken, TcpProxy, writeTokenKey, type LogReading, type SendKey } from "@suda/testing";
import { unlimitedServer } from "../kill/servers.ts";
import { checkUsers } from "./check-users.ts";
import { Device } from "./device.ts";
import { bodyOf, historyOf, MemoryJournal } from "./journal.ts";
import { buildTown, live, logsOf, type Town } from "./town.ts";

export interface DrainOptions {
  readonly clients: number;
  readonly seed: number;
  /** Whether there are members who do not read. */
  readonly hasIdlers: boolean;
  /** `drainTimeoutMs` of the server; default 10,000. */
  readonly graceMs?: number;
  /** Mean time between two doings of one device, ms; default 1,000. */
  readonly actEveryMs?: number;
  /** Load before the signal and after the return, ms; default 3,000. */
  readonly loadMs?: number;
}

export interface DrainReport {
  readonly clients: number;
  readonly seed: number;
  readonly hasIdlers: boolean;
  readonly graceMs: number;
  /** As `goaway` said. */
  readonly windowMs: number;
  /** From SIGTERM until the process had ended. */
  readonly exitMs: number;
  /** From SIGTERM until the new process was ready. */
  readonly downMs: number;
  readonly written: number;
  readonly acknowledged: number;
  /** Before the signal and until the end of the old process: what it stored, and what it acknowledged of that. */
  readonly storedBefore: number;
  readonly acknowledgedBefore: number;
  /** Clients that were told `goaway`. */
  readonly toldGoaway: number;
  /** How long clients were without a connection. */
  readonly gapMs: Percentiles;
  /** From the end of the connection to the first try to connect again. */
  readonly firstTryMs: Percentiles;
  readonly pipelined: PipelineReport;
  readonly found: readonly string[];
}

/** Of the window that was sent in the moment of the signal. */
export interface PipelineReport {
  readonly sent: number;
  readonly acknowledged: number;
  readonly stored: number;
  readonly isTold: boolean;
  readonly closeCode: number;
}

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Beyond the grace, for what is no part of the drain: closing the store, the end of Node, a busy machine. */
export const exitMarginMs = 2_000;
/** For coming back and sending what waited; after it the clients have not come back. */
const returnMs = 60_000;
/** Beyond the window: timers of a busy machine. */
const tryMarginMs = 1_000;
/** Sent in one breath: more than the 64 that a connection carries out at once. */
const windowLength = 200;

export async function runDrain(options: DrainOptions): Promise<DrainReport> {
  const directory = await mkdtemp(join(tmpdir(), "suda-drain-"));
  const graceMs = options.graceMs ?? 10_000;
  const start = (): Promise<ServerProcess> => ServerProcess.open(unlimitedServer(directory, ["--drain-timeout-ms", String(graceMs)]));
  try {
    writeTokenKey(directory);
    const server = await start();
    try {
      const town = await buildTown({ url: server.url, directory, devices: options.clients });
      await using run = new DrainRun({ ...options, graceMs, directory, town, start });
      return await run.toTheEnd(server);
    } finally {
      await server.kill();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface RunOptions extends DrainOptions {
  readonly graceMs: number;
  readonly directory: string;
  readonly town: Town;
  readonly start: () => Promise<ServerProcess>;
}

class DrainRun implements AsyncDisposable {
  readonly #options: RunOptions;
  readonly #random: SeededRandom;
  readonly #journal = new MemoryJournal();
  readonly #devices: Device[] = [];
  readonly #sockets: RawWebSocket[] = [];
  readonly #found: string[] = [];
  readonly #goaways = new Map<string, number>();
  readonly #triesMs = new Map<string, number[]>();
  #isRunning = true;
  #written = 0;
  #proxy: TcpProxy | undefined;
  #next: ServerProcess | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  async toTheEnd(server: ServerProcess): Promise<DrainReport> {
    const { graceMs, loadMs = 3_000, clients, seed, hasIdlers } = this.#options;
    this.#proxy = await TcpProxy.open({ port: portOf(server.url) });
    await this.#openDevices(this.#proxy.port);
    const doings = this.#devices.map((device) => this.#liveOn(device));
    await sleep(loadMs);
    if (hasIdlers) await this.#openIdlers(server.url);
    // It sends a whole window in one breath, in the moment of the signal, and reads what it is told.
    const pipeline = await this.#openProgram(server.url, "pipeline", this.#options.town.inhabitants[0]?.user ?? "");
    const termAt = performance.now();
    for (let number = 0; number < windowLength; number++) pipeline.send("창");
    const exit = await server.stop(graceMs + 20_000);
    const exitMs = Math.round(performance.now() - termAt);
    if (exit.code !== 0) this.#found.push(`the server ended with ${exit.code ?? exit.signal}:\n${server.output}`);
    if (exitMs > graceMs + exitMarginMs) this.#found.push(`the server took ${exitMs} ms to end, and its grace is ${graceMs} ms`);
    this.#found.push(...server.alarms);
    const before = await this.#checkAnswered(pipeline);
    this.#next = await this.#options.start();
    this.#proxy.retarget(portOf(this.#next.url));
    const downMs = Math.round(performance.now() - termAt);
    await this.#until("come back", () => this.#devices.filter(({ isOpen }) => !isOpen));
    await sleep(loadMs);
    this.#isRunning = false;
    await Promise.all(doings);
    await this.#until("send everything", () => this.#devices.filter(({ isSent }) => !isSent));
    const gaps = this.#devices.flatMap((device) => device.gaps.flatMap(({ lostAtMs, backAtMs }) => (backAtMs === undefined ? [] : [backAtMs - lostAtMs])));
    if (gaps.length !== this.#devices.length) this.#found.push(`${gaps.length} connections broke, and there are ${this.#devices.length} clients`);
    const firstTries = this.#checkTold();
    await this.#checkEnd();
    return {
      clients,
      seed,
      hasIdlers,
      graceMs,
      windowMs: Math.max(0, ...this.#goaways.values()),
      exitMs,
      downMs,
      written: this.#written,
      acknowledged: this.#journal.entries.filter(({ step }) => step === "stored").length,
      ...before,
      toldGoaway: this.#goaways.size,
      gapMs: percentiles(gaps),
      firstTryMs: percentiles(firstTries),
      found: this.#found,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isRunning = false;
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#devices.map((device) => device[Symbol.asyncDispose]()));
    await this.#proxy?.[Symbol.asyncDispose]();
    await this.#next?.kill();
  }

  async #openDevices(port: number): Promise<void> {
    const { directory, town } = this.#options;
    for (const { user, devices, rooms } of town.inhabitants) {
      const token = signToken(directory, user);
      for (const [index, name] of devices.entries()) {
        const onFrame = (frame: ServerFrame): void => void (frame.type === "goaway" && this.#goaways.set(name, frame.windowMs));
        const onProblem = (problem: unknown): void => void this.#found.push(`${name} reports ${String(problem)}`);
        const options = { name, user, url: `ws://127.0.0.1:${port}/v1/socket`, token, rooms, isFollowing: index !== 1, journal: this.#journal };
        const device = await Device.open({ ...options, onFrame, onProblem });
        this.#devices.push(device);
        const tries: number[] = [];
        this.#triesMs.set(name, tries);
        device.client.connection.subscribe(() => {
          if (device.client.connection.getSnapshot().kind === "connecting") tries.push(performance.now());
        });
      }
    }
    await Promise.all(this.#devices.map(({ client }) => client.ready()));
  }

  async #liveOn(device: Device): Promise<void> {
    const random = this.#random.fork();
    const { actEveryMs = 1_000 } = this.#options;
    while (this.#isRunning) {
      await sleep(random.float() * 2 * actEveryMs);
      if (this.#isRunning) this.#written += live(device, random);
    }
  }

  /** A member who has stopped reading, and one who has stopped reading and goes on asking, for more than the kernel's buffers take. */
  async #openIdlers(url: string): Promise<void> {
    const [first, second] = this.#options.town.inhabitants;
    const idle = await this.#openProgram(url, "idle", first?.user ?? "");
    idle.socket.socket.pause();
    const greedy = await this.#openProgram(url, "greedy", second?.user ?? "");
    for (let number = 0; number < 30; number++) greedy.send("가".repeat(2_000));
    while (greedy.acknowledged() < 30) await sleep(10);
    greedy.socket.socket.pause();
    for (let ref = 1_000; ref < 1_300; ref++) greedy.socket.send(stringifyFrame({ type: "history.get", ref, conversation: greedy.conversation, limit: 200 }));
  }

  /** A client of its own making, on the server itself: what it sends and is told is in the journal as that of the others. */
  async #openProgram(url: string, name: string, user: string): Promise<Program> {
    const conversation = this.#options.town.rooms.at(-1) as ConversationId;
    const connection = `${name}#1`;
    const keyOf = (ref: unknown): SendKey => ({ conversation, from: user, clientId: `${name}-${String(ref)}` });
    const sends = new Set<number>();
    let acknowledged = 0;
    let isTold = false;
    const socket = await this.#greet(url, signToken(this.#options.directory, user), (frame) => {
      if (frame.type === "goaway") isTold = true;
      if (frame.type === "error") this.#found.push(`${name} was refused: ${frame.code}`);
      if (frame.type !== "reply" || typeof frame.ref !== "number" || !sends.has(frame.ref)) return;
      acknowledged++;
      const { ref, seq } = frame as unknown as { ref: number; seq: number };
      this.#journal.note({ step: "wire", record: { step: "ok", ...keyOf(ref), connection, seq, duplicate: false } });
    });
    const send = (padding: string): void => {
      const ref = sends.size + 2;
      sends.add(ref);
      const content = { type: "text", text: `${name} ${ref} ${padding}` } as const;
      const key = keyOf(ref);
      this.#journal.note({ step: "wrote", device: name, user, conversation, clientId: key.clientId, body: bodyOf(content) });
      this.#journal.note({ step: "wire", record: { step: "invoke", ...key, connection, body: bodyOf(content) } });
      socket.send(stringifyFrame({ type: "message.send", ref, conversation, clientId: key.clientId, content }));
    };
    return { conversation, socket, send, acknowledged: () => acknowledged, isTold: () => isTold };
  }

  async #greet(url: string, token: string, onFrame: (frame: ServerFrame) => void = () => {}): Promise<RawWebSocket> {
    let greet: () => void = () => {};
    const greeted = new Promise<void>((resolve) => (greet = resolve));
    const socket = await RawWebSocket.open(`${url}/v1/socket`, {
      subprotocol: jsonCodec.subprotocol,
      onMessage: (payload) => {
        for (const frame of decodeServerFrames(jsonCodec, payload.toString())) {
          if (frame.type === "reply" && frame.ref === 1) greet();
          onFrame(frame);
        }
      },
    });
    this.#sockets.push(socket);
    socket.send(stringifyFrame({ type: "hello", ref: 1, token }));
    await greeted;
    return socket;
  }

  /** The old process is gone: what it stored it has acknowledged to everybody who reads, and of a window it took a beginning. */
  async #checkAnswered(pipeline: Program): Promise<Pick<DrainReport, "storedBefore" | "acknowledgedBefore" | "pipelined">> {
    const closeCode = await pipeline.socket.closed;
    const isTold = pipeline.isTold();
    const logs = await this.#readLogs();
    const acknowledged = new Set<string>();
    for (const record of historyOf(this.#journal.entries)) if (record.step === "ok") acknowledged.add(record.clientId);
    const stored = logs.flatMap(({ entries }) => entries.flatMap(({ clientId, body }) => (clientId === undefined || body.includes(" ") ? [] : [clientId])));
    const unanswered = stored.filter((clientId) => !acknowledged.has(clientId));
    if (unanswered.length > 0) this.#found.push(`${unanswered.length} messages were stored and never acknowledged, such as ${unanswered[0]}`);
    const ofWindow = stored.filter((clientId) => clientId.startsWith("pipeline-"));
    for (const [index, clientId] of ofWindow.entries())
      if (clientId !== `pipeline-${index + 2}`) this.#found.push(`of the window ${clientId} was stored in place ${index + 1}`);
    if (closeCode !== closeCodes.restart.code || !isTold)
      this.#found.push(`the pipelined program was closed with ${closeCode}, ${isTold ? "after" : "without"} goaway`);
    return {
      storedBefore: stored.length,
      acknowledgedBefore: acknowledged.size,
      pipelined: { sent: windowLength, acknowledged: pipeline.acknowledged(), stored: ofWindow.length, closeCode, isTold },
    };
  }

  /** Everybody who reads was told, and tried to come back within the window. @returns ms from the end to the first try */
  #checkTold(): readonly number[] {
    const firstTries: number[] = [];
    for (const { name, gaps } of this.#devices) {
      const windowMs = this.#goaways.get(name);
      const lostAtMs = gaps[0]?.lostAtMs ?? Number.POSITIVE_INFINITY;
      const triedAtMs = this.#triesMs.get(name)?.find((at) => at >= lostAtMs);
      if (windowMs === undefined) this.#found.push(`${name} was not told goaway`);
      if (triedAtMs === undefined) continue;
      firstTries.push(triedAtMs - lostAtMs);
      if (triedAtMs - lostAtMs > (windowMs ?? 0) + tryMarginMs)
        this.#found.push(`${name} first tried after ${Math.round(triedAtMs - lostAtMs)} ms; the window is ${windowMs} ms`);
    }
    return firstTries;
  }

  async #until(what: string, late: () => readonly Device[]): Promise<void> {
    for (const endsAt = performance.now() + returnMs; late().length > 0; await sleep(50)) {
      if (performance.now() < endsAt) continue;
      this.#found.push(...late().map(({ name }) => `${name} did not ${what} within ${returnMs / 1_000} s`));
      return;
    }
  }

  async #checkEnd(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device[Symbol.asyncDispose]()));
    await this.#next?.stop();
    const logs = await this.#readLogs();
    const { entries } = this.#journal;
    const violations = [...checkUsers(entries, logs), ...checkHistory({ history: historyOf(entries), logs })];
    this.#found.push(...violations.map(({ kind, conversation, message }) => `${kind} in ${conversation}: ${message}`));
  }

  async #readLogs(): Promise<readonly LogReading[]> {
    await using store = await openLmdbStore({ directory: this.#options.directory });
    await verifyStore(store, ({ kind, conversation, message }) => this.#found.push(`${kind} in ${conversation ?? "the store"}: ${message}`));
    return logsOf(store);
  }
}

interface Program {
  readonly conversation: ConversationId;
  readonly socket: RawWebSocket;
  /** One message, without waiting. */
  send(padding: string): void;
  acknowledged(): number;
  isTold(): boolean;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export function describeDrain(report: DrainReport): readonly string[] {
  const { clients, seed, hasIdlers, graceMs, windowMs, exitMs, downMs, gapMs, firstTryMs, pipelined, found } = report;
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  return [
    `${clients} clients${hasIdlers ? " and two that do not read" : ""}, seed ${seed}: SIGTERM to exit ${exitMs} ms (grace ${graceMs} ms), to the new server ${downMs} ms`,
    `told goaway ${report.toldGoaway}; window ${windowMs} ms, first tries p50 ${seconds(firstTryMs.p50)} p99 ${seconds(firstTryMs.p99)} s; without connection p50 ${seconds(gapMs.p50)} p99 ${seconds(gapMs.p99)} s, at most ${seconds(gapMs.max)} s`,
    `the old server stored ${report.storedBefore} and acknowledged ${report.acknowledgedBefore}; in the end written ${report.written}, acknowledged to their users ${report.acknowledged}`,
    `of a window of ${pipelined.sent} at the signal: stored ${pipelined.stored}, acknowledged ${pipelined.acknowledged}, closed with ${pipelined.closeCode}`,
    found.length === 0 ? "nothing lost, doubled or reordered" : `${found.length} findings`,
    ...found.slice(0, 20).map((one) => `  ${one}`),
  ];
}
