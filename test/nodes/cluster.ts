/** Nodes with what they stand on and what stands before them: Redis between them, a store beneath them, a balancer before them. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, RedisServer, writeTokenKey, type SeededRandom } from "@suda/testing";
import { balancerAddress, balancers, type Balancer } from "../proxies/balancers.ts";
import { ClusterNode } from "./cluster-node.ts";
import { groupOf, hasOwnNetwork, Links } from "./links.ts";
import { LossyRedis } from "./lossy-redis.ts";
import { cassandraStore, lmdbStore, type SharedStore } from "./shared-store.ts";

export interface ClusterOptions {
  /** 1…; the store may allow fewer. */
  readonly nodes: number;
  /** Nodes of Cassandra; 0 for the embedded store. */
  readonly cassandraNodes: number;
  readonly balancer: keyof typeof balancers;
  readonly random: SeededRandom;
}

export class Cluster implements AsyncDisposable {
  /** With the file `token-key`, for tokens of users. */
  readonly directory: string;
  readonly nodes: readonly ClusterNode[];
  readonly redis: RedisServer;
  /** Between the nodes and {@link redis}. */
  readonly lossy: LossyRedis;
  readonly store: SharedStore;
  readonly balancer: Balancer;
  /** Only in a network of its own. */
  readonly links: Links | undefined;

  readonly #opened: readonly AsyncDisposable[];

  private constructor(parts: ClusterParts, opened: readonly AsyncDisposable[]) {
    this.directory = parts.directory;
    this.nodes = parts.nodes;
    this.redis = parts.redis;
    this.lossy = parts.lossy;
    this.store = parts.store;
    this.balancer = parts.balancer;
    this.links = parts.links;
    this.#opened = opened;
  }

  /** Resolves when every node takes connections. */
  static async open(options: ClusterOptions): Promise<Cluster> {
    const opened: AsyncDisposable[] = [];
    try {
      return new Cluster(await openParts(options, opened), opened);
    } catch (error) {
      await closeAll(opened);
      throw error;
    }
  }

  /** The one that faults strike. */
  get victim(): ClusterNode {
    return this.nodes.at(-1) as ClusterNode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#opened);
  }
}

type ClusterParts = Pick<Cluster, "directory" | "nodes" | "redis" | "lossy" | "store" | "balancer" | "links">;

/** @param opened gets what is to be closed again, in the order of opening */
async function openParts({ nodes: wanted, cassandraNodes, balancer: kind, random }: ClusterOptions, opened: AsyncDisposable[]): Promise<ClusterParts> {
  const use = <T extends AsyncDisposable>(part: T): T => (opened.push(part), part);
  const directory = await mkdtemp(join(tmpdir(), "suda-nodes-"));
  use({ [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) });
  writeTokenKey(directory);
  const tokenKey = await readFile(join(directory, "token-key"), "utf8");
  const store = use(cassandraNodes === 0 ? lmdbStore(directory) : await cassandraStore(cassandraNodes));
  const redis = use(await RedisServer.open());
  const lossy = use(await LossyRedis.open(redis.port, () => random.float()));
  const count = Math.min(wanted, store.maxNodes);
  const nodes: ClusterNode[] = [];
  for (let number = 1; number <= count; number++) {
    // Where links are cut, a node speaks to Redis itself: its packets are told by their port.
    const redisUrl = hasOwnNetwork ? redis.url : lossy.url;
    const settings = [...store.settings, "--layer", "redis", "--redis-url", redisUrl, "--trusted-proxies", balancerAddress];
    const gid = hasOwnNetwork ? groupOf(number) : undefined;
    nodes.push(use(await ClusterNode.create({ number, port: await freePort(), directory, tokenKey, settings, gid })));
  }
  const links = hasOwnNetwork ? new Links(count, { redis: [redis.port], store: store.ports }) : undefined;
  await Promise.all(nodes.map((node) => node.start()));
  const balancer = use(await balancers[kind].open(nodes.map(({ port }) => port)));
  return { directory, nodes, redis, lossy, store, balancer, links };
}

async function closeAll(opened: readonly AsyncDisposable[]): Promise<void> {
  for (const part of opened.toReversed()) await part[Symbol.asyncDispose]();
}
