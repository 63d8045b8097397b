/** The channel layer as it is configured, of the real process, with a real Redis. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { clientId, eventually, freePort, RedisServer, ServerProcess, signToken, skipWithoutRedis, userId, WireClient, writeTokenKey } from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));
/** In the address, and nowhere else. */
const password = "a-canary-of-redis";

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "suda-layer-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeTokenKey(directory);
  return directory;
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

function run(directory: string, args: readonly string[], url: string, more: Readonly<Record<string, string>> = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args, "--data", directory], {
    cwd: directory,
    encoding: "utf8",
    env: { ...process.env, SUDA_LAYER: "redis", SUDA_REDIS_URL: url, ...more },
    timeout: 60_000,
  });
  return { code: status, output: stdout + stderr };
}

interface Judged {
  readonly status: number;
  readonly body: unknown;
  readonly up: string | undefined;
  readonly lost: number;
}

async function judge(server: ServerProcess): Promise<Judged> {
  const ready = await fetch(new URL("/readyz", server.url));
  const metrics = await (await fetch(new URL("/metrics", server.url))).text();
  return {
    status: ready.status,
    body: await ready.json(),
    up: /^suda_layer_link_up\{[^}]*\} (\d)$/m.exec(metrics)?.[1],
    lost: Number(/^suda_layer_link_lost_total\{[^}]*\} (\d+)$/m.exec(metrics)?.[1]),
  };
}

