import { isIP } from "node:net";
import { systemRandom } from "@suda/protocol";
import type { CommandDef } from "citty";
import { CommandError } from "../command-error.ts";
import { readEnvironment } from "../config/environment.ts";
import { settings } from "../config/settings.ts";
import { openTokenKey } from "../data-directory/token-key.ts";
import { demoBot, demoCompanion, demoUsers, prepareDemo } from "../server/demo.ts";
import { runServer } from "../server/run-server.ts";
import { loadConfigOf, serverSettings, settingArguments } from "./setting-arguments.ts";

/** `suda dev`: a server with demo users and a bot, for this machine only. */
export const devCommand: CommandDef = {
  meta: { name: "dev", description: "Starts a server for development: demo users, a bot, this machine only" },
  args: {
    ...settingArguments(serverSettings),
    "unsafe-host": { type: "boolean", description: "Let other machines in: whoever reaches the port can try the demo users" },
    "unsafe-production": { type: "boolean", description: "Start although NODE_ENV=production" },
  },
  async run({ args }) {
    const loaded = loadConfigOf(args, serverSettings, { isDevelopment: true });
    const { config, sources } = loaded;
    if (readEnvironment().isProduction && args["unsafe-production"] !== true)
      throw new CommandError(
        "development.refused",
        "suda dev does not run with NODE_ENV=production",
        "Use suda serve; or say so: suda dev --unsafe-production",
      );
    if (!isLoopback(config.host) && args["unsafe-host"] !== true)
      throw new CommandError(
        "development.refused",
        `suda dev listens on this machine only, not on ${config.host}`,
        "Use suda serve; or say so: suda dev --unsafe-host",
      );
    openTokenKey(config.data, systemRandom);
    await runServer({
      loaded,
      mayMovePort: sources.port === "default",
      prepare: (store) => prepareDemo(store, Date.now()),
      companion: demoCompanion(config, systemRandom),
      banner: ({ port }) => banner(port, config.data, isLoopback(config.host)),
      print: (line) => void process.stdout.write(`${line}\n`),
    });
    process.exit(0);
  },
};

function banner(port: number, data: string, isLoopbackOnly: boolean): string {
  const where = data === settings.data.default ? "" : ` --data ${/[^\w./~-]/.test(data) ? JSON.stringify(data) : data}`;
  const users = demoUsers.map(({ id, name }) => (name === undefined ? id : `${id} (${name})`)).join(", ");
  return [
    "",
    `  수다 suda — development mode (${isLoopbackOnly ? "loopback only" : "OPEN TO OTHER MACHINES"}; data in ${data})`,
    `  Docs      http://localhost:${port}/docs`,
    `  Terminal  npx suda chat --as bob${where}`,
    `  Users     ${users}`,
    `  Bot       @${demoBot} is online: in the terminal try "/dm ${demoBot} /help"`,
    "",
  ].join("\n");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
