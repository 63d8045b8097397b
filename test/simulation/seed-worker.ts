/** A process that runs the seeds it is sent. */
import { runSeeds, type RunOptions, type SeedFailure, type SeedRange } from "./seeds.ts";

export interface Answer {
  readonly failures: readonly SeedFailure[];
  /** Of the process so far. */
  readonly cpuMs: number;
}

export interface Job {
  readonly range: SeedRange;
  readonly options: RunOptions;
}

async function work({ range, options }: Job): Promise<void> {
  const failures = await runSeeds(range, options);
  const { user, system } = process.cpuUsage();
  process.send?.({ failures, cpuMs: (user + system) / 1_000 } satisfies Answer);
}

process.on("message", (job: Job) => {
  work(job).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
