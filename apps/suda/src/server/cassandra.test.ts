/** The store in Cassandra as it is configured, of the real process, with a real Cassandra. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import {
  clientId,
  eventually,
  openSharedCassandra,
  ServerProcess,
  signToken,
  skipWithoutCassandra,
  TcpProxy,
  userId,
  WireClient,
  writeTokenKey,
  type SharedCassandra,
} from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));
const password = "a-canary-of-cassandra";

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "suda-cassandra-test-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeTokenKey(directory);
  return directory;
}

function run(directory: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: directory,
    encoding: "utf8",
    env: { ...process.env, SUDA_STORE: "cassandra", ...environment },
    timeout: 60_000,
  });
  return { code: status, output: stdout + stderr };
}

/** What happened, and what to do about it: nothing else. */
function assertTold(ran: Ran, pattern: RegExp): void {
  assert.deepEqual([ran.code === 0, ran.output.split("\n").length], [false, 3], ran.output);
  assert.match(ran.output, pattern);
}

test("without the package that speaks to Cassandra, its store says what to install, and everything else works", (t) => {
  const directory = temporaryDirectory(t);
  // Looked for from a place that has none.
  const hook = `export const resolve = (name, context, next) => next(name, name === "cassandra-driver" ? { ...context, parentURL: "file:///nowhere/" } : context);`;
  const hidden = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});`;
  const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hidden)}` };
  const serve = ["serve", "--port", "0", "--data", directory];
  assertTold(
    run(directory, serve, environment),
    /^suda: store cassandra needs the package cassandra-driver, which is not installed\n→ npm install cassandra-driver@4/,
  );
  assertTold(run(directory, ["store", "init"], environment), /needs the package cassandra-driver/);
  const healthy = run(directory, ["doctor", "--port", "0", "--data", directory, "--store", "lmdb"], environment);
  assert.equal(healthy.code, 0, healthy.output);
});

test("what cannot be is told in a line, with what to do", (t) => {
  const directory = temporaryDirectory(t);
  assertTold(run(directory, ["store", "init", "--store", "lmdb"]), /^suda: store lmdb needs no init/);
  assertTold(run(directory, ["store", "init", "--replication", "many"]), /^suda: --replication many is neither/);
  assertTold(run(directory, ["store", "init", "--replication", "east:3"]), /leaves out datacenter1/);
  assertTold(run(directory, ["serve", "--data", directory], { SUDA_CASSANDRA_USER: "suda" }), /belong together/);
  assertTold(run(directory, ["store", "init", "--cassandra-keyspace", "a-b"]), /must be 1–48/);
  assertTold(run(directory, ["store", "init", "--wait", "soon"]), /^suda: --wait soon is no time of up to 10 minutes\n→ /);
  const nobody = { SUDA_CASSANDRA_CONTACT_POINTS: "127.0.0.1:1" };
  assertTold(run(directory, ["store", "init", "--wait", "0"], nobody), /^suda: Cassandra does not answer at 127\.0\.0\.1:1/);
  const waited = run(directory, ["store", "init", "--wait", "300ms"], nobody);
  assert.match(waited.output, /^ {2}waiting up to 0\.3 s for Cassandra: Cassandra does not answer at 127\.0\.0\.1:1: .*\nsuda: Cassandra does not answer/);
  assert.equal(waited.code, 1);
});

