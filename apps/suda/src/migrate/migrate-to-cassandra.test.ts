/** `suda migrate --to cassandra` as an operator runs it: a server on LMDB under load, and a real Cassandra. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import { openLmdbReadOnly, openLmdbStore } from "@suda/store-lmdb";
import {
  CommandRefused,
  eventually,
  MovingLife,
  openSharedCassandra,
  SeededRandom,
  ServerProcess,
  signToken,
  skipWithoutCassandra,
  textOf,
  WireClient,
  writeTokenKey,
} from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));

test("[S57] a store moves from LMDB to Cassandra while its server is written to, is killed and goes on, and every rolling hash is the same", {
  skip: skipWithoutCassandra,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "suda-migrate-cassandra-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const data = join(directory, "data");
  mkdirSync(data);
  writeTokenKey(data);
  {
    await using store = await openLmdbStore({ directory: data });
    await new MovingLife(store, new SeededRandom(11)).live(300);
  }
  await using cassandra = await openSharedCassandra();
  const keyspace = cassandra.keyspace("moved");
  const settings = { SUDA_CASSANDRA_CONTACT_POINTS: cassandra.contactPoints.join(","), SUDA_CASSANDRA_KEYSPACE: keyspace, SUDA_COMMANDS_PER_SECOND: "0" };
  const suda = (...args: string[]) => spawn(process.execPath, [program, ...args], { env: { ...process.env, ...settings }, stdio: ["ignore", "pipe", "pipe"] });
  const run = async (...args: string[]): Promise<{ readonly code: number | null; readonly text: string }> => {
    const child = suda(...args);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (text += part.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, text };
  };
  const serve = (...args: string[]): Promise<ServerProcess> =>
    ServerProcess.open({ program: [program, "serve", "--port", "0", "--data", data, "--log-level", "error", ...args], env: settings });
  const migrate = ["migrate", "--to", "cassandra", "--data", data];

  const unprepared = await run(...migrate);
  assert.match(unprepared.text, new RegExp(`There is no keyspace ${keyspace}\n→ suda store init`));
  const init = await run("store", "init", "--store", "cassandra", "--replication", "1");
  assert.equal(init.code, 0, init.text);

  const acknowledged: { readonly conversation: ConversationId; readonly seq: number; readonly clientId: ClientId }[] = [];
  let refusals = 0;
  {
    await using server = await serve("--store", "lmdb");
    await using alice = await WireClient.open({ url: server.url, token: signToken(data, "alice") });
    const conversations: ConversationId[] = [];
    for (let index = 0; index < 4; index++) conversations.push((await alice.request("conversation.create", { members: ["bob" as UserId] })).conversation.id);
    const state = { isOn: true };
    const write = async (lane: number): Promise<void> => {
      for (let count = 0; state.isOn; count++) {
        const clientId = `lane-${lane}-${count}` as ClientId;
        const conversation = conversations[count % conversations.length] as ConversationId;
        while (state.isOn) {
          try {
            const { seq } = await alice.request("message.send", { conversation, clientId, content: textOf(clientId) });
            acknowledged.push({ conversation, seq, clientId });
            break;
          } catch (error) {
            if (!(error instanceof CommandRefused) || !error.frame.retryable) throw error;
            refusals++;
          }
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const writing = Array.from({ length: 4 }, (_, lane) => write(lane));
    const killed = suda(...migrate);
    const exited = once(killed, "exit");
    for await (const line of createInterface({ input: killed.stdout })) if (line.includes("copied")) break;
    killed.kill("SIGKILL");
    await exited;
    const half = await run("serve", "--store", "cassandra", "--port", "0", "--data", data);
    assert.match(half.text, /is being moved into this one, and that is not finished\n→ Run the same suda migrate again/);
    const before = acknowledged.length;
    await eventually(async () => acknowledged.length > before + 20);
    const ran = await run(...migrate);
    assert.equal(ran.code, 0, ran.text);
    assert.match(ran.text, /^ {2}going on after \d+ passes\n/);
    assert.match(
      ran.text,
      /✓ \d+ conversations with \d+ entries read back: every rolling hash is the old store's\n.*Restart the server with --store cassandra/,
    );
    state.isOn = false;
    await Promise.all(writing);
  }
  assert.ok(refusals > 0, "writers were told to wait");

  await using server = await serve("--store", "cassandra");
  await using alice = await WireClient.open({ url: server.url, token: signToken(data, "alice") });
  await using old = await openLmdbReadOnly({ directory: data });
  const last = new Map(acknowledged.map((one) => [one.conversation, one]));
  for (const { conversation, seq, clientId } of last.values()) {
    const record = await old.conversations.get(conversation);
    const { conversation: now } = await alice.request("conversation.get", { conversation });
    assert.deepEqual([now.epoch, now.head], [record?.epoch, record?.head.seq]);
    const retried = await alice.request("message.send", { conversation, clientId, content: textOf(clientId) });
    assert.deepEqual([retried.seq, retried.duplicate], [seq, true]);
    const next = await alice.request("message.send", { conversation, clientId: `${clientId}-next` as ClientId, content: textOf("on") });
    assert.equal(next.seq, now.head + 1);
  }
});
