/**
 * Simulated worlds in `npm test`: a thousand seeds, half of them always the same and half new each time and printed, and
 * every planted bug caught. `npm run test:simulation -- --seeds 1..100000` runs any number.
 */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { faultNames, simulate, SimulatedWorld, WorldDiverged } from "@suda/testing";
import { plantedBugs } from "./planted-bugs.ts";
import { runSeedsInProcesses } from "./run-seeds.ts";
import { commandFor } from "./seeds.ts";

const half = 500;
const firstNew = half + 1 + Math.floor(Math.random() * 2 ** 31);

for (const fault of faultNames) {
  test(`a world in which only "${fault}" happens, and often, converges`, async () => {
    for (let seed = 1; seed <= 5; seed++) await simulate({ seed, faults: [fault], faultRate: 0.3 });
  });
}

test("two hundred worlds of two nodes converge, with a layer between them that loses", { timeout: 300_000 }, async (t) => {
  const firstNew = half + 1 + Math.floor(Math.random() * 2 ** 31);
  const ranges = [
    { from: 1, to: 100 },
    { from: firstNew, to: firstNew + 99 },
  ];
  const { failures, seeds, elapsedMs } = await runSeedsInProcesses({ ranges, processes: Math.min(2, availableParallelism()), options: { nodes: 2 } });
  assert.deepEqual(failures.map(({ message }) => message).join("\n"), "");
  t.diagnostic(`${seeds} seeds, ${ranges.map(({ from }) => `from ${from}`).join(" and ")}: ${(elapsedMs / 1_000).toFixed(1)} s`);
});

test("the same seed is the same run, whatever else the machine does", async () => {
  const historyOf = async (): Promise<string> => JSON.stringify((await simulate({ seed: 4 })).tap.history);
  assert.equal(await historyOf(), await historyOf());
  const other = await simulate({ seed: 5 });
  assert.notEqual(JSON.stringify(other.tap.history), await historyOf());
});

test("users of a simulated world do everything that changes a log", async () => {
  const types = new Set<string>();
  for (let seed = 1; seed <= 10; seed++) {
    const { store } = await simulate({ seed });
    for (const id of await store.conversations.list(undefined, 1_000)) for (const { body } of await store.log.readAfter(id, 0, 1_000)) types.add(body.type);
  }
  assert.deepEqual([...types].sort(), [
    "control.changed",
    "conversation.updated",
    "interaction.created",
    "member.added",
    "member.removed",
    "member.updated",
    "message.created",
    "message.deleted",
    "message.edited",
    "pin.added",
    "pin.removed",
    "reaction.added",
    "reaction.removed",
  ]);
});

test("a failure names its seed, what disagrees, and the command that shows it again", async () => {
  await using world = await SimulatedWorld.open({ seed: 3, faults: [] });
  await world.run(50);
  await world.settle();
  await world.checkConverged();
  const [device] = world.devices;
  const shown = (device?.known ?? []).map((id) => device?.client?.conversation(id).getSnapshot().events as unknown[] | undefined);
  shown.find((events = []) => events.length > 0)?.pop();
  await assert.rejects(world.checkConverged(), (error) => {
    assert.ok(error instanceof WorldDiverged);
    assert.equal(error.seed, 3);
    assert.match(error.message, /seed 3 did not converge.*device\.incomplete: .* on user-1\.1 has/s);
    return true;
  });
  assert.equal(
    commandFor(3, { users: 5, devices: 2, actions: 50, faults: ["device restart", "cut"], faultRate: 0.3 }),
    "npm run test:simulation -- --seeds 3 --users 5 --devices 2 --actions 50 --faults device-restart,cut --fault-rate 0.3",
  );
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

// Last, when the processes of other test files have ended: it takes two for itself.
test(`a thousand worlds converge under every fault: the seeds from 1, and new ones from ${firstNew}`, { timeout: 600_000 }, async (t) => {
  const ranges = [
    { from: 1, to: half },
    { from: firstNew, to: firstNew + half - 1 },
  ];
  const options = { users: 5, devices: 2, actions: 200 };
  const { failures, seeds, elapsedMs, cpuMs } = await runSeedsInProcesses({ ranges, processes: Math.min(2, availableParallelism()), options });
  assert.deepEqual(failures.map(({ message }) => message).join("\n"), "");
  assert.equal(seeds, 2 * half);
  t.diagnostic(`${seeds} seeds, 5 users with 2 devices, 200 actions: ${(elapsedMs / 1_000).toFixed(1)} s, ${(cpuMs / 1_000).toFixed(1)} s of CPU`);
});
