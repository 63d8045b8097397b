/** Real threads, real modules. What takes time is told apart by order and not by clocks. */
import { deepEqual, equal, match, notEqual, ok, rejects, throws } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@suda/testing";
import { spin } from "../test/modules.ts";
import { OffloadError, offloadErrors, ThrownInWorker } from "./offload-error.ts";
import { WorkerPool, type OffloadOptions, type WorkerPoolOptions } from "./worker-pool.ts";

const modules = new URL("../test/modules.ts", import.meta.url);

test("plain data and bytes go there and come back", async () => {
  await using pool = new WorkerPool({ maxThreads: 1 });
  const input = { text: "안녕 👋", list: [1, null, undefined, 2n], when: new Date(0), map: new Map([["a", new Set([1])]]), photo: new Uint8Array([1, 2, 3]) };
  deepEqual(await pool.offload(modules, input), input);
  equal(await pool.offload(modules.href, undefined), undefined);
  equal(await pool.offload(new URL("../test/encode.ts", import.meta.url), new Uint8Array([1, 2, 3])), "AQID", "a module may import others");
});

test("300 ms of work do not hold up the loop; the same work here does", async () => {
  await using pool = new WorkerPool({ maxThreads: 1 });
  await pool.offload(modules, "the thread is there");
  const order: string[] = [];
  let isDone = false;
  const tick = (): void => {
    order.push("tick");
    if (!isDone) setTimeout(tick, 5);
  };
  setTimeout(tick, 5);
  order.push(await call(pool, "spin", 300));
  const before = order.indexOf("spun");
  ok(before >= 2, `${before} ticks came before the result`);
  order.length = 0;
  order.push(spin(300));
  isDone = true;
  equal(order[0], "spun");
});

