/** Seeds, one simulated world after the other, and what came of them. */
import { simulate, type SimulatedWorldOptions } from "@suda/testing";

export interface SeedRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

/** What all worlds of a run have in common. */
export interface RunOptions extends Pick<SimulatedWorldOptions, "users" | "devices" | "nodes" | "faults" | "faultRate"> {
  readonly actions?: number;
}

export interface SeedFailure {
  readonly seed: number;
  /** What disagreed, and the command that runs this one world again. */
  readonly message: string;
}

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
export function commandFor(seed: number, { users, devices, nodes, actions, faults, faultRate }: RunOptions): string {
  const given = Object.entries({
    users,
    devices,
    nodes,
    actions,
    faults: faults?.map((fault) => fault.replaceAll(" ", "-")).join(","),
    "fault-rate": faultRate,
  });
  const chosen = given.flatMap(([name, value]) => (value === undefined ? [] : ` --${name} ${value}`)).join("");
  return `npm run test:simulation -- --seeds ${seed}${chosen}`;
}
