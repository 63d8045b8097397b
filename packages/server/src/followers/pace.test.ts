/** How many requests a receiver gets at once, and when none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConversationId } from "@suda/protocol";
import { ManualClock, SeededRandom } from "@suda/testing";
import { Pace } from "./pace.ts";

const open = (clock = new ManualClock()): Pace => new Pace({ clock, random: new SeededRandom(1), maxAtOnce: 16 });
const id = (n: number): ConversationId => `c${n}` as ConversationId;

test("[W4] more at once with each success up to the bound, half with each failure down to one", () => {
  const pace = open();
  const seen = [pace.atOnce];
  for (let n = 0; n < 20; n++) pace.succeeded();
  seen.push(pace.atOnce);
  // The same conversation all the time: it alone is wrong, and the others go on.
  for (let n = 0; n < 6; n++) {
    assert.equal(pace.failed(id(1)), 0);
    seen.push(pace.atOnce);
  }
  assert.deepEqual([seen, pace.isDown], [[4, 16, 8, 4, 2, 1, 1, 1], false]);
});

test("[W4] when several conversations fail in a row it is down: one at a time, with pauses of at most a minute, until one succeeds", () => {
  const clock = new ManualClock();
  const pace = open(clock);
  for (let n = 0; n < 3; n++) assert.equal(pace.failed(id(n)), 0);
  let longest = 0;
  for (let n = 3; n < 40; n++) {
    const pauseMs = pace.failed(id(n));
    longest = Math.max(longest, pauseMs);
    assert.ok(pauseMs <= 60_000 && pace.isDown);
    if (pauseMs > 0) assert.equal(pace.atOnce, 0);
    clock.advance(pauseMs);
    assert.equal(pace.atOnce, 1);
  }
  assert.ok(longest > 30_000, `${longest}`);
  assert.deepEqual([pace.succeeded(), pace.isDown, pace.atOnce, pace.succeeded()], [true, false, 2, false]);
});

test("[W5] Retry-After holds up everything, for ten minutes at most", () => {
  const clock = new ManualClock();
  const pace = open(clock);
  assert.equal(pace.failed(id(1), 5_000), 5_000);
  assert.equal(pace.atOnce, 0);
  clock.advance(5_000);
  assert.equal(pace.atOnce, 2);
  assert.equal(pace.failed(id(1), 86_400_000), 600_000);
});
