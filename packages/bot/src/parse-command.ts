/** `/order "two pizzas" now`: a slash command in a text, with its arguments. */

export interface ParsedCommand {
  /** Without the slash. */
  readonly name: string;
  /** Separated by white space; what stands in double quotes is one. */
  readonly args: readonly string[];
  /** Everything after the name, as it was written. */
  readonly argument: string;
}

/**
 * `undefined` for a text that is no command, and for one to another bot (`/help@otherbot`).
 * @param bot the bot that reads it
 */
export function parseCommand(text: string, bot: string): ParsedCommand | undefined {
  const [, written = "", argument = ""] = /^\/([^\s/]+)(?:\s+([\s\S]*))?$/.exec(text) ?? [];
  const at = written.indexOf("@");
  const name = at === -1 ? written : written.slice(0, at);
  if (name === "" || (at !== -1 && written.slice(at + 1) !== bot)) return undefined;
  const args = Array.from(argument.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? "");
  return { name, args, argument: argument.trimEnd() };
}
