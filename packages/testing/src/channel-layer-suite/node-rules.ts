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
    for (let number = 1; number <= 100; number++) {
      await world.layer.groupSend("room", numbered(number));
      await world.layer.send(there.channel.name, numbered(100 + number));
    }
    await here.until(100);
    for (const number of [100, 200]) await there.until(number);
    const upTo = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);
    assert.deepEqual(here.numbers, upTo(1, 100));
    // What is said to a group and what is said to a channel may go two ways.
    assert.deepEqual([there.numbers.filter((number) => number <= 100), there.numbers.filter((number) => number > 100)], [upTo(1, 100), upTo(101, 200)]);
    await another.send(here.channel.name, numbered(201));
    await here.until(201);
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
