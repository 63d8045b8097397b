/** The fuzz test in `npm test`: 5,000 frames, `SUDA_FUZZ_FRAMES` for another number. The seed is printed. */
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { faultsOf } from "./faults-of.ts";
import { runFuzz } from "./fuzz-run.ts";

const frames = Number(process.env["SUDA_FUZZ_FRAMES"] ?? 5_000);
const seed = Number(process.env["SUDA_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

test(`${frames} hostile frames harm neither the server nor those who chat on it (seed ${seed})`, async (t) => {
  const report = await runFuzz({ frames, seed });
  const { tally, healthy, connections, peakMemoryMiB } = report;
  t.diagnostic(
    JSON.stringify({
      frames: tally.frames,
      connections,
      replies: tally.replies,
      errors: Object.fromEntries(tally.errors),
      healthy: healthy.sent,
      peakMemoryMiB,
    }),
  );
  deepEqual(faultsOf(report), []);
  // Both kinds of answer were met, so that the run has tested something.
  ok(tally.replies > 0 && (tally.errors.get("frame.invalid") ?? 0) > 0);
});