test("the loop is free while a thread works: what the thread waits for is done here", async () => {
  const directory = await mkdtemp(join(tmpdir(), "suda-offload-"));
  try {
    await using pool = new WorkerPool({ maxThreads: 1 });
    const file = join(directory, "go");
    const seen = call(pool, "spinUntilFile", file);
    await writeFile(file, "");
    equal(await seen, "seen");
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("what a function throws comes back as the cause, by name and message", async () => {
  await using pool = new WorkerPool({ maxThreads: 1 });
  await call(pool, "run", 1);
  const thread = await call(pool, "whichThread");
  const error = await errorOf(call(pool, "fail", "no such formula"));
  equal(error.code, "offload.failed");
  ok(error.cause instanceof ThrownInWorker);
  equal(error.cause.name, "RangeError");
  equal(error.cause.message, "no such formula");
  match(error.cause.stack ?? "", /modules\.ts/);
  equal(error.message.includes("no such formula"), false, "the pool's own message holds nothing of it");
  equal(((await errorOf(call(pool, "failLater"))).cause as Error).message, "later");
  for (const what of ["uncloneable", "unreadable", "huge", "a string"]) equal((await errorOf(call(pool, "failStrangely", what))).code, "offload.failed", what);
  equal(await call(pool, "whichThread"), thread, "no thread was lost over it");
});

test("a module that is not there, or has no such function, is said to be so", async () => {
  await using pool = new WorkerPool({ maxThreads: 1 });
  for (const [module, exportName] of [
    [new URL("./no-such-module.ts", modules), "run"],
    [modules, "noSuchExport"],
    [modules, "noFunction"],
    [modules, "toString"],
    [modules, "__proto__"],
  ] as const) {
    await rejects(pool.offload(module, 1, { exportName }), { code: "offload.module" }, exportName);
  }
  for (const module of ["./modules.ts", "data:text/javascript,export default () => 1", "node:fs", "https://example.com/a.js"]) {
    await rejects(pool.offload(module, 1), TypeError, module);
  }
});

test("a thread that exits or runs out of memory takes only its own work with it", async () => {
  await using pool = new WorkerPool({ maxThreads: 1, maxHeapMb: 64 });
  // All wait for the one thread.
  const [first, exits, second, fills, third] = [
    call(pool, "run", 1),
    call(pool, "exit", 3),
    call(pool, "run", 2),
    call(pool, "fillMemory"),
    call(pool, "run", 3),
  ];
  equal(await first, 1);
  await rejects(exits, { code: "offload.crashed" });
  equal(await second, 2);
  await rejects(fills, { code: "offload.crashed" });
  equal(await third, 3);
});

test("an endless loop and a promise that never resolves are ended by their time, and those who wait go on", async () => {
  const clock = new ManualClock();
  await using pool = new WorkerPool({ maxThreads: 1, clock });
  equal(await call(pool, "run", 1), 1);
  for (const name of ["hang", "neverResolve"]) {
    const stuck = call(pool, name, undefined, { timeoutMs: 1_000 });
    const next = call(pool, "run", name, { timeoutMs: 10_000 });
    const refused = rejects(stuck, { code: "offload.timeout" });
    clock.advance(999);
    equal(pool.running, 1);
    clock.advance(1);
    await refused;
    equal(await next, name);
  }
  equal(clock.pendingTimers, 0);
});

test("the time counts from the call, also for one that never gets a thread", async () => {
  const clock = new ManualClock();
  await using pool = new WorkerPool({ maxThreads: 1, clock, timeoutMs: 2_000 });
  const stuck = call(pool, "hang", undefined, { timeoutMs: 5_000 });
  const waits = call(pool, "run", 1);
  const both = Promise.all([rejects(waits, { code: "offload.timeout" }), rejects(stuck, { code: "offload.timeout" })]);
  equal(pool.waiting, 1);
  clock.advance(2_000);
  equal(pool.waiting, 0);
  clock.advance(3_000);
  await both;
});

test("the caller's signal ends it before, while it waits, and while it runs", async () => {
  await using pool = new WorkerPool({ maxThreads: 1 });
  await rejects(call(pool, "run", 1, { signal: AbortSignal.abort() }), { code: "offload.aborted" });
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = { code: "offload.aborted" };
  const running = rejects(call(pool, "hang", undefined, { signal }), aborted);
  const waiting = rejects(call(pool, "run", 1, { signal }), aborted);
  const other = call(pool, "run", 2);
  controller.abort();
  await Promise.all([running, waiting]);
  equal(await other, 2);
  // Afterwards it has nothing to do with what is done.
  const late = new AbortController();
  equal(await call(pool, "run", 3, { signal: late.signal }), 3);
  late.abort();
  equal(await call(pool, "run", 4), 4);
});

test("as many wait as may, in order; one more is refused at once", async () => {
  await using pool = new WorkerPool({ maxThreads: 2, maxWaiting: 3 });
  const done: unknown[] = [];
  const controller = new AbortController();
  const { signal } = controller;
  const stuck = [call(pool, "hang", undefined, { signal }), call(pool, "hang", undefined, { signal })].map((one) => rejects(one));
  const waiting = [1, 2, 3].map(async (n) => done.push(await call(pool, "run", n)));
  deepEqual([pool.running, pool.waiting], [2, 3]);
  await rejects(call(pool, "run", 4), { code: "offload.busy", retryable: true });
  controller.abort();
  await Promise.all([...stuck, ...waiting]);
  deepEqual(new Set(done), new Set([1, 2, 3]));
  equal(await call(pool, "run", 5), 5);
  await using none = new WorkerPool({ maxThreads: 1, maxWaiting: 0 });
  const only = call(none, "run", 1);
  await rejects(call(none, "run", 2), { code: "offload.busy" });
  equal(await only, 1);
});

test("one thread works in the order of the calls, and two at the same time", async () => {
  await using one = new WorkerPool({ maxThreads: 1 });
  const done: unknown[] = [];
  await Promise.all(Array.from({ length: 20 }, async (_, n) => done.push(await call(one, "run", n))));
  deepEqual(
    done,
    Array.from({ length: 20 }, (_, n) => n),
  );
  const directory = await mkdtemp(join(tmpdir(), "suda-offload-"));
  try {
    await using two = new WorkerPool({ maxThreads: 2 });
    // The first waits for what comes after the second.
    const first = call(two, "spinUntilFile", join(directory, "go"));
    notEqual(await call(two, "whichThread"), undefined);
    await writeFile(join(directory, "go"), "");
    equal(await first, "seen");
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("input and result have bounds, and what cannot be sent is said to be so", async () => {
  await using pool = new WorkerPool({ maxThreads: 1, maxInputBytes: 1_000, maxResultBytes: 2_000 });
  await call(pool, "run", new Uint8Array(900));
  await rejects(call(pool, "run", new Uint8Array(1_001)), { code: "offload.too_large" });
  equal((await pool.offload<Uint8Array>(modules, 1_900, { exportName: "bytes" })).byteLength, 1_900);
  await rejects(call(pool, "bytes", 2_001), { code: "offload.too_large" });
  await rejects(call(pool, "bytes", 100_000_000), { code: "offload.too_large" });
  await rejects(
    call(pool, "run", () => {}),
    { code: "offload.unsendable" },
  );
  await rejects(call(pool, "unsendable"), { code: "offload.unsendable" });
  equal(await call(pool, "run", "and goes on"), "and goes on");
});

test("a thread that fails after its work was done ends nothing but itself, and is told of", async () => {
  let tell = (_error: Error): void => {};
  const told = new Promise<Error>((resolve) => (tell = resolve));
  await using pool = new WorkerPool({ maxThreads: 1, onThreadError: (error) => tell(error) });
  equal(await call(pool, "leaveBomb"), "left");
  // A thread without work does not keep the process alive, and this test waits for one.
  const alive = setInterval(() => {}, 1_000);
  equal((await told).message, "left behind");
  clearInterval(alive);
  equal(await call(pool, "run", 1), 1);
});

test("closing lets work end, cuts it after 5 s, and refuses what comes then", async () => {
  const clock = new ManualClock();
  const pool = new WorkerPool({ maxThreads: 1, clock });
  const done = call(pool, "spin", 20);
  const stuck = rejects(call(pool, "hang"), { code: "offload.closed" });
  const waits = rejects(call(pool, "run", 1), { code: "offload.closed" });
  const closed = pool[Symbol.asyncDispose]();
  await rejects(call(pool, "run", 1), { code: "offload.closed" });
  equal(await done, "spun");
  clock.advance(5_000);
  await Promise.all([closed, stuck, waits]);
  await pool[Symbol.asyncDispose]();
});

test("options that are no numbers of their kind are a mistake of the program", async () => {
  const wrong: WorkerPoolOptions[] = [{ maxThreads: 0 }, { maxWaiting: -1 }, { timeoutMs: 0 }, { maxResultBytes: Number.NaN }, { maxHeapMb: 1 }];
  for (const options of wrong) throws(() => new WorkerPool(options), RangeError, JSON.stringify(options));
  await using pool = new WorkerPool();
  await rejects(call(pool, "run", 1, { timeoutMs: 0 }), RangeError);
  deepEqual([pool.running, pool.waiting], [0, 0]);
});

test("every code says what it means", () => {
  for (const [code, { means }] of Object.entries(offloadErrors)) ok(means.length > 15, code);
  equal(new OffloadError("offload.busy", { detail: "Here." }).message.startsWith("Here. "), true);
});

function call(pool: WorkerPool, exportName: string, input?: unknown, options: OffloadOptions = {}): Promise<string> {
  return pool.offload(modules, input, { exportName, ...options });
}

async function errorOf(work: Promise<unknown>): Promise<OffloadError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  ok(error instanceof OffloadError, String(error));
  return error;
}
