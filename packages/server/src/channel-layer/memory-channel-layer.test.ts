/** The memory driver keeps the channel layer's contract; its capacity can be set. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelLayerSuite } from "@suda/testing";
import { MemoryChannelLayer } from "./memory-channel-layer.ts";

channelLayerSuite("memory", async (options) => ({ layer: new MemoryChannelLayer(options) }));

test("[L4] a capacity of its own; a second overflow is told again", async () => {
  await using layer = new MemoryChannelLayer({ inboxCapacity: 2 });
  const received: string[] = [];
  let release = (): void => {};
  const channel = layer.open((event) => {
    received.push(event.type === "layer.dropped" ? `dropped ${(event as unknown as { count: number }).count}` : event.type);
    return event.type === "hold" ? new Promise((resolve) => (release = resolve)) : undefined;
  });
  for (const round of [1, 2]) {
    for (const type of ["hold", "a", "b", "c", "d", "e"].slice(0, 4 + round)) await layer.send(channel.name, { type });
    release();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(received, ["hold", "a", "b", "dropped 2", "hold", "a", "b", "dropped 3"]);
});
