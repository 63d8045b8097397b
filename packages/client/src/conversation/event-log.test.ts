import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { message } from "../../test/frames.ts";
import { EventLog } from "./event-log.ts";

const all = Array.from({ length: 100 }, (_, index) => message(index + 1));

type Step = (log: EventLog) => void;
const seq = fc.integer({ min: 1, max: 100 });
const step: fc.Arbitrary<Step> = fc.oneof(
  seq.map(
    (n): Step =>
      (log) =>
        log.receive(message(n)),
  ),
  fc.constant<Step>((log) => log.receive(message(log.have + 1))),
  fc.tuple(seq, fc.integer({ min: 0, max: 30 })).map(
    ([from, count]): Step =>
      (log) =>
        log.prepend(all.slice(from - 1, from - 1 + count)),
  ),
  fc.integer({ min: 1, max: 30 }).map(
    (count): Step =>
      (log) =>
        log.prepend(all.slice(Math.max(0, log.first - 1 - count), log.first - 1)),
  ),
  fc.integer({ min: 0, max: 30 }).map(
    (count): Step =>
      (log) =>
        log.trim(count),
  ),
  fc.constant<Step>((log) => (log.isKeeping = !log.isKeeping)),
  seq.map(
    (have): Step =>
      (log) =>
        log.moveTo(have),
  ),
);

test("whatever comes, what is held is a run without holes that ends at have", () => {
  fc.assert(
    fc.property(fc.nat({ max: 50 }), fc.array(step, { maxLength: 80 }), (have, steps) => {
      const log = new EventLog(have);
      log.isKeeping = true;
      for (const one of steps) {
        one(log);
        const seqs = log.events.map((event) => event.seq);
        assert.deepEqual(
          seqs,
          Array.from({ length: log.have + 1 - log.first }, (_, index) => log.first + index),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test("a page of history that does not lead up to what is held is not taken", () => {
  const log = new EventLog(50);
  log.isKeeping = true;
  assert.deepEqual(log.prepend(all.slice(0, 49)), []);
  assert.equal(log.prepend(all.slice(30, 60)).length, 20);
  assert.equal(log.first, 31);
  log.receive(message(51));
  assert.equal(log.events.length, 21);
});

test("a log that is not kept only counts", () => {
  const log = new EventLog(0);
  assert.equal(log.receive(message(1)), "applied");
  assert.equal(log.receive(message(1)), "known");
  assert.equal(log.receive(message(3)), "hole");
  assert.deepEqual(log.events, []);
  assert.equal(log.have, 1);
});
