/** What the README shows is real: its commands and programs run here, as they stand there. */
import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { freePort, NginxServer, skipWithoutNginx, WireClient } from "@suda/testing";
import { paths, read, root } from "./repository.ts";
import { snippetsOf, unnamedFences, type Snippet } from "./snippets.ts";

const run = promisify(execFile);
const snippets = snippetsOf(read("README.md"));
const secret = "a secret of the test, at least 32 bytes long";

function snippet(name: string): Snippet {
  const found = snippets.get(name);
  assert.ok(found !== undefined, `README.md has no snippet ${name}`);
  return found;
}

/** Each has its test below; a new one without a test fails here. */
const tested = ["picture", "start", "banner", "chat", "token", "page", "embed", "six-line-bot", "bot", "serve", "backend", "nginx"];

test("every snippet is run by a test, and every code block is a snippet", () => {
  assert.deepEqual([...snippets.keys()].sort(), tested.toSorted());
  assert.deepEqual(unnamedFences(read("README.md")), []);
});

test("the Korean README shows the same code", () => {
  const korean = snippetsOf(read("README.ko.md"));
  assert.deepEqual(Object.fromEntries(korean), Object.fromEntries(snippets));
  assert.deepEqual(unnamedFences(read("README.ko.md")), []);
});

test("links of the documents lead to files, and headings to headings", () => {
  const broken = paths
    .filter((path) => path.endsWith(".md"))
    .flatMap((path) => {
      const links = Array.from(read(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g), ([, target = ""]) => target);
      return links.filter((target) => !existsSync(join(root, path, "..", target))).map((target) => `${path}: ${target}`);
    });
  assert.deepEqual(broken, []);
});

test("scripts that the documents name exist", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = ["README.md", "README.ko.md", "CONTRIBUTING.md", "docs/TESTING.md", "docs/ARCHITECTURE.md"].flatMap((path) =>
    Array.from(read(path).matchAll(/\bnpm (?:run ([\w:]+)|(test|start))\b/g), ([, script, short]) => script ?? short ?? ""),
  );
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  );
});

describe("in development", () => {
  let directory: string;
  let server: Program;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "suda-readme-"));
    const { code } = snippet("start");
    assert.equal(code.split("\n")[0], "npm install");
    // What is installed here came from `npm install`; the rest of the snippet is run.
    server = new Program("bash", ["-ec", code.split("\n").slice(1).join("\n")], developmentOf(directory));
    await server.ready();
  });
  after(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  test("npm start prints what the README shows", () => {
    const port = new URL(server.url).port;
    const expected = snippet("banner")
      .code.replaceAll(":8000", `:${port}`)
      .replace("data in ./suda-data", `data in ${directory}`)
      .replace("--as bob", `--as bob --data ${directory}`);
    assert.ok(server.output.includes(expected.trimEnd()), `${server.output}\n--- expected ---\n${expected}`);
  });

  test("the terminal client says what the picture shows", { timeout: 30_000 }, async () => {
    const [command = "", ...lines] = snippet("picture").code.trimEnd().split("\n");
    assert.equal(command, `$ ${snippet("chat").code.trim()}`);
    const chat = new Program("bash", ["-ec", snippet("chat").code], developmentOf(directory));
    try {
      for (const line of lines) {
        if (line.startsWith("> ")) chat.write(line.slice(2));
        else await chat.line(new RegExp(`^${escape(line).replace(/\d+:\d+ [AP]M/, String.raw`\d+:\d+ [AP]M`)}$`));
      }
    } finally {
      await chat.stop();
    }
  });

  test("the page's program sends, with a token from npx suda token", { timeout: 30_000 }, async () => {
    await using program = await ModuleFile.create(
      'import { WebSocket } from "ws";\nconst { TOKEN: token } = process.env;\n' +
        snippet("page").code.replace("ws://localhost:8000", server.url.replace("http", "ws")),
    );
    const { stdout: token } = await run("npx", ["suda", "token", "alice"], { cwd: root, env: developmentOf(directory) });
    const page = new Program(process.execPath, program.arguments, { ...process.env, TOKEN: token.trim() });
    try {
      await page.line(/^alice: 안녕하세요 👋$/);
    } finally {
      await page.stop();
    }
  });

  test("the six-line bot answers, with a token from npx suda token", { timeout: 60_000 }, async () => {
    const { code } = snippet("six-line-bot");
    assert.equal(code.trimEnd().split("\n").length, 6);
    await using program = await ModuleFile.create(`${code.replace("http://localhost:8000", server.url)}\nconsole.log("started");\n`);
    const tokenOf = async (...args: string[]) => (await run("npx", ["suda", "token", ...args], { cwd: root, env: developmentOf(directory) })).stdout.trim();
    const bot = new Program(process.execPath, program.arguments, { ...process.env, BOT_TOKEN: await tokenOf("echo", "--bot") });
    try {
      await bot.line(/^started$/);
      const answers = new Map<string, () => void>();
      const answer = (text: string) => new Promise<void>((resolve) => answers.set(text, resolve));
      const all = ["안녕하세요 👋", "You said: 네!"].map(answer);
      await using alice = await WireClient.open({
        url: server.url,
        token: await tokenOf("alice"),
        onEvent(event) {
          if (event.type === "message.created" && event.from === "echo" && event.content.type === "text") answers.get(event.content.text)?.();
        },
      });
      const { conversation } = await alice.request("conversation.open", { with: "echo" as never });
      for (const text of ["/hello", "네!"])
        await alice.request("message.send", { conversation: conversation.id, clientId: encodeURIComponent(text) as never, content: { type: "text", text } });
      await Promise.all(all);
    } finally {
      await bot.stop();
    }
  });
});

