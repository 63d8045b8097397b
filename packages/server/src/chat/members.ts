/**
 * Who belongs to a group: list, add, remove, roles, leave. Every change is an entry of the log, so that it
 * cannot be lost with the layer, and a removed member receives nothing after the entry that removed it (D12).
 */
import { limits, SudaError, type CommandOf, type ConversationId, type ReplyOf, type Role, type UserId } from "@suda/protocol";
import { memberPages } from "../store/read-whole.ts";
import type { LogEntry } from "../store/store.ts";
import { accessConversation, accessGroup } from "./access.ts";
import { appendMemberChange } from "./append.ts";
import type { Actor, ChatContext } from "./context.ts";
import { announceMembership, isSmall } from "./fan-out.ts";
import { viewMember } from "./view.ts";

type Written = ReplyOf<"member.add">;

export async function listMembers(
  context: ChatContext,
  actor: Actor,
  { conversation, after, limit = limits.pageDefault }: Omit<CommandOf<"member.list">, "type" | "ref">,
): Promise<ReplyOf<"member.list">> {
  const { conversation: record } = await accessConversation(context, actor, conversation);
  const page = await context.store.conversations.members(conversation, after, limit + 1);
  const members = page.slice(0, limit).map((member) => viewMember(member, isSmall(context, record)));
  const next = members.at(-1)?.user;
  const more = page.length > limit;
  return { members, more, ...(more && next !== undefined ? { next } : {}) };
}

/** @throws SudaError conversation.not_found, conversation.direct, member.forbidden, conversation.full */
export async function addMembers(context: ChatContext, actor: Actor, id: ConversationId, users: readonly UserId[]): Promise<Written> {
  const { store, clock } = context;
  let added: readonly UserId[] = [];
  const entry = await appendMemberChange(context, id, async () => {
    const { conversation } = await accessGroup(context, actor, id, ["owner", "admin"]);
    const known = await Promise.all(users.map((user) => store.conversations.member(id, user)));
    added = [...new Set(users.filter((_, index) => known[index] === undefined))];
    if (added.length === 0) return undefined;
    if (conversation.memberCount + added.length > context.limits.maxMembers)
      throw new SudaError("conversation.full", `A group has at most ${context.limits.maxMembers} members.`);
    await store.users.ensure(added, clock.now());
    return {
      membersSeq: conversation.membersSeq,
      draft: { from: actor.user, ...rolesOf(actor, ["owner", "admin"]), body: { type: "member.added", users: added } },
    };
  });
  if (entry !== undefined) await announceMembership(context, id, added);
  return written(context, id, entry);
}

/** @throws SudaError conversation.not_found, conversation.direct, member.forbidden, member.not_found, member.last_owner */
export async function removeMember(context: ChatContext, actor: Actor, id: ConversationId, user: UserId): Promise<Written> {
  const entry = await appendMemberChange(context, id, async () => {
    const { conversation, member } = await accessGroup(context, actor, id, actor.user === user ? ["owner", "admin", "member"] : ["owner", "admin"]);
    const target = await context.store.conversations.member(id, user);
    if (target === undefined) throw new SudaError("member.not_found");
    if (actor.user !== user && !actor.isBackend && target.role !== "member" && member?.role !== "owner")
      throw new SudaError("member.forbidden", "Only an owner removes an owner or an admin.");
    if (target.role === "owner" && !actor.isBackend) await checkAnotherOwner(context, id, user);
    return { membersSeq: conversation.membersSeq, draft: { from: actor.user, body: { type: "member.removed", user } } };
  });
  return written(context, id, entry);
}

/** @throws SudaError conversation.not_found, conversation.direct, member.last_owner */
export async function leave(context: ChatContext, actor: Actor, id: ConversationId): Promise<Written> {
  return removeMember(context, actor, id, actor.user);
}

/** @throws SudaError conversation.not_found, conversation.direct, member.forbidden, member.not_found, member.last_owner */
export async function setRole(context: ChatContext, actor: Actor, id: ConversationId, user: UserId, role: Role): Promise<Written> {
  const entry = await appendMemberChange(context, id, async () => {
    const { conversation } = await accessGroup(context, actor, id, ["owner"]);
    const target = await context.store.conversations.member(id, user);
    if (target === undefined) throw new SudaError("member.not_found");
    if (target.role === role) return undefined;
    if (target.role === "owner" && !actor.isBackend) await checkAnotherOwner(context, id, user);
    return { membersSeq: conversation.membersSeq, draft: { from: actor.user, ...rolesOf(actor, ["owner"]), body: { type: "member.updated", user, role } } };
  });
  return written(context, id, entry);
}

/** Checked again by the store at commit. */
function rolesOf(actor: Actor, roles: readonly Role[]): { roles?: readonly Role[] } {
  return actor.isBackend ? {} : { roles };
}

/** A group of several members does not lose its last owner; the last member of all may go. */
async function checkAnotherOwner({ store }: ChatContext, id: ConversationId, leaving: UserId): Promise<void> {
  let others = 0;
  for await (const page of memberPages(store.conversations, id))
    for (const { user, role } of page) {
      if (user === leaving) continue;
      if (role === "owner") return;
      others++;
    }
  if (others > 0) throw new SudaError("member.last_owner");
}

/** Of the new entry, or of the head when nothing had to be written. */
async function written({ store }: ChatContext, id: ConversationId, entry: LogEntry | undefined): Promise<Written> {
  if (entry !== undefined) return { seq: entry.seq, at: entry.at };
  const head = (await store.conversations.get(id))?.head;
  if (head === undefined) throw new SudaError("conversation.not_found");
  return { seq: head.seq, at: head.at };
}
