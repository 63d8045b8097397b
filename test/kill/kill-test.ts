/**
 * `npm run test:kill -- --rounds 300 [--seed N] [--bug NAME]`: the kill test for any number of rounds.
 * Prints a line a round and ends with 1 when the checker found something. With `--bug` it runs the server, or the
 * clients, with that planted bug, and ends with 1 when nothing was found.
 */
import { parseArgs } from "node:util";
import { clientBugs } from "../faults/planted-clients.ts";
import { countKinds, runKillRounds, type RoundReport } from "./kill-rounds.ts";
import { plantedBugs, plantedServerOf, unlimitedServer } from "./servers.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" }, seed: { type: "string" }, bug: { type: "string" } } });
const rounds = Number(values.rounds);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const serverBug = plantedBugs.find((name) => name === values.bug);
const clientBug = clientBugs.find((name) => name === values.bug);
const bug = serverBug ?? clientBug;
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed) || bug !== values.bug) {
  console.error(`Usage: npm run test:kill -- [--rounds N] [--seed N] [--bug ${[...plantedBugs, ...clientBugs].join("|")}]`);
  process.exit(2);
}

console.log(`seed ${seed}, ${rounds} rounds of the ${bug === undefined ? "real server" : `server with ${bug}`}`);
const startedAt = performance.now();
const report = await runKillRounds({
  server: serverBug === undefined ? unlimitedServer : plantedServerOf(serverBug),
  clientBug,
  rounds,
  seed,
  stopAt: bug === undefined ? undefined : "any",
  onRound: (round) => console.log(line(round)),
});
const found = report.violations.length === 0 ? "no violation" : `violations ${JSON.stringify(countKinds(report.violations))}`;
console.log(`${report.rounds.length} rounds, ${Math.round((performance.now() - startedAt) / 1_000)} s, seed ${seed}: ${found}`);
for (const { kind, conversation, message } of report.violations.slice(0, 20)) console.log(`  ${kind} in ${conversation}: ${message}`);
for (const { kind, message } of report.findings.slice(0, 20)) console.log(`  ${kind}: ${message}`);
process.exitCode = (report.violations.length + report.findings.length === 0) === (bug === undefined) ? 0 : 1;

function line(round: RoundReport): string {
  const { killedAfterMs, killedStarts, isClientKilled, startMs, settleMs, written, acked, retried, observed, entries, violations } = round;
  const also = `${isClientKilled ? " with clients" : ""}${killedStarts === 0 ? "" : `, ${killedStarts} starts killed`}`;
  return `round ${round.round}: killed after ${killedAfterMs} ms${also}, up in ${startMs} ms, all sent ${settleMs} ms later; so far ${written} written, ${acked} acked, ${retried} tried again, ${observed} seen, ${entries} entries; ${violations.length} violations`;
}
