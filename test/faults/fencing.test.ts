/** The short version of `npm run test:faults -- fencing`, and the bug that it must catch. */
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { checkedAtTheGate, describeFencing, runFencing } from "./fencing.ts";

const seed = Math.floor(Math.random() * 2 ** 32);

test(`[T26] [S39] a bot that answers without a pause says nothing between a handoff and a return (seed ${seed})`, async (t) => {
  const report = await runFencing({ replies: 2_000, seed });
  for (const line of describeFencing(report)) t.diagnostic(line);
  deepEqual(report.found, []);
  // Without both it shows nothing.
  ok(report.stored > 100 && report.overtaken > 5 && report.changes > 20, describeFencing(report).join("\n"));
});

test(`[T26] a check before the append, in place of the moment of storing, is caught (seed ${seed})`, async (t) => {
  const report = await runFencing({ replies: 2_000, seed, plant: checkedAtTheGate });
  for (const line of describeFencing(report).slice(0, 4)) t.diagnostic(line);
  ok(
    report.found.some((one) => one.includes("was in charge at epoch")),
    describeFencing(report).join("\n"),
  );
});
