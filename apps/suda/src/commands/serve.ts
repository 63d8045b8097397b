import type { CommandDef } from "citty";
import { runServer } from "../server/run-server.ts";
import { loadConfigOf, serverSettings, settingArguments } from "./setting-arguments.ts";

/** `suda serve`: production. Refuses to start without keys. */
export const serveCommand: CommandDef = {
  meta: { name: "serve", description: "Runs the server in production; needs keys (SUDA_TOKEN_SECRET, --token-keys, or a data directory's own)" },
  args: settingArguments(serverSettings),
  async run({ args }) {
    const loaded = loadConfigOf(args, serverSettings);
    await runServer({ loaded, mayMovePort: false, print: (line) => void process.stdout.write(`${line}\n`) });
    process.exit(0);
  },
};
