/** The short version of `npm run test:faults -- drain`. */
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { describeDrain, runDrain } from "./drain.ts";

const seed = Math.floor(Math.random() * 2 ** 32);

for (const hasIdlers of [false, true]) {
  test(`[B8] [I10] SIGTERM under load loses nothing, with ${hasIdlers ? "members that do not read" : "clients that all read"} (seed ${seed})`, async (t) => {
    const report = await runDrain({ clients: 24, seed, hasIdlers, graceMs: 6_000, actEveryMs: 300, loadMs: 1_000 });
    for (const line of describeDrain(report)) t.diagnostic(line);
    deepEqual(report.found, []);
    // Without load, or without anything under way, it shows nothing.
    ok(report.storedBefore > 50 && report.pipelined.stored > 0, describeDrain(report).join("\n"));
    ok(report.exitMs < report.graceMs, `nobody may use up the grace: ${report.exitMs} ms`);
  });
}
