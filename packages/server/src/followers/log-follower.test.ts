/** Working off logs: order, bounds, waits and failures of one that keep no other. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import { ManualClock } from "@suda/testing";
import { MemoryStore } from "../store/memory-store.ts";
import type { LogEntry } from "../store/store.ts";
import { LogFollower, type LogFollowerOptions, type Step } from "./log-follower.ts";

const alice = "alice" as UserId;

class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore({ clock: this.clock });
  readonly cursors = new Map<ConversationId, number>();
  readonly done: string[] = [];
  readonly failures: unknown[] = [];
  atOnce = 100;
  perform: (id: ConversationId, entry: LogEntry) => Promise<Step> = async () => "done";
  readonly follower: LogFollower;

  constructor(options: Partial<LogFollowerOptions> = {}) {
    this.follower = new LogFollower({
      store: this.store,
      clock: this.clock,
      cursor: async (id) => this.cursors.get(id),
      advance: async (id, seq) => void this.cursors.set(id, seq),
      perform: async (id, entry) => {
        const step = await this.perform(id, entry);
        if (step === "done") this.done.push(`${id}${entry.seq}`);
        return step;
      },
      atOnce: () => this.atOnce,
      onFailure: (error) => this.failures.push(error),
      ...options,
    });
  }

  async write(name: string, count: number): Promise<ConversationId> {
    const id = name as ConversationId;
    await this.store.conversations.create({ id, kind: "group", epoch: "e", createdAt: 1, members: [{ user: alice, role: "owner" }] });
    if (!this.cursors.has(id)) this.cursors.set(id, 0);
    for (let n = 0; n < count; n++)
      await this.store.log.append(id, [
        { from: alice, clientId: `${Math.random()}` as ClientId, body: { type: "message.created", content: { type: "text", text: "x" } } },
      ]);
    return id;
  }

  async quiet(): Promise<void> {
    for (let n = 0; n < 200; n++) await new Promise((resolve) => setImmediate(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.follower[Symbol.asyncDispose]();
  }
}

describe("a follower of logs", () => {
  test("works off each log in order, more than a page too, and what comes meanwhile", async () => {
    await using world = new World();
    const a = await world.write("a", 250);
    world.follower.wake(a);
    await world.write("a", 1);
    world.follower.wake(a);
    await world.quiet();
    assert.deepEqual(
      world.done,
      Array.from({ length: 251 }, (_, index) => `a${index + 1}`),
    );
    assert.deepEqual([world.cursors.get(a), world.follower.pending], [251, 0]);
  });

  test("begins no more logs than it may, and the others in the order of waking", async () => {
    await using world = new World();
    let under = 0;
    let most = 0;
    world.perform = async () => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setImmediate(resolve));
      under--;
      return "done";
    };
    world.atOnce = 0;
    for (const name of ["a", "b", "c", "d", "e"]) world.follower.wake(await world.write(name, 1));
    await world.quiet();
    assert.deepEqual([world.done, world.follower.pending], [[], 5]);
    world.atOnce = 2;
    world.follower.proceed();
    await world.quiet();
    assert.deepEqual([world.done, most], [["a1", "b1", "c1", "d1", "e1"], 2]);
  });

  test("one that waits is tried again from the same entry, keeps the others from nothing, and is not woken earlier", async () => {
    await using world = new World();
    let isReady = false;
    world.perform = async (id, { seq }) => (id === "a" && seq === 2 && !isReady ? { waitMs: 1_000 } : "done");
    for (const name of ["a", "b"]) world.follower.wake(await world.write(name, 3));
    await world.quiet();
    assert.deepEqual(world.done.toSorted(), ["a1", "b1", "b2", "b3"]);
    isReady = true;
    world.follower.wake("a" as ConversationId);
    world.clock.advance(999);
    await world.quiet();
    assert.equal(world.done.length, 4);
    world.clock.advance(1);
    await world.quiet();
    assert.deepEqual(world.done.slice(4), ["a2", "a3"]);
  });

  test("what is passed is not looked at again, also when what is behind it waits", async () => {
    await using world = new World();
    world.perform = async (_id, { seq }) => (seq < 3 ? "passed" : { waitMs: 1_000 });
    world.follower.wake(await world.write("a", 3));
    await world.quiet();
    assert.deepEqual([...world.cursors.values()], [2]);
  });

  test("one that fails waits to be woken, or for its time; its failure is told", async () => {
    for (const retryMs of [undefined, 1_000]) {
      await using world = new World(retryMs === undefined ? {} : { retryMs });
      let fails = true;
      world.perform = async () => {
        if (fails) throw new Error("no");
        return "done";
      };
      const a = await world.write("a", 1);
      world.follower.wake(a);
      await world.quiet();
      fails = false;
      assert.deepEqual([world.failures.length, world.done], [1, []]);
      if (retryMs === undefined) world.follower.wake(a);
      else world.clock.advance(retryMs);
      await world.quiet();
      assert.deepEqual(world.done, ["a1"]);
    }
  });

  test("the end waits for what is under way and begins nothing more", async () => {
    const world = new World();
    let release = (): void => {};
    world.perform = () => new Promise((resolve) => (release = () => resolve("done")));
    const a = await world.write("a", 2);
    world.follower.wake(a);
    await world.quiet();
    const ended = world.follower[Symbol.asyncDispose]();
    release();
    await ended;
    world.follower.wake(a);
    await world.quiet();
    assert.deepEqual([world.done, world.cursors.get(a)], [["a1"], 1]);
    await world.follower[Symbol.asyncDispose]();
  });
});
