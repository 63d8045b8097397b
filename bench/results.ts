/** Result files: the figures with the machine, Node and commit they were measured on. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { quantile } from "@suda/testing";

export function saveResult(name: string, result: object): string {
  const directory = fileURLToPath(new URL("results/", import.meta.url));
  mkdirSync(directory, { recursive: true });
  const file = `${directory}${name}.json`;
  writeFileSync(file, `${JSON.stringify({ measuredAt: new Date().toISOString(), commit: commit(), machine: machine(), ...result }, undefined, 2)}\n`);
  return `bench/results/${name}.json`;
}

export function machine(): object {
  return {
    cpu: cpus()[0]?.model.trim(),
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}

/** The middle one; of an even number the mean of both. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function commit(): string {
  const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();
  return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain", "--", "packages", "apps") === "" ? "" : "+changes");
}
