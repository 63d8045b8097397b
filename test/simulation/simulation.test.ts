/**
 * Simulated worlds in `npm test`: some seeds that are always the same, some that are new each time and printed, and
 * every planted bug caught. `npm run test:simulation -- --seeds 1..100000` runs any number.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultNames, simulate, SimulatedWorld, WorldDiverged } from "@suda/testing";
import { plantedBugs } from "./planted-bugs.ts";

const count = process.env["CI"] === "true" ? 100 : 25;
const firstSeed = Math.floor(Math.random() * 2 ** 31);

test("worlds with the seeds from 1 converge under every fault", async () => {
  for (let seed = 1; seed <= count; seed++) await simulate({ seed });
});

test(`worlds with new seeds from ${firstSeed} converge under every fault`, async () => {
  for (let seed = firstSeed; seed < firstSeed + count; seed++) await simulate({ seed });
});

for (const fault of faultNames) {
  test(`a world in which only "${fault}" happens, and often, converges`, async () => {
    for (let seed = 1; seed <= 5; seed++) await simulate({ seed, faults: [fault], faultRate: 0.3 });
  });
}

test("the same seed is the same run, whatever else the machine does", async () => {
  const historyOf = async (): Promise<string> => JSON.stringify((await simulate({ seed: 4 })).tap.history);
  assert.equal(await historyOf(), await historyOf());
  const other = await simulate({ seed: 5 });
  assert.notEqual(JSON.stringify(other.tap.history), await historyOf());
});

test("a failure names its seed, and what disagrees", async () => {
  await using world = await SimulatedWorld.open({ seed: 3, faults: [] });
  await world.run(50);
  await world.settle();
  await world.checkConverged();
  const [device] = world.devices;
  const [shown] = device?.client.conversations.values() ?? [];
  (shown?.events as unknown[] | undefined)?.pop();
  await assert.rejects(world.checkConverged(), (error) => {
    assert.ok(error instanceof WorldDiverged);
    assert.equal(error.seed, 3);
    assert.match(error.message, /seed 3 did not converge.*device\.incomplete: .* on user-1\.1 has/s);
    return true;
  });
});

/** Within so many seeds each must be seen. */
const seedsToCatch = 40;

for (const { name, kinds, plant } of plantedBugs) {
  test(`the simulation catches: ${name}`, async (t) => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= seedsToCatch; seed++) {
      try {
        await simulate({ seed, ...plant() });
      } catch (error) {
        if (!(error instanceof WorldDiverged)) throw error;
        for (const { kind } of error.disagreements) seen.add(kind);
        if (kinds.some((kind) => seen.has(kind))) return t.diagnostic(`with seed ${seed}: ${[...seen].join(", ")}`);
      }
    }
    assert.fail(`${name} was to be seen as ${kinds.join(" or ")}; ${seedsToCatch} seeds showed ${[...seen].join(", ") || "nothing"}`);
  });
}
