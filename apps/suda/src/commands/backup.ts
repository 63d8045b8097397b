import type { CommandDef } from "citty";
import { writeBackup, type BackupOptions } from "../backup/write-backup.ts";
import type { SettingName } from "../config/settings.ts";
import { describeFinding } from "../verify/verify-directory.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

const names: readonly SettingName[] = ["data"];

/** `suda backup TO`: while the server runs. */
export const backupCommand: CommandDef = {
  meta: { name: "backup", description: "Copies the store of a data directory to a new directory, while its server goes on, and checks the copy" },
  args: {
    to: { type: "positional", required: true, description: "The backup: a directory that does not exist yet" },
    ...settingArguments(names),
    "with-token-key": { type: "boolean", description: "The key that signs users' tokens as well: whoever has it can be any user" },
    json: { type: "boolean", description: "The manifest as one line of JSON" },
  },
  async run({ args }) {
    const { config } = loadConfigOf(args, names);
    const to = String(args["to"]);
    const withTokenKey = args["with-token-key"] === true;
    const manifest = await writeBackup({
      data: config.data,
      to,
      withTokenKey,
      now: Date.now(),
      onFinding: (finding) => void process.stderr.write(`✗ ${describeFinding(finding)}\n`),
      onProgress: progress(),
    });
    if (args["json"] === true) return void process.stdout.write(`${JSON.stringify(manifest)}\n`);
    process.stdout.write(
      `✓ ${manifest.conversations} conversations with ${manifest.entries} entries (${megabytes(manifest.store.bytes)}) in ${to}: everything agrees\n`,
    );
    if (!withTokenKey) process.stdout.write("  Not in it: keys and settings. Keep those where secrets are kept.\n");
  },
};

/** One line that is written over, for people; nothing for logs. */
function progress(): BackupOptions["onProgress"] {
  if (!process.stderr.isTTY) return () => {};
  return (step, bytes) => void process.stderr.write(`\r\u001b[K${step === "hashing" ? "" : `${step} ${megabytes(bytes)}`}`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
