/** Reports of runs that are kept: the newest of each sort in bench/results, from which docs/OPERATIONS.md has its tables. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";

/** As it is kept: what was found is counted here, and named where it was printed. */
export type SavedRun<Report extends { readonly found: readonly string[] }> = Omit<Report, "found"> & { readonly violations: number };

export interface SavedRuns<Report extends { readonly found: readonly string[] }> {
  /** Of the file, without `.json`. */
  readonly name: string;
  /** Of two runs with one key the newest is kept. */
  readonly keyOf: (run: SavedRun<Report>) => string;
  readonly compare: (one: SavedRun<Report>, other: SavedRun<Report>) => number;
}

export function saveRun<Report extends { readonly found: readonly string[] }>(report: Report, { name, keyOf, compare }: SavedRuns<Report>): void {
  const { found, ...rest } = report;
  const run = { ...rest, violations: found.length };
  const file = fileURLToPath(new URL(`../../bench/results/${name}.json`, import.meta.url));
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { readonly runs: readonly SavedRun<Report>[] }).runs : [];
  const runs = [...before.filter((one) => keyOf(one) !== keyOf(run)), run].toSorted(compare);
  const machine = { cpu: cpus()[0]?.model.trim(), cores: availableParallelism(), node: process.version };
  const commit = execFileSync("git", ["rev-parse", "--short=12", "HEAD"], { encoding: "utf8" }).trim();
  writeFileSync(file, `${JSON.stringify({ measuredAt: new Date().toISOString(), commit, machine, runs }, undefined, 2)}\n`);
}
