/** One node: a real `suda serve` on a port that stays its own, so that the balancer finds it again when it is back. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ServerProcess, type ServerProcessOptions } from "@suda/testing";
import { unlimitedServer } from "../kill/servers.ts";

export interface ClusterNodeOptions {
  /** 1, 2, 3… */
  readonly number: number;
  readonly port: number;
  /** Of the cluster. */
  readonly directory: string;
  /** The text of the file `token-key`, the same for all. */
  readonly tokenKey: string;
  /** Further settings of `suda serve`. */
  readonly settings: readonly string[];
  /** Group of the process, where its links are to be cut. */
  readonly gid: number | undefined;
}

/** Beyond the grace of a drain (10 s). */
const stopTimeoutMs = 30_000;

export class ClusterNode implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly gid: number | undefined;
  /** What must not have happened, in words. */
  readonly found: string[] = [];
  readonly #options: ServerProcessOptions;
  #server: ServerProcess | undefined;

  private constructor(name: string, port: number, options: ServerProcessOptions) {
    this.name = name;
    this.port = port;
    this.gid = options.gid;
    this.#options = options;
  }

  /** Makes its data directory; it is not started yet. */
  static async create({ number, port, directory, tokenKey, settings, gid }: ClusterNodeOptions): Promise<ClusterNode> {
    const name = `node-${number}`;
    const own = join(directory, name);
    await mkdir(own);
    await writeFile(join(own, "token-key"), tokenKey, { mode: 0o600 });
    const flags = ["--requests-per-second", "0", "--node-name", name, ...settings, "--port", String(port)];
    return new ClusterNode(name, port, { ...unlimitedServer(own, flags), ...(gid === undefined ? {} : { gid }) });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    this.#server = await ServerProcess.open(this.#options);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#judge();
    await this.#server?.kill();
    this.#server = undefined;
  }

  /** SIGTERM; resolves when the process has ended, which it must do in order. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#judge();
    const exit = await server.stop(stopTimeoutMs);
    if (exit.code !== 0) this.found.push(`${this.name} ended with ${exit.code ?? exit.signal}:\n${server.output.slice(-2_000)}`);
    this.#server = undefined;
  }

  pause(): void {
    this.#server?.pause();
  }

  resume(): void {
    this.#server?.resume();
  }

  /** Of the whole life of the process; 0 where it is not there, or does not count such a thing. */
  async figure(name: string): Promise<number> {
    if (this.#server === undefined) return 0;
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([\\d.e+]+)`, "m").exec(text)?.[1] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.resume();
    await this.#server?.kill();
  }

  #judge(): void {
    const { isRunning = true, alarms = [], output = "" } = this.#server ?? {};
    if (!isRunning) this.found.push(`${this.name} ended by itself:\n${output.slice(-2_000)}`);
    this.found.push(...alarms.map((alarm) => `${this.name}: ${alarm}`));
  }
}
