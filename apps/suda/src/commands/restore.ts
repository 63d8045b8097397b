import { systemRandom } from "@suda/protocol";
import type { CommandDef } from "citty";
import { restoreBackup } from "../backup/restore-backup.ts";
import type { SettingName } from "../config/settings.ts";
import { describeFinding } from "../verify/verify-directory.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

const names: readonly SettingName[] = ["data"];

/** `suda restore FROM --data DIR`. */
export const restoreCommand: CommandDef = {
  meta: { name: "restore", description: "Makes a data directory from a backup, after checking it; clients that had seen more read their conversations again" },
  args: {
    from: { type: "positional", required: true, description: "A directory that suda backup has made" },
    ...settingArguments(names),
    unchanged: { type: "boolean", description: "Nothing was written after the backup (a move to another machine): clients need read nothing again" },
  },
  async run({ args }) {
    const { config } = loadConfigOf(args, names);
    const isUnchanged = args["unchanged"] === true;
    const { conversations, entries, takenAt, hasTokenKey } = await restoreBackup({
      from: String(args["from"]),
      data: config.data,
      isUnchanged,
      random: systemRandom,
      onFinding: (finding) => void process.stderr.write(`✗ ${describeFinding(finding)}\n`),
    });
    process.stdout.write(`✓ ${conversations} conversations with ${entries} entries, as of ${takenAt}, in ${config.data}: everything agrees\n`);
    if (!isUnchanged) process.stdout.write("  Every conversation has a new epoch: clients that come back read them again.\n");
    if (!hasTokenKey) process.stdout.write(`  No token key was in it: put yours into ${config.data}/token-key, or configure keys.\n`);
  },
};
