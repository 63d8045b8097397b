/** The code of docs/CLIENT.md: all of it is type-checked, and all but the React components is run. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { say, userId } from "@suda/testing";
import type { ClientConversation, ConnectionState, Message, SudaClient } from "../src/index.ts";
import { browserAbsent, BrowserPage, bundlePage } from "./browser.ts";
import { until } from "./waiting.ts";
import { World } from "./world.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const document = await readFile(join(root, "docs/CLIENT.md"), "utf8");
const snippets = new Map(
  Array.from(document.matchAll(/^<!-- snippet: ([a-z-]+) -->\n\n```(tsx?)\n([\s\S]*?)^```$/gm), ([, name = "", language = "", code = ""]) => [
    name,
    { language, code },
  ]),
);
/** Each is run by a test below; `react` is type-checked only. */
const known = ["browser", "react", "node", "sending", "events", "presence", "connection", "types", "request", "transport"];

// In a folder that Git ignores, inside the repository, so that packages are found.
let folder: string;
before(async () => {
  await mkdir(join(root, "test/dist"), { recursive: true });
  folder = await mkdtemp(join(root, "test/dist/client-doc-"));
  for (const [name, { language, code }] of snippets) await writeFile(join(folder, `${name}.${language}`), code);
});
after(() => rm(folder, { recursive: true, force: true }));

function codeOf(name: string): string {
  const snippet = snippets.get(name);
  assert.ok(snippet !== undefined, `docs/CLIENT.md has no snippet ${name}`);
  return snippet.code;
}

/** The exports of a snippet. The caller says what they are, which the type check of the snippet holds. */
async function load<Exports>(name: string): Promise<Exports> {
  return (await import(pathToFileURL(join(folder, `${name}.ts`)).href)) as Exports;
}

