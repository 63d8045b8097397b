import type { CommandDef } from "citty";
import { configTable, effectiveConfig, environmentTemplate } from "../config/print-config.ts";
import { configuredTokenKeys } from "../server/token-keys.ts";
import { loadConfigOf, serverSettings, settingArguments } from "./setting-arguments.ts";

const doc: CommandDef = {
  meta: { name: "doc", description: "Prints all settings as a Markdown table" },
  args: {},
  run: () => void process.stdout.write(`${configTable()}\n`),
};

const check: CommandDef = {
  meta: { name: "check", description: "Validates the configuration and prints what is in force, secrets masked" },
  args: settingArguments(serverSettings),
  run({ args }) {
    const loaded = loadConfigOf(args, serverSettings);
    configuredTokenKeys(loaded.config);
    process.stdout.write(`${effectiveConfig(loaded)}\n`);
  },
};

const env: CommandDef = {
  meta: { name: "env", description: "Prints a template for a .env file" },
  args: {},
  run: () => void process.stdout.write(`${environmentTemplate()}\n`),
};

/** `suda config doc|check|env`. */
export const configCommand: CommandDef = { meta: { name: "config", description: "Shows and checks the configuration" }, subCommands: { doc, check, env } };
export const configCommands: Readonly<Record<"doc" | "check" | "env", CommandDef>> = { doc, check, env };
