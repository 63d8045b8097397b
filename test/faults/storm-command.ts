/** `npm run test:faults -- storm`: all kinds, or those that are named. With `--save` the reports go into bench/results/storm.json, from which docs/OPERATIONS.md has its table. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { describeStorm, runStorm, stormKinds, type StormKind, type StormOptions, type StormReport } from "./storm.ts";

export interface StormCommand extends Omit<StormOptions, "kinds"> {
  /** Names; all when there is none. */
  readonly kinds: readonly string[];
  readonly isSaved: boolean;
}

/** @returns whether all were resumed exactly @throws RangeError for a kind that there is not */
export async function runStormCommand({ kinds: names, isSaved, ...options }: StormCommand): Promise<boolean> {
  const all = Object.keys(stormKinds) as StormKind[];
  const unknown = names.find((name) => !Object.hasOwn(stormKinds, name));
  if (unknown !== undefined) throw new RangeError(`There is no kind ${unknown}; there are ${all.join(", ")}.`);
  const kinds = names.length === 0 ? all : (names as readonly StormKind[]);
  const onReport = (report: StormReport): void => {
    for (const line of describeStorm(report)) console.log(line);
    if (isSaved) save(report);
  };
  const reports = await runStorm({ ...options, kinds, onReport });
  return reports.every(({ found }) => found.length === 0);
}

/** One run of each kind: the newest. What was found is counted here, and named where it was printed. */
function save({ found, ...report }: StormReport): void {
  const run = { ...report, violations: found.length };
  type Run = typeof run;
  const file = fileURLToPath(new URL("../../bench/results/storm.json", import.meta.url));
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { readonly runs: readonly Run[] }).runs : [];
  const places = Object.keys(stormKinds);
  const runs = [...before.filter(({ kind }) => kind !== run.kind), run].toSorted((a, b) => places.indexOf(a.kind) - places.indexOf(b.kind));
  const machine = { cpu: cpus()[0]?.model.trim(), cores: availableParallelism(), node: process.version };
  const commit = execFileSync("git", ["rev-parse", "--short=12", "HEAD"], { encoding: "utf8" }).trim();
  writeFileSync(file, `${JSON.stringify({ measuredAt: new Date().toISOString(), commit, machine, runs }, undefined, 2)}\n`);
}
