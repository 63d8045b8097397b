/**
 * Many hostile connections at once against a real server process, while two healthy clients chat. Promises
 * C1–C4, C6 and C7 of the reliability table: no crash, no unhandled rejection, memory bounded, every ref
 * answered with a reply or a coded error, and nobody else is affected.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SeededRandom, ServerProcess, signToken, writeTokenKey } from "@suda/testing";
import { attack, type AttackTally } from "./attack.ts";
import { HealthyPair, type HealthyReport } from "./healthy-pair.ts";

export interface FuzzOptions {
  readonly frames: number;
  readonly seed: number;
  readonly onProgress?: (tally: AttackTally) => void;
}

export interface FuzzReport {
  readonly tally: AttackTally;
  readonly connections: number;
  readonly healthy: HealthyReport;
  /** Lines of the server's output that tell of an unhandled rejection or exception. */
  readonly alarms: readonly string[];
  readonly isAlive: boolean;
  readonly peakMemoryMiB: number | undefined;
  readonly seconds: number;
}

const attackersAtOnce = 8;

export async function runFuzz({ frames, seed, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "suda-fuzz-"));
  writeTokenKey(dataDirectory);
  const command = fileURLToPath(new URL("../../apps/suda/bin/suda.js", import.meta.url));
  try {
    await using server = await ServerProcess.open({ program: [command, "serve", "--port", "0", "--data", dataDirectory, "--log-level", "error"] });
    const tokenOf = (user: string): string => signToken(dataDirectory, user);
    const healthy = await HealthyPair.open(server.url, new Map(["alice", "bob"].map((user) => [user, tokenOf(user)])));
    const tally: AttackTally = { frames: 0, replies: 0, errors: new Map(), closes: new Map(), faults: [] };
    const startedAt = performance.now();
    let connections = 0;
    const target = { url: server.url, tokenOf, foreignConversation: healthy.conversation };
    const attackOn = async (): Promise<void> => {
      while (tally.frames < frames && server.isRunning && tally.faults.length < 50) {
        // Each connection has its own generator, so that its choices do not depend on what the others did meanwhile.
        const name = ++connections;
        await attack(target, { random: new SeededRandom(seed + name * 7_919), name, maxFrames: frames, tally });
        if (name % 500 === 0) onProgress?.(tally);
      }
    };
    await Promise.all(Array.from({ length: attackersAtOnce }, attackOn));
    const healthyReport = await healthy.finish();
    const peakMemoryMiB = await peakMemory(server.pid);
    const { alarms } = server;
    return { tally, connections, healthy: healthyReport, alarms, isAlive: server.isRunning, peakMemoryMiB, seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

/** The most that was ever resident, where /proc tells it. */
async function peakMemory(pid: number): Promise<number | undefined> {
  if (process.platform !== "linux") return undefined;
  const status = await readFile(`/proc/${pid}/status`, "latin1");
  return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1_024);
}
