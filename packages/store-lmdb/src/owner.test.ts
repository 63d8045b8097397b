/** S20: one writer process per directory, and none that is dead in the way of the next. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreOpenError } from "@suda/server/store";
import { Child, createLobby, readAll, say, TestDirectory } from "../test/kit.ts";
import { openDatabase } from "./database.ts";
import { ownerKey } from "./keys.ts";
import { openLmdbStore } from "./open-lmdb-store.ts";
import { judgeOwner, newOwner, type Owner } from "./owner.ts";
import { decodeRecord, encodeRecord } from "./records.ts";

const isInUse = (error: unknown) => error instanceof StoreOpenError && error.code === "in_use";

/** Leaves an owner's record as if that owner held the store. */
async function leaveOwner(directory: TestDirectory, owner: Partial<Owner>): Promise<void> {
  await (await openLmdbStore({ directory: directory.path }))[Symbol.asyncDispose]();
  const database = openDatabase(directory.dataFile);
  await database.put(ownerKey, encodeRecord(ownerKey, { ...newOwner(directory.dataFile, Date.now()), token: "other", ...owner }));
  await database.close();
}

test("[S20] a second opening in the same process is refused, and the first goes on", async () => {
  using directory = new TestDirectory();
  await using store = await openLmdbStore({ directory: directory.path });
  await createLobby(store);
  await assert.rejects(openLmdbStore({ directory: directory.path }), (error) => isInUse(error) && /this very process/.test((error as Error).message));
  assert.equal((await say(store, "still here"))?.outcome, "stored");
  assert.equal((await readAll(store)).length, 1);
});

test("[S20] a second process is refused at once, in both directions, until the first has closed", async () => {
  using directory = new TestDirectory();
  {
    await using store = await openLmdbStore({ directory: directory.path });
    await using second = new Child("hold", directory.path);
    assert.match((await second.line()) ?? "", /^failed in_use .* is in use by process \d+ on /);
    assert.equal(store.status().state, "ready");
  }
  await using holder = new Child("hold", directory.path);
  assert.equal(await holder.line(), "open");
  await assert.rejects(openLmdbStore({ directory: directory.path }), (error) => isInUse(error) && (error as Error).message.includes(`process ${holder.pid} `));
});

test("[S20] an owner that was killed does not block the next start", async () => {
  using directory = new TestDirectory();
  await using holder = new Child("hold", directory.path);
  assert.equal(await holder.line(), "open");
  await holder.kill();
  await using store = await openLmdbStore({ directory: directory.path });
  assert.equal(store.status().state, "ready");
});

test("[S20] a process that got the dead owner's number is not taken for it", async () => {
  using directory = new TestDirectory();
  await leaveOwner(directory, { pid: process.pid, startedAt: "1" });
  await using store = await openLmdbStore({ directory: directory.path });
  assert.equal(store.status().state, "ready");
});

test("[S20] an owner on another host is judged by its beat: stale is taken over, at once", async () => {
  using directory = new TestDirectory();
  await leaveOwner(directory, { hostname: "elsewhere", beat: Date.now() - 16_000 });
  await using store = await openLmdbStore({ directory: directory.path });
  assert.equal(store.status().state, "ready");
});

test("[S20] an owner on another host that does not beat again is waited out", async () => {
  using directory = new TestDirectory();
  await leaveOwner(directory, { hostname: "elsewhere" });
  await using store = await openLmdbStore({ directory: directory.path, staleOwnerMs: 300 });
  assert.equal(store.status().state, "ready");
});

test("[S20] an owner on another host that beats again is alive, and the opening is refused", async () => {
  using directory = new TestDirectory();
  await leaveOwner(directory, { hostname: "elsewhere" });
  const database = openDatabase(directory.dataFile);
  const owner = newOwner(directory.dataFile, Date.now());
  const beating = setInterval(() => {
    void database.put(ownerKey, encodeRecord(ownerKey, { ...owner, token: "other", hostname: "elsewhere", beat: Date.now() }));
  }, 20);
  try {
    await assert.rejects(openLmdbStore({ directory: directory.path }), (error) => isInUse(error) && /on elsewhere/.test((error as Error).message));
  } finally {
    clearInterval(beating);
    await database.close();
  }
});

test("[S20] [S18] an owner that was only slow and was taken over commits nothing any more", async () => {
  using directory = new TestDirectory();
  await using slow = await openLmdbStore({ directory: directory.path });
  await createLobby(slow);
  await say(slow, "mine");
  // Another host's view of it: the same record, but from elsewhere and with an old beat.
  const database = openDatabase(directory.dataFile);
  const record = { ...newOwner(directory.dataFile, Date.now() - 60_000), hostname: "elsewhere" };
  const token = (decodeRecord(ownerKey, database.getBinary(ownerKey) as Buffer) as Owner).token;
  await database.put(ownerKey, encodeRecord(ownerKey, { ...record, token }));
  await database.close();
  await using next = await openLmdbStore({ directory: directory.path });
  await assert.rejects(say(slow, "not mine any more"), (error) => (error as { code?: string }).code === "store.failed");
  assert.match(JSON.stringify(slow.status()), /failed.*taken this store over/);
  assert.equal((await say(next, "mine now"))?.outcome, "stored");
  assert.equal((await readAll(next)).length, 2);
});

test("[S20] the owner's record in a copy of the file speaks of the original", () => {
  const self = newOwner(process.execPath, 1_000);
  const judge = (other: Partial<Owner>) => judgeOwner({ ...self, ...other }, { self, now: 1_000, staleMs: 15_000 });
  assert.equal(judge({}), "running");
  assert.equal(judge({ file: "1" }), "dead");
  assert.equal(judge({ bootId: "other" }), "beating");
  assert.equal(judge({ pidNamespace: "other", beat: -20_000 }), "silent");
  assert.equal(judge({ startedAt: null }), "beating");
  assert.equal(judge({ startedAt: null, pid: 2 ** 30 }), "dead");
});
