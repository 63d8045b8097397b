/** The Redis driver on a real Cluster: sharded where Redis can, over any one node where it cannot; slots that move, masters that die. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { channelLayerSuite, eventually, RedisCluster, skipWithoutRedis, type RedisClusterNode, type RedisServer } from "@suda/testing";
import { commandsOf, newPrefix, numbered, numberOf, TwoNodes } from "../test/two-nodes.ts";
import { laneCount, laneOf, slotOfLane } from "./lanes.ts";
import { probeRedis } from "./probe-redis.ts";
import { RedisChannelLayer } from "./redis-channel-layer.ts";

let cluster: RedisCluster;

describe("redis cluster", { skip: skipWithoutRedis }, () => {
  before(async () => {
    cluster = await RedisCluster.open({ replicas: 1 });
  });
  after(() => cluster[Symbol.asyncDispose]());

  channelLayerSuite("redis cluster", async (options) => {
    const system = { url: cluster.url, prefix: newPrefix(), ...options };
    return { layer: await RedisChannelLayer.open(system), openAnother: () => RedisChannelLayer.open(system) };
  });

  test("it is found by any one of its nodes, and all of its masters share the work", async () => {
    const [, one] = cluster.servers;
    await using layer = await RedisChannelLayer.open({ url: one?.url ?? "", prefix: newPrefix() });
    assert.equal(layer.link.isConnected, true);
    assert.deepEqual({ ...(await probeRedis(one?.url ?? "")), version: "" }, { kind: "cluster", isSharded: true, masters: 3, version: "" });
    const masters = (await cluster.nodes()).filter(({ isMaster }) => isMaster);
    const channel = layer.open(() => {});
    const before = await Promise.all(masters.map(({ server }) => commandsOf(server, "spublish")));
    await Promise.all(Array.from({ length: 300 }, (_, index) => layer.groupAdd(`room-${index}`, channel)));
    for (let index = 0; index < 300; index++) await layer.groupSend(`room-${index}`, numbered(index));
    const published = (): Promise<number[]> =>
      Promise.all(masters.map(async ({ server }, index) => (await commandsOf(server, "spublish")) - (before[index] ?? 0)));
    await eventually(async () => (await published()).reduce((sum, one) => sum + one) >= 300);
    assert.ok(Math.min(...(await published())) > 50, String(await published()));
  });

  test("a user that may do what the document asks for is enough", async () => {
    const rights = ["+@connection", "+@pubsub", "+role", "+info", "+command|info", "+cluster|slots", "&limited:*"];
    for (const server of cluster.servers) await server.command("ACL", "SETUSER", "limited", "reset", "on", ">secret", ...rights);
    const failures: unknown[] = [];
    const url = cluster.url.replace("//", "//limited:secret@");
    await using layer = await RedisChannelLayer.open({ url, prefix: "limited", onFailure: (error) => void failures.push(error) });
    assert.deepEqual([layer.link.isConnected, failures], [true, []]);
  });

  test("what many join at once, and a reconnect, are few commands", async () => {
    await using world = await new TwoNodes().connect(cluster.url);
    const { here } = world;
    const count = async (): Promise<number> =>
      (await Promise.all(cluster.servers.map((server) => commandsOf(server, "ssubscribe")))).reduce((sum, one) => sum + one);
    const channel = here.open(() => {});
    const before = await count();
    await Promise.all(Array.from({ length: 10_000 }, (_, index) => here.groupAdd(`room-${index}`, channel)));
    assert.equal(here.link.subscriptions, 10_001);
    const joined = await count();
    assert.ok(joined - before <= laneCount, `${joined - before} commands`);
    for (const server of cluster.servers) await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await world.until(() => world.restored.includes("here") && here.link.isConnected);
    assert.equal(here.link.subscriptions, 10_001);
    assert.ok((await count()) - joined <= 2 * laneCount + 10, `${(await count()) - joined} commands of two nodes`);
  });

  test("slots that move take their groups with them, and are heard where they are", { timeout: 120_000 }, async () => {
    await using world = await new TwoNodes().connect(cluster.url);
    const rooms = await Rooms.open(world);
    const [from, to] = (await cluster.nodes()).filter(({ isMaster }) => isMaster) as [RedisClusterNode, RedisClusterNode];
    await cluster.moveSlots(from, to, 700);
    await rooms.untilAllHear(20_000);
    assert.ok(world.restored.includes("there"), "and it is told that something may be missing");
    assert.equal(world.here.link.isConnected, true);
  });

  test("a master that hands over to its replica is left by all, and found again when it gets its slots back", { timeout: 120_000 }, async () => {
    await using world = await new TwoNodes().connect(cluster.url);
    const rooms = await Rooms.open(world);
    const nodes = await cluster.nodes();
    const master = nodes.find(({ isMaster, slots }) => isMaster && slots.length > 0) as RedisClusterNode;
    const replica = nodes.find(({ replicaOf }) => replicaOf === master.id) as RedisClusterNode;
    for (const { server } of [replica, master]) {
      await cluster.settled();
      await takeOver(server);
      await rooms.untilAllHear(15_000);
    }
    assert.ok(world.restored.filter((name) => name === "there").length >= 2, String(world.restored));
    assert.equal(world.here.link.isConnected, true);
  });

  test("a master that stands still is found by the beat, and its replica takes over; nobody goes back when it wakes up", { timeout: 120_000 }, async () => {
    await using world = await new TwoNodes().connect(cluster.url);
    const rooms = await Rooms.open(world);
    await cluster.settled();
    const still = (await cluster.nodes()).find(({ isMaster, slots }) => isMaster && slots.length > 0) as RedisClusterNode;
    still.server.pause();
    try {
      await rooms.untilHear(
        rooms.names.filter((name) => !rooms.isOf(still, name)),
        5_000,
      );
      await rooms.untilAllHear(30_000);
    } finally {
      still.server.resume();
    }
    await eventually(
      async () => (await still.server.command("ROLE")).startsWith("slave"),
      () => {},
      30_000,
    );
    await rooms.untilAllHear(15_000);
  });

  test("a master that is killed takes its lanes with it, the others go on, and its replica takes over", { timeout: 120_000 }, async () => {
    await using world = await new TwoNodes().connect(cluster.url);
    const rooms = await Rooms.open(world);
    await cluster.settled();
    const dead = (await cluster.nodes()).find(({ isMaster }) => isMaster) as RedisClusterNode;
    await dead.server.kill();
    await world.until(() => !world.here.link.isConnected && !world.there.link.isConnected);
    const others = rooms.names.filter((name) => !rooms.isOf(dead, name));
    assert.ok(others.length > 20 && others.length < rooms.names.length);
    await rooms.untilHear(others, 5_000);
    await rooms.untilAllHear(30_000);
    assert.ok(world.restored.includes("here") && world.restored.includes("there"));
    await dead.server.start();
  });
});

describe("redis cluster without replicas", { skip: skipWithoutRedis }, () => {
  test("slots that are lost are alone in it, and are heard again with their master", { timeout: 120_000 }, async () => {
    await using bare = await RedisCluster.open();
    await using world = await new TwoNodes().connect(bare.url);
    const rooms = await Rooms.open(world);
    const dead = (await bare.nodes()).find(({ isMaster }) => isMaster) as RedisClusterNode;
    await dead.server.kill();
    await world.until(() => !world.here.link.isConnected && !world.there.link.isConnected);
    const others = rooms.names.filter((name) => !rooms.isOf(dead, name));
    // Beyond the time after which the Cluster itself knows.
    for (const end = performance.now() + 4_000; performance.now() < end; ) await rooms.untilHear(others, 5_000);
    assert.equal(world.here.link.isConnected, false);
    await dead.server.start();
    await rooms.untilAllHear(30_000);
    assert.equal(world.here.link.isConnected, true);
  });
});

describe("redis cluster that does not shard", { skip: skipWithoutRedis }, () => {
  let plain: RedisCluster;
  before(async () => {
    // As Redis 6 is.
    plain = await RedisCluster.open({ arguments: ["SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE"].flatMap((name) => ["--rename-command", name, ""]) });
  });
  after(() => plain[Symbol.asyncDispose]());

  channelLayerSuite("redis cluster, plain", async (options) => {
    const system = { url: plain.url, prefix: newPrefix(), ...options };
    return { layer: await RedisChannelLayer.open(system), openAnother: () => RedisChannelLayer.open(system) };
  });

  test("a node that is killed is replaced by any other", { timeout: 60_000 }, async () => {
    await using world = await new TwoNodes().connect(plain.url);
    const rooms = await Rooms.open(world);
    await plain.servers[0]?.kill();
    await rooms.untilAllHear(20_000);
    await plain.servers[1]?.kill();
    await rooms.untilAllHear(20_000);
    assert.equal(world.here.link.isConnected, true);
  });
});

/** A replica becomes the master. Asked for again while the vote does not come about: right after another one it may not. */
async function takeOver(replica: RedisServer): Promise<void> {
  const isMaster = async (): Promise<boolean> => (await replica.command("ROLE")).startsWith("master");
  for (let tries = 0; tries < 10 && !(await isMaster()); tries++) {
    await replica.command("CLUSTER", "FAILOVER");
    for (const end = performance.now() + 3_000; performance.now() < end && !(await isMaster()); ) await sleep(20);
  }
  assert.ok(await isMaster());
}

