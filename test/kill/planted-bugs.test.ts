/** The kill test must be able to fail: each planted bug is caught by the checker, as the violation that it is. */
import { ok } from "node:assert/strict";
import { test } from "node:test";
import { countViolations, type ViolationKind } from "@suda/testing";
import { runKillRounds } from "./kill-rounds.ts";
import { plantedServerOf, type PlantedBug } from "./servers.ts";

const seed = Number(process.env["SUDA_KILL_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

/** What each bug must be seen by. A bug may show itself in further ways. */
const planted: readonly { readonly bug: PlantedBug; readonly kind: ViolationKind }[] = [
  { bug: "ack-before-commit", kind: "acked.lost" },
  { bug: "no-deduplication", kind: "log.duplicate" },
  { bug: "fan-out-before-commit", kind: "observed.lost" },
];

for (const { bug, kind } of planted) {
  test(`the checker catches a server with ${bug} (seed ${seed})`, async (t) => {
    const report = await runKillRounds({ server: plantedServerOf(bug), rounds: 30, seed, stopAtViolation: true });
    const counts = countViolations(report.violations);
    t.diagnostic(`caught in round ${report.rounds.length}: ${JSON.stringify(counts)}`);
    ok((counts[kind] ?? 0) > 0, `${bug} was to be seen as ${kind}; in ${report.rounds.length} rounds there was ${JSON.stringify(counts)}`);
  });
}
