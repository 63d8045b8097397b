/**
 * A server as a real process: started, waited for until it prints `ready URL`, killed. For tests and
 * benchmarks of what only a process shows: crashes, system calls, CPU, memory.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endWithParent } from "./end-with-parent.ts";

export interface ServerProcessOptions {
  /** A JavaScript or TypeScript program and its arguments; run by this Node from source. */
  readonly program: readonly string[];
  /** Node's own options, such as `--cpu-prof`. */
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Group of the process, as a number: its packets can be told by it (`meta skgid` of nft). Default: that of this process. */
  readonly gid?: number;
  /** After this long without `ready` the process is killed and opening fails; 60 s by default. */
  readonly readyTimeoutMs?: number;
}

/** The server ended before it was ready. */
export class ServerDidNotStart extends Error {
  override readonly name = "ServerDidNotStart";
}

export class ServerProcess implements AsyncDisposable {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<ServerExit>;
  readonly #output: OutputTail;

  private constructor(child: ChildProcess, parts: { url: string; exited: Promise<ServerExit>; output: OutputTail }) {
    this.url = parts.url;
    this.pid = child.pid as number;
    this.#child = child;
    this.#exited = parts.exited;
    this.#output = parts.output;
  }

  /** Resolves when the server has printed its ready line. @throws ServerDidNotStart with what it printed */
  static async open(options: ServerProcessOptions): Promise<ServerProcess> {
    const { child, ready, exited, output } = startServer(options);
    const timer = setTimeout(() => child.kill("SIGKILL"), options.readyTimeoutMs ?? 60_000);
    try {
      const url = await Promise.race([ready, exited.then(() => undefined)]);
      if (url === undefined) throw new ServerDidNotStart(`${options.program.join(" ")} ended before it was ready:\n${output.text()}`);
      return new ServerProcess(child, { url, exited, output });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Starts it, and kills it `delayMs` later, ready or not. */
  static async startAndKill(options: ServerProcessOptions, delayMs: number): Promise<void> {
    const { child, exited } = startServer(options);
    const timer = setTimeout(() => child.kill("SIGKILL"), delayMs);
    await exited;
    clearTimeout(timer);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last 64 KiB of standard output and standard error. */
  get output(): string {
    return this.#output.text();
  }

  /** Lines of the output so far that match; for what must never be printed. Counted from the start, however long ago. */
  get alarms(): readonly string[] {
    return this.#output.alarms;
  }

  /** `kill -9`: nothing is drained, flushed or closed. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** SIGSTOP: its connections stay, and nothing is answered. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** SIGTERM, and SIGKILL when it has not ended after `killAfterMs`; default 10 s. */
  async stop(killAfterMs = 10_000): Promise<ServerExit> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), killAfterMs);
    const exit = await this.#exited;
    clearTimeout(timer);
    return exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) await this.stop();
  }
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Gives a new data directory its own token key, without which `suda serve` does not start. */
export function writeTokenKey(dataDirectory: string): void {
  writeFileSync(join(dataDirectory, "token-key"), `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
}

/** A token for any user of a server whose data directory has the file `token-key`: HS256, one day. @param claims beside `sub`, such as `bot: true` */
export function signToken(dataDirectory: string, user: string, claims: object = {}): string {
  const key = Buffer.from(readFileSync(join(dataDirectory, "token-key"), "utf8").trim(), "base64url");
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "HS256", typ: "JWT" })}.${part({ ...claims, sub: user, iat: nowSeconds, exp: nowSeconds + 86_400 })}`;
  return `${unsigned}.${createHmac("sha256", key).update(unsigned).digest("base64url")}`;
}

class OutputTail {
  readonly alarms: string[] = [];
  #lines: string[] = [];
  #length = 0;

  add(line: string): void {
    if (/unhandledRejection|unhandled rejection|uncaughtException|UnhandledPromiseRejection|FATAL ERROR/i.test(line)) this.alarms.push(line);
    this.#lines.push(line);
    this.#length += line.length + 1;
    while (this.#length > 65_536) this.#length -= (this.#lines.shift()?.length ?? 0) + 1;
  }

  text(): string {
    return this.#lines.join("\n");
  }
}

interface StartedServer {
  readonly child: ChildProcess;
  readonly ready: Promise<string>;
  readonly exited: Promise<ServerExit>;
  readonly output: OutputTail;
}

function startServer(options: ServerProcessOptions): StartedServer {
  // The command brings its own way to run from source; a program of the tests is run as the tests are.
  const onSource = options.program[0]?.endsWith(".ts") === true ? ["--import", "tsx", "--conditions=suda-source"] : [];
  const nodeOptions = [...onSource, ...(options.execArgv ?? [])];
  const child = spawn(process.execPath, [...nodeOptions, ...options.program], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  endWithParent(child);
  const output = new OutputTail();
  const exited = new Promise<ServerExit>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  createInterface({ input: child.stderr }).on("line", (line) => output.add(line));
  const ready = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      output.add(line);
      const url = /^ready (http:\/\/\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  return { child, ready, exited, output };
}