/** Groups in many lanes, all of `there`, to which `here` speaks. */
class Rooms {
  readonly names: readonly string[] = Array.from({ length: 200 }, (_, index) => `room-${index}`);
  readonly #world: TwoNodes;
  readonly #heard = new Map<string, number>();
  #said = 0;

  private constructor(world: TwoNodes) {
    this.#world = world;
  }

  static async open(world: TwoNodes): Promise<Rooms> {
    const rooms = new Rooms(world);
    for (const name of rooms.names)
      await world.there.groupAdd(
        name,
        world.there.open((event) => void rooms.#heard.set(name, numberOf(event))),
      );
    await rooms.untilAllHear(5_000);
    return rooms;
  }

  /** Whether the slot of its lane is (was) with this node. */
  isOf({ slots }: RedisClusterNode, name: string): boolean {
    const slot = slotOfLane(laneOf(`g:${name}`));
    return slots.some((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return first <= slot && slot <= last;
    });
  }

  untilAllHear(timeoutMs: number): Promise<void> {
    return this.untilHear(this.names, timeoutMs);
  }

  /** Says it again and again, since what is lost is lost, until each has heard of it. */
  async untilHear(names: readonly string[], timeoutMs: number): Promise<void> {
    const first = this.#said + 1;
    let saidAt = 0;
    await this.#world.until(() => {
      if (performance.now() - saidAt > 250) {
        saidAt = performance.now();
        this.#said++;
        for (const name of names) void this.#world.here.groupSend(name, numbered(this.#said));
      }
      return names.every((name) => (this.#heard.get(name) ?? 0) >= first);
    }, timeoutMs);
  }
}
