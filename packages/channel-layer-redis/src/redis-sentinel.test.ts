/** The Redis driver behind real Sentinels: it speaks to the master that they name, and to its successor. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { channelLayerSuite, eventually, RedisSentinels, skipWithoutRedis } from "@suda/testing";
import { newPrefix, numbered, numberOf, TwoNodes } from "../test/two-nodes.ts";
import { probeRedis } from "./probe-redis.ts";
import { RedisChannelLayer } from "./redis-channel-layer.ts";

let sentinels: RedisSentinels;

describe("redis behind sentinels", { skip: skipWithoutRedis }, () => {
  before(async () => {
    sentinels = await RedisSentinels.open();
  });
  after(() => sentinels[Symbol.asyncDispose]());

  channelLayerSuite("redis+sentinel", async (options) => {
    const system = { url: sentinels.url, prefix: newPrefix(), ...options };
    return { layer: await RedisChannelLayer.open(system), openAnother: () => RedisChannelLayer.open(system) };
  });

  test("a name that no Sentinel knows is told", async () => {
    const failures: string[] = [];
    await using layer = await RedisChannelLayer.open({
      url: sentinels.url.replace("mymaster", "another"),
      onFailure: (error) => void failures.push(String(error)),
    });
    assert.equal(layer.link.isConnected, false);
    assert.match(failures[0] ?? "", /knows no master of the name another/);
  });

  test("a master that stands still is replaced: nodes go to its successor, and not back to it when it wakes up", { timeout: 90_000 }, async () => {
    await using world = await new TwoNodes().connect(sentinels.url);
    const { here, there } = world;
    const heard: number[] = [];
    await there.groupAdd(
      "room",
      there.open((event) => void heard.push(numberOf(event))),
    );
    await here.groupSend("room", numbered(1));
    await world.until(() => heard.length === 1);

    const old = await sentinels.master();
    old.pause();
    await world.until(() => world.restored.includes("here") && world.restored.includes("there"), 40_000);
    assert.notEqual((await sentinels.master()).port, old.port);
    await here.groupSend("room", numbered(2));
    await world.until(() => heard.length === 2);

    old.resume();
    await eventually(
      async () => (await old.command("ROLE")).startsWith("slave"),
      () => {},
      40_000,
    );
    assert.deepEqual([here.link.isConnected, there.link.isConnected], [true, true]);
    await here.groupSend("room", numbered(3));
    await world.until(() => heard.length === 3);
    assert.deepEqual(heard, [1, 2, 3]);
  });

  test("a master that became a replica while its connections stayed is left within the slow beat", { timeout: 90_000 }, async () => {
    await using world = await new TwoNodes().connect(sentinels.url);
    const { here, there } = world;
    const heard: number[] = [];
    await there.groupAdd(
      "room",
      there.open((event) => void heard.push(numberOf(event))),
    );
    const old = await sentinels.master();
    // Refused while the one before is being finished.
    await eventually(
      async () => (await sentinels.sentinels[0]?.command("SENTINEL", "FAILOVER", "mymaster")) === "OK",
      () => {},
      30_000,
    );
    await world.until(() => world.restored.includes("here") && world.restored.includes("there") && here.link.isConnected && there.link.isConnected, 40_000);
    assert.notEqual((await sentinels.master()).port, old.port);
    await here.groupSend("room", numbered(1));
    await world.until(() => heard.length === 1);
    assert.equal((await probeRedis(sentinels.url)).kind, "sentinel");
  });
});
