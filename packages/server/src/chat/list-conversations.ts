/**
 * My conversations by last activity. Sorted at reading, from the heads: keeping an index sorted by activity
 * would write one row per member and message (promise 7 forbids it).
 */
import { limits, SudaError, type ConversationId, type ReplyOf } from "@suda/protocol";
import type { ConversationRecord } from "../store/store.ts";
import { accessConversation } from "./access.ts";
import type { Actor, ChatContext } from "./context.ts";
import { viewConversation } from "./view.ts";

/** Ids of all conversations that the user is a member of, and the user's change counter. */
export async function joinedConversations({ store }: ChatContext, actor: Actor): Promise<{ readonly ids: readonly ConversationId[]; readonly change: number }> {
  const { change, memberships } = await store.conversations.memberships(actor.user);
  return { ids: memberships.filter(({ state }) => state === "joined").map(({ conversation }) => conversation), change };
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
  const records = [...(await context.store.conversations.getMany(ids))].sort(byActivity);
  for (const record of records) context.watch?.heads.learn(record);
  const start = cursor === undefined ? 0 : startAfter(records, cursor);
  const page = records.slice(start, start + limit);
  const conversations = [];
  for (const record of page) {
    const member = await context.store.conversations.member(record.id, actor.user);
    // Removed between the two reads.
    if (member !== undefined) conversations.push(await viewConversation(context, record, member));
  }
  const more = start + limit < records.length;
  const last = page.at(-1);
  return { conversations, more, ...(more && last !== undefined ? { next: `${last.head.at}_${last.id}` } : {}), change };
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
