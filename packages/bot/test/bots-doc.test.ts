/** The tutorial of docs/BOTS.md: all of it is type-checked, and all of it is run. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { newWebhookSecret, signWebhook } from "@suda/protocol";
import { createTestGroup, ManualClock, say, TestServer } from "@suda/testing";
import type { Bot, BotOptions, StateStore } from "../src/index.ts";
import { heard, newBot, openWith, saidBy, textIn, unlimited, until, workedOff } from "./kit.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const document = await readFile(join(root, "docs/BOTS.md"), "utf8");
const snippets = new Map(
  Array.from(document.matchAll(/^<!-- snippet: (bot-[a-z-]+) -->\n\n```ts\n([\s\S]*?)^```$/gm), ([, name = "", code = ""]) => [name, code]),
);
/** Each is run by a test below. */
const known = [
  "bot-six-lines",
  "bot-hears",
  "bot-says",
  "bot-stream",
  "bot-taps",
  "bot-handoff",
  "bot-state",
  "bot-failures",
  "bot-offload",
  "bot-webhook",
  "bot-blocking",
  "bot-test",
];

type AnyBot = Bot<Record<string, unknown>>;

// In a folder that Git ignores, inside the repository, so that packages are found.
let folder: string;
before(async () => {
  await mkdir(join(root, "test/dist"), { recursive: true });
  folder = await mkdtemp(join(root, "test/dist/bots-doc-"));
  for (const [name, code] of snippets) await writeFile(join(folder, `${name}.ts`), code);
});
after(() => rm(folder, { recursive: true, force: true }));

/** The exports of a snippet. The caller says what they are, which the type check of the snippet holds. */
async function load<Exports>(name: string): Promise<Exports> {
  return (await import(pathToFileURL(join(folder, `${name}.ts`)).href)) as Exports;
}

