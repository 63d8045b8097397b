/** S5, S18, S19: durable before it is said, fail-stop after a failed commit, read-only on a full disk. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SudaError } from "@suda/protocol";
import type { StoreStatus } from "@suda/server/store";
import { Child, createLobby, lobby, readAll, say, TestDirectory, textOf, whyNoStrace } from "../test/kit.ts";
import { openLmdbStore } from "./open-lmdb-store.ts";

test("[S5] fdatasync, then the page that makes it count, happen before an append resolves", { skip: whyNoStrace() }, async () => {
  using directory = new TestDirectory();
  const trace = join(directory.path, "trace");
  await using child = new Child("one-by-one", directory.path, { count: 5, under: ["strace", "-f", "-o", trace, "-e", "trace=fdatasync,pwrite64,write"] });
  assert.equal((await child.rest()).filter((line) => line.startsWith("ack")).length, 5);
  const calls = readFileSync(trace, "utf8").split("\n");
  const acks = calls.flatMap((call, index) => (/write\(1, "ack/.test(call) ? [index] : []));
  assert.equal(acks.length, 5);
  let from = calls.findIndex((call) => /write\(1, "open/.test(call));
  for (const ack of acks) {
    const between = calls.slice(from, ack);
    const sync = between.findLastIndex((call) => /fdatasync.*= 0$/.test(call));
    assert.ok(sync >= 0, "no fdatasync between two acknowledgements");
    assert.ok(
      between.slice(sync).some((call) => /pwrite64.*= 128$/.test(call)),
      "no meta page written behind it",
    );
    from = ack;
  }
});

test("[S5] [S1] [S3] after kill -9 everything acknowledged is there, once, without holes", async () => {
  using directory = new TestDirectory();
  const acked = new Map<number, string>();
  for (let round = 0; round < 2; round++) {
    await using child = new Child("flood", directory.path);
    assert.equal(await child.line(), "open");
    for (let lines = 0; lines < 700; lines++) {
      const [word, seq, key] = ((await child.line()) ?? "").split(" ");
      if (word === "ack") acked.set(Number(seq), key ?? "");
      // Everything of the first round is a duplicate in the second until it has caught up.
      if (round === 1 && lines > 100) break;
    }
    await child.kill();
  }
  await using store = await openLmdbStore({ directory: directory.path });
  const log = await readAll(store);
  assert.deepEqual(
    log.map((entry) => entry.seq),
    log.map((_, index) => index + 1),
  );
  assert.equal(new Set(log.map((entry) => entry.clientId)).size, log.length);
  for (const [seq, key] of acked) assert.equal(log[seq - 1]?.clientId, key);
  assert.equal((await store.conversations.get(lobby))?.head.seq, log.length);
});

test("[S18] after a failed fdatasync nothing is acknowledged any more and nothing unconfirmed is shown", { skip: whyNoStrace() }, async () => {
  using directory = new TestDirectory();
  const under = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=4"];
  await using child = new Child("one-by-one", directory.path, { count: 5, under });
  assert.deepEqual(await child.rest(), [
    "open",
    "ack 1",
    "status ready head 1",
    "ack 2",
    "status ready head 2",
    "refused store.failed",
    "status failed head 2",
    "refused store.failed",
    "status failed head 2",
    "refused store.failed",
    "status failed head 2",
    "end closed",
  ]);
  await using store = await openLmdbStore({ directory: directory.path });
  assert.deepEqual((await readAll(store)).map(textOf), ["message 0", "message 1"], "a restart ends it");
});

test("[S18] all appends of the failed commit and of the one behind it are refused", { skip: whyNoStrace() }, async () => {
  using directory = new TestDirectory();
  const under = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=3+"];
  await using child = new Child("burst", directory.path, { count: 50, under });
  assert.deepEqual(await child.rest(), ["open", ...Array.from({ length: 50 }, () => "burst store.failed"), "end closed"]);
});

test("[S18] a failed write of the meta page, after which LMDB refuses even reads, ends in the same state", { skip: whyNoStrace() }, async () => {
  using directory = new TestDirectory();
  // The commit thread's pwrite64 of a commit: data pages (one or more), then the meta page of 128 bytes, by its synchronous descriptor.
  const trace = join(directory.path, "trace");
  const under = ["strace", "-f", "-o", trace, "-e", "trace=pwrite64", "-e", "inject=pwrite64:error=EIO:when=6"];
  await using child = new Child("one-by-one", directory.path, { count: 8, under });
  const lines = await child.rest();
  const first = lines.findIndex((line) => line.startsWith("refused"));
  assert.ok(first > 0, lines.join("; "));
  assert.ok(lines.slice(first).every((line) => !line.startsWith("ack")));
  assert.match(lines[first + 1] ?? "", /^status failed/);
  assert.ok(lines.every((line) => !line.startsWith("unhandled")));
  assert.equal(lines.at(-1), "end closed");
});

test("[S19] a full disk makes the store read-only; it takes writes again when there is room", async (context) => {
  using directory = new TestDirectory();
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", directory.path]).status !== 0) {
    context.skip("needs the right to mount a tmpfs");
    return;
  }
  try {
    const states: StoreStatus["state"][] = [];
    let onReady = () => {};
    const isReadyAgain = new Promise<void>((resolve) => (onReady = resolve));
    await using store = await openLmdbStore({
      directory: directory.path,
      probeIntervalMs: 20,
      onEvent: (event) => {
        if (event.event !== "state") return;
        states.push(event.status.state);
        if (event.status.state === "ready") onReady();
      },
    });
    await createLobby(store);
    await say(store, "there was room", "first");
    const ballast = join(directory.path, "ballast");
    fillDisk(ballast);
    const long = "x".repeat(4_000);
    const results = await Promise.allSettled(Array.from({ length: 300 }, (_, index) => say(store, `${index} ${long}`, `k${index}`)));
    const isReadOnly = (error: unknown) => error instanceof SudaError && error.code === "store.read_only" && error.retryable;
    assert.ok(results.every((result) => result.status === "rejected" && isReadOnly(result.reason)));
    assert.equal(store.status().state, "read-only");
    await assert.rejects(say(store, "refused at once"), isReadOnly);
    assert.deepEqual((await readAll(store)).map(textOf), ["there was room"], "reading goes on, and nothing refused is shown");
    rmSync(ballast);
    // The store's own timers do not keep a process alive; this one does.
    const keepAlive = setInterval(() => {}, 1_000);
    await isReadyAgain;
    clearInterval(keepAlive);
    assert.deepEqual(states, ["read-only", "ready"]);
    assert.equal((await say(store, "there was room", "first"))?.outcome, "duplicate");
    assert.equal((await say(store, `0 ${long}`, "k0"))?.outcome, "stored");
    assert.deepEqual(
      (await readAll(store)).map((entry) => entry.seq),
      [1, 2],
    );
  } finally {
    spawnSync("umount", [directory.path]);
  }
});

test("[S23] more than the bound under way is refused as busy, and what was accepted is stored", async () => {
  using directory = new TestDirectory();
  await using store = await openLmdbStore({ directory: directory.path, maxPendingCalls: 10 });
  await createLobby(store);
  const results = await Promise.allSettled(Array.from({ length: 15 }, (_, index) => say(store, `${index}`)));
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 10);
  for (const result of results.slice(10)) {
    assert.ok(
      result.status === "rejected" && result.reason instanceof SudaError && result.reason.code === "server.busy" && result.reason.retryAfterMs !== undefined,
    );
  }
  assert.equal((await say(store, "there is room again"))?.outcome, "stored");
  assert.equal((await readAll(store)).length, 11);
});

test("[S5] a turn's appends share one commit, and those that arrive during it share the next", async () => {
  using directory = new TestDirectory();
  const calls: number[] = [];
  await using store = await openLmdbStore({ directory: directory.path, onEvent: (event) => event.event === "commit" && calls.push(event.calls) });
  await createLobby(store);
  const first = Array.from({ length: 20 }, (_, index) => say(store, `${index}`));
  await new Promise((resolve) => setImmediate(resolve));
  const second = Array.from({ length: 30 }, (_, index) => say(store, `${index}`));
  await Promise.all([...first, ...second]);
  assert.deepEqual(calls, [1, 20, 30]);
  const { commitMs, ...stats } = store.stats();
  assert.deepEqual(stats, { commits: 3, calls: 51, conflicts: 0, unknown: 0 });
  assert.ok(commitMs > 0);
});

/** Writes until the file system is full. */
function fillDisk(path: string): void {
  for (const bytes of [65_536, 4_096, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(bytes), { flag: "a" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
}
