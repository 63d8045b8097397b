/** A bot's process that is killed in the middle of its work, and a server that is: real processes, a real store, a real disk. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ConversationId } from "@suda/protocol";
import { SeededRandom, ServerProcess, signToken, WireClient, writeTokenKey } from "@suda/testing";
import { fileStates } from "./file-states.ts";
import { textIn, until } from "./kit.ts";

const command = fileURLToPath(new URL("../../../apps/suda/bin/suda.js", import.meta.url));
const program = fileURLToPath(new URL("killed-bot.ts", import.meta.url));
/** Programs start slowly where others start theirs. */
const patience = { timeoutMs: 60_000, everyMs: 50 };
const people = ["alice", "bob", "carol"] as const;

class BotProcess {
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  handled = 0;
  errors = "";

  constructor(url: string, token: string, folder: string) {
    const options = ["--import", import.meta.resolve("tsx"), "--conditions=suda-source"];
    this.#child = spawn(process.execPath, [...options, program, url, token, folder], { stdio: ["ignore", "pipe", "pipe"] });
    this.exited = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    if (this.#child.stdout !== null) createInterface({ input: this.#child.stdout }).on("line", (line) => (this.handled += line.startsWith("handled") ? 1 : 0));
    this.#child.stderr?.on("data", (bytes: Buffer) => (this.errors += bytes.toString()));
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}

class World implements AsyncDisposable {
  readonly directory: string;
  server: ServerProcess;
  readonly bots: BotProcess[] = [];
  /** What each wrote, in order. */
  readonly written = new Map<string, string[]>();
  #count = 0;

  constructor(directory: string, server: ServerProcess) {
    this.directory = directory;
    this.server = server;
  }

  static async open(): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), "suda-bot-"));
    writeTokenKey(directory);
    return new World(directory, await ServerProcess.open({ program: serve(directory, "0") }));
  }

  startBot(): BotProcess {
    const bot = new BotProcess(this.server.url, signToken(this.directory, "echo", { bot: true }), join(this.directory, "states"));
    this.bots.push(bot);
    return bot;
  }

  connect(user: string): Promise<WireClient> {
    return WireClient.open({ url: this.server.url, token: signToken(this.directory, user) });
  }

  /** So many messages of each. */
  async write(count: number): Promise<void> {
    await Promise.all(
      people.map(async (user) => {
        await using client = await this.connect(user);
        const { conversation } = await client.request("conversation.open", { with: "echo" as never });
        const written = this.written.get(user) ?? [];
        this.written.set(user, written);
        for (let n = 0; n < count; n++) {
          const text = `${user}-${this.#count++}`;
          await client.request("message.send", { conversation: conversation.id, clientId: text as never, content: { type: "text", text } });
          written.push(text);
        }
      }),
    );
  }

  /** What the bot said to each, in order. */
  async said(user: string): Promise<{ readonly id: ConversationId; readonly said: string[] }> {
    await using client = await this.connect(user);
    const { id } = (await client.request("conversation.open", { with: "echo" as never })).conversation;
    const said: string[] = [];
    for (let after = 0, more = true; more; ) {
      const page = await client.request("history.get", { conversation: id, after, limit: 200 });
      for (const event of page.events) if (event.from === "echo") said.push(textIn(event));
      after = page.events.at(-1)?.seq ?? after;
      more = page.more;
    }
    return { id, said };
  }

  async check(): Promise<void> {
    const states = fileStates(join(this.directory, "states"));
    for (const user of people) {
      const written = this.written.get(user) ?? [];
      const expected = written.flatMap((text) => [`first ${text}`, `second ${text}`]);
      await until(`all answers to ${user}`, async () => (await this.said(user)).said.length >= expected.length, patience);
      const { id, said } = await this.said(user);
      assert.deepEqual(said, expected);
      const count = async (): Promise<number> => ((await states.get(id))?.value as { count: number } | undefined)?.count ?? 0;
      await until(`the count of ${user}`, async () => (await count()) >= written.length);
      assert.equal(await count(), written.length);
    }
  }

  async restartServer(): Promise<void> {
    const { port } = new URL(this.server.url);
    await this.server.kill();
    this.server = await ServerProcess.open({ program: serve(this.directory, port) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bot of this.bots) await bot.kill();
    await this.server[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

function serve(directory: string, port: string): string[] {
  return [command, "serve", "--port", port, "--data", directory, "--log-level", "error", "--commands-per-second", "0", "--connects-per-second", "0"];
}

test("[D3] [D16] a bot that is killed in the middle of its work answers everything once and in order, and counts once", { timeout: 120_000 }, async () => {
  await using world = await World.open();
  const random = new SeededRandom(11);
  let isCutShort = 0;
  for (let round = 0; round < 5; round++) {
    const bot = world.startBot();
    const killAfter = 1 + Math.floor(random.float() * 30);
    const writing = world.write(20);
    await until("some work", () => bot.handled >= killAfter || bot.errors !== "", patience);
    await bot.kill();
    assert.equal(bot.errors, "");
    await writing;
    const total = people.reduce((sum, user) => sum + (world.written.get(user)?.length ?? 0), 0);
    const answers = (await Promise.all(people.map((user) => world.said(user)))).reduce((sum, { said }) => sum + said.length, 0);
    if (answers < total * 2) isCutShort++;
  }
  assert.ok(isCutShort > 0, "each bot was killed after its work was done");
  // Away, while people write.
  await world.write(70);
  world.startBot();
  await world.check();
});

test("[D2] [D3] the server is killed under a bot at work: the bot comes back by itself, and nothing is missing or there twice", {
  timeout: 120_000,
}, async () => {
  await using world = await World.open();
  await world.write(60);
  const bot = world.startBot();
  for (const count of [10, 60]) {
    await until("some work", () => bot.handled >= count, patience);
    await world.restartServer();
  }
  await world.write(10);
  await world.check();
  assert.equal(bot.errors, "");
});
