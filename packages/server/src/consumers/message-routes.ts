/** Messages over HTTP: sending, what is done to them afterwards, and reading them. */
import { Closed, ConversationIdSchema, editFields, EmojiSchema, historyFields, sendFields, SeqSchema } from "@suda/protocol";
import { getHistory } from "../chat/history.ts";
import { deleteMessage, editMessage, pin, react } from "../chat/message-changes.ts";
import { sendMessage } from "../chat/send-message.ts";
import { inConversation, ofMessage, replyOf, route, type Route } from "./http-route.ts";

const reactionToMessage = Closed({ conversation: ConversationIdSchema, target: SeqSchema, emoji: EmojiSchema });

export const messageRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/v1/conversations/:conversation/messages",
    name: "sendMessage",
    summary: "Sends a message; answered when it is durable. Idempotent by `clientId`.",
    caller: "user",
    params: inConversation,
    body: Closed(sendFields),
    reply: replyOf("message.send"),
    run: async ({ context, actor, params, body }) => (await sendMessage(context, actor, { ...params, ...body })).committed,
  }),
  route({
    method: "PATCH",
    path: "/v1/conversations/:conversation/messages/:target",
    name: "editMessage",
    summary: "Gives a message of the user's another content of the same type. Idempotent by `clientId`.",
    caller: "user",
    params: ofMessage,
    body: Closed(editFields),
    reply: replyOf("message.edit"),
    run: ({ context, actor, params, body }) => editMessage(context, actor, { ...params, ...body }),
  }),
  route({
    method: "DELETE",
    path: "/v1/conversations/:conversation/messages/:target",
    name: "deleteMessage",
    summary: "Deletes a message for all and erases what it said",
    caller: "any",
    params: ofMessage,
    reply: replyOf("message.delete"),
    run: ({ context, actor, params }) => deleteMessage(context, actor, params),
  }),
  route({
    method: "PUT",
    path: "/v1/conversations/:conversation/messages/:target/reactions/:emoji",
    name: "addReaction",
    summary: "Adds the user's reaction; the emoji is percent-encoded UTF-8",
    caller: "user",
    params: reactionToMessage,
    reply: replyOf("reaction.add"),
    run: ({ context, actor, params }) => react(context, actor, params, "reaction.added"),
  }),
  route({
    method: "DELETE",
    path: "/v1/conversations/:conversation/messages/:target/reactions/:emoji",
    name: "removeReaction",
    summary: "Takes the user's reaction back",
    caller: "user",
    params: reactionToMessage,
    reply: replyOf("reaction.remove"),
    run: ({ context, actor, params }) => react(context, actor, params, "reaction.removed"),
  }),
  route({
    method: "PUT",
    path: "/v1/conversations/:conversation/pins/:target",
    name: "addPin",
    summary: "Pins a message for all",
    caller: "any",
    params: ofMessage,
    reply: replyOf("pin.add"),
    run: ({ context, actor, params }) => pin(context, actor, params, "pin.added"),
  }),
  route({
    method: "DELETE",
    path: "/v1/conversations/:conversation/pins/:target",
    name: "removePin",
    summary: "Unpins a message",
    caller: "any",
    params: ofMessage,
    reply: replyOf("pin.remove"),
    run: ({ context, actor, params }) => pin(context, actor, params, "pin.removed"),
  }),
  route({
    method: "GET",
    path: "/v1/conversations/:conversation/history",
    name: "getHistory",
    summary: "Events of the log after or before a seq, or the newest page",
    caller: "any",
    params: inConversation,
    query: Closed(historyFields),
    reply: replyOf("history.get"),
    run: ({ context, actor, params, query }) => getHistory(context, actor, { ...params, ...query }),
  }),
];
