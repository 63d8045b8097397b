/** A real haproxy on loopback, for tests of what stands before several servers. Debian: `haproxy`. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { ListeningProgram } from "./listening-program.ts";

/** A test's `skip`: false where there is one, and where its absence is to fail (`REQUIRE_HAPROXY=1`). */
export const skipWithoutHaproxy: string | false =
  process.env["REQUIRE_HAPROXY"] === "1" || spawnSync("haproxy", ["-v"]).status === 0 ? false : "haproxy is not installed";

export interface HaproxyOptions {
  /** Paths of configurations that are used as they are, before {@link own}. */
  readonly files: readonly string[];
  /** The text of one more. */
  readonly own: string;
  /** For the configurations. @param address on which it must listen @param socket where {@link HaproxyServer.command} speaks to it */
  readonly env: (address: string, socket: string) => Readonly<Record<string, string>>;
}

export class HaproxyServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #program: ListeningProgram;

  private constructor(port: number, directory: string, program: ListeningProgram) {
    this.port = port;
    this.#directory = directory;
    this.#program = program;
  }

  /** @throws Error with haproxy's own words when it cannot start */
  static async open({ files, own, env }: HaproxyOptions): Promise<HaproxyServer> {
    const port = await freePort();
    const directory = await mkdtemp(join(tmpdir(), "suda-haproxy-"));
    try {
      await writeFile(join(directory, "own.cfg"), own);
      const args = ["-db", ...[...files, join(directory, "own.cfg")].flatMap((path) => ["-f", path])];
      const program = await ListeningProgram.open({ command: "haproxy", args, env: env(`127.0.0.1:${port}`, join(directory, "socket")), port });
      return new HaproxyServer(port, directory, program);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The last that it printed. */
  get output(): string {
    return this.#program.output;
  }

  /** A command to its stats socket, such as `set server suda/node-1 state drain`. @returns its answer */
  command(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = "";
      const socket = connect(join(this.#directory, "socket"), () => socket.write(`${line}\n`));
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
      socket.once("error", reject).once("end", () => resolve(answer.trim()));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
