/** A range of seeds in this process, one world after the other. */
import { simulate } from "@suda/testing";

export interface SeedRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

export interface SimulationSize {
  readonly users: number;
  readonly devices: number;
  readonly actions: number;
}

export interface SeedFailure {
  readonly seed: number;
  readonly message: string;
}

export async function runSeeds({ from, to }: SeedRange, size: SimulationSize): Promise<readonly SeedFailure[]> {
  const failures: SeedFailure[] = [];
  for (let seed = from; seed <= to; seed++) {
    try {
      await simulate({ seed, ...size });
    } catch (error) {
      failures.push({ seed, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  return failures;
}
