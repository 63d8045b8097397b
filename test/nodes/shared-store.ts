/** What all nodes of a cluster keep their messages in. */
import { join } from "node:path";
import type { Store } from "@suda/server/store";
import { openLmdbStore } from "@suda/store-lmdb";

export interface SharedStore extends AsyncDisposable {
  readonly name: "lmdb" | "cassandra";
  /** Nodes that may use it at once. */
  readonly maxNodes: number;
  /** How a node is told of it: settings of `suda serve`. @param directory the node's own */
  settings(directory: string): readonly string[];
  /** For reading, when no node is running any more. */
  read(): Promise<Store>;
  /** Ports that nodes speak to it on. */
  readonly ports: readonly number[];
}

/** The embedded store, of one node. @param directory of the only node's data */
export function lmdbStore(directory: string): SharedStore {
  return {
    name: "lmdb",
    maxNodes: 1,
    settings: () => [],
    read: () => openLmdbStore({ directory: join(directory, "node-1") }),
    ports: [],
    async [Symbol.asyncDispose]() {},
  };
}
