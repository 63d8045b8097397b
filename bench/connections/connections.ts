/**
 * Connections that are open and quiet: what each costs in memory and CPU, and how long it takes until all are back when all
 * broke in one moment. The clients are on the same machine, and come back at once, without the waits of @suda/client.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ChildProgram, readCpuUs, readMemoryBytes, ServerProcess, writeTokenKey } from "@suda/testing";
import { machine, round, saveResult } from "../results.ts";
import { sudaServer } from "../suda-server.ts";
import type { HoldersAnswer, HoldersArgument, HoldersQuestion } from "./holders.ts";

export interface ConnectionsOptions {
  readonly connections: number;
  /** Groups of ten that each user is in. */
  readonly conversations: number;
  /** Of quiet, in which CPU is counted. */
  readonly seconds: number;
  readonly isSaved: boolean;
}

export async function runConnectionsBench({ connections, conversations, seconds, isSaved }: ConnectionsOptions): Promise<void> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "suda-bench-"));
  writeTokenKey(dataDirectory);
  try {
    await using server = await ServerProcess.open(sudaServer({ dataDirectory, store: "lmdb" }));
    const argument: HoldersArgument = { url: server.url, dataDirectory, connections, conversations };
    await using holders = new ChildProgram<HoldersQuestion, HoldersAnswer>(new URL("holders.ts", import.meta.url), argument);
    await holders.ask({ ask: "prepare" });
    await sleep(5_000);
    const emptyBytes = readMemoryBytes(server.pid);
    const first = await holders.ask({ ask: "connect" });
    await sleep(5_000);
    const heldBytes = readMemoryBytes(server.pid);
    const cpuBefore = readCpuUs(server.pid);
    await sleep(seconds * 1_000);
    const cpuUs = readCpuUs(server.pid) - cpuBefore;
    let peakBytes = heldBytes;
    const watch = setInterval(() => (peakBytes = Math.max(peakBytes, readMemoryBytes(server.pid))), 100);
    const cpuBeforeStorm = readCpuUs(server.pid);
    await holders.ask({ ask: "drop" });
    const storm = await holders.ask({ ask: "connect" });
    clearInterval(watch);
    const result = {
      emptyMiB: mebibytes(emptyBytes),
      heldMiB: mebibytes(heldBytes),
      kibPerConnection: round((heldBytes - emptyBytes) / connections / 1_024, 1),
      quietCpuPercent: round((cpuUs / (seconds * 1_000_000)) * 100, 1),
      connectMs: round(first.elapsedMs, 0),
      conversationsTold: first.conversations,
      storm: {
        elapsedMs: round(storm.elapsedMs, 0),
        helloMs: { p50: round(storm.helloMs.p50, 0), p99: round(storm.helloMs.p99, 0), max: round(storm.helloMs.max, 0) },
        serverCpuUsPerClient: round((readCpuUs(server.pid) - cpuBeforeStorm) / connections, 0),
        peakMiB: mebibytes(peakBytes),
      },
    };
    console.log(JSON.stringify(result, undefined, 2));
    console.log(JSON.stringify(machine()));
    if (isSaved) console.log(`→ ${saveResult("connections", { bench: "connections", load: { connections, conversations, seconds }, result })}`);
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

function mebibytes(bytes: number): number {
  return round(bytes / 2 ** 20, 0);
}
