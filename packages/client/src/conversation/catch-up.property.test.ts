/**
 * Merging (⑪ of the path of a message): in whatever order events, pages, marks of lag, refusals and losses come,
 * each event is applied once, in the order of seq, and what is missing before it is read first.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEvent, ReplyOf } from "@suda/protocol";
import { ManualClock } from "@suda/testing";
import fc from "fast-check";
import { message } from "../../test/frames.ts";
import { settle } from "../../test/waiting.ts";
import { CatchUp } from "./catch-up.ts";
import { ConnectionLost, RequestRefused } from "../errors.ts";
import { EventLog } from "./event-log.ts";

interface Reading {
  /** Which of the logs that took each other's place was asked. */
  readonly epoch: number;
  readonly after: number;
  readonly resolve: (page: ReplyOf<"history.get">) => void;
  readonly reject: (error: Error) => void;
}

/** A log of a server, a client of it, and what was told of it. */
class World {
  readonly clock = new ManualClock();
  readonly log = new EventLog(0);
  /** Seqs up to here are gone. */
  floor = 0;
  head = 0;
  epoch = 1;
  readonly readings: Reading[] = [];
  readonly problems: unknown[] = [];
  /** Where a hole was said: what is applied may go on there. */
  readonly truncations = new Set<number>();
  /** Of the log as it is since the last reset. */
  applied: number[] = [];
  readonly catchUp: CatchUp;

  constructor() {
    this.log.isKeeping = true;
    this.catchUp = new CatchUp({
      log: this.log,
      clock: this.clock,
      read: (after) => new Promise((resolve, reject) => this.readings.push({ epoch: this.epoch, after, resolve, reject })),
      onApplied: (event) => this.#onApplied(event),
      onTruncated: (from) => this.truncations.add(from),
      onRefused: (error) => this.problems.push(error),
      onProblem: (problem) => this.problems.push(problem),
    });
  }

  /** A live event on its way, perhaps one that came before or comes too early. */
  receive(seq: number): void {
    if (seq >= 1 && seq <= this.head) this.catchUp.receive(eventOf(this.epoch, seq));
  }

  answer(index: number, pageSize: number): void {
    const [reading] = this.readings.splice(index % Math.max(this.readings.length, 1), 1);
    if (reading === undefined) return;
    const first = Math.max(reading.after, this.floor) + 1;
    const events: LogEvent[] = [];
    for (let seq = first; seq <= this.head && events.length < pageSize; seq++) events.push(eventOf(reading.epoch, seq));
    const from = this.floor === 0 ? {} : { from: this.floor + 1 };
    reading.resolve({ events, head: this.head, ...from, more: (events.at(-1)?.seq ?? this.head) < this.head });
  }

  refuse(): void {
    this.readings.shift()?.reject(new RequestRefused({ code: "server.busy", message: "busy", retryable: true, retryAfterMs: 50 }));
  }

  /** More out of turn than is held back. */
  receiveBackwards(count: number): void {
    this.head += count;
    for (let seq = this.head; seq > this.head - count + 1; seq--) this.receive(seq);
  }

  /** The connection is gone and what it was asked is never answered; the next one begins after `have`, as a resume does. */
  reconnect(): void {
    this.catchUp.stop();
    for (const { reject } of this.readings.splice(0)) reject(new ConnectionLost("gone"));
    this.catchUp.readUpTo(this.head);
  }

  /** Another log has taken its place. */
  reset(head: number): void {
    // What was asked before may still be answered.
    this.catchUp.stop();
    this.epoch++;
    this.floor = 0;
    this.head = head;
    this.applied = [];
    this.truncations.clear();
    this.log.moveTo(0);
    this.catchUp.readUpTo(head);
  }