test("`suda store init`, and then a server: what it acknowledged is there after a restart, for another node too", { skip: skipWithoutCassandra }, async (t) => {
  const directory = temporaryDirectory(t);
  await using cassandra = await openSharedCassandra();
  const keyspace = cassandra.keyspace("served");
  const settings = { SUDA_CASSANDRA_CONTACT_POINTS: cassandra.contactPoints.join(","), SUDA_CASSANDRA_KEYSPACE: keyspace };
  assertTold(run(directory, ["serve", "--port", "0", "--data", directory], settings), new RegExp(`^suda: There is no keyspace ${keyspace}\n→ suda store init`));
  const elsewhere = { ...settings, SUDA_CASSANDRA_DATA_CENTER: "elsewhere" };
  assertTold(run(directory, ["serve", "--port", "0", "--data", directory], elsewhere), /^suda: Cassandra has no data center elsewhere/);
  await assertWaits(directory, settings, cassandra);
  assert.deepEqual(run(directory, ["store", "init"], settings), {
    code: 0,
    output: `✓ keyspace ${keyspace} has schema 1, there already, nothing was changed\n`,
  });
  const checked = run(directory, ["doctor", "--port", "0", "--data", directory], settings);
  assert.match(checked.output, new RegExp(`store opens: keyspace ${keyspace} of Cassandra`));

  const serve = (): Promise<ServerProcess> =>
    ServerProcess.open({
      program: [program, "serve", "--port", "0", "--data", directory, "--store", "cassandra"],
      // Nobody asks for it here, and nobody may show it.
      env: { ...settings, SUDA_CASSANDRA_USER: "suda", SUDA_CASSANDRA_PASSWORD: password },
    });
  const texts = ["one", "two", "three"];
  const read = async (server: ServerProcess, conversation: string): Promise<unknown> => {
    await using bob = await WireClient.open({ url: server.url, token: signToken(directory, "bob") });
    const { events } = await bob.request("history.get", { conversation, after: 0, limit: 10 } as never);
    return (events as readonly { readonly content?: { readonly text?: string } }[]).flatMap(({ content }) => content?.text ?? []);
  };
  let id: string;
  {
    await using server = await serve();
    await using alice = await WireClient.open({ url: server.url, token: signToken(directory, "alice") });
    const { conversation } = await alice.request("conversation.open", { with: userId("bob") });
    id = conversation.id;
    for (const text of texts) await alice.request("message.send", { conversation: conversation.id, clientId: clientId(text), content: { type: "text", text } });
    const metrics = await (await fetch(new URL("/metrics", server.url))).text();
    assert.match(metrics, /^suda_store_commits_total\{[^}]*\} [1-9]/m);
    await using other = await serve();
    assert.deepEqual(await read(other, id), texts);
    assert.doesNotMatch(server.output, new RegExp(password));
  }
  {
    await using again = await serve();
    assert.deepEqual(await read(again, id), texts);
  }

  // The conversation began with its two members.
  assert.deepEqual(run(directory, ["verify"], settings), { code: 0, output: "✓ 1 conversations with 3 entries: everything agrees\n" });
  await damage(cassandra, keyspace);
  const damaged = run(directory, ["verify", "--store", "cassandra"], settings);
  assert.match(damaged.output, new RegExp(`^✗ conversation ${id}, seq 2: .*wrong checksum.*\\[record\\.damaged\\]\n`));
  assert.match(damaged.output, /\n {2}→ Verify again with all nodes of Suda stopped; then nodetool repair/);
  assert.equal(damaged.code, 1);
  assertTold(run(directory, ["verify", "--cassandra-keyspace", "nowhere"], settings), /^suda: There is no keyspace nowhere\n→ suda store init/);
});

/** `suda store init` begins while nobody answers at its contact point, as beside a Cassandra that starts, and ends when somebody does. */
async function assertWaits(directory: string, settings: Readonly<Record<string, string>>, cassandra: SharedCassandra): Promise<void> {
  await using proxy = await TcpProxy.open({ port: cassandra.port });
  proxy.refuse();
  const child = spawn(process.execPath, [program, "store", "init", "--replication", "1"], {
    cwd: directory,
    env: { ...process.env, SUDA_STORE: "cassandra", ...settings, SUDA_CASSANDRA_CONTACT_POINTS: `127.0.0.1:${proxy.port}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (output += part.toString()));
  await eventually(
    async () => output.endsWith("\n"),
    () => {},
    30_000,
  );
  assert.match(output, /^ {2}waiting up to 60 s for Cassandra: Cassandra does not answer at 127\.0\.0\.1:\d+: .*\n$/);
  proxy.heal();
  assert.deepEqual(await ended, [0, null], output);
  assert.match(output, /^.*\n✓ keyspace served_\w+ has schema 1, made now\n$/);
}

type DriverClient = new (
  options: object,
) => {
  execute(cql: string, values?: readonly unknown[], options?: object): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;
  shutdown(): Promise<void>;
};

/** One bit of the second entry is another one. */
async function damage({ contactPoints, dataCenter }: SharedCassandra, keyspace: string): Promise<void> {
  // The driver is the store's, and not this program's.
  const { Client } = createRequire(new URL("../../../../packages/store-cassandra/package.json", import.meta.url))("cassandra-driver") as {
    Client: DriverClient;
  };
  const client = new Client({ contactPoints: [...contactPoints], localDataCenter: dataCenter, keyspace });
  try {
    const { rows } = await client.execute("SELECT conversation, bucket, entry, writetime(entry) AS at FROM log_entries WHERE seq = 2 ALLOW FILTERING");
    const [row] = rows;
    const entry = Buffer.from(row?.["entry"] as Uint8Array);
    entry.writeUInt8(entry.readUInt8(entry.length - 8) ^ 1, entry.length - 8);
    const values = [entry, row?.["conversation"], row?.["bucket"]];
    await client.execute(
      `UPDATE log_entries USING TIMESTAMP ${String(Number(row?.["at"]) + 1)} SET entry = ? WHERE conversation = ? AND bucket = ? AND seq = 2`,
      values,
      {
        prepare: true,
      },
    );
  } finally {
    await client.shutdown();
  }
}
