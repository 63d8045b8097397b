/** Who is online, when watchers and watched are on different nodes (D10). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TwoNodes, userId, type WebSocketCommunicator } from "@suda/testing";

/** `online` and `offline` of bob, as a connection was told since it was last looked at. */
async function told(connection: WebSocketCommunicator): Promise<string[]> {
  return (await connection.leftovers()).flatMap((frame) =>
    frame.type === "presence.changed" && frame.user === "bob" ? [frame.online ? "online" : "offline"] : [],
  );
}

/** What is known at once. */
async function watch(connection: WebSocketCommunicator): Promise<boolean | undefined> {
  const { presence } = await connection.request({ type: "presence.watch", users: [userId("bob")] });
  return presence[0]?.online;
}

async function openPair(world: TwoNodes): Promise<WebSocketCommunicator> {
  const alice = await world.here.connect("alice");
  await alice.request({ type: "conversation.open", with: userId("bob") });
  return alice;
}

describe("presence over nodes", () => {
  test("[D10] who watches a user of another node is told at once that they are there, and the next watcher knows it", async () => {
    await using world = await TwoNodes.open();
    const alice = await openPair(world);
    await using bob = await world.there.connect("bob");
    assert.equal(await watch(alice), false, "not known here yet");
    await world.pass(10);
    assert.deepEqual(await told(alice), ["online"]);
    await using phone = await world.here.connect("alice");
    assert.equal(await watch(phone), true);
    await world.pass(10);
    assert.deepEqual([await told(phone), await told(alice)], [[], []], "no news");
    assert.equal(await watch(bob), true, "oneself");
  });

  test("[D10] a user with devices at two nodes is gone when the last one is, and not before", async () => {
    await using world = await TwoNodes.open();
    const alice = await openPair(world);
    const desk = await world.here.connect("bob");
    const phone = await world.there.connect("bob");
    assert.equal(await watch(alice), true);
    await desk[Symbol.asyncDispose]();
    await world.pass(6_000);
    assert.deepEqual(await told(alice), []);
    await phone[Symbol.asyncDispose]();
    await world.pass(6_000);
    assert.deepEqual(await told(alice), ["offline"]);
    await using again = await world.there.connect("bob");
    await world.pass(10);
    assert.deepEqual(await told(alice), ["online"]);
    assert.equal(await watch(again), true);
  });

  test("[D10] who moves from one node to the other was never away", async () => {
    await using world = await TwoNodes.open();
    const alice = await openPair(world);
    const first = await world.there.connect("bob");
    await watch(alice);
    await world.pass(10);
    assert.deepEqual(await told(alice), ["online"]);
    await first[Symbol.asyncDispose]();
    await using second = await world.here.connect("bob");
    await world.pass(20_000);
    assert.deepEqual(await told(alice), []);
    assert.equal(await watch(second), true);
  });

  test("[D10] whoever is at a node that is heard of no more fades within two rounds of asking, and is back when it is", async () => {
    await using world = await TwoNodes.open();
    const alice = await openPair(world);
    await using bob = await world.there.connect("bob");
    await watch(alice);
    await world.pass(61_000);
    assert.deepEqual(await told(alice), ["online"], "once, while both are there");
    world.bus.cut();
    await world.pass(61_000);
    assert.deepEqual(await told(alice), ["offline"]);
    world.bus.heal();
    await world.pass(700);
    assert.deepEqual(await told(alice), ["online"]);
    assert.equal(await watch(bob), true);
  });
});
