/** The Redis driver keeps the channel layer's contract, and what only it can meet: a link that breaks, stands still, is shared. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@redis/client";
import type { LayerEvent } from "@suda/server/channel-layer";
import { channelLayerSuite, RedisServer, skipWithoutRedis, TcpProxy } from "@suda/testing";
import { commandsOf, newPrefix, numbered, numberOf, TwoNodes, until } from "../test/two-nodes.ts";
import { RedisChannelLayer } from "./redis-channel-layer.ts";
import { RedisLayerError } from "./redis-layer-error.ts";

let redis: RedisServer;

describe("redis", { skip: skipWithoutRedis }, () => {
  before(async () => {
    redis = await RedisServer.open();
  });
  after(() => redis[Symbol.asyncDispose]());

  channelLayerSuite("redis", async (options) => {
    const system = { url: redis.url, prefix: newPrefix(), ...options };
    return { layer: await RedisChannelLayer.open(system), openAnother: () => RedisChannelLayer.open(system) };
  });

  test("a node listens to a group from its first member to its last, and to what many join at once by few commands", async () => {
    await using world = await World.open();
    const { here } = world;
    const groups = Array.from({ length: 5_000 }, (_, index) => `room-${index}`);
    const [one, other] = [here.open(() => {}), here.open(() => {})];
    const before = await commandsOf(redis, "subscribe");
    await Promise.all(groups.flatMap((group) => [here.groupAdd(group, one), here.groupAdd(group, other)]));
    assert.equal(here.link.subscriptions, groups.length + 1, "and its own");
    assert.ok((await commandsOf(redis, "subscribe")) - before <= 6);
    await one.close();
    await sleep(50);
    assert.equal(here.link.subscriptions, groups.length + 1);
    await other.close();
    await world.until(() => here.link.subscriptions === 1);
  });

  test("who leaves and joins again while that is on its way hears what is said afterwards", async () => {
    await using world = await World.open();
    const { here, there } = world;
    const heard: number[] = [];
    const channel = there.open((event) => void heard.push(numberOf(event)));
    for (let number = 1; number <= 50; number++) {
      void there.groupDiscard("room", channel);
      await there.groupAdd("room", channel);
      await here.groupSend("room", numbered(number));
    }
    await world.until(() => heard.at(-1) === 50);
    assert.deepEqual(
      heard,
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  test("[L4] an event for a channel of a node that is gone is dropped and counted", async () => {
    await using world = await World.open();
    const { here, there } = world;
    const { name } = there.open(() => {});
    await there[Symbol.asyncDispose]();
    // Until Redis has seen that it is gone, it is sent and lost.
    for (let tries = 0; tries < 200 && here.stats().dropped === 0; tries++) {
      await here.send(name, { type: "test.n" });
      await sleep(20);
    }
    assert.equal(here.stats().dropped, 1);
  });

  test("while Redis is away a node's own members hear each other, nobody waits, and afterwards all hear all", async () => {
    await using world = await World.open();
    const { here, there } = world;
    const heard = { here: [] as number[], there: [] as number[] };
    const near = here.open((event) => void heard.here.push(numberOf(event)));
    const far = there.open((event) => void heard.there.push(numberOf(event)));
    await here.groupAdd("room", near);
    await there.groupAdd("room", far);
    world.proxy.refuse();
    world.proxy.reset();
    await world.until(() => !here.link.isConnected && !there.link.isConnected);
    await here.groupSend("room", numbered(1));
    // Joined while there is no connection: listened to when there is one.
    await there.groupAdd("later", far);
    await here.groupAdd("later", near);
    await here.groupDiscard("room", near);
    world.proxy.heal();
    await world.until(() => world.restored.length === 2);
    assert.deepEqual(heard, { here: [1], there: [] });
    assert.equal(here.link.subscriptions, 2);
    for (const group of ["room", "later"]) await here.groupSend(group, numbered(2));
    await world.until(() => heard.there.length === 2);
    assert.deepEqual(heard, { here: [1, 2], there: [2, 2] });
    const codes = world.failures.map((failure) => (failure instanceof RedisLayerError ? failure.code : String(failure)));
    assert.deepEqual(
      codes.filter((code) => code !== "lost" && code !== "unreachable"),
      [],
    );
    assert.ok(here.link.lost >= 1);
  });

  test("a Redis that stands still is found by the beat, what is published meanwhile is bounded, and it comes back", { timeout: 60_000 }, async () => {
    await using world = await World.open();
    const { here, there } = world;
    const heard: number[] = [];
    const far = there.open((event) => void heard.push(numberOf(event)));
    await there.groupAdd("room", far);
    world.proxy.set({ isBlackHole: true });
    const long = "x".repeat(60_000);
    for (let number = 0; number < 1_000; number++) await here.groupSend("room", { type: "test.n", number, long } as LayerEvent);
    assert.ok(here.link.lost > 300, "60 MB do not wait");
    await world.until(() => !here.link.isConnected && !there.link.isConnected, 20_000);
    // The old connections must not hand over what was in them.
    world.proxy.reset();
    world.proxy.heal();
    await world.until(() => world.restored.length === 2, 20_000);
    heard.length = 0;
    await here.groupSend("room", numbered(7));
    await world.until(() => heard.length > 0);
    assert.deepEqual(heard, [7]);
  });

  test("two systems on one Redis do not hear each other, and what is not of a node is passed over and told", async () => {
    await using world = await World.open();
    await using stranger = await RedisChannelLayer.open({ url: redis.url, prefix: "stranger" });
    const heard: string[] = [];
    const channel = world.there.open((event) => void heard.push(event.type));
    await world.there.groupAdd("room", channel);
    await stranger.groupSend("room", { type: "stranger.said" });
    const client = createClient({ url: redis.url });
    await client.connect();
    for (const message of ["", "hello", `\u0001${"n".repeat(12)}`, `\u0001${"n".repeat(12)}\u00c1`, `\u0002${"n".repeat(12)}\u0080`])
      await client.publish(`${world.prefix}:g:room`, Buffer.from(message, "latin1"));
    await client.close();
    await world.here.groupSend("room", { type: "test.last" });
    await world.until(() => heard.includes("test.last"));
    assert.deepEqual(heard, ["test.last"]);
    assert.deepEqual(
      world.failures.map((failure) => (failure as RedisLayerError).code),
      ["foreign"],
    );
  });

  test("a node that starts before Redis works alone, says so, and joins the others when Redis is there", async () => {
    await using late = await RedisServer.open();
    await late.kill();
    const failures: string[] = [];
    const restored: number[] = [];
    const options = {
      url: late.url,
      prefix: "late",
      onFailure: (error: unknown) => void failures.push((error as RedisLayerError).code),
    };
    await using here = await RedisChannelLayer.open(options);
    assert.deepEqual(failures, ["unreachable"]);
    here.link.onRestored(() => restored.push(restored.length));
    assert.deepEqual([here.link.isConnected, here.link.subscriptions, here.link.lost], [false, 0, 0]);
    const heard: number[] = [];
    const near = here.open((event) => void heard.push(numberOf(event)));
    await here.groupAdd("room", near);
    await here.groupSend("room", numbered(1));
    await late.start();
    await until(() => restored.length === 1);
    await using there = await RedisChannelLayer.open(options);
    await there.groupSend("room", numbered(2));
    await until(() => heard.length === 2);
    assert.deepEqual(heard, [1, 2]);
    assert.equal(here.link.lost, 1);
  });

  test("a Redis that becomes a replica is found within the slow beat, since what is said there is not heard by all", { timeout: 60_000 }, async () => {
    await using master = await RedisServer.open();
    await using demoted = await RedisServer.open();
    await using world = await new TwoNodes().connect(demoted.url);
    await demoted.command("REPLICAOF", "127.0.0.1", String(master.port));
    await world.until(() => !world.here.link.isConnected && !world.there.link.isConnected, 15_000);
    assert.match(String(world.failures[0]), /is a replica/);
    await demoted.command("REPLICAOF", "NO", "ONE");
    await world.until(() => world.restored.length === 2, 15_000);
  });

  test("several addresses that are no Cluster are no system", async () => {
    await using other = await RedisServer.open();
    const failures: string[] = [];
    await using layer = await RedisChannelLayer.open({ url: `${redis.url},127.0.0.1:${other.port}`, onFailure: (error) => void failures.push(String(error)) });
    assert.equal(layer.link.isConnected, false);
    assert.match(failures[0] ?? "", /no node of a Cluster/);
  });

  test("a user that may do what the document asks for is enough, and one that may not listen is told", async () => {
    const rights = ["+@connection", "+@pubsub", "+role", "+info", "+command|info", "+cluster|slots", "&limited:*"];
    await redis.command("ACL", "SETUSER", "limited", "reset", "on", ">secret", ...rights);
    const failures: string[] = [];
    const options = { url: `redis://limited:secret@127.0.0.1:${redis.port}`, onFailure: (error: unknown) => void failures.push(String(error)) };
    await using here = await RedisChannelLayer.open({ ...options, prefix: "limited" });
    await using there = await RedisChannelLayer.open({ ...options, prefix: "limited" });
    const heard: number[] = [];
    await there.groupAdd(
      "room",
      there.open((event) => void heard.push(numberOf(event))),
    );
    await here.groupSend("room", numbered(1));
    await until(() => heard.length === 1);
    assert.deepEqual(failures, []);
    await using elsewhere = await RedisChannelLayer.open({ ...options, prefix: "elsewhere" });
    assert.equal(elsewhere.link.isConnected, false);
    assert.match(failures[0] ?? "", /NOPERM/);
  });

  test("what cannot work is said when it is opened", async () => {
    await assert.rejects(RedisChannelLayer.open({ url: redis.url, prefix: "a b" }), TypeError);
    const refused = RedisChannelLayer.open({ url: `redis://nobody:secret@127.0.0.1:${redis.port}` });
    await assert.rejects(refused, (error: unknown) => error instanceof RedisLayerError && error.code === "refused" && !/secret/.test(String(error.stack)));
  });

  test("what would be lost is not encoded", async () => {
    await using world = await World.open();
    const { here } = world;
    let encoded = 0;
    const event: LayerEvent = {
      type: "test.n",
      get counted() {
        return ++encoded;
      },
    } as LayerEvent;
    await here.groupSend("room", event);
    assert.equal(encoded, 1);
    world.proxy.refuse();
    world.proxy.reset();
    await world.until(() => !here.link.isConnected);
    const { lost } = here.link;
    await here.groupSend("room", event);
    await here.send("another-node.1", event);
    assert.equal(encoded, 1);
    assert.equal(here.link.lost, lost + 2);
  });
});

/** Two nodes of one system, behind a proxy. */
class World extends TwoNodes {
  readonly proxy: TcpProxy;

  private constructor(proxy: TcpProxy) {
    super();
    this.proxy = proxy;
  }

  static async open(): Promise<World> {
    const proxy = await TcpProxy.open({ port: redis.port });
    return await new World(proxy).connect(`redis://127.0.0.1:${proxy.port}`);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.proxy[Symbol.asyncDispose]();
  }
}
