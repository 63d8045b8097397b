/**
 * How far a member has read, and how far their devices have received. Both are monotonic and never beyond the
 * head, and who has read has received (promise 9, rule D9).
 */
import { SudaError, type ConversationId, type ReplyOf } from "@suda/protocol";
import { countUnread } from "../store/log-entry.ts";
import type { MemberRecord } from "../store/store.ts";
import { accessConversation } from "./access.ts";
import type { Actor, ChatContext } from "./context.ts";
import { announceChanged, fanOutEphemeral, isSmall } from "./fan-out.ts";

/** @throws SudaError conversation.not_found, member.not_found */
export async function markRead(context: ChatContext, actor: Actor, id: ConversationId, seq: number): Promise<ReplyOf<"receipt.read">> {
  const { conversation: before, member: old } = await accessConversation(context, actor, id);
  const member = await context.store.conversations.advanceRead(id, actor.user, seq);
  const conversation = await context.store.conversations.get(id);
  if (member === undefined || conversation === undefined) throw notMember(actor);
  if (member.readSeq > (old?.readSeq ?? 0))
    await fanOutEphemeral(context, before, receiptOf(id, member), await context.watch?.memberships.stampOf(actor.user, id));
  if (old?.isMarkedUnread === true) await announceChanged(context, { user: actor.user, conversation: id });
  return { read: member.readSeq, unread: countUnread(conversation, member) };
}

/**
 * Kept in conversations in which receipts are told to all; in larger ones nothing is written, because a thousand
 * devices would write a thousand records for every message.
 * @throws SudaError conversation.not_found, member.not_found
 */
export async function markDelivered(context: ChatContext, actor: Actor, id: ConversationId, seq: number): Promise<ReplyOf<"receipt.delivered">> {
  const { conversation, member: old } = await accessConversation(context, actor, id);
  if (old === undefined) throw notMember(actor);
  if (!isSmall(context, conversation)) return { delivered: old.deliveredSeq };
  const member = await context.store.conversations.advanceDelivered(id, actor.user, seq);
  if (member === undefined) throw notMember(actor);
  if (member.deliveredSeq > old.deliveredSeq) await fanOutEphemeral(context, conversation, receiptOf(id, member));
  return { delivered: member.deliveredSeq };
}

function receiptOf(conversation: ConversationId, { user, readSeq, deliveredSeq }: MemberRecord) {
  return { type: "receipt.updated", conversation, user, read: readSeq, delivered: deliveredSeq } as const;
}

function notMember(actor: Actor): SudaError {
  return new SudaError(actor.isBackend ? "member.not_found" : "conversation.not_found");
}
