/**
 * A member's own side of a conversation (D14): muted, hidden, marked as unread, messages deleted for oneself, the
 * other one of a direct conversation blocked. Nobody else is told or sees it; one's own devices are, at once or by
 * the `change` counter when they come back.
 */
import { SudaError, type CommandOf, type Conversation, type ConversationId, type ReplyOf, type UserId } from "@suda/protocol";
import { countUnread } from "../store/log-entry.ts";
import type { MemberPatch, MemberRecord } from "../store/store.ts";
import { accessMembership } from "./access.ts";
import type { Actor, ChatContext } from "./context.ts";
import { announceChanged, revokePresence, stopStreams } from "./fan-out.ts";
import { directConversationId, openDirect } from "./open-direct.ts";
import { gone } from "./refused.ts";
import { mutedForEver, viewOwnConversation } from "./view.ts";

/** @throws SudaError conversation.not_found, member.not_found, frame.invalid */
export async function mute(context: ChatContext, actor: Actor, id: ConversationId, until: number | undefined): Promise<ReplyOf<"conversation.mute">> {
  if (until !== undefined && until <= context.clock.now())
    throw new SudaError("frame.invalid", "/until is over already; name a time to come, or none to mute for good.", { path: "/until" });
  return change(context, actor, id, { mutedUntil: until ?? mutedForEver });
}

/** @throws SudaError conversation.not_found, member.not_found */
export async function unmute(context: ChatContext, actor: Actor, id: ConversationId): Promise<ReplyOf<"conversation.unmute">> {
  return change(context, actor, id, { mutedUntil: null });
}

/** Until the next message: by the count of messages there are now. @throws SudaError conversation.not_found, member.not_found */
export async function hide(context: ChatContext, actor: Actor, id: ConversationId): Promise<ReplyOf<"conversation.hide">> {
  await accessMembership(context, actor, id);
  const head = (await context.store.conversations.get(id))?.head;
  if (head === undefined) throw gone();
  return change(context, actor, id, { hiddenOrdinal: head.ordinal });
}

/** @throws SudaError conversation.not_found, member.not_found */
export async function show(context: ChatContext, actor: Actor, id: ConversationId): Promise<ReplyOf<"conversation.show">> {
  return change(context, actor, id, { hiddenOrdinal: null });
}

/** @throws SudaError conversation.not_found, member.not_found */
export async function markUnread(context: ChatContext, actor: Actor, id: ConversationId): Promise<ReplyOf<"receipt.unread">> {
  const member = await set(context, actor, id, { isMarkedUnread: true });
  const conversation = await context.store.conversations.get(id);
  if (conversation === undefined) throw gone();
  return { read: member.readSeq, unread: countUnread(conversation, member) };
}

/** Opens the direct conversation if there is none: the block is a setting of it. @throws SudaError frame.invalid */
export async function block(context: ChatContext, actor: Actor, user: UserId): Promise<ReplyOf<"user.block">> {
  checkOther(actor, user);
  const { id } = await openDirect(context, actor, user);
  const reply = await change(context, actor, id, { isBlocking: true });
  await revokePresence(context, actor.user, user);
  await stopStreams(context, id);
  return reply;
}

/** @throws SudaError conversation.not_found, frame.invalid */
export async function unblock(context: ChatContext, actor: Actor, user: UserId): Promise<ReplyOf<"user.unblock">> {
  checkOther(actor, user);
  const id = directConversationId(actor.user, user);
  if ((await context.store.conversations.get(id)) === undefined)
    throw new SudaError("conversation.not_found", "You have no conversation with this user, so there is no block to take back.");
  return change(context, actor, id, { isBlocking: null });
}

/** @throws SudaError conversation.not_found, member.not_found, message.not_found */
export async function hideMessage(
  context: ChatContext,
  actor: Actor,
  { conversation, target }: Omit<CommandOf<"message.hide">, "type" | "ref">,
): Promise<ReplyOf<"message.hide">> {
  await accessMembership(context, actor, conversation);
  const outcome = await context.store.conversations.hideMessage(conversation, actor.user, target);
  if (outcome === undefined) throw gone();
  if (outcome === "no_message") throw new SudaError("message.not_found");
  if (outcome === "hidden") await announceChanged(context, { user: actor.user, conversation, target });
  return {};
}

async function change(context: ChatContext, actor: Actor, id: ConversationId, patch: MemberPatch): Promise<{ conversation: Conversation }> {
  await set(context, actor, id, patch);
  const conversation = await viewOwnConversation(context, actor.user, id);
  if (conversation === undefined) throw gone();
  return { conversation };
}

async function set(context: ChatContext, actor: Actor, id: ConversationId, patch: MemberPatch): Promise<MemberRecord> {
  const before = await accessMembership(context, actor, id);
  const after = await context.store.conversations.updateMember(id, actor.user, patch);
  // Removed between the gate and the write.
  if (after === undefined) throw gone();
  const fields = Object.keys(patch) as (keyof MemberPatch)[];
  if (fields.some((field) => before[field] !== after[field])) await announceChanged(context, { user: actor.user, conversation: id });
  return after;
}

function checkOther(actor: Actor, user: UserId): void {
  if (user === actor.user) throw new SudaError("frame.invalid", "/user is yourself; only others can be blocked.", { path: "/user" });
}
