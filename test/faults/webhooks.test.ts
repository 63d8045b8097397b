/** The short version of `npm run test:faults -- webhooks`. */
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { describeWebhooks, runWebhooks } from "./webhooks.ts";

const seed = Math.floor(Math.random() * 2 ** 32);

test(`[W3] [W5] under kill -9 and with a bot that fails every event is taken, in order, and none is missing (seed ${seed})`, async (t) => {
  const report = await runWebhooks({ seconds: 6, seed, conversations: 3 });
  for (const line of describeWebhooks(report)) t.diagnostic(line);
  deepEqual(report.found, []);
  // Without load, kills and faults it shows nothing.
  ok(report.kills > 0 && report.events > 20 && report.faults["500"] + report.faults.reset > 0, describeWebhooks(report).join("\n"));
});
