/** `suda lint`: a file with one message or a few, held against the server's own rules, then against other platforms. */
import { createReadStream } from "node:fs";
import {
  checkKindData,
  checkKindSchema,
  checkMessage,
  createByteReviver,
  createValidator,
  lintMessages,
  lintTargets,
  isCustomData,
  MessageBodySchema,
  parseJson,
  SudaError,
  templateLimits,
  type KindSchema,
  type LintTarget,
  type MessageBody,
  type MessageFault,
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

/** JSON Schemas by the names of their kinds, as `customKinds` of a server. */
export type KindSchemas = ReadonlyMap<string, KindSchema>;

/**
 * @param file a path, or `-` for standard input
 * @param kinds data of custom content is held against them, and other kinds are errors; without them it is not looked at
 * @throws CommandError `file.unreadable` when there is no JSON to look at
 */
export async function lintFile(file: string, targets: readonly LintTarget[], kinds?: KindSchemas): Promise<LintResult> {
  const value = parse(await read(file), nameOf(file), "Write a message into it, as docs/BOTS.md shows them");
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
    const judged = judge(one, prefix, kinds);
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

/** @throws CommandError `file.unreadable` when the file does not have kinds with schemas that can be checked */
export async function readKinds(file: string): Promise<KindSchemas> {
  const hint = 'Write an object of JSON Schemas into it: { "poll.v1": { "type": "object" } }';
  const value = parse(await read(file), nameOf(file), hint);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new CommandError("file.unreadable", `${nameOf(file)} has no kinds`, hint);
  return new Map(
    Object.entries(value).map(([kind, schema]): [string, KindSchema] => {
      const { kindSchemaMaxBytes: maxSchemaBytes, kindSchemaMaxDepth: maxDepth } = templateLimits;
      if (!isCustomData(schema, maxSchemaBytes, maxDepth))
        throw new CommandError(
          "file.unreadable",
          `${kind} is no JSON Schema`,
          `A schema is an object of at most ${maxSchemaBytes} bytes, nested at most ${maxDepth} deep`,
        );
      const found = checkKindSchema(schema);
      if (found !== undefined)
        throw new CommandError("file.unreadable", `${kind}: ${found.message.slice(0, -1)}`, "docs/BOTS.md has the keywords that are checked");
      return [kind, schema];
    }),
  );
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

function judge(value: unknown, prefix: string, kinds: KindSchemas | undefined): MessageBody | LintFinding {
  try {
    const message = validator.check(revive === undefined ? value : revive(value));
    const fault = checkMessage(message) ?? kindFault(message, kinds);
    return fault === undefined ? message : { level: "error", path: prefix + fault.path, message: prefix + fault.message };
  } catch (error) {
    if (!(error instanceof SudaError)) throw error;
    const path = prefix + (error.path ?? "");
    if (error.path === undefined || error.path === "") return { level: "error", path, message: "A message is an object with a content." };
    return { level: "error", path, message: prefix + error.message };
  }
}

function kindFault({ content }: MessageBody, kinds: KindSchemas | undefined): MessageFault | undefined {
  if (content.type !== "custom" || kinds === undefined) return undefined;
  const schema = kinds.get(content.kind);
  if (schema !== undefined) return checkKindData(schema, content.data);
  const path = "/content/kind";
  return { path, message: `${path} is not one of the kinds of --kinds; add its schema there, or correct it.` };
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

function parse(text: string, name: string, hint: string): unknown {
  if (text.trim() === "") throw new CommandError("file.unreadable", `${name} is empty`, hint);
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
