/** Directories, child processes and short ways to write, shared by the tests of the embedded store. */
import { spawn, spawnSync, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import type { AppendOutcome, LogEntry, Store } from "@suda/server/store";

export const lobby: ConversationId = "lobby" as ConversationId;
export const alice: UserId = "alice" as UserId;

/** A directory of its own, removed with the test. */
export class TestDirectory implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "suda-lmdb-"));
  get dataFile(): string {
    return join(this.path, "suda.mdb");
  }
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface ChildOptions {
  readonly count?: number;
  /** A program and its arguments to run node under, such as strace. */
  readonly under?: readonly string[];
}

/** A run of store-child.ts; killed with the test. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;

  constructor(mode: string, directory: string, { count = 0, under = [] }: ChildOptions = {}) {
    const script = fileURLToPath(new URL("store-child.ts", import.meta.url));
    const node = [process.execPath, "--import", "tsx", "--conditions=suda-source", script, mode, directory, String(count)];
    const [program, ...rest] = [...under, ...node] as [string, ...string[]];
    // One thread for commits, so that strace's count of a system call, which is per thread, is the count of commits.
    this.#process = spawn(program, rest, { stdio: ["pipe", "pipe", "ignore"], env: { ...process.env, UV_THREADPOOL_SIZE: "1" } });
    this.#exited = once(this.#process, "exit");
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The next line; `undefined` when the child has ended. */
  async line(): Promise<string | undefined> {
    const { done, value } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line);
    return lines;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** `false` when strace can trace here, otherwise why the test is skipped. */
export function whyNoStrace(): string | false {
  const { status } = spawnSync("strace", ["-f", "-e", "trace=fdatasync", "-o", "/dev/null", "true"]);
  return status === 0 ? false : "needs strace and the right to trace";
}

export async function createLobby(store: Store): Promise<void> {
  await store.conversations.create({ id: lobby, kind: "group", epoch: "e", createdAt: 1, members: [{ user: alice, role: "owner" }] });
}

export async function say(store: Store, text: string, clientId?: string): Promise<AppendOutcome | undefined> {
  const key = clientId === undefined ? {} : { clientId: clientId as ClientId };
  return (await store.log.append(lobby, [{ from: alice, ...key, body: { type: "message.created", content: { type: "text", text } } }]))[0];
}

export async function readAll(store: Store): Promise<LogEntry[]> {
  const log: LogEntry[] = [];
  for (let page = await store.log.readAfter(lobby, 0, 1_000); page.length > 0; page = await store.log.readAfter(lobby, log.length, 1_000)) log.push(...page);
  return log;
}

export function textOf(entry: LogEntry | undefined): string | undefined {
  return entry?.body.type === "message.created" && entry.body.content.type === "text" ? entry.body.content.text : undefined;
}
