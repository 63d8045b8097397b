import { lintTargets } from "@suda/protocol";
import type { CommandDef } from "citty";
import { lintFile, readKinds, readTargets, type LintFinding } from "../lint/lint-file.ts";

/** `suda lint FILE`: exit 1 when a message would be refused, with `--strict` also when there is a warning. */
export const lintCommand: CommandDef = {
  meta: { name: "lint", description: "Checks messages of a bot in a file: by the server's rules, and for other platforms" },
  args: {
    file: { type: "positional", required: true, description: "JSON: a message, or an array of 1 to 5; - for standard input" },
    target: { type: "string", valueHint: "names", default: lintTargets.join(","), description: "Platforms to warn for, separated by commas" },
    kinds: { type: "string", valueHint: "file", description: "JSON Schemas of custom kinds, by their names" },
    strict: { type: "boolean", description: "Exit 1 when there are warnings" },
    json: { type: "boolean", description: "One line of JSON per finding, and one with the totals" },
  },
  async run({ args }) {
    const isJson = args["json"] === true;
    const write = (line: string): void => void process.stdout.write(`${line}\n`);
    const targets = readTargets(String(args["target"]));
    const kinds = typeof args["kinds"] === "string" ? await readKinds(args["kinds"]) : undefined;
    const { messages, findings } = await lintFile(String(args["file"]), targets, kinds);
    for (const finding of findings) write(isJson ? JSON.stringify(finding) : describe(finding));
    const errors = findings.filter(({ level }) => level === "error").length;
    const warnings = findings.length - errors;
    if (isJson) write(JSON.stringify({ messages, errors, warnings }));
    else if (findings.length === 0) write(`✓ ${count(messages, "message")}: fine, also for ${targets.join(", ")}`);
    else write(`${errors > 0 ? "✗" : "!"} ${count(messages, "message")}: ${count(errors, "error")}, ${count(warnings, "warning")}`);
    process.exitCode = errors > 0 || (args["strict"] === true && warnings > 0) ? 1 : 0;
  },
};

function describe({ level, target, message }: LintFinding): string {
  return level === "error" ? `✗ ${message}` : `! ${target ?? ""}: ${message}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
