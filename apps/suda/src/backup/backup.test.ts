/**
 * `suda backup` and `suda restore` as an operator runs them: against a server under load, killed in the middle, on a full
 * disk, and with what clients had seen that the backup has not.
 */
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { openClient, type SudaClient } from "@suda/client";
import { systemRandom, type ClientId, type ConversationId, type UserId } from "@suda/protocol";
import type { LogEntry } from "@suda/server/store";
import { openLmdbReadOnly, openLmdbStore } from "@suda/store-lmdb";
import { eventually, freePort, ServerProcess, signToken, textOf, WireClient, writeTokenKey } from "@suda/testing";
import { WebSocket } from "ws";
import type { Manifest } from "./manifest.ts";
import { restoreBackup } from "./restore-backup.ts";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function suda(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { env: { ...process.env, NODE_ENV: "" } }, (_error, output, errors) =>
      resolve({ code: child.exitCode, output, errors }),
    );
  });
}

function assertDone({ code, errors, output }: Ran): string {
  assert.equal(errors, "");
  assert.equal(code, 0, output);
  return output;
}

function assertRefused({ code, errors }: Ran, what: RegExp): void {
  assert.match(errors, what);
  assert.match(errors, /^→ ./m);
  assert.notEqual(code, 0);
}

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "suda-backup-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function newData(directory: string): string {
  const data = join(directory, "data");
  mkdirSync(data);
  writeTokenKey(data);
  return data;
}

function serve(data: string, port = 0): Promise<ServerProcess> {
  const unlimited = { SUDA_COMMANDS_PER_SECOND: "0", SUDA_CONNECTS_PER_SECOND: "0" };
  return ServerProcess.open({ program: [program, "serve", "--port", String(port), "--data", data, "--log-level", "error"], env: unlimited });
}

/** What the command does, without the second that a process takes. */
function restore(from: string, data: string): Promise<Manifest> {
  return restoreBackup({ from, data, isUnchanged: false, random: systemRandom, onFinding: () => {} });
}

/** Every log of a store, entries by seq. */
async function readLogs(directory: string): Promise<Map<ConversationId, readonly LogEntry[]>> {
  await using store = await openLmdbReadOnly({ directory });
  const logs = new Map<ConversationId, readonly LogEntry[]>();
  for (const id of await store.conversations.list(undefined, 1_000)) {
    const log: LogEntry[] = [];
    for (let page = await store.log.readAfter(id, 0, 1_000); page.length > 0; page = await store.log.readAfter(id, log.length, 1_000)) log.push(...page);
    logs.set(id, log);
  }
  return logs;
}

/** A store as it may have been left, without a server. */
async function fill(data: string, { conversations = 3, messages = 50 } = {}): Promise<void> {
  await using store = await openLmdbStore({ directory: data });
  const alice = "alice" as UserId;
  for (let index = 0; index < conversations; index++) {
    const id = `group-${index}` as ConversationId;
    await store.conversations.create({ id, kind: "group", epoch: "as-it-was", createdAt: 1, members: [{ user: alice, role: "owner" }] });
    const body = (number: number) => ({ type: "message.created", content: { type: "text", text: `message ${number}: ${"안녕".repeat(200)}` } }) as const;
    for (let number = 0; number < messages; number += 50)
      await store.log.append(
        id,
        Array.from({ length: 50 }, (_, at) => ({ from: alice, clientId: `k${number + at}` as ClientId, body: body(number + at) })),
      );
  }
}

