/**
 * `npm run test:simulation -- --seeds 1..100000 [--processes 2] [--users 5] [--devices 2] [--nodes 1]
 * [--actions 200] [--faults crash,device-restart] [--fault-rate 0.08] [--trace user-1]`: simulated worlds for any number of seeds.
 * Prints each seed that fails with the command that shows it again, and ends with 1 when there was one. With
 * `--trace` one seed is run here, and every line of what happens that contains the word is printed.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { faultNames, layerFaultNames, simulate, type FaultName } from "@suda/testing";
import { runSeedsInProcesses } from "./run-seeds.ts";
import type { RunOptions } from "./seeds.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1..1000" },
    processes: { type: "string", default: String(availableParallelism()) },
    users: { type: "string", default: "5" },
    devices: { type: "string", default: "2" },
    nodes: { type: "string", default: "1" },
    actions: { type: "string", default: "200" },
    faults: { type: "string" },
    "fault-rate": { type: "string", default: "0.08" },
    trace: { type: "string" },
  },
});
const [from = Number.NaN, to = from] = values.seeds.split("..").map(Number);
const [processes, users, devices, nodes, actions] = [values.processes, values.users, values.devices, values.nodes, values.actions].map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const allFaults = [...faultNames, ...layerFaultNames];
const faultRate = Number(values["fault-rate"]);
const faults = values.faults?.split(",").flatMap((wanted) => (wanted === "" ? [] : (allFaults.find((name) => name.replaceAll(" ", "-") === wanted) ?? wanted)));
const areNumbersGood =
  [from, to, processes, users, devices, nodes, actions].every((value) => Number.isInteger(value) && value > 0) && to >= from && faultRate >= 0;
if (!areNumbersGood || faults?.some((name) => !(allFaults as readonly string[]).includes(name)) === true) {
  console.error("Usage: npm run test:simulation -- [--seeds FROM..TO] [--processes N] [--users N] [--devices N] [--nodes N] [--actions N]");
  console.error(`         [--faults ${allFaults.map((name) => name.replaceAll(" ", "-")).join(",")}] [--fault-rate 0..1] [--trace WORD]`);
  process.exit(2);
}
const options: RunOptions = { users, devices, nodes, actions, faultRate, ...(faults === undefined ? {} : { faults: faults as FaultName[] }) };

const { trace } = values;
if (trace !== undefined) {
  const print = (line: string): void => {
    if (line.includes(trace)) console.log(line);
  };
  await simulate({ ...options, seed: from, trace: print }).catch((error: unknown) => {
    console.log(error);
    process.exitCode = 1;
  });
} else {
  const { failures, seeds, elapsedMs, cpuMs } = await runSeedsInProcesses({
    ranges: [{ from, to }],
    processes,
    options,
    onFailure: ({ seed, message }) => console.log(`seed ${seed}: ${message}`),
    onProgress: (done) => {
      if (done % 1_000 === 0) console.log(`${new Date().toISOString()}: ${done} seeds`);
    },
  });
  const outcome = failures.length === 0 ? "all converged" : `${failures.length} did not converge: ${failures.map(({ seed }) => seed).join(", ")}`;
  console.log(
    `${seeds} seeds (${from} to ${to}), ${users} users with ${devices} devices, ${nodes} nodes, ${actions} actions, ${processes} processes: ${(elapsedMs / 1_000).toFixed(1)} s (${Math.round(cpuMs / 1_000)} s of CPU), ${outcome}`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}
