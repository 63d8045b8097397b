/** Settings as options of a command, and the configuration from them. */
import type { ArgsDef } from "citty";
import { readEnvironment } from "../config/environment.ts";
import { loadConfig, type LoadedConfig } from "../config/load-config.ts";
import { flagOf, settingNames, settingOf, type SettingName } from "../config/settings.ts";

/** Every command that reads the configuration takes it. */
const configArgument: ArgsDef = {
  config: { type: "string", valueHint: "file", description: "Configuration file (default suda.config.json, if there is one)" },
};

/** Settings of a server that have a flag. */
export const serverSettings: readonly SettingName[] = settingNames.filter((name) => settingOf(name).isSecret !== true && name !== "url");

export function settingArguments(names: readonly SettingName[]): ArgsDef {
  const options = names.map((name) => [flagOf(name), { type: "string", valueHint: "value", description: settingOf(name).doc.replaceAll("`", "") }] as const);
  return { ...Object.fromEntries(options), ...configArgument };
}

export function loadConfigOf(
  args: Readonly<Record<string, unknown>>,
  names: readonly SettingName[],
  options: { readonly isDevelopment?: boolean } = {},
): LoadedConfig {
  const text = (flag: string): string | undefined => {
    const value = args[flag];
    return typeof value === "string" ? value : undefined;
  };
  return loadConfig({
    environment: readEnvironment(),
    flags: Object.fromEntries(names.map((name) => [name, text(flagOf(name))])),
    file: text("config"),
    directory: process.cwd(),
    ...options,
  });
}