test("[S51] [S53] a backup taken under load restores: what was acknowledged before it is there, every log's rolling hash is the original's", async (t) => {
  const directory = temporaryDirectory(t);
  const data = newData(directory);
  const groups: ConversationId[] = [];
  /** By conversation, the highest seq that was acknowledged. */
  const acknowledged = new Map<ConversationId, number>();
  const before: Map<ConversationId, number>[] = [];
  {
    await using server = await serve(data);
    await using alice = await WireClient.open({ url: server.url, token: signToken(data, "alice") });
    await using bob = await WireClient.open({ url: server.url, token: signToken(data, "bob") });
    for (let index = 0; index < 8; index++) groups.push((await alice.request("conversation.create", { members: ["bob" as UserId] })).conversation.id);
    const running = { isLoading: true };
    let next = 0;
    const load = async (client: WireClient): Promise<void> => {
      while (running.isLoading) {
        const conversation = groups[next++ % groups.length] as ConversationId;
        const { seq } = await client.request("message.send", { conversation, clientId: `c${next}` as ClientId, content: textOf(`message ${next}`) });
        acknowledged.set(conversation, Math.max(seq, acknowledged.get(conversation) ?? 0));
      }
    };
    const loads = [...Array.from({ length: 8 }, () => load(alice)), ...Array.from({ length: 8 }, () => load(bob))];
    for (let round = 1; round <= 3; round++) {
      await eventually(async () => next > round * 300);
      before.push(new Map(acknowledged));
      const output = assertDone(await suda("backup", join(directory, `backup-${round}`), "--data", data));
      assert.match(output, /^✓ 8 conversations with \d+ entries \(.* MiB\) in .*: everything agrees\n {2}Not in it: keys and settings\./);
    }
    const end = next;
    await eventually(async () => next > end + 100);
    running.isLoading = false;
    await Promise.all(loads);
  }
  const original = await readLogs(data);
  for (let round = 1; round <= 3; round++) {
    const from = join(directory, `backup-${round}`);
    assert.deepEqual(readdirSync(from).sort(), ["manifest.json", "suda.mdb"]);
    assert.equal((JSON.parse(readFileSync(join(from, "manifest.json"), "utf8")) as Manifest).source, "running");
    const restored = join(directory, `restored-${round}`);
    assert.match(assertDone(await suda("restore", from, "--data", restored)), /everything agrees\n.*new epoch.*\n.*No token key/);
    assert.deepEqual(readdirSync(restored), ["suda.mdb"]);
    for (const [id, log] of await readLogs(restored)) {
      const head = log.at(-1);
      assert.equal(head?.hash, original.get(id)?.[log.length - 1]?.hash, `${id} at ${head?.seq}`);
      assert.ok(log.length >= (before[round - 1]?.get(id) ?? 0), `${id} has ${log.length} entries`);
    }
  }
  assertDone(await suda("verify", join(directory, "restored-3")));
});

interface Seen {
  readonly list: readonly string[];
  readonly logs: readonly string[];
}

/** What the users of a client see: their list with all settings, and the logs of their conversations. */
async function seenBy(client: SudaClient): Promise<Seen> {
  const { conversations } = client.conversations.getSnapshot();
  const logs: string[] = [];
  for (const { id } of conversations) {
    await client.conversation(id).load();
    logs.push(JSON.stringify([id, client.conversation(id).getSnapshot().events]));
  }
  const without = ({ last: _last, ...record }: (typeof conversations)[number]): object => record;
  return { list: conversations.map((record) => JSON.stringify(sorted(without(record)))).sort(), logs: logs.sort() };
}

function sorted(record: object): object {
  return Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)));
}

