import type { CommandDef } from "citty";
import { CommandError } from "../command-error.ts";
import { readDurationMs } from "../config/setting.ts";
import type { SettingName } from "../config/settings.ts";
import { signToken } from "../data-directory/sign-token.ts";
import { openSigningKey } from "../server/signing-key.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

const names: readonly SettingName[] = ["data"];
const longestMs = 3_650 * 86_400_000;

/** `suda token USER`: a token alone on standard output. */
export const tokenCommand: CommandDef = {
  meta: { name: "token", description: "Prints a user's token, signed with the data directory's key (or the configured secret)" },
  args: {
    user: { type: "positional", required: true, description: "The user's id" },
    bot: { type: "boolean", default: false, description: "The user is a bot: a program runs it" },
    expires: { type: "string", valueHint: "time", default: "30d", description: "How long it is good: 90s, 15m, 12h, 30d" },
    ...settingArguments(names),
  },
  async run({ args }) {
    const { config } = loadConfigOf(args, names);
    const lifetimeMs = readDurationMs(String(args["expires"]));
    if (lifetimeMs === undefined || lifetimeMs < 1_000 || lifetimeMs > longestMs)
      throw new CommandError("usage", `--expires ${String(args["expires"])} is not a time from 1s to 3650d`, "Write it like 90s, 15m, 12h or 30d");
    const key = openSigningKey(config);
    process.stdout.write(`${await signToken({ user: String(args["user"]), isBot: args["bot"] === true, key, now: Date.now(), lifetimeMs, config })}\n`);
  },
};
