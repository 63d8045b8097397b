/** S57: who moves a store keeps others from writing to it, gives it back, or closes it for good; and none that is dead is in the way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreOpenError } from "@suda/server/store";
import { Child, createLobby, lobby, say, TestDirectory } from "../test/kit.ts";
import { openDatabase } from "./database.ts";
import { moveKey } from "./keys.ts";
import { MoveLost, openLmdbMove } from "./lmdb-move.ts";
import { writeMoveMark } from "./move-mark.ts";
import { openLmdbReadOnly } from "./open-lmdb-read-only.ts";
import { openLmdbStore } from "./open-lmdb-store.ts";
import { newOwner } from "./owner.ts";

async function fill(directory: TestDirectory): Promise<void> {
  await using store = await openLmdbStore({ directory: directory.path });
  await createLobby(store);
  await say(store, "one");
}

/** What another process says when it opens the store. */
async function opening(directory: TestDirectory): Promise<string> {
  await using child = new Child("hold", directory.path);
  return (await child.line()) ?? "";
}

test("[S57] while a store is being moved nobody opens it; given back it is as it was, moved it stays closed and can be read", async () => {
  using directory = new TestDirectory();
  await fill(directory);
  {
    await using move = await openLmdbMove({ directory: directory.path });
    assert.equal(move.movedTo, undefined);
    move.freeze();
    assert.match(await opening(directory), new RegExp(`^failed in_use .* is being moved by process ${process.pid} on `));
    move.giveBack();
    assert.equal(await opening(directory), "open");
    move.freeze();
    move.finish("elsewhere");
  }
  assert.match(await opening(directory), /^failed moved .* was moved to elsewhere at 20/);
  await using again = await openLmdbMove({ directory: directory.path });
  assert.equal(again.movedTo, "elsewhere");
  assert.throws(
    () => again.freeze(),
    (error) => error instanceof StoreOpenError && error.code === "moved",
  );
  assert.equal((await again.store.conversations.get(lobby))?.head.seq, 1);
});

test("[S57] a mover that died is in nobody's way, one that was given up learns of it, and its end gives the store back", async () => {
  using directory = new TestDirectory();
  await fill(directory);
  const mark = (mover: object): void => {
    const database = openDatabase(directory.dataFile);
    database.transactionSync(() => {
      writeMoveMark(database, { state: "frozen", mover: { ...newOwner(directory.dataFile, Date.now()), ...mover }, fenced: null });
    });
    void database.close();
  };
  mark({ pid: process.pid, startedAt: "1" });
  assert.equal(await opening(directory), "open");
  {
    await using move = await openLmdbMove({ directory: directory.path });
    move.freeze();
    const database = openDatabase(directory.dataFile);
    await database.remove(moveKey);
    assert.throws(() => move.finish("elsewhere"), MoveLost);
  }
  assert.equal(await opening(directory), "open");
  {
    await using move = await openLmdbMove({ directory: directory.path });
    move.freeze();
  }
  await using store = await openLmdbReadOnly({ directory: directory.path });
  assert.equal((await store.conversations.get(lobby))?.head.seq, 1);
  assert.equal(await opening(directory), "open");
});
