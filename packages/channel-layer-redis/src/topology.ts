/**
 * Who is to be spoken to: one Redis, the master that Sentinels name, or the masters of a Cluster with their slots. Asked when connections
 * are made, and at a slow beat, since a master that was replaced may go on answering.
 */
import { ErrorReply } from "@redis/client";
import type { Clock } from "@suda/protocol";
import { nameOf, type RedisAddress, type RedisCredentials, type RedisEndpoint } from "./redis-address.ts";
import { destroyClient, newRedisClient, type RedisClient } from "./redis-client.ts";

export interface Topology {
  readonly kind: "standalone" | "sentinel" | "cluster";
  /** Pub/sub by slots: a Cluster of Redis 7 or newer. Otherwise one node carries everything, in a Cluster to all others. */
  readonly isSharded: boolean;
  /** Where it is not sharded, one without ranges. */
  readonly masters: readonly Master[];
}

export interface Master {
  readonly endpoint: RedisEndpoint;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

export interface ConnectedRedis {
  readonly endpoint: RedisEndpoint;
  readonly client: RedisClient;
}

/** It answers, and what is said there is not heard by all. */
export class NotMaster extends Error {
  override readonly name = "NotMaster";
}

export interface TopologyReaderOptions {
  readonly address: RedisAddress;
  readonly clock: Clock;
  /** In [0, 1): nodes of a Cluster are asked in any order. */
  readonly random: () => number;
}

/** For a connection, and as much again for the answers. */
const timeoutMs = 2_500;

export class TopologyReader {
  readonly #options: TopologyReaderOptions;
  /** Masters of the last topology: nodes that were named at the start may be gone. */
  #known: readonly RedisEndpoint[] = [];

  constructor(options: TopologyReaderOptions) {
    this.#options = options;
  }

  /**
   * @param connected asked first; one of them is kept where any master would do
   * @throws the last failure when nobody answers; NotMaster
   */
  async read(connected: readonly ConnectedRedis[]): Promise<Topology> {
    const { address } = this.#options;
    if (address.sentinel !== undefined) return this.#readSentinels(connected);
    const ways = [
      ...this.#shuffled(connected).map((one) => () => this.#within(timeoutMs, this.#ask(one, connected))),
      ...this.#shuffled(unknownOf([...this.#known, ...address.endpoints], connected)).map(
        (endpoint) => () => this.#visit(endpoint, address.credentials, (client) => this.#ask({ endpoint, client }, connected)),
      ),
    ];
    return firstOf(ways);
  }

  /** Of the first that answers. */
  versionOf(masters: readonly Master[]): Promise<string> {
    const { credentials } = this.#options.address;
    return firstOf(
      masters.map(
        ({ endpoint }) =>
          () =>
            this.#visit(endpoint, credentials, async (client) => /^redis_version:(\S+)/m.exec(await client.info("server"))?.[1] ?? "of an unknown version"),
      ),
    );
  }

  async #ask({ endpoint, client }: ConnectedRedis, connected: readonly ConnectedRedis[]): Promise<Topology> {
    const [only, ...more] = this.#options.address.endpoints;
    const slots = await clusterSlots(client);
    if (slots === undefined) {
      if (only === undefined || more.length > 0)
        throw new Error(`${nameOf(endpoint)} is no node of a Cluster, and several addresses are named. A master with replicas is found through Sentinels.`);
      await checkMaster({ endpoint, client });
      return { kind: "standalone", isSharded: false, masters: [{ endpoint: only, ranges: [] }] };
    }
    const masters = mastersOf(slots, endpoint);
    const [first] = masters;
    if (first === undefined) throw new Error("The Cluster has no slots.");
    this.#known = masters.map((master) => master.endpoint);
    if (await knowsShardedPubSub(client)) return { kind: "cluster", isSharded: true, masters };
    const names = new Set(connected.map((one) => nameOf(one.endpoint)));
    const kept = masters.find((master) => names.has(nameOf(master.endpoint))) ?? masters.find((master) => nameOf(master.endpoint) === nameOf(endpoint));
    return { kind: "cluster", isSharded: false, masters: [{ endpoint: (kept ?? first).endpoint, ranges: [] }] };
  }

  async #readSentinels(connected: readonly ConnectedRedis[]): Promise<Topology> {
    const { endpoints, sentinel, credentials } = this.#options.address;
    const { master = "", credentials: ofSentinel = {} } = sentinel ?? {};
    const endpoint = await firstOf(
      endpoints.map(
        (one) => () =>
          this.#visit(one, ofSentinel, async (client) => {
            const reply: unknown = await client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master]);
            if (!Array.isArray(reply) || reply.length < 2) throw new Error(`The Sentinel ${nameOf(one)} knows no master of the name ${master}.`);
            return { host: String(reply[0]), port: Number(reply[1]) };
          }),
      ),
    );
    const live = connected.find((one) => nameOf(one.endpoint) === nameOf(endpoint));
    if (live === undefined) await this.#visit(endpoint, credentials, (client) => checkMaster({ endpoint, client }));
    else await this.#within(timeoutMs, checkMaster(live));
    return { kind: "sentinel", isSharded: false, masters: [{ endpoint, ranges: [] }] };
  }

  /** A connection for some questions. */
  async #visit<T>(endpoint: RedisEndpoint, credentials: RedisCredentials, ask: (client: RedisClient) => Promise<T>): Promise<T> {
    const client = newRedisClient({ endpoint, credentials, isTls: this.#options.address.isTls, connectTimeoutMs: timeoutMs, onLost: () => {} });
    const visit = async (): Promise<T> => {
      await client.connect();
      return ask(client);
    };
    try {
      return await this.#within(2 * timeoutMs, visit());
    } finally {
      destroyClient(client);
    }
  }

  /** Of one that takes the connection and then says nothing. */
  async #within<T>(ms: number, going: Promise<T>): Promise<T> {
    let give: (reason: Error) => void = () => {};
    const tooLate = new Promise<never>((_, reject) => (give = reject));
    const timer = this.#options.clock.schedule(ms, () => give(new Error(`There was no answer within ${ms / 1_000} s.`)));
    try {
      return await Promise.race([going, tooLate]);
    } finally {
      timer.cancel();
    }
  }

  #shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, at: this.#options.random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
}

