/** A real Redis with a replica, watched by three Sentinels on loopback, for tests. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedisServer } from "./redis-server.ts";
import { eventually } from "./webhook-world.ts";

const masterName = "mymaster";
const sentinelCount = 3;

export class RedisSentinels implements AsyncDisposable {
  readonly #directory: string;
  readonly #servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[], sentinels: readonly RedisServer[], directory: string) {
    this.#servers = servers;
    this.sentinels = sentinels;
    this.#directory = directory;
  }

  /** Resolves when the Sentinels know each other and the replica. */
  static async open(): Promise<RedisSentinels> {
    const directory = mkdtempSync(join(tmpdir(), "suda-redis-sentinels-"));
    const master = await RedisServer.open({ arguments: ["--dir", directory] });
    const replica = await RedisServer.open({ arguments: ["--dir", directory, "--replicaof", "127.0.0.1", String(master.port)] });
    const sentinels: RedisServer[] = [];
    for (let index = 0; index < sentinelCount; index++) {
      const sentinelFile = join(directory, `sentinel-${index}.conf`);
      const lines = [
        `sentinel monitor ${masterName} 127.0.0.1 ${master.port} 2`,
        `sentinel down-after-milliseconds ${masterName} 1000`,
        `sentinel failover-timeout ${masterName} 5000`,
      ];
      writeFileSync(sentinelFile, `${lines.join("\n")}\n`);
      sentinels.push(await RedisServer.open({ sentinelFile, arguments: ["--dir", directory] }));
    }
    const opened = new RedisSentinels([master, replica], sentinels, directory);
    try {
      const agree = async (): Promise<boolean> => {
        const told = await Promise.all(sentinels.map((sentinel) => sentinel.command("SENTINEL", "MASTER", masterName)));
        return told.every((text) => /num-slaves\n1\n/.test(text) && /num-other-sentinels\n2\n/.test(text));
      };
      await eventually(agree, () => {}, 60_000);
    } catch (error) {
      await opened[Symbol.asyncDispose]();
      throw error;
    }
    return opened;
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${masterName}`;
  }

  /** As the first of the Sentinels sees it. */
  async master(): Promise<RedisServer> {
    const [, port] = ((await this.sentinels[0]?.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName)) ?? "").split("\n");
    const server = this.#servers.find((one) => one.port === Number(port));
    if (server === undefined) throw new Error(`The Sentinels name ${port}, which is none of ours.`);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [...this.sentinels, ...this.#servers]) await server.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
