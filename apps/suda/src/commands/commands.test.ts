/** The command as a person runs it: as a process, in an empty directory. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { ServerProcess, WireClient } from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "suda-command-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function run(directory: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: directory,
    encoding: "utf8",
    env: { ...process.env, NODE_ENV: "", ...variables },
  });
  return { code: status, output: stdout, errors: stderr };
}

/** Every failure is two lines: what happened, and `→` how to fix it. */
function assertRefused({ code, output, errors }: Ran, expected: { readonly code: 1 | 2; readonly what: RegExp; readonly fix: RegExp }): void {
  const lines = errors.trimEnd().split("\n");
  assert.equal(lines.length, 2, errors);
  assert.match(lines[0] ?? "", expected.what);
  assert.match(lines[1] ?? "", /^→ ./);
  assert.match(lines[1] ?? "", expected.fix);
  assert.equal(code, expected.code);
  assert.doesNotMatch(output, /^ready/m);
}

async function openServer(t: TestContext, args: readonly string[]): Promise<ServerProcess> {
  const server = await ServerProcess.open({ program: [program, ...args], readyTimeoutMs: 60_000 });
  t.after(() => server[Symbol.asyncDispose]());
  return server;
}

/** A port that something else holds until the test ends. */
async function busyPort(t: TestContext): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("a token made for a data directory opens a server on it, also after kill -9 and another start", async (t) => {
  const directory = temporaryDirectory(t);
  const token = run(directory, ["token", "alice", "--data", "data"]).output;
  assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+\n$/, "the token stands alone on standard output");
  const data = join(directory, "data");
  assert.equal(statSync(join(data, "token-key")).mode & 0o777, 0o600);
  for (let round = 0; round < 2; round++) {
    const server = await openServer(t, ["serve", "--port", "0", "--data", data]);
    assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    await using client = await WireClient.open({ url: server.url, token: token.trim() });
    assert.equal(client.isOpen, true);
    await server.kill();
  }
});