test("every code block is a snippet, and every snippet has its test", () => {
  assert.deepEqual([...snippets.keys()].sort(), known.toSorted());
  assert.equal(document.match(/^```/gm)?.length, 2 * snippets.size);
});

test("all of it is type-checked", async () => {
  const surroundings = `
    declare module "react" { export function useSyncExternalStore<T>(subscribe: (listener: () => void) => () => void, getSnapshot: () => T): T; }
    declare namespace JSX { interface IntrinsicElements { [name: string]: object } interface Element {} }
    declare const token: string;
  `;
  await writeFile(join(folder, "surroundings.d.ts"), surroundings);
  const compilerOptions = {
    lib: ["es2023", "es2024.string", "esnext.disposable", "dom", "dom.iterable"],
    jsx: "preserve",
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

test("the program for Node runs", async () => {
  await using world = await World.open();
  const { code } = { code: codeOf("node") };
  assert.ok(code.includes("ws://localhost:8000/v1/socket"));
  const token = `const token = ${JSON.stringify(world.suda.token("alice"))};\n`;
  await writeFile(join(folder, "program.mts"), token + code.replace("ws://localhost:8000/v1/socket", world.url));
  const { stdout } = await run(process.execPath, ["--import", import.meta.resolve("tsx"), "--conditions=suda-source", "program.mts"], { cwd: folder });
  assert.deepEqual(stdout.trim().split("\n").sort(), ["alice: 안녕하세요 👋", "stored as 1"]);
});

test("the page runs in a browser", { skip: browserAbsent }, async () => {
  await using page = await BrowserPage.open();
  await using world = await World.open({ allowedOrigins: [page.origin] });
  await using bob = await world.suda.connect("bob");
  const code = codeOf("browser");
  const placeholders = ["wss://chat.example.com/v1/socket", 'await fetch("/chat-token")).text()'];
  for (const one of placeholders) assert.ok(code.includes(one), one);
  const real = code
    .replace("wss://chat.example.com/v1/socket", world.url)
    .replace('(await fetch("/chat-token")).text()', JSON.stringify(world.suda.token("alice")));
  const script = `${real}
    new MutationObserver(() => tell(list.innerText)).observe(list, { childList: true });
    input.value = "안녕";
    input.dispatchEvent(new Event("change"));
  `;
  const answering = (async () => {
    const { conversation, seq } = await bob.event("message.created");
    await say(bob, conversation, "네!");
    await bob.request({ type: "receipt.read", conversation, seq });
  })();
  const shown = await page.run({ body: "<ul></ul><input>", script: await bundlePage(script), fits: (text) => text.includes("(read)") && text.includes("네!") });
  await answering;
  assert.deepEqual(shown.split("\n"), ["me: 안녕 (read)", "bob: 네! (sent)"]);
});

test("sending, following, requests and custom data do what their code says", async () => {
  await using world = await World.open();
  const alice = await world.client("alice");
  await alice.ready();
  const room = await alice.createGroup({ title: "팀", members: ["bob"] });
  const { follow } = await load<{ follow: (client: SudaClient, write: (line: string) => void) => () => void }>("events");
  const lines: string[] = [];
  const end = follow(alice, (line) => lines.push(line));

  const { say } = await load<{ say: (room: ClientConversation, text: string) => Promise<string> }>("sending");
  assert.equal(await say(room, "good"), `message 1, ${new Date(world.suda.clock.now()).toISOString()}`);
  assert.equal(await say(room, ""), "refused: frame.invalid");

  const { sendOrder, orderOf } = await load<{
    sendOrder: (room: ClientConversation, orderId: string) => void;
    orderOf: (message: Message) => string | undefined;
  }>("types");
  sendOrder(room, "A-7");
  const { messages } = await until(room, (snapshot) => snapshot.events.length === 2);
  assert.deepEqual(messages.map(orderOf), [undefined, "A-7"]);

  const { rename, nameOf } = await load<{
    rename: (client: SudaClient, id: string, title: string) => Promise<void>;
    nameOf: (client: SudaClient, id: string) => Promise<string>;
  }>("request");
  await rename(alice, room.id, "새 이름");
  const { record } = await until(room, (snapshot) => snapshot.events.length === 3);
  assert.equal(record?.title, "새 이름");
  assert.equal(await nameOf(alice, "bob"), "bob");
  end();
  assert.deepEqual(lines, [`${room.id} 1 message.created`, `${room.id} 2 message.created`, `${room.id} 3 conversation.updated`]);
});

test("who is online is shown, and let go", async () => {
  await using world = await World.open();
  const alice = await world.client("alice");
  await world.client("bob");
  await alice.ready();
  await alice.openDirect("bob");
  const { showPresence } = await load<{ showPresence: (client: SudaClient, user: string, show: (text: string) => void) => () => void }>("presence");
  const shown: string[] = [];
  const end = showPresence(alice, "bob", (text) => shown.push(text));
  await until(alice.presence, (presence) => presence.get(userId("bob")) === true);
  end();
  await until(alice.presence, (presence) => presence.size === 0);
  assert.equal(shown[0], "");
  assert.equal(shown.at(-1), "online");
});

test("each state of a connection is described", async () => {
  const { describe } = await load<{ describe: (state: ConnectionState) => string }>("connection");
  assert.equal(describe({ kind: "open", user: userId("alice") }), "signed in as alice");
  assert.equal(
    describe({ kind: "waiting", code: 1012, reason: "The server restarts.", retryAt: 0, error: undefined }),
    "The server restarts. Trying again at 1970-01-01T00:00:00.000Z.",
  );
});

test("a transport of one's own takes the network's place", async () => {
  const { openInTest } = await load<{ openInTest: (answer: (frame: { readonly type: string }) => object) => Promise<SudaClient> }>("transport");
  await using client = await openInTest(() => ({ user: "alice", change: 0, conversations: [], more: false }));
  await client.ready();
  assert.equal(client.user, "alice");
});
