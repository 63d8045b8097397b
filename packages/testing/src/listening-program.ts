/** A program that is ready when something takes connections on its port: how balancers are started for tests, and ended by their process. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { endWithParent } from "./end-with-parent.ts";

export interface ListeningProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** On 127.0.0.1. */
  readonly port: number;
}

const readyTimeoutMs = 10_000;

export class ListeningProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-65_536)));
  }

  /** @throws Error with what it printed when it ends, or does not listen within 10 s */
  static async open({ command, args, env, port }: ListeningProgramOptions): Promise<ListeningProgram> {
    const child = spawn(command, args, { cwd: "/", env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    endWithParent(child);
    const program = new ListeningProgram(child);
    const failed = once(child, "error").then(([error]) => Promise.reject(error as Error));
    failed.catch(() => {});
    await Promise.race([once(child, "spawn"), failed]);
    for (const endsAt = performance.now() + readyTimeoutMs; !(await isTaken(port)); await sleep(20)) {
      if (program.isRunning && performance.now() < endsAt) continue;
      await program[Symbol.asyncDispose]();
      throw new Error(`${command} does not listen on port ${port}:\n${program.output}`);
    }
    return program;
  }

  /** The last 64 KiB that it printed. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL when it has not ended after five seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(timer);
  }
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
