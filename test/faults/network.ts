/**
 * `npm run test:faults -- network [--clients 200] [--seconds 180] [--seed N]`: real clients on bad links to a real server
 * (A3, A4, A7, A8, B3). Every device has a link of its own, which is late, slow, sliced, black, half closed or reset at
 * random; now and then all are reset at once. Then all links are healed, and all devices must come to agree: nothing lost,
 * nothing doubled, one order, unread as recounted, each device as a fresh one.
 *
 * The seed chooses faults and writings; the moments are those of real time.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openLmdbStore } from "@suda/store-lmdb";
import { SeededRandom, ServerProcess, signToken, TcpProxy, writeTokenKey } from "@suda/testing";
import { unlimitedServer } from "../kill/servers.ts";
import { cease, linkFaults, strike } from "./bad-link.ts";
import { checkStore, converge, disagreements } from "./convergence.ts";
import { Device } from "./device.ts";
import type { ClientBug } from "./planted-clients.ts";
import { MemoryJournal } from "./journal.ts";
import { buildTown, live, type Town } from "./town.ts";

export interface NetworkOptions {
  readonly clients: number;
  readonly seconds: number;
  readonly seed: number;
  /** Planted into every client. */
  readonly bug?: ClientBug;
  /** Mean time between two faults of one link, ms; default 15,000. */
  readonly faultEveryMs?: number;
  /** Mean time between two doings of one device, ms; default 4,000. */
  readonly actEveryMs?: number;
}

export interface NetworkReport {
  readonly clients: number;
  readonly users: number;
  readonly conversations: number;
  readonly seed: number;
  readonly seconds: number;
  readonly written: number;
  readonly acknowledged: number;
  /** Entries that clients showed to their listeners. */
  readonly shown: number;
  /** Tries that found the message stored already: without deduplication each would be there twice. */
  readonly duplicates: number;
  readonly reconnects: number;
  readonly faults: Readonly<Record<string, number>>;
  /** From healing until all devices had sent everything and knew every head. */
  readonly convergedAfterMs: number;
  /** All that was found; empty when every promise was kept. */
  readonly found: readonly string[];
}

/** After this the devices have not converged. */
const convergeMs = 90_000;
/** All links are reset in one moment, a reconnect storm: so often, and once in a short run. */
const stormEveryMs = 40_000;

