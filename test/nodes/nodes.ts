/**
 * `npm run test:faults -- nodes --fault NAME [--balancer haproxy] [--clients 300] [--nodes 3] [--seed N]`: real nodes with Redis
 * between them, behind nginx or haproxy as deploy/ configures them, and real clients in direct conversations and groups. While
 * everybody writes, one thing is broken and made whole again. In that moment the users stop writing, and then all devices must
 * come to agree: nothing that was acknowledged is lost, doubled or reordered, and each device shows what a fresh one is told.
 *
 * That the users stop is the hardest case: no later event shows a device what it missed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { SeededRandom, signToken } from "@suda/testing";
import { checkStore, converge, disagreements } from "../faults/convergence.ts";
import { Device } from "../faults/device.ts";
import { MemoryJournal, type JournalEntry } from "../faults/journal.ts";
import { buildTown, live, type Town } from "../faults/town.ts";
import type { balancers } from "../proxies/balancers.ts";
import { Cluster } from "./cluster.ts";
import type { NodeFault } from "./node-faults.ts";

export interface NodesOptions {
  readonly fault: NodeFault;
  readonly balancer: keyof typeof balancers;
  readonly nodes: number;
  /** Of Cassandra; 0 for the embedded store, which is of one node. */
  readonly cassandraNodes: number;
  readonly clients: number;
  readonly seed: number;
  /** Of the times that a fault takes, 0…1; default 1. */
  readonly scale?: number;
  /** Default 1. */
  readonly rounds?: number;
  /** Load before the fault, ms; default 5,000. */
  readonly loadMs?: number;
  /** Mean time between two doings of one device, ms. */
  readonly actEveryMs: number;
  /** Told of each part of the run when it begins. */
  readonly onPart?: (part: string) => void;
}

export interface NodesReport {
  readonly fault: string;
  readonly what: string;
  readonly balancer: string;
  readonly store: string;
  readonly nodes: number;
  readonly clients: number;
  readonly users: number;
  readonly conversations: number;
  readonly seed: number;
  /** Mean time between two doings of one client, of which seven in ten are one message or a few. */
  readonly actEveryMs: number;
  /** Times that it was broken. */
  readonly rounds: number;
  /** From the first break until all was whole. */
  readonly faultMs: number;
  readonly written: number;
  readonly acknowledged: number;
  /** Entries that clients showed to their listeners. */
  readonly shown: number;
  /** Tries that found the message stored already: without deduplication each would be there twice. */
  readonly duplicates: number;
  /** Connections that broke. */
  readonly reconnects: number;
  /** How many of them with which close code and reason, the most frequent first. */
  readonly brokenBy: readonly { readonly why: string; readonly connections: number }[];
  /** The longest that any client was without one. */
  readonly longestGapMs: number;
  /** From the acknowledgement of a message to its being shown on another device, those of the fault included. */
  readonly deliveryMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** From when all was whole, and nobody wrote any more, until all devices had sent everything and knew every log to its end. */
  readonly convergedAfterMs: number;
  /** All that was found; empty when every promise was kept. */
  readonly found: readonly string[];
}

/** After this the devices have not converged. */
const patienceMs = 120_000;
/** Messages of one device that wait to be sent, with which it does nothing more: what the machine cannot carry would be a longer queue each minute. */
const maxWaiting = 12;

export async function runNodes(options: NodesOptions): Promise<NodesReport> {
  const random = new SeededRandom(options.seed);
  await using cluster = await Cluster.open({ ...options, random: random.fork() });
  const { minNodes = 1, minCassandraNodes = 0, name } = options.fault;
  if (options.cassandraNodes < minCassandraNodes) throw new RangeError(`${name} needs ${minCassandraNodes} nodes of Cassandra.`);
  if (cluster.nodes.length < minNodes) throw new RangeError(`${name} needs ${minNodes} nodes, and on this store there are ${cluster.nodes.length}.`);
  const town = await buildTown({ url: cluster.balancer.url, directory: cluster.directory, devices: options.clients });
  await using run = new NodesRun({ ...options, cluster, town, random });
  return await run.toTheEnd();
}

interface RunOptions extends NodesOptions {
  readonly cluster: Cluster;
  readonly town: Town;
  readonly random: SeededRandom;
}