test("[S52] a client that had seen more than the backup has converges after the restore, and sends on", async (t) => {
  const directory = temporaryDirectory(t);
  const data = newData(directory);
  const port = await freePort();
  const open = (user: string): Promise<SudaClient> =>
    openClient({ url: `ws://127.0.0.1:${port}/v1/socket`, tokenProvider: () => signToken(data, user), WebSocket, onProblem: () => {} });
  let server = await serve(data, port);
  t.after(() => server[Symbol.asyncDispose]());
  await using alice = await open("alice");
  await alice.ready();
  const kept = await alice.createGroup({ title: "kept", members: ["bob"] });
  const left = await alice.createGroup({ title: "left later", members: ["bob"] });
  await using bob = await open("bob");
  await bob.ready();
  for (const conversation of [kept, left]) {
    // Held open, as a screen does.
    conversation.subscribe(() => {});
    bob.conversation(conversation.id).subscribe(() => {});
    for (let index = 0; index < 5; index++) await conversation.sendText(`before ${index}`).stored;
  }
  assertDone(await suda("backup", join(directory, "backup"), "--data", data));
  // All of this is lost with the disk, and both have seen it.
  for (let index = 0; index < 7; index++) await kept.sendText(`lost ${index}`).stored;
  await alice.request("message.edit", { conversation: kept.id, target: 1, content: textOf("lost edit"), clientId: "e" as ClientId });
  await alice.request("conversation.mute", { conversation: kept.id, until: 9_000_000_000_000 });
  await bob.request("member.leave", { conversation: left.id });
  const lost = await bob.createGroup({ title: "lost", members: ["alice"] });
  await eventually(async () => alice.conversations.getSnapshot().conversations.some(({ id }) => id === lost.id));
  bob.conversation(kept.id).markRead();
  await eventually(async () => bob.conversation(kept.id).getSnapshot().record?.head === alice.conversation(kept.id).getSnapshot().record?.head);
  await server.kill();
  // Written while nobody was there: it goes into the restored log.
  const pending = kept.sendText("written meanwhile");
  const key = readFileSync(join(data, "token-key"));
  rmSync(data, { recursive: true });
  mkdirSync(data);
  writeFileSync(join(data, "token-key"), key, { mode: 0o600 });
  assertDone(await suda("restore", join(directory, "backup"), "--data", data));
  const resets: string[] = [];
  for (const client of [alice, bob]) client.on("log.reset", ({ conversation }) => resets.push(`${client.user} ${conversation}`));
  server = await serve(data, port);
  // One who has seen nothing else pushes the restored numbering past what the old clients know.
  await using fresh = { alice: await open("alice"), bob: await open("bob"), [Symbol.asyncDispose]: async () => {} };
  for (const client of [alice, bob]) client.retryNow();
  await pending.stored;
  for (let index = 0; index < 20; index++) await fresh.bob.conversation(kept.id).sendText(`after ${index}`).stored;
  await Promise.all([fresh.alice.ready(), fresh.bob.ready()]);
  for (const [old, other] of [
    [alice, fresh.alice],
    [bob, fresh.bob],
  ] as const) {
    await eventually(async () => {
      const [one, two] = [await seenBy(old), await seenBy(other)];
      return JSON.stringify(one) === JSON.stringify(two) && one.list.length === 2;
    });
    assert.deepEqual(await seenBy(old), await seenBy(other));
    await other[Symbol.asyncDispose]();
  }
  assert.ok(resets.includes(`alice ${kept.id}`) && resets.includes(`bob ${kept.id}`), String(resets));
  const texts = kept.getSnapshot().messages.map(({ content }) => (content.type === "text" ? content.text : content.type));
  assert.ok(texts.includes("written meanwhile") && texts.includes("after 19") && !texts.some((text) => text.startsWith("lost")), String(texts));
});

test("[S51] a backup that is killed, whenever, leaves nothing that is called a backup; the next one takes its place", async (t) => {
  const directory = temporaryDirectory(t);
  const data = newData(directory);
  await fill(data, { conversations: 20, messages: 500 });
  let killed = 0;
  for (let round = 0; round < 4; round++) {
    const to = join(directory, `backup-${round}`);
    const child = spawn(process.execPath, [program, "backup", to, "--data", data], { stdio: "ignore" });
    const exited = once(child, "exit");
    const began = (): boolean => readdirSync(directory).some((name) => name.startsWith(`backup-${round}.unfinished-`));
    await eventually(async () => began() || child.exitCode !== null);
    await new Promise((resolve) => setTimeout(resolve, round * 80));
    child.kill("SIGKILL");
    await exited;
    if (!existsSync(to)) {
      killed++;
      const rest = readdirSync(directory).find((name) => name.startsWith(`backup-${round}.`)) ?? "none";
      await assert.rejects(restore(join(directory, rest), join(directory, "never")), /is not a whole backup/);
      assertDone(await suda("backup", to, "--data", data));
      assert.ok(!began(), "the rest of the killed one is cleared away");
    }
    await restore(to, join(directory, `restored-${round}`));
  }
  assert.ok(killed > 0, "no kill came in time");
  assert.ok(!existsSync(join(directory, "never", "suda.mdb")));
});

test("[S53] a restore that was killed has restored nothing, and goes through when it is begun again", async (t) => {
  const directory = temporaryDirectory(t);
  const data = newData(directory);
  await fill(data, { conversations: 20, messages: 500 });
  const from = join(directory, "backup");
  assertDone(await suda("backup", from, "--data", data));
  const restored = join(directory, "restored");
  const child = spawn(process.execPath, [program, "restore", from, "--data", restored], { stdio: "ignore" });
  const exited = once(child, "exit");
  await eventually(async () => existsSync(join(restored, "restoring", "suda.mdb")));
  child.kill("SIGKILL");
  await exited;
  assert.ok(!existsSync(join(restored, "suda.mdb")));
  assertDone(await suda("restore", from, "--data", restored));
  assert.deepEqual(readdirSync(restored), ["suda.mdb"]);
  assertRefused(await suda("restore", from, "--data", restored), /restored is not empty \(suda\.mdb\)/);
});

