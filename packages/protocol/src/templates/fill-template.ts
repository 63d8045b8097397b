/**
 * A stored template and the values of its variables make messages, which are then checked like any send. Values fill
 * texts and numbers and are not looked into, so that what a user wrote can never become a button. Rule T11.
 */
import { SudaError } from "../errors.ts";
import { templateLimits } from "../limits.ts";
import { createValidator } from "../validator.ts";
import { checkMessage } from "./check-message.ts";
import { MessageBodySchema, type MessageBody } from "./envelope.ts";
import { fault, type MessageFault } from "./message-fault.ts";
import { filledOffset, piecesOf, type Piece } from "./placeholders.ts";
import { checkTemplate, type StoredTemplate, type TemplateLocale, type Variable } from "./stored-template.ts";
import { variableProblem } from "./variable-value.ts";

export interface TemplateValues {
  /** As the user's device names it: `ko`, `en-GB`… Absent: the template's fallback. */
  readonly locale?: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface FilledTemplate {
  /** In which language it was filled. */
  readonly locale: TemplateLocale;
  /** 1–5, to be sent together. */
  readonly messages: readonly MessageBody[];
}

type Value = string | number;

const validator = createValidator<MessageBody>(MessageBodySchema);

/**
 * @param template one that fits `StoredTemplateSchema`
 * @throws SudaError frame.invalid with the path: `/variables/…` of a value, `/locales/…` of the template, `/messages/…`
 * of what came out
 */
export function fillTemplate(template: StoredTemplate, { locale, variables = {} }: TemplateValues): FilledTemplate {
  refuse(checkTemplate(template));
  const values = valuesOf(template.variables ?? {}, variables);
  const used = localeOf(template, locale);
  const messages = (template.locales[used] ?? []).map((message, index) => {
    const filled = new Filling(values).fill(message, `/locales/${used}/${index}`);
    return checked(filled, `/messages/${index}`);
  });
  return { locale: used, messages };
}

function localeOf({ locales, fallback }: StoredTemplate, wanted: string | undefined): TemplateLocale {
  const [language] = (wanted ?? fallback).toLowerCase().split(/[-_]/, 1);
  return (language === "ko" || language === "en") && locales[language] !== undefined ? language : fallback;
}

function valuesOf(declared: Readonly<Record<string, Variable>>, given: Readonly<Record<string, unknown>>): ReadonlyMap<string, Value> {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(declared, name));
  if (unknown !== undefined) refuse(fault(`/variables/${pointerPart(unknown)}`, "is not a variable of this template; leave it out"));
  return new Map(
    Object.entries(declared).map(([name, variable]) => {
      const value = Object.hasOwn(given, name) && given[name] !== undefined ? given[name] : variable.default;
      if (value === undefined && variable.required === true) refuse(fault(`/variables/${name}`, "is missing; the template needs it"));
      if (value === undefined) return [name, ""];
      const problem = variableProblem(variable, value);
      if (problem !== undefined) refuse(fault(`/variables/${name}`, problem));
      return [name, value as Value];
    }),
  );
}

/** One message; what the values bring into it is bounded. */
class Filling {
  readonly #values: ReadonlyMap<string, Value>;
  #characters = 0;

  constructor(values: ReadonlyMap<string, Value>) {
    this.#values = values;
  }

  fill(node: unknown, path: string): unknown {
    if (typeof node === "string") return this.#text(node, path);
    if (Array.isArray(node)) return node.map((element, index) => this.fill(element, `${path}/${index}`));
    if (typeof node !== "object" || node === null) return node;
    const fields = node as Readonly<Record<string, unknown>>;
    const filled = Object.fromEntries(Object.entries(fields).map(([key, inner]) => [key, this.fill(inner, `${path}/${key}`)]));
    return { ...filled, ...this.#ranges(fields, filled, path) };
  }

  #text(text: string, path: string): Value {
    const pieces = piecesOf(text) ?? [];
    const [only] = pieces;
    // Alone it keeps its type: a price is a number.
    if (pieces.length === 1 && only !== undefined && "variable" in only) return this.#take(this.#values.get(only.variable) ?? "", path);
    return pieces.map((piece) => ("variable" in piece ? String(this.#take(this.#values.get(piece.variable) ?? "", path)) : piece.text)).join("");
  }

  #take(value: Value, path: string): Value {
    this.#characters += String(value).length;
    if (this.#characters > templateLimits.messageMaxBytes) refuse(fault(path, "makes the message too long; give its variables shorter values"));
    return value;
  }

  /** Parts of a text move when what stands before them becomes longer or shorter, and grow with what is in them. */
  #ranges(template: Readonly<Record<string, unknown>>, filled: Readonly<Record<string, unknown>>, path: string): object {
    const { type, text, entities } = template;
    if (type !== "text" || typeof text !== "string" || !Array.isArray(entities) || !text.includes("{{")) return {};
    const pieces = piecesOf(text) ?? [];
    const texts = pieces.map((piece) => ("variable" in piece ? String(this.#values.get(piece.variable) ?? "") : piece.text));
    const moved = (filled["entities"] as readonly unknown[]).map((range, index) => moveRange(range, pieces, texts, `${path}/entities/${index}`));
    return { entities: moved };
  }
}

function moveRange(range: unknown, pieces: readonly Piece[], texts: readonly string[], path: string): unknown {
  if (typeof range !== "object" || range === null) return range;
  const { offset, length } = range as { readonly offset?: unknown; readonly length?: unknown };
  if (typeof offset !== "number" || typeof length !== "number") return range;
  const start = filledOffset(pieces, texts, offset);
  const end = filledOffset(pieces, texts, offset + length);
  if (start === undefined || end === undefined)
    return refuse(fault(path, "begins or ends inside of a variable; take the whole {{variable}} in, or leave it out"));
  return { ...range, offset: start, length: end - start };
}

function checked(value: unknown, at: string): MessageBody {
  let message: MessageBody;
  try {
    message = validator.check(value);
  } catch (error) {
    if (!(error instanceof SudaError) || error.path === undefined || error.path === "") throw error;
    throw new SudaError(error.code, at + error.message, { path: at + error.path });
  }
  const found = checkMessage(message);
  if (found !== undefined) refuse({ path: at + found.path, message: at + found.message });
  return message;
}

function refuse(found: MessageFault): never;
function refuse(found: MessageFault | undefined): void;
function refuse(found: MessageFault | undefined): void {
  if (found !== undefined) throw new SudaError("frame.invalid", found.message, { path: found.path });
}

function pointerPart(key: string): string {
  return key.slice(0, 64).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1");
}