test("serve without a key refuses to start; with a secret from the environment it starts", async (t) => {
  const directory = temporaryDirectory(t);
  assertRefused(run(directory, ["serve", "--port", "0"]), { code: 1, what: /no key checks users' tokens/, fix: /SUDA_TOKEN_SECRET.*suda token USER/ });
  const server = await ServerProcess.open({
    program: [program, "serve", "--port", "0", "--data", join(directory, "data")],
    env: { SUDA_TOKEN_SECRET: "0123456789abcdef0123456789abcdef" },
    readyTimeoutMs: 60_000,
  });
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
});

test("dev prints where everything is, knows its demo users, and ends with 0 on a signal", async (t) => {
  const data = join(temporaryDirectory(t), "data");
  const server = await openServer(t, ["dev", "--port", "0", "--data", data]);
  const { port } = new URL(server.url);
  for (const line of [
    `Docs      http://localhost:${port}/docs`,
    `Terminal  npx suda chat --as bob --data ${data}`,
    "alice, bob, jimin (지민)",
    "@sudabot is online",
  ])
    assert.ok(server.output.includes(line), `${line}\nin\n${server.output}`);
  assert.equal((await fetch(new URL("/docs", server.url))).status, 200);
  assert.ok(existsSync(join(data, "server.json")));
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  assert.ok(!existsSync(join(data, "server.json")), "who stops in order leaves no trace of an address");
});

test("dev refuses other machines and production unless each is named", async (t) => {
  const directory = temporaryDirectory(t);
  assertRefused(run(directory, ["dev", "--host", "0.0.0.0", "--port", "0"]), { code: 1, what: /this machine only/, fix: /--unsafe-host/ });
  assertRefused(run(directory, ["dev", "--port", "0"], { NODE_ENV: "production" }), { code: 1, what: /NODE_ENV=production/, fix: /--unsafe-production/ });
  const server = await openServer(t, ["dev", "--host", "0.0.0.0", "--unsafe-host", "--port", "0", "--data", join(directory, "data")]);
  assert.match(server.output, /OPEN TO OTHER MACHINES/);
});

test("a port in use is refused when it was asked for", async (t) => {
  const directory = temporaryDirectory(t);
  const port = String(await busyPort(t));
  run(directory, ["token", "alice"]);
  for (const command of ["dev", "serve"])
    assertRefused(run(directory, [command, "--port", port]), { code: 1, what: new RegExp(`port ${port} on 127.0.0.1 is in use`), fix: /--port/ });
});

test("a data directory that is in use, not a directory, damaged or not Suda's is refused with a fix", async (t) => {
  const directory = temporaryDirectory(t);
  const serve = (data: string): Ran => run(directory, ["serve", "--port", "0", "--data", data], { SUDA_TOKEN_SECRET: "0123456789abcdef0123456789abcdef" });
  const server = await openServer(t, ["dev", "--port", "0", "--data", join(directory, "data")]);
  assertRefused(serve("data"), { code: 1, what: /in use by process \d+/, fix: /--data/ });
  await server.stop();
  writeFileSync(join(directory, "file"), "");
  assertRefused(serve("file"), { code: 1, what: /file is a file, not a directory|ENOTDIR|EEXIST/, fix: /--data/ });
  truncateSync(join(directory, "data", "suda.mdb"), 5_000);
  assertRefused(serve("data"), { code: 1, what: /cut off|missing|damaged/, fix: /backup/ });
  writeFileSync(join(directory, "data", "suda.mdb"), "x".repeat(20_000));
  assertRefused(serve("data"), { code: 1, what: /not a data file of Suda/, fix: /--data/ });
});

test("an unknown command, option, variable or key is refused with what was probably meant", (t) => {
  const directory = temporaryDirectory(t);
  assertRefused(run(directory, ["serv"]), { code: 2, what: /no command serv/, fix: /suda serve/ });
  assertRefused(run(directory, ["serve", "--prot", "1"]), { code: 2, what: /no option --prot/, fix: /--port/ });
  assertRefused(run(directory, ["config", "chekc"]), { code: 2, what: /no command chekc/, fix: /suda config check/ });
  assertRefused(run(directory, ["serve"], { SUDA_PROT: "1" }), { code: 2, what: /SUDA_PROT/, fix: /SUDA_PORT/ });
  writeFileSync(join(directory, "suda.config.json"), '{"prot":1}');
  assertRefused(run(directory, ["serve"]), { code: 2, what: /prot in .*suda\.config\.json/, fix: /port/ });
  assertRefused(run(directory, ["token", "지민"], { SUDA_CONFIG: "absent.json" }), { code: 2, what: /absent\.json cannot be read/, fix: /path/ });
});

test("a user's id and a lifetime are checked before a key is made or used", (t) => {
  const directory = temporaryDirectory(t);
  assertRefused(run(directory, ["token", "지민"]), { code: 2, what: /is not a user id/, fix: /A–Z/ });
  assertRefused(run(directory, ["token", "alice", "--expires", "soon"]), { code: 2, what: /--expires soon/, fix: /30d/ });
  assertRefused(run(directory, ["token"]), { code: 2, what: /needs USER/, fix: /--help/ });
  const part = run(directory, ["token", "alice", "--expires", "15m"]).output.split(".")[1] ?? "";
  const { iat, exp } = JSON.parse(Buffer.from(part, "base64url").toString()) as { iat: number; exp: number };
  assert.equal(exp - iat, 900);
});

test("the configuration is printed with secrets masked, as a table, and as a template", (t) => {
  const directory = temporaryDirectory(t);
  const checked = run(directory, ["config", "check", "--port", "9000"], { SUDA_TOKEN_SECRET: "0123456789abcdef0123456789abcdef" });
  assert.equal(checked.code, 0);
  assert.match(checked.output, /^port +9000 {2}\(--port\)$/m);
  assert.match(checked.output, /^tokenSecret +•+ \(set\) {2}\(SUDA_TOKEN_SECRET\)$/m);
  assert.doesNotMatch(checked.output, /0123456789abcdef/);
  assert.match(run(directory, ["config", "doc"]).output, /^\| `port` \| `--port` \| `SUDA_PORT` \|/m);
  assert.match(run(directory, ["config", "env"]).output, /^# SUDA_PORT=8000$/m);
});

test("token keys that are private, secret or no keys are refused", (t) => {
  const directory = temporaryDirectory(t);
  const check = (keys: string): Ran => {
    writeFileSync(join(directory, "keys.json"), keys);
    return run(directory, ["config", "check", "--token-keys", "keys.json"]);
  };
  assertRefused(check('{"keys":[{"kty":"OKP","crv":"Ed25519","x":"a","d":"b"}]}'), { code: 1, what: /private key/, fix: /JWK set/ });
  assertRefused(check('{"keys":[{"kty":"oct","k":"abc"}]}'), { code: 1, what: /hold a secret/, fix: /JWK set/ });
  assertRefused(check('{"keys":[]}'), { code: 1, what: /not a set of keys/, fix: /JWK set/ });
  assertRefused(check('{"keys":[{"kty":"RSA","alg":"HS256","n":"a","e":"AQAB"}]}'), { code: 1, what: /none of RS256/, fix: /JWK set/ });
  assert.equal(check('{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}').code, 0);
});

test("doctor is content with a healthy directory, and names what is wrong with another", async (t) => {
  const directory = temporaryDirectory(t);
  run(directory, ["token", "alice"]);
  const healthy = run(directory, ["doctor", "--port", "0"]);
  assert.equal(healthy.code, 0, healthy.output);
  assert.match(healthy.output, /✓ Node [\s\S]*✓ data directory[\s\S]*✓ token key/);
  assert.doesNotMatch(healthy.output, /✗/);
  chmodSync(join(directory, "suda-data", "token-key"), 0o644);
  writeFileSync(join(directory, "suda-data", "suda.mdb"), "not LMDB".repeat(2_000));
  const sick = run(directory, ["doctor", "--port", String(await busyPort(t))]);
  assert.equal(sick.code, 1);
  assert.match(sick.output, /✗ the token key .* can be read by others \(mode 644\)\n {2}→ chmod 600/);
  assert.match(sick.output, /✗ .*not a data file of Suda/);
  assert.match(sick.output, /✗ port \d+ .*EADDRINUSE/);
  assert.equal(readFileSync(join(directory, "suda-data", "suda.mdb"), "utf8").length, 16_000, "nothing was changed");
});

test("a second Ctrl-C ends a server that is still draining", async (t) => {
  const data = join(temporaryDirectory(t), "data");
  const child = spawn(process.execPath, [program, "dev", "--port", "0", "--data", data, "--drain-timeout-ms", "60000"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  const printed = async (text: string): Promise<void> => {
    while (!output.includes(text)) output += String((await once(child.stdout, "data"))[0]);
  };
  await printed("ready ");
  // A client that never answers the close frame keeps the drain waiting.
  const socket = await stubbornSocket(t, Number(/ready http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1]));
  child.kill("SIGINT");
  await printed("stopping");
  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(code, 130);
  socket.destroy();
});

async function stubbornSocket(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => undefined);
  socket.write(
    `GET /v1/socket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`,
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 101/);
  return socket;
}

test("help is there for every command, and the version is the package's", (t) => {
  const directory = temporaryDirectory(t);
  for (const args of [["--help"], ["help"], ["serve", "--help"], ["help", "chat"], ["config", "--help"], ["config", "check", "--help"]]) {
    const { code, output } = run(directory, args);
    assert.equal(code, 0, args.join(" "));
    assert.match(output, /USAGE suda/);
  }
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  for (const args of [["version"], ["--version"], ["-v"]]) assert.ok(run(directory, args).output.startsWith(`suda ${version} `));
});