async function firstOf<T>(ways: readonly (() => Promise<T>)[]): Promise<T> {
  let failure: unknown;
  for (const way of ways) {
    try {
      return await way();
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function unknownOf(endpoints: readonly RedisEndpoint[], connected: readonly ConnectedRedis[]): RedisEndpoint[] {
  const names = new Set(connected.map(({ endpoint }) => nameOf(endpoint)));
  return endpoints.filter((endpoint) => {
    const isNew = !names.has(nameOf(endpoint));
    names.add(nameOf(endpoint));
    return isNew;
  });
}

/** `undefined` where it is no Cluster, or where this user may not ask: plain pub/sub works in both. */
async function clusterSlots(client: RedisClient): Promise<readonly unknown[] | undefined> {
  try {
    const reply: unknown = await client.sendCommand(["CLUSTER", "SLOTS"]);
    return Array.isArray(reply) ? reply : undefined;
  } catch (error) {
    if (error instanceof ErrorReply && /cluster support disabled|unknown command|^NOPERM/i.test(error.message)) return undefined;
    throw error;
  }
}

/** Of `CLUSTER SLOTS`: `[first, last, [host, port, …], …replicas]` each. A node that does not know its own host leaves it out. */
function mastersOf(slots: readonly unknown[], asked: RedisEndpoint): Master[] {
  const masters = new Map<string, { readonly endpoint: RedisEndpoint; readonly ranges: [number, number][] }>();
  for (const row of slots) {
    if (!Array.isArray(row) || !Array.isArray(row[2])) continue;
    const [host, port] = row[2] as readonly unknown[];
    const endpoint = { host: typeof host === "string" && host !== "" && host !== "?" ? host : asked.host, port: Number(port) };
    const master = masters.get(nameOf(endpoint)) ?? { endpoint, ranges: [] };
    masters.set(nameOf(endpoint), master);
    master.ranges.push([Number(row[0]), Number(row[1])]);
  }
  return [...masters.values()];
}

async function knowsShardedPubSub(client: RedisClient): Promise<boolean> {
  try {
    const reply: unknown = await client.sendCommand(["COMMAND", "INFO", "SPUBLISH", "SSUBSCRIBE"]);
    return Array.isArray(reply) && reply.length === 2 && reply.every(Array.isArray);
  } catch (error) {
    if (error instanceof ErrorReply) return false;
    throw error;
  }
}

/** What is published on a replica stays there. @throws NotMaster */
async function checkMaster({ endpoint, client }: ConnectedRedis): Promise<void> {
  let reply: unknown;
  try {
    reply = await client.sendCommand(["ROLE"]);
  } catch (error) {
    // One who may not ask is believed to name the right one.
    if (error instanceof ErrorReply && error.message.startsWith("NOPERM")) return;
    throw error;
  }
  const role = Array.isArray(reply) ? String(reply[0]) : "";
  if (role !== "master") throw new NotMaster(`${nameOf(endpoint)} is ${role === "slave" ? "a replica" : role}: what is published there is not heard by all.`);
}
