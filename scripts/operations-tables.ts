/** The tables of docs/OPERATIONS.md: settings as the command prints them, and figures from bench/results. */
import { execFileSync } from "node:child_process";
import { originOf, readResult, type FanoutResult, type Origin, type SendResult } from "./benchmark-figures.ts";
import { table } from "./schema-tables.ts";

interface ConnectionsResult extends Origin {
  readonly load: { readonly connections: number };
  readonly result: {
    readonly emptyMiB: number;
    readonly kibPerConnection: number;
    readonly conversationsTold: number;
    readonly quietCpuPercent: number;
    readonly storm: { readonly elapsedMs: number; readonly peakMiB: number; readonly serverCpuUsPerClient: number };
  };
}

/** One run of `npm run test:faults -- nodes`, as it is saved. */
interface NodesResult extends Origin {
  readonly runs: readonly {
    readonly what: string;
    readonly balancer: string;
    readonly store: string;
    readonly nodes: number;
    readonly clients: number;
    readonly faultMs: number;
    readonly written: number;
    readonly acknowledged: number;
    readonly shown: number;
    readonly reconnects: number;
    readonly longestGapMs: number;
    readonly deliveryMs: { readonly p50: number; readonly p99: number; readonly max: number };
    readonly convergedAfterMs: number;
    readonly violations: number;
  }[];
}

/** @param root of the repository */
export function settingsTable(root: string): string {
  return execFileSync(process.execPath, [`${root}apps/suda/bin/suda.js`, "config", "doc"], { encoding: "utf8" }).trim();
}

const number = (value: number): string => value.toLocaleString("en-US");
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

export function sizingTable(): string {
  const send = readResult("send") as SendResult | undefined;
  const fanout = readResult("fanout") as FanoutResult | undefined;
  const connections = readResult("connections") as ConnectionsResult | undefined;
  const rows: string[][] = [];
  for (const { senders, sendsPerSecond, replyMs } of send?.result ?? [])
    rows.push([
      `durable sends, ${senders} sender${senders === 1 ? "" : "s"}`,
      `${number(sendsPerSecond)} a second, reply p99 ${replyMs.p99.toFixed(1)} ms`,
      "`npm run bench -- send`",
    ]);
  const suda = fanout?.targets["suda"];
  if (fanout !== undefined && suda !== undefined)
    rows.push([
      `deliveries, bursts in a group of ${number(fanout.load.members)}`,
      `${suda.cpuUsPerDelivery.toFixed(2)} µs CPU each, ${number(suda.deliveriesPerSecond)} a second`,
      "`npm run bench -- fanout`",
    ]);
  if (connections !== undefined) {
    const { load, result } = connections;
    const command = "`npm run bench -- connections`";
    rows.push(["a node without connections", `${number(result.emptyMiB)} MiB`, command]);
    rows.push([
      `each quiet connection, ${number(load.connections)} of them in ${Math.round(result.conversationsTold / load.connections)} groups each`,
      `${result.kibPerConnection} KiB; all together ${result.quietCpuPercent} % of a core`,
      command,
    ]);
    rows.push([
      "all of them dropped in one moment, and back at once",
      `${seconds(result.storm.elapsedMs)} until the last was greeted and knew what it missed; ${number(result.storm.serverCpuUsPerClient)} µs CPU each; at most ${number(result.storm.peakMiB)} MiB`,
      command,
    ]);
  }
  const origin = connections ?? send;
  return [table(["what", "measured", "by"], rows), ...(origin === undefined ? [] : [originOf(origin)])].join("\n\n");
}

export function nodesTable(): string {
  const result = readResult("nodes") as NodesResult | undefined;
  if (result === undefined) return "Not measured yet: `npm run test:faults -- nodes --all --save`.";
  const rows = result.runs.map((run) => [
    run.what,
    `${run.balancer}, ${run.nodes} on ${run.store}, ${run.clients} clients`,
    `${number(run.written)} / ${number(run.acknowledged)} / ${number(run.shown)}`,
    String(run.violations),
    seconds(run.convergedAfterMs),
    `${number(run.reconnects)}, ${seconds(run.longestGapMs)}`,
    `${run.deliveryMs.p50} / ${number(run.deliveryMs.p99)} ms, ${seconds(run.deliveryMs.max)}`,
  ]);
  const head = [
    "broken",
    "behind; nodes, clients",
    "written / acknowledged / shown",
    "violations",
    "agreed after",
    "reconnects, longest without a connection",
    "acknowledged → shown elsewhere: p50 / p99, most",
  ];
  return [table(head, rows), originOf(result)].join("\n\n");
}
