/** A new group. A retry with the same clientId, or the same id from the host, finds the first one. */
import { hostConversationIdPattern, newGroupId, SudaError, type ClientId, type CommandOf, type Conversation, type ConversationId } from "@suda/protocol";
import type { ConversationRecord } from "../store/store.ts";
import { systemUser, type Actor, type ChatContext } from "./context.ts";
import { announceMembership } from "./fan-out.ts";
import { viewConversation } from "./view.ts";

export interface NewGroup extends Omit<CommandOf<"conversation.create">, "type" | "ref" | "clientId"> {
  readonly clientId?: ClientId;
  /** The host's own id; only for its backend. */
  readonly id?: ConversationId;
}

const hostIdExpression = new RegExp(hostConversationIdPattern);

/**
 * The creator becomes owner; the backend without a user creates one without owner.
 * @throws SudaError conversation.full, conversation.conflict, frame.invalid, auth.forbidden
 */
export async function createGroup(context: ChatContext, actor: Actor, group: NewGroup): Promise<Conversation> {
  const { store, clock, random, limits } = context;
  const { id, clientId, title, avatar, data, write, slowModeMs, retentionMs } = group;
  if (id !== undefined && !hostIdExpression.test(id))
    throw new SudaError("frame.invalid", "/id is 1–64 of A–Z a–z 0–9 _ - (no dot: ids with a dot are the server's own).", { path: "/id" });
  const isOwned = actor.user !== systemUser;
  const others = [...new Set(group.members)].filter((user) => user !== actor.user);
  const users = isOwned ? [actor.user, ...others] : others;
  if (users.length > limits.maxMembers) throw new SudaError("conversation.full", `A group has at most ${limits.maxMembers} members.`);
  const createdAt = clock.now();
  await store.users.ensure(users, createdAt);
  const { outcome, conversation } = await store.conversations.create({
    id: id ?? newGroupId(createdAt, random.bytes(10)),
    kind: "group",
    epoch: newEpoch(context),
    createdAt,
    ...(isOwned ? { createdBy: actor.user } : {}),
    ...(clientId === undefined ? {} : { key: { user: actor.user, clientId } }),
    ...(title === undefined ? {} : { title }),
    ...(avatar === undefined ? {} : { avatar }),
    ...(data === undefined ? {} : { data }),
    ...(write === undefined ? {} : { write }),
    ...(slowModeMs === undefined ? {} : { slowModeMs }),
    ...(retentionMs === undefined ? {} : { retentionMs }),
    members: users.map((user) => ({ user, role: user === actor.user ? "owner" : "member" })),
  });
  if (outcome === "created") await announceMembership(context, conversation.id, users);
  else await checkSameCreation(context, actor, conversation);
  return viewConversation(context, conversation, await store.conversations.member(conversation.id, actor.user));
}

/** Identity of a new log's numbering: 64 random bits, hex. */
export function newEpoch({ random }: ChatContext): string {
  return Buffer.from(random.bytes(8)).toString("hex");
}

/** An id that is found again is only answered to who created it; others learn nothing but that it is taken. */
async function checkSameCreation({ store }: ChatContext, actor: Actor, existing: ConversationRecord): Promise<void> {
  if (actor.isBackend) return;
  const member = await store.conversations.member(existing.id, actor.user);
  if (existing.createdBy !== actor.user || member === undefined) throw new SudaError("conversation.conflict");
}
