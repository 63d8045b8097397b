/** Records of the store as the wire shows them. */
import {
  concealMessage,
  eraseWords,
  saysSomething,
  type Conversation,
  type ConversationId,
  type InteractionCreated,
  type LogEvent,
  type Member,
  type MessageCreated,
  type User,
  type UserId,
} from "@suda/protocol";
import { countUnread } from "../store/log-entry.ts";
import type { Annotation, ConversationRecord, LogEntry, MemberRecord, UserRecord } from "../store/store.ts";
import { systemUser, type ChatContext } from "./context.ts";

/** `mutedUntil` of who does not want to be called again. */
export const mutedForEver: number = Number.MAX_SAFE_INTEGER;

/**
 * A log entry as an event: the same object live and in history, but that a message which was changed since is
 * shown as it is now. With what was given with a tap: not everybody may see it, see {@link viewEvents} and {@link fanOut}.
 * @param mine the receiving user's own reactions to it
 */
export function viewEvent(conversation: ConversationId, { seq, at, from, clientId, body, annotation }: LogEntry, mine: readonly string[] = []): LogEvent {
  const { type, ...rest } = body;
  const changes = annotation === undefined ? {} : viewAnnotation(annotation, mine);
  if (body.type === "message.created" && body.quickReplies !== undefined && annotation?.used?.some(({ action }) => isReply(body.quickReplies, action)) === true)
    delete (rest as { quickReplies?: unknown }).quickReplies;
  // The body's shape follows its type, which TypeScript cannot see through the spread.
  return { type, conversation, seq, at, from, ...(clientId === undefined ? {} : { clientId }), ...rest, ...changes } as LogEvent;
}

/** Quick replies are gone for all when one of them was tapped. */
function isReply(quickReplies: MessageCreated["quickReplies"] = [], id: string): boolean {
  return quickReplies.some(({ action }) => action.id === id);
}

/** As those see it who neither tapped nor wrote what was tapped. */
export function withoutValue(event: InteractionCreated): InteractionCreated {
  const { value: _value, ...rest } = event;
  return rest;
}

/** Who looks; a member's record is one. */
export interface Viewer {
  readonly user: UserId;
  /** How many messages of this conversation they deleted for themself; absent for none. */
  readonly hides?: number;
}

/** What was read of a log, as `viewer` sees it. */
export async function viewEvents(
  { store }: Pick<ChatContext, "store">,
  viewer: Viewer,
  conversation: ConversationId,
  entries: readonly LogEntry[],
): Promise<LogEvent[]> {
  const { user, hides = 0 } = viewer;
  const reacted = entries.filter(({ annotation }) => annotation?.reactions !== undefined).map(({ seq }) => seq);
  const mine = reacted.length === 0 ? undefined : await store.log.reactedBy(conversation, user, reacted);
  // Most members have none, and their pages cost no second read.
  const hidden = hides === 0 ? undefined : await store.conversations.hiddenBy(conversation, user, entries.flatMap(messageOf));
  return entries.map((entry) => {
    const event = privately(viewEvent(conversation, entry, mine?.get(entry.seq)), user);
    return hidden !== undefined && messageOf(entry).some((seq) => hidden.has(seq)) ? concealed(event) : event;
  });
}

/** What was given with a tap is for the two alone whom it concerns. */
function privately(event: LogEvent, viewer: UserId): LogEvent {
  return event.type !== "interaction.created" || event.from === viewer || event.to === viewer ? event : withoutValue(event);
}

/** The message whose words the entry holds. */
function messageOf({ seq, body }: LogEntry): readonly number[] {
  if (body.type === "message.created") return [seq];
  return body.type === "message.edited" || body.type === "interaction.created" ? [body.target] : [];
}

/** To who deleted the message for themself. */
function concealed(event: LogEvent): LogEvent {
  if (event.type === "message.edited") return { ...event, content: { type: "deleted" } };
  if (event.type === "interaction.created") return saysSomething(event.kind) ? eraseWords(event) : event;
  return event.type === "message.created" ? concealMessage(event) : event;
}

