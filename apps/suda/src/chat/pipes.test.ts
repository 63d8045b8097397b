/** The two faces for programs, run as programs: lines and JSON lines, against a real server. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ServerProcess, signToken } from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "suda-pipes-"));
let server: ServerProcess;

before(async () => {
  server = await ServerProcess.open({ program: [program, "dev", "--port", "0", "--data", directory], readyTimeoutMs: 60_000 });
});

after(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

interface ChatRun {
  readonly run: Promise<Run>;
  write(text: string): void;
  end(): void;
  kill(): void;
  /** Resolves when the output so far matches. */
  until(expression: RegExp): Promise<RegExpExecArray>;
}

function startChat(args: readonly string[], variables: Readonly<Record<string, string>> = {}): ChatRun {
  const child = spawn(process.execPath, [program, "chat", ...(args.includes("--data") ? [] : ["--data", directory]), ...args], {
    stdio: "pipe",
    cwd: directory,
    env: { ...process.env, LANG: "C.UTF-8", LC_ALL: "", NODE_ENV: "", ...variables },
  });
  let output = "";
  let errors = "";
  let check = (): void => undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    check();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const run = new Promise<Run>((resolve) => {
    child.once("close", (code) => {
      resolve({ code, output, errors });
      check();
    });
  });
  return {
    run,
    write: (text) => void child.stdin.write(text),
    end: () => void child.stdin.end(),
    kill: () => void child.kill("SIGKILL"),
    until: (expression) =>
      new Promise((resolve, reject) => {
        check = () => {
          const match = expression.exec(output);
          if (match !== null) resolve(match);
          else if (child.exitCode !== null) reject(new Error(`ended with ${child.exitCode} before ${expression}:\n${output}${errors}`));
        };
        check();
      }),
  };
}

async function chat(args: readonly string[], input: string, variables?: Readonly<Record<string, string>>): Promise<Run> {
  const started = startChat(args, variables);
  started.write(input);
  started.end();
  return await started.run;
}

test("lines in are messages, in order and confirmed before the program ends", async () => {
  const { code, output, errors } = await chat(["--as", "alice", "--to", "bob"], "안녕 👋\n둘째\n//slash\n");
  assert.equal(code, 0, errors);
  assert.deepEqual(
    output.split("\n").map((line) => line.replace(/^\[bob\] \d+:\d\d [AP]M /, "")),
    ["alice: 안녕 👋 ✓", "alice: 둘째 ✓", "alice: /slash ✓", ""],
  );
});

test("a message of another appears as a line while one listens", async () => {
  const listening = startChat(["--as", "jimin", "--plain"], { LANG: "ko_KR.UTF-8" });
  listening.write("/me\n");
  await listening.until(/지민 \(jimin\) 님/);
  const sent = await chat(["--as", "bob", "--to", "jimin"], "두 사람\n");
  assert.equal(sent.code, 0, sent.errors);
  await listening.until(/\[bob\] (오전|오후) \d+:\d\d bob: 두 사람/);
  listening.end();
  assert.equal((await listening.run).code, 0);
});

test("escape sequences in a message do not come out of the program", async () => {
  const listening = startChat(["--as", "jimin", "--to", "alice"]);
  listening.write("/me\n");
  await listening.until(/You are/);
  const attack = { type: "message.send", ref: 2, clientId: "attack-1", content: { type: "text", text: "\u001b]0;owned\u0007\u001b[31mred\nbob: fake" } };
  const sending = startChat(["--as", "alice", "--json"]);
  sending.write(`${JSON.stringify({ type: "conversation.open", ref: 1, with: "jimin" })}\n`);
  const [, conversation] = await sending.until(/"ref":1,"conversation":\{"id":"([^"]+)"/);
  sending.write(`${JSON.stringify({ ...attack, conversation })}\n`);
  sending.end();
  assert.equal((await sending.run).code, 0);
  const [line] = await listening.until(/alice: .*red[\s\S]*fake/);
  assert.match(line, /^alice: red\n {4}bob: fake$/);
  listening.end();
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch((await listening.run).output, /[\u0000-\u0009\u000b-\u001f]/);
});

