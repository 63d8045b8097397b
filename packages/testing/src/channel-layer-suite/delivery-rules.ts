/** L1, L2, L7, L8 and L9: an event's way to its receivers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Listener, numbered, World, type OpenChannelLayer } from "./world.ts";

export function deliveryRules(open: OpenChannelLayer): void {
  test("[L1] each channel of a group gets an event once, others never", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listeners = Array.from({ length: 20 }, () => new Listener(layer));
    const stranger = new Listener(layer);
    for (const { channel } of listeners) await layer.groupAdd("room", channel);
    await layer.groupAdd("other", stranger.channel);
    for (let number = 1; number <= 50; number++) await layer.groupSend("room", numbered(number));
    await layer.groupSend("other", numbered(99));
    const expected = Array.from({ length: 50 }, (_, index) => index + 1);
    for (const listener of listeners) {
      await listener.until(50);
      assert.deepEqual(listener.numbers, expected);
    }
    await stranger.until(99);
    assert.deepEqual(stranger.numbers, [99]);
  });

  test("[L1] what has no receiver is gone, and is not kept for one that comes later", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    await layer.groupSend("room", numbered(1));
    const listener = new Listener(layer);
    // The layer has delivered, or dropped, event 1 when event 2, sent after it, has arrived.
    await layer.send(listener.channel.name, numbered(2));
    await listener.until(2);
    await layer.groupAdd("room", listener.channel);
    await layer.groupSend("room", numbered(3));
    await listener.until(3);
    assert.deepEqual(listener.numbers, [2, 3]);
  });

  test("[L1] an event to a channel that does not exist is dropped and counted, and the sender is not told", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const closed = new Listener(layer);
    const witness = new Listener(layer);
    await layer.send(closed.channel.name, numbered(1));
    await closed.until(1);
    await closed.channel.close();
    await layer.send(closed.channel.name, numbered(2));
    await layer.send(witness.channel.name, numbered(3));
    await witness.until(3);
    assert.deepEqual(closed.numbers, [1]);
    assert.equal(layer.stats().dropped, 1);
  });

  test("[L2] events of one node arrive in the order of the calls, to groups and channels mixed, awaited or not", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listener = new Listener(layer);
    await layer.groupAdd("a", listener.channel);
    await layer.groupAdd("b", listener.channel);
    const sends: Promise<void>[] = [];
    for (let number = 1; number <= 300; number++) {
      const event = numbered(number);
      const sending = number % 3 === 0 ? layer.send(listener.channel.name, event) : layer.groupSend(number % 3 === 1 ? "a" : "b", event);
      if (number % 7 === 0) await sending;
      else sends.push(sending);
    }
    await Promise.all(sends);
    await listener.until(300);
    assert.deepEqual(
      listener.numbers,
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
  });

  test("[L7] all receivers of a node get the very same object, as it was sent", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    const listeners = [new Listener(layer), new Listener(layer), new Listener(layer)];
    for (const { channel } of listeners) await layer.groupAdd("room", channel);
    const event = { ...numbered(1), text: "안녕 👋", none: null, on: false, real: 0.5, at: 1_700_000_000_000, bytes: Uint8Array.of(0, 255), list: [{ a: "" }] };
    await layer.groupSend("room", event);
    for (const listener of listeners) await listener.until(1);
    const [first] = listeners[0]?.events ?? [];
    assert.deepEqual(first, event);
    for (const { events } of listeners) assert.equal(events[0], first, "the same object");
  });

  test("[L8] what a receiver throws or rejects with goes to onFailure, and it and the others get their events", async () => {
    await using world = await World.open(open);
    const { layer, failures } = world;
    const throwing = new Listener(layer, () => {
      throw new Error("thrown");
    });
    const rejecting = new Listener(layer, () => Promise.reject(new Error("rejected")));
    const healthy = new Listener(layer);
    for (const { channel } of [throwing, rejecting, healthy]) await layer.groupAdd("room", channel);
    for (const number of [1, 2, 3]) await layer.groupSend("room", numbered(number));
    for (const listener of [throwing, rejecting, healthy]) {
      await listener.until(3);
      assert.deepEqual(listener.numbers, [1, 2, 3]);
    }
    await layer.send(healthy.channel.name, numbered(4));
    await healthy.until(4);
    const messages = failures.map((error) => (error as Error).message).sort();
    assert.deepEqual(messages, ["rejected", "rejected", "rejected", "thrown", "thrown", "thrown"]);
  });

  test("[L9] no receiver is called inside of a send; one that sends back and forth does not recurse", async () => {
    await using world = await World.open(open);
    const { layer } = world;
    let isInside = false;
    let wasInside = false;
    const last = 20_000;
    const listener: Listener = new Listener(layer, (event) => {
      wasInside ||= isInside;
      const { number } = event as ReturnType<typeof numbered>;
      if (number < last) send(number + 1);
    });
    const send = (number: number): void => {
      isInside = true;
      void layer.groupSend("room", numbered(number));
      isInside = false;
    };
    await layer.groupAdd("room", listener.channel);
    send(1);
    await listener.until(last);
    assert.equal(wasInside, false);
    assert.equal(listener.numbers.length, last);
  });
}
