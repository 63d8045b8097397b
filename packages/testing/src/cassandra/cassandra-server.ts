/**
 * A real Cassandra on loopback, for tests: one node or several (127.0.0.1, 127.0.0.2…), ports of their own, data in the
 * system's temporary folder, ended by their processes and removed. Java 17 (Debian: `openjdk-17-jre-headless`) and the jars
 * that `scripts/services/cassandra/fetch.mjs` fetches.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { CassandraNode } from "./cassandra-node.ts";

const version = "5.0.6";
/** Where the jars are. */
const jars = process.env["SUDA_CASSANDRA_JARS"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "suda", `cassandra-${version}`);

/** A test's `skip`: false where there is one, and where its absence is to fail (`REQUIRE_CASSANDRA=1`). */
export const skipWithoutCassandra: string | false = process.env["REQUIRE_CASSANDRA"] === "1" ? false : absence();

function absence(): string | false {
  if (!existsSync(jars)) return `Cassandra is not there (node scripts/services/cassandra/fetch.mjs)`;
  return spawnSync("java", ["-version"]).status === 0 ? false : "java is not installed";
}

export interface CassandraServerOptions {
  /** 1–9; default 1. */
  readonly nodes?: number;
  /** Of each node; default 512, at least 256. */
  readonly heapMb?: number;
  /** Whether a node that is killed starts again with all that it had; default false, with which it forgets its keyspaces, and changes of the schema are quick. */
  readonly isSchemaDurable?: boolean;
}

export class CassandraServer implements AsyncDisposable {
  /** What clients name as the local data center. */
  readonly dataCenter = "datacenter1";
  readonly nodes: readonly CassandraNode[];
  /** CQL port, the same on all nodes. */
  readonly port: number;
  readonly #directory: string;

  private constructor(nodes: readonly CassandraNode[], { port, directory }: { readonly port: number; readonly directory: string }) {
    this.nodes = nodes;
    this.port = port;
    this.#directory = directory;
  }

  /** Resolves when every node takes clients and knows the others. */
  static async open({ nodes: count = 1, heapMb = 512, isSchemaDurable = false }: CassandraServerOptions = {}): Promise<CassandraServer> {
    const directory = await mkdtemp(join(tmpdir(), "suda-cassandra-"));
    const [port, storagePort] = [await freePort(), await freePort()];
    const seed = `127.0.0.1:${storagePort}`;
    const nodes = Array.from({ length: count }, (_, index) => {
      const host = `127.0.0.${index + 1}`;
      const place = { directory: join(directory, `node${index + 1}`), host, nativePort: port, storagePort, seed, index, count, clusterName: "suda-test" };
      return new CassandraNode(place, { jars, heapMb, isSchemaDurable });
    });
    const server = new CassandraServer(nodes, { port, directory });
    try {
      const [first, ...others] = nodes;
      await first?.start();
      // Safe side by side: nothing is streamed, and each has its token.
      await Promise.all(others.map((node) => node.start()));
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** As drivers take them. */
  get contactPoints(): readonly string[] {
    return this.nodes.map(({ host, port }) => `${host}:${port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await rm(this.#directory, { recursive: true, force: true });
  }
}
