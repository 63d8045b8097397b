/** Who is in charge of a conversation with a bot, and the inbox of the humans who take over. */
import { Closed, ConversationSchema, handoffFields, LimitSchema, QueueSchema, takeFields, UserIdSchema } from "@suda/protocol";
import Type from "typebox";
import { handOff, returnControl, takeControl } from "../../chat/control.ts";
import { readInbox } from "../../chat/inbox.ts";
import { inConversation, replyOf, route, type Route } from "./http-route.ts";

const cursor = Type.String({ minLength: 1, maxLength: 128 });

export const controlRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/v1/conversations/:conversation/control/handoff",
    name: "handOff",
    summary: "Asks for a human, in `queue`; the bot is silent from now on",
    caller: "any",
    params: inConversation,
    body: Closed(handoffFields),
    reply: replyOf("control.handoff"),
    run: ({ context, actor, params, body }) => handOff(context, actor, { ...params, ...body }),
  }),
  route({
    method: "POST",
    path: "/v1/conversations/:conversation/control/take",
    name: "takeControl",
    summary: "Puts the user in charge instead of the bot; with an API key anybody, who becomes a member of a group with it",
    caller: "user",
    params: inConversation,
    body: Closed(takeFields),
    reply: replyOf("control.take"),
    run: ({ context, actor, params, body }) => takeControl(context, actor, { ...params, ...body }),
  }),
  route({
    method: "POST",
    path: "/v1/conversations/:conversation/control/return",
    name: "returnControl",
    summary: "Puts the bot in charge again. With an API key and `Suda-User`, only if that user is; with an API key alone in any case",
    caller: "any",
    params: inConversation,
    body: Closed({}),
    reply: replyOf("control.return"),
    run: ({ context, actor, params }) => returnControl(context, actor, params),
  }),
  route({
    method: "GET",
    path: "/v1/inbox",
    name: "readInbox",
    summary:
      "Conversations that wait for a human, or that one is in charge of (`state=held`), longest first; of one `queue`, of one `agent`. A page looks at 1,000 at most, so that one with `more` may be short.",
    caller: "backend",
    query: Closed({
      state: Type.Optional(Type.Union([Type.Literal("waiting"), Type.Literal("held")])),
      agent: Type.Optional(UserIdSchema),
      queue: Type.Optional(QueueSchema),
      cursor: Type.Optional(cursor),
      limit: Type.Optional(LimitSchema),
    }),
    reply: Closed({
      items: Type.Array(
        Closed({
          conversation: ConversationSchema,
          between: Type.Optional(Type.Array(UserIdSchema, { description: "The two of a direct conversation" })),
        }),
      ),
      more: Type.Boolean(),
      next: Type.Optional(cursor),
    }),
    run: ({ context, query }) => readInbox(context, query),
  }),
];
