import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedWorld } from "./simulated-world.ts";

test("a device that dies in the turn in which a page comes has heard nothing of it when it lives again", async () => {
  let deaths = 0;
  let onPage = (_device: string): void => {};
  const trace = (line: string): void => {
    const [, device] = / (\S+) < .*"type":"reply","ref":\d+,"events":\[\{/.exec(line) ?? [];
    if (device !== undefined) onPage(device);
  };
  await using world = await SimulatedWorld.open({ seed: 1, faults: ["slow reader"], faultRate: 0.4, trace });
  onPage = (name) => {
    const device = world.devices.find((one) => one.name === name);
    if (device?.isFollower !== true || deaths === 10) return;
    deaths++;
    // In this millisecond still: only when its turn has ended do the promises go on that wait for the page.
    world.time.schedule(0, () => device.kill(0));
    world.time.schedule(500, () => {
      assert.deepEqual([...device.streamed], []);
      device.start();
    });
  };
  await world.run(200);
  await world.settle();
  await world.checkConverged();
  assert.equal(deaths, 10);
});
