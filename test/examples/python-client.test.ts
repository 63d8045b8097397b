/**
 * examples/python-client against the real server, both directions, over JSON. Skipped where Debian's
 * python3-websocket is not installed; a failure there with REQUIRE_PYTHON=1.
 */
import { deepEqual, equal } from "node:assert/strict";
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ServerProcess, signToken, WireClient, writeTokenKey } from "@suda/testing";
import type { Event } from "@suda/protocol";

const client = fileURLToPath(new URL("../../examples/python-client/client.py", import.meta.url));
const command = fileURLToPath(new URL("../../apps/suda/bin/suda.js", import.meta.url));
// Debian's packages are importable by Debian's Python alone, and another one may come first on the path.
const python = ["/usr/bin/python3", "python3"].find(canImportWebsocket);
const isRequired = process.env["REQUIRE_PYTHON"] === "1";
const skip = python === undefined && !isRequired ? "python3-websocket is not installed" : false;

test("the Python client sends lines and prints messages, in Korean and emoji", { skip, timeout: 60_000 }, async () => {
  await using world = await openWorld();
  const events: Event[] = [];
  await using bob = await WireClient.open({ url: world.server.url, token: world.tokenOf("bob"), onEvent: (event) => void events.push(event) });
  const { conversation } = await bob.request("conversation.open", { with: "alice" as never });
  await bob.request("message.send", sendOf(conversation.id, "b-1", "먼저 쓴 글"));
  const alice = world.openPython("alice", "bob");
  // History first, then live in both directions.
  equal(await alice.nextLine(), "bob: 먼저 쓴 글");
  alice.write("안녕하세요 👋");
  equal(await alice.nextLine(), "alice: 안녕하세요 👋");
  await bob.request("message.send", sendOf(conversation.id, "b-2", "반가워요 👨‍👩‍👧‍👦"));
  equal(await alice.nextLine(), "bob: 반가워요 👨‍👩‍👧‍👦");
  alice.write("둘째 줄");
  equal(await alice.nextLine(), "alice: 둘째 줄");
  equal(await alice.end(), 0);
  const { events: log } = await bob.request("history.get", { conversation: conversation.id, after: 0 });
  const texts = log.flatMap((event) => (event.type === "message.created" && event.content.type === "text" ? [`${event.from}: ${event.content.text}`] : []));
  deepEqual(texts, ["bob: 먼저 쓴 글", "alice: 안녕하세요 👋", "bob: 반가워요 👨‍👩‍👧‍👦", "alice: 둘째 줄"]);
  deepEqual(
    events.flatMap((event) => (event.type === "message.created" ? [event.seq] : [])),
    [1, 2, 3, 4],
  );
});

test("the Python client comes back after a kill -9 of the server, and its messages are there once", { skip, timeout: 60_000 }, async () => {
  await using world = await openWorld();
  const alice = world.openPython("alice", "bob");
  alice.write("before");
  equal(await alice.nextLine(), "alice: before");
  await world.restart();
  alice.write("after");
  equal(await alice.nextLine(), "alice: after");
  equal(await alice.end(), 0);
});

test("the Python client says why it was refused and ends", { skip, timeout: 60_000 }, async () => {
  await using world = await openWorld();
  const alice = world.openPython("alice", "bob", "not.a.token");
  equal(await alice.exited, 1);
});

function canImportWebsocket(program: string): boolean {
  try {
    execFileSync(program, ["-c", "import websocket"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function sendOf(conversation: string, clientId: string, text: string): { conversation: never; clientId: never; content: { type: "text"; text: string } } {
  return { conversation: conversation as never, clientId: clientId as never, content: { type: "text", text } };
}

class PythonClient {
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #output: Interface;
  readonly #lines: AsyncIterator<string>;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#output = createInterface({ input: child.stdout });
    this.#lines = this.#output[Symbol.asyncIterator]();
    this.exited = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
    child.stderr.resume();
  }

  write(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  async nextLine(): Promise<string | undefined> {
    const next = await this.#lines.next();
    return next.done === true ? undefined : next.value;
  }

  /** Ends its input; resolves with its exit code. */
  end(): Promise<number | null> {
    this.#child.stdin.end();
    return this.exited;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}

class World implements AsyncDisposable {
  readonly #directory: string;
  readonly #clients: PythonClient[] = [];
  server: ServerProcess;

  constructor(directory: string, server: ServerProcess) {
    this.#directory = directory;
    this.server = server;
  }

  tokenOf(user: string): string {
    return signToken(this.#directory, user);
  }

  openPython(user: string, partner: string, token = this.tokenOf(user)): PythonClient {
    const url = `${this.server.url.replace("http:", "ws:")}/v1/socket`;
    const child = spawn(python as string, [client, url, partner], { env: { ...process.env, SUDA_TOKEN: token, PYTHONIOENCODING: "utf-8" } });
    const opened = new PythonClient(child);
    this.#clients.push(opened);
    return opened;
  }

  /** Kills the server and starts it again on the same port and data. */
  async restart(): Promise<void> {
    const { port } = new URL(this.server.url);
    await this.server.kill();
    this.server = await ServerProcess.open({ program: serve(this.#directory, port) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#clients) await opened.stop();
    await this.server[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function serve(directory: string, port: string): string[] {
  return [command, "serve", "--port", port, "--data", directory, "--log-level", "error"];
}

async function openWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), "suda-python-"));
  writeTokenKey(directory);
  return new World(directory, await ServerProcess.open({ program: serve(directory, "0") }));
}
