/**
 * A real redis-server on loopback, for tests: a port of its own, nothing kept, ended by its process. Debian: `redis-server`.
 */
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { endWithParent } from "./end-with-parent.ts";
import { killChild } from "./kill-child.ts";

const program = "redis-server";

/** A test's `skip`: false where there are one and its client, and where their absence is to fail (`REQUIRE_REDIS=1`). */
export const skipWithoutRedis: string | false = process.env["REQUIRE_REDIS"] === "1" ? false : whatIsMissing();

function whatIsMissing(): string | false {
  if (spawnSync(program, ["--version"]).status !== 0) return `${program} is not installed`;
  // As the driver finds it, which stands beside this package.
  return isInstalled("@redis/client") ? false : "@redis/client is not installed: npm run install:drivers";
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

export interface RedisServerOptions {
  /** Further arguments, such as `--requirepass`. */
  readonly arguments?: readonly string[];
  /** A Sentinel with this configuration file. */
  readonly sentinelFile?: string;
  /** Default: any free one. */
  readonly port?: number;
}

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #options: RedisServerOptions;
  #child: ChildProcess | undefined;

  private constructor(port: number, options: RedisServerOptions) {
    this.port = port;
    this.#options = options;
  }

  static async open(options: RedisServerOptions = {}): Promise<RedisServer> {
    // A port that was free may be somebody's in the next moment: then another one.
    for (let tries = 1; ; tries++) {
      const redis = new RedisServer(options.port ?? (await freePort()), options);
      try {
        await redis.start();
        return redis;
      } catch (error) {
        await redis.kill();
        if (options.port !== undefined || tries === 3) throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** `undefined` while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it takes connections. On the same port as before. */
  async start(): Promise<void> {
    const { sentinelFile, arguments: more = [] } = this.#options;
    const common = ["--port", String(this.port), "--bind", "127.0.0.1", "--daemonize", "no"];
    const options = sentinelFile === undefined ? [...common, "--save", "", "--appendonly", "no", ...more] : [sentinelFile, "--sentinel", ...common, ...more];
    const child = spawn(program, options, { stdio: ["ignore", "pipe", "inherit"], cwd: "/" });
    this.#child = child;
    endWithParent(child);
    const ready = sentinelFile === undefined ? "Ready to accept connections" : "+monitor master";
    let output = "";
    let isReady = false;
    for await (const line of createInterface({ input: child.stdout })) {
      isReady = line.includes(ready);
      if (isReady) break;
      output += `${line}\n`;
    }
    if (!isReady) throw new Error(`${program} ended before it was ready:\n${output}`);
    child.stdout.resume();
  }

  /** What it answers to one command, as `redis-cli` prints it. */
  async command(...words: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)("redis-cli", ["-h", "127.0.0.1", "-p", String(this.port), ...words], { timeout: 60_000 });
    return stdout.trimEnd();
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    await killChild(child);
  }

  /** SIGSTOP: its connections stay, and nothing is answered. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
