/**
 * Rounds of: users write through the real client, kill -9 of the server at a random moment (and of a process of clients,
 * now and then), restart on the same data and the same outboxes, wait until everything is sent, read all logs back as
 * several members, check. The promise is A1, A3, A4 and A5 of the reliability table, and what users hold against it:
 * whatever moment a process dies at, everything that was written is there once, acknowledged or not, seqs are dense, all
 * read one order, and nothing that anybody saw is missing.
 *
 * Clients reach the server through a proxy, which keeps their address over restarts and keeps them out while the logs are
 * read for the first time. A data directory serves a few rounds (a life), so that later rounds check what earlier crashes
 * left behind. After the last one the whole store is checked as `suda verify` does.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { checkHistory, SeededRandom, ServerProcess, signToken, TcpProxy, writeTokenKey, type ServerProcessOptions, type Violation } from "@suda/testing";
import { verifyStore, type Finding } from "@suda/server/store";
import { openLmdbStore } from "@suda/store-lmdb";
import { checkUsers, type UserViolation } from "../faults/check-users.ts";
import { historyOf, MemoryJournal, readJournals, type JournalEntry } from "../faults/journal.ts";
import type { ClientBug } from "../faults/planted-clients.ts";
import { ClientProcess } from "./client-process.ts";
import { connectMembers, leaveButSome, readLogs, repeatSome, type RawMembers, type RawReading } from "./raw-members.ts";
import { createWorld, users, type World } from "./world.ts";

export interface KillRunOptions {
  /** How to start the server on a data directory. */
  readonly server: (dataDirectory: string) => ServerProcessOptions;
  readonly rounds: number;
  readonly seed: number;
  /** Planted into every client. */
  readonly clientBug?: ClientBug | undefined;
  /** Rounds on one data directory; 5 by default. */
  readonly roundsPerLife?: number;
  /** Ends after the first round with a violation of this kind; for planted bugs. */
  readonly stopAt?: KillViolation["kind"] | "any" | undefined;
  readonly onRound?: (round: RoundReport) => void;
}

export type KillViolation = Violation | UserViolation;

export interface RoundReport {
  readonly round: number;
  /** From the beginning of the load. */
  readonly killedAfterMs: number;
  /** Starts that were killed before the one that was left alone. */
  readonly killedStarts: number;
  /** A process with half of the clients was killed, too. */
  readonly isClientKilled: boolean;
  readonly startMs: number;
  /** From the first moment in which clients could reach the new server until they had sent everything. */
  readonly settleMs: number;
  /** Of this life so far. */
  readonly written: number;
  /** Writings that their users were told are sent, and those that the clients sent in the end without a user to tell. */
  readonly acked: number;
  /** Tries of a send beyond the first. */
  readonly retried: number;
  readonly observed: number;
  readonly entries: number;
  readonly violations: readonly KillViolation[];
}

export interface KillRunReport {
  readonly seed: number;
  readonly rounds: readonly RoundReport[];
  readonly violations: readonly KillViolation[];
  /** Of the stores at the end of their lives, and what clients reported as their own faults. */
  readonly findings: readonly (Pick<Finding, "kind" | "message"> | { readonly kind: "client.problem"; readonly message: string })[];
}

type Findings = KillRunReport["findings"][number][];

/** Processes that the clients are spread over. */
const processCount = 2;

export async function runKillRounds(options: KillRunOptions): Promise<KillRunReport> {
  const random = new SeededRandom(options.seed);
  const rounds: RoundReport[] = [];
  const findings: Findings = [];
  while (rounds.length < options.rounds) {
    const count = Math.min(options.roundsPerLife ?? 5, options.rounds - rounds.length);
    await using life = await Life.open(options, random.fork());
    for (let index = 0; index < count; index++) {
      const report = await life.round(rounds.length + 1);
      rounds.push(report);
      options.onRound?.(report);
      if (report.violations.some(({ kind }) => options.stopAt === "any" || kind === options.stopAt)) return summary(options.seed, rounds, findings);
    }
    findings.push(...(await life.end()));
  }
  return summary(options.seed, rounds, findings);
}

function summary(seed: number, rounds: readonly RoundReport[], findings: Findings): KillRunReport {
  return { seed, rounds, violations: rounds.flatMap(({ violations }) => violations), findings };
}

