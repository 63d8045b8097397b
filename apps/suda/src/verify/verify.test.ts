/** `suda verify` as an operator runs it: as a process, on directories that are whole, damaged, in use, or none. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import { openLmdbStore } from "@suda/store-lmdb";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));
const team = "team" as ConversationId;
const alice = "alice" as UserId;

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "suda-verify-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function verify(...args: string[]): { readonly code: number | null; readonly output: string; readonly errors: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "verify", ...args], { encoding: "utf8" });
  return { code: status, output: stdout, errors: stderr };
}

async function fill(directory: string): Promise<void> {
  await using store = await openLmdbStore({ directory });
  await store.conversations.create({ id: team, kind: "group", epoch: "e", createdAt: 1, members: [{ user: alice, role: "owner" }] });
  for (let i = 1; i <= 40; i++) {
    const body = { type: "message.created", content: { type: "text", text: `message number ${i}.` } } as const;
    await store.log.append(team, [{ from: alice, clientId: `c-${i}` as ClientId, body }]);
  }
}

test("a whole store is found whole, and the check can be repeated", async (t) => {
  const directory = temporaryDirectory(t);
  await fill(directory);
  for (let round = 0; round < 2; round++) {
    const { code, output, errors } = verify(directory);
    assert.equal(errors, "");
    assert.match(output, /^✓ 1 conversations with 40 entries: everything agrees\n$/);
    assert.equal(code, 0);
  }
});

test("a truncated store is found whole, from where its log begins", async (t) => {
  const directory = temporaryDirectory(t);
  await fill(directory);
  {
    await using store = await openLmdbStore({ directory });
    await store.log.append(team, [{ from: alice, body: { type: "reaction.added", target: 30, emoji: "👍" } }]);
    await store.log.truncate(team, 21);
  }
  const { code, output, errors } = verify(directory);
  assert.equal(errors, "");
  assert.match(output, /^✓ 1 conversations with 21 entries: everything agrees\n$/);
  assert.equal(code, 0);
});

test("one flipped bit in the file is found, with conversation and seq, in words and as JSON", async (t) => {
  const directory = temporaryDirectory(t);
  await fill(directory);
  const path = join(directory, "suda.mdb");
  const file = readFileSync(path);
  // Old copies of the page are in the file as well: all are flipped.
  for (let at = file.indexOf("message number 17."); at >= 0; at = file.indexOf("message number 17.", at + 1)) file[at + 3] = (file[at + 3] ?? 0) ^ 0x10;
  writeFileSync(path, file);
  const words = verify(directory);
  assert.match(words.output, /^✗ conversation team, seq 17: .*wrong checksum.*\[record\.damaged\]$/m);
  assert.match(words.output, /^✗ 1 findings in 1 conversations with 39 entries\n {2}→ Restore from a backup/m);
  assert.equal(words.code, 1);
  const json = verify(directory, "--json");
  const [finding, totals] = json.output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([finding?.["kind"], finding?.["conversation"], finding?.["seq"]], ["record.damaged", team, 17]);
  assert.deepEqual(totals, { conversations: 1, entries: 39, findings: 1 });
  assert.equal(json.code, 1);
});

test("without a directory, the store that the settings name is checked", async (t) => {
  const directory = temporaryDirectory(t);
  await fill(directory);
  assert.deepEqual(verify("--data", directory), { code: 0, output: "✓ 1 conversations with 40 entries: everything agrees\n", errors: "" });
  const two = verify(directory, "--store", "lmdb");
  assert.deepEqual([two.code, two.output], [2, ""]);
  assert.match(two.errors, /a data directory and --store are two stores\n→ suda verify /);
  const gone = verify("--store", "memory");
  assert.deepEqual([gone.code, gone.output], [2, ""]);
  assert.match(gone.errors, /in memory is gone with its server\n→ /);
});

test("a store in use is refused with what to do, and a directory without one stays as it is", async (t) => {
  const directory = temporaryDirectory(t);
  const empty = verify(directory);
  assert.match(empty.errors, /holds no store.*\n→ Name the directory/);
  assert.equal(empty.code, 1);
  assert.deepEqual(readdirSync(directory), []);
  await using store = await openLmdbStore({ directory });
  assert.equal(store.status().state, "ready");
  const { code, errors } = verify(directory);
  assert.match(errors, /is in use by process \d+.*\n→ Stop that process first/);
  assert.equal(code, 1);
});
