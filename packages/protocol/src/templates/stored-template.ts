/**
 * Messages that are written once and sent often: with variables, in Korean, English or both. What is stored; filling
 * it is in `fill-template.ts`. Rule T11.
 */
import Type from "typebox";
import { isCustomData, type CustomData } from "../custom-data.ts";
import { templateLimits } from "../limits.ts";
import { Closed } from "../scalars.ts";
import { fault, type MessageFault } from "./message-fault.ts";
import { piecesOf, variableNamePattern } from "./placeholders.ts";
import { variableProblem } from "./variable-value.ts";

const variable = Closed(
  {
    type: Type.Union([
      Type.Literal("string"),
      Type.Literal("integer"),
      Type.Literal("number"),
      Type.Literal("url"),
      Type.Literal("date"),
      Type.Literal("time"),
      Type.Literal("datetime"),
      Type.Literal("timestamp"),
    ]),
    required: Type.Optional(Type.Boolean()),
    default: Type.Optional(Type.Union([Type.String({ maxLength: templateLimits.fieldTextMaxLength }), Type.Number()])),
    maxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: templateLimits.fieldTextMaxLength, description: "Of a string; 1,000 when absent" })),
  },
  { title: "Variable" },
);

/** What a template wants to be told. */
export interface Variable extends Type.Static<typeof variable> {}
export const VariableSchema = Type.Unsafe<Variable>(variable);

/** A message with placeholders: not one that could be sent, because a number may be `{{price}}`. */
const messages = Type.Optional(
  Type.Array(
    Type.Refine(
      Type.Unsafe<CustomData>({ type: "object", description: "A message with {{variables}}" }),
      (value) => isCustomData(value, templateLimits.messageMaxBytes),
      () => "must be a JSON object of at most 64 KiB, nested at most 16 deep",
    ),
    { minItems: 1, maxItems: templateLimits.messagesPerSendMax },
  ),
);

/** Of a stored template, but for its id. */
export const storedTemplateFields = {
  version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  fallback: Type.Union([Type.Literal("ko"), Type.Literal("en")], { description: "The language for those whose own is not there" }),
  variables: Type.Optional(
    Type.Record(Type.String({ pattern: variableNamePattern }), VariableSchema, { maxProperties: templateLimits.variablesMax, additionalProperties: false }),
  ),
  locales: Closed({ ko: messages, en: messages }),
} as const;

export const TemplateIdSchema = Type.String({ minLength: 1, maxLength: templateLimits.templateIdMaxLength, pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$" });

const storedTemplate = Closed({ id: TemplateIdSchema, ...storedTemplateFields }, { title: "StoredTemplate" });

export interface StoredTemplate extends Type.Static<typeof storedTemplate> {}
export const StoredTemplateSchema = Type.Unsafe<StoredTemplate>(storedTemplate);

export type TemplateLocale = StoredTemplate["fallback"];

/** Fields that say what a thing is: a variable there could turn one message into another. */
const fixedFields: ReadonlySet<string> = new Set(["type", "kind", "mode"]);

/** The first fault of a template that fits its schema: before it is stored, so that no send fails for it. */
export function checkTemplate({ fallback, variables = {}, locales }: StoredTemplate): MessageFault | undefined {
  if (locales[fallback] === undefined) return fault("/fallback", "names a language that the template does not have");
  for (const [name, { required, default: value, ...rest }] of Object.entries(variables)) {
    const path = `/variables/${name}`;
    if (rest.maxLength !== undefined && rest.type !== "string") return fault(`${path}/maxLength`, `does nothing for a ${rest.type}; only a string has one`);
    if (required === true && value !== undefined) return fault(`${path}/default`, "is never used, because the variable is required; leave one of them out");
    if (required !== true && value === undefined && rest.type !== "string")
      return fault(path, `needs a default, or to be required; there is no empty ${rest.type}`);
    const problem = value === undefined ? undefined : variableProblem(rest, value);
    if (problem !== undefined) return fault(`${path}/default`, problem);
  }
  for (const locale of ["ko", "en"] as const) {
    const found = checkTexts(locales[locale], `/locales/${locale}`, new Set(Object.keys(variables)));
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkTexts(value: unknown, path: string, names: ReadonlySet<string>): MessageFault | undefined {
  if (typeof value === "string") {
    const pieces = piecesOf(value);
    if (pieces === undefined) return fault(path, "has a {{ that is no variable; write {{name}}");
    const unknown = pieces.find((piece) => "variable" in piece && !names.has(piece.variable));
    return unknown === undefined ? undefined : fault(path, "names a variable that the template does not have; add it to /variables");
  }
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const innerPath = `${path}/${key.slice(0, 64).replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (key.includes("{{")) return fault(innerPath, "has a variable in a field's name; variables fill texts and numbers");
    if (fixedFields.has(key) && typeof inner === "string" && inner.includes("{{"))
      return fault(innerPath, "is a variable; what a thing is cannot be filled in, so write two templates");
    const found = checkTexts(inner, innerPath, names);
    if (found !== undefined) return found;
  }
  return undefined;
}