test("every block of the tutorial is a snippet, and every snippet has its test", () => {
  assert.deepEqual([...snippets.keys()].sort(), known.toSorted());
  const tutorial = document.slice(document.indexOf("## Writing a bot"), document.indexOf("## A message"));
  assert.equal(tutorial.match(/^```ts$/gm)?.length, snippets.size);
});

test("all of it is type-checked", async () => {
  const compilerOptions = {
    noEmit: true,
    composite: false,
    isolatedDeclarations: false,
    declaration: false,
    declarationMap: false,
    customConditions: ["suda-source"],
    allowImportingTsExtensions: true,
    incremental: false,
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ extends: join(root, "tsconfig.base.json"), compilerOptions, include: ["*"] }));
  const { stdout } = await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]).catch((error: { stdout: string }) => error);
  assert.equal(stdout, "");
});

test("the six lines are those of the README, which runs them", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  assert.ok(readme.includes((snippets.get("bot-six-lines") ?? "").replace('process.env["BOT_TOKEN"]', "process.env.BOT_TOKEN")));
});

test("what it hears", async () => {
  await using suda = await TestServer.open(unlimited);
  const { listen } = await load<{ listen: (bot: AnyBot, log: (line: string) => void) => void }>("bot-hears");
  const lines: string[] = [];
  await using bot = newBot(suda);
  listen(bot, (line) => lines.push(line));
  await bot.start();
  await using alice = await suda.connect("alice");
  const id = await openWith(alice, "echo");
  await say(alice, id, '/order "two pizzas" water');
  await heard(alice, "Ordered: two pizzas, water");
  const bytes = { type: "bytes", mime: "image/png", bytes: new Uint8Array(7) } as const;
  await alice.request({ type: "message.send", conversation: id, clientId: "p" as never, content: bytes });
  await heard(alice, "7 bytes of image/png");
  const group = await createTestGroup(alice, ["echo"]);
  await alice.request({ type: "member.add", conversation: group.id, users: ["bob" as never, "carol" as never] });
  await heard(alice, "Welcome, bob and carol!");
  await until("the lines", () => lines.length === 3);
  assert.match(lines[0] ?? "", /^message\.created of alice in \d+ ms$/);
});

test("what it says", async () => {
  await using suda = await TestServer.open(unlimited);
  const { speak } = await load<{ speak: (bot: AnyBot) => void }>("bot-says");
  await using bot = newBot(suda);
  speak(bot);
  await bot.start();
  await using alice = await suda.connect("alice");
  const id = await openWith(alice, "echo");
  await say(alice, id, "/menu");
  const list = await alice.event("message.created", ({ content }) => content.type === "list");
  assert.deepEqual(list.part, { index: 2, total: 2 });
  await say(alice, id, "How many?");
  await alice.event("message.edited");
  assert.equal((await saidBy(alice, id, "echo")).at(-1), "There are 2 of us.");
});

test("buttons and forms", async () => {
  await using suda = await TestServer.open(unlimited);
  const { takeOrders } = await load<{ takeOrders: (bot: AnyBot) => void }>("bot-taps");
  await using bot = newBot(suda);
  takeOrders(bot);
  await bot.start();
  await using alice = await suda.connect("alice");
  const id = await openWith(alice, "echo");
  await say(alice, id, "/pizza");
  const card = await alice.event("message.created", ({ content }) => content.type === "card");
  await alice.request({ type: "interaction.tap", conversation: id, target: card.seq, action: "size-l", clientId: "t1" as never });
  assert.equal((await alice.event("interaction.answered")).toast, "A moment…");
  assert.deepEqual((await alice.event("message.edited")).content, { type: "card", title: "Pizza for 14000" });
  const form = await alice.event("message.created", ({ content }) => content.type === "form");
  const value = { street: "세종대로 1" };
  await alice.request({ type: "interaction.tap", conversation: id, target: form.seq, action: "submit", value, clientId: "t2" as never });
  await heard(alice, "On its way to 세종대로 1.");
});

test("asking for a human", async () => {
  await using suda = await TestServer.open(unlimited);
  const { askForTeacher } = await load<{ askForTeacher: (bot: AnyBot) => void }>("bot-handoff");
  await using bot = newBot(suda);
  askForTeacher(bot);
  await bot.start();
  await using alice = await suda.connect("alice");
  const id = await openWith(alice, "echo");
  await say(alice, id, "/teacher");
  assert.equal((await alice.event("control.changed")).queue, "math");
  await say(alice, id, "hello?");
  await workedOff(suda, id, "echo");
  assert.deepEqual(await saidBy(alice, id, "echo"), ["A teacher will be with you soon."]);
});

test("an answer that grows", async () => {
  await using suda = await TestServer.open(unlimited);
  const { tutor } = await load<{ tutor: (bot: AnyBot, model: (question: string) => AsyncIterable<string>) => void }>("bot-stream");
  async function* model(question: string): AsyncGenerator<string> {
    for (const word of ["You ", "asked: ", question]) yield word;
  }
  await using bot = newBot(suda);
  tutor(bot, model);
  await bot.start();
  await using alice = await suda.connect("alice");
  const id = await openWith(alice, "echo");
  await say(alice, id, "why?");
  await alice.event("thinking.started");
  assert.equal((await heard(alice, "You asked: why?")).quickReplies?.length, 1);
});

test("a conversation's state, in files", async () => {
  await using suda = await TestServer.open(unlimited);
  const { createQuiz, filesIn } = await load<{
    createQuiz: (options: BotOptions<{ score: number }>) => Bot<{ score: number }>;
    filesIn: (folder: string) => StateStore;
  }>("bot-state");
  const before = process.cwd();
  process.chdir(folder);
  try {
    for (const score of [1, 2]) {
      await using bot = createQuiz(suda.botLink("echo"));
      await bot.start();
      await using alice = await suda.connect("alice");
      const id = await openWith(alice, "echo");
      await say(alice, id, "42");
      await heard(alice, `Your score: ${score}`);
      await workedOff(suda, id, "echo");
      assert.deepEqual((await filesIn("./quiz-states").get(id))?.value, { score });
    }
  } finally {
    process.chdir(before);
  }
});

test("when something fails", async () => {
  await using suda = await TestServer.open(unlimited);
  const { createWeatherBot } = await load<{ createWeatherBot: (options: BotOptions<Record<string, unknown>>, report: (line: string) => void) => AnyBot }>(
    "bot-failures",
  );
  const lines: string[] = [];
  await using bot = createWeatherBot({ ...suda.botLink("echo"), maxAttempts: 1 }, (line) => lines.push(line));
  const { fetch } = globalThis;
  globalThis.fetch = async () => Promise.reject(new Error("no weather"));
  try {
    await bot.start();
    await using alice = await suda.connect("alice");
    const id = await openWith(alice, "echo");
    await say(alice, id, "Seoul");
    await until("the report", () => lines.length === 1);
    // The example names its own time; how often is said here, so that no test waits.
    assert.deepEqual(lines, [`gave up ${id} 1 after 1: Error: no weather`]);
  } finally {
    globalThis.fetch = fetch;
  }
});

test("work that blocks", async () => {
  await using suda = await TestServer.open(unlimited);
  const { solve } = await load<{ solve: (bot: AnyBot) => void }>("bot-offload");
  await using bot = newBot(suda);
  solve(bot);
  await bot.start();
  await using alice = await suda.connect("alice");
  const id = await openWith(alice, "echo");
  await say(alice, id, "/fibonacci 20");
  assert.equal(textIn(await alice.event("message.created", ({ from }) => from === "echo")), "It is 6765.");
});

test("by webhook", async () => {
  await using suda = await TestServer.open({ ...unlimited, clock: new ManualClock(Date.now()) });
  const { serveBot } = await load<{ serveBot: (env: object) => Server }>("bot-webhook");
  await using alice = await suda.connect("alice");
  const id = await openWith(alice, "echo");
  const seq = await say(alice, id, "안녕");
  const secret = newWebhookSecret();
  const server = serveBot({ SUDA_URL: await suda.listen(), BOT_TOKEN: suda.token("echo", { bot: true }), WEBHOOK_SECRET: secret });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { events } = await alice.request({ type: "history.get", conversation: id, after: seq - 1 });
    const body = JSON.stringify({ type: "message.created", bot: "echo", conversation: { id, epoch: "e" }, event: events[0] });
    const headers = { ...(await signWebhook({ id: "d_1", at: Date.now(), body, secrets: [secret] })) };
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    assert.equal((await fetch(url, { method: "POST", headers, body })).status, 200);
    await heard(alice, "You said: 안녕");
    assert.equal((await fetch(url, { method: "POST", headers, body: `${body} ` })).status, 401);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("testing a bot", async () => {
  // A runner inside a runner would report to the outer one.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const options = ["--import", import.meta.resolve("tsx"), "--conditions=suda-source", "--test", "bot-test.ts"];
  const { stdout } = await run(process.execPath, options, { cwd: folder, env });
  assert.match(stdout, /ok 1 - the bot greets/);
});