  #onApplied(event: LogEvent): void {
    const { seq } = event;
    assert.deepEqual(event, eventOf(this.epoch, seq), "an event of the log before");
    const before = this.applied.at(-1) ?? 0;
    const isNext = seq === before + 1 || (seq > before && this.truncations.has(seq));
    assert.ok(isNext, `${seq} was applied after ${before}`);
    assert.equal(this.log.have, seq);
    this.applied.push(seq);
  }
}

/** The same seq says another thing in another log. */
function eventOf(epoch: number, seq: number): LogEvent {
  return message(seq, { at: epoch });
}

type Step = (world: World) => void;
/** A counterexample shows the name. */
const named = (name: string, step: Step): Step => Object.assign(step, { [fc.toStringMethod]: () => name });
const small = fc.integer({ min: 1, max: 12 });
const stepsOf: readonly (readonly [weight: number, step: fc.Arbitrary<Step>])[] = [
  [4, small.map((count) => named(`append ${count}`, (world) => void (world.head += count)))],
  [8, fc.nat(400).map((back) => named(`live ${back} back`, (world) => world.receive(world.head - (back % (world.head + 1)))))],
  [4, fc.nat(5).map((ahead) => named(`live ${ahead} ahead`, (world) => world.receive(world.log.have + 1 + ahead)))],
  [1, fc.constant(named("300 backwards", (world) => world.receiveBackwards(300)))],
  [2, fc.constant(named("lag", (world) => world.catchUp.readUpTo(world.head)))],
  [8, fc.tuple(fc.nat(3), small).map(([index, size]) => named(`answer ${index} with ${size}`, (world) => world.answer(index, size)))],
  [2, fc.constant(named("refuse", (world) => world.refuse()))],
  [2, fc.constant(named("wait", (world) => world.clock.advance(60)))],
  [1, fc.constant(named("reconnect", (world) => world.reconnect()))],
  [1, small.map((count) => named(`forget ${count}`, (world) => void (world.floor = Math.min(world.head, world.floor + count))))],
  [1, small.map((head) => named(`reset to ${head}`, (world) => world.reset(head)))],
];
const step = fc.oneof(...stepsOf.map(([weight, arbitrary]) => ({ weight, arbitrary })));

test("[D5] in any order of events, pages, losses and refusals each event is applied once, in order, the missing ones first", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 60, size: "max" }), async (steps) => {
      const world = new World();
      for (const [take, isSettled] of steps) {
        take(world);
        if (isSettled) await turn();
      }
      // Everything is answered from here on, and one more event shows what is missing before it.
      world.head++;
      world.receive(world.head);
      for (let turns = 0; world.log.have < world.head; turns++) {
        assert.ok(turns < 2_000, `it comes to rest at ${world.log.have} of ${world.head}`);
        await turn();
        world.answer(0, 50);
        world.clock.advance(10);
      }
      assert.deepEqual(world.problems, []);
      assert.deepEqual(
        world.log.events,
        world.applied.slice(world.applied.indexOf(world.log.first)).map((seq) => eventOf(world.epoch, seq)),
      );
      // A wait that a live event made needless ends by itself.
      world.clock.advance(1_000);
      await settle();
      assert.equal(world.clock.pendingTimers, 0);
    }),
    { numRuns: 200, includeErrorInReport: true, interruptAfterTimeLimit: 60_000 },
  );
});

test("[D5] events that only came out of turn are all applied, in order, though history is never answered", () => {
  const shuffled = fc.integer({ min: 1, max: 250 }).chain((count) =>
    fc.shuffledSubarray(
      Array.from({ length: count }, (_, index) => index + 1),
      { minLength: count },
    ),
  );
  fc.assert(
    fc.property(shuffled, fc.array(fc.nat(250), { maxLength: 30 }), (seqs, again) => {
      const world = new World();
      world.head = seqs.length;
      for (const [index, seq] of seqs.entries()) {
        world.receive(seq);
        world.receive(again[index] ?? 0);
      }
      assert.deepEqual(
        world.applied,
        seqs.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 50, includeErrorInReport: true },
  );
});

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
