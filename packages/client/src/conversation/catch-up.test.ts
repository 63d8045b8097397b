import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEvent } from "@suda/protocol";
import { ManualClock } from "@suda/testing";
import fc from "fast-check";
import { message, settle } from "../../test/frames.ts";
import { CatchUp } from "./catch-up.ts";
import { ConnectionLost, RequestRefused } from "../errors.ts";
import { EventLog } from "./event-log.ts";

interface Page {
  readonly events: LogEvent[];
  readonly head: number;
  readonly from?: number;
  readonly more: boolean;
}

/** A log on a server that answers when it is told to. */
class World {
  readonly clock = new ManualClock();
  readonly log = new EventLog(0);
  readonly applied: number[] = [];
  readonly truncated: number[] = [];
  readonly problems: unknown[] = [];
  /** What the server has. */
  events: LogEvent[] = [];
  readonly #reads: { readonly after: number; readonly resolve: (page: Page) => void; readonly reject: (error: Error) => void }[] = [];
  readonly catchUp: CatchUp;

  constructor(length: number) {
    this.log.isKeeping = true;
    this.append(length);
    this.catchUp = new CatchUp({
      log: this.log,
      clock: this.clock,
      read: (after) => new Promise((resolve, reject) => this.#reads.push({ after, resolve, reject })),
      onApplied: ({ seq }) => this.applied.push(seq),
      onTruncated: (from) => this.truncated.push(from),
      onRefused: (error) => this.problems.push(error),
      onProblem: (problem) => this.problems.push(problem),
    });
  }

  get head(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  get pendingReads(): number {
    return this.#reads.length;
  }

  append(count: number): void {
    for (let n = 0; n < count; n++) this.events.push(message(this.head + 1));
  }

  live(seq: number): void {
    const event = this.events.find((one) => one.seq === seq);
    if (event !== undefined) this.catchUp.receive(event);
  }

  page(after: number, limit: number): Page {
    const later = this.events.filter(({ seq }) => seq > after);
    return { events: later.slice(0, limit), head: this.head, more: later.length > limit };
  }

  async answer(limit: number, more: Partial<Page> = {}): Promise<void> {
    const read = this.#reads.shift();
    if (read === undefined) return;
    read.resolve({ ...this.page(read.after, limit), ...more });
    await settle();
  }

  async refuse(retryAfterMs: number): Promise<void> {
    const read = this.#reads.shift();
    if (read === undefined) return;
    read.reject(new RequestRefused({ code: "rate.limited", message: "", retryable: true, retryAfterMs }));
    await settle();
    this.clock.advance(retryAfterMs);
  }

  /** The connection breaks, and a resume brings a page of what is missing. */
  async break(limit: number): Promise<void> {
    for (const { reject } of this.#reads.splice(0)) reject(new ConnectionLost("gone"));
    this.catchUp.stop();
    await settle();
    const { events, head, more } = this.page(this.log.have, limit);
    for (const event of events) this.catchUp.receive(event);
    if (more) this.catchUp.readUpTo(head);
  }

  /** Everything arrives in the end. */
  async finish(): Promise<void> {
    this.catchUp.readUpTo(this.head);
    for (let turn = 0; this.pendingReads > 0; turn++) {
      assert.ok(turn < 1_000, "it reads without end");
      await this.answer(200);
    }
  }
}

type Step = (world: World) => void | Promise<void>;
const size = fc.integer({ min: 1, max: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.integer({ min: 1, max: 90 }).map(
      (seq): Step =>
        (world) =>
          world.live(seq),
    ),
  },
  { weight: 3, arbitrary: fc.constant<Step>((world) => world.live(world.log.have + 1)) },
  {
    weight: 2,
    arbitrary: size.map(
      (count): Step =>
        (world) =>
          world.append(count),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Step>((world) => world.catchUp.readUpTo(world.head)) },
  {
    weight: 4,
    arbitrary: size.map(
      (limit): Step =>
        (world) =>
          world.answer(limit),
    ),
  },
  {
    weight: 1,
    arbitrary: size.map(
      (ms): Step =>
        (world) =>
          world.refuse(ms),
    ),
  },
  {
    weight: 1,
    arbitrary: size.map(
      (limit): Step =>
        (world) =>
          world.break(limit),
    ),
  },
);

test("an event that comes while an answer without events is on its way is not forgotten", async () => {
  const world = new World(1);
  world.catchUp.readUpTo(1);
  world.events = [];
  const empty = world.answer(10);
  world.events = [message(1), message(2)];
  world.live(2);
  await empty;
  assert.equal(world.pendingReads, 1);
  await world.answer(10);
  assert.deepEqual(world.applied, [1, 2]);
});

test("[D5] any interleaving of live events, repeats, holes, lag, pages and breaks gives exactly the log", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.array(step, { maxLength: 60 }), async (length, steps) => {
      const world = new World(length);
      for (const one of steps) await one(world);
      await world.finish();
      const all = Array.from({ length: world.head }, (_, index) => index + 1);
      assert.deepEqual(world.applied, all);
      assert.deepEqual(
        world.log.events.map(({ seq }) => seq),
        all,
      );
      assert.deepEqual(world.problems, []);
    }),
    { numRuns: 300 },
  );
});

test("an event that came too early is shown after the hole before it, from one reading", async () => {
  const world = new World(5);
  world.live(1);
  world.live(5);
  world.live(4);
  assert.deepEqual(world.applied, [1]);
  assert.equal(world.pendingReads, 1);
  await world.answer(2);
  assert.deepEqual(world.applied, [1, 2, 3, 4, 5]);
  assert.equal(world.pendingReads, 0);
});

test("more early events than are held back are read instead", async () => {
  const world = new World(1_000);
  for (let seq = 2; seq <= 1_000; seq++) world.live(seq);
  await world.finish();
  assert.equal(world.applied.length, 1_000);
  assert.equal(world.log.have, 1_000);
});

test("[D7] when all that is missing is gone, it goes on behind it and asks no more", async () => {
  const world = new World(3);
  for (const seq of [1, 2, 3]) world.live(seq);
  world.catchUp.readUpTo(8);
  world.events = [];
  await world.answer(50, { head: 8, from: 9 });
  assert.deepEqual([world.truncated, world.log.have, world.pendingReads], [[9], 8, 0]);
  world.catchUp.receive(message(9));
  assert.deepEqual(world.applied, [1, 2, 3, 9]);
});

test("[D7] a log whose beginning is gone is said to be truncated, and goes on from there", async () => {
  const world = new World(10);
  world.live(1);
  world.events = world.events.filter(({ seq }) => seq >= 6);
  world.catchUp.readUpTo(10);
  await world.answer(200);
  assert.deepEqual(world.truncated, [6]);
  assert.deepEqual(world.applied, [1, 6, 7, 8, 9, 10]);
  assert.equal(world.log.first, 6);
});

test("what was held back of another log, or of a connection that is gone, is never applied", async () => {
  const world = new World(5);
  world.live(5);
  world.catchUp.stop();
  world.log.moveTo(3);
  world.live(4);
  assert.deepEqual(world.applied, [4]);
  // The reading of before has nothing to say either.
  await world.answer(200);
  assert.deepEqual(world.applied, [4]);
});

test("a log that has less than was announced ends the reading", async () => {
  const world = new World(3);
  world.catchUp.readUpTo(9);
  await world.answer(200);
  await world.answer(200);
  assert.deepEqual(world.applied, [1, 2, 3]);
  assert.equal(world.pendingReads, 0);
});

test("a refusal for good ends the reading and is told", async () => {
  const world = new World(3);
  const refusal = new RequestRefused({ code: "conversation.not_found", message: "", retryable: false });
  const catchUp = new CatchUp({
    log: new EventLog(0),
    clock: world.clock,
    read: () => Promise.reject(refusal),
    onApplied: () => assert.fail(),
    onTruncated: () => assert.fail(),
    onRefused: (error) => world.problems.push(error),
    onProblem: () => assert.fail(),
  });
  catchUp.readUpTo(3);
  await settle();
  assert.deepEqual(world.problems, [refusal]);
  assert.equal(world.clock.pendingTimers, 0);
});
