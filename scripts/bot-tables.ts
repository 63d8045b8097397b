/** The tables and examples of docs/BOTS.md: types, parts, actions and golden messages, from the schemas and the test kit. */
import {
  ActionSchema,
  AdjustmentSchema,
  AlbumSchema,
  AreaSchema,
  BaseSizeSchema,
  CardVideoSchema,
  CarouselHeaderSchema,
  CarouselImageSchema,
  contentSchemas,
  EntitySchema,
  FormFieldSchema,
  FormOptionSchema,
  ImageMenuSchema,
  ImageTitleSchema,
  ListItemSchema,
  ListMenuSchema,
  PartSchema,
  ProfileSchema,
  QuickReplySchema,
  ReceiptItemSchema,
  ReceiptSummarySchema,
  RowSchema,
  SenderSchema,
  SlashCommandSchema,
  stringifyFrame,
  TemplateChoiceSchema,
  templateLimits,
  ThumbnailSchema,
  type ContentType,
} from "@suda/protocol";
import { goldenMessage } from "@suda/testing";
import { describe, fieldTable, show, table, type SchemaNode } from "./schema-tables.ts";

/** What of other platforms a type takes in. A new type without a row does not compile. */
const covers: { readonly [T in ContentType]: readonly [line: string, kakao: string, messenger: string] } = {
  text: ["text", "simpleText", "text"],
  image: ["image", "simpleImage", "image attachment"],
  video: ["video", "", "video attachment"],
  audio: ["audio", "", "audio attachment"],
  file: ["file (from users only)", "", "file attachment"],
  location: ["location", "", ""],
  bytes: ["", "", ""],
  sticker: ["sticker", "", ""],
  card: ["buttons template", "textCard, basicCard", "button template, generic template"],
  confirm: ["confirm template", "", ""],
  commerce: ["", "commerceCard", "product template"],
  list: ["", "listCard", ""],
  details: ["", "itemCard", ""],
  receipt: ["", "", "receipt template"],
  carousel: ["carousel template, image carousel template", "carousel", "generic template with several elements"],
  imagemap: ["imagemap", "", ""],
  form: ["", "", ""],
  custom: ["", "", ""],
};

/** Parts with a heading of their own in docs/BOTS.md. */
const parts: readonly unknown[] = [
  SenderSchema,
  QuickReplySchema,
  AlbumSchema,
  ThumbnailSchema,
  CardVideoSchema,
  ProfileSchema,
  ListItemSchema,
  ImageTitleSchema,
  RowSchema,
  ReceiptItemSchema,
  ReceiptSummarySchema,
  AdjustmentSchema,
  CarouselHeaderSchema,
  CarouselImageSchema,
  BaseSizeSchema,
  AreaSchema,
  FormFieldSchema,
  FormOptionSchema,
  PartSchema,
  TemplateChoiceSchema,
];

export const botMakers: Readonly<Record<string, (argument: string) => string>> = {
  "bot-types": typesBlock,
  "bot-parts": () => parts.map((schema) => `#### ${titleOf(schema)}\n\n${fieldTable("field", schema as SchemaNode)}`).join("\n\n"),
  "bot-entities": () => table(["type", "fields"], variantRows(EntitySchema as SchemaNode, ["type"])),
  "bot-actions": actionsBlock,
  "bot-menu": () =>
    [ListMenuSchema, ImageMenuSchema, SlashCommandSchema]
      .map((schema) => `#### ${titleOf(schema)}\n\n${fieldTable("field", schema as SchemaNode)}`)
      .join("\n\n"),
  "bot-limits": () =>
    table(
      ["bound", ""],
      Object.entries(templateLimits).map(([name, value]) => [`\`${name}\``, show(value)]),
    ),
  "bot-example": exampleBlock,
};

function typesBlock(): string {
  const rows = (contentSchemas as readonly unknown[] as readonly SchemaNode[]).map((schema) => {
    const type = String(schema.properties?.["type"]?.const) as ContentType;
    return [`\`${type}\``, fieldsOf(schema, ["type"]), ...covers[type].map((names) => (names === "" ? "—" : names))];
  });
  return table(["type", "fields and limits", "LINE", "Kakao i", "Messenger"], rows);
}

function actionsBlock(): string {
  const kinds = (ActionSchema as SchemaNode).anyOf ?? [];
  const common = ["type", "id", "label", "style", "once"];
  const rows = variantRows(ActionSchema as SchemaNode, common);
  const [first] = kinds;
  const shared = {
    properties: Object.fromEntries(Object.entries(first?.properties ?? {}).filter(([name]) => common.includes(name))),
    required: first?.required ?? [],
  };
  return `${fieldTable("of every action", shared)}\n\n${table(["type", "fields and limits"], rows)}`;
}

function variantRows({ anyOf = [] }: SchemaNode, without: readonly string[]): string[][] {
  return anyOf.map((schema) => [`\`${String(schema.properties?.["type"]?.const)}\``, fieldsOf(schema, without) || "nothing more"]);
}

function fieldsOf(schema: SchemaNode, without: readonly string[]): string {
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => !without.includes(name))
    .map(([name, field]) => `\`${name}\`${schema.required?.includes(name) === true ? "" : "?"} ${describe(field)}`)
    .join("; ");
}

function titleOf(schema: unknown): string {
  return (schema as { readonly title: string }).title;
}

/** @param argument the type, and the language after a dot when it is not English: `card.ko` */
function exampleBlock(argument: string): string {
  const [type = "", locale = "en"] = argument.split(".");
  if (!Object.hasOwn(covers, type)) throw new Error(`There is no type ${type}.`);
  const message: unknown = JSON.parse(stringifyFrame(goldenMessage(type as ContentType, locale === "ko" ? "ko" : "en")));
  return `\`\`\`json\n${inLines(message, "")}\n\`\`\``;
}

/** JSON of which what is short stands in one line. */
function inLines(value: unknown, indent: string): string {
  const flat = JSON.stringify(value, undefined, 1).replaceAll(/\n\s*/g, " ");
  if (typeof value !== "object" || value === null || flat.length + indent.length <= 110) return flat;
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((element) => inner + inLines(element, inner))
    : Object.entries(value).map(([key, element]) => `${inner}${JSON.stringify(key)}: ${inLines(element, inner)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return `${open}\n${lines.join(",\n")}\n${indent}${close}`;
}
