/** Tables of docs/PROTOCOL.md from the schemas, so that no bound is typed twice. */
import {
  BotSendIdSchema,
  clientIdPattern,
  ContentSchema,
  conversationIdPattern,
  ConversationSchema,
  DataSchema,
  LogEventSchema,
  MemberSchema,
  RefSchema,
  RoleSchema,
  ShownContentSchema,
  UrlSchema,
  userIdPattern,
  UserSchema,
} from "@suda/protocol";

/** The parts of a JSON Schema that are shown. */
export interface SchemaNode {
  readonly type?: string;
  readonly const?: unknown;
  readonly pattern?: string;
  readonly title?: string;
  readonly description?: string;
  readonly contentEncoding?: string;
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
}

/** Schemas that the document describes by name. Compared as text, because an optional field is a copy of its schema. */
const named = new Map<string, string>(
  (
    [
      [ConversationSchema, "[conversation](#conversation)"],
      [UserSchema, "[user](#user)"],
      [MemberSchema, "[member](#member)"],
      [LogEventSchema, "[event of the log](#events)"],
      [ContentSchema, "[content](#content)"],
      [ShownContentSchema, '[content](#content), or `{"type":"deleted"}`'],
      [DataSchema, "data: JSON object, at most 4,096 bytes"],
      [UrlSchema, "URL, at most 2,000 characters"],
      [RoleSchema, '`"owner"`, `"admin"` or `"member"`'],
      [RefSchema, "ref"],
    ] as const
  ).map(([schema, name]) => [JSON.stringify(schema), name]),
);

const patterns = new Map<string, string>([
  [userIdPattern, "user id"],
  [conversationIdPattern, "conversation id"],
  [clientIdPattern, "clientId"],
  [(BotSendIdSchema as SchemaNode).pattern ?? "", "clientId of at most 62 characters"],
]);

/** Parts of bot messages, by the title of their schema. Links lead into docs/BOTS.md from wherever the table stands. */
const titled: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      "QuickReply Sender Album Thumbnail CardVideo Profile ListItem ImageTitle Row ReceiptItem ReceiptSummary Adjustment",
      "CarouselHeader CarouselImage BaseSize Area FormField FormOption Part TemplateChoice",
    ]
      .join(" ")
      .split(" ")
      .map((title) => [title, `[${title}](BOTS.md#${title.toLowerCase()})`]),
  ),
  Action: "[action](BOTS.md#actions)",
  MessageBody: "[message](BOTS.md#a-message)",
  Entity: "[entity](BOTS.md#entities)",
  CarouselItem: "card, commerce, list, details or [CarouselImage](BOTS.md#carouselimage)",
  Currency: "code of ISO 4217",
  Amount: "integer ≥ 0 in minor units",
  LocalTime: "`2026-03-01`, `09:30` or `2026-03-01T09:30`, by `mode`",
  PostbackData: "text of at most 1,000 characters, or JSON object of at most 4,096 bytes",
};

/** One row per field; empty text when there are none. */
export function fieldTable(head: string, schema: SchemaNode): string {
  const rows = Object.entries(schema.properties ?? {})
    .filter(([name]) => name !== "type" && name !== "ref")
    .map(([name, field]) => [`\`${name}\`${schema.required?.includes(name) === true ? "" : "?"}`, describe(field)]);
  return rows.length === 0 ? "" : table([head, ""], rows);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");
}

/** A schema in words. */
export function describe(schema: SchemaNode): string {
  const name = named.get(JSON.stringify(schema)) ?? (schema.title === undefined ? undefined : titled[schema.title]);
  if (name !== undefined) return name;
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.contentEncoding !== undefined) return schema.description ?? "bytes";
  if (schema.anyOf !== undefined) return schema.anyOf.map(describe).join(" or ");
  if (schema.items !== undefined) return `array of ${bounds("", schema.minItems, schema.maxItems)}${describe(schema.items)}${propertiesOf(schema.items)}`;
  const pattern = schema.pattern === undefined ? undefined : patterns.get(schema.pattern);
  if (pattern !== undefined) return pattern;
  const extra = schema.default === undefined ? "" : `; ${JSON.stringify(schema.default)} when absent`;
  switch (schema.type) {
    case "string":
      return `text${bounds(" of ", schema.minLength, schema.maxLength, "characters")}${schema.pattern === undefined ? "" : `, \`${schema.pattern}\``}${extra}`;
    case "integer":
    case "number":
      return `${schema.type}${range(schema.minimum, schema.maximum)}${extra}`;
    case "boolean":
      return "`true` or `false`";
    case "null":
      return "`null`";
    case "object":
      return schema.description ?? "object";
    case undefined:
    default:
      throw new Error(`There are no words for ${JSON.stringify(schema)}; teach them to scripts/schema-tables.ts.`);
  }
}

/** The fields of an object inside an array, when it has no name of its own. */
function propertiesOf(schema: SchemaNode): string {
  if (schema.properties === undefined || named.has(JSON.stringify(schema)) || Object.hasOwn(titled, schema.title ?? "")) return "";
  return ` (${Object.entries(schema.properties)
    .map(([name, field]) => `\`${name}\` ${describe(field)}`)
    .join(", ")})`;
}

function bounds(before: string, min: number | undefined, max: number | undefined, unit = ""): string {
  if (min === undefined && max === undefined) return "";
  const count =
    min === max ? show(min) : min === undefined ? `at most ${show(max)}` : max === undefined ? `at least ${show(min)}` : `${show(min)}–${show(max)}`;
  return `${before}${count} ${unit}`.trimEnd() + (unit === "" ? " " : "");
}

function range(min: number | undefined, max: number | undefined): string {
  const top = max === Number.MAX_SAFE_INTEGER ? undefined : max;
  if (min === undefined && top === undefined) return "";
  if (top === undefined) return ` ≥ ${show(min)}`;
  return min === undefined ? ` ≤ ${show(top)}` : ` ${show(min)}…${show(top)}`;
}

export function show(value: number | undefined): string {
  return (value ?? 0).toLocaleString("en-US");
}
