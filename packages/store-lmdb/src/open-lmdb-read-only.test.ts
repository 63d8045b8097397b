/** S50–S52: reading and copying beside the process that writes, and the renewed numbering of what was restored. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { SudaError, type ConversationId, type UserId } from "@suda/protocol";
import { StoreOpenError, verifyStore, type Finding } from "@suda/server/store";
import { alice, Child, createLobby, lobby, readAll, say, TestDirectory, textOf } from "../test/kit.ts";
import { openLmdbReadOnly } from "./open-lmdb-read-only.ts";
import { openLmdbStore } from "./open-lmdb-store.ts";
import { renewNumbering } from "./renew-numbering.ts";

const refusedAs = (code: string) => (error: unknown) => error instanceof StoreOpenError && error.code === code;

/** Lets another process write until `count` acknowledgements; what it does afterwards goes unread into the pipe. */
async function flood(writer: Child, count: number): Promise<void> {
  for (let lines = 0; lines < count; ) if ((await writer.line())?.startsWith("ack") === true) lines++;
}

test("[S50] a store opened for reading shows what the writing process has made durable, and refuses every write", async () => {
  using directory = new TestDirectory();
  await using writer = new Child("flood", directory.path);
  assert.equal(await writer.line(), "open");
  await flood(writer, 100);
  await using store = await openLmdbReadOnly({ directory: directory.path });
  assert.equal(store.isHeld, true);
  assert.equal(store.status().state, "read-only");
  const before = (await store.conversations.get(lobby))?.head.seq ?? 0;
  assert.ok(before >= 100, `${before} entries`);
  // The file grows meanwhile, and with it what must be mapped.
  await flood(writer, 5_000);
  const after = (await store.conversations.get(lobby))?.head.seq ?? 0;
  assert.ok(after >= 5_100 && after > before, `${after} entries`);
  const isRefused = (error: unknown): boolean => error instanceof SudaError && error.code === "store.read_only";
  await assert.rejects(store.log.append(lobby, [{ from: alice, body: { type: "message.deleted", target: 1 } }]), isRefused);
  await assert.rejects(store.users.ensure([alice], 1), isRefused);
  await assert.rejects(store.documents.put("bots", "tutor", {}), isRefused);
  await flood(writer, 100);
});

test("[S51] a copy taken under load is one moment: dense, its hashes those of the original, and nothing was lost by it", async () => {
  using directory = new TestDirectory();
  using copies = new TestDirectory();
  await using writer = new Child("flood", directory.path);
  assert.equal(await writer.line(), "open");
  const heads: number[] = [];
  for (let round = 0; round < 5; round++) {
    await flood(writer, 800);
    await using store = await openLmdbReadOnly({ directory: directory.path });
    await store.copyTo(`${copies.path}/${round}.mdb`);
    await flood(writer, 100);
  }
  await writer.kill();
  await using original = await openLmdbReadOnly({ directory: directory.path });
  assert.equal(original.isHeld, false);
  const log = await readAll(original);
  for (let round = 0; round < 5; round++) {
    using restored = new TestDirectory();
    copyFileSync(`${copies.path}/${round}.mdb`, restored.dataFile);
    await using copy = await openLmdbStore({ directory: restored.path });
    const findings: Finding[] = [];
    await verifyStore(copy, (finding) => findings.push(finding));
    assert.deepEqual(findings, []);
    const head = (await copy.conversations.get(lobby))?.head;
    assert.equal(head?.hash, log[(head?.seq ?? 0) - 1]?.hash, "the rolling hash is the original's at that place");
    heads.push(head?.seq ?? 0);
    assert.equal((await say(copy, "a copy is a store"))?.outcome, "stored");
  }
  assert.deepEqual(
    heads,
    [...new Set(heads)].sort((one, other) => one - other),
  );
  assert.ok((heads[0] ?? 0) >= 800 && (heads.at(-1) ?? 0) <= log.length, String(heads));
});

test("[S50] what cannot be read says so, and nothing is made of it", async () => {
  using directory = new TestDirectory();
  await assert.rejects(openLmdbReadOnly({ directory: directory.path }), refusedAs("not_a_store"));
  {
    await using store = await openLmdbStore({ directory: directory.path, migrations: [() => {}] });
    await createLobby(store);
  }
  const bytes = readFileSync(directory.dataFile);
  await assert.rejects(openLmdbReadOnly({ directory: directory.path }), refusedAs("newer_version"));
  assert.ok(bytes.equals(readFileSync(directory.dataFile)));
});

test("[S52] renewed: another epoch, change counters beyond all that were given out in the same order, all else as it was", async () => {
  using directory = new TestDirectory();
  const bob = "bob" as UserId;
  const memberships = async (user: UserId): Promise<{ readonly change: number; readonly states: readonly string[]; readonly changes: readonly number[] }> => {
    await using store = await openLmdbReadOnly({ directory: directory.path });
    const { change, memberships: list } = await store.conversations.memberships(user);
    return { change, states: list.map(({ conversation, state }) => `${conversation} ${state}`), changes: list.map((one) => one.change) };
  };
  {
    await using store = await openLmdbStore({ directory: directory.path });
    await createLobby(store);
    await say(store, "as it was");
    await store.log.append(lobby, [{ from: alice, body: { type: "member.added", users: [bob] } }]);
    await store.log.append(lobby, [{ from: alice, body: { type: "member.removed", user: bob } }]);
    await store.conversations.advanceRead(lobby, alice, 3);
  }
  const before = { alice: await memberships(alice), bob: await memberships(bob) };
  await renewNumbering(directory.path, "renewed");
  const after = { alice: await memberships(alice), bob: await memberships(bob) };
  for (const user of ["alice", "bob"] as const) {
    assert.deepEqual(after[user].states, before[user].states);
    assert.deepEqual(
      [after[user].change, ...after[user].changes],
      [before[user].change, ...before[user].changes].map((change) => change + 1_000_000_000),
    );
  }
  await using store = await openLmdbStore({ directory: directory.path });
  assert.equal((await store.conversations.get(lobby))?.epoch, "renewed");
  assert.equal((await readAll(store)).map(textOf)[0], "as it was");
  const findings: Finding[] = [];
  await verifyStore(store, (finding) => findings.push(finding));
  assert.deepEqual(findings, []);
});

test("[S51] [S52] a copy of a larger store takes writes to all of it", async () => {
  using directory = new TestDirectory();
  using copy = new TestDirectory();
  {
    await using store = await openLmdbStore({ directory: directory.path });
    const work = Array.from({ length: 200 }, async (_, index) => {
      const id = `group-${String(index).padStart(3, "0")}` as ConversationId;
      const members = Array.from({ length: 20 }, (_member, at) => ({ user: `user-${index}-${at}` as UserId, role: "member" as const }));
      await store.conversations.create({ id, kind: "group", epoch: "e", createdAt: 1, members });
      for (let page = 0; page < 3; page++) {
        const body = { type: "message.created", content: { type: "text", text: "x".repeat(120) } } as const;
        await store.log.append(
          id,
          Array.from({ length: 100 }, () => ({ from: `user-${index}-0` as UserId, body })),
        );
      }
    });
    await Promise.all(work);
  }
  {
    await using store = await openLmdbReadOnly({ directory: directory.path });
    await store.copyTo(copy.dataFile);
  }
  await renewNumbering(copy.path, "renewed");
  await using store = await openLmdbStore({ directory: copy.path });
  const findings: Finding[] = [];
  const { entries } = await verifyStore(store, (finding) => findings.push(finding));
  assert.deepEqual([findings, entries], [[], 60_000]);
});
