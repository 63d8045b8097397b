/**
 * A real redis-server on loopback, for tests: a port of its own, nothing kept, ended by its process. Debian: `redis-server`.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.ts";

const program = "redis-server";

/** A test's `skip`: false where there is one, and where its absence is to fail (`REQUIRE_REDIS=1`). */
export const skipWithoutRedis: string | false =
  process.env["REQUIRE_REDIS"] === "1" || spawnSync(program, ["--version"]).status === 0 ? false : `${program} is not installed`;

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #arguments: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, more: readonly string[]) {
    this.port = port;
    this.#arguments = more;
  }

  /** @param more arguments of `redis-server`, such as `--requirepass` */
  static async open(more: readonly string[] = []): Promise<RedisServer> {
    const redis = new RedisServer(await freePort(), more);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Resolves when it takes connections. On the same port as before. */
  async start(): Promise<void> {
    const options = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", ...this.#arguments];
    const child = spawn(program, options, { stdio: ["ignore", "pipe", "inherit"], cwd: "/" });
    this.#child = child;
    for await (const line of createInterface({ input: child.stdout })) if (line.includes("Ready to accept connections")) break;
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}.`);
    child.stdout.resume();
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
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