test("[S53] damage in a backup is found before anything is restored; a stopped store's numbering may be kept, a running one's not", async (t) => {
  const directory = temporaryDirectory(t);
  const data = newData(directory);
  await fill(data);
  const from = join(directory, "backup");
  const manifest = JSON.parse(assertDone(await suda("backup", from, "--data", data, "--with-token-key", "--json"))) as Manifest;
  assert.deepEqual([manifest.source, manifest.hasTokenKey, manifest.conversations, manifest.entries], ["stopped", true, 3, 150]);
  assert.equal(statSync(join(from, "suda.mdb")).mode & 0o777, 0o600);
  assertRefused(await suda("backup", from, "--data", data), /exists, and a backup replaces nothing/);
  assertRefused(await suda("backup", join(directory, "other"), "--data", join(directory, "nothing")), /holds no store/);

  const unchanged = join(directory, "unchanged");
  assert.doesNotMatch(assertDone(await suda("restore", from, "--data", unchanged, "--unchanged")), /epoch/);
  assert.deepEqual(readFileSync(join(unchanged, "token-key")), readFileSync(join(data, "token-key")));
  const renewed = join(directory, "renewed");
  assertDone(await suda("restore", from, "--data", renewed));
  const epochs = async (of: string): Promise<ReadonlySet<string>> => {
    await using store = await openLmdbReadOnly({ directory: of });
    return new Set((await store.conversations.getMany(await store.conversations.list(undefined, 10))).map(({ epoch }) => epoch));
  };
  assert.deepEqual([...(await epochs(unchanged))], ["as-it-was"]);
  assert.ok(!(await epochs(renewed)).has("as-it-was"));

  {
    await using server = await serve(data);
    assert.ok(server.isRunning);
    assertDone(await suda("backup", join(directory, "running"), "--data", data));
  }
  assertRefused(await suda("restore", join(directory, "running"), "--data", join(directory, "no"), "--unchanged"), /--unchanged cannot be true/);

  const damage = (name: string, change: (path: string) => void): string => {
    const path = join(directory, name);
    cpSync(from, path, { recursive: true });
    change(path);
    return path;
  };
  const flipped = damage("flipped", (path) => {
    const bytes = readFileSync(join(path, "suda.mdb"));
    const at = bytes.indexOf("message 7:");
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(join(path, "suda.mdb"), bytes);
  });
  const missing = damage("missing", (path) => rmSync(join(path, "suda.mdb")));
  const newer = damage("newer", (path) => writeFileSync(join(path, "manifest.json"), JSON.stringify({ ...manifest, format: 2 })));
  const escaping = damage("escaping", (path) =>
    writeFileSync(join(path, "manifest.json"), JSON.stringify({ ...manifest, store: { ...manifest.store, file: "../data/suda.mdb" } })),
  );
  for (const [path, what] of [
    [flipped, /is damaged: .* is not what its manifest says/],
    [missing, /is damaged: .* is missing/],
    [newer, /has format 2; this Suda knows 1/],
    [escaping, /is no manifest/],
  ] as const) {
    const target = `${path}-restored`;
    await assert.rejects(restore(path, target), what);
    assert.deepEqual(existsSync(target) ? readdirSync(target) : [], []);
  }
});

test("[S51] a full disk ends a backup with a sentence, and leaves nothing of it", async (t) => {
  const directory = temporaryDirectory(t);
  const data = newData(directory);
  await fill(data, { conversations: 20, messages: 500 });
  const small = join(directory, "small");
  mkdirSync(small);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", small]).status !== 0) return t.skip("needs the right to mount a tmpfs");
  try {
    assertRefused(await suda("backup", join(small, "backup"), "--data", data), /could not be written: there is no room left\n→ Make room/);
    assert.deepEqual(readdirSync(small), []);
  } finally {
    spawnSync("umount", [small]);
  }
});

test("[S51] a damaged store makes no backup: what is wrong is said, and nothing is left that looks like one", async (t) => {
  const directory = temporaryDirectory(t);
  const data = newData(directory);
  await fill(data);
  const path = join(data, "suda.mdb");
  const file = readFileSync(path);
  for (let at = file.indexOf("message 17:"); at >= 0; at = file.indexOf("message 17:", at + 1)) file[at + 3] = (file[at + 3] ?? 0) ^ 0x10;
  writeFileSync(path, file);
  const ran = await suda("backup", join(directory, "backup"), "--data", data);
  assertRefused(ran, /the copy has \d+ findings/);
  assert.match(ran.errors, /^✗ conversation group-0, seq 18: .*wrong checksum/m);
  assert.deepEqual(readdirSync(directory), ["data"]);
});
