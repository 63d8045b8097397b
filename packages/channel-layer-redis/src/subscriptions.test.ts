import assert from "node:assert/strict";
import { test } from "node:test";
import { Subscriptions } from "./subscriptions.ts";

/** A Redis that confirms when the test says so. */
class SlowRedis {
  readonly commands: string[] = [];
  readonly known = new Set<string>();
  readonly subscriptions: Subscriptions;
  readonly #unanswered: (() => void)[] = [];

  constructor() {
    const ask = (word: string, names: readonly string[], take: (name: string) => void): Promise<void> => {
      this.commands.push(`${word} ${names.join(" ")}`);
      return new Promise((resolve) =>
        this.#unanswered.push(() => {
          for (const name of names) take(name);
          resolve();
        }),
      );
    };
    this.subscriptions = new Subscriptions({
      subscribe: (names) => ask("+", names, (name) => this.known.add(name)),
      unsubscribe: (names) => ask("-", names, (name) => this.known.delete(name)),
    });
  }

  /** Lets everything go on that can, and answers what was asked until then. */
  async answer(): Promise<void> {
    await turn();
    for (const answer of this.#unanswered.splice(0)) answer();
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

async function isDone(promise: Promise<unknown>): Promise<boolean> {
  const isSettled = promise.then(() => true);
  await turn();
  return Promise.race([isSettled, Promise.resolve(false)]);
}

test("what is added in one turn goes in one command, and is confirmed together", async () => {
  const redis = new SlowRedis();
  await redis.subscriptions.restore();
  const added = Promise.all(["a", "b", "c"].map((name) => redis.subscriptions.add(name)));
  assert.equal(await isDone(added), false);
  await redis.answer();
  assert.equal(await isDone(added), true);
  assert.deepEqual(redis.commands, ["+ a b c"]);
});

test("a name that is wanted again while it is being unsubscribed is subscribed again", async () => {
  const redis = new SlowRedis();
  await redis.subscriptions.restore();
  const added = redis.subscriptions.add("a");
  await redis.answer();
  await added;
  redis.subscriptions.remove("a");
  await turn();
  assert.deepEqual(redis.commands, ["+ a", "- a"], "on its way");
  const again = redis.subscriptions.add("a");
  assert.equal(await isDone(again), false, "not confirmed by what will end");
  await redis.answer();
  await redis.answer();
  assert.equal(await isDone(again), true);
  assert.deepEqual([redis.commands, [...redis.known]], [["+ a", "- a", "+ a"], ["a"]]);
});

test("a name that is not wanted any more while it is being subscribed is unsubscribed, and who waits for it is let go when that changes", async () => {
  const redis = new SlowRedis();
  await redis.subscriptions.restore();
  const added = redis.subscriptions.add("a");
  await turn();
  redis.subscriptions.remove("a");
  const again = redis.subscriptions.add("a");
  await redis.answer();
  await redis.answer();
  assert.deepEqual([await isDone(added), await isDone(again), [...redis.known]], [true, true, ["a"]]);
  redis.subscriptions.remove("a");
  await redis.answer();
  assert.deepEqual([...redis.known], []);
});

test("who waits when the connection is lost is let go, and all that is wanted is subscribed with the next one", async () => {
  const redis = new SlowRedis();
  await redis.subscriptions.restore();
  const added = redis.subscriptions.add("a");
  await turn();
  redis.subscriptions.lose();
  assert.equal(await isDone(added), true);
  await redis.subscriptions.add("b");
  const restored = redis.subscriptions.restore();
  await redis.answer();
  assert.equal(await isDone(restored), true);
  assert.deepEqual(redis.commands, ["+ a", "+ a b"]);
});
