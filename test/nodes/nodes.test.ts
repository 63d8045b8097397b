/** The short version of `npm run test:faults -- nodes`: one node, because the embedded store is of one process. */
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutRedis } from "@suda/testing";
import { balancers } from "../proxies/balancers.ts";
import { nodeFaults } from "./node-faults.ts";
import { describeNodes, runNodes } from "./nodes.ts";

const seed = Math.floor(Math.random() * 2 ** 32);

for (const [name, balancer] of [
  ["redis-kill", "haproxy"],
  ["layer-loss", "nginx"],
] as const) {
  const skip = skipWithoutRedis === false ? balancers[balancer].skip : skipWithoutRedis;
  test(`${name} behind ${balancer}: nothing is lost, doubled or reordered, and all agree in the end (seed ${seed})`, { skip, timeout: 300_000 }, async (t) => {
    const fault = nodeFaults.find((one) => one.name === name);
    ok(fault !== undefined);
    const report = await runNodes({ fault, balancer, nodes: 1, cassandraNodes: 0, clients: 24, seed, scale: 0.15, loadMs: 2_000, actEveryMs: 500 });
    for (const line of describeNodes(report)) t.diagnostic(line);
    deepEqual(report.found, []);
    ok(report.acknowledged > 50, "without load it shows nothing");
  });
}
