/**
 * `npm run test:faults -- storm [--clients 5000] [--conversations 20] [--seed N] [--save]`: all come back at once (B10, D7). All
 * clients are connected and up to date when the server dies by `kill -9`. While it is away to them, others write (the server runs
 * behind another door); that one is killed too, and the server is started again where all are waiting for it. Three times: with
 * well-behaved clients, with ill-behaved ones, and with one ill-behaved among ten.
 *
 * In the end every client shows each log as the store has it, behind what it knew before: nothing is missing, doubled or in
 * another order; and records and unread counts are those of a fresh one.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { verifyStore } from "@suda/server/store";
import { openLmdbStore } from "@suda/store-lmdb";
import {
  ChildProgram,
  freePort,
  quantile,
  readCpuUs,
  readMemoryBytes,
  readPeakMemoryBytes,
  SeededRandom,
  ServerProcess,
  writeTokenKey,
  type ReadEntry,
} from "@suda/testing";
import { realServer } from "../kill/servers.ts";
import { monotonicMs } from "./journal.ts";
import { Bystander } from "./storm-bystander.ts";
import type { StormClientsAnswer, StormClientsArgument, StormClientsQuestion, StormClientsWorld } from "./storm-clients.ts";
import { StormWriters } from "./storm-writers.ts";
import { buildStormWorld, type StormWorld } from "./storm-world.ts";
import { logsOf } from "./town.ts";

export interface StormOptions {
  readonly clients: number;
  /** Of each client. */
  readonly conversations: number;
  readonly seed: number;
  /** Default all. */
  readonly kinds?: readonly StormKind[];
  readonly onReport?: (report: StormReport) => void;
}

/** Of a thousand clients so many are ill-behaved. */
export const stormKinds = { "well-behaved": 0, mixed: 100, "ill-behaved": 1_000 } as const;
export type StormKind = keyof typeof stormKinds;

/** From the moment in which the server was there again, ms. */
interface Times {
  readonly clients: number;
  readonly resumedMs: { readonly p50: number; readonly p99: number; readonly all: number };
  /** From the beginning of the try that succeeded, ms. */
  readonly tookMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Tries that ended otherwise, and refused commands, by code. */
  readonly refusals: Readonly<Record<string, number>>;
}

export interface StormReport {
  readonly kind: StormKind;
  readonly clients: number;
  readonly conversations: number;
  readonly seed: number;
  /** How long there was no server for them. */
  readonly outageMs: number;
  /** Messages that were written meanwhile, in so many conversations. */
  readonly missed: { readonly messages: number; readonly conversations: number; readonly overOnePage: number };
  readonly returning: Times | undefined;
  readonly hasty: Times | undefined;
  readonly storeReadsPerClient: number;
  readonly storeReads: Readonly<Record<string, number>>;
  readonly serverCpuMsPerClient: number;
  readonly memoryMiB: { readonly fresh: number; readonly quiet: number; readonly peak: number };
  /** Of a user who is connected and writes while all others come back. */
  readonly bystander: { readonly sends: number; readonly p50: number; readonly p99: number; readonly max: number };
  /** The longest that `/readyz` took to answer. */
  readonly readyMaxMs: number;
  readonly found: readonly string[];
}

const clientsPerProcess = 1_250;
const patienceMs = 150_000;