/** How many of each kind, for a line of a report. */
export function countKinds(violations: readonly KillViolation[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { kind } of violations) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** One data directory, its server, and its clients with their outboxes. */
class Life implements AsyncDisposable {
  readonly #options: KillRunOptions;
  readonly #random: SeededRandom;
  readonly #directory: string;
  /** Of the raw members. */
  readonly #journal = new MemoryJournal();
  readonly #journalPaths: string[] = [];
  readonly #hosts: ClientProcess[] = [];
  #server: ServerProcess;
  #proxy!: TcpProxy;
  #world!: World;
  #earlierLogs: readonly RawReading[] = [];

  private constructor(options: KillRunOptions, parts: { random: SeededRandom; directory: string; server: ServerProcess }) {
    this.#options = options;
    this.#random = parts.random;
    this.#directory = parts.directory;
    this.#server = parts.server;
  }

  static async open(options: KillRunOptions, random: SeededRandom): Promise<Life> {
    const directory = await mkdtemp(join(tmpdir(), "suda-kill-"));
    writeTokenKey(directory);
    const life = new Life(options, { random, directory, server: await ServerProcess.open(options.server(directory)) });
    life.#proxy = await TcpProxy.open({ port: portOf(life.#server) });
    const members = await life.#connect("0");
    life.#world = await createWorld(members);
    await leaveButSome(members);
    for (let index = 0; index < processCount; index++) life.#addHost(index);
    await Promise.all(life.#hosts.map((host) => host.start()));
    return life;
  }

  async round(round: number): Promise<RoundReport> {
    const killedAfterMs = this.#random.integer(50, 900);
    const victim = this.#random.isTrue(0.5) ? this.#random.pick(this.#hosts) : undefined;
    await this.#loadUntilKilled(killedAfterMs, victim);
    const killedStarts = await this.#killStarts();
    const startedAt = performance.now();
    this.#server = await ServerProcess.open(this.#options.server(this.#directory));
    const startMs = Math.round(performance.now() - startedAt);
    const members = await this.#connect(String(round));
    // Before the clients can come back, who would put back what was lost.
    const found = await readLogs(members, this.#world, 1);
    const lost = checkHistory({ history: historyOf(this.#entries()), logs: found, earlierLogs: this.#earlierLogs });
    const settleMs = await this.#letClientsBack();
    await repeatSome(members, { logs: found, random: this.#random, journal: this.#journal, name: String(round) });
    const logs = await readLogs(members, this.#world, 3);
    await leaveButSome(members);
    const entries = this.#entries();
    const first = logs.filter(({ conversation }, index) => logs.findIndex((log) => log.conversation === conversation) === index);
    const history = historyOf(entries);
    this.#earlierLogs = logs;
    return {
      round,
      killedAfterMs,
      killedStarts,
      isClientKilled: victim !== undefined,
      startMs,
      settleMs,
      written: entries.filter(({ step }) => step === "wrote").length,
      acked: entries.filter(({ step }) => step === "stored").length,
      retried: history.filter(({ step }) => step === "invoke").length - new Set(history.flatMap((one) => (one.step === "invoke" ? [one.clientId] : []))).size,
      observed: history.filter(({ step }) => step === "observe").length,
      entries: first.reduce((sum, log) => sum + log.entries.length, 0),
      violations: [...lost, ...checkHistory({ history, logs, earlierLogs: found }), ...checkUsers(entries, first)],
    };
  }

  /** Kills everything once more and looks at what is left. */
  async end(): Promise<Findings> {
    const findings: Findings = this.#hosts.flatMap(({ problems }) => problems.map((message) => ({ kind: "client.problem" as const, message })));
    await this.#server.kill();
    await using store = await openLmdbStore({ directory: this.#directory });
    await verifyStore(store, (finding) => findings.push(finding));
    return findings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.kill()));
    await this.#server.kill();
    await this.#proxy[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #connect(name: string): Promise<RawMembers> {
    return connectMembers(this.#server.url, { dataDirectory: this.#directory, journal: this.#journal, name });
  }

  #addHost(index: number): void {
    const journal = join(this.#directory, `journal-${index}`);
    this.#journalPaths.push(journal);
    const own = users.filter((_, place) => place % processCount === index);
    const seats = own.map((user) => ({ user, token: signToken(this.#directory, user), rooms: this.#world.roomsOf.get(user) ?? [] }));
    const url = `ws://127.0.0.1:${this.#proxy.port}/v1/socket`;
    const options = { url, directory: this.#directory, journal, users: seats, bug: this.#options.clientBug };
    this.#hosts.push(new ClientProcess(options, () => this.#random.integer(0, 0xffff_ffff)));
  }

  /** Users go on writing for a moment after the server has died, and a process of clients may die before, with or after it. */
  async #loadUntilKilled(killedAfterMs: number, victim: ClientProcess | undefined): Promise<void> {
    for (const host of this.#hosts) host.tell("load");
    const isVictimDead = victim === undefined ? undefined : sleep(this.#random.integer(20, killedAfterMs + 200)).then(() => victim.kill());
    await sleep(killedAfterMs);
    this.#proxy.refuse();
    await this.#server.kill();
    await Promise.all([isVictimDead, sleep(this.#random.integer(0, 300))]);
    for (const host of this.#hosts) host.tell("stop");
  }

  async #killStarts(): Promise<number> {
    const count = this.#random.isTrue(0.2) ? this.#random.integer(1, 2) : 0;
    for (let index = 0; index < count; index++) await ServerProcess.startAndKill(this.#options.server(this.#directory), this.#random.integer(100, 900));
    return count;
  }

  async #letClientsBack(): Promise<number> {
    await Promise.all(this.#hosts.filter(({ isRunning }) => !isRunning).map((host) => host.start()));
    const startedAt = performance.now();
    this.#proxy.retarget(portOf(this.#server));
    this.#proxy.heal();
    // As devices that are online again: otherwise they come after their own waits.
    for (const host of this.#hosts) host.tell("retry");
    await Promise.all(this.#hosts.map((host) => host.settle()));
    return Math.round(performance.now() - startedAt);
  }

  /** Everything that anybody has noted in this life. */
  #entries(): readonly JournalEntry[] {
    return [...readJournals(this.#journalPaths), ...this.#journal.entries].toSorted((a, b) => a.atMs - b.atMs);
  }
}

function portOf(server: ServerProcess): number {
  return Number(new URL(server.url).port);
}
