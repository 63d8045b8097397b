/** The kill test in `npm test`: 20 rounds in CI, 5 elsewhere, `SUDA_KILL_ROUNDS` for another number. Seeds are printed. */
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { runKillRounds } from "./kill-rounds.ts";
import { realServer } from "./servers.ts";

const rounds = Number(process.env["SUDA_KILL_ROUNDS"] ?? (process.env["CI"] === "true" ? 20 : 5));
const seed = Number(process.env["SUDA_KILL_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

test(`every acknowledged message survives kill -9, once and in one order (${rounds} rounds, seed ${seed})`, async (t) => {
  const report = await runKillRounds({
    server: realServer,
    rounds,
    seed,
    onRound: (round) => t.diagnostic(JSON.stringify({ ...round, violations: round.violations.length })),
  });
  deepEqual(report.violations, []);
  deepEqual(report.findings, []);
  // A kill after 50 ms may come before the first reply, but not in every round.
  ok(report.rounds.some(({ acked, observed }) => acked > 0 && observed > 0));
});