test("without the package that speaks to Redis, its layer says what to install, and everything else works", (t) => {
  const directory = temporaryDirectory(t);
  // Looked for from a place that has none.
  const hook = `export const resolve = (name, context, next) => next(name, name === "@redis/client" ? { ...context, parentURL: "file:///nowhere/" } : context);`;
  const hidden = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});`;
  const options = `--import=data:text/javascript,${encodeURIComponent(hidden)}`;
  const refused = run(directory, ["serve", "--port", "0"], "redis://127.0.0.1:1", { NODE_OPTIONS: options });
  assert.deepEqual([refused.code, refused.output.split("\n").length], [1, 3], refused.output);
  assert.match(refused.output, /^suda: layer redis needs the package @redis\/client, which is not installed\n→ npm install @redis\/client@6/);
  const healthy = run(directory, ["doctor", "--port", "0", "--layer", "memory"], "redis://127.0.0.1:1", { NODE_OPTIONS: options });
  assert.equal(healthy.code, 0, healthy.output);
});

describe("layer redis", { skip: skipWithoutRedis }, () => {
  test("a server is ready with Redis, without it and with it again, and says so in log and metrics, without its password", async (t) => {
    const directory = temporaryDirectory(t);
    await using redis = await RedisServer.open({ arguments: ["--requirepass", password] });
    const url = `redis://:${password}@127.0.0.1:${redis.port}`;
    await using server = await ServerProcess.open({
      program: [program, "serve", "--port", "0", "--data", directory, "--layer", "redis", "--redis-prefix", "tested", "--node-name", "tested-1"],
      env: { SUDA_REDIS_URL: url },
    });
    assert.deepEqual(await judge(server), {
      status: 200,
      body: { status: "ready", node: "tested-1", store: { state: "ready" }, layer: "connected" },
      up: "1",
      lost: 0,
    });
    await using alice = await WireClient.open({ url: server.url, token: signToken(directory, "alice") });
    let heard = 0;
    const onEvent = ({ type }: { readonly type: string }): void => void (type === "message.created" && heard++);
    await using bob = await WireClient.open({ url: server.url, token: signToken(directory, "bob"), onEvent });
    assert.ok(bob.isOpen);
    const { conversation } = await alice.request("conversation.open", { with: userId("bob") });
    const say = async (text: string): Promise<void> => {
      const before = heard;
      await alice.request("message.send", { conversation: conversation.id, clientId: clientId(text), content: { type: "text", text } });
      await eventually(async () => heard === before + 1);
    };
    await say("with");

    await redis.kill();
    await eventually(async () => (await judge(server)).up === "0");
    await say("without");
    const alone = await judge(server);
    assert.deepEqual([alone.status, alone.body], [200, { status: "ready", node: "tested-1", store: { state: "ready" }, layer: "disconnected" }]);
    assert.ok(alone.lost > 0);
    await redis.start();
    await eventually(async () => (await judge(server)).up === "1");
    await say("again");
    assert.equal((await judge(server)).lost, alone.lost);

    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    const told = server.output.split("\n").filter((line) => line.includes('"layer":"redis"'));
    assert.ok(
      told.every((line) => line.includes('"node":"tested-1"')),
      "each line names the node",
    );
    assert.match(told[0] ?? "", /"level":30.*connected to Redis/);
    assert.match(told[1] ?? "", /"level":40.*"code":"lost"/);
    assert.match(told.at(-1) ?? "", /"level":30.*"lost":[1-9].*Redis is there/);
    assert.doesNotMatch(server.output, new RegExp(password));
    assert.deepEqual(server.alarms, []);
  });

  test("a server starts before Redis, is ready, and joins when it is there", async (t) => {
    const directory = temporaryDirectory(t);
    await using redis = await RedisServer.open();
    await redis.kill();
    await using server = await ServerProcess.open({
      program: [program, "serve", "--port", "0", "--data", directory, "--layer", "redis", "--redis-url", redis.url, "--node-name", "tested-1"],
    });
    const early = await judge(server);
    assert.deepEqual([early.status, early.body, early.up], [200, { status: "ready", node: "tested-1", store: { state: "ready" }, layer: "disconnected" }, "0"]);
    await redis.start();
    await eventually(async () => (await judge(server)).up === "1");
    await eventually(async () => /"code":"unreachable"[\s\S]*Redis is there/.test(server.output));
  });

  test("rediss:// is TLS, and a certificate that nobody vouches for is refused", async (t) => {
    const directory = temporaryDirectory(t);
    const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const made = spawnSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, ...subject]);
    assert.equal(made.status, 0, String(made.stderr));
    const tlsPort = await freePort();
    const tls = ["--tls-port", String(tlsPort), "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"];
    await using redis = await RedisServer.open({ arguments: [...tls, "--requirepass", password] });
    assert.ok(redis.pid !== undefined);
    const url = `rediss://:${password}@localhost:${tlsPort}`;
    const trusting = run(directory, ["doctor", "--port", "0"], url, { NODE_EXTRA_CA_CERTS: certificate });
    assert.match(trusting.output, /^✓ Redis \d\S+ answers at rediss:/m);
    assert.match(run(directory, ["doctor", "--port", "0"], url).output, /^✗ rediss:.*self-signed certificate/m);
    await using server = await ServerProcess.open({
      program: [program, "serve", "--port", "0", "--data", directory, "--layer", "redis"],
      env: { SUDA_REDIS_URL: url, NODE_EXTRA_CA_CERTS: certificate },
    });
    assert.equal((await judge(server)).up, "1");
  });

  test("a Redis that refuses keeps the server from starting; doctor and config check say what they see, never the password", async (t) => {
    const directory = temporaryDirectory(t);
    await using redis = await RedisServer.open({ arguments: ["--requirepass", password] });
    const at = (secret: string, port = redis.port): string => `redis://:${secret}@127.0.0.1:${port}`;
    const refused = run(directory, ["serve", "--port", "0"], at("wrong-canary"));
    assert.deepEqual([refused.code, refused.output.split("\n").length], [1, 3], refused.output);
    assert.match(refused.output, /^suda: redis:\/\/:••••••@127\.0\.0\.1:\d+: Redis does not let this node in: WRONGPASS.*\n→ Correct SUDA_REDIS_URL\n$/);
    const healthy = run(directory, ["doctor", "--port", "0"], at(password));
    assert.match(healthy.output, /^✓ Redis \d+\.\d+\.\d+ answers at redis:\/\/:••••••@127/m);
    assert.equal(healthy.code, 0, healthy.output);
    const sick = run(directory, ["doctor", "--port", "0"], at(password, await freePort()));
    assert.match(sick.output, /^✗ redis:\/\/:••••••@127.*cannot be used: .*\n {2}→ Start Redis/m);
    assert.equal(sick.code, 1);
    const checked = run(directory, ["config", "check"], at(password));
    assert.match(checked.output, /^redisUrl +redis:\/\/:••••••@127.*\(SUDA_REDIS_URL\)$/m);
    for (const { output } of [refused, healthy, sick, checked]) assert.doesNotMatch(output, /canary/);
  });
});