describe("in production", () => {
  let directory: string;
  let server: Program;
  let apiKey: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "suda-readme-"));
    const code = snippet("serve").code.replace("./suda-data", directory).replace("--port 8000", "--port 0");
    // The keys that the snippet made are wanted below.
    const script = code.replace("npx suda serve", `printf '%s' "$SUDA_API_KEYS" > ${directory}/api-key\nnpx suda serve`);
    server = new Program("bash", ["-ec", script], process.env);
    await server.ready();
    apiKey = (await readFile(join(directory, "api-key"), "utf8")).replace("backend:", "");
  });
  after(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  test("the backend's requests work, and again", { timeout: 30_000 }, async () => {
    const call = () => run("bash", ["-ec", snippet("backend").code], { cwd: root, env: { ...process.env, SUDA_URL: server.url, SUDA_API_KEY: apiKey } });
    assert.match((await call()).stdout, /"id":"order-1001".*"seq":1,/s);
    assert.match((await call()).stdout, /"id":"order-1001".*"seq":1,.*"duplicate":true/s);
  });

  test("nginx with the README's location passes requests and upgrades on", { skip: skipWithoutNginx, timeout: 30_000 }, async () => {
    const location = snippet("nginx").code.replace("http://127.0.0.1:8000", server.url);
    await using nginx = await NginxServer.open({ http: (port) => `server { listen 127.0.0.1:${port};\n${location}}` });
    assert.equal((await fetch(`${nginx.url}/v1/users/alice`)).status, 401);
    const refused = WireClient.open({ url: nginx.url, token: "not.a.token" });
    await assert.rejects(refused, /auth\.invalid/, "the hello reached Suda through the proxy");
  });
});