function viewAnnotation({ changed, edited, deleted, reactions, used }: Annotation, mine: readonly string[]): Partial<MessageCreated> {
  return {
    ...(edited === undefined ? {} : { content: edited.content, edited: { rev: edited.rev, at: edited.at } }),
    ...(deleted === undefined ? {} : { deleted: { by: deleted.by, at: deleted.at } }),
    ...(reactions === undefined ? {} : { reactions: reactions.map(({ emoji, count }) => ({ emoji, count, ...(mine.includes(emoji) ? { mine: true } : {}) })) }),
    ...(used === undefined ? {} : { used: used.map(({ action, seq }) => ({ action, seq })) }),
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

/** @param withReceipts in conversations in which receipts are told */
export function viewMember({ user, role, joinedAt, readSeq, deliveredSeq }: MemberRecord, withReceipts: boolean): Member {
  return { user, role, joinedAt, ...(withReceipts ? { read: readSeq, delivered: deliveredSeq } : {}) };
}

/**
 * A conversation as `member` sees it; as the backend sees it when there is no member.
 * @param known its last event as the member sees it, where that was read already
 */
export async function viewConversation(
  context: ChatContext,
  record: ConversationRecord,
  member: MemberRecord | undefined,
  known?: LogEvent,
): Promise<Conversation> {
  const { id, kind, epoch, createdAt, createdBy, title, avatar, data, memberCount, head, pins, between, floor, write, slowModeMs, retentionMs, control } =
    record;
  const isEmpty = head.seq === (floor?.seq ?? 0);
  const last = isEmpty ? undefined : known?.seq === head.seq ? known : await lastEvent(context, record, member);
  // In a conversation with oneself that is oneself.
  const other = member === undefined ? undefined : (between?.find((user) => user !== member.user) ?? between?.[0]);
  return {
    id,
    kind,
    epoch,
    createdAt,
    memberCount,
    head: head.seq,
    ...(floor === undefined ? {} : { from: floor.seq + 1 }),
    lastAt: head.at,
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(title === undefined ? {} : { title }),
    ...(avatar === undefined ? {} : { avatar }),
    ...(data === undefined ? {} : { data }),
    ...(other === undefined ? {} : { with: other }),
    ...(last === undefined ? {} : { last }),
    ...(pins === undefined ? {} : { pins: [...pins] }),
    ...(write === undefined ? {} : { write }),
    ...(slowModeMs === undefined ? {} : { slowModeMs }),
    ...(retentionMs === undefined ? {} : { retentionMs }),
    ...(control === undefined ? {} : { control }),
    ...(member === undefined ? {} : viewOwnSide(context, record, member)),
  };
}

async function lastEvent(context: ChatContext, { id, head }: ConversationRecord, member: MemberRecord | undefined): Promise<LogEvent | undefined> {
  const [last] = await viewEvents(context, member ?? { user: systemUser }, id, await context.store.log.readBefore(id, head.seq + 1, 1));
  return last;
}

/** What only this member sees: their marks and settings. */
function viewOwnSide({ clock }: ChatContext, record: ConversationRecord, member: MemberRecord): Partial<Conversation> {
  const { role, readSeq, mutedUntil, hiddenOrdinal, isMarkedUnread, isBlocking, hides = 0 } = member;
  const isMuted = mutedUntil !== undefined && mutedUntil > clock.now();
  return {
    role,
    read: Math.min(readSeq, record.head.seq),
    unread: countUnread(record, member),
    ...(isMuted ? { muted: true } : {}),
    ...(isMuted && mutedUntil < mutedForEver ? { mutedUntil } : {}),
    ...(hiddenOrdinal !== undefined && record.head.ordinal <= hiddenOrdinal ? { hidden: true } : {}),
    ...(isMarkedUnread === true ? { markedUnread: true } : {}),
    ...(isBlocking === true ? { blocked: true } : {}),
    ...(hides > 0 ? { hiddenMessages: hides } : {}),
  };
}

/** A conversation as the user sees it; `undefined` when there is none, or the user is no member (any more). */
export async function viewOwnConversation(context: ChatContext, user: UserId, id: ConversationId): Promise<Conversation | undefined> {
  const { conversation, member } = (await context.store.conversations.getWithMember(id, user)) ?? {};
  return conversation === undefined || member === undefined ? undefined : viewConversation(context, conversation, member);
}
