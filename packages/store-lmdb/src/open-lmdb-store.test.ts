/** Start-up: every refusal has a code, says what to do, and leaves the files as they were. */
import assert from "node:assert/strict";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { StoreOpenError, type StoreOpenCode } from "@suda/server/store";
import { alice, createLobby, readAll, say, TestDirectory } from "../test/kit.ts";
import { checkDataFile } from "./data-file.ts";
import { openDatabase, type Database } from "./database.ts";
import { openLmdbStore } from "./open-lmdb-store.ts";
import { userKey } from "./keys.ts";
import { encodeRecord } from "./records.ts";

const refusedAs = (code: StoreOpenCode) => (error: unknown) => error instanceof StoreOpenError && error.code === code;

async function fill(directory: TestDirectory, messages = 200): Promise<void> {
  await using store = await openLmdbStore({ directory: directory.path });
  await createLobby(store);
  await Promise.all(Array.from({ length: messages }, (_, index) => say(store, `message ${index} ${"x".repeat(500)}`)));
}

test("[S22] a data file that was cut off is refused before it is mapped, wherever it was cut", async () => {
  using directory = new TestDirectory();
  await fill(directory);
  const size = statSync(directory.dataFile).size;
  for (const cut of [size - 4_096, size >> 1, 12_288, 8_192]) {
    truncateSync(directory.dataFile, cut);
    await assert.rejects(openLmdbStore({ directory: directory.path }), refusedAs("truncated"));
    assert.equal(statSync(directory.dataFile).size, cut, "the refusal changed nothing");
  }
  truncateSync(directory.dataFile, 5_000);
  await assert.rejects(openLmdbStore({ directory: directory.path }), refusedAs("truncated"));
  truncateSync(directory.dataFile, 0);
  await assert.rejects(openLmdbStore({ directory: directory.path }), refusedAs("truncated"));
});

test("[S22] a file that grows while it is looked at, because a server writes to it, is whole", async () => {
  using directory = new TestDirectory();
  await using store = await openLmdbStore({ directory: directory.path });
  await createLobby(store);
  let looks = 0;
  for (let round = 0; round < 60; round++) {
    const writing = Promise.all(Array.from({ length: 10 }, (_, index) => say(store, `${round} ${index} ${"x".repeat(3_000)}`))).then(() => "written");
    const turn = (): Promise<string> => new Promise((resolve) => setImmediate(() => resolve("not yet")));
    do {
      checkDataFile(directory.dataFile, directory.path);
      looks++;
    } while ((await Promise.race([writing, turn()])) === "not yet");
  }
  assert.ok(looks > 100, `looked ${looks} times`);
});

test("[S22] a file that is short only by free pages at its end is whole", async () => {
  using directory = new TestDirectory();
  await fill(directory);
  // Pages at the end of the file, made free again: LMDB itself need never have written them.
  const database = openDatabase(directory.dataFile);
  const before = statSync(directory.dataFile).size;
  await database.put("!probe", Buffer.alloc(200_000));
  await database.remove("!probe");
  await database.close();
  assert.ok(statSync(directory.dataFile).size > before);
  truncateSync(directory.dataFile, before + 16_384);
  await using store = await openLmdbStore({ directory: directory.path });
  assert.equal((await readAll(store)).length, 200);
  await say(store, "and it goes on");
});

test("[S22] another program's file is not a store", async () => {
  using directory = new TestDirectory();
  writeFileSync(directory.dataFile, "notes ".repeat(10_000));
  await assert.rejects(openLmdbStore({ directory: directory.path }), refusedAs("not_a_store"));
  assert.equal(readFileSync(directory.dataFile, "utf8").slice(0, 6), "notes ");
});

test("[S22] another program's LMDB is not a store", async () => {
  using directory = new TestDirectory();
  const database = openDatabase(directory.dataFile);
  await database.put("key", Buffer.from("value"));
  await database.close();
  await assert.rejects(openLmdbStore({ directory: directory.path }), refusedAs("not_a_store"));
});

test("[S22] a directory that cannot be made or written says so", async () => {
  using directory = new TestDirectory();
  writeFileSync(join(directory.path, "file"), "");
  await assert.rejects(openLmdbStore({ directory: join(directory.path, "file", "data") }), refusedAs("not_writable"));
  await assert.rejects(openLmdbStore({ directory: join(directory.path, "file") }), refusedAs("not_writable"));
});

test("[S22] a directory whose name has a dot is a directory", async () => {
  using directory = new TestDirectory();
  const path = join(directory.path, "suda.data", "v1.0");
  await using store = await openLmdbStore({ directory: path });
  assert.equal(store.status().state, "ready");
  assert.ok(statSync(join(path, "suda.mdb")).isFile());
});

test("[S22] a damaged record of the store's own is refused as corrupt", async () => {
  using directory = new TestDirectory();
  await fill(directory, 1);
  const database = openDatabase(directory.dataFile);
  await database.put("!schema", Buffer.from("damaged!"));
  await database.close();
  await assert.rejects(openLmdbStore({ directory: directory.path }), refusedAs("corrupt"));
});

test("[S21] a store of a newer version is refused and not touched", async () => {
  using directory = new TestDirectory();
  await using store = await openLmdbStore({ directory: directory.path, migrations: [() => {}, () => {}] });
  await store[Symbol.asyncDispose]();
  const before = readFileSync(directory.dataFile);
  await assert.rejects(
    openLmdbStore({ directory: directory.path }),
    (error) => refusedAs("newer_version")(error) && /schema 3; this one knows 1/.test((error as Error).message),
  );
  assert.ok(before.equals(readFileSync(directory.dataFile)));
});

test("[S21] migrations run once, in order, each with its version in one transaction; a failed one changes nothing", async () => {
  using directory = new TestDirectory();
  await fill(directory, 3);
  const ran: string[] = [];
  const rename = (name: string) => (database: Database) => {
    ran.push(name);
    void database.put(userKey(alice), encodeRecord(userKey(alice), { id: alice, createdAt: 1, name }));
  };
  const fails = (database: Database) => {
    rename("half")(database);
    throw new Error("no");
  };
  await assert.rejects(openLmdbStore({ directory: directory.path, migrations: [rename("one"), fails] }), /^Error: no$/);
  {
    await using store = await openLmdbStore({ directory: directory.path, migrations: [rename("not again")] });
    assert.equal((await store.users.getMany([alice]))[0]?.name, "one");
  }
  await using store = await openLmdbStore({ directory: directory.path, migrations: [rename("not again"), rename("two"), rename("three")] });
  assert.deepEqual(ran, ["one", "half", "two", "three"]);
  assert.equal((await store.users.getMany([alice]))[0]?.name, "three");
  assert.equal((await readAll(store)).length, 3);
});
