/** The line before what reads much, on a clock that the test moves. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SudaError } from "@suda/protocol";
import { codeOf, ManualClock, TestServer } from "@suda/testing";
import { Turnstile, type TurnstileOptions } from "./turnstile.ts";

describe("turnstile", () => {
  test("[B10] who comes alone passes at once; over 64 under way the others wait, first come first served", async () => {
    const { turnstile, works, start } = open();
    const started = Array.from({ length: 70 }, start);
    await turns();
    assert.deepEqual([works.begun.length, turnstile.waiting], [64, 6]);
    works.end(3);
    await turns();
    assert.deepEqual(works.begun.slice(64), [64], "one has ended, and the first of the line is next");
    for (let index = 0; index < 70; index++) works.end(index);
    await turns();
    for (let index = 65; index < 70; index++) works.end(index);
    await turns();
    assert.deepEqual([works.begun.slice(64), turnstile.waiting], [[64, 65, 66, 67, 68, 69], 0]);
    await Promise.all(started);
  });

  test("[B10] a turn reads for two milliseconds, and the next turn goes on", async () => {
    const { turnstile, begun, startLong, turn } = openLong();
    for (let index = 0; index < 4; index++) startLong(1);
    await turns();
    assert.deepEqual([begun.length, turnstile.waiting], [2, 2]);
    await turn();
    assert.deepEqual([begun.length, turnstile.waiting], [4, 0]);
  });

  test("[B10] newcomers come in first, and reading goes on all the same after eight turns", async () => {
    const { begun, startLong, turn } = openLong({ isCrowded: () => true });
    for (let index = 0; index < 3; index++) startLong(1);
    const seen: number[] = [];
    for (let count = 0; count < 17; count++) {
      await turn();
      seen.push(begun.length);
    }
    assert.deepEqual(seen, [...Array.from({ length: 7 }, () => 0), ...Array.from({ length: 8 }, () => 2), 3, 3]);
  });

  test("[B11] what waits for five seconds is refused with server.busy, what is under way is answered", async () => {
    const { clock, turnstile, works, start } = open({ maxUnderWay: 1 });
    const first = start();
    const second = start();
    clock.advance(3_000);
    const third = start();
    clock.advance(2_000);
    await assert.rejects(second, isBusy);
    assert.equal(turnstile.waiting, 1, "the third waits for three seconds more");
    works.end(0);
    await first;
    await turns();
    works.end(2);
    await third;
  });

  test("[B11] a full line refuses the newest", async () => {
    const { works, start } = open({ maxUnderWay: 1, maxWaiting: 2 });
    const [first, second, third] = [start(), start(), start()];
    await assert.rejects(start(), isBusy);
    for (const [index, one] of [first, second, third].entries()) {
      await turns();
      works.end(index);
      await one;
    }
  });

  test("work that throws gives its place free", async () => {
    const { turnstile } = open({ maxUnderWay: 1 });
    await assert.rejects(
      turnstile.pass(async () => {
        throw new RangeError("of the work");
      }),
      RangeError,
    );
    assert.equal(await turnstile.pass(async () => "done"), "done");
  });

  test("[B12] 50 hellos of one user at once, then two a second; others pass, and the connection may try again", async () => {
    await using suda = await TestServer.open();
    for (let index = 0; index < 50; index++) await (await suda.connect("alice"))[Symbol.asyncDispose]();
    await using alice = await suda.connectSilently();
    const refused = await alice.answer({ type: "hello", token: suda.token("alice") });
    assert.equal(codeOf(refused), "rate.limited");
    assert.equal((refused as { retryAfterMs?: number }).retryAfterMs, 500);
    await using _bob = await suda.connect("bob");
    suda.clock.advance(500);
    await alice.request({ type: "hello", token: suda.token("alice") });
  });
});

type Options = Partial<Omit<TurnstileOptions, "clock" | "nextTurn">>;

/** Works that end when the test says so. */
function open(options: Options = {}) {
  const clock = new ManualClock();
  const turnstile = new Turnstile({ clock, nextTurn: (task) => void setImmediate(task), isCrowded: () => false, ...options });
  const begun: number[] = [];
  const ends = new Map<number, () => void>();
  let count = 0;
  const start = (): Promise<void> => {
    const index = count++;
    return turnstile.pass(async () => {
      begun.push(index);
      await new Promise<void>((resolve) => ends.set(index, resolve));
    });
  };
  return { clock, turnstile, works: { begun, end: (index: number): void => ends.get(index)?.() }, start };
}

/** Works that take so many milliseconds of the machine, as those do that read an embedded store. */
function openLong(options: Options = {}) {
  const clock = new ManualClock();
  let workedMs = 0;
  const working = { now: () => clock.now(), monotonicMs: () => clock.monotonicMs() + workedMs, schedule: clock.schedule.bind(clock) };
  const next: (() => void)[] = [];
  const turnstile = new Turnstile({ clock: working, nextTurn: (task) => void next.push(task), isCrowded: () => false, ...options });
  const begun: number[] = [];
  const startLong = (ms: number): void => {
    const passed = turnstile.pass(async () => {
      begun.push(begun.length);
      workedMs += ms;
    });
    passed.catch(assert.fail);
  };
  const turn = async (): Promise<void> => {
    for (const task of next.splice(0)) task();
    await turns();
  };
  return { turnstile, begun, startLong, turn };
}

function isBusy(error: unknown): boolean {
  return error instanceof SudaError && error.code === "server.busy" && error.retryAfterMs === 2_000;
}

/** Everything that needs no clock has happened. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
