/**
 * Any order of commands is safe (C4 of the reliability rows): random steps of several users on several connections
 * against the real server, beside a model that says what may be answered. A failure prints the shrunk steps with
 * the seed; `examples` below are those that were once counterexamples.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { commands } from "@suda/protocol";
import { MemoryStore } from "@suda/server/store";
import { ManualClock, SeededRandom, TestServer } from "@suda/testing";
import fc from "fast-check";
import { boundedRuns } from "./bounded-runs.ts";
import { lateStore } from "./late-store.ts";
import { communicatorLinks, socketLinks } from "./protocol-link.ts";
import { ProtocolMachine } from "./protocol-machine.ts";
import { stepArbitraries, type Step } from "./protocol-steps.ts";

interface Model {
  connections: number;
}

class StepCommand implements fc.AsyncCommand<Model, ProtocolMachine> {
  readonly step: Step;

  constructor(step: Step) {
    this.step = step;
  }

  check({ connections }: Readonly<Model>): boolean {
    return this.step.step === "connect" ? connections < 10 : connections > 0;
  }

  async run(model: Model, machine: ProtocolMachine): Promise<void> {
    await machine.take(this.step);
    model.connections = machine.connections.length;
  }

  toString(): string {
    return JSON.stringify(this.step);
  }
}

const sequences = (isTimeMoved: boolean, maxCommands: number) =>
  fc.commands(
    stepArbitraries({ isTimeMoved }).map((step) => step.map((one) => new StepCommand(one))),
    { maxCommands, size: "max" },
  );

const unlimited = { commands: { perSecond: 0, burst: 1 }, connects: { perSecond: 0, burst: 1 }, requests: { perSecond: 0, burst: 1 } };

async function play(steps: Iterable<fc.AsyncCommand<Model, ProtocolMachine>>, machine: ProtocolMachine): Promise<void> {
  await fc.asyncModelRun(() => ({ model: { connections: machine.connections.length }, real: machine }), steps);
  await machine.finish();
}

test("[F12] [F13] [H1] [H3] [H11] [H14] [A1] [D12] any order of commands is answered once each, or ends the connection with its code; strangers see nothing", async () => {
  await fc.assert(
    fc.asyncProperty(sequences(true, 40), fc.integer(), async (steps, seed) => {
      const clock = new ManualClock();
      const store = lateStore(new MemoryStore({ clock }), new SeededRandom(seed));
      await using suda = await TestServer.open({ store, clock, limits: unlimited });
      await using machine = await ProtocolMachine.open(suda, communicatorLinks(suda));
      await play(steps, machine);
    }),
    boundedRuns(100),
  );
});

test("[B1] [F13] with few commands allowed, each is answered once all the same", async () => {
  await fc.assert(
    fc.asyncProperty(sequences(true, 30), async (steps) => {
      await using suda = await TestServer.open({ limits: { ...unlimited, commands: { perSecond: 1, burst: 8 } } });
      await using machine = await ProtocolMachine.open(suda, communicatorLinks(suda), { isLimited: true });
      await play(steps, machine);
    }),
    boundedRuns(20),
  );
});

test("[F12] [F13] [D11] over real sockets any order of commands is answered once each, and nothing comes after the end", async () => {
  await fc.assert(
    fc.asyncProperty(sequences(false, 30), async (steps) => {
      await using suda = await TestServer.open({ limits: unlimited });
      const url = await suda.listen();
      await using machine = await ProtocolMachine.open(suda, socketLinks(url));
      await play(steps, machine);
    }),
    boundedRuns(20),
  );
});

test("the steps speak every command of the table", () => {
  const said = new Set<string>();
  for (const step of fc.sample(fc.oneof(...stepArbitraries({ isTimeMoved: true })), { numRuns: 3_000, seed: 1 }))
    if (step.step === "say") for (const { command } of step.frames) said.add(command.type);
  assert.deepEqual([...said].sort(), Object.keys(commands).sort());
});