test("in JSON each line is a frame both ways, and what is no frame is answered", async () => {
  const input = [
    '{"type":"conversation.open","ref":1,"with":"bob"}',
    "no frame",
    '{"type":"nothing.known","ref":"x"}',
    '{"type":"user.get","ref":3,"user":"jimin"}',
  ].join("\n");
  const { code, output } = await chat(["--as", "alice", "--json"], `${input}\n`);
  const frames = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; ref?: unknown; code?: string; user?: unknown });
  assert.equal(code, 1, "one line was no frame");
  const find = (ref: unknown) => frames.find((frame) => frame.ref === ref);
  assert.equal(find("suda-hello")?.user, "alice");
  assert.equal(find(1)?.type, "reply");
  assert.equal(find("x")?.code, "frame.unknown_type");
  assert.deepEqual(find(3)?.user, { id: "jimin", name: "지민" });
  assert.ok(frames.some((frame) => frame.ref === undefined && frame.code === "frame.malformed"));
});

test("a text that is too long, or nowhere to go, is told and ends with 1", async () => {
  const long = await chat(["--as", "alice", "--to", "bob"], `${"가".repeat(5_001)}\n`);
  assert.deepEqual([long.code, long.output], [1, ""]);
  assert.match(long.errors, /5001 characters; a message has at most 5000/);
  const nowhere = await chat(["--as", "alice"], "hello\n/nwe x\n");
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.errors, /No conversation is open[\s\S]*Did you mean \/new\?/);
});

test("the bot echoes, and answers /help", async () => {
  const talking = startChat(["--as", "alice", "--to", "sudabot"]);
  talking.write("메아리\n");
  await talking.until(/수다봇: 메아리/);
  talking.write("//help\n");
  await talking.until(/수다봇: I am @sudabot/);
  talking.end();
  assert.equal((await talking.run).code, 0);
});

test("a token comes from a file or the environment, and must be of whom one says", async () => {
  const file = join(directory, "carol.token");
  writeFileSync(file, `${signToken(directory, "carol")}\n`);
  const url = server.url;
  assert.match((await chat(["--token-file", file, "--url", url], "/me\n")).output, /You are carol/);
  assert.match((await chat(["--url", url], "/me\n", { SUDA_TOKEN: signToken(directory, "dave") })).output, /You are dave/);
  const other = await chat(["--token-file", file, "--url", url, "--as", "alice"], "");
  assert.deepEqual([other.code, other.errors.split("\n")[0]], [1, "suda: the token is carol's, not alice's"]);
  writeFileSync(file, "not a token");
  const broken = await chat(["--token-file", file, "--url", url], "");
  assert.match(broken.errors, /does not hold a token\n→ /);
});

test("where nothing answers, the program says so and how to fix it", async () => {
  const { code, errors } = await chat(["--as", "alice", "--url", "ws://127.0.0.1:1"], "");
  assert.equal(code, 1);
  assert.match(errors, /^suda: nothing answers at ws:\/\/127\.0\.0\.1:1\/v1\/socket \(.*ECONNREFUSED.*\)\n→ Start a server with: suda dev/);
});

test("[D8] the last message is edited, reacted to and deleted", async () => {
  const { code, output, errors } = await chat(["--as", "changer", "--to", "alice"], "helo\n/edit hello\n/react 👍\n/delete\n/react\n");
  assert.equal(code, 1, errors);
  assert.match(errors, /Usage: \/react \[\^N\] EMOJI/);
  const lines = ["changer: helo", "changer edited a message: hello", "changer reacted with 👍", "changer deleted a message"];
  for (const line of lines) assert.ok(output.includes(line), `${line}: ${output}`);
});

test("[D8] an older message is chosen by ^N; answers name what they answer, and a pin is put on and taken off", async () => {
  const input = ["one", "two", "/edit ^2 ONE", "/reply x", "/pin ^2", "/pin ^2", "/delete ^9", "/pin x", ""].join("\n");
  const { code, output, errors } = await chat(["--as", "chooser", "--to", "alice"], input);
  assert.equal(code, 1);
  assert.ok(output.includes("chooser edited a message: ONE"), output);
  assert.match(output, /chooser pinned a message[\s\S]*chooser unpinned a message/);
  assert.match(errors, /no such message of others[\s\S]*no such message of yours[\s\S]*Usage: \/pin \[\^N\]/);
  const answered = await chat(["--as", "alice", "--to", "chooser"], "/reply ^2 to the first\n");
  assert.equal(answered.code, 0, answered.errors);
  assert.match(answered.output, /alice: \(↪ chooser: ONE\) to the first/);
});

test("/who says who is online", async () => {
  const listening = startChat(["--as", "watcher", "--to", "watched"]);
  listening.write("first\n/who\n");
  await listening.until(/● watcher \[me\]/);
  assert.match((await listening.until(/· .*watched.*/))[0], /○ watched/);
  const other = startChat(["--as", "watched", "--to", "watcher"]);
  other.write("here\n");
  await listening.until(/watched: here/);
  listening.write("/who\n");
  await listening.until(/● watched · ● watcher/);
  listening.end();
  other.end();
  assert.deepEqual([(await listening.run).code, (await other.run).code], [0, 0]);
});

