/** Documents on a disk: what was acknowledged outlives kill -9, and what is damaged is not served. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { SudaError } from "@suda/protocol";
import { StoreCorruptError } from "@suda/server/store";
import { Child, TestDirectory } from "../test/kit.ts";
import { documentKey } from "./keys.ts";
import { openDatabase } from "./database.ts";
import { openLmdbStore } from "./open-lmdb-store.ts";

test("[S36] [S34] after kill -9 every acknowledged document is there, at that version or the one under way", async () => {
  using directory = new TestDirectory();
  const acked = new Map<string, number>();
  for (let round = 0; round < 2; round++) {
    await using child = new Child("documents", directory.path);
    assert.equal(await child.line(), "open");
    for (let lines = 0; lines < 300; lines++) {
      const [word, chain, version] = ((await child.line()) ?? "").split(" ");
      assert.equal(word, "ack");
      assert.ok(Number(version) > (acked.get(chain ?? "") ?? 0), "a version came twice");
      acked.set(chain ?? "", Number(version));
    }
    await child.kill();
    await using store = await openLmdbStore({ directory: directory.path });
    assert.equal(acked.size, 8);
    for (const [chain, version] of acked) {
      const document = await store.documents.get("deliveries", `k${chain}`);
      // Lines that the child wrote and nobody read yet are acknowledgements too: only less would be a loss.
      assert.ok((document?.version ?? 0) >= version, `chain ${chain}: ${document?.version} after ${version} was acknowledged`);
      assert.deepEqual(document?.value, { at: document?.version });
      acked.set(chain, document?.version ?? 0);
    }
  }
});

test("[S17] a flipped bit in a document, or one in another's place, is found, and the others are served", async () => {
  using directory = new TestDirectory();
  {
    await using store = await openLmdbStore({ directory: directory.path });
    for (const name of ["one", "two", "three", "four"]) await store.documents.put("bots", name, { text: `document number ${name}.` });
  }
  const file = readFileSync(directory.dataFile);
  for (let at = file.indexOf("document number two."); at >= 0; at = file.indexOf("document number two.", at + 1)) file[at + 3] = (file[at + 3] ?? 0) ^ 0x10;
  writeFileSync(directory.dataFile, file);
  const database = openDatabase(directory.dataFile);
  await database.put(documentKey("bots", "three"), database.getBinary(documentKey("bots", "four")) as Buffer);
  await database.close();
  await using store = await openLmdbStore({ directory: directory.path });
  const isNamed = (name: string) => (error: unknown) => error instanceof StoreCorruptError && error.message.includes(name);
  await assert.rejects(store.documents.get("bots", "two"), isNamed("two"));
  await assert.rejects(store.documents.put("bots", "two", {}, { ifVersion: 1 }), isNamed("two"));
  await assert.rejects(store.documents.get("bots", "three"), isNamed("three"));
  await assert.rejects(store.documents.list("bots", undefined, 10), StoreCorruptError);
  assert.deepEqual((await store.documents.get("bots", "one"))?.value, { text: "document number one." });
});

test("[S36] [S23] beyond the bound of writes under way a put is refused, and nothing of it is there", async () => {
  using directory = new TestDirectory();
  await using store = await openLmdbStore({ directory: directory.path, maxPendingCalls: 3 });
  const puts = await Promise.allSettled(Array.from({ length: 5 }, (_, index) => store.documents.put("bots", `k${index}`, {})));
  assert.deepEqual(
    puts.map((put) => (put.status === "fulfilled" ? put.value.outcome : (put.reason as SudaError).code)),
    ["stored", "stored", "stored", "server.busy", "server.busy"],
  );
  assert.equal((await store.documents.list("bots", undefined, 10)).length, 3);
});
