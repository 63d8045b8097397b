import type { CommandDef } from "citty";
import type { SettingName } from "../config/settings.ts";
import { storeSettings } from "../server/cassandra.ts";
import { runChecks } from "../doctor/checks.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

const names: readonly SettingName[] = ["port", "host", ...storeSettings, "layer", "redisUrl", "redisPrefix"];

/** `suda doctor`: exit 1 when something is wrong. */
export const doctorCommand: CommandDef = {
  meta: { name: "doctor", description: "Looks whether a server can run here, and says how to fix what is wrong" },
  args: settingArguments(names),
  async run({ args }) {
    const findings = await runChecks(loadConfigOf(args, names).config, Date.now());
    for (const { isGood, text, fix } of findings) process.stdout.write(isGood ? `✓ ${text}\n` : `✗ ${text}\n  → ${fix ?? ""}\n`);
    process.exitCode = findings.every(({ isGood }) => isGood) ? 0 : 1;
  },
};
