/**
 * A program in a network namespace of its own whose loopback has every address there is: `ip route add local 0.0.0.0/0`.
 * Nothing can leave it, and whatever address is connected answers or refuses at once. Linux counts what happens in it,
 * and strace writes down every connect(): two counters that no code of ours can mislead.
 */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";

const setUp = "ip link set lo up && ip route add local 0.0.0.0/0 dev lo && ip -6 route add local ::/0 dev lo";

export interface Counted {
  /** TCP connections that were begun: ActiveOpens of RFC 4022, over IPv4 and IPv6. */
  readonly connections: number;
  /** Packets of any kind. */
  readonly packets: number;
}

export interface Attempts {
  readonly result: unknown;
  readonly counted: Counted;
  /** Addresses that connect() was called with, for TCP and UDP. */
  readonly connects: readonly string[];
}

/** Why there can be no such namespace here; `undefined` when there can. */
export function whyNoNamespace(): string | undefined {
  try {
    execFileSync("unshare", ["-n", "--", "sh", "-c", setUp], { stdio: "pipe" });
    execFileSync("strace", ["-o", "/dev/null", "-e", "trace=connect", "true"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `network namespaces with ip and strace are not to be had here: ${String(error)}`;
  }
}

/** Runs a TypeScript program that speaks as attempts.ts does, and counts between its `ready` and its answer. */
export async function runInNamespace(program: string, mode: string): Promise<Attempts> {
  const directory = await mkdtemp(join(tmpdir(), "suda-outgoing-"));
  const trace = join(directory, "trace");
  const node = [process.execPath, "--import", "tsx", "--conditions=suda-source", program, mode];
  const strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect", "-e", "signal=none", "-o", trace];
  // A proxy of the environment must not be used either: it would be a connection, and counted.
  const env = {
    ...process.env,
    HTTP_PROXY: "http://10.9.9.9:3128",
    HTTPS_PROXY: "http://10.9.9.9:3128",
    ALL_PROXY: "http://10.9.9.9:3128",
    NODE_USE_ENV_PROXY: "1",
  };
  const child = spawn("unshare", ["-n", "--", "sh", "-c", `${setUp} && exec "$@"`, "sh", ...strace, ...node], { env });
  try {
    const lines = new Lines(child);
    await lines.next("ready");
    const before = await count(child.pid);
    child.stdin.write("go\n");
    const result = JSON.parse(await lines.next()) as unknown;
    const after = await count(child.pid);
    child.stdin.end();
    await lines.ended;
    const counted = { connections: after.connections - before.connections, packets: after.packets - before.packets };
    return { result, counted, connects: connectsOf(await readFile(trace, "utf8")) };
  } finally {
    child.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  }
}

/** Of the namespace in which a process is; strace and the program are in the same. */
async function count(pid: number | undefined): Promise<Counted> {
  const [names = [], values = []] = (await readFile(`/proc/${pid}/net/snmp`, "utf8"))
    .split("\n")
    .filter((line) => line.startsWith("Tcp:"))
    .map((line) => line.split(" "));
  const packets = /^\s*lo:\s*(.*)$/m.exec(await readFile(`/proc/${pid}/net/dev`, "utf8"))?.[1]?.split(/\s+/)[9];
  return { connections: numberOf(values[names.indexOf("ActiveOpens")]), packets: numberOf(packets) };
}

function numberOf(text: string | undefined): number {
  if (text === undefined || !/^\d+$/.test(text)) throw new Error(`Linux shows its counters in another way: ${text}`);
  return Number(text);
}

function connectsOf(trace: string): readonly string[] {
  return Array.from(
    trace.matchAll(/connect\(\d+, \{sa_family=AF_INET6?,[^}]*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")/g),
    ([, four, six]) => four ?? six ?? "",
  );
}

class Lines {
  readonly ended: Promise<void>;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  constructor(child: ChildProcessWithoutNullStreams) {
    const output: Interface = createInterface({ input: child.stdout });
    this.#lines = output[Symbol.asyncIterator]();
    child.stderr.on("data", (chunk: Buffer) => (this.#errors += chunk.toString()));
    this.ended = new Promise((resolve) => child.once("exit", () => resolve()));
  }

  async next(expected?: string): Promise<string> {
    const line = await this.#lines.next();
    if (line.done === true || (expected !== undefined && line.value !== expected)) throw new Error(`The program ended early: ${this.#errors}`);
    return line.value;
  }
}
