/**
 * The command line's strictness. citty parses what it knows and lets everything else pass (seen in 0.2.2:
 * `parseArgs` of node:util with `strict: false`), so unknown options, missing values and surplus words are
 * refused here, before a command runs.
 */
import { stripVTControlCharacters } from "node:util";
import { renderUsage, runCommand, type ArgsDef, type CommandDef } from "citty";
import { CommandError } from "./command-error.ts";
import { didYouMean } from "./did-you-mean.ts";

export interface CommandTree {
  /** As typed: `suda`, `suda config`. */
  readonly name: string;
  /** Its definition; a function, so that a command costs nothing until it is asked for. */
  readonly load: () => Promise<CommandDef>;
  readonly children: Readonly<Record<string, CommandTree>>;
}

export interface CommandLineOutput {
  readonly isTerminal: boolean;
  write(text: string): void;
}

/**
 * Finds the command, refuses what it does not know, and runs it.
 * @throws CommandError `usage` with a guess of what was meant; whatever the command throws
 */
export async function runCommandLine(root: CommandTree, args: readonly string[], output: CommandLineOutput): Promise<void> {
  let tree = root;
  let parent: CommandTree | undefined;
  let rest = args[0] === "help" ? [...args.slice(1), "--help"] : [...args];
  while (Object.keys(tree.children).length > 0) {
    const [word, ...after] = rest;
    if (word === undefined || word === "--help" || word === "-h") break;
    const child = Object.hasOwn(tree.children, word) ? tree.children[word] : undefined;
    if (child === undefined) throw unknownCommand(tree, word);
    parent = tree;
    tree = child;
    rest = after;
  }
  const end = rest.indexOf("--");
  const isHelp = rest.slice(0, end === -1 ? rest.length : end).some((word) => word === "--help" || word === "-h");
  const usage = async (): Promise<string> => {
    const text = await renderUsage(await tree.load(), parent === undefined ? undefined : { meta: { name: parent.name } });
    return output.isTerminal ? text : stripVTControlCharacters(text);
  };
  if (isHelp) {
    output.write(`${await usage()}\n`);
    return;
  }
  if (Object.keys(tree.children).length > 0) {
    const names = Object.keys(tree.children).join(", ");
    throw new CommandError("usage", `${tree.name} needs to know what to do: ${names}`, `${tree.name} --help`);
  }
  const definition = await tree.load();
  checkArguments(tree.name, (definition.args ?? {}) as ArgsDef, rest);
  await runCommand(definition, { rawArgs: rest });
}

function unknownCommand(tree: CommandTree, word: string): CommandError {
  if (word.startsWith("-")) return new CommandError("usage", `${tree.name} has no option ${word}`, `${tree.name} --help`);
  const guess = didYouMean(word, Object.keys(tree.children));
  return new CommandError("usage", `${tree.name} has no command ${word}`, guess === undefined ? `${tree.name} --help` : `Did you mean ${tree.name} ${guess}?`);
}

/** @throws CommandError `usage` */
function checkArguments(command: string, args: ArgsDef, words: readonly string[]): void {
  const definitions = Object.entries(args);
  const positionals = definitions.filter(([, definition]) => definition.type === "positional");
  const options = new Map(definitions.filter(([, definition]) => definition.type !== "positional"));
  let positionalCount = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--") {
      positionalCount += words.length - i - 1;
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      positionalCount++;
      if (positionalCount > positionals.length) throw new CommandError("usage", `${command} has no place for ${JSON.stringify(word)}`, `${command} --help`);
      continue;
    }
    const [name = "", ...values] = word.split("=");
    const definition = name.startsWith("--") ? options.get(name.slice(2)) : undefined;
    if (definition === undefined) {
      const guess = didYouMean(name.replace(/^-+/, ""), options.keys());
      throw new CommandError("usage", `${command} has no option ${name}`, guess === undefined ? `${command} --help` : `Did you mean --${guess}?`);
    }
    if (definition.type === "boolean") {
      if (values.length > 0) throw new CommandError("usage", `${name} takes no value`, `Leave out =${values.join("=")}`);
    } else if (values.length === 0) {
      const value = words[++i];
      if (value === undefined || value.startsWith("-"))
        throw new CommandError("usage", `${name} needs a value`, value === undefined ? `${command} --help` : `If ${value} is the value: ${name}=${value}`);
    }
  }
  for (const [index, [name, definition]] of positionals.entries())
    if (index >= positionalCount && definition.required !== false)
      throw new CommandError("usage", `${command} needs ${name.toUpperCase()}`, `${command} --help`);
}
