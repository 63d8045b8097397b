/** S31 on a disk: bounded batches, nothing left behind, and whole at every point at which a process may die. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, UserId } from "@suda/protocol";
import { verifyStore, type Draft, type Finding, type LogBody, type Store } from "@suda/server/store";
import { alice, Child, createLobby, lobby, TestDirectory, whyNoStrace } from "../test/kit.ts";
import { openDatabase } from "./database.ts";
import { reactionKey } from "./keys.ts";
import { openLmdbStore } from "./open-lmdb-store.ts";
import { encodeRecord } from "./records.ts";

const bob = "bob" as UserId;
const keyed = (index: number): Draft => ({
  from: alice,
  clientId: `k${index}` as ClientId,
  body: { type: "message.created", content: { type: "text", text: `message ${index}` } },
});
const appendAll = async (store: Store, drafts: readonly Draft[]): Promise<void> => {
  for (let start = 0; start < drafts.length; start += 100) await store.log.append(lobby, drafts.slice(start, start + 100));
};

/** `count` messages of alice with the keys k0, k1…, each fifth of which was edited, reacted to and hidden. */
async function fill(store: Store, count: number): Promise<void> {
  await createLobby(store);
  await store.log.append(lobby, [{ from: alice, body: { type: "member.added", users: [bob] } }]);
  await appendAll(
    store,
    Array.from({ length: count }, (_, index) => keyed(index)),
  );
  const targets = Array.from({ length: count / 5 }, (_, index) => index * 5 + 2);
  const changes = targets.flatMap((target): LogBody[] => [
    { type: "message.edited", target, rev: 0, content: { type: "text", text: `edit ${target}` } },
    { type: "reaction.added", target, emoji: "👍" },
  ]);
  await appendAll(
    store,
    changes.map((body) => ({ from: alice, body })),
  );
  await Promise.all(targets.map((target) => store.conversations.hideMessage(lobby, bob, target)));
}

async function assertWhole(store: Store): Promise<void> {
  const findings: Finding[] = [];
  await verifyStore(store, (finding) => findings.push(finding));
  assert.deepEqual(findings, []);
}

/** Of the lobby's keys, how many there are of each kind: their letter. */
async function countKeys(directory: TestDirectory): Promise<Record<string, number>> {
  const database = openDatabase(directory.dataFile);
  const counts: Record<string, number> = {};
  for (const key of database.getKeys({ start: "c", end: "d" })) counts[key.charAt(6 + 1)] = (counts[key.charAt(6 + 1)] ?? 0) + 1;
  await database.close();
  return counts;
}

test("[S31] a long truncation is many commits of a bounded size, between which appends take their turn", async () => {
  using directory = new TestDirectory();
  const commits: { records: number; floor: number; head: number }[] = [];
  const world: { store?: Store } = {};
  await using store = await openLmdbStore({
    directory: directory.path,
    onEvent: (event) => {
      // The event comes before the commit's callers are answered, and behind what they will read.
      if (event.event === "commit")
        void world.store?.conversations
          .get(lobby)
          .then((conversation) => commits.push({ records: event.records, floor: conversation?.floor?.seq ?? 0, head: conversation?.head.seq ?? 0 }));
    },
  });
  await fill(store, 3_000);
  world.store = store;
  const before = (await store.conversations.get(lobby))?.head.seq ?? 0;
  const truncating = store.log.truncate(lobby, 2_900);
  let appended = 0;
  const progress = { isDone: false };
  const appending = (async () => {
    for (; !progress.isDone; appended++) await store.log.append(lobby, [keyed(10_000 + appended)]);
  })();
  assert.deepEqual(await truncating, { removed: 2_899, from: 2_900 });
  progress.isDone = true;
  await appending;
  assert.ok(Math.max(...commits.map(({ records }) => records)) <= 2_000, "a commit of some 512 records, and what goes with them");
  assert.ok(new Set(commits.map(({ floor }) => floor)).size >= 8, "the floor moves step by step");
  assert.ok(
    commits.some(({ floor, head }) => floor > 1 && floor < 2_899 && head > before),
    "appends between the batches",
  );
  assert.equal((await store.conversations.get(lobby))?.head.seq, before + appended);
  await assertWhole(store);
});

test("[S31] of truncated messages nothing is left on the disk but their keys, however many reactions one had", async () => {
  using directory = new TestDirectory();
  {
    await using store = await openLmdbStore({ directory: directory.path });
    await fill(store, 50);
    const crowd = Array.from({ length: 2_300 }, (_, index) => `user${index}` as UserId);
    await appendAll(
      store,
      crowd.map((from) => ({ from, body: { type: "reaction.added", target: 4, emoji: "👍" } })),
    );
    assert.equal((await store.log.reactedBy(lobby, "user7" as UserId, [4])).size, 1);
  }
  const { a = 0, h = 0, k = 0, s = 0 } = await countKeys(directory);
  assert.deepEqual([a, h, k, s], [10 + 10 + 1 + 2_300, 10, 50, 1 + 50 + 20 + 2_300], "it was there");
  {
    await using store = await openLmdbStore({ directory: directory.path });
    await store.log.truncate(lobby, 10);
    await assertWhole(store);
  }
  // Targets are 2, 7, 12…: two of them and 4 are gone.
  const partly = await countKeys(directory);
  assert.deepEqual([partly["a"], partly["h"], partly["k"], partly["s"]], [8 + 8, 8, 50, s - 9]);
  {
    await using store = await openLmdbStore({ directory: directory.path });
    await store.log.truncate(lobby, Number.MAX_SAFE_INTEGER);
    await assertWhole(store);
  }
  // A head, a record, two members, the keys; no count of hides.
  assert.deepEqual(await countKeys(directory), { b: 1, k: 50, m: 2, t: 1 });
});

