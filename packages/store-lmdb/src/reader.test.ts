/** S17: damage is found and named, never served. In child processes, because damage may also kill. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { StoreCorruptError } from "@suda/server/store";
import { Child, createLobby, lobby, say, TestDirectory } from "../test/kit.ts";
import { openDatabase } from "./database.ts";
import { entryKey, memberKey } from "./keys.ts";
import { openLmdbStore } from "./open-lmdb-store.ts";

const count = 40;

async function fill(directory: TestDirectory): Promise<void> {
  await using store = await openLmdbStore({ directory: directory.path });
  await createLobby(store);
  await Promise.all(Array.from({ length: count }, (_, index) => say(store, `message number ${index + 1}.`)));
}

async function readInChild(directory: TestDirectory): Promise<string[]> {
  await using child = new Child("read", directory.path, { count });
  const lines = await child.rest();
  assert.ok(lines.length > 0, "the child did not even start");
  return lines;
}

test("[S17] one flipped bit in an entry is found, and conversation and seq are named; the others are served", async () => {
  using directory = new TestDirectory();
  await fill(directory);
  const file = readFileSync(directory.dataFile);
  let flips = 0;
  // Old copies of the page are in the file as well: all are flipped.
  for (let at = file.indexOf("message number 17."); at >= 0; at = file.indexOf("message number 17.", at + 1)) {
    file[at + 3] = (file[at + 3] ?? 0) ^ 0x10;
    flips++;
  }
  assert.ok(flips > 0);
  writeFileSync(directory.dataFile, file);
  const lines = await readInChild(directory);
  assert.deepEqual(lines, [
    "open",
    ...Array.from({ length: count }, (_, index) => (index === 16 ? "error 17 store.corrupt lobby 17" : `entry ${index + 1} message number ${index + 1}.`)),
    "end closed",
  ]);
});

test("[S17] flipped bits anywhere in the data pages are an error or change nothing that is served", async () => {
  using directory = new TestDirectory();
  await fill(directory);
  const original = readFileSync(directory.dataFile);
  const intact = new Set(Array.from({ length: count }, (_, index) => `entry ${index + 1} message number ${index + 1}.`));
  for (let trial = 0; trial < 6; trial++) {
    const file = Buffer.from(original);
    for (let page = 2; page < file.length / 4_096; page++) {
      const at = page * 4_096 + ((trial * 1_231 + 97) % 4_096);
      file[at] = (file[at] ?? 0) ^ (1 << (trial % 8));
    }
    writeFileSync(directory.dataFile, file);
    const served = (await readInChild(directory)).filter((line) => line.startsWith("entry"));
    for (const line of served) assert.ok(intact.has(line), `served what was never written: ${line}`);
  }
});

test("[S17] a missing entry, a record in another's place, a damaged member: errors that name the place", async () => {
  using directory = new TestDirectory();
  await fill(directory);
  const database = openDatabase(directory.dataFile);
  await database.remove(entryKey(lobby, 5));
  await database.put(entryKey(lobby, 9), database.getBinary(entryKey(lobby, 8)) as Buffer);
  const member = database.getBinary(memberKey(lobby, "alice" as never)) as Buffer;
  member[member.length - 1] = (member.at(-1) ?? 0) ^ 1;
  await database.put(memberKey(lobby, "alice" as never), member);
  await database.close();
  await using store = await openLmdbStore({ directory: directory.path });
  const namesSeq = (seq: number | undefined) => (error: unknown) => error instanceof StoreCorruptError && error.conversation === lobby && error.seq === seq;
  await assert.rejects(store.log.readAfter(lobby, 0, 40), namesSeq(5));
  await assert.rejects(store.log.readBefore(lobby, 41, 40), namesSeq(9));
  await assert.rejects(store.conversations.member(lobby, "alice" as never), namesSeq(undefined));
  await assert.rejects(say(store, "who reads a damaged member's mark cannot send"), namesSeq(undefined));
  assert.equal((await store.log.readAfter(lobby, 9, 40)).length, 31);
  assert.equal(store.status().state, "ready");
});
