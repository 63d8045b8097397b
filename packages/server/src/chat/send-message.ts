/**
 * ⑤ A message: checked, appended, acknowledged when durable. Rules D2 (ack after durable), D3 (the same
 * clientId is the same message for ever) and D4 (sends of one connection commit in the order they were sent).
 */
import { checkContent, checkMessage, SudaError, type CommandOf, type Content, type MessageFault, type ReplyOf, type Role } from "@suda/protocol";
import type { MessageCreatedBody } from "../store/store.ts";
import { accessMembership } from "./access.ts";
import { append } from "./append.ts";
import type { Actor, ChatContext } from "./context.ts";
import { gone, refusedError } from "./refused.ts";

export type SendCommand = Omit<CommandOf<"message.send">, "type" | "ref">;

/** The place in the log is taken when this exists; `committed` is the answer, once it is durable. */
export interface PendingSend {
  readonly committed: Promise<ReplyOf<"message.send">>;
}

const anyRole: readonly Role[] = ["owner", "admin", "member"];

/**
 * Resolves as soon as the store has taken the message in its order, so that a connection may start its next
 * send without waiting for the disk; `committed` resolves when it is durable and on its way to the members.
 * @throws SudaError conversation.not_found, frame.invalid; `committed` rejects with those, send.conflict,
 * send.slow, conversation.read_only, user.blocked, store.…
 */
export async function sendMessage(context: ChatContext, actor: Actor, command: SendCommand): Promise<PendingSend> {
  await accessMembership(context, actor, command.conversation);
  refuse(checkMessage(command));
  return { committed: commit(context, actor, command) };
}

async function commit(context: ChatContext, { user, isBackend, isBot }: Actor, command: SendCommand): Promise<ReplyOf<"message.send">> {
  const { conversation, clientId } = command;
  const startedAt = context.clock.monotonicMs();
  const outcome = await append(context, conversation, {
    from: user,
    clientId,
    roles: anyRole,
    // A bot's mark says what it has worked off, and what it says meanwhile does not move it (D16).
    ...(isBot ? { keepsReadMark: true } : {}),
    // The host's backend is not bound by what the members have agreed on (A7).
    ...(isBackend ? {} : { asMember: true }),
    body: bodyOf(command),
  });
  switch (outcome.outcome) {
    case "stored":
      context.metrics.sent(context.clock.monotonicMs() - startedAt);
      return { seq: outcome.entry.seq, at: outcome.entry.at };
    case "duplicate":
      context.metrics.duplicate();
      return { seq: outcome.seq, at: outcome.at, duplicate: true };
    case "conflict":
      throw new SudaError("send.conflict", `The clientId ${JSON.stringify(clientId)} was used for another message (seq ${outcome.seq}); use a new one.`);
    case "refused":
      throw refusedError(outcome, gone);
    case "rejected":
      throw new SudaError("frame.invalid", "/replyTo is not the seq of a message of this conversation.", { path: "/replyTo" });
    case "unchanged":
    case "moved":
    case "withheld":
      throw new Error(`An append of one draft without conditions came back as ${outcome.outcome}.`);
  }
}

function bodyOf({ content, altText, quickReplies, sender, silent, data, replyTo }: SendCommand): MessageCreatedBody {
  return {
    type: "message.created",
    content,
    ...(altText === undefined ? {} : { altText }),
    ...(quickReplies === undefined ? {} : { quickReplies }),
    ...(sender === undefined ? {} : { sender }),
    ...(silent === undefined ? {} : { silent }),
    ...(data === undefined ? {} : { data }),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}

/** What no schema can say of a content, for an edit. @throws SudaError frame.invalid */
export function checkEditedContent(content: Content): void {
  refuse(checkContent(content));
}

function refuse(fault: MessageFault | undefined): void {
  if (fault !== undefined) throw new SudaError("frame.invalid", fault.message, { path: fault.path });
}
