/** `npm run test:faults -- NAME [options]`: the long fault tests, each with its figures. Ends with 1 when a promise was broken. */
import { parseArgs } from "node:util";
import { describeDrain, runDrain } from "./drain.ts";
import { describeFencing, runFencing } from "./fencing.ts";
import { describeNetwork, runNetwork } from "./network.ts";
import { describeWebhooks, isUnaffected, runWebhooks } from "./webhooks.ts";
import { balancers } from "../proxies/balancers.ts";
import { runNodesCommand } from "../nodes/nodes-command.ts";
import { runStormCommand } from "./storm-command.ts";
import { describeSlowReaders, isWithinBounds, runSlowReaders } from "./slow-readers.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: "string" },
    conversations: { type: "string" },
    messages: { type: "string" },
    replies: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string" },
    nodes: { type: "string" },
    "cassandra-nodes": { type: "string" },
    rounds: { type: "string" },
    "act-every-ms": { type: "string" },
    balancer: { type: "string" },
    fault: { type: "string", multiple: true },
    all: { type: "boolean" },
    kind: { type: "string", multiple: true },
    save: { type: "boolean" },
  },
});
const { fault, all, balancer, kind, save, ...numbers } = values;
const wanted = (name: keyof typeof numbers, otherwise: number): number => Number(numbers[name] ?? otherwise);
const isBalancer = (name: string | undefined): name is keyof typeof balancers | undefined => name === undefined || Object.hasOwn(balancers, name);

const tests: Readonly<Record<string, () => Promise<{ readonly lines: readonly string[]; readonly isKept: boolean }>>> = {
  "slow-readers": async () => {
    const report = await runSlowReaders({ clients: wanted("clients", 2_000), messages: wanted("messages", 200) });
    return { lines: describeSlowReaders(report), isKept: isWithinBounds(report) };
  },
  network: async () => {
    const seed = wanted("seed", Math.floor(Math.random() * 2 ** 32));
    const report = await runNetwork({ clients: wanted("clients", 200), seconds: wanted("seconds", 180), seed });
    return { lines: describeNetwork(report), isKept: report.found.length === 0 };
  },
  webhooks: async () => {
    const seed = wanted("seed", Math.floor(Math.random() * 2 ** 32));
    const report = await runWebhooks({ seconds: wanted("seconds", 180), seed });
    return { lines: describeWebhooks(report), isKept: report.found.length === 0 && isUnaffected(report.deliveryMs) && isUnaffected(report.sendMs) };
  },
  drain: async () => {
    const options = { clients: wanted("clients", 200), seed: wanted("seed", Math.floor(Math.random() * 2 ** 32)) };
    const reports = [await runDrain({ ...options, hasIdlers: false }), await runDrain({ ...options, hasIdlers: true })];
    return { lines: reports.flatMap(describeDrain), isKept: reports.every(({ found }) => found.length === 0) };
  },
  fencing: async () => {
    const report = await runFencing({ replies: wanted("replies", 10_000), seed: wanted("seed", Math.floor(Math.random() * 2 ** 32)) });
    return { lines: describeFencing(report), isKept: report.found.length === 0 };
  },
  storm: async () => {
    const seed = wanted("seed", Math.floor(Math.random() * 2 ** 32));
    const isKept = await runStormCommand({
      clients: wanted("clients", 5_000),
      conversations: wanted("conversations", 20),
      seed,
      kinds: kind ?? [],
      isSaved: save === true,
    });
    // Each run prints its own lines.
    return { lines: [], isKept };
  },
  nodes: async () => {
    const seed = wanted("seed", Math.floor(Math.random() * 2 ** 32));
    const numbersOf = {
      nodes: wanted("nodes", 3),
      cassandraNodes: wanted("cassandra-nodes", 3),
      clients: wanted("clients", 300),
      rounds: wanted("rounds", 1),
      actEveryMs: wanted("act-every-ms", 4_000),
      seed,
    };
    if (!isBalancer(balancer)) throw new RangeError(`There is no balancer ${balancer}; there are ${Object.keys(balancers).join(", ")}.`);
    const isKept = await runNodesCommand({ ...numbersOf, faults: all === true ? [] : (fault ?? []), balancer, isSaved: save === true });
    // Each run prints its own lines.
    return { lines: [], isKept };
  },
};

const run = tests[positionals[0] ?? ""];
if (run === undefined || Object.values(numbers).some((value) => !Number.isInteger(Number(value)))) {
  console.error(`Usage: npm run test:faults -- slow-readers [--clients 2000] [--messages 200]
       npm run test:faults -- network [--clients 200] [--seconds 180] [--seed N]
       npm run test:faults -- drain [--clients 200] [--seed N]
       npm run test:faults -- fencing [--replies 10000] [--seed N]
       npm run test:faults -- webhooks [--seconds 180] [--seed N]
       npm run test:faults -- storm [--clients 5000] [--conversations 20] [--kind NAME…] [--seed N] [--save]
       npm run test:faults -- nodes --fault NAME… | --all [--balancer nginx] [--nodes 3] [--cassandra-nodes 3] [--clients 300]
           [--act-every-ms 4000] [--rounds 1] [--seed N] [--save]`);
  process.exitCode = 2;
} else {
  const { lines, isKept } = await run();
  for (const line of lines) console.log(line);
  process.exitCode = isKept ? 0 : 1;
}
