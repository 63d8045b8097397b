/** The settings as people read them: a Markdown table, the values in force, a template for the environment. */
import type { LoadedConfig } from "./load-config.ts";
import { flagOf, settingNames, settingOf, variableOf } from "./settings.ts";

export function configTable(): string {
  const rows = settingNames.map((name) => {
    const setting = settingOf(name);
    const fallback = setting.show(setting.default);
    const inDevelopment = setting.developmentDefault === undefined ? "" : ` (dev: \`${setting.show(setting.developmentDefault)}\`)`;
    const flag = setting.isSecret === true ? "—" : `\`--${flagOf(name)}\``;
    return `| \`${name}\` | ${flag} | \`${variableOf(name)}\` | ${setting.accepts} | ${fallback === "" ? "—" : `\`${fallback}\``}${inDevelopment} | ${setting.doc} |`;
  });
  return [
    "| setting (key in `suda.config.json`) | flag | environment | accepts | default | meaning |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
    "Later wins: default, file (`suda.config.json` in the working directory, `--config FILE` or `SUDA_CONFIG`), environment, flag.",
    "Secrets have no flag: the arguments of a process can be read by every user of the machine.",
  ].join("\n");
}

/** One line per setting with its value and where it came from; secrets only by whether they are set. */
export function effectiveConfig({ config, sources }: LoadedConfig): string {
  const width = Math.max(...settingNames.map((name) => name.length));
  return settingNames
    .map((name) => {
      const setting = settingOf(name);
      const shown = setting.show(config[name]);
      const value = shown === "" ? "—" : setting.isSecret === true ? "•••••• (set)" : shown;
      return `${name.padEnd(width)}  ${value}  (${sources[name]})`;
    })
    .join("\n");
}

export function environmentTemplate(): string {
  return settingNames
    .map((name) => {
      const setting = settingOf(name);
      return [`# ${setting.doc}`, `# ${setting.accepts.replaceAll("\\|", "|")}`, `# ${variableOf(name)}=${setting.show(setting.default)}`].join("\n");
    })
    .join("\n\n");
}
