/**
 * The blocks of documents that are made from the code and from result files:
 * `<!-- generated:NAME ARGUMENT -->` … `<!-- /generated -->`. `npm run docs` writes them; a test compares.
 */
import { fileURLToPath } from "node:url";
import {
  closeCodes,
  commands,
  errors,
  EventSchema,
  contentSchemas,
  ConversationSchema,
  isCommandType,
  limits,
  MemberSchema,
  needsAltText,
  UserSchema,
  type ContentType,
} from "@suda/protocol";
import { openApiDocument } from "@suda/server";
import { benchmarkFigures } from "./benchmark-figures.ts";
import { botMakers } from "./bot-tables.ts";
import { nodesTable, settingsTable, sizingTable, stormTable } from "./operations-tables.ts";
import { describe, fieldTable, show, table, type SchemaNode } from "./schema-tables.ts";

export const root: string = fileURLToPath(new URL("../", import.meta.url));

/** Documents that may hold generated blocks, as paths from the root. */
export const documents = ["README.md", "README.ko.md", "docs/PROTOCOL.md", "docs/BOTS.md", "docs/OPERATIONS.md"] as const;

const blockExpression = /(<!-- generated:([a-z-]+)(?: ([a-z.-]+))? -->\n)([\s\S]*?)(<!-- \/generated -->)/g;

/** The document with all its generated blocks as they should be. @throws Error for a block that nobody makes */
export function withGeneratedBlocks(document: string): string {
  return document.replaceAll(blockExpression, (_whole, open: string, name: string, argument: string | undefined, _old, close: string) => {
    const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
    if (make === undefined) throw new Error(`No generated block is called ${name}; there are ${Object.keys(makers).join(", ")}.`);
    return `${open}\n${make(argument ?? "")}\n\n${close}`;
  });
}

const makers: Readonly<Record<string, (argument: string) => string>> = {
  command: commandBlock,
  event: eventBlock,
  content: contentBlock,
  records: recordsBlock,
  limits: () =>
    table(
      ["bound", ""],
      Object.entries(limits).map(([name, value]) => [limitNames[name as keyof typeof limits], show(value)]),
    ),
  errors: () =>
    table(
      ["code", "status", "retryable", "means"],
      Object.entries(errors).map(([code, { status, retryable, means }]) => [`\`${code}\``, String(status), retryable ? "yes" : "no", means]),
    ),
  "close-codes": () =>
    table(
      ["code", "name", "connect again", "means"],
      Object.entries(closeCodes).map(([name, { code, resumable, means }]) => [String(code), `\`${name}\``, resumable ? "yes" : "no", means]),
    ),
  routes: routesBlock,
  ...botMakers,
  settings: () => settingsTable(root),
  sizing: sizingTable,
  nodes: nodesTable,
  storm: stormTable,
  benchmarks: (language) => benchmarkFigures(language === "ko" ? "ko" : "en"),
};

/** Names for people. A new limit without one does not compile. */
const limitNames: { readonly [Name in keyof typeof limits]: string } = {
  frameMaxBytes: "bytes of one WebSocket message from a client, and of an HTTP body",
  frameMaxDepth: "levels of nesting in a frame",
  frameMaxKeys: "keys and elements in a frame",
  batchMaxFrames: "commands in one array",
  userIdMaxLength: "characters of a user id",
  conversationIdMaxLength: "characters of a conversation id",
  clientIdMaxLength: "characters of a clientId",
  refMaxLength: "characters of a `ref`",
  textMaxLength: "code points of a text",
  entitiesMax: "entities in a text",
  urlMaxLength: "characters of a URL",
  captionMaxLength: "characters of a caption",
  altMaxLength: "characters of an image's `alt`",
  fileNameMaxLength: "characters of a file's name",
  mimeMaxLength: "characters of a media type",
  waveformMax: "values of a waveform",
  bytesMaxBytes: "bytes of `bytes` content",
  dataMaxBytes: "bytes of custom data, as JSON",
  dataMaxDepth: "levels of nesting in custom data",
  userNameMaxLength: "characters of a user's name",
  titleMaxLength: "characters of a title",
  membersPerCommandMax: "users in one `conversation.create` or `member.add`",
  watchedMax: "users whose presence a connection watches",
  cursorsMax: "cursors in one `hello`",
  resumePageMax: "events of one conversation in the answer to `hello`",
  emojiMaxLength: "characters of a reaction",
  reactionsMax: "different reactions to a message",
  editsMax: "edits of a message",
  pinsMax: "pins of a conversation",
  slowModeMinMs: "least milliseconds of slow mode",
  slowModeMaxMs: "most milliseconds of slow mode",
  retentionMinMs: "least milliseconds of retention",
  retentionMaxMs: "most milliseconds of retention",
  pageMax: "events, conversations or members in a page",
  pageDefault: "the same, when no `limit` is named",
  tokenMaxLength: "characters of a token",
};

function commandBlock(type: string): string {
  if (!isCommandType(type)) throw new Error(`There is no command ${type}.`);
  const { summary, fields, reply } = commands[type];
  const required = Object.entries(fields).flatMap(([name, field]) => ("~optional" in field ? [] : [name]));
  const parts = [summary, fieldTable("field", { properties: fields as SchemaNode["properties"] & {}, required }), fieldTable("reply", reply as SchemaNode)];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** Every event type with its schema. */
export function eventSchemas(): ReadonlyMap<string, SchemaNode> {
  const leaves = (schema: SchemaNode): readonly SchemaNode[] => schema.anyOf?.flatMap(leaves) ?? [schema];
  return new Map(leaves(EventSchema as SchemaNode).map((schema) => [String(schema.properties?.["type"]?.const), schema]));
}

function eventBlock(type: string): string {
  const schema = eventSchemas().get(type);
  if (schema === undefined) throw new Error(`There is no event ${type}.`);
  return fieldTable("field", schema);
}

function typeOf(schema: SchemaNode): ContentType {
  return String(schema.properties?.["type"]?.const) as ContentType;
}

/** What people send too; docs/BOTS.md has all. */
function contentBlock(): string {
  const variants = (contentSchemas as readonly unknown[] as readonly SchemaNode[]).filter((schema) => !needsAltText(typeOf(schema)));
  const rows = variants.map((variant) => [
    `\`${typeOf(variant)}\``,
    Object.entries(variant.properties ?? {})
      .filter(([name]) => name !== "type")
      .map(([name, field]) => `\`${name}\`${variant.required?.includes(name) === true ? "" : "?"} ${describe(field)}`)
      .join("; "),
  ]);
  return table(["type", "fields"], rows);
}

function recordsBlock(): string {
  const records = { User: UserSchema, Member: MemberSchema, Conversation: ConversationSchema };
  return Object.entries(records)
    .map(([name, schema]) => `### ${name}\n\n${fieldTable("field", schema as SchemaNode)}`)
    .join("\n\n");
}

function routesBlock(): string {
  const { paths } = openApiDocument() as { paths: Record<string, Record<string, { summary: string; parameters: { name: string; description?: string }[] }>> };
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { summary, parameters }]) => {
      const onBehalf = parameters.find(({ name }) => name === "Suda-User")?.description ?? "";
      const who = onBehalf.startsWith("Required") ? "user" : onBehalf.startsWith("This route wants an API key") ? "backend" : "any";
      return [`\`${method.toUpperCase()} ${path}\``, who, summary];
    }),
  );
  return table(["route", "who", ""], rows);
}
