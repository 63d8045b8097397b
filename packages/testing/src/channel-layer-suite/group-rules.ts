/** L5, L6 and L11: belonging to a group, and names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelLayerLimits } from "@suda/server/channel-layer";
import { Listener, numbered, World, type OpenChannelLayer } from "./world.ts";

export function groupRules(open: OpenChannelLayer): void {
  test("[L5] from when groupAdd has resolved events reach the channel; twice is once", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    await layer.groupAdd("room", listener.channel);
    await layer.groupAdd("room", listener.channel);
    await layer.groupSend("room", numbered(1));
    await listener.until(1);
    await layer.groupDiscard("room", listener.channel);
    await layer.groupSend("room", numbered(2));
    await layer.send(listener.channel.name, numbered(3));
    await listener.until(3);
    assert.deepEqual(listener.numbers, [1, 3], "one discard undoes both");
  });

  test("[L6] from when groupDiscard is called no later event of the group arrives, of other groups it does", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    const witness = new Listener(layer);
    for (const group of ["room", "other"]) for (const { channel } of [listener, witness]) await layer.groupAdd(group, channel);
    await layer.groupSend("room", numbered(1));
    await listener.until(1);
    const discarding = layer.groupDiscard("room", listener.channel);
    await layer.groupSend("room", numbered(2));
    await discarding;
    await layer.groupSend("room", numbered(3));
    await layer.groupSend("other", numbered(4));
    await listener.until(4);
    await witness.until(4);
    assert.deepEqual(listener.numbers, [1, 4]);
    assert.deepEqual(witness.numbers, [1, 2, 3, 4]);
  });

  test("[L6] what waits in the inbox is still handed over", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    const witness = new Listener(layer);
    for (const { channel } of [listener, witness]) await layer.groupAdd("room", channel);
    listener.hold();
    for (const number of [1, 2]) await layer.groupSend("room", numbered(number));
    await witness.until(2);
    await layer.groupDiscard("room", listener.channel);
    await layer.groupSend("room", numbered(3));
    await layer.send(listener.channel.name, numbered(4));
    listener.release();
    await listener.until(4);
    assert.deepEqual(listener.numbers, [1, 2, 4]);
  });

  test("[L6] discarding what it is not in does nothing", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    await layer.groupDiscard("nowhere", listener.channel);
    await layer.groupAdd("room", listener.channel);
    await layer.groupDiscard("other", listener.channel);
    await layer.groupSend("room", numbered(1));
    await listener.until(1);
  });

  test("[L1] a receiver that leaves the group and joins it again while it is called gets the event once", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener: Listener = new Listener(layer, () => {
      if (listener.events.length > 10) throw new Error("It came again and again.");
      void layer.groupDiscard("room", listener.channel);
      void layer.groupAdd("room", listener.channel);
    });
    const witness = new Listener(layer);
    for (const { channel } of [listener, witness]) await layer.groupAdd("room", channel);
    await layer.groupSend("room", numbered(1));
    await witness.until(1);
    await layer.groupSend("room", numbered(2));
    await listener.until(2);
    assert.deepEqual(listener.numbers, [1, 2]);
  });

  test("[L6] a receiver that takes another channel out of the group keeps the event under way from it, or not, but never a later one", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const second: Listener = new Listener(layer);
    const first = new Listener(layer, () => layer.groupDiscard("room", second.channel));
    for (const { channel } of [first, second]) await layer.groupAdd("room", channel);
    await layer.groupSend("room", numbered(1));
    await first.until(1);
    await layer.groupSend("room", numbered(2));
    await first.until(2);
    await layer.send(second.channel.name, numbered(3));
    await second.until(3);
    assert.ok(!second.numbers.includes(2), "a later event came");
  });

  test("[L11] names of channels are unique and short", async () => {
    await using world = await World.open(open);
    const names = Array.from({ length: 1_000 }, () => world.layer.open(() => {}).name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.ok(name.length >= 1 && name.length <= 100, name);
  });

  test("[L11] a group's name is of its alphabet and length; another one is a programmer's mistake", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    const longest = "g".repeat(channelLayerLimits.groupNameMaxLength);
    let number = 0;
    for (const group of ["a", "conversation:d.HLFUV9Hdq2DiBcD-PKL2XR", "user:a@b.c+|~=-_", longest]) {
      await layer.groupAdd(group, listener.channel);
      await layer.groupSend(group, numbered(++number));
      await listener.until(number);
    }
    for (const group of ["", " ", "a b", "가", "a/b", "a*", "a\n", `${longest}g`]) {
      await assert.rejects(layer.groupAdd(group, listener.channel), TypeError, JSON.stringify(group));
      await assert.rejects(layer.groupSend(group, numbered(0)), TypeError, JSON.stringify(group));
    }
  });

  test("[L11] a group exists while it has a member", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const one = new Listener(layer);
    const other = new Listener(layer);
    await layer.groupAdd("a", one.channel);
    await layer.groupAdd("b", one.channel);
    await layer.groupAdd("b", other.channel);
    assert.equal(layer.stats().groups, 2);
    await layer.groupDiscard("a", one.channel);
    assert.equal(layer.stats().groups, 1);
    await one.channel.close();
    assert.equal(layer.stats().groups, 1);
    await other.channel.close();
    assert.equal(layer.stats().groups, 0);
  });

  test("[L12] a group is here while a channel is in it, and what is for here reaches it in order", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    const isHere = (): boolean[] => [layer.isGroupHere("room"), listener.channel.isIn("room")];
    assert.deepEqual(isHere(), [false, false]);
    await layer.groupAdd("room", listener.channel);
    assert.deepEqual(isHere(), [true, true]);
    assert.equal(listener.channel.isIn("other"), false);
    await layer.groupSend("room", numbered(1));
    await layer.groupSendHere("room", numbered(2));
    await layer.groupSend("room", numbered(3));
    await listener.until(3);
    assert.deepEqual(listener.numbers, [1, 2, 3]);
    await layer.groupDiscard("room", listener.channel);
    assert.deepEqual(isHere(), [false, false]);
    await layer.groupAdd("room", listener.channel);
    await listener.channel.close();
    assert.deepEqual(isHere(), [false, false]);
    await assert.rejects(layer.groupSendHere("a b", numbered(0)), TypeError);
  });

  test("stats count what was handed to receivers", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listeners = [new Listener(layer), new Listener(layer)];
    for (const { channel } of listeners) await layer.groupAdd("room", channel);
    for (const number of [1, 2, 3]) await layer.groupSend("room", numbered(number));
    for (const listener of listeners) await listener.until(3);
    assert.deepEqual(layer.stats(), { delivered: 6, dropped: 0, channels: 2, groups: 1 });
    if (world.hasNodes) assert.deepEqual([layer.link?.isConnected, layer.link?.lost], [true, 0]);
    else assert.equal(layer.link, undefined);
  });
}
