import type { CommandDef } from "citty";
import type { Finding, Verified } from "@suda/server/store";
import { CommandError } from "../command-error.ts";
import { flagOf } from "../config/settings.ts";
import { storeSettings } from "../server/cassandra.ts";
import { verifyConfiguredStore } from "../verify/verify-configured-store.ts";
import { describeFinding, verifyDirectory } from "../verify/verify-directory.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

const names = storeSettings;

/** `suda verify DIR`, `suda verify --store cassandra`: exit 1 when something is wrong. */
export const verifyCommand: CommandDef = {
  meta: { name: "verify", description: "Checks every conversation in a store that no server is using, and names what is wrong" },
  args: {
    dir: { type: "positional", required: false, description: "The data directory; without it the store that the settings name, as suda serve takes them" },
    json: { type: "boolean", description: "One line of JSON per finding, and one with the totals" },
    ...settingArguments(names),
  },
  async run({ args }) {
    const isJson = args["json"] === true;
    const write = (line: string): void => void process.stdout.write(`${line}\n`);
    const { totals, advice } = await verify(args, (finding) => write(isJson ? JSON.stringify(finding) : `✗ ${describeFinding(finding)}`));
    const { conversations, entries, findings } = totals;
    if (isJson) write(JSON.stringify(totals));
    else if (findings === 0) write(`✓ ${conversations} conversations with ${entries} entries: everything agrees`);
    else write(`✗ ${findings} findings in ${conversations} conversations with ${entries} entries\n  → ${advice}`);
    process.exitCode = findings === 0 ? 0 : 1;
  },
};

const ofFiles = "Restore from a backup, and keep these files until that has worked";
const ofCassandra =
  "Verify again with all nodes of Suda stopped; then nodetool repair on every node of Cassandra, and restore from a snapshot what stays damaged";

async function verify(
  args: Readonly<Record<string, unknown>>,
  onFinding: (finding: Finding) => void,
): Promise<{ readonly totals: Verified; readonly advice: string }> {
  const directory = args["dir"];
  if (typeof directory === "string") {
    const named = names.map(flagOf).find((flag) => typeof args[flag] === "string");
    if (named !== undefined)
      throw new CommandError("usage", `a data directory and --${named} are two stores`, `suda verify ${directory}, or suda verify --${named} …`);
    return { totals: await verifyDirectory(directory, onFinding), advice: ofFiles };
  }
  const { config } = loadConfigOf(args, names);
  return { totals: await verifyConfiguredStore(config, onFinding), advice: config.store === "cassandra" ? ofCassandra : ofFiles };
}
