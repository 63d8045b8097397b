/**
 * The terminal client as people meet it: `suda dev` and several `suda chat` in a real terminal (tmux), typing
 * Korean and emoji, looking at the screen. Skipped where tmux is absent.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ServerProcess } from "@suda/testing";

const program = fileURLToPath(new URL("../../../bin/suda.js", import.meta.url));
const hasTmux = spawnSync("tmux", ["-V"]).status === 0;
const directory = mkdtempSync(join(tmpdir(), "suda-tmux-"));

function tmux(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("tmux", ["-L", "suda-test", "-f", "/dev/null", "-u", ...args], {
    encoding: "utf8",
    env: { ...process.env, TMUX_TMPDIR: directory, TMUX: "" },
  });
  assert.equal(status, 0, `tmux ${args.join(" ")}: ${stderr}`);
  return stdout;
}

let terminals = 0;

/** A terminal with a shell in it, so that what a program leaves behind can be seen. */
class Terminal {
  readonly #name: string;

  constructor(t: TestContext, command: string) {
    this.#name = `t${++terminals}`;
    tmux("new-session", "-d", "-s", this.#name, "-x", "70", "-y", "20", "env PS1='shell> ' ENV= sh");
    t.after(() => tmux("kill-session", "-t", this.#name));
    this.type(command);
    this.press("Enter");
  }

  type(text: string): void {
    tmux("send-keys", "-t", this.#name, "-l", text);
  }

  press(...keys: string[]): void {
    tmux("send-keys", "-t", this.#name, ...keys);
  }

  /** Types and sends. */
  say(text: string): void {
    this.type(text);
    this.press("Enter");
  }

  /** As a terminal pastes: in brackets, because the program asked for them. */
  paste(text: string): void {
    tmux("set-buffer", "-b", this.#name, text);
    tmux("paste-buffer", "-p", "-r", "-b", this.#name, "-t", this.#name);
  }

  screen(): string {
    return tmux("capture-pane", "-p", "-t", this.#name);
  }

  cursor(): { column: number; row: number } {
    const [column, row] = tmux("display-message", "-p", "-t", this.#name, "#{cursor_x},#{cursor_y}").trim().split(",").map(Number);
    return { column: column ?? -1, row: row ?? -1 };
  }

  get isOnOtherBuffer(): boolean {
    return tmux("display-message", "-p", "-t", this.#name, "#{alternate_on}").trim() === "1";
  }

  /** Looks until the screen matches; the test's own time limit ends it. */
  async until(expression: RegExp, signal: AbortSignal): Promise<string> {
    return await this.untilTrue(() => expression.test(this.screen()), `the screen to show ${expression}`, signal);
  }

  async untilTrue(isTrue: () => boolean, what: string, signal: AbortSignal): Promise<string> {
    while (!isTrue()) {
      if (signal.aborted) assert.fail(`waited for ${what}; it shows:\n${this.screen()}`);
      await sleep(50);
    }
    return this.screen();
  }
}

// Far beyond what a slow machine needs; only a failure waits so long.
const timeout = 60_000;
const limit = (): AbortSignal => AbortSignal.timeout(timeout - 5_000);

describe("the terminal client", { skip: hasTmux ? false : "tmux is not installed" }, () => {
  let server: ServerProcess;

  before(async () => {
    server = await ServerProcess.open({ program: [program, "dev", "--port", "0", "--data", join(directory, "data")], readyTimeoutMs: timeout });
    // Keeps the tmux server until the end.
    tmux("new-session", "-d", "-s", "keep");
  });

  after(async () => {
    tmux("kill-server");
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  function chat(
    t: TestContext,
    user: string,
    options: { readonly language?: "ko_KR.UTF-8" | "C.UTF-8"; readonly data?: string; readonly more?: string } = {},
  ): Terminal {
    const { language = "C.UTF-8", data = join(directory, "data"), more = "" } = options;
    return new Terminal(t, `LC_ALL= LANG=${language} '${process.execPath}' '${program}' chat --as ${user} --data '${data}' ${more}`);
  }

  test("two people talk in Korean and emoji, both ways, each in their language", { timeout }, async (t) => {
    const alice = chat(t, "alice");
    const jimin = chat(t, "jimin", { language: "ko_KR.UTF-8" });
    await alice.until(/connected/, limit());
    await jimin.until(/지민 · 연결됨/, limit());
    alice.say("/dm jimin");
    await alice.until(/^지민 · online +● alice/m, limit());
    alice.say("안녕하세요 👋 반가워요");
    await alice.until(/[AP]M alice: 안녕하세요 👋 반가워요 ✓/, limit());
    await jimin.until(/alice \(1\)/, limit());
    jimin.say("/join alice");
    await jimin.until(/여기부터 안 읽음[\s\S]*(오전|오후) \d+:\d\d alice: 안녕하세요 👋 반가워요$/m, limit());
    jimin.say("네, 저도요 😀🇰🇷");
    await jimin.until(/지민: 네, 저도요 😀🇰🇷 ✓/, limit());
    await alice.until(/지민: 네, 저도요 😀🇰🇷$/m, limit());
    // Each has read the other's.
    await alice.until(/반가워요 ✓✓$/m, limit());
    await jimin.until(/저도요 😀🇰🇷 ✓✓$/m, limit());
    alice.type("그런데");
    await jimin.until(/alice 님이 쓰고 있습니다…/, limit());
    alice.press("C-u");
    await jimin.untilTrue(() => !jimin.screen().includes("쓰고 있습니다"), "nobody to be writing", limit());
    assert.match(jimin.screen(), /\d+년 \d+월 \d+일 .요일/);
  });

  test("three people talk in a group, live", { timeout }, async (t) => {
    const bob = chat(t, "bob");
    const alice = chat(t, "alice");
    const jimin = chat(t, "jimin", { language: "ko_KR.UTF-8" });
    await bob.until(/connected/, limit());
    await alice.until(/connected/, limit());
    await jimin.until(/연결됨/, limit());
    bob.say('/new "우리 팀 🎉" alice jimin');
    await bob.until(/우리 팀 🎉 \(3 members\)/, limit());
    bob.say("회의 시작합니다 ✨");
    for (const other of [alice, jimin]) {
      await other.until(/우리 팀 🎉 \(1\)/, limit());
      other.type("/join 우");
      other.press("Tab");
      await other.until(/› \/join 우리 팀 🎉/, limit());
      other.press("Enter");
      await other.until(/bob: 회의 시작합니다 ✨/, limit());
    }
    jimin.say("네!");
    alice.say("OK 👌");
    for (const one of [bob, alice, jimin]) {
      await one.until(/지민: 네!/, limit());
      await one.until(/alice: OK 👌/, limit());
    }
    jimin.say("/who");
    await jimin.until(/● alice · ● bob \[방장\] · ● 지민 \(jimin\) \[나\]/, limit());
  });

  test("the cursor stands at the caret, and Backspace deletes a whole character", { timeout }, async (t) => {
    const bob = chat(t, "bob", { more: "--to alice" });
    await bob.until(/connected/, limit());
    bob.type("한글👋a");
    await bob.until(/› 한글👋a/, limit());
    assert.deepEqual(bob.cursor(), { column: 2 + 4 + 2 + 1, row: 19 });
    bob.press("BSpace", "BSpace");
    await bob.until(/› 한글$/m, limit());
    assert.equal(bob.cursor().column, 2 + 4);
    bob.press("Left");
    bob.type("끝");
    await bob.until(/› 한끝글/, limit());
    assert.equal(bob.cursor().column, 2 + 4);
    // A family of four code points and joiners is one character, however the terminal draws it.
    bob.press("End");
    bob.type("👨‍👩‍👧‍👦");
    await bob.untilTrue(() => bob.cursor().column === 2 + 6 + 2, "the family to take two cells", limit());
    bob.press("BSpace");
    await bob.untilTrue(() => bob.cursor().column === 2 + 6, "one Backspace to take the family", limit());
  });

  test("a paste of many lines is one message", { timeout }, async (t) => {
    const bob = chat(t, "bob", { more: "--to alice" });
    await bob.until(/connected/, limit());
    bob.paste("첫째 줄\n/quit\n셋째 줄\n");
    await bob.until(/› 첫째 줄\n {2}\/quit\n {2}셋째 줄$/m, limit());
    bob.press("Enter");
    await bob.until(/bob: 첫째 줄\n +\/quit\n +셋째 줄 ✓/, limit());
  });

  test("what is written while the server is away is sent once when it is back", { timeout: 2 * timeout }, async (t) => {
    const data = join(directory, "away");
    const first = await ServerProcess.open({ program: [program, "dev", "--port", "0", "--data", data], readyTimeoutMs: timeout });
    t.after(() => first[Symbol.asyncDispose]());
    const bob = chat(t, "bob", { data, more: "--to alice" });
    await bob.until(/connected/, limit());
    bob.say("하나");
    await bob.until(/하나 ✓/, limit());
    await first.kill();
    await bob.until(/no connection|connecting/, limit());
    bob.say("둘");
    bob.say("셋");
    await bob.until(/둘 …[\s\S]*셋 …/, limit());
    const second = await ServerProcess.open({ program: [program, "serve", "--port", new URL(first.url).port, "--data", data], readyTimeoutMs: timeout });
    t.after(() => second[Symbol.asyncDispose]());
    bob.press("C-r");
    await bob.until(/connected again/, limit());
    const screen = await bob.until(/둘 ✓[\s\S]*셋 ✓/, limit());
    assert.equal(screen.match(/bob: 둘/g)?.length, 1);
  });

  test("an unknown command gets a hint, and the terminal is as before after /quit, Ctrl-C and a signal", { timeout }, async (t) => {
    const leave: readonly ((bob: Terminal) => void)[] = [(bob) => bob.say("/quit"), (bob) => bob.press("C-c"), (bob) => bob.press("C-d")];
    for (const how of leave) {
      const bob = chat(t, "bob", { more: "--to alice" });
      await bob.until(/● bob · connected/, limit());
      assert.ok(bob.isOnOtherBuffer);
      bob.say("/hsitory");
      await bob.until(/There is no \/hsitory. Did you mean \/history\?/, limit());
      how(bob);
      await bob.untilTrue(() => !bob.isOnOtherBuffer, "the shell's own screen", limit());
      bob.say("stty -a");
      // Cooked again, with echo.
      await bob.until(/stty -a[\s\S]* icanon [\s\S]* echo /, limit());
      assert.doesNotMatch(bob.screen(), /-icanon|-echo /);
    }
  });

  test("the terminal is as before after a crash, and the fault can be read", { timeout }, async (t) => {
    const screenModule = new URL("./screen.ts", import.meta.url).href;
    const crash = `import { Screen } from '${screenModule}'; const screen = new Screen({ input: process.stdin, output: process.stdout, hasColour: true }); screen.enter(); process.stdin.once('data', () => { throw new Error('planted fault'); });`;
    const terminal = new Terminal(
      t,
      `'${process.execPath}' --import '${import.meta.resolve("tsx")}' --conditions=suda-source --input-type=module -e "${crash}"`,
    );
    await terminal.untilTrue(() => terminal.isOnOtherBuffer, "the other buffer", limit());
    terminal.type("x");
    await terminal.until(/planted fault/, limit());
    assert.ok(!terminal.isOnOtherBuffer);
    terminal.say("stty -a");
    await terminal.until(/ icanon /, limit());
  });
});
