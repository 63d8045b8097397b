/** How it stands with the store when Cassandra hangs, and that it is well again by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConversationId } from "@suda/protocol";
import { CassandraServer, eventually, skipWithoutCassandra } from "@suda/testing";
import { initCassandraStore, openCassandraStore } from "./open-cassandra-store.ts";

test("a store that Cassandra does not answer is unreachable, and ready again without any call of others", {
  skip: skipWithoutCassandra,
  timeout: 180_000,
}, async () => {
  await using server = await CassandraServer.open();
  const connection = { contactPoints: server.contactPoints, localDataCenter: server.dataCenter, keyspace: "unreachable", requestTimeoutMs: 1_000 };
  await initCassandraStore({ ...connection, requestTimeoutMs: 10_000, replication: { [server.dataCenter]: 1 } });
  await using store = await openCassandraStore(connection);
  assert.deepEqual(store.status(), { state: "ready" });
  const [node] = server.nodes;
  node?.pause();
  try {
    await assert.rejects(store.conversations.get("nowhere" as ConversationId), { code: "server.busy" });
    const status = store.status();
    assert.ok(status.state === "unreachable" && status.reason !== "", JSON.stringify(status));
  } finally {
    node?.resume();
  }
  await eventually(async () => store.status().state === "ready");
});