describe("inside another program", () => {
  test("token, embed and bot: one process serves its own pages, the chat and a bot", { timeout: 30_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), "suda-readme-"));
    const port = await freePort();
    const embed = snippet("embed").code.replace("./suda-data", directory).replace("8000", String(port));
    await using program = await ModuleFile.create(
      `${embed}\n${snippet("bot").code}\nif (!product.listening) await new Promise((resolve) => product.once("listening", resolve));\nconsole.log("listening");\n`,
    );
    await using tokens = await ModuleFile.create(`${snippet("token").code}\nconsole.log(await chatToken("alice"));\n`);
    const environment = { ...process.env, SUDA_TOKEN_SECRET: secret };
    const product = new Program(process.execPath, program.arguments, environment);
    try {
      await product.line(/^listening$/);
      const url = `http://127.0.0.1:${port}`;
      assert.equal(await (await fetch(`${url}/anything`)).text(), "The product itself.\n");
      const { stdout: token } = await run(process.execPath, tokens.arguments, { cwd: root, env: environment });
      const answers: string[] = [];
      let answered: () => void = () => {};
      const echoed = new Promise<void>((resolve) => (answered = resolve));
      await using alice = await WireClient.open({
        url,
        token: token.trim(),
        onEvent(event) {
          if (event.type !== "message.created" || event.from !== "echo" || event.content.type !== "text") return;
          answers.push(event.content.text);
          answered();
        },
      });
      const { conversation } = await alice.request("conversation.open", { with: "echo" as never });
      await alice.request("message.send", { conversation: conversation.id, clientId: "c1" as never, content: { type: "text", text: "메아리" } });
      await echoed;
      assert.deepEqual(answers, ["메아리"]);
    } finally {
      await product.stop();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

for (const [name, title] of [
  ["communicator", /bob sees what alice writes/],
  ["simulation", /five users with two devices each agree in the end/],
  ["own-code", /the badge is right after whatever happened/],
] as const)
  test(`the example "${name}" of docs/TESTING.md is a test that passes`, { timeout: 30_000 }, () => runExample(name, title));

async function runExample(name: string, title: RegExp): Promise<void> {
  const { code } = snippetsOf(read("docs/TESTING.md")).get(name) ?? { code: "" };
  await using program = await ModuleFile.create(code, "ts");
  // A runner inside a runner would report to the outer one.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const [file = "", ...options] = program.arguments.toReversed();
  const { stdout } = await run(process.execPath, [...options.toReversed(), "--test", file], { cwd: root, env });
  assert.match(stdout, title);
}

/** A running command, its output by lines. */
class Program {
  output = "";
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #wake: () => void = () => {};
  readonly #exited: Promise<void>;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    // A group of its own, so that npm, npx and what they started end together.
    this.#child = spawn(command, args, { cwd: root, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    this.#exited = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    void this.#exited.then(() => this.#wake());
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        this.output += `${line}\n`;
        this.#lines.push(line);
        this.#wake();
      });
    }
  }

  /** Where it serves. */
  get url(): string {
    return /^ready (\S+)$/m.exec(this.output)?.[1] ?? "";
  }

  ready(): Promise<string> {
    return this.line(/^ready http/);
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** The next line that fits. @throws with all output when it does not come within 15 s */
  async line(expression: RegExp): Promise<string> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) if (expression.test(line)) return line;
      if (Date.now() > deadline || this.#child.exitCode !== null) throw new Error(`No line fits ${String(expression)}; printed so far:\n${this.output}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) process.kill(-this.#child.pid, "SIGTERM");
    await this.#exited;
  }
}

/** A module inside the repository, so that it finds the packages, in a folder that Git ignores. */
class ModuleFile implements AsyncDisposable {
  readonly arguments: readonly string[];
  readonly #folder: string;

  private constructor(folder: string, file: string) {
    this.#folder = folder;
    this.arguments = ["--import", "tsx", "--conditions=suda-source", file];
  }

  static async create(code: string, ending = "mjs"): Promise<ModuleFile> {
    await mkdir(join(root, "test/dist"), { recursive: true });
    const folder = await mkdtemp(join(root, "test/dist/readme-"));
    const file = join(folder, `program.${ending}`);
    await writeFile(file, code);
    return new ModuleFile(folder, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The README's commands, on a directory and a port of the test's own. */
function developmentOf(directory: string): NodeJS.ProcessEnv {
  return { ...process.env, SUDA_DATA: directory, SUDA_PORT: "0", LANG: "en_US.UTF-8", LC_ALL: "en_US.UTF-8", NODE_ENV: "" };
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
