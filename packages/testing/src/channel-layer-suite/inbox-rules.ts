/** L3, L4 and L10: one event at a time, a full inbox, and the end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelLayerLimits, type LayerDropped } from "@suda/server/channel-layer";
import { Listener, numbered, World, type OpenChannelLayer } from "./world.ts";

const { inboxCapacity } = channelLayerLimits;

export function inboxRules(open: OpenChannelLayer): void {
  test("[L3] a receiver is not called while it is busy; its events wait in order, and others do not wait for it", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    let running = 0;
    let most = 0;
    const slow = new Listener(layer, async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    });
    const quick = new Listener(layer);
    for (const { channel } of [slow, quick]) await layer.groupAdd("room", channel);
    slow.hold();
    for (let number = 1; number <= 30; number++) await layer.groupSend("room", numbered(number));
    await quick.until(30);
    assert.deepEqual(slow.numbers, [1], "busy with the first");
    slow.release();
    await slow.until(30);
    assert.equal(most, 1);
    assert.deepEqual(slow.numbers, quick.numbers);
  });

  test("[L4] an inbox of 1,000 loses nothing", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    listener.hold();
    await layer.send(listener.channel.name, numbered(0));
    await listener.until(0);
    for (let number = 1; number <= inboxCapacity; number++) await layer.send(listener.channel.name, numbered(number));
    const witness = new Listener(layer);
    await layer.send(witness.channel.name, numbered(1));
    await witness.until(1);
    listener.release();
    await listener.until(inboxCapacity);
    assert.equal(listener.events.length, inboxCapacity + 1);
    assert.equal(layer.stats().dropped, 0);
  });

  test("[L4] beyond it events are dropped, counted, and the receiver is told once, between what came before and after", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    const witness = new Listener(layer);
    for (const { channel } of [listener, witness]) await layer.groupAdd("room", channel);
    listener.hold();
    await layer.groupSend("room", numbered(0));
    await listener.until(0);
    for (let number = 1; number <= inboxCapacity + 7; number++) await layer.groupSend("room", numbered(number));
    await witness.until(inboxCapacity + 7);
    assert.equal(layer.stats().dropped, 7);
    listener.release();
    const dropped = (await listener.untilType("layer.dropped")) as LayerDropped;
    assert.equal(dropped.count, 7);
    await layer.groupSend("room", numbered(5_000));
    await listener.until(5_000);
    const types = listener.events.map(({ type }) => type);
    assert.equal(types.indexOf("layer.dropped"), inboxCapacity + 1, "after what it kept");
    assert.equal(types.filter((type) => type === "layer.dropped").length, 1);
    assert.deepEqual(listener.numbers, [...Array.from({ length: inboxCapacity + 1 }, (_, index) => index), 5_000]);
    assert.equal(witness.numbers.length, inboxCapacity + 9, "the other channel lost nothing");
  });

  test("[L10] a closed channel has left its groups, receives nothing more, and forgets its inbox; twice is fine", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    const witness = new Listener(layer);
    for (const { channel } of [listener, witness]) await layer.groupAdd("room", channel);
    listener.hold();
    for (const number of [1, 2, 3]) await layer.groupSend("room", numbered(number));
    await witness.until(3);
    assert.equal(layer.stats().channels, 2);
    await listener.channel.close();
    await listener.channel.close();
    listener.release();
    assert.equal(layer.stats().channels, 1);
    await layer.groupSend("room", numbered(4));
    await layer.send(listener.channel.name, numbered(5));
    await layer.groupAdd("room", listener.channel);
    await layer.groupSend("room", numbered(6));
    await witness.until(6);
    assert.deepEqual(listener.numbers, [1]);
    assert.deepEqual(witness.numbers, [1, 2, 3, 4, 6]);
  });

  test("[L10] a receiver that closes its channel is not called again", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener: Listener = new Listener(layer, async () => listener.channel.close());
    const witness = new Listener(layer);
    for (const { channel } of [listener, witness]) await layer.groupAdd("room", channel);
    for (const number of [1, 2]) await layer.groupSend("room", numbered(number));
    await witness.until(2);
    assert.deepEqual(listener.numbers, [1]);
  });

  test("[L10] disposing hands over what was sent before and ends all channels; sending then does nothing, opening throws", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    await layer.groupAdd("room", listener.channel);
    await layer.groupSend("room", numbered(1));
    await layer[Symbol.asyncDispose]();
    await listener.until(1);
    await layer.groupSend("room", numbered(2));
    await layer.send(listener.channel.name, numbered(3));
    await layer.groupAdd("room", listener.channel);
    await layer[Symbol.asyncDispose]();
    assert.deepEqual(listener.numbers, [1]);
    assert.equal(layer.stats().channels, 0);
    assert.equal(layer.stats().groups, 0);
    assert.throws(() => layer.open(() => {}), Error);
  });
}
