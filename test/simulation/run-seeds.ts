/** Many seeds, one world after the other: in this process, or in several at once. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { simulate, type SimulatedWorldOptions } from "@suda/testing";

export interface SeedRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

/** What all worlds of a run have in common. */
export interface RunOptions extends Pick<SimulatedWorldOptions, "users" | "devices" | "faults" | "faultRate"> {
  readonly actions?: number;
}

export interface SeedFailure {
  readonly seed: number;
  /** What disagreed, and the command that runs this one world again. */
  readonly message: string;
}

export interface ManySeeds {
  readonly ranges: readonly SeedRange[];
  readonly processes: number;
  readonly options: RunOptions;
  readonly onFailure?: (failure: SeedFailure) => void;
  /** Told after each part: how many seeds are done. */
  readonly onProgress?: (done: number) => void;
}

export interface Outcome {
  readonly failures: readonly SeedFailure[];
  readonly seeds: number;
  readonly elapsedMs: number;
  /** Of all processes together. */
  readonly cpuMs: number;
}

interface Answer {
  readonly failures: readonly SeedFailure[];
  /** Of the process so far. */
  readonly cpuMs: number;
}

interface Job {
  readonly range: SeedRange;
  readonly options: RunOptions;
}

/** Seeds handed to a process at a time. */
const partSize = 25;

export async function runSeeds({ from, to }: SeedRange, options: RunOptions): Promise<readonly SeedFailure[]> {
  const failures: SeedFailure[] = [];
  for (let seed = from; seed <= to; seed++) {
    try {
      await simulate({ ...options, seed });
    } catch (error) {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      failures.push({ seed, message: `${what}\nTo see it again: ${commandFor(seed, options)}` });
    }
  }
  return failures;
}

/** The command that runs one seed, and nothing else, as it was run here. */
export function commandFor(seed: number, { users, devices, actions, faults, faultRate }: RunOptions): string {
  const given = Object.entries({ users, devices, actions, faults: faults?.map((fault) => fault.replaceAll(" ", "-")).join(","), "fault-rate": faultRate });
  const chosen = given.flatMap(([name, value]) => (value === undefined ? [] : ` --${name} ${value}`)).join("");
  return `npm run test:simulation -- --seeds ${seed}${chosen}`;
}

export async function runSeedsInProcesses({ ranges, processes, options, onFailure, onProgress }: ManySeeds): Promise<Outcome> {
  const startedAt = performance.now();
  const failures: SeedFailure[] = [];
  const parts = ranges.flatMap((range) => [...partsOf(range)]);
  let next = 0;
  let seeds = 0;
  const cpuMs = await Promise.all(
    Array.from({ length: Math.min(processes, parts.length) }, async () => {
      using worker = new Worker();
      let used = 0;
      for (let range = parts[next++]; range !== undefined; range = parts[next++]) {
        const answer = await worker.run({ range, options });
        failures.push(...answer.failures);
        for (const failure of answer.failures) onFailure?.(failure);
        used = answer.cpuMs;
        seeds += range.to - range.from + 1;
        onProgress?.(seeds);
      }
      return used;
    }),
  );
  return { failures, seeds, elapsedMs: performance.now() - startedAt, cpuMs: cpuMs.reduce((sum, ms) => sum + ms, 0) };
}

function* partsOf({ from, to }: SeedRange): Generator<SeedRange> {
  for (let first = from; first <= to; first += partSize) yield { from: first, to: Math.min(first + partSize - 1, to) };
}

/** This file, run as a process of its own. */
class Worker implements Disposable {
  readonly #child = fork(fileURLToPath(import.meta.url), {
    // A world lives for a tenth of a second: most of it need not outlive the young generation. And its clients meet so many
    // refusals and lost connections that writing down where each came from costs more than the errors do.
    execArgv: ["--max-semi-space-size=128", "--stack-trace-limit=0", ...process.execArgv.filter((argument) => !argument.startsWith("--test"))],
  });

  run(job: Job): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void =>
        reject(new Error(`A process of the simulation ended with ${code} between the seeds ${job.range.from} and ${job.range.to}.`));
      this.#child.once("exit", onExit);
      this.#child.once("message", (answer) => {
        this.#child.off("exit", onExit);
        resolve(answer as Answer);
      });
      this.#child.send(job);
    });
  }

  [Symbol.dispose](): void {
    this.#child.disconnect();
  }
}

async function work({ range, options }: Job): Promise<void> {
  const failures = await runSeeds(range, options);
  const { user, system } = process.cpuUsage();
  process.send?.({ failures, cpuMs: (user + system) / 1_000 } satisfies Answer);
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url))
  process.on("message", (job: Job) => {
    work(job).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
