/** `npm run test:faults -- NAME [options]`: the long fault tests, each with its figures. */
import { parseArgs } from "node:util";
import { runSlowReaders } from "./slow-readers.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { clients: { type: "string", default: "2000" }, messages: { type: "string", default: "200" } },
});
if (positionals[0] === "slow-readers") {
  const report = await runSlowReaders({ clients: Number(values.clients), messages: Number(values.messages) });
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
  console.log(`${report.clients} members stop reading`);
  console.log(
    `delivery to those who read: alone p50 ${report.alone.p50Ms.toFixed(1)} p99 ${report.alone.p99Ms.toFixed(1)} ms; beside them p50 ${report.beside.p50Ms.toFixed(1)} p99 ${report.beside.p99Ms.toFixed(1)} ms`,
  );
  console.log(
    `server: ${mebibytes(report.memoryBeforeBytes)} before, ${mebibytes(report.memoryPeakBytes)} at most; the bound of the outboxes is ${mebibytes(report.memoryBoundBytes)}`,
  );
  console.log(`told when they read again: ${JSON.stringify(report.told)}; ${report.missing} messages missing`);
  process.exitCode = report.missing === 0 && report.memoryPeakBytes - report.memoryBeforeBytes <= report.memoryBoundBytes ? 0 : 1;
} else {
  console.error("Usage: npm run test:faults -- slow-readers [--clients 2000] [--messages 200]");
  process.exitCode = 2;
}