test("[S31] marks of reactions that a crash left behind the floor are in no read, and the next truncation sweeps them", async () => {
  using directory = new TestDirectory();
  {
    await using store = await openLmdbStore({ directory: directory.path });
    await fill(store, 10);
    await store.log.truncate(lobby, 5);
  }
  const left = reactionKey(lobby, 2, alice, "👍");
  const database = openDatabase(directory.dataFile);
  await database.put(left, encodeRecord(left, []));
  await database.close();
  await using store = await openLmdbStore({ directory: directory.path });
  assert.deepEqual(await store.log.reactedBy(lobby, alice, [2, 7]), new Map([[7, ["👍"]]]));
  await assertWhole(store);
  assert.deepEqual(await store.log.truncate(lobby, 5), { removed: 0, from: 5 });
  await store[Symbol.asyncDispose]();
  assert.equal((await countKeys(directory))["a"], 2, "the annotation and the reaction of 7");
});

test("[S31] [S5] [S3] after kill -9 between two batches the log begins at a floor, everything agrees, and every key still answers", async () => {
  using directory = new TestDirectory();
  {
    await using store = await openLmdbStore({ directory: directory.path });
    await fill(store, 4_000);
  }
  const acked = new Map<string, number>();
  let floor = 0;
  for (const [round, killAfter] of [2, 5, 9].entries()) {
    let started = 0;
    {
      await using child = new Child("truncate", directory.path, { count: 3_000 });
      for (let commits = 0; commits < killAfter; ) {
        const line = await child.line();
        assert.ok(line !== undefined && !line.startsWith("truncated"), `round ${round}: ${line}`);
        const [word, seq, key = ""] = line.split(" ");
        if (word === "start") started = Number(seq);
        if (word === "commit") commits++;
        if (word === "ack") acked.set(key, Number(seq));
      }
      await child.kill();
    }
    await using store = await openLmdbStore({ directory: directory.path });
    await assertWhole(store);
    const conversation = await store.conversations.get(lobby);
    assert.ok(conversation?.floor !== undefined && started > 0);
    assert.ok(conversation.floor.seq > floor, "each round got further");
    floor = conversation.floor.seq;
    assert.equal((await store.log.readAfter(lobby, 0, 1))[0]?.seq, floor + 1);
    for (const index of [0, 1, 500, floor - 2, floor - 1, floor, 3_999]) {
      const [again] = await store.log.append(lobby, [keyed(index)]);
      assert.deepEqual([again?.outcome, again?.outcome === "duplicate" && again.seq], ["duplicate", index + 2], `k${index}`);
      const [other] = await store.log.append(lobby, [{ ...keyed(index), body: { type: "message.created", content: { type: "text", text: "other" } } }]);
      assert.deepEqual(other, { outcome: "conflict", seq: index + 2 });
    }
    for (const [key, seq] of acked) {
      const [again] = await store.log.append(lobby, [keyed(Number(key.slice(1)))]);
      assert.deepEqual([again?.outcome, again?.outcome === "duplicate" && again.seq], ["duplicate", seq], key);
    }
  }
  assert.ok(acked.size > 0, "appends were acknowledged between the batches");
});

test("[S31] [S18] a truncation whose commit fails is refused, and a restart finds the batches before it and no more", { skip: whyNoStrace() }, async () => {
  using directory = new TestDirectory();
  {
    await using store = await openLmdbStore({ directory: directory.path });
    await fill(store, 1_000);
  }
  // Counted per thread, so of the one that commits: the cut before 2, the first batch of the one before 300, then its second.
  const under = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=3"];
  let lines: readonly string[];
  {
    await using child = new Child("truncate-failing", directory.path, { under });
    lines = await child.rest();
  }
  const [, , , , failed = ""] = lines;
  const floor = failed.split(" ").at(-1) ?? "";
  assert.ok(Number(floor) > 1 && Number(floor) < 299, "between two batches");
  assert.deepEqual(lines, [
    "open",
    "truncated 1 2",
    "status ready floor 1",
    "refused store.failed",
    `status failed floor ${floor}`,
    "refused store.failed",
    `status failed floor ${floor}`,
    "end closed",
  ]);
  await using store = await openLmdbStore({ directory: directory.path });
  await assertWhole(store);
  assert.equal(String((await store.conversations.get(lobby))?.floor?.seq), floor, "what was shown as gone is gone");
  assert.equal((await store.log.truncate(lobby, 900)).from, 900);
  await assertWhole(store);
});
