/** A process full of clients, as its parent sees it: started, told what to do, killed, started again on the same outboxes. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { HostCommand, HostOptions, HostReport } from "./client-host.ts";

const program = fileURLToPath(new URL("client-host.ts", import.meta.url));
/** To be told that everything is sent. */
const settleMs = 60_000;

export class ClientProcess implements AsyncDisposable {
  readonly #options: Omit<HostOptions, "life" | "seed">;
  readonly #nextSeed: () => number;
  readonly #problems: string[] = [];
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #life = 0;
  #heard: (report: HostReport) => void = () => {};

  constructor(options: Omit<HostOptions, "life" | "seed">, nextSeed: () => number) {
    this.#options = options;
    this.#nextSeed = nextSeed;
  }

  /** What the clients reported as faults of their own. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Resolves when every client has read its outbox; they may not be connected yet. */
  async start(): Promise<void> {
    const child = fork(program, { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: ["--import", "tsx", "--conditions=suda-source"] });
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once("exit", resolve));
    child.on("message", (report: HostReport) => {
      if (report.is === "problem") this.#problems.push(report.text);
      this.#heard(report);
    });
    const ready = this.#hear("ready");
    child.send({ ...this.#options, life: ++this.#life, seed: this.#nextSeed() } satisfies HostOptions);
    await ready;
  }

  tell(command: HostCommand): void {
    this.#child?.send(command);
  }

  /** Writes no more, and has sent everything. @throws when that takes too long */
  async settle(): Promise<void> {
    const settled = this.#hear("settled");
    this.tell("settle");
    await settled;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #hear(what: HostReport["is"]): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`The clients were not ${what} after ${settleMs} ms: ${this.#problems.join("\n")}`)), settleMs);
      const settleWith = (end: () => void): void => {
        clearTimeout(timer);
        this.#heard = () => {};
        end();
      };
      this.#heard = (report) => {
        if (report.is === what) settleWith(resolve);
      };
      void this.#exited.then(() => settleWith(() => reject(new Error(`The clients' process ended before it was ${what}.`))));
    });
  }
}
