/** The kill test must be able to fail: each planted bug is caught by the checker, as the violation that it is. */
import { ok } from "node:assert/strict";
import { test } from "node:test";
import type { ClientBug } from "../faults/planted-clients.ts";
import { countKinds, runKillRounds, type KillRunOptions, type KillViolation } from "./kill-rounds.ts";
import { plantedServerOf, unlimitedServer, type PlantedBug } from "./servers.ts";

const seed = Math.floor(Math.random() * 2 ** 32);

/** What each bug must be seen by. A bug may show itself in further ways. */
const planted: Readonly<Record<PlantedBug | ClientBug, KillViolation["kind"]>> = {
  "ack-before-commit": "acked.lost",
  "no-deduplication": "log.duplicate",
  "fan-out-before-commit": "observed.lost",
  "forgetful-outbox": "written.lost",
  "new-client-id": "written.doubled",
};

const isClientBug = (bug: PlantedBug | ClientBug): bug is ClientBug => bug === "forgetful-outbox" || bug === "new-client-id";

for (const [bug, kind] of Object.entries(planted) as [PlantedBug | ClientBug, KillViolation["kind"]][]) {
  test(`the checks catch ${isClientBug(bug) ? "clients" : "a server"} with ${bug} (seed ${seed})`, async (t) => {
    const who: Pick<KillRunOptions, "server" | "clientBug"> = isClientBug(bug) ? { server: unlimitedServer, clientBug: bug } : { server: plantedServerOf(bug) };
    const report = await runKillRounds({ ...who, rounds: 30, seed, stopAt: kind });
    const counts = countKinds(report.violations);
    t.diagnostic(`caught in round ${report.rounds.length}: ${JSON.stringify(counts)}`);
    ok((counts[kind] ?? 0) > 0, `${bug} was to be seen as ${kind}; in ${report.rounds.length} rounds there was ${JSON.stringify(counts)}`);
  });
}
