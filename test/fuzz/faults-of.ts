/** What a fuzz run found, as sentences; none when the server kept its promises. */
import type { FuzzReport } from "./fuzz-run.ts";

/** Far above what the server needs (about 150 MiB), far below what a leak or an unbounded buffer would reach. */
const memoryMaxMiB = 512;

export function faultsOf({ tally, healthy, alarms, isAlive, peakMemoryMiB }: FuzzReport): readonly string[] {
  return [
    ...tally.faults,
    ...alarms.map((line) => `the server printed: ${line}`),
    ...(isAlive ? [] : ["the server process has ended"]),
    ...(peakMemoryMiB !== undefined && peakMemoryMiB > memoryMaxMiB ? [`the server used ${peakMemoryMiB} MiB`] : []),
    ...healthy.violations.map(({ kind, message }) => `healthy pair, ${kind}: ${message}`),
    ...healthy.undelivered.map((what) => `healthy pair, not delivered: ${what}`),
    ...(healthy.sent > 0 ? [] : ["the healthy pair has sent nothing"]),
  ];
}
