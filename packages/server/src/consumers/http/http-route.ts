/**
 * What a route of the HTTP API is: path, schemas and the function of the domain. `http-routes.ts` has the table.
 */
import { Closed, commands, ConversationIdSchema, SeqSchema, type CommandType } from "@suda/protocol";
import type Type from "typebox";
import type { Actor, ChatContext } from "../../chat/context.ts";

type Fields = Type.TObject;

/** What a route's function is given; every part is validated. */
export interface RouteCall<Params extends Fields, Query extends Fields, Body extends Fields> {
  readonly context: ChatContext;
  readonly actor: Actor;
  readonly params: Type.Static<Params>;
  readonly query: Type.Static<Query>;
  readonly body: Type.Static<Body>;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With `:name` for parameters, as Hono writes them. */
  readonly path: string;
  /** Unique; operationId of the OpenAPI document. */
  readonly name: string;
  readonly summary: string;
  /** `user`: a user's token, or an API key with `Suda-User`. `any`: also an API key alone. `backend`: only an API key. */
  readonly caller: "user" | "any" | "backend";
  readonly params: Fields;
  readonly query: Fields;
  /** Absent for methods without a body. */
  readonly body: Fields | undefined;
  readonly reply: Fields;
  readonly run: (call: RouteCall<Fields, Fields, Fields>) => Promise<object>;
}

const none: Type.TObject = Closed({});
type None = typeof none;

export function route<Params extends Fields = None, Query extends Fields = None, Body extends Fields = None>(row: {
  readonly method: Route["method"];
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly caller: Route["caller"];
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly reply: Fields;
  readonly run: (call: RouteCall<Params, Query, Body>) => Promise<object>;
}): Route {
  // The router validates with the row's own schemas before it calls the row's own function.
  return { params: none, query: none, body: undefined, ...row };
}

export function replyOf(type: CommandType): Fields {
  return commands[type].reply;
}

/** Parameters of routes about a conversation, and about one of its messages. */
export const inConversation: Type.TObject<{ conversation: typeof ConversationIdSchema }> = Closed({ conversation: ConversationIdSchema });
export const ofMessage: Type.TObject<{ conversation: typeof ConversationIdSchema; target: typeof SeqSchema }> = Closed({
  conversation: ConversationIdSchema,
  target: SeqSchema,
});

export function without<Properties extends Type.TProperties, Key extends keyof Properties>(properties: Properties, key: Key): Omit<Properties, Key> {
  const { [key]: _left, ...rest } = properties;
  return rest;
}