export async function runStorm(options: StormOptions): Promise<readonly StormReport[]> {
  const directory = await mkdtemp(join(tmpdir(), "suda-storm-"));
  try {
    writeTokenKey(directory);
    const random = new SeededRandom(options.seed);
    let world: StormWorld;
    {
      await using store = await openLmdbStore({ directory });
      world = await buildStormWorld(store, { ...options, random });
    }
    const reports: StormReport[] = [];
    for (const kind of options.kinds ?? (Object.keys(stormKinds) as StormKind[])) {
      await using run = new StormRun({ ...options, kind, directory, world, random, port: await freePort() });
      const report = await run.toTheEnd();
      options.onReport?.(report);
      reports.push(report);
    }
    return reports;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface RunOptions extends StormOptions {
  readonly kind: StormKind;
  readonly directory: string;
  readonly world: StormWorld;
  readonly random: SeededRandom;
  readonly port: number;
}

type Clients = ChildProgram<StormClientsQuestion, StormClientsAnswer>;

class StormRun implements AsyncDisposable {
  readonly #options: RunOptions;
  readonly #apiKey: string = randomBytes(24).toString("base64url");
  readonly #url: string;
  readonly #children: Clients[] = [];
  readonly #found: string[] = [];
  #server: ServerProcess | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#url = `http://127.0.0.1:${options.port}`;
  }

  async toTheEnd(): Promise<StormReport> {
    const { world, random, clients, conversations, kind, seed, port } = this.#options;
    const first = await this.#start(port);
    await this.#startClients();
    await this.#ask({ ask: "connect" });
    await sleep(1_000);
    const quietBytes = readMemoryBytes(first.pid);
    await this.#ask({ ask: "hold" });
    await first.kill();
    const goneAtMs = monotonicMs();

    const writers = new StormWriters({ world, random, apiKey: this.#apiKey });
    const aside = await this.#start(await freePort());
    const missed = await writers.writeMissed(aside.url);
    await aside.kill();
    await this.#ask({ ask: "expect", heads: await this.#write("heads", Object.fromEntries(writers.heads)) });

    const server = await this.#start(port);
    const backAtMs = monotonicMs();
    await using bystander = await Bystander.open({ url: server.url, directory: this.#options.directory, room: world.bystanders });
    const before = await this.#figures(server);
    await this.#ask({ ask: "go" });
    const live = writers.keepWriting(server.url);
    const storm = { peakMs: 0, isOver: false };
    const watch = watchReadiness(server.url, storm);
    const resumed = await this.#untilResumed();
    if (resumed < clients) this.#found.push(`${clients - resumed} clients are not resumed after ${patienceMs / 1_000} s`);
    const after = await this.#figures(server);
    const sends = await bystander.stop();
    storm.isOver = true;
    await live.stop();
    await watch;
    const peakBytes = readPeakMemoryBytes(server.pid);
    await this.#compare(server);
    const answers = await this.#compareLogs();
    const reads = difference(after.reads, before.reads);
    const timesOf = (isHasty: boolean): Times | undefined => timesIn(answers, isHasty, backAtMs);
    return {
      kind,
      clients,
      conversations,
      seed,
      outageMs: Math.round(backAtMs - goneAtMs),
      missed,
      returning: timesOf(false),
      hasty: timesOf(true),
      storeReadsPerClient: tenths(Object.values(reads).reduce((sum, count) => sum + count, 0) / clients),
      storeReads: reads,
      serverCpuMsPerClient: tenths((after.cpuUs - before.cpuUs) / 1_000 / clients),
      memoryMiB: { fresh: mebibytes(before.memoryBytes), quiet: mebibytes(quietBytes), peak: mebibytes(peakBytes) },
      bystander: { sends: sends.length, p50: tenths(quantile(sends, 0.5)), p99: tenths(quantile(sends, 0.99)), max: tenths(quantile(sends, 1)) },
      readyMaxMs: Math.round(storm.peakMs),
      found: this.#found,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.splice(0)) await child[Symbol.asyncDispose]();
    if (this.#server?.isRunning === true) await this.#server.kill();
  }

  /** The real command with the settings of production; only the backend's key is added. */
  async #start(port: number): Promise<ServerProcess> {
    const { program } = realServer(this.#options.directory, ["--port", String(port)]);
    this.#server = await ServerProcess.open({ program, env: { SUDA_API_KEYS: `storm:${this.#apiKey}` } });
    return this.#server;
  }

  async #startClients(): Promise<void> {
    const { world, directory, kind } = this.#options;
    const clients = world.users.map(({ user, rooms }, index) => ({
      user,
      rooms,
      localAddress: `127.${1 + Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${1 + (index % 250)}`,
      isHasty: (index * 37) % 1_000 < stormKinds[kind],
    }));
    for (let first = 0; first < clients.length; first += clientsPerProcess) {
      const slice: StormClientsWorld = { clients: clients.slice(first, first + clientsPerProcess) };
      const argument: StormClientsArgument = { url: this.#url, dataDirectory: directory, file: await this.#write(`clients-${first}`, slice) };
      this.#children.push(new ChildProgram(new URL("storm-clients.ts", import.meta.url), argument));
    }
  }

  /** All processes at once: they are independent of each other. */
  async #ask(question: StormClientsQuestion): Promise<readonly StormClientsAnswer[]> {
    const answers = await Promise.all(this.#children.map((child) => child.ask(question)));
    this.#found.push(...answers.flatMap(({ found }) => found));
    return answers;
  }

  async #untilResumed(): Promise<number> {
    for (const endsAt = monotonicMs() + patienceMs; ; ) {
      const answers = await this.#ask({ ask: "progress" });
      const resumed = answers.reduce((sum, answer) => sum + answer.resumed, 0);
      if (resumed === this.#options.clients || monotonicMs() > endsAt) return resumed;
      await sleep(200);
    }
  }

  /** With the server still there. What was told last may be on its way: asked again for ten seconds. */
  async #compare(server: ServerProcess): Promise<void> {
    for (const endsAt = monotonicMs() + 10_000; ; await sleep(500)) {
      const answers = await Promise.all(this.#children.map((child) => child.ask({ ask: "compare-records" })));
      const differences = answers.flatMap(({ found }) => found);
      if (differences.length > 0 && monotonicMs() < endsAt) continue;
      this.#found.push(...differences);
      break;
    }
    this.#found.push(...server.alarms);
    await this.#ask({ ask: "hold" });
    const { code, signal } = await server.stop(20_000);
    if (code !== 0) this.#found.push(`the server ended with ${code ?? signal}:\n${server.output}`);
  }

  async #compareLogs(): Promise<readonly StormClientsAnswer[]> {
    const logs: Record<string, readonly ReadEntry[]> = {};
    {
      await using store = await openLmdbStore({ directory: this.#options.directory });
      for (const { conversation, entries } of await logsOf(store)) logs[conversation] = entries;
      await verifyStore(store, ({ kind, conversation, message }) => this.#found.push(`${kind} in ${conversation ?? "the store"}: ${message}`));
    }
    return this.#ask({ ask: "compare-logs", logs: await this.#write("logs", logs) });
  }

  async #figures(server: ServerProcess): Promise<{ readonly reads: Readonly<Record<string, number>>; readonly cpuUs: number; readonly memoryBytes: number }> {
    const memoryBytes = readMemoryBytes(server.pid);
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const reads: Record<string, number> = {};
    for (const [, op = "", count] of text.matchAll(/^suda_store_reads_total\{.*?op="([^"]+)".*?\} (\d+)/gm)) reads[op] = Number(count);
    return { reads, cpuUs: readCpuUs(server.pid), memoryBytes };
  }

  async #write(name: string, value: object): Promise<string> {
    const path = join(this.#options.directory, `storm-${name}.json`);
    await writeFile(path, JSON.stringify(value));
    return path;
  }
}

async function watchReadiness(url: string, storm: { peakMs: number; readonly isOver: boolean }): Promise<void> {
  while (!storm.isOver) {
    const askedAt = performance.now();
    await (await fetch(`${url}/readyz`)).text();
    storm.peakMs = Math.max(storm.peakMs, performance.now() - askedAt);
    await sleep(100);
  }
}

function timesIn(answers: readonly StormClientsAnswer[], isHasty: boolean, backAtMs: number): Times | undefined {
  const times = answers.flatMap((answer) => answer.times).filter((one) => one.isHasty === isHasty);
  if (times.length === 0) return undefined;
  const refusals: Record<string, number> = {};
  for (const answer of answers)
    for (const [code, count] of Object.entries(isHasty ? answer.refusals.hasty : answer.refusals.returning)) refusals[code] = (refusals[code] ?? 0) + count;
  const resumed = times.map(({ resumedAtMs }) => resumedAtMs - backAtMs);
  const took = times.map(({ tookMs }) => tookMs);
  const at = (values: readonly number[], q: number): number => Math.round(quantile(values, q));
  return {
    clients: times.length,
    resumedMs: { p50: at(resumed, 0.5), p99: at(resumed, 0.99), all: at(resumed, 1) },
    tookMs: { p50: at(took, 0.5), p99: at(took, 0.99), max: at(took, 1) },
    refusals,
  };
}

function difference(after: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([op, count]) => [op, count - (before[op] ?? 0)]));
}

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
const tenths = (value: number): number => Math.round(value * 10) / 10;

export function describeStorm(report: StormReport): readonly string[] {
  const { kind, clients, conversations, seed, outageMs, missed, returning, hasty, memoryMiB, bystander, found } = report;
  const timesOf = (name: string, times: Times | undefined): readonly string[] =>
    times === undefined
      ? []
      : [
          `  ${times.clients} ${name}: resumed ${times.resumedMs.p50} ms (half), ${times.resumedMs.p99} (99 %), ${times.resumedMs.all} (all); a try took p50 ${times.tookMs.p50} p99 ${times.tookMs.p99} max ${times.tookMs.max} ms; refused ${JSON.stringify(times.refusals)}`,
        ];
  return [
    `${clients} clients with ${conversations} conversations each, ${kind}, seed ${seed}: ${(outageMs / 1_000).toFixed(1)} s without a server, ${missed.messages} messages missed in ${missed.conversations} conversations, ${missed.overOnePage} of them over one page`,
    ...timesOf("well-behaved", returning),
    ...timesOf("ill-behaved", hasty),
    `  ${report.storeReadsPerClient} store reads and ${report.serverCpuMsPerClient} ms of server CPU per client; memory ${memoryMiB.fresh} MiB before, ${memoryMiB.peak} at most (${memoryMiB.quiet} when all were quietly connected)`,
    `  a bystander's sends: p50 ${bystander.p50} p99 ${bystander.p99} max ${bystander.max} ms of ${bystander.sends}; /readyz at most ${report.readyMaxMs} ms`,
    `  ${JSON.stringify(report.storeReads)}`,
    found.length === 0 ? "  all resumed exactly" : `  ${found.length} findings`,
    ...found.slice(0, 20).map((one) => `    ${one}`),
  ];
}
