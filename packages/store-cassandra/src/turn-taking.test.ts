/** Who writes to a conversation that others write to as well stands back; who is alone does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TurnTaking } from "./turn-taking.ts";

/** Turns of 15 ms, one right after the other. @returns how long each was followed by standing back */
function write(turns: TurnTaking, count: number, { from = 0, moved = 0 }: { readonly from?: number; readonly moved?: number } = {}): number[] {
  const waits: number[] = [];
  let now = from;
  for (let version = 1; waits.length < count; version += 1 + moved) {
    turns.found(version + moved - 1);
    waits.push(Math.round(turns.won(version + moved, { beganAtMs: now, endedAtMs: now + 15 })));
    now += 15 + (waits.at(-1) ?? 0);
  }
  return waits;
}

test("who writes alone stands back once in half a second, to see whether anybody comes", () => {
  const waits = write(new TurnTaking(), 100);
  assert.ok(waits.slice(0, 33).every((wait) => wait === 0));
  const probes = waits.filter((wait) => wait > 0);
  assert.deepEqual([...new Set(probes)], [15]);
  assert.ok(probes.length >= 2 && probes.length <= 3, `${probes.length} times`);
});

test("who writes now and then never stands back", () => {
  const turns = new TurnTaking();
  for (let version = 1; version < 100; version++) {
    turns.found(version - 1);
    assert.equal(turns.won(version, { beganAtMs: version * 100, endedAtMs: version * 100 + 15 }), 0);
  }
});

test("who was second stands back for a turn's length, longer each time that nobody came, and not for ever", () => {
  const turns = new TurnTaking();
  turns.lost();
  assert.deepEqual(write(turns, 8), [15, 30, 60, 120, 240, 250, 0, 0]);
});

test("as long as somebody comes, turns go round; also when it was only found out by standing back", () => {
  const lost = new TurnTaking();
  lost.lost();
  assert.deepEqual(write(lost, 5, { moved: 1 }), [15, 15, 15, 15, 15]);
  const probing = new TurnTaking();
  const waits = write(probing, 60, { moved: 1 });
  const first = waits.findIndex((wait) => wait > 0);
  assert.ok(first > 0);
  assert.deepEqual([...new Set(waits.slice(first))], [15]);
});
