/** A real haproxy on loopback, for tests of what stands before several servers. Debian: `haproxy`. */
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { Balancer, startBalancer } from "./balancer.ts";

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

export class HaproxyServer extends Balancer {
  /** @throws Error with haproxy's own words when it cannot start */
  static async open({ files, own, env }: HaproxyOptions): Promise<HaproxyServer> {
    const started = await startBalancer("haproxy", async ({ port, directory }) => {
      await writeFile(join(directory, "own.cfg"), own);
      const args = ["-db", ...[...files, join(directory, "own.cfg")].flatMap((path) => ["-f", path])];
      return { args, env: env(`127.0.0.1:${port}`, join(directory, "socket")) };
    });
    return new HaproxyServer(started);
  }

  /** A command to its stats socket, such as `set server suda/node-1 state drain`. @returns its answer */
  command(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = "";
      const socket = connect(join(this.directory, "socket"), () => socket.write(`${line}\n`));
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
      socket.once("error", reject).once("end", () => resolve(answer.trim()));
    });
  }
}
