/** Streams over HTTP, for bots without a connection: with the bot's token, or an API key in the bot's name. */
import { abortFields, appendFields, ClientIdSchema, Closed, ConversationIdSchema, finishFields, startFields } from "@suda/protocol";
import { abortStream, appendToStream, finishStream, startStream } from "../../chat/streams/stream-commands.ts";
import { tellThinking } from "../../chat/streams/thinking.ts";
import { inConversation, replyOf, route, type Route } from "./http-route.ts";

const ofStream = Closed({ conversation: ConversationIdSchema, stream: ClientIdSchema });

export const streamRoutes: readonly Route[] = [
  route({
    method: "PUT",
    path: "/v1/conversations/:conversation/thinking",
    name: "startThinking",
    summary: "The bot works on an answer, for 30 s or until it writes",
    caller: "user",
    params: inConversation,
    reply: replyOf("thinking.start"),
    run: ({ context, actor, params }) => tellThinking(context, actor, params.conversation, "thinking.started"),
  }),
  route({
    method: "DELETE",
    path: "/v1/conversations/:conversation/thinking",
    name: "stopThinking",
    summary: "There will be no answer after all",
    caller: "user",
    params: inConversation,
    reply: replyOf("thinking.stop"),
    run: ({ context, actor, params }) => tellThinking(context, actor, params.conversation, "thinking.stopped"),
  }),
  route({
    method: "PUT",
    path: "/v1/conversations/:conversation/streams/:stream",
    name: "startStream",
    summary: "Begins an answer that grows on the members' screens; nothing happens if it is under way",
    caller: "user",
    params: ofStream,
    body: Closed(startFields),
    reply: replyOf("stream.start"),
    run: ({ context, actor, params, body }) => startStream(context, actor, { ...params, ...body }),
  }),
  route({
    method: "POST",
    path: "/v1/conversations/:conversation/streams/:stream/append",
    name: "appendToStream",
    summary: "Adds to its text; with `offset` a repetition does no harm",
    caller: "user",
    params: ofStream,
    body: Closed(appendFields),
    reply: replyOf("stream.append"),
    run: ({ context, actor, params, body }) => appendToStream(context, actor, { ...params, ...body }),
  }),
  route({
    method: "POST",
    path: "/v1/conversations/:conversation/streams/:stream/finish",
    name: "finishStream",
    summary: "Ends it with a message, whose clientId is the stream's id; answered when it is durable. Without `content` the message is the text so far.",
    caller: "user",
    params: ofStream,
    body: Closed(finishFields),
    reply: replyOf("stream.finish"),
    run: ({ context, actor, params, body }) => finishStream(context, actor, { ...params, ...body }),
  }),
  route({
    method: "DELETE",
    path: "/v1/conversations/:conversation/streams/:stream",
    name: "abortStream",
    summary: "Ends it without a message",
    caller: "user",
    params: ofStream,
    query: Closed(abortFields),
    reply: replyOf("stream.abort"),
    run: ({ context, actor, params, query }) => abortStream(context, actor, { ...params, ...query }),
  }),
];
