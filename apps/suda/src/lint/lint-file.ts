/** `suda lint`: a file with one message or a few, held against the server's own rules, then against other platforms. */
import { createReadStream } from "node:fs";
import {
  checkMessage,
  createByteReviver,
  createValidator,
  lintMessages,
  lintTargets,
  MessageBodySchema,
  parseJson,
  SudaError,
  templateLimits,
  type LintTarget,
  type MessageBody,
} from "@suda/protocol";
import { CommandError, systemErrorCode } from "../command-error.ts";
import { didYouMean } from "../did-you-mean.ts";

export interface LintFinding {
  /** An error is refused by the server; a warning is not. */
  readonly level: "error" | "warning";
  /** The platform of a warning. */
  readonly target?: LintTarget;
  /** JSON pointer into the file. */
  readonly path: string;
  readonly message: string;
}

export interface LintResult {
  readonly messages: number;
  readonly findings: readonly LintFinding[];
}

/** Room for as many messages as are sent at once, however they are indented. */
const maxBytes = templateLimits.messagesPerSendMax * templateLimits.messageMaxBytes * 2;
const maxKeys = 50_000;

const validator = createValidator<MessageBody>(MessageBodySchema);
const revive = createByteReviver(MessageBodySchema);

/**
 * @param file a path, or `-` for standard input
 * @throws CommandError `file.unreadable` when there is no JSON to look at
 */
export async function lintFile(file: string, targets: readonly LintTarget[]): Promise<LintResult> {
  const value = parse(await read(file), nameOf(file));
  const isOne = !Array.isArray(value);
  const given: readonly unknown[] = isOne ? [value] : value;
  const max = templateLimits.messagesPerSendMax;
  if (given.length < 1 || given.length > max) {
    const message = `The file has ${given.length} messages; a bot sends 1 to ${max} at once.`;
    return { messages: given.length, findings: [{ level: "error", path: "", message }] };
  }
  const errors: LintFinding[] = [];
  const messages = given.flatMap((one, index) => {
    const prefix = isOne ? "" : `/${index}`;
    const judged = judge(one, prefix);
    if ("level" in judged) errors.push(judged);
    return "level" in judged ? [] : [judged];
  });
  // Warnings about messages that are refused anyway would only be in the way, and their indexes would be wrong.
  if (errors.length > 0) return { messages: given.length, findings: errors };
  const warnings = targets.flatMap((target) => lintMessages(messages, target));
  const findings = warnings.map(({ target, path, message }): LintFinding => ({ level: "warning", target, path: own(path), message: own(message) }));
  return { messages: given.length, findings };

  /** The linter counts messages from /0 also when the file is one. */
  function own(text: string): string {
    return isOne ? text.slice("/0".length) : text;
  }
}

/** @throws CommandError `usage` for a name that is none */
export function readTargets(text: string): readonly LintTarget[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const unknown = names.find((name) => !isTarget(name));
  if (unknown !== undefined || names.length === 0) {
    const guess = unknown === undefined ? undefined : didYouMean(unknown, lintTargets);
    const what = unknown === undefined ? "--target names no platform" : `--target ${unknown} is not a platform that is known`;
    throw new CommandError("usage", what, guess === undefined ? `Choose from ${lintTargets.join(", ")}` : `Did you mean ${guess}?`);
  }
  return [...new Set(names.filter(isTarget))];
}

function isTarget(name: string): name is LintTarget {
  return lintTargets.some((target) => target === name);
}

function judge(value: unknown, prefix: string): MessageBody | LintFinding {
  try {
    const message = validator.check(revive === undefined ? value : revive(value));
    const fault = checkMessage(message);
    return fault === undefined ? message : { level: "error", path: prefix + fault.path, message: prefix + fault.message };
  } catch (error) {
    if (!(error instanceof SudaError)) throw error;
    const path = prefix + (error.path ?? "");
    if (error.path === undefined || error.path === "") return { level: "error", path, message: "A message is an object with a content." };
    return { level: "error", path, message: prefix + error.message };
  }
}

function nameOf(file: string): string {
  return file === "-" ? "Standard input" : file;
}

async function read(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of file === "-" ? process.stdin : createReadStream(file)) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).byteLength;
      if (size > maxBytes) throw new CommandError("file.unreadable", `${nameOf(file)} is over ${maxBytes} bytes`, "A message is at most 65,536 bytes of JSON");
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    const reasons: Readonly<Record<string, string>> = { ENOENT: "does not exist", EISDIR: "is a directory", EACCES: "may not be read by you" };
    throw new CommandError(
      "file.unreadable",
      `${file} ${reasons[code] ?? `cannot be read (${code})`}`,
      "Name a file with one message as JSON, or - for standard input",
      {
        cause: error,
      },
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new CommandError("file.unreadable", `${nameOf(file)} is not UTF-8`, "Save it as UTF-8", { cause });
  }
}

function parse(text: string, name: string): unknown {
  if (text.trim() === "") throw new CommandError("file.unreadable", `${name} is empty`, "Write a message into it, as docs/BOTS.md shows them");
  try {
    return parseJson(text, { maxBytes, maxKeys });
  } catch (error) {
    if (!(error instanceof SudaError)) throw error;
    const what: Readonly<Record<string, string>> = {
      "frame.too_deep": `is nested too deeply, or has over ${maxKeys} keys and elements`,
      "frame.forbidden_key": "has the key __proto__",
    };
    throw new CommandError("file.unreadable", `${name} ${what[error.code] ?? "is not JSON"}`, whereOf(text) ?? "docs/BOTS.md has a message of every type", {
      cause: error,
    });
  }
}

/** Where the JSON ends to be JSON, as Node says it. */
function whereOf(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch (error) {
    const at = /at position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    if (at === undefined) return "Look at its end: something is not closed";
    const before = text.slice(0, Number(at)).split("\n");
    return `Look at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  }
  return undefined;
}
