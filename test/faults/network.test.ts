/** The short version of `npm run test:faults -- network`, with faults denser than in the long one; and that it can fail. */
import { deepEqual, fail, ok } from "node:assert/strict";
import { test } from "node:test";
import { describeNetwork, runNetwork } from "./network.ts";

const seed = Math.floor(Math.random() * 2 ** 32);
const short = { clients: 20, seconds: 10, seed, faultEveryMs: 2_000, actEveryMs: 600 };

test(`[D3] [D4] [D5] [D8] 20 clients on bad links lose nothing, double nothing, and agree in the end (seed ${seed})`, async (t) => {
  const report = await runNetwork(short);
  for (const line of describeNetwork(report)) t.diagnostic(line);
  deepEqual(report.found, []);
  // A run in which nothing broke or nobody spoke shows nothing.
  ok(report.written > 50 && report.shown > report.written && report.reconnects >= 20, describeNetwork(report).join("\n"));
});

test(`bad links show clients that try again under another clientId (from seed ${seed})`, async () => {
  // The answer to a message that was stored must get lost: some three times in a run, and once in a while not at all.
  const runs: string[] = [];
  for (let run = 0; run < 5; run++) {
    const report = await runNetwork({ ...short, seed: (seed + run) % 2 ** 32, bug: "new-client-id" });
    if (report.found.some((one) => one.startsWith("written.doubled"))) return;
    runs.push(...describeNetwork(report));
  }
  fail(runs.join("\n"));
});
