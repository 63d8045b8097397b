/**
 * Durable sends: messages per second and time from send to reply on LMDB, and from send to the partner's
 * event, at 1, 64 and 512 senders with one message each under way. The load generator shares the machine.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChildProgram, readCpuUs, ServerProcess, writeTokenKey } from "@suda/testing";
import { machine, median, round, saveResult } from "../results.ts";
import { sudaServer } from "../suda-server.ts";
import type { Quantiles, SendersAnswer, SendersArgument, SendersQuestion } from "./senders.ts";

export interface SendOptions {
  readonly senders: readonly number[];
  readonly seconds: number;
  readonly runs: number;
  /** Where the data directory is made; the system's temporary directory by default. Matters: it is the disk that is measured. */
  readonly parentDirectory?: string;
  readonly profileDirectory?: string;
  readonly isSaved: boolean;
}

interface Measurement {
  readonly sendsPerSecond: number;
  readonly replyMs: Quantiles;
  readonly deliveryMs: Quantiles;
  readonly serverCpuUsPerSend: number;
  /** Of the load generator, which shares the machine. */
  readonly loadCpuUsPerSend: number;
}

const warmUpSeconds = 2;

export async function runSendBench(options: SendOptions): Promise<void> {
  const measured = new Map<number, Measurement[]>(options.senders.map((senders) => [senders, []]));
  console.log(`durable sends on LMDB, ${options.seconds} s each, ${options.runs} runs`);
  for (let run = 1; run <= options.runs; run++) {
    for (const senders of options.senders) {
      const result = await measure(senders, options);
      measured.get(senders)?.push(result);
      console.log(
        `run ${run} ${String(senders).padStart(4)} senders: ${Math.round(result.sendsPerSecond)} sends/s, reply p99 ${result.replyMs.p99.toFixed(1)} ms`,
      );
    }
  }
  console.log("\nsenders   sends/s   reply p50/p99 ms   delivery p50/p99 ms   server CPU µs per send   load generator's");
  const result = options.senders.map((senders) => ({ senders, ...summarize(measured.get(senders) ?? []) }));
  for (const { senders, sendsPerSecond, replyMs, deliveryMs, serverCpuUsPerSend, loadCpuUsPerSend } of result) {
    const pair = ({ p50, p99 }: Quantiles): string => `${p50.toFixed(2)} / ${p99.toFixed(2)}`;
    console.log(
      `${String(senders).padStart(7)} ${String(sendsPerSecond).padStart(9)} ${pair(replyMs).padStart(18)} ${pair(deliveryMs).padStart(21)} ${String(serverCpuUsPerSend).padStart(24)} ${String(loadCpuUsPerSend).padStart(18)}`,
    );
  }
  console.log(JSON.stringify(machine()));
  if (options.isSaved)
    console.log(`→ ${saveResult("send", { bench: "send", load: { seconds: options.seconds, runs: options.runs, textBytes: 119 }, result })}`);
}

async function measure(senders: number, options: SendOptions): Promise<Measurement> {
  const dataDirectory = await mkdtemp(join(options.parentDirectory ?? tmpdir(), "suda-bench-"));
  writeTokenKey(dataDirectory);
  try {
    const { profileDirectory } = options;
    const profile = profileDirectory === undefined ? {} : { profileDirectory: join(profileDirectory, `send-${senders}`) };
    await using server = await ServerProcess.open(sudaServer({ dataDirectory, store: "lmdb", ...profile }));
    const argument: SendersArgument = { url: server.url, dataDirectory, senders };
    await using load = new ChildProgram<SendersQuestion, SendersAnswer>(new URL("senders.ts", import.meta.url), argument);
    await load.ask({ ask: "connect" });
    await load.ask({ ask: "load", seconds: warmUpSeconds });
    const [serverBefore, loadBefore] = [readCpuUs(server.pid), readCpuUs(load.pid)];
    const { sends, elapsedMs, replyMs, deliveryMs } = await load.ask({ ask: "load", seconds: options.seconds });
    return {
      sendsPerSecond: (sends / elapsedMs) * 1_000,
      replyMs,
      deliveryMs,
      serverCpuUsPerSend: (readCpuUs(server.pid) - serverBefore) / sends,
      loadCpuUsPerSend: (readCpuUs(load.pid) - loadBefore) / sends,
    };
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

function summarize(measurements: readonly Measurement[]): Measurement {
  const of = (value: (measurement: Measurement) => number, digits: number): number => round(median(measurements.map(value)), digits);
  const quantiles = (value: (measurement: Measurement) => Quantiles): Quantiles => ({
    p50: of((measurement) => value(measurement).p50, 3),
    p99: of((measurement) => value(measurement).p99, 3),
    max: of((measurement) => value(measurement).max, 3),
  });
  return {
    sendsPerSecond: of((measurement) => measurement.sendsPerSecond, 0),
    replyMs: quantiles((measurement) => measurement.replyMs),
    deliveryMs: quantiles((measurement) => measurement.deliveryMs),
    serverCpuUsPerSend: of((measurement) => measurement.serverCpuUsPerSend, 1),
    loadCpuUsPerSend: of((measurement) => measurement.loadCpuUsPerSend, 1),
  };
}
