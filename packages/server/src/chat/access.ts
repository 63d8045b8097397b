/**
 * ④ The one gate: the only way to obtain a conversation on somebody's behalf. Whoever is no member is told
 * that it does not exist, so that ids cannot be probed (rule A1). A user's plain message obtains none: who sends it is judged
 * in ⑥ alone, with the same words.
 */
import { SudaError, type ConversationId, type Role } from "@suda/protocol";
import type { ConversationWithMember, MemberRecord } from "../store/store.ts";
import type { Actor, ChatContext } from "./context.ts";

/** The member is absent only when the host's backend acts as somebody who is no member. */
export type Access = ConversationWithMember;

/** @throws SudaError conversation.not_found */
export async function accessConversation({ store }: ChatContext, actor: Actor, id: ConversationId): Promise<Access> {
  const found = await store.conversations.getWithMember(id, actor.user);
  if (found === undefined || (found.member === undefined && !actor.isBackend)) throw new SudaError("conversation.not_found");
  return found;
}

/**
 * The actor's membership alone, for what needs no more of the conversation than that.
 * @throws SudaError conversation.not_found; member.not_found when the host's backend acts as somebody who is no member
 */
export async function accessMembership({ store }: ChatContext, actor: Actor, id: ConversationId): Promise<MemberRecord> {
  const member = await store.conversations.member(id, actor.user);
  if (member !== undefined) return member;
  if (actor.isBackend && (await store.conversations.get(id)) !== undefined) {
    throw new SudaError("member.not_found", "The user who is to write is no member of this conversation; add the user first.");
  }
  throw new SudaError("conversation.not_found");
}

/**
 * A conversation in which the actor, a bot, does what only bots do.
 * @throws SudaError conversation.not_found; member.not_found as {@link accessMembership}; bot.required
 */
export async function accessAsBot(context: ChatContext, actor: Actor, id: ConversationId): Promise<Access> {
  const access = await accessConversation(context, actor, id);
  if (access.member === undefined) throw new SudaError("member.not_found", "The bot is no member of this conversation; add it first.");
  if (!actor.isBot) throw new SudaError("bot.required", "Only bots do this; the host's backend makes a user one.");
  return access;
}

/**
 * A group that the actor may manage.
 * @param roles one of which a user must hold; the backend needs none
 * @throws SudaError conversation.not_found, conversation.direct, member.forbidden
 */
export async function accessGroup(context: ChatContext, actor: Actor, id: ConversationId, roles: readonly Role[]): Promise<Access> {
  const access = await accessConversation(context, actor, id);
  if (access.conversation.kind === "direct") throw new SudaError("conversation.direct");
  if (!actor.isBackend && (access.member === undefined || !roles.includes(access.member.role))) {
    throw new SudaError("member.forbidden", `This needs the role ${roles.join(" or ")} in this conversation.`);
  }
  return access;
}
