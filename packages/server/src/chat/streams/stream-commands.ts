/**
 * A bot's answer while it grows: start, append, finish or abort, and what others see of it. The text so far is in
 * {@link Streams}, in memory; what it ends in is a message like any other, sent by the same function (T45–T53).
 */
import { SudaError, type ClientId, type CommandOf, type Content, type ConversationId, type ReplyOf } from "@suda/protocol";
import { accessAsBot, accessMembership } from "../access.ts";
import type { Draft } from "../../store/store.ts";
import type { Actor, ChatContext } from "../context.ts";
import { sendMessage } from "../send-message.ts";
import type { StreamKey } from "./stream-calls.ts";
import { checkMaySpeak, checkMayWrite } from "../typing.ts";

type Fields<T extends "stream.start" | "stream.append" | "stream.finish" | "stream.abort"> = Omit<CommandOf<T>, "type" | "ref">;

/** @throws SudaError those of {@link accessAsBot}, conversation.read_only, user.blocked, control.lost, stream.full, server.busy, server.draining */
export async function startStream(context: ChatContext, actor: Actor, command: Fields<"stream.start">): Promise<ReplyOf<"stream.start">> {
  const access = await accessAsBot(context, actor, command.conversation);
  if (!actor.isBackend) await checkMayWrite(context, access);
  checkMaySpeak(actor, access);
  const { memberCount } = access.conversation;
  await context.streams.start({ ...keyOf(actor, command), replyTo: command.replyTo, memberCount, isConnected: actor.channel !== undefined });
  return {};
}

/** @throws SudaError those of {@link accessAsBot}, stream.not_found, stream.gap, stream.conflict, stream.full, server.busy */
export async function appendToStream(context: ChatContext, actor: Actor, command: Fields<"stream.append">): Promise<ReplyOf<"stream.append">> {
  checkMaySpeak(actor, await accessAsBot(context, actor, command.conversation));
  return { length: await context.streams.append(keyOf(actor, command), command, actor.channel !== undefined) };
}

/**
 * With `content` it is a send and needs no stream. Without it, it is the text so far, which answers what `replyTo` of the start
 * named. Either can be repeated: the message is found by the stream's id.
 * @throws SudaError those of {@link accessAsBot} and of a send, stream.not_found
 */
export async function finishStream(context: ChatContext, actor: Actor, command: Fields<"stream.finish">): Promise<ReplyOf<"stream.finish">> {
  await accessAsBot(context, actor, command.conversation);
  const key = keyOf(actor, command);
  const { stream, content, ...message } = command;
  if (content !== undefined) return send(context, actor, key, { ...message, content, clientId: stream });
  const here = context.streams.lookHere(key);
  const before = here === undefined ? await findFinished(context, key) : undefined;
  if (before !== undefined) return { ...before, duplicate: true };
  const { text, replyTo } = here ?? (await context.streams.lookElsewhere(key));
  if (text === "") throw new SudaError("frame.invalid", "The stream has no text yet; name a content, or abort it.", { path: "/content" });
  return send(context, actor, key, {
    ...(replyTo === undefined ? {} : { replyTo }),
    ...message,
    content: { type: "text", text },
    clientId: stream,
  });
}

/** @throws SudaError those of {@link accessAsBot} */
export async function abortStream(context: ChatContext, actor: Actor, command: Fields<"stream.abort">): Promise<ReplyOf<"stream.abort">> {
  await accessAsBot(context, actor, command.conversation);
  await context.streams.abort(keyOf(actor, command), command.reason);
  return {};
}

/** What other nodes have comes to the connection as events. @throws SudaError conversation.not_found */
export async function getStreams(context: ChatContext, actor: Actor, conversation: ConversationId): Promise<ReplyOf<"stream.get">> {
  await accessMembership(context, actor, conversation);
  return { drafts: await context.streams.show(conversation, actor.channel) };
}

async function send(
  context: ChatContext,
  actor: Actor,
  key: StreamKey,
  message: Omit<Fields<"stream.finish">, "stream" | "content"> & { readonly content: Content; readonly clientId: ClientId },
): Promise<ReplyOf<"stream.finish">> {
  const { committed } = await sendMessage(context, actor, message);
  const { seq, at, ...rest } = await committed;
  context.streams.finish(key, seq);
  return { seq, at, ...rest };
}

/** The message that a stream ended in. Whatever it says: this question has another text, which the store compares and does not take. */
async function findFinished({ store, metrics }: ChatContext, { conversation, from, stream }: StreamKey): Promise<{ seq: number; at: number } | undefined> {
  const question: Draft = { from, clientId: stream, body: { type: "message.created", content: { type: "text", text: "?" } } };
  const [outcome] = await store.log.append(conversation, [question], { onlyKnown: true });
  if (outcome?.outcome !== "duplicate" && outcome?.outcome !== "conflict") return undefined;
  const [entry] = await store.log.readAfter(conversation, outcome.seq - 1, 1);
  // An edit has a clientId too; and what retention took is there no more.
  if (entry?.seq !== outcome.seq || entry.body.type !== "message.created") return undefined;
  metrics.duplicate();
  return { seq: entry.seq, at: entry.at };
}

function keyOf({ user }: Actor, { conversation, stream }: { readonly conversation: ConversationId; readonly stream: ClientId }): StreamKey {
  return { conversation, from: user, stream };
}
