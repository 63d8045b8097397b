/** Records of the store as the wire shows them. */
import type { Conversation, ConversationId, LogEvent, Member, MessageCreated, User, UserId } from "@suda/protocol";
import type { Annotation, ConversationRecord, LogEntry, MemberRecord, UserRecord } from "../store/store.ts";
import { systemUser, type ChatContext } from "./context.ts";

/**
 * A log entry as an event: the same object live and in history, but that a message which was changed since is
 * shown as it is now.
 * @param mine the receiving user's own reactions to it
 */
export function viewEvent(conversation: ConversationId, { seq, at, from, clientId, body, annotation }: LogEntry, mine: readonly string[] = []): LogEvent {
  const { type, ...rest } = body;
  const changes = annotation === undefined ? {} : viewAnnotation(annotation, mine);
  // The body's shape follows its type, which TypeScript cannot see through the spread.
  return { type, conversation, seq, at, from, ...(clientId === undefined ? {} : { clientId }), ...rest, ...changes } as LogEvent;
}

/** What was read of a log, as `viewer` sees it. */
export async function viewEvents({ store }: ChatContext, viewer: UserId, conversation: ConversationId, entries: readonly LogEntry[]): Promise<LogEvent[]> {
  const reacted = entries.filter(({ annotation }) => annotation?.reactions !== undefined).map(({ seq }) => seq);
  const mine = reacted.length === 0 ? undefined : await store.log.reactedBy(conversation, viewer, reacted);
  return entries.map((entry) => viewEvent(conversation, entry, mine?.get(entry.seq)));
}

function viewAnnotation({ changed, edited, deleted, reactions }: Annotation, mine: readonly string[]): Partial<MessageCreated> {
  return {
    ...(edited === undefined ? {} : { content: edited.content, edited: { rev: edited.rev, at: edited.at } }),
    ...(deleted === undefined ? {} : { deleted: { by: deleted.by, at: deleted.at } }),
    ...(reactions === undefined ? {} : { reactions: reactions.map(({ emoji, count }) => ({ emoji, count, ...(mine.includes(emoji) ? { mine: true } : {}) })) }),
    changed,
  };
}

export function viewUser({ id, name, avatar, bot, data }: UserRecord): User {
  return {
    id,
    ...(name === undefined ? {} : { name }),
    ...(avatar === undefined ? {} : { avatar }),
    ...(bot === undefined ? {} : { bot }),
    ...(data === undefined ? {} : { data }),
  };
}

export function viewMember({ user, role, joinedAt }: MemberRecord): Member {
  return { user, role, joinedAt };
}

/** A conversation as `member` sees it; as the backend sees it when there is no member. */
export async function viewConversation(context: ChatContext, record: ConversationRecord, member: MemberRecord | undefined): Promise<Conversation> {
  const { id, kind, epoch, createdAt, createdBy, title, avatar, data, memberCount, head, pins } = record;
  const { store } = context;
  const lastEntry = head.seq === 0 ? [] : await store.log.readBefore(id, head.seq + 1, 1);
  const [last] = await viewEvents(context, member?.user ?? systemUser, id, lastEntry);
  const other = kind === "direct" && member !== undefined ? await otherMember(store, id, member.user) : undefined;
  return {
    id,
    kind,
    epoch,
    createdAt,
    memberCount,
    head: head.seq,
    lastAt: head.at,
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(title === undefined ? {} : { title }),
    ...(avatar === undefined ? {} : { avatar }),
    ...(data === undefined ? {} : { data }),
    ...(other === undefined ? {} : { with: other }),
    ...(last === undefined ? {} : { last }),
    ...(pins === undefined ? {} : { pins: [...pins] }),
    // The member was read after the conversation and may have read on meanwhile.
    ...(member === undefined ? {} : { role: member.role, read: Math.min(member.readSeq, head.seq), unread: Math.max(0, head.ordinal - member.readOrdinal) }),
  };
}

/** A conversation as the user sees it; `undefined` when there is none, or the user is no member (any more). */
export async function viewOwnConversation(context: ChatContext, user: UserId, id: ConversationId): Promise<Conversation | undefined> {
  const { conversations } = context.store;
  const record = await conversations.get(id);
  const member = await conversations.member(id, user);
  return record === undefined || member === undefined ? undefined : viewConversation(context, record, member);
}

/** In a conversation with oneself that is oneself. */
async function otherMember(store: ChatContext["store"], id: ConversationId, user: UserId): Promise<UserId | undefined> {
  const members = await store.conversations.members(id, undefined, 2);
  return members.find((member) => member.user !== user)?.user ?? members[0]?.user;
}
