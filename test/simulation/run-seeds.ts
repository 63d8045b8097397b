/** Many seeds, in several processes at once. */
import { fork, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, type PluginBuild } from "esbuild";
import type { Answer, Job } from "./seed-worker.ts";
import type { RunOptions, SeedFailure, SeedRange } from "./seeds.ts";

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

/** Seeds handed to a process at a time: few, so that in the end all processes are done at nearly one time. */
const partSize = 5;

export async function runSeedsInProcesses({ ranges, processes, options, onFailure, onProgress }: ManySeeds): Promise<Outcome> {
  const startedAt = performance.now();
  const failures: SeedFailure[] = [];
  const parts = ranges.flatMap((range) => [...partsOf(range)]);
  let next = 0;
  let seeds = 0;
  await using program = await WorkerProgram.open();
  const cpuMs = await Promise.all(
    Array.from({ length: Math.min(processes, parts.length) }, async () => {
      using worker = new Worker(program);
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

/** `seed-worker.ts` in one file: on-the-fly translation, with the names that it keeps of every function, costs a fifth of a world's time. */
class WorkerProgram implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async open(): Promise<WorkerProgram> {
    // Below node_modules, where it finds the libraries, which stay outside of it.
    const path = fileURLToPath(new URL(`../../node_modules/.cache/suda/seed-worker-${process.pid}-${++opened}.mjs`, import.meta.url));
    await build({
      entryPoints: [fileURLToPath(new URL("seed-worker.ts", import.meta.url))],
      outfile: path,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      conditions: ["suda-source"],
      plugins: [{ name: "libraries outside", setup: leaveLibrariesOut }],
    });
    return new WorkerProgram(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { force: true });
  }
}

let opened = 0;

function leaveLibrariesOut(bundle: PluginBuild): void {
  bundle.onResolve({ filter: /^[^./]/ }, ({ kind, path }) => (kind === "entry-point" || path.startsWith("@suda/") ? undefined : { path, external: true }));
}

/** One process of it. */
class Worker implements Disposable {
  readonly #child: ChildProcess;

  constructor(program: WorkerProgram) {
    // A world lives for a tenth of a second: most of it need not outlive the young generation. And its clients meet so many
    // refusals and lost connections that writing down where each came from costs more than the errors do.
    this.#child = fork(program.path, { execArgv: ["--max-semi-space-size=128", "--stack-trace-limit=0"] });
  }

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