export async function runNetwork(options: NetworkOptions): Promise<NetworkReport> {
  const directory = await mkdtemp(join(tmpdir(), "suda-network-"));
  try {
    writeTokenKey(directory);
    await using server = await ServerProcess.open(unlimitedServer(directory));
    const town = await buildTown({ url: server.url, directory, devices: options.clients });
    const run = new NetworkRun({ ...options, directory, server, town });
    return await run.toTheEnd();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface RunOptions extends NetworkOptions {
  readonly directory: string;
  readonly server: ServerProcess;
  readonly town: Town;
}

class NetworkRun {
  readonly #options: RunOptions;
  readonly #random: SeededRandom;
  readonly #journal = new MemoryJournal();
  readonly #devices: Device[] = [];
  readonly #links: TcpProxy[] = [];
  readonly #found: string[] = [];
  readonly #faults: Record<string, number> = Object.fromEntries([...linkFaults, "storm"].map((fault) => [fault, 0]));
  #isRunning = true;
  #written = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  async toTheEnd(): Promise<NetworkReport> {
    const { server, directory, seconds, seed, clients, town } = this.#options;
    try {
      await this.#openDevices();
      const doings = this.#devices.map((device, index) => [this.#liveOn(device), this.#breakLink(this.#links[index] as TcpProxy)]).flat();
      const storms = this.#storms();
      await sleep(seconds * 1_000);
      this.#isRunning = false;
      await Promise.all([...doings, storms]);
      for (const link of this.#links) link.heal();
      const { tookMs: convergedAfterMs, late } = await converge(this.#devices, convergeMs);
      this.#found.push(...late.map((one) => `${one} ${convergeMs / 1_000} s after all links were healed`));
      this.#found.push(...(await disagreements({ url: server.url, directory, devices: this.#devices })));
      const reconnects = this.#devices.reduce((sum, { gaps }) => sum + gaps.length, 0);
      await this.#close();
      this.#found.push(...server.alarms);
      const { code, signal } = await server.stop();
      if (code !== 0) this.#found.push(`the server ended with ${code ?? signal}:\n${server.output}`);
      await this.#checkStore(directory);
      const count = (fits: (entry: MemoryJournal["entries"][number]) => boolean): number => this.#journal.entries.filter(fits).length;
      return {
        clients,
        users: town.inhabitants.length,
        conversations: town.rooms.length,
        seed,
        seconds,
        written: this.#written,
        acknowledged: count(({ step }) => step === "stored"),
        shown: count(({ step }) => step === "shown"),
        duplicates: count((entry) => entry.step === "wire" && entry.record.step === "ok" && entry.record.duplicate),
        reconnects,
        faults: this.#faults,
        convergedAfterMs,
        found: this.#found,
      };
    } finally {
      this.#isRunning = false;
      await this.#close();
    }
  }

  async #openDevices(): Promise<void> {
    const { server, directory, town, bug } = this.#options;
    const port = Number(new URL(server.url).port);
    for (const { user, devices, rooms } of town.inhabitants) {
      const token = signToken(directory, user);
      for (const [index, name] of devices.entries()) {
        const link = await TcpProxy.open({ port, random: this.#random.fork() });
        this.#links.push(link);
        const url = `ws://127.0.0.1:${link.port}/v1/socket`;
        const onProblem = (problem: unknown): void => void this.#found.push(`${name} reports ${String(problem)}`);
        this.#devices.push(await Device.open({ name, user, url, token, rooms, isFollowing: index !== 1, journal: this.#journal, bug, onProblem }));
      }
    }
    await Promise.all(this.#devices.map(({ client }) => client.ready()));
    await Promise.all(this.#devices.flatMap(({ rooms, isFollowing }) => (isFollowing ? rooms.map((room) => room.load()) : [])));
  }

  async #liveOn(device: Device): Promise<void> {
    const random = this.#random.fork();
    const meanMs = this.#options.actEveryMs ?? 4_000;
    while (await this.#pause(random.float() * 2 * meanMs)) this.#written += live(device, random);
  }

  async #breakLink(link: TcpProxy): Promise<void> {
    const random = this.#random.fork();
    const meanMs = this.#options.faultEveryMs ?? 15_000;
    while (await this.#pause(random.float() * 2 * meanMs)) {
      const fault = random.pick(linkFaults);
      this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
      await this.#pause(strike(link, fault, random));
      cease(link, fault);
    }
  }

  async #storms(): Promise<void> {
    while (await this.#pause(Math.min(stormEveryMs, this.#options.seconds * 600))) {
      this.#faults["storm"] = (this.#faults["storm"] ?? 0) + 1;
      for (const link of this.#links) link.reset();
    }
  }

  /** False when the time of faults is over meanwhile; then without waiting to the end. */
  async #pause(ms: number): Promise<boolean> {
    for (const endsAt = performance.now() + ms; this.#isRunning && performance.now() < endsAt; )
      await sleep(Math.min(250, Math.max(1, endsAt - performance.now())));
    return this.#isRunning;
  }

  async #checkStore(directory: string): Promise<void> {
    await using store = await openLmdbStore({ directory });
    this.#found.push(...(await checkStore(store, this.#journal.entries)));
  }

  async #close(): Promise<void> {
    await Promise.all(this.#devices.splice(0).map((device) => device[Symbol.asyncDispose]()));
    await Promise.all(this.#links.splice(0).map((link) => link[Symbol.asyncDispose]()));
  }
}

export function describeNetwork(report: NetworkReport): readonly string[] {
  const faults = Object.entries(report.faults).map(([fault, count]) => `${fault} ${count}`);
  return [
    `${report.clients} clients of ${report.users} users in ${report.conversations} conversations, ${report.seconds} s of faults, seed ${report.seed}`,
    `written ${report.written}, acknowledged ${report.acknowledged}, shown ${report.shown}; ${report.duplicates} tries found their message stored already`,
    `faults: ${faults.join(", ")}; ${report.reconnects} reconnects`,
    `converged ${(report.convergedAfterMs / 1_000).toFixed(1)} s after healing; ${report.found.length === 0 ? "nothing lost, doubled or disagreed on" : `${report.found.length} findings`}`,
    ...report.found.slice(0, 20).map((one) => `  ${one}`),
  ];
}
