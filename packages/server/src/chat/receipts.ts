/** How far a member has read. Monotonic and never beyond the head (promise 9). */
import { SudaError, type ConversationId, type ReplyOf } from "@suda/protocol";
import { accessConversation } from "./access.ts";
import type { Actor, ChatContext } from "./context.ts";
import { fanOutEphemeral } from "./fan-out.ts";

/** @throws SudaError conversation.not_found */
export async function markRead(context: ChatContext, actor: Actor, id: ConversationId, seq: number): Promise<ReplyOf<"receipt.read">> {
  const before = await accessConversation(context, actor, id);
  const member = await context.store.conversations.advanceRead(id, actor.user, seq);
  const head = (await context.store.conversations.get(id))?.head;
  if (member === undefined || head === undefined) throw new SudaError(actor.isBackend ? "member.not_found" : "conversation.not_found");
  if (member.readSeq > (before.member?.readSeq ?? 0))
    await fanOutEphemeral(context, before.conversation, { type: "receipt.updated", conversation: id, user: actor.user, read: member.readSeq });
  return { read: member.readSeq, unread: Math.max(0, head.ordinal - member.readOrdinal) };
}
