/** What all nodes of a cluster keep their messages in. */
import { join } from "node:path";
import { initCassandraStore, openCassandraStore } from "@suda/store-cassandra";
import { openLmdbStore } from "@suda/store-lmdb";
import type { Store } from "@suda/server/store";
import { CassandraServer } from "@suda/testing";

export interface SharedStore extends AsyncDisposable {
  readonly name: "lmdb" | "cassandra";
  /** Nodes that may use it at once. */
  readonly maxNodes: number;
  /** How a node is told of it: settings of `suda serve`. */
  readonly settings: readonly string[];
  /** For reading, when no node is running any more. */
  read(): Promise<Store>;
  /** Ports that nodes speak to it on. */
  readonly ports: readonly number[];
  /** The engine, where there is one beside the nodes. */
  readonly cassandra?: CassandraServer;
}

/** The embedded store, of one node. @param directory of the cluster */
export function lmdbStore(directory: string): SharedStore {
  return {
    name: "lmdb",
    maxNodes: 1,
    settings: [],
    read: () => openLmdbStore({ directory: join(directory, "node-1") }),
    ports: [],
    async [Symbol.asyncDispose]() {},
  };
}

/** A real Cassandra. With three nodes, every message is on all of them, and two are enough. */
export async function cassandraStore(nodes: number): Promise<SharedStore> {
  const cassandra = await CassandraServer.open({ nodes, heapMb: 512, isSchemaDurable: true });
  const { contactPoints, dataCenter, port } = cassandra;
  const connection = { contactPoints, localDataCenter: dataCenter, keyspace: "nodes" };
  try {
    await initCassandraStore({ ...connection, replication: { [dataCenter]: nodes }, waitMs: 60_000 });
  } catch (error) {
    await cassandra[Symbol.asyncDispose]();
    throw error;
  }
  const flags = { store: "cassandra", "cassandra-contact-points": contactPoints.join(","), "cassandra-data-center": dataCenter, "cassandra-keyspace": "nodes" };
  return {
    name: "cassandra",
    maxNodes: 100,
    settings: Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    read: () => openCassandraStore(connection),
    ports: [port],
    cassandra,
    [Symbol.asyncDispose]: () => cassandra[Symbol.asyncDispose](),
  };
}
