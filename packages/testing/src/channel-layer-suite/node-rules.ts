/** The same rules between two nodes of one system; skipped for drivers of one process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Listener, numbered, World, type OpenChannelLayer } from "./world.ts";

export function nodeRules(open: OpenChannelLayer): void {
  test("[L1] [L2] [L5] events reach the channels of all nodes, once and in the order of one sender", async (t) => {
    await using world = await World.open(open);
    if (!world.hasNodes) return t.skip("this driver has one node");
    const another = await world.another();
    const here = new Listener(world.layer);
    const there = new Listener(another);
    await world.layer.groupAdd("room", here.channel);
    await another.groupAdd("room", there.channel);
    for (let number = 1; number <= 100; number++) await world.layer.groupSend("room", numbered(number));
    await world.layer.send(there.channel.name, numbered(101));
    for (const listener of [here, there]) await listener.until(100);
    await there.until(101);
    assert.deepEqual(
      there.numbers,
      Array.from({ length: 101 }, (_, index) => index + 1),
    );
    assert.equal(here.numbers.length, 100);
    await another.send(here.channel.name, numbered(102));
    await here.until(102);
  });

  test("[L6] [L11] one node's last member leaves, the others stay; names do not meet", async (t) => {
    await using world = await World.open(open);
    if (!world.hasNodes) return t.skip("this driver has one node");
    const another = await world.another();
    const here = new Listener(world.layer);
    const there = new Listener(another);
    assert.notEqual(here.channel.name, there.channel.name);
    await world.layer.groupAdd("room", here.channel);
    await another.groupAdd("room", there.channel);
    await another.groupDiscard("room", there.channel);
    await world.layer.groupSend("room", numbered(1));
    await world.layer.send(there.channel.name, numbered(2));
    await there.until(2);
    await here.until(1);
    assert.deepEqual(there.numbers, [2]);
  });

  test("[L12] what is for here reaches this node alone", async (t) => {
    await using world = await World.open(open);
    if (!world.hasNodes) return t.skip("this driver has one node");
    const another = await world.another();
    const here = new Listener(world.layer);
    const there = new Listener(another);
    await world.layer.groupAdd("room", here.channel);
    assert.equal(another.isGroupHere("room"), false);
    await another.groupAdd("room", there.channel);
    await world.layer.groupSendHere("room", numbered(1));
    await world.layer.groupSend("room", numbered(2));
    await here.until(2);
    await there.until(2);
    assert.deepEqual([here.numbers, there.numbers], [[1, 2], [2]]);
    assert.ok(world.layer.link !== undefined, "what is between nodes can be lost");
  });
}
