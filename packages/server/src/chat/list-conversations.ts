/**
 * My conversations by last activity. Sorted at reading, from the heads: keeping an index sorted by activity
 * would write one row per member and message (promise 7 forbids it).
 */
import { limits, SudaError, type Conversation, type ConversationId, type LogEvent, type ReplyOf } from "@suda/protocol";
import type { ConversationRecord, MemberRecord, Membership } from "../store/store.ts";
import { accessConversation } from "./access.ts";
import type { Actor, ChatContext } from "./context.ts";
import { viewConversation } from "./view.ts";

/** Where a user is and was a member, with the user's change counter, as read in one moment. */
export interface Joined {
  readonly memberships: readonly Membership[];
  /** Of the conversations that the user is a member of. */
  readonly ids: readonly ConversationId[];
  readonly change: number;
}

export async function joinedConversations({ store }: ChatContext, actor: Actor): Promise<Joined> {
  const { change, memberships } = await store.conversations.memberships(actor.user);
  return { memberships, ids: memberships.filter(({ state }) => state === "joined").map(({ conversation }) => conversation), change };
}

/** By last activity. */
export async function recordsOf(context: ChatContext, ids: readonly ConversationId[]): Promise<readonly ConversationRecord[]> {
  const records = [...(await context.store.conversations.getMany(ids))].sort(byActivity);
  for (const record of records) context.watch?.heads.learn(record);
  return records;
}

/** What was read already of some of the conversations of a page. */
export interface KnownOfPage {
  readonly members: ReadonlyMap<ConversationId, MemberRecord>;
  readonly last: ReadonlyMap<ConversationId, LogEvent>;
}

/** @param records of this page */
export async function viewPage(context: ChatContext, actor: Actor, records: readonly ConversationRecord[], known?: KnownOfPage): Promise<Conversation[]> {
  const conversations: Conversation[] = [];
  for (const record of records) {
    const member = known?.members.get(record.id) ?? (await context.store.conversations.member(record.id, actor.user));
    // Removed between the two reads.
    if (member !== undefined) conversations.push(await viewConversation(context, record, member, known?.last.get(record.id)));
  }
  return conversations;
}

/**
 * One page.
 * @param cursor of the page before; a conversation that became active between two pages is in the first page again
 * @throws SudaError frame.invalid for a cursor that is not one of ours
 */
export async function listConversations(
  context: ChatContext,
  actor: Actor,
  { cursor, limit = limits.pageDefault }: { readonly cursor?: string; readonly limit?: number },
): Promise<ReplyOf<"conversation.list"> & { readonly change: number }> {
  const { ids, change } = await joinedConversations(context, actor);
  const records = await recordsOf(context, ids);
  const start = cursor === undefined ? 0 : startAfter(records, cursor);
  const conversations = await viewPage(context, actor, records.slice(start, start + limit));
  return { conversations, ...placeOfNext(records, start + limit), change };
}

/** Whether there is a page that begins at `start`, and its cursor. */
export function placeOfNext(records: readonly ConversationRecord[], start: number): { readonly more: boolean; readonly next?: string } {
  const last = records[start - 1];
  return start < records.length && last !== undefined ? { more: true, next: `${last.head.at}_${last.id}` } : { more: false };
}

/** @throws SudaError conversation.not_found */
export async function getConversation(context: ChatContext, actor: Actor, id: ConversationId): Promise<ReplyOf<"conversation.get">> {
  const { conversation, member } = await accessConversation(context, actor, id);
  return { conversation: await viewConversation(context, conversation, member) };
}

function byActivity(a: ConversationRecord, b: ConversationRecord): number {
  return b.head.at - a.head.at || (a.id < b.id ? -1 : 1);
}

function startAfter(records: readonly ConversationRecord[], cursor: string): number {
  const parts = /^(\d{1,16})_(.+)$/.exec(cursor);
  if (parts === null) throw new SudaError("frame.invalid", "/cursor is not the `next` of a page.", { path: "/cursor" });
  const at = Number(parts[1]);
  const id = parts[2] ?? "";
  const index = records.findIndex((record) => record.head.at < at || (record.head.at === at && record.id > id));
  return index === -1 ? records.length : index;
}
