/**
 * The runs of `npm run test:faults -- nodes`: each fault behind each balancer is a process of its own, in a network of its own
 * where links are cut. With `--save` the reports go into bench/results/nodes.json, from which docs/OPERATIONS.md has its table.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { saveRun } from "../faults/save-run.ts";
import { balancers } from "../proxies/balancers.ts";
import { hasOwnNetwork, inOwnNetwork, whyNoLinks } from "./links.ts";
import { nodeFaults, type NodeFault } from "./node-faults.ts";
import { describeNodes, runNodes, type NodesReport } from "./nodes.ts";

export interface NodesCommand {
  /** Names; all when there is none. */
  readonly faults: readonly string[];
  /** Both when there is none. */
  readonly balancer: keyof typeof balancers | undefined;
  readonly nodes: number;
  readonly cassandraNodes: number;
  readonly clients: number;
  readonly rounds: number;
  readonly actEveryMs: number;
  readonly seed: number;
  readonly isSaved: boolean;
}

const program = fileURLToPath(new URL("../faults/faults-test.ts", import.meta.url));

/** @returns whether every promise was kept @throws RangeError for a fault or balancer that there is not */
export async function runNodesCommand(command: NodesCommand): Promise<boolean> {
  const wanted = command.faults.length === 0 ? nodeFaults : command.faults.map(faultCalled);
  const behind = command.balancer === undefined ? (Object.keys(balancers) as (keyof typeof balancers)[]) : [command.balancer];
  const [only] = wanted;
  if (wanted.length === 1 && behind.length === 1 && only !== undefined && (only.cutsLinks !== true || hasOwnNetwork))
    return runOne(command, only, behind[0] as keyof typeof balancers);
  let isKept = true;
  for (const fault of wanted) for (const balancer of behind) isKept = (await runInProcess(command, fault, balancer)) && isKept;
  return isKept;
}

function faultCalled(name: string): NodeFault {
  const fault = nodeFaults.find((one) => one.name === name);
  if (fault === undefined) throw new RangeError(`There is no fault ${name}; there are ${nodeFaults.map((one) => one.name).join(", ")}.`);
  return fault;
}

async function runOne(command: NodesCommand, fault: NodeFault, balancer: keyof typeof balancers): Promise<boolean> {
  const { nodes, cassandraNodes, clients, rounds, actEveryMs, seed, isSaved } = command;
  const onPart = (part: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${part}`);
  const report = await runNodes({ fault, balancer, nodes, cassandraNodes, clients, rounds, actEveryMs, seed, onPart });
  for (const line of describeNodes(report)) console.log(line);
  if (isSaved) save(report);
  return report.found.length === 0;
}

async function runInProcess(command: NodesCommand, fault: NodeFault, balancer: string): Promise<boolean> {
  const problem = fault.cutsLinks === true ? whyNoLinks() : undefined;
  if (problem !== undefined) {
    console.log(`${fault.name}: not run, ${problem}`);
    return false;
  }
  const numbers = {
    nodes: command.nodes,
    "cassandra-nodes": command.cassandraNodes,
    clients: command.clients,
    rounds: command.rounds,
    "act-every-ms": command.actEveryMs,
    seed: command.seed,
  };
  const options = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const saving = command.isSaved ? ["--save"] : [];
  const node = [process.execPath, ...process.execArgv, program, "nodes", "--fault", fault.name, "--balancer", balancer, ...options, ...saving];
  const { command: name, args, env } = fault.cutsLinks === true ? inOwnNetwork(node) : { command: process.execPath, args: node.slice(1), env: process.env };
  const child = spawn(name, args, { stdio: "inherit", env });
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0;
}

function save(report: NodesReport): void {
  const places = nodeFaults.map(({ name }) => name);
  saveRun(report, {
    name: "nodes",
    keyOf: ({ fault, balancer, store, rounds }) => `${fault} ${balancer} ${store} ${rounds}`,
    compare: (a, b) => places.indexOf(a.fault) - places.indexOf(b.fault) || a.rounds - b.rounds || (a.balancer < b.balancer ? -1 : 1),
  });
}
