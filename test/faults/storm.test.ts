/** The short version of `npm run test:faults -- storm`: well-behaved and ill-behaved clients beside each other. */
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { describeStorm, runStorm } from "./storm.ts";

const seed = Math.floor(Math.random() * 2 ** 32);

test(`[D7] [B10] 100 clients with 20 conversations each come back at once, and all are resumed exactly (seed ${seed})`, async (t) => {
  const [report] = await runStorm({ clients: 100, conversations: 20, seed, kinds: ["mixed"] });
  ok(report !== undefined);
  for (const line of describeStorm(report)) t.diagnostic(line);
  deepEqual(report.found, []);
  // A storm in which nobody missed anything, or all of one kind were there, shows nothing.
  ok(report.missed.messages > 100 && report.missed.overOnePage > 0, describeStorm(report).join("\n"));
  deepEqual((report.returning?.clients ?? 0) + (report.hasty?.clients ?? 0), 100);
  ok((report.hasty?.clients ?? 0) > 2 && (report.returning?.clients ?? 0) > 80, describeStorm(report).join("\n"));
  // Record, membership and last event of each of 20 conversations, and what was missed of some; ill-behaved ones read a page of each.
  ok(report.storeReadsPerClient < 150, describeStorm(report).join("\n"));
});
