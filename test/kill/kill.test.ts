/** The kill test in `npm test`: 20 rounds in CI, 5 elsewhere; `npm run test:kill` for other numbers and for a seed that was printed. */
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { runKillRounds } from "./kill-rounds.ts";
import { unlimitedServer } from "./servers.ts";

const rounds = process.env["CI"] === "true" ? 20 : 5;
const seed = Math.floor(Math.random() * 2 ** 32);

test(`what users wrote survives kill -9 of server and clients, once and in one order (${rounds} rounds, seed ${seed})`, async (t) => {
  const report = await runKillRounds({
    server: unlimitedServer,
    rounds,
    seed,
    onRound: (round) => t.diagnostic(JSON.stringify({ ...round, violations: round.violations.length })),
  });
  deepEqual(report.violations, []);
  deepEqual(report.findings, []);
  // A kill after 50 ms may come before the first reply, but not in every round.
  ok(report.rounds.some(({ acked, observed, retried }) => acked > 0 && observed > 0 && retried > 0));
});