test("what was not sent survives a kill in the outbox and is stored once; two programs cannot share the outbox", { timeout: 120_000 }, async (t) => {
  const data = join(directory, "outbox-data");
  const outbox = join(directory, "state", "erin.outbox");
  const serve = (port: string) => ServerProcess.open({ program: [program, "dev", "--port", port, "--data", data], readyTimeoutMs: 60_000 });
  const first = await serve("0");
  t.after(() => first[Symbol.asyncDispose]());
  const options = ["--as", "erin", "--to", "alice", "--data", data, "--outbox", outbox];
  const writing = startChat(options);
  writing.write("하나\n");
  await writing.until(/erin: 하나 ✓/);
  const second = await chat(options, "");
  assert.equal(second.code, 1);
  assert.match(second.errors, /used by another program \(process \d+\)\n→ End that one/);
  await first.kill();
  writing.write("둘\n셋\n");
  while (!readFileSync(outbox, "utf8").includes("셋")) await new Promise((resolve) => setTimeout(resolve, 20));
  writing.kill();
  assert.equal((await writing.run).code, null);
  const again = await serve(new URL(first.url).port);
  t.after(() => again[Symbol.asyncDispose]());
  const { code, output, errors } = await chat(options, "넷\n/history 50\n");
  assert.equal(code, 0, errors);
  assert.match(output, /2 messages of last time are sent now/);
  const texts = (of: string): (string | undefined)[] => Array.from(of.matchAll(/erin: (\S+) ✓/g), ([, text]) => text);
  const history = await chat(options, "/history 50\n");
  assert.deepEqual(texts(history.output), ["하나", "둘", "셋", "넷"]);
});

test("an outbox that cannot be a file, or that a script does not need, is refused with what to do", async () => {
  const notHere = await chat(["--as", "alice", "--to", "bob", "--outbox", join(program, "outbox")], "x\n");
  assert.deepEqual([notHere.code, notHere.output], [1, ""]);
  assert.match(notHere.errors, /^suda: the outbox .* cannot be used \((ENOTDIR|EEXIST)\)\n→ Give a file in a directory of yours/);
  const script = await chat(["--as", "alice", "--json", "--outbox", "x"], "");
  assert.deepEqual([script.code, script.output], [2, ""]);
  assert.match(script.errors, /^suda: --json and --outbox exclude each other\n→ A script sends again by itself/);
});

test("in JSON a break is survived: sends are asked again, other commands refused, and events come without a hole", { timeout: 120_000 }, async (t) => {
  const data = join(directory, "json-data");
  const serve = (port: string) => ServerProcess.open({ program: [program, "dev", "--port", port, "--data", data], readyTimeoutMs: 60_000 });
  const first = await serve("0");
  t.after(() => first[Symbol.asyncDispose]());
  const script = startChat(["--as", "alice", "--json", "--data", data]);
  const write = (frame: object): void => script.write(`${JSON.stringify(frame)}\n`);
  write({ type: "conversation.open", ref: 1, with: "bob" });
  const [, conversation] = await script.until(/"ref":1,"conversation":\{"id":"([^"]+)"/);
  const send = (ref: string): void => write({ type: "message.send", ref, conversation, clientId: ref, content: { type: "text", text: ref } });
  send("a");
  await script.until(/"ref":"a","seq":1/);
  await first.kill();
  send("b");
  send("c");
  const second = await serve(new URL(first.url).port);
  t.after(() => second[Symbol.asyncDispose]());
  const bob = await chat(["--as", "bob", "--to", "alice", "--data", data], "from bob\n");
  assert.equal(bob.code, 0, bob.errors);
  script.end();
  const { code, output, errors } = await script.run;
  assert.equal(code, 0, errors);
  const frames = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; ref?: unknown; seq?: number });
  assert.equal(frames.filter(({ ref }) => ref === "suda-hello").length, 2);
  const answers = ["b", "c"].map((ref) => frames.find((frame) => frame.ref === ref));
  assert.deepEqual(
    answers.map((answer) => answer?.type),
    ["reply", "reply"],
  );
  assert.ok((answers[0]?.seq ?? 0) < (answers[1]?.seq ?? 0), "in order");
  const events = frames.filter(({ type }) => type === "message.created").map(({ seq }) => seq);
  assert.deepEqual(
    events,
    events.map((_, index) => index + 1),
  );
  assert.match(errors, /^suda: /);
});
