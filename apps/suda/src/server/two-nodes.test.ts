/** Two nodes as a team runs them: two processes of `suda serve`, one Cassandra beneath them, a Redis Cluster between them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  clientId,
  eventually,
  openSharedCassandra,
  RedisCluster,
  ServerProcess,
  signToken,
  skipWithoutCassandra,
  skipWithoutRedis,
  userId,
  WireClient,
  writeTokenKey,
} from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));
const skip = skipWithoutRedis === false ? skipWithoutCassandra : skipWithoutRedis;

test("[D12] [D13] who is at another node hears at once, and of being removed nothing more; without Redis within some seconds; and again at once when it is back", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "suda-two-nodes-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeTokenKey(directory);
  await using cassandra = await openSharedCassandra();
  await using redis = await RedisCluster.open();
  const env = {
    SUDA_STORE: "cassandra",
    SUDA_CASSANDRA_CONTACT_POINTS: cassandra.contactPoints.join(","),
    SUDA_CASSANDRA_KEYSPACE: cassandra.keyspace("two_nodes"),
    SUDA_LAYER: "redis",
    SUDA_REDIS_URL: redis.url,
  };
  const made = spawnSync(process.execPath, [program, "store", "init", "--replication", "1"], {
    cwd: directory,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  assert.equal(made.status, 0, made.stderr);
  const open = (name: string): Promise<ServerProcess> => {
    const data = join(directory, name);
    mkdirSync(data);
    copyFileSync(join(directory, "token-key"), join(data, "token-key"));
    return ServerProcess.open({ program: [program, "serve", "--port", "0", "--data", data], env });
  };
  await using one = await open("one");
  await using other = await open("other");

  const heard: { readonly text: string; readonly at: number }[] = [];
  await using alice = await WireClient.open({ url: one.url, token: signToken(directory, "alice") });
  await using bob = await WireClient.open({
    url: other.url,
    token: signToken(directory, "bob"),
    onEvent: (event) => {
      if (event.type === "message.created" && event.content.type === "text") heard.push({ text: event.content.text, at: performance.now() });
    },
  });
  assert.ok(bob.isOpen);
  const { conversation } = await alice.request("conversation.open", { with: userId("bob") });
  let said = 0;
  /** How long after the acknowledgement bob hears it. */
  const say = async (): Promise<number> => {
    const text = `message-${++said}`;
    await alice.request("message.send", { conversation: conversation.id, clientId: clientId(text), content: { type: "text", text } });
    const acknowledgedAt = performance.now();
    await eventually(
      async () => heard.some((one) => one.text === text),
      () => {},
      30_000,
    );
    return Math.max(0, (heard.find((one) => one.text === text)?.at ?? 0) - acknowledgedAt);
  };
  const members = ["carol", "dave"];
  const group: { id?: string } = {};
  const seen = new Map<string, { readonly event: string; readonly at: number }[]>(members.map((user) => [user, []]));
  const watchers: WireClient[] = [];
  for (const user of members)
    watchers.push(
      await WireClient.open({
        url: other.url,
        token: signToken(directory, user),
        onEvent: (event) => {
          if ("conversation" in event && event.conversation === group.id)
            seen.get(user)?.push({ event: event.type === "member.removed" ? `removed ${event.user}` : event.type, at: performance.now() });
        },
      }),
    );
  t.after(() => Promise.all(watchers.map((watcher) => watcher[Symbol.asyncDispose]())));
  const { conversation: team } = await alice.request("conversation.create", { title: "team", members: ["bob", ...members].map(userId) });
  group.id = team.id;
  /** How long after the acknowledgement the removed one is told so, while bob goes on writing at their node. */
  const remove = async (user: string): Promise<number> => {
    await alice.request("member.remove", { conversation: team.id, user: userId(user) });
    const acknowledgedAt = performance.now();
    const text = `after ${user}`;
    await bob.request("message.send", { conversation: team.id, clientId: clientId(text.replace(" ", "-")), content: { type: "text", text } });
    const told = (): number | undefined => seen.get(user)?.find(({ event }) => event === `removed ${user}`)?.at;
    await eventually(
      async () => told() !== undefined,
      () => {},
      30_000,
    );
    return Math.max(0, (told() ?? 0) - acknowledgedAt);
  };
  const isLinked = async (server: ServerProcess): Promise<boolean> =>
    ((await (await fetch(new URL("/readyz", server.url))).json()) as { layer?: string }).layer === "connected";

  const atOnce = await say();
  const removedAtOnce = await remove("carol");
  for (const server of redis.servers) await server.kill();
  await eventually(
    async () => !(await isLinked(one)) && !(await isLinked(other)),
    () => {},
    20_000,
  );
  const without = [await say(), await say()];
  const removedWithout = await remove("dave");
  for (const server of redis.servers) await server.start();
  await eventually(
    async () => (await isLinked(one)) && (await isLinked(other)),
    () => {},
    40_000,
  );
  const again = await say();
  t.diagnostic(`heard after ${atOnce.toFixed(0)} ms; without Redis ${without.map((ms) => ms.toFixed(0)).join(" and ")} ms; again ${again.toFixed(0)} ms`);
  t.diagnostic(`removed ones were told after ${removedAtOnce.toFixed(0)} ms; without Redis after ${removedWithout.toFixed(0)} ms`);
  for (const [user, events] of seen) {
    const names = events.map(({ event }) => event);
    const removal = `removed ${user}`;
    assert.deepEqual(names.slice(names.indexOf(removal)), [removal, "conversation.left"], `${user} is told nothing after the removal`);
  }
  assert.deepEqual(
    heard.map(({ text }) => text).filter((text) => text.startsWith("message-")),
    Array.from({ length: said }, (_, index) => `message-${index + 1}`),
  );
  // A node compares its conversations with the log every few seconds; on a busy machine that is late.
  for (const ms of [...without, removedWithout]) assert.ok(ms < 15_000, `${ms} ms`);
  assert.deepEqual([...one.alarms, ...other.alarms], []);
});
