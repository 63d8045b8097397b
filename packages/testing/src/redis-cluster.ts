/** A real Redis Cluster on loopback, for tests: its masters, and replicas where one of them is to be killed. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { RedisServer } from "./redis-server.ts";
import { eventually } from "./webhook-world.ts";

export interface RedisClusterOptions {
  /** At least 3. */
  readonly masters?: number;
  /** Of each master; default 0. */
  readonly replicas?: number;
  /** Further arguments of each `redis-server`. */
  readonly arguments?: readonly string[];
}

export interface RedisClusterNode {
  readonly server: RedisServer;
  readonly id: string;
  readonly isMaster: boolean;
  /** As `0-5460`. */
  readonly slots: readonly string[];
  /** The id of its master, of a replica. */
  readonly replicaOf: string | undefined;
}

/** After this long a master that does not answer is replaced. */
const nodeTimeoutMs = 1_500;

export class RedisCluster implements AsyncDisposable {
  readonly servers: readonly RedisServer[];
  readonly #directory: string;

  private constructor(servers: readonly RedisServer[], directory: string) {
    this.servers = servers;
    this.#directory = directory;
  }

  /** Resolves when all nodes agree on the slots. */
  static async open({ masters = 3, replicas = 0, arguments: more = [] }: RedisClusterOptions = {}): Promise<RedisCluster> {
    const directory = mkdtempSync(join(tmpdir(), "suda-redis-cluster-"));
    const servers: RedisServer[] = [];
    for (let index = 0; index < masters * (1 + replicas); index++) {
      const files = ["--dir", directory, "--cluster-config-file", `nodes-${index}.conf`];
      const cluster = ["--cluster-enabled", "yes", "--cluster-port", String(await freePort()), "--cluster-node-timeout", String(nodeTimeoutMs)];
      servers.push(await RedisServer.open({ arguments: [...files, ...cluster, ...more] }));
    }
    const cluster = new RedisCluster(servers, directory);
    try {
      await cluster.#tool("create", ...servers.map(({ port }) => `127.0.0.1:${port}`), "--cluster-replicas", String(replicas), "--cluster-yes");
      const agree = async (): Promise<boolean> =>
        (await Promise.all(servers.map((server) => server.command("CLUSTER", "INFO")))).every((info) => info.includes("cluster_state:ok"));
      await eventually(agree, () => {}, 60_000);
      await cluster.settled();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** By all of its first nodes. */
  get url(): string {
    return `redis://${this.servers.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  /** As one of its nodes sees them. */
  async nodes(asked: RedisServer = this.servers[0] as RedisServer): Promise<readonly RedisClusterNode[]> {
    return (await asked.command("CLUSTER", "NODES")).split("\n").map((line) => {
      const [id = "", address = "", flags = "", master = "-", , , , , ...slots] = line.split(" ");
      const port = Number(/:(\d+)/.exec(address)?.[1]);
      const server = this.servers.find((one) => one.port === port);
      if (server === undefined) throw new Error(`A node of the Cluster is none of ours: ${line}`);
      return { server, id, isMaster: flags.includes("master") && !flags.includes("fail"), slots, replicaOf: master === "-" ? undefined : master };
    });
  }

  /**
   * Resolves when each node is what the first one thinks it is, and every replica follows its master: before that none may take its
   * place, however long the master is gone.
   */
  async settled(): Promise<void> {
    const isSettled = async (): Promise<boolean> => {
      const nodes = await this.nodes();
      const infos = await Promise.all(nodes.map(({ server }) => server.command("INFO", "replication")));
      return nodes.every(({ isMaster }, index) => {
        const info = infos[index] ?? "";
        return isMaster ? info.includes("role:master") : info.includes("role:slave") && info.includes("master_link_status:up");
      });
    };
    await eventually(isSettled, () => {}, 60_000);
  }

  /** Gives so many slots of one master to another. */
  async moveSlots(from: RedisClusterNode, to: RedisClusterNode, count: number): Promise<void> {
    const amount = ["--cluster-from", from.id, "--cluster-to", to.id, "--cluster-slots", String(count), "--cluster-yes"];
    await this.#tool("reshard", `127.0.0.1:${from.server.port}`, ...amount);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) await server.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #tool(...words: readonly string[]): Promise<void> {
    await promisify(execFile)("redis-cli", ["--cluster", ...words], { timeout: 120_000, maxBuffer: 67_108_864 });
  }
}
