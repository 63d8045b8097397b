/**
 * /openapi.json and /asyncapi.json, made from the same tables that serve: routes and commands. Nothing in
 * them is written by hand twice.
 */
import {
  commands,
  commandSchema,
  ConversationSchema,
  DeadLetterSchema,
  DeletedContentSchema,
  ErrorFrameSchema,
  EventSchema,
  messageFields,
  replySchema,
  WebhookSchema,
  type CommandType,
} from "@suda/protocol";
import type { Route } from "./http-route.ts";
import { routes } from "./http-routes.ts";

type JsonObject = { [key: string]: unknown };

const info = { title: "Suda", version: "1", license: { name: "MIT", identifier: "MIT" } };

/** OpenAPI 3.1 of the HTTP API. */
export function openApiDocument(): JsonObject {
  const paths: { [path: string]: JsonObject } = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: { ...info, description: "The HTTP API for a host's backend (API key) and for users (token). The live side is at /v1/socket: see /asyncapi.json." },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "A user's JWT, or an API key. With an API key the header Suda-User names the user on whose behalf.",
        },
      },
      schemas: { Error: toJsonSchema(ErrorFrameSchema), ...partSchemas() },
    },
  };
}

const onBehalf: Readonly<Record<Route["caller"], string>> = {
  user: "Required with an API key: the user on whose behalf",
  any: "With an API key: the user on whose behalf",
  backend: "This route wants an API key. The user on whose behalf",
};

function operationOf(route: Route): JsonObject {
  const content = (schema: unknown): JsonObject => ({
    "application/json": { schema: toJsonSchema(schema) },
    "application/msgpack": { schema: toJsonSchema(schema) },
  });
  const required = (schema: unknown, name: string): boolean => ((schema as { readonly required?: readonly string[] }).required ?? []).includes(name);
  const parameters = [
    ...Object.entries(route.params.properties).map(([name, schema]) => ({ name, in: "path", required: true, schema: toJsonSchema(schema) })),
    ...Object.entries(route.query.properties).map(([name, schema]) => ({
      name,
      in: "query",
      required: required(route.query, name),
      schema: toJsonSchema(schema),
    })),
    {
      name: "Suda-User",
      in: "header",
      required: false,
      schema: { type: "string" },
      description: onBehalf[route.caller],
    },
  ];
  return {
    operationId: route.name,
    summary: route.summary,
    parameters,
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: content(route.body) } }),
    responses: {
      "200": { description: "Done", content: content(route.reply) },
      default: { description: "Refused; the code says why", content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } },
    },
  };
}

/** AsyncAPI 3.0 of the WebSocket. */
export function asyncApiDocument(): JsonObject {
  const messages: JsonObject = {};
  const message = (name: string, summary: string, payload: unknown): void => {
    messages[name] = { name, summary, payload: toJsonSchema(payload) };
  };
  const types = Object.keys(commands) as CommandType[];
  for (const type of types) {
    message(type, commands[type].summary, commandSchema(type));
    message(`${type}.reply`, `Answer to ${type}`, replySchema(type));
  }
  message("error", "A refusal, with the ref of what is refused", ErrorFrameSchema);
  for (const schema of leavesOf(EventSchema as unknown as SchemaNode)) {
    const type = String(schema.properties?.["type"]?.const);
    message(type, `Event ${type}`, schema);
  }
  const refs = (names: readonly string[]): JsonObject[] => names.map((name) => ({ $ref: `#/channels/socket/messages/${name}` }));
  const received = Object.keys(messages).filter((name) => !types.includes(name as CommandType));
  return {
    asyncapi: "3.0.0",
    info: {
      ...info,
      description:
        "Frames of /v1/socket: JSON text (subprotocol suda.v1.json) or MessagePack (suda.v1.msgpack). One WebSocket message is one frame or an array of frames.",
    },
    defaultContentType: "application/json",
    channels: {
      socket: { address: "/v1/socket", messages: Object.fromEntries(Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }])) },
    },
    operations: {
      command: { action: "receive", channel: { $ref: "#/channels/socket" }, messages: refs(types), summary: "What a client asks" },
      tell: { action: "send", channel: { $ref: "#/channels/socket" }, messages: refs(received), summary: "What the server answers and tells" },
    },
    components: { messages, schemas: partSchemas() },
  };
}

interface SchemaNode {
  readonly anyOf?: readonly SchemaNode[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

/** The variants of a union of unions. */
function leavesOf(schema: SchemaNode): readonly SchemaNode[] {
  return schema.anyOf?.flatMap(leavesOf) ?? [schema];
}

/**
 * Contents and conversations, and what they are made of, stand in the documents once and are referred to: a carousel alone
 * has a hundred actions in it, and a conversation every event as its last one. They are found by title, and by what they are: an optional field is a copy of its schema.
 */
const parts = new Map<string, { readonly text: string; readonly schema: unknown }>();

function collectParts(schema: unknown): void {
  if (typeof schema !== "object" || schema === null) return;
  const { title, anyOf, properties } = schema as { readonly title?: unknown; readonly anyOf?: unknown; readonly properties?: unknown };
  if (typeof title === "string" && (anyOf !== undefined || properties !== undefined)) {
    const text = JSON.stringify(schema);
    const known = parts.get(title);
    if (known !== undefined && known.text !== text) throw new Error(`Two schemas are called ${title}.`);
    if (known !== undefined) return;
    parts.set(title, { text, schema });
  }
  for (const inner of Object.values(schema)) collectParts(inner);
}

for (const schema of [...Object.values(messageFields), DeletedContentSchema, ConversationSchema, WebhookSchema, DeadLetterSchema]) collectParts(schema);

function partSchemas(): JsonObject {
  return Object.fromEntries([...parts].map(([title, { schema }]) => [title, toJsonSchema(schema, title)]));
}

/** Plain JSON Schema: bytes are base64 strings there. @param within the part whose own schema this is */
function toJsonSchema(schema: unknown, within?: string): unknown {
  if (Array.isArray(schema)) return schema.map((element) => toJsonSchema(element));
  if (typeof schema !== "object" || schema === null) return schema;
  const { title } = schema as { readonly title?: unknown };
  if (typeof title === "string" && title !== within && parts.get(title)?.text === JSON.stringify(schema)) return { $ref: `#/components/schemas/${title}` };
  const plain = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, toJsonSchema(value)]));
  return "contentEncoding" in plain ? { type: "string", ...plain } : plain;
}
