/**
 * CPU per delivery: 1,000 members of one group, bursts of 300 messages of 120 bytes, 300,000 deliveries a
 * burst. Suda with its memory store, bare `ws`, and Socket.IO's rooms, in turn within the same run, each
 * server new in its own process, so that what else the machine does meets all of them.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ChildProgram, readCpuUs, readMemoryBytes, ServerProcess, type ServerProcessOptions, writeTokenKey } from "@suda/testing";
import { machine, median, round, saveResult } from "../results.ts";
import { sudaServer } from "../suda-server.ts";
import type { ReceiversAnswer, ReceiversArgument, ReceiversQuestion, TargetKind } from "./receivers.ts";

export interface FanoutOptions {
  readonly members: number;
  readonly messages: number;
  /** Members among whom a burst is divided. */
  readonly senders: number;
  /** Measured bursts of each server in each run, after two that are not. */
  readonly bursts: number;
  readonly runs: number;
  readonly only?: readonly string[];
  /** Writes CPU profiles of Suda there; figures of such a run are higher. */
  readonly profileDirectory?: string;
  readonly isSaved: boolean;
}

interface Measurement {
  readonly cpuUsPerDelivery: number;
  /** The same when each message leaves only when all have the one before: the worst case for joining. */
  readonly cpuUsPerDeliveryApart: number;
  readonly deliveriesPerSecond: number;
  readonly framesPerDelivery: number;
  readonly memoryMiB: number;
}

const warmUpBursts = 2;
const messagesApart = 100;
const kinds: readonly TargetKind[] = ["suda", "suda-msgpack", "ws", "socket.io"];

export async function runFanoutBench(options: FanoutOptions): Promise<void> {
  const targets = kinds.filter((kind) => options.only?.includes(kind) ?? true);
  const measured = new Map<TargetKind, Measurement[]>(targets.map((kind) => [kind, []]));
  console.log(
    `${options.members} members, bursts of ${options.messages} messages by ${options.senders} senders, ${options.bursts} bursts, ${options.runs} runs`,
  );
  for (let run = 1; run <= options.runs; run++) {
    for (const kind of targets) {
      const result = await measure(kind, options);
      measured.get(kind)?.push(result);
      console.log(
        `run ${run} ${kind.padEnd(12)} ${result.cpuUsPerDelivery.toFixed(2)} µs CPU per delivery, ${Math.round(result.deliveriesPerSecond)} deliveries/s`,
      );
    }
  }
  const targetsOut = Object.fromEntries(targets.map((kind) => [kind, summarize(measured.get(kind) ?? [])]));
  const suda = targetsOut["suda"]?.cpuUsPerDelivery;
  console.log("\nserver         CPU µs per delivery   × Suda   one at a time   deliveries/s   frames per delivery   MiB");
  for (const [kind, row] of Object.entries(targetsOut)) {
    const ratio = suda === undefined ? "" : (row.cpuUsPerDelivery / suda).toFixed(1);
    const cells = [
      row.cpuUsPerDelivery.toFixed(2).padStart(20),
      ratio.padStart(8),
      row.cpuUsPerDeliveryApart.toFixed(2).padStart(15),
      String(row.deliveriesPerSecond).padStart(14),
    ];
    console.log([kind.padEnd(13), ...cells, row.framesPerDelivery.toFixed(3).padStart(21), String(row.memoryMiB).padStart(5)].join(" "));
  }
  console.log(JSON.stringify(machine()));
  const { members, messages, senders, bursts, runs } = options;
  if (options.isSaved)
    console.log(`→ ${saveResult("fanout", { bench: "fanout", load: { members, messages, senders, bursts, runs, textBytes: 120 }, targets: targetsOut })}`);
}

async function measure(kind: TargetKind, options: FanoutOptions): Promise<Measurement> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "suda-bench-"));
  writeTokenKey(dataDirectory);
  try {
    await using server = await ServerProcess.open(serverOf(kind, dataDirectory, options));
    const { members, messages, senders } = options;
    const argument: ReceiversArgument = { kind, url: server.url, members, senders, dataDirectory };
    await using receivers = new ChildProgram<ReceiversQuestion, ReceiversAnswer>(new URL("receivers.ts", import.meta.url), argument);
    await receivers.ask({ ask: "connect" });
    for (let i = 0; i < warmUpBursts; i++) await receivers.ask({ ask: "burst", messages });
    const cpuBefore = readCpuUs(server.pid);
    const answers: ReceiversAnswer[] = [];
    for (let i = 0; i < options.bursts; i++) answers.push(await receivers.ask({ ask: "burst", messages }));
    const cpuUs = readCpuUs(server.pid) - cpuBefore;
    const apart = await receivers.ask({ ask: "apart", messages: messagesApart });
    const cpuUsApart = readCpuUs(server.pid) - cpuBefore - cpuUs;
    const sum = (of: (answer: ReceiversAnswer) => number): number => answers.reduce((total, answer) => total + of(answer), 0);
    const deliveries = sum((answer) => answer.deliveries);
    return {
      cpuUsPerDelivery: cpuUs / deliveries,
      cpuUsPerDeliveryApart: cpuUsApart / apart.deliveries,
      deliveriesPerSecond: (deliveries / sum((answer) => answer.elapsedMs)) * 1_000,
      framesPerDelivery: sum((answer) => answer.frames) / deliveries,
      memoryMiB: readMemoryBytes(server.pid) / 2 ** 20,
    };
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

function serverOf(kind: TargetKind, dataDirectory: string, { profileDirectory }: FanoutOptions): ServerProcessOptions {
  const program = (name: string): ServerProcessOptions => ({ program: [fileURLToPath(new URL(name, import.meta.url))] });
  if (kind === "ws") return program("ws-server.ts");
  if (kind === "socket.io") return program("socket-io-server.ts");
  return sudaServer({ dataDirectory, store: "memory", ...(profileDirectory === undefined ? {} : { profileDirectory: join(profileDirectory, kind) }) });
}

function summarize(measurements: readonly Measurement[]): Measurement & { readonly runs: readonly number[] } {
  const of = (field: keyof Measurement): number => median(measurements.map((measurement) => measurement[field]));
  return {
    cpuUsPerDelivery: round(of("cpuUsPerDelivery"), 3),
    cpuUsPerDeliveryApart: round(of("cpuUsPerDeliveryApart"), 3),
    deliveriesPerSecond: Math.round(of("deliveriesPerSecond")),
    framesPerDelivery: round(of("framesPerDelivery"), 4),
    memoryMiB: Math.round(of("memoryMiB")),
    /** CPU µs per delivery of each run. */
    runs: measurements.map(({ cpuUsPerDelivery }) => round(cpuUsPerDelivery, 3)),
  };
}
