/**
 * The direct conversation of two users. Its id is derived from the two, so that two openings at once, on any
 * two nodes, cannot make two (DESIGN §6).
 */
import { createHash } from "node:crypto";
import type { Conversation, ConversationId, UserId } from "@suda/protocol";
import type { Actor, ChatContext } from "./context.ts";
import { announceMembership } from "./fan-out.ts";
import { newEpoch } from "./create-group.ts";
import { viewConversation } from "./view.ts";

/** `d.` and 128 bits of a hash of both ids: the same from either side, and telling nothing about them. */
export function directConversationId(one: UserId, other: UserId): ConversationId {
  // Ids hold no newline, so two different pairs cannot look alike.
  const pair = one < other ? `${one}\n${other}` : `${other}\n${one}`;
  return `d.${createHash("sha256").update(pair).digest("base64url").slice(0, 22)}` as ConversationId;
}

/** Idempotent. With oneself it is a place for notes. */
export async function openDirect(context: ChatContext, { user }: Actor, other: UserId): Promise<Conversation> {
  const { store, clock } = context;
  const id = directConversationId(user, other);
  const existing = await store.conversations.getWithMember(id, user);
  if (existing !== undefined) return viewConversation(context, existing.conversation, existing.member);
  const createdAt = clock.now();
  const users = user === other ? [user] : [user, other];
  await store.users.ensure(users, createdAt);
  const { outcome, conversation } = await store.conversations.create({
    id,
    kind: "direct",
    epoch: newEpoch(context),
    createdAt,
    createdBy: user,
    members: users.map((member) => ({ user: member, role: "member" })),
  });
  if (outcome === "created") await announceMembership(context, id, users);
  return viewConversation(context, conversation, await store.conversations.member(id, user));
}
