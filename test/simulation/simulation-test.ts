/**
 * `npm run test:simulation -- --seeds 1..100000 [--processes 2] [--users 5] [--devices 2] [--actions 200]`: simulated worlds
 * for any number of seeds. Prints each seed that fails, and ends with 1 when there was one.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runSeeds, type SeedFailure, type SeedRange, type SimulationSize } from "./run-seeds.ts";

/** Seeds handed to a process at a time. */
const chunk = 50;

if (process.send === undefined) await main();
else process.on("message", ({ range, size }: Job) => void work(range, size));

interface Job {
  readonly range: SeedRange;
  readonly size: SimulationSize;
}

interface Answer {
  readonly failures: readonly SeedFailure[];
  /** Of the process so far. */
  readonly cpuMs: number;
}

async function work(range: SeedRange, size: SimulationSize): Promise<void> {
  const failures = await runSeeds(range, size);
  process.send?.({ failures, cpuMs: process.cpuUsage().user / 1_000 } satisfies Answer);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1..1000" },
      processes: { type: "string", default: String(availableParallelism()) },
      users: { type: "string", default: "5" },
      devices: { type: "string", default: "2" },
      actions: { type: "string", default: "200" },
    },
  });
  const [from = Number.NaN, to = from] = values.seeds.split("..").map(Number);
  const [processes, users, devices, actions] = [values.processes, values.users, values.devices, values.actions].map(Number) as [number, number, number, number];
  if (![from, to, processes, users, devices, actions].every((value) => Number.isInteger(value) && value > 0) || to < from) {
    console.error("Usage: npm run test:simulation -- [--seeds FROM..TO] [--processes N] [--users N] [--devices N] [--actions N]");
    process.exit(2);
  }
  const startedAt = performance.now();
  const failures: SeedFailure[] = [];
  let next = from;
  const size = { users, devices, actions };
  const cpuMs = await Promise.all(
    Array.from({ length: processes }, async () => {
      const child = fork(fileURLToPath(import.meta.url), { execArgv: process.execArgv });
      child.on("exit", (code) => {
        if (code !== 0) throw new Error(`A process of the simulation ended with ${code}.`);
      });
      let used = 0;
      while (next <= to) {
        const range = { from: next, to: Math.min(next + chunk - 1, to) };
        next = range.to + 1;
        const answered = new Promise<Answer>((resolve) => child.once("message", (message) => resolve(message as Answer)));
        child.send({ range, size } satisfies Job);
        const answer = await answered;
        for (const failure of answer.failures) console.log(`seed ${failure.seed}: ${failure.message}`);
        failures.push(...answer.failures);
        used = answer.cpuMs;
      }
      child.disconnect();
      return used;
    }),
  );
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const outcome = failures.length === 0 ? "all converged" : `${failures.length} did not converge: ${failures.map(({ seed }) => seed).join(", ")}`;
  console.log(
    `seeds ${from} to ${to}, ${users} users with ${devices} devices, ${actions} actions, ${processes} processes: ${seconds} s (${Math.round(cpuMs.reduce((sum, ms) => sum + ms, 0) / 1_000)} s of CPU), ${outcome}`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}
