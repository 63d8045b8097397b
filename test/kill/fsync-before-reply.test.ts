/**
 * Promise D2 as the operating system sees it: the disk has said that a message is safe before the reply, or the
 * event to the other member, is given to a socket. Runs where strace is present and may attach.
 */
import { ok } from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ServerProcess, signToken, WireClient, writeTokenKey } from "@suda/testing";
import { realServer } from "./servers.ts";
import { parseStrace } from "./strace.ts";

/** O_DSYNC of Linux. */
const dataSync = 0o10_000;
const syncs = new Set(["fsync", "fdatasync", "msync", "sync_file_range"]);
const writes = new Set(["write", "writev", "sendto", "sendmsg", "pwrite64", "pwritev", "pwritev2"]);

test("a system call that makes it durable returns before the reply and the event are written", { skip: whyNot(), timeout: 60_000 }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "suda-strace-"));
  try {
    writeTokenKey(directory);
    await using server = await ServerProcess.open(realServer(directory));
    const open = (user: string): Promise<WireClient> => WireClient.open({ url: server.url, token: signToken(directory, user) });
    await using alice = await open("alice");
    await using _bob = await open("bob");
    const { conversation } = await alice.request("conversation.open", { with: "bob" as never });
    const send = (clientId: string) =>
      alice.request("message.send", { conversation: conversation.id, clientId: clientId as never, content: { type: "text", text: "안녕" } });
    await send("warm-up");
    const trace = join(directory, "trace");
    await using strace = await Strace.attach(server.pid, trace);
    await send("traced");
    await strace.detach();
    const calls = parseStrace(await readFile(trace, "utf8"));
    const listing = calls.map(({ text }) => text.slice(0, 200)).join("\n");
    // The second message of the conversation: what is left of the first one may still be on its way.
    const shown = calls.filter(
      ({ name, text }) => writes.has(name) && /<(TCP|socket)/.test(text) && /\\"type\\":\\"(reply|message\.created)\\".*\\"seq\\":2\b/.test(text),
    );
    ok(shown.length > 0, `the trace shows no reply:\n${listing}`);
    const firstShown = Math.min(...shown.map(({ begin }) => begin));
    const before = calls.filter(({ begin, end, text }) => begin >= 0 && end < firstShown && text.includes(".mdb"));
    t.diagnostic([...before, ...shown].map(({ text }) => text.slice(0, 120)).join("\n"));
    const syncedAt = before.findIndex(({ name, text }) => syncs.has(name) && text.endsWith("= 0"));
    ok(syncedAt >= 0, `no ${[...syncs].join(", ")} of the data file returned before the reply:\n${listing}`);
    // LMDB's meta page, which makes the commit count, comes after the pages; its own file descriptor is O_DSYNC.
    const meta = before.slice(syncedAt).find(({ name }) => name === "pwrite64" || name === "write");
    ok(meta !== undefined, `the commit's meta page was not written before the reply:\n${listing}`);
    const flags = /^flags:\s+(\d+)/m.exec(await readFile(`/proc/${server.pid}/fdinfo/${/\((\d+)</.exec(meta.text)?.[1]}`, "utf8"))?.[1];
    ok(
      (Number.parseInt(flags ?? "0", 8) & dataSync) !== 0 || before.slice(syncedAt + 1).some(({ name }) => syncs.has(name)),
      `the meta page was written without a sync: flags ${flags}`,
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

class Strace implements AsyncDisposable {
  readonly #child;
  readonly #exited: Promise<unknown>;

  private constructor(child: ReturnType<typeof spawn>) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once("exit", resolve));
  }

  /** Resolves when all threads are traced. */
  static async attach(pid: number, output: string): Promise<Strace> {
    const calls = [...syncs, ...writes].join(",");
    const child = spawn("strace", ["-f", "-ttt", "-yy", "-s", "500", "-e", `trace=${calls}`, "-o", output, "-p", String(pid)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const strace = new Strace(child);
    let said = "";
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        // One line for the process, with the number of its threads.
        if (/attached/.test(said)) resolve();
      });
      child.once("exit", () => reject(new Error(`strace could not attach: ${said}`)));
    });
    return strace;
  }

  async detach(): Promise<void> {
    this.#child.kill("SIGINT");
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.detach();
  }
}

function whyNot(): string | false {
  try {
    execFileSync("strace", ["-o", "/dev/null", "-e", "trace=fsync", "true"], { stdio: "ignore" });
    return false;
  } catch {
    return "strace is not here or may not trace";
  }
}
