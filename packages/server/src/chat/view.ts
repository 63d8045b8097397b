/** Records of the store as the wire shows them. */
import type { Conversation, ConversationId, LogEvent, Member, User, UserId } from "@suda/protocol";
import type { ConversationRecord, LogEntry, MemberRecord, UserRecord } from "../store/store.ts";
import type { ChatContext } from "./context.ts";

/** A log entry as an event: the same object live and in history. */
export function viewEvent(conversation: ConversationId, { seq, at, from, clientId, body }: LogEntry): LogEvent {
  const { type, ...rest } = body;
  // The body's shape follows its type, which TypeScript cannot see through the spread.
  return { type, conversation, seq, at, from, ...(clientId === undefined ? {} : { clientId }), ...rest } as LogEvent;
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
export async function viewConversation({ store }: ChatContext, record: ConversationRecord, member: MemberRecord | undefined): Promise<Conversation> {
  const { id, kind, epoch, createdAt, createdBy, title, avatar, data, memberCount, head } = record;
  const [last] = head.seq === 0 ? [] : await store.log.readBefore(id, head.seq + 1, 1);
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
    ...(last === undefined ? {} : { last: viewEvent(id, last) }),
    // The member was read after the conversation and may have read on meanwhile.
    ...(member === undefined ? {} : { role: member.role, read: Math.min(member.readSeq, head.seq), unread: Math.max(0, head.ordinal - member.readOrdinal) }),
  };
}

/** In a conversation with oneself that is oneself. */
async function otherMember(store: ChatContext["store"], id: ConversationId, user: UserId): Promise<UserId | undefined> {
  const members = await store.conversations.members(id, undefined, 2);
  return members.find((member) => member.user !== user)?.user ?? members[0]?.user;
}