class NodesRun implements AsyncDisposable {
  readonly #options: RunOptions;
  readonly #journal = new MemoryJournal();
  readonly #devices: Device[] = [];
  readonly #found: string[] = [];
  #isRunning = true;
  #written = 0;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  async toTheEnd(): Promise<NodesReport> {
    const { cluster, town, fault, scale = 1, rounds = 1, loadMs = 5_000, onPart = () => {} } = this.#options;
    onPart("clients connect");
    await this.#openDevices();
    const doings = this.#devices.map((device) => this.#liveOn(device));
    onPart("everybody writes");
    await sleep(loadMs);
    onPart(`broken: ${fault.what}`);
    const brokenAt = performance.now();
    const onRound = (round: number): void => {
      if (rounds > 1) onPart(`round ${round} of ${rounds}`);
    };
    await fault.strike(cluster, { pause: (ms) => sleep(ms * scale), rounds, onRound });
    const faultMs = Math.round(performance.now() - brokenAt);
    this.#isRunning = false;
    onPart("whole again; devices come to agree");
    const { tookMs: convergedAfterMs, late } = await converge(this.#devices, patienceMs);
    await Promise.all(doings);
    this.#found.push(...late.map((one) => `${one} ${patienceMs / 1_000} s after everything was whole`));
    onPart("compared with fresh devices");
    this.#found.push(...(await disagreements({ url: cluster.balancer.url, directory: cluster.directory, devices: this.#devices })));
    const gaps = this.#devices.flatMap((device) => device.gaps);
    onPart("nodes stop");
    await this.#close();
    await Promise.all(cluster.nodes.map((node) => node.stop()));
    this.#found.push(...cluster.nodes.flatMap((node) => node.found));
    onPart("log compared with what was acknowledged and shown");
    {
      await using store = await cluster.store.read();
      this.#found.push(...(await checkStore(store, this.#journal.entries)));
    }
    const count = (fits: (entry: JournalEntry) => boolean): number => this.#journal.entries.filter(fits).length;
    return {
      fault: fault.name,
      what: fault.what,
      balancer: this.#options.balancer,
      store: cluster.store.name,
      nodes: cluster.nodes.length,
      clients: this.#options.clients,
      users: town.inhabitants.length,
      conversations: town.rooms.length,
      seed: this.#options.seed,
      actEveryMs: this.#options.actEveryMs,
      rounds,
      faultMs,
      written: this.#written,
      acknowledged: count(({ step }) => step === "stored"),
      shown: count(({ step }) => step === "shown"),
      duplicates: count((entry) => entry.step === "wire" && entry.record.step === "ok" && entry.record.duplicate),
      reconnects: gaps.length,
      brokenBy: countBy(gaps.map(({ why }) => why)),
      longestGapMs: Math.round(Math.max(0, ...gaps.map(({ lostAtMs, backAtMs }) => (backAtMs ?? performance.now()) - lostAtMs))),
      deliveryMs: deliveriesOf(this.#journal.entries),
      convergedAfterMs,
      found: this.#found,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isRunning = false;
    await this.#close();
  }

  async #openDevices(): Promise<void> {
    const { cluster, town } = this.#options;
    const url = `${cluster.balancer.url.replace("http", "ws")}/v1/socket`;
    for (const { user, devices, rooms } of town.inhabitants) {
      const token = signToken(cluster.directory, user);
      for (const [index, name] of devices.entries()) {
        const onProblem = (problem: unknown): void => void this.#found.push(`${name} reports ${String(problem)}`);
        this.#devices.push(await Device.open({ name, user, url, token, rooms, isFollowing: index !== 1, journal: this.#journal, onProblem }));
      }
    }
    await Promise.all(this.#devices.map(({ client }) => client.ready()));
    await Promise.all(this.#devices.flatMap(({ rooms, isFollowing }) => (isFollowing ? rooms.map((room) => room.load()) : [])));
  }

  async #liveOn(device: Device): Promise<void> {
    const random = this.#options.random.fork();
    const meanMs = this.#options.actEveryMs;
    for (;;) {
      for (const endsAt = performance.now() + random.float() * 2 * meanMs; this.#isRunning && performance.now() < endsAt; ) await sleep(100);
      if (!this.#isRunning) return;
      if (device.waiting < maxWaiting) this.#written += live(device, random);
    }
  }

  async #close(): Promise<void> {
    await Promise.all(this.#devices.splice(0).map((device) => device[Symbol.asyncDispose]()));
  }
}

/** Of every message and every device but its sender's, from when the sender was told until the device showed it. */
function deliveriesOf(entries: readonly JournalEntry[]): NodesReport["deliveryMs"] {
  const stored = new Map<string, { readonly atMs: number; readonly device: string }>();
  for (const entry of entries) if (entry.step === "stored" && !stored.has(entry.clientId)) stored.set(entry.clientId, entry);
  const delays: number[] = [];
  for (const entry of entries) {
    const sent = entry.step === "shown" && entry.entry.clientId !== undefined ? stored.get(entry.entry.clientId) : undefined;
    if (entry.step === "shown" && sent !== undefined && sent.device !== entry.device) delays.push(Math.max(0, entry.atMs - sent.atMs));
  }
  delays.sort((a, b) => a - b);
  const at = (part: number): number => Math.round(delays[Math.min(delays.length - 1, Math.floor(delays.length * part))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function countBy(reasons: readonly string[]): NodesReport["brokenBy"] {
  const counts = new Map<string, number>();
  for (const why of reasons) counts.set(why, (counts.get(why) ?? 0) + 1);
  return [...counts].map(([why, connections]) => ({ why, connections })).toSorted((a, b) => b.connections - a.connections);
}

export function describeNodes(report: NodesReport): readonly string[] {
  const { brokenBy, deliveryMs, found } = report;
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  return [
    `${report.fault} behind ${report.balancer}: ${report.nodes} nodes on ${report.store}, ${report.clients} clients of ${report.users} users in ${report.conversations} conversations, seed ${report.seed}`,
    `broken for ${seconds(report.faultMs)}; written ${report.written}, acknowledged ${report.acknowledged}, shown ${report.shown}; ${report.duplicates} tries found their message stored already`,
    `${report.reconnects} reconnects, at most ${seconds(report.longestGapMs)} without a connection; acknowledged → shown elsewhere p50 ${deliveryMs.p50} p99 ${deliveryMs.p99} ms, at most ${seconds(deliveryMs.max)}`,
    ...brokenBy.map(({ why, connections }) => `  ${connections} broken: ${why}`),
    `converged ${seconds(report.convergedAfterMs)} after all was whole; ${found.length === 0 ? "nothing lost, doubled, reordered or disagreed on" : `${found.length} findings`}`,
    ...found.slice(0, 20).map((one) => `  ${one}`),
  ];
}
