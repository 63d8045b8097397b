import type { CommandDef } from "citty";
import { describeFinding, verifyDirectory } from "../verify/verify-directory.ts";

/** `suda verify DIR`: exit 1 when something is wrong. */
export const verifyCommand: CommandDef = {
  meta: { name: "verify", description: "Checks every conversation in a data directory that no server is using, and names what is wrong" },
  args: {
    dir: { type: "positional", required: true, description: "The data directory" },
    json: { type: "boolean", description: "One line of JSON per finding, and one with the totals" },
  },
  async run({ args }) {
    const isJson = args["json"] === true;
    const write = (line: string): void => void process.stdout.write(`${line}\n`);
    const totals = await verifyDirectory(String(args["dir"]), (finding) => write(isJson ? JSON.stringify(finding) : `✗ ${describeFinding(finding)}`));
    const { conversations, entries, findings } = totals;
    if (isJson) write(JSON.stringify(totals));
    else if (findings === 0) write(`✓ ${conversations} conversations with ${entries} entries: everything agrees`);
    else
      write(
        `✗ ${findings} findings in ${conversations} conversations with ${entries} entries\n  → Restore from a backup, and keep these files until that has worked`,
      );
    process.exitCode = findings === 0 ? 0 : 1;
  },
};
