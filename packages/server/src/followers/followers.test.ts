/** Retries, dead letters and leases, as documents. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConversationId } from "@suda/protocol";
import { ManualClock, SeededRandom } from "@suda/testing";
import { MemoryStore } from "../store/memory-store.ts";
import type { LogEntry } from "../store/store.ts";
import { DeadLetters, deadLettersMax } from "./dead-letters.ts";
import { holdLease, leaveLease } from "./lease.ts";
import { backOffMs, giveUpAfterMs, Retries, type Trouble } from "./retries.ts";
import { webhookIdOf } from "./signed-request.ts";

const id = "room" as ConversationId;
const hourMs = 3_600_000;
const failed = { code: "outgoing.status", message: "The status is 500." };
const entryAt = (seq: number, at: number): LogEntry => ({ seq, at, body: { type: "message.created" } }) as unknown as LogEntry;
const troubleOf = (seq: number): Trouble => ({ conversation: id, seq, type: "message.created", attempts: 3, firstFailureAt: 1, ...failed }) as Trouble;

test("[W5] waits are jittered in full, below a bound that doubles from a second to ten minutes", () => {
  const random = new SeededRandom(1);
  for (let failures = 1; failures < 40; failures++) {
    const waits = Array.from({ length: 200 }, () => backOffMs(failures, random));
    const bound = Math.min(1_000 * 2 ** (failures - 1), 600_000);
    assert.ok(Math.max(...waits) <= bound && Math.max(...waits) > 0.9 * bound && Math.min(...waits) < 0.1 * bound, `${failures}`);
  }
});

test("[W5] [W7] an event is tried for 72 hours from its log's first failure, and one behind it until it is that old itself", async () => {
  const clock = new ManualClock();
  await using store = new MemoryStore({ clock });
  const open = (): Promise<Retries> => Retries.open({ documents: store.documents, prefix: "f/x/", clock, random: new SeededRandom(1) });
  let retries = await open();
  const start = clock.now();
  assert.ok("waitMs" in (await retries.failed(id, entryAt(1, start), failed)));
  clock.advance(giveUpAfterMs - 1);
  // Another process, or this one after a restart, goes on with the same.
  retries = await open();
  assert.ok("waitMs" in (await retries.failed(id, entryAt(1, start), failed)));
  clock.advance(1);
  const over = await retries.failed(id, entryAt(1, start), failed);
  assert.ok("givenUp" in over);
  assert.deepEqual([over.givenUp.attempts, over.givenUp.firstFailureAt], [3, start]);
  assert.ok("waitMs" in (await retries.failed(id, entryAt(2, start + hourMs), failed)), "an hour younger");
  assert.equal(retries.troubles.get(id)?.attempts, 1);
  clock.advance(hourMs);
  assert.ok("givenUp" in (await retries.failed(id, entryAt(2, start + hourMs), failed)));
  await retries.succeeded(id);
  assert.equal((await open()).troubles.size, 0);
  // What was written long ago, while nobody delivered, has its 72 hours from the first failure.
  assert.ok("waitMs" in (await retries.failed(id, entryAt(3, start), failed)));
});

test("[W7] a thousand dead letters per bot are kept; then the oldest go and are counted", async () => {
  await using store = new MemoryStore();
  const letters = new DeadLetters(store.documents);
  await letters.add("other", troubleOf(1), 1);
  for (let seq = 1; seq <= deadLettersMax; seq++) assert.equal(await letters.add("bot", troubleOf(seq), seq), 0);
  assert.equal(await letters.add("bot", troubleOf(2_000), 2_000), 1);
  assert.deepEqual([await letters.count("bot"), (await letters.list("bot", undefined, 1))[0]?.seq], [deadLettersMax, 2]);
  const second = (await letters.list("bot", undefined, 1))[0]?.id ?? "";
  assert.deepEqual([await letters.delete("bot", second), await letters.delete("bot", second), await letters.count("bot")], [true, false, deadLettersMax - 1]);
  assert.equal((await letters.list("bot", second, 1))[0]?.seq, 3);
  assert.equal(await letters.deleteAll("bot"), deadLettersMax - 1);
  assert.deepEqual([await letters.count("bot"), await letters.count("other")], [0, 1]);
});

test("[W4] a lease has one holder until its time is over, or until it is left", async () => {
  const clock = new ManualClock();
  await using store = new MemoryStore({ clock });
  const of = (holder: string) => ({ documents: store.documents, clock, holder, leaseMs: 15_000 });
  const both = await Promise.all([holdLease(of("a"), "l/x"), holdLease(of("b"), "l/x")]);
  assert.deepEqual(both.toSorted(), [false, true]);
  const [holder = "", other = ""] = both[0] ? ["a", "b"] : ["b", "a"];
  clock.advance(10_000);
  assert.ok(await holdLease(of(holder), "l/x"));
  clock.advance(14_999);
  assert.ok(!(await holdLease(of(other), "l/x")));
  clock.advance(1);
  assert.deepEqual([await holdLease(of(other), "l/x"), await holdLease(of(holder), "l/x")], [true, false]);
  await leaveLease(of(holder), "l/x");
  assert.ok(!(await holdLease(of(holder), "l/x")), "only one's own is left");
  await leaveLease(of(other), "l/x");
  assert.ok(await holdLease(of(holder), "l/x"));
  assert.ok(await holdLease({ ...of(other), leaseMs: 0 }, "l/x"), "alone, nobody is asked");
});

test("[W3] ids of deliveries differ for every entry of every conversation", () => {
  const conversations = ["d.X", "g.X", "X", "d_X", "g_X", "h_X", "h_d_X", "X_1"] as ConversationId[];
  const ids = conversations.flatMap((conversation) => [1, 11].map((seq) => webhookIdOf(conversation, seq)));
  assert.equal(new Set(ids).size, ids.length);
  for (const one of [...ids, webhookIdOf("x".repeat(64) as ConversationId, Number.MAX_SAFE_INTEGER)]) assert.match(one, /^[A-Za-z0-9_-]{1,100}$/);
});
