/** One Cassandra node for tests: a process of its own, ended, paused and started again by its id. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endWithParent } from "../end-with-parent.ts";
import { killChild } from "../kill-child.ts";
import { configuration, javaArguments, logging, type NodePlace, type NodeProgram } from "./node-files.ts";

/** Lines of a node's log that are kept for the message of one that does not start. */
const logLinesMax = 40;

export class CassandraNode implements AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly #place: NodePlace;
  readonly #program: NodeProgram;
  #child: ChildProcess | undefined;

  constructor(place: NodePlace, program: NodeProgram) {
    this.host = place.host;
    this.port = place.nativePort;
    this.#place = place;
    this.#program = program;
  }

  /** Process id of a node that runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it takes clients. With the data that it had before. */
  async start(): Promise<void> {
    const { directory } = this.#place;
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "cassandra.yaml"), configuration(this.#place));
    await writeFile(join(directory, "logback.xml"), logging);
    const child = spawn("java", javaArguments(this.#place, this.#program), { stdio: ["ignore", "pipe", "pipe"], cwd: directory });
    this.#child = child;
    endWithParent(child);
    child.stderr.resume();
    const lines: string[] = [];
    const log = createInterface({ input: child.stdout });
    const isReady = await new Promise<boolean>((resolve) => {
      log.on("line", (line) => {
        lines.push(line);
        if (lines.length > logLinesMax) lines.shift();
        if (line.includes("Starting listening for CQL clients")) resolve(true);
      });
      child.once("exit", () => resolve(false));
      child.once("error", () => resolve(false));
    });
    if (!isReady) throw new Error(`Cassandra on ${this.host} did not start.\n${lines.join("\n")}`);
    // What it logs from now on nobody reads, and a full pipe would stop it.
    log.close();
    child.stdout.resume();
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
