/** `npm run test:fuzz -- --frames 100000 [--seed N]`: hostile frames against a real server; ends with 1 when it did what it may not. */
import { parseArgs } from "node:util";
import { faultsOf } from "./faults-of.ts";
import { runFuzz } from "./fuzz-run.ts";

const { values } = parseArgs({ options: { frames: { type: "string", default: "100000" }, seed: { type: "string" } } });
const frames = Number(values.frames);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
if (!Number.isInteger(frames) || frames < 1 || !Number.isInteger(seed)) {
  console.error("Usage: npm run test:fuzz -- [--frames N] [--seed N]");
  process.exit(2);
}

console.log(`seed ${seed}, ${frames} hostile frames`);
const report = await runFuzz({ frames, seed, onProgress: (tally) => console.log(`${tally.frames} frames, ${tally.faults.length} faults`) });
const { tally, healthy } = report;
console.log(`${tally.frames} frames over ${report.connections} connections in ${report.seconds.toFixed(0)} s; ${tally.replies} replies`);
console.log(`errors ${JSON.stringify(Object.fromEntries([...tally.errors].sort(([, a], [, b]) => b - a)))}`);
console.log(`closes ${JSON.stringify(Object.fromEntries([...tally.closes].sort(([, a], [, b]) => b - a)))}`);
console.log(`healthy pair: ${healthy.sent} messages sent, acknowledged and delivered; slowest reply ${healthy.slowestReplyMs} ms`);
console.log(`server: peak memory ${report.peakMemoryMiB ?? "?"} MiB`);
const faults = faultsOf(report);
for (const fault of faults.slice(0, 30)) console.log(`  FAULT ${fault}`);
console.log(`${faults.length} faults, seed ${seed}`);
process.exitCode = faults.length === 0 ? 0 : 1;
