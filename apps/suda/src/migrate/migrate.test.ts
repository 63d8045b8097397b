/** `suda migrate` as an operator runs it: beside a server under load, killed in the middle, and with the server stopped. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import { canonicalJson, verifyStore, type Finding } from "@suda/server/store";
import { openLmdbReadOnly, openLmdbStore } from "@suda/store-lmdb";
import { CommandRefused, eventually, MovingLife, readStore, SeededRandom, ServerProcess, signToken, textOf, WireClient, writeTokenKey } from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));
const users = ["alice", "bob"] as const;

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function migrate(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, "migrate", "--to", "lmdb", ...args], (_error, output, errors) =>
      resolve({ code: child.exitCode, output, errors }),
    );
  });
}

/** Two data directories of one test: of the old store, with a key, and of the new one, which does not exist yet. */
function directories(t: TestContext): { readonly from: string; readonly to: string } {
  const directory = mkdtempSync(join(tmpdir(), "suda-migrate-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const from = join(directory, "from");
  mkdirSync(from);
  writeTokenKey(from);
  return { from, to: join(directory, "to") };
}

/** The key of users' tokens goes along by hand: a move takes the store alone. */
function serve(data: string, key?: string): Promise<ServerProcess> {
  if (key !== undefined) copyFileSync(join(key, "token-key"), join(data, "token-key"));
  return ServerProcess.open({ program: [program, "serve", "--port", "0", "--data", data, "--log-level", "error"], env: { SUDA_COMMANDS_PER_SECOND: "0" } });
}

async function fill(data: string, steps = 600): Promise<void> {
  await using store = await openLmdbStore({ directory: data });
  await new MovingLife(store, new SeededRandom(steps)).live(steps);
}

/** Writers who try again as long as they are told to, and note what was acknowledged. */
class Load {
  readonly acknowledged: { readonly conversation: ConversationId; readonly seq: number; readonly clientId: string }[] = [];
  readonly refusals = new Map<string, number>();
  readonly #state = { isOn: true };
  readonly #writers: readonly Promise<void>[];

  constructor(clients: readonly WireClient[], conversations: readonly ConversationId[]) {
    this.#writers = clients.flatMap((client, index) => Array.from({ length: 4 }, (_, lane) => this.#write(client, conversations, `w${index}-${lane}`)));
  }

  async #write(client: WireClient, conversations: readonly ConversationId[], name: string): Promise<void> {
    for (let count = 0; this.#state.isOn; count++) {
      const conversation = conversations[count % conversations.length] as ConversationId;
      const clientId = `${name}-${count}`;
      for (let tries = 0; this.#state.isOn; tries++) {
        try {
          const { seq } = await client.request("message.send", { conversation, clientId: clientId as ClientId, content: textOf(clientId) });
          this.acknowledged.push({ conversation, seq, clientId });
          break;
        } catch (error) {
          if (!(error instanceof CommandRefused) || !error.frame.retryable) throw error;
          this.refusals.set(error.frame.code, (this.refusals.get(error.frame.code) ?? 0) + 1);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    }
  }

  async end(): Promise<void> {
    this.#state.isOn = false;
    await Promise.all(this.#writers);
  }
}

async function openLoad(server: ServerProcess, token: (user: string) => string): Promise<{ readonly load: Load; readonly clients: readonly WireClient[] }> {
  const clients = await Promise.all(users.map((user) => WireClient.open({ url: server.url, token: token(user) })));
  const conversations: ConversationId[] = [];
  for (let index = 0; index < 6; index++)
    conversations.push(((await clients[0]?.request("conversation.create", { members: ["bob" as UserId] })) ?? assert.fail()).conversation.id);
  return { load: new Load(clients, conversations), clients };
}

/** All of both stores is the same, and the new one whole; what was acknowledged is where it was said to be. */
async function assertMoved({ from, to }: { readonly from: string; readonly to: string }, load?: Load): Promise<void> {
  await using old = await openLmdbReadOnly({ directory: from });
  await using now = await openLmdbReadOnly({ directory: to });
  const everybody = await old.source.users(undefined, 1_000);
  const [there, here] = [await readStore(old, everybody), await readStore(now, everybody)];
  assert.deepEqual(Object.keys(here), Object.keys(there));
  for (const [what, value] of Object.entries(there)) assert.equal(canonicalJson(here[what]), canonicalJson(value), what);
  const findings: Finding[] = [];
  await verifyStore(now, (finding) => findings.push(finding));
  assert.deepEqual(findings, []);
  for (const { conversation, seq, clientId } of load?.acknowledged ?? []) {
    const [entry] = await now.log.readAfter(conversation, seq - 1, 1);
    assert.deepEqual([entry?.seq, entry?.clientId], [seq, clientId]);
  }
}

test("[S57] a store moves while its server is written to: nothing acknowledged is lost, the old store is closed for good, the new one goes on", async (t) => {
  const { from, to } = directories(t);
  await fill(from);
  const token = (user: string): string => signToken(from, user);
  const server = await serve(from);
  t.after(() => server[Symbol.asyncDispose]());
  const { load } = await openLoad(server, token);
  await eventually(async () => load.acknowledged.length > 200);
  const copied = await migrate("--to-data", to, "--data", from, "--copy-only");
  assert.deepEqual([copied.code, copied.errors], [0, ""], copied.output);
  assert.match(copied.output, /Nothing was switched/);
  const between = load.acknowledged.length;
  await eventually(async () => load.acknowledged.length > between + 50);
  const ran = await migrate("--to-data", to, "--data", from);
  assert.deepEqual([ran.code, ran.errors], [0, ""], ran.output);
  assert.match(ran.output, /^ {2}going on after \d+ passes\n/);
  assert.match(
    ran.output,
    /✓ \d+ conversations with \d+ entries read back: every rolling hash is the old store's\n.* is closed for good, after [\d.]+ s without writing/,
  );
  await load.end();
  assert.ok((load.refusals.get("store.read_only") ?? 0) > 0, "writers were told to wait");
  assert.deepEqual(
    [...load.refusals.keys()].filter((code) => code !== "store.read_only" && code !== "store.failed"),
    [],
  );
  await server.stop();
  await assertMoved({ from, to }, load);
  await assert.rejects(serve(from), /was moved to lmdb .*\n→ Start with the store that it was moved to/);
  const again = await migrate("--to-data", to, "--data", from);
  assert.match(again.errors, /was moved to lmdb .* already\n→ /);
  assert.equal(again.code, 1);
  await using next = await serve(to, from);
  await using alice = await WireClient.open({ url: next.url, token: token("alice") });
  const { conversation, seq, clientId } = load.acknowledged.findLast((one) => one.clientId.startsWith("w0-")) ?? assert.fail();
  const retried = await alice.request("message.send", { conversation, clientId: clientId as ClientId, content: textOf(clientId) });
  assert.deepEqual([retried.seq, retried.duplicate], [seq, true]);
});

test("[S57] killed at any moment, also when the server may not write, it switches nothing and goes on; the server writes again", async (t) => {
  const { from, to } = directories(t);
  await fill(from);
  const token = (user: string): string => signToken(from, user);
  const server = await serve(from);
  t.after(() => server[Symbol.asyncDispose]());
  const { load } = await openLoad(server, token);
  const killWhen = async (isTime: (line: string) => boolean, afterMs = 0): Promise<boolean> => {
    const child = spawn(process.execPath, [program, "migrate", "--to", "lmdb", "--to-data", to, "--data", from], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    for await (const line of createInterface({ input: child.stdout })) if (isTime(line)) break;
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill("SIGKILL");
    const [, signal] = (await exited) as [number | null, string | null];
    return signal === "SIGKILL";
  };
  assert.ok(await killWhen((line) => line.includes("copied")));
  assert.ok(existsSync(join(to, "suda.mdb")));
  await assert.rejects(serve(to, from), /is being moved into this one, and that is not finished\n→ Run the same suda migrate again/);
  assert.ok(await killWhen((line) => line.includes("may not write any more")), "the moment in which nobody may write");
  const before = load.acknowledged.length;
  await eventually(async () => load.acknowledged.length > before + 100);
  assert.ok((load.refusals.get("store.read_only") ?? 0) > 0);
  await killWhen((line) => line.includes("may not write any more"), 30);
  const ran = await migrate("--to-data", to, "--data", from);
  if (ran.code !== 0) assert.match(ran.errors, /already/, "the last kill may have come after the end");
  await load.end();
  await server.stop();
  await assertMoved({ from, to }, load);
});

test("[S57] a stopped store moves in one pass; what is not empty, or is another's, is refused, and both stay as they are", async (t) => {
  const { from, to } = directories(t);
  await fill(from, 300);
  const ran = await migrate("--to-data", to, "--data", from, "--read-only");
  assert.deepEqual([ran.code, ran.errors], [0, ""], ran.output);
  assert.match(ran.output, /^ {2}the server may not write any more\n {2}copied \d+ of \d+ conversations and \d+ users, \d+ entries, in [\d.]+ s\n✓ /);
  await assertMoved({ from, to });
  const { from: other, to: half } = directories(t);
  await fill(other, 100);
  for (const [args, what, code] of [
    [["--to-data", to, "--data", other], /lmdb .* is not empty\n→ /, 1],
    [["--to-data", other, "--data", other], /cannot be moved to where it is\n→ /, 2],
    [["--data", other], /--to lmdb needs --to-data\n→ /, 2],
    [["--to-data", half, "--data", join(other, "nothing")], /holds no store/, 1],
  ] as const) {
    const refused = await migrate(...args);
    assert.match(refused.errors, what);
    assert.equal(refused.code, code);
  }
  await using store = await openLmdbStore({ directory: other });
  assert.equal(store.status().state, "ready");
});
