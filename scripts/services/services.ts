/**
 * Starts real engines on loopback and keeps them until Ctrl-C: npm run services -- redis redis-cluster redis-sentinel cassandra [--nodes 3]
 *
 * The same ones as the tests', with ports of their own and nothing kept, for trying several nodes by hand.
 */
import { parseArgs } from "node:util";
import { CassandraServer, RedisCluster, RedisSentinels, RedisServer } from "@suda/testing";

const engines = ["redis", "redis-cluster", "redis-sentinel", "cassandra"];
const { positionals, values } = parseArgs({ allowPositionals: true, options: { nodes: { type: "string", default: "1" } } });
const nodes = Number(values.nodes);
if (positionals.length === 0 || positionals.some((name) => !engines.includes(name)) || !Number.isInteger(nodes) || nodes < 1 || nodes > 9) {
  console.error(`npm run services -- ${engines.join("|")}… [--nodes 1–9, of Cassandra]`);
  process.exit(1);
}

// Before the first engine: one that is being started ends with this program all the same.
// Listened to until the end: npm passes Ctrl-C on once more, which must not end the stopping.
const stopped = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => resolve());
});
const running: AsyncDisposable[] = [];
try {
  if (positionals.includes("redis")) {
    const redis = await RedisServer.open();
    running.push(redis);
    console.log(`redis      ${redis.url}`);
  }
  if (positionals.includes("redis-cluster")) {
    const cluster = await RedisCluster.open({ replicas: 1 });
    running.push(cluster);
    console.log(`cluster    ${cluster.url} (three masters, a replica each)`);
  }
  if (positionals.includes("redis-sentinel")) {
    const sentinels = await RedisSentinels.open();
    running.push(sentinels);
    console.log(`sentinels  ${sentinels.url}`);
  }
  if (positionals.includes("cassandra")) {
    const cassandra = await CassandraServer.open({ nodes });
    running.push(cassandra);
    console.log(`cassandra  ${cassandra.contactPoints.join(",")} (data center ${cassandra.dataCenter})`);
  }
  console.log("Ctrl-C stops them.");
  await stopped;
} finally {
  await Promise.all(running.map((engine) => engine[Symbol.asyncDispose]()));
}
