/** Names and slots: what all nodes of a system must compute alike, and Redis too. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelName, laneCount, laneOf, laneOfName, slotOf, slotOfLane, topicOf } from "./lanes.ts";

test("slots are counted as the specification of Redis Cluster does", () => {
  // Its own check value, and what CLUSTER KEYSLOT answers.
  assert.equal(slotOf("123456789"), 0x31c3);
  assert.deepEqual(["foo", "bar", "somekey", ""].map(slotOf), [12_182, 5_061, 11_058, 0]);
});

test("lanes lie evenly over the slots: whoever has a share of them has that share of the lanes", () => {
  const slots = Array.from({ length: laneCount }, (_, lane) => slotOfLane(lane));
  assert.deepEqual(
    slots.map((slot) => Math.floor((slot * laneCount) / 16_384)),
    Array.from({ length: laneCount }, (_, lane) => lane),
  );
});

test("topics are spread over all lanes, the same on every node", () => {
  const counts = Array.from({ length: laneCount }, () => 0);
  for (let number = 0; number < 128_000; number++) counts[laneOf(`g:c.room-${number}`)] = (counts[laneOf(`g:c.room-${number}`)] ?? 0) + 1;
  assert.ok(Math.min(...counts) > 700 && Math.max(...counts) < 1_300, `${Math.min(...counts)}–${Math.max(...counts)}`);
  assert.deepEqual(["g:room", "n:abcdefghijkl", "g:c.01JD", ""].map(laneOf), [91, 100, 53, 89]);
});

test("a name leads back to its topic and lane", () => {
  for (const topic of ["g:room", "g:a:b{c}", "n:abcdefghijkl"]) {
    const name = channelName("a.prefix", laneOf(topic), topic);
    assert.equal(topicOf("a.prefix", true, name), topic);
    assert.equal(laneOfName("a.prefix", name), laneOf(topic));
    assert.equal(slotOf(/\{(\w+)\}/.exec(name)?.[1] ?? ""), slotOfLane(laneOf(topic)));
    assert.equal(topicOf("a.prefix", false, channelName("a.prefix", undefined, topic)), topic);
  }
});
