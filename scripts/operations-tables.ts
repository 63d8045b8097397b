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
    readonly actEveryMs: number;
    readonly faultMs: number;
    readonly written: number;
    readonly acknowledged: number;
    readonly shown: number;
    readonly rounds: number;
    readonly reconnects: number;
    readonly longestGapMs: number;
    readonly deliveryMs: { readonly p50: number; readonly p99: number; readonly max: number };
    readonly convergedAfterMs: number;
    readonly violations: number;
  }[];
}

interface StormTimes {
  readonly clients: number;
  readonly resumedMs: { readonly p50: number; readonly p99: number; readonly all: number };
  readonly tookMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly refusals: Readonly<Record<string, number>>;
}

/** One run of each kind of `npm run test:faults -- storm`. */
interface StormResult extends Origin {
  readonly runs: readonly {
    readonly kind: string;
    readonly clients: number;
    readonly conversations: number;
    readonly outageMs: number;
    readonly missed: { readonly messages: number; readonly conversations: number; readonly overOnePage: number };
    readonly returning?: StormTimes;
    readonly hasty?: StormTimes;
    readonly storeReadsPerClient: number;
    readonly serverCpuMsPerClient: number;
    readonly memoryMiB: { readonly fresh: number; readonly quiet: number; readonly peak: number };
    readonly bystander: { readonly sends: number; readonly p50: number; readonly p99: number; readonly max: number };
    readonly readyMaxMs: number;
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
    run.rounds === 1 ? run.what : `${run.what}, ${run.rounds} times`,
    `${run.balancer}, ${run.nodes} on ${run.store}, ${run.clients} clients, each every ${run.actEveryMs / 1_000} s`,
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

export function stormTable(): string {
  const result = readResult("storm") as StormResult | undefined;
  if (result === undefined) return "Not measured yet: `npm run test:faults -- storm --save`.";
  const { runs } = result;
  const timesOf = (name: string, times: StormTimes | undefined): readonly string[][] => {
    if (times === undefined) return [];
    const { resumedMs, tookMs, refusals } = times;
    const refused = Object.entries(refusals).map(([code, count]) => `\`${code}\` ${number(count)}`);
    return [
      [
        `${number(times.clients)} ${name}`,
        [resumedMs.p50, resumedMs.p99, resumedMs.all].map(seconds).join(" / "),
        [tookMs.p50, tookMs.p99, tookMs.max].map(seconds).join(" / "),
        refused.length === 0 ? "none" : refused.join(", "),
      ],
    ];
  };
  const rows = runs.flatMap(({ kind, returning, hasty }) => {
    const beside = kind === "mixed" ? ", beside each other" : "";
    return [...timesOf(`well-behaved${beside}`, returning), ...timesOf(`ill-behaved${beside}`, hasty)];
  });
  const costs = runs.map((run) => [
    `${number(run.clients)} × ${run.conversations} conversations, ${run.kind}`,
    `${seconds(run.outageMs)}, ${number(run.missed.messages)} messages`,
    String(run.violations),
    number(run.storeReadsPerClient),
    `${run.serverCpuMsPerClient} ms`,
    `${run.memoryMiB.fresh} → ${run.memoryMiB.peak} MiB (${run.memoryMiB.quiet})`,
    `${run.bystander.p50} / ${run.bystander.p99} ms, ${number(run.bystander.max)}`,
    `${number(run.readyMaxMs)} ms`,
  ]);
  const head = ["clients", "resumed: half / 99 % / all", "the try that succeeded took: p50 / p99, most", "refusals and failed tries, by code"];
  const costHead = [
    "storm",
    "away, missed",
    "not resumed exactly",
    "store reads per client",
    "server CPU per client",
    "memory before → most (quietly connected)",
    "a bystander's send: p50 / p99, most",
    "`/readyz`, most",
  ];
  return [table(head, rows), table(costHead, costs), originOf(result)].join("\n\n");
}
