/**
 * defaults < file (`suda.config.json`, or `--config`) < `SUDA_*` < flags. A key that no setting has is an
 * error with a guess of what was meant, wherever it stands: a misspelt limit that is silently ignored is found
 * in production.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CommandError, systemErrorCode } from "../command-error.ts";
import { didYouMean } from "../did-you-mean.ts";
import type { Environment } from "./environment.ts";
import { flagOf, isSettingName, settingNames, settingOf, variableOf, type Config, type SettingName } from "./settings.ts";

export interface LoadedConfig {
  readonly config: Config;
  /** Where each value came from: `default`, the file's path, `SUDA_PORT`, `--port`. */
  readonly sources: Readonly<Record<SettingName, string>>;
}

export interface ConfigInputs {
  readonly environment: Environment;
  /** What the command line gave, by setting; absent ones are undefined. */
  readonly flags: Readonly<Partial<Record<SettingName, string | undefined>>>;
  /** `--config`; else `SUDA_CONFIG`; else `suda.config.json` in `directory`, if there is one. */
  readonly file?: string | undefined;
  /** Where relative paths start: the working directory. */
  readonly directory: string;
  readonly isDevelopment?: boolean;
}

const defaultFile = "suda.config.json";
const fileVariable = "SUDA_CONFIG";

/** @throws CommandError `config` when a key is unknown or a value is not in its bounds, with what to write instead */
export function loadConfig(inputs: ConfigInputs): LoadedConfig {
  const values: Partial<Record<SettingName, unknown>> = {};
  const sources: Partial<Record<SettingName, string>> = {};
  for (const name of settingNames) {
    const setting = settingOf(name);
    values[name] = inputs.isDevelopment === true && setting.developmentDefault !== undefined ? setting.developmentDefault : setting.default;
    sources[name] = "default";
  }
  const take = (name: SettingName, written: unknown, source: string): void => {
    const result = settingOf(name).read(written);
    if ("problem" in result)
      throw new CommandError("config", `${sourceOf(name, source)} ${result.problem}`, `${settingOf(name).doc} All settings: suda config doc`);
    values[name] = result.value;
    sources[name] = source;
  };
  const path = inputs.file ?? inputs.environment.suda[fileVariable];
  for (const [name, written] of readConfigFile(resolve(inputs.directory, path ?? defaultFile), path !== undefined)) {
    const file = path ?? defaultFile;
    take(name, settingOf(name).isPath === true && typeof written === "string" ? resolve(dirname(resolve(inputs.directory, file)), written) : written, file);
  }
  for (const [variable, written] of Object.entries(inputs.environment.suda)) {
    if (variable === fileVariable) continue;
    const name = settingNames.find((one) => variableOf(one) === variable);
    if (name === undefined) throw unknownKey(variable, "the environment", [...settingNames.map(variableOf), fileVariable]);
    take(name, written, variable);
  }
  for (const name of settingNames) {
    if (inputs.flags[name] === undefined) continue;
    take(name, inputs.flags[name], `--${flagOf(name)}`);
    const problem = settingOf(name).flagProblem?.(values[name]);
    if (problem !== undefined)
      throw new CommandError(
        "config",
        `--${flagOf(name)} ${problem}`,
        `Set ${variableOf(name)}: the arguments of a process can be read by every user of the machine`,
      );
  }
  return { config: values as Config, sources: sources as Record<SettingName, string> };
}

function readConfigFile(path: string, isNamed: boolean): [SettingName, unknown][] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code === "ENOENT" && !isNamed) return [];
    throw new CommandError("config", `the configuration file ${path} cannot be read (${code})`, "Check the path and its permissions", { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Not error.message: it repeats the text, which may hold a secret.
    throw new CommandError("config", `${path} is not JSON`, `One object of settings: { "port": 8000 }. Comments and trailing commas are not JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new CommandError("config", `${path} is not a JSON object`, 'Write { "port": 8000 }');
  return Object.entries(value).map(([key, written]) => {
    if (!isSettingName(key)) throw unknownKey(key, path, settingNames);
    return [key, written];
  });
}

function unknownKey(key: string, where: string, known: readonly string[]): CommandError {
  const guess = didYouMean(key, known);
  return new CommandError(
    "config",
    `${key} in ${where} is not a setting`,
    `${guess === undefined ? "" : `Did you mean ${guess}? `}All settings: suda config doc`,
  );
}

/** As a person would look for it: `SUDA_PORT`, `--port`, `port in suda.config.json`. */
export function sourceOf(name: SettingName, source: string): string {
  return source.startsWith("-") || source.startsWith("SUDA_") ? source : `${name} in ${source}`;
}
