/** A real nginx on loopback, for tests of what stands before a server. Debian: `nginx-light`. */
import { spawnSync } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Balancer, startBalancer } from "./balancer.ts";

/** A test's `skip`: false where there is one, and where its absence is to fail (`REQUIRE_NGINX=1`). */
export const skipWithoutNginx: string | false =
  process.env["REQUIRE_NGINX"] === "1" || spawnSync("nginx", ["-v"]).status === 0 ? false : "nginx is not installed";

export interface NginxOptions {
  /** What stands in the http block. @param port on which it must listen, of 127.0.0.1 */
  readonly http: (port: number) => string;
  /** Beside its nginx.conf, where its includes are looked for, by name. */
  readonly files?: (port: number) => Readonly<Record<string, string>>;
}

export class NginxServer extends Balancer {
  /** @throws Error with nginx's own words when it cannot start */
  static async open({ http, files }: NginxOptions): Promise<NginxServer> {
    const started = await startBalancer("nginx", async ({ port, directory }) => {
      // Its workers are another user when it is started by root.
      await chmod(directory, 0o755);
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `  ${name}_temp_path ${directory}/${name};\n`).join("");
      const configuration = `daemon off;\npid ${directory}/pid;\nerror_log stderr notice;\nevents { worker_connections 4096; }\nhttp {\n  access_log off;\n${temporary}${http(port)}\n}\n`;
      for (const [name, text] of Object.entries({ ...files?.(port), "nginx.conf": configuration })) await writeFile(join(directory, name), text);
      return { args: ["-e", "stderr", "-c", join(directory, "nginx.conf")] };
    });
    return new NginxServer(started);
  }

  /** Writes a file anew and tells nginx, as `nginx -s reload` does. When it resolves, new workers take new connections; old ones keep theirs. */
  async reload(name: string, text: string): Promise<void> {
    await writeFile(join(this.directory, name), text);
    const retired = (): number => this.output.split("gracefully shutting down").length;
    const before = retired();
    this.program.signal("SIGHUP");
    for (const endsAt = performance.now() + 10_000; retired() === before; await sleep(10))
      if (performance.now() > endsAt) throw new Error(`nginx does not take its new configuration:\n${this.output}`);
  }
}
