/** The answer to `hello`: the newest conversations, and what a client that comes back has missed. */
import type { Conversation, ConversationId, ReplyOf, Resume } from "@suda/protocol";
import type { Actor, ChatContext } from "./context.ts";
import { listConversations } from "./list-conversations.ts";
import { resume } from "./resume.ts";
import { viewConversation } from "./view.ts";

/** Conversations that changed while the client was away and are not on the first page; the rest is in the list. */
const maxChanged = 200;

export async function greet(context: ChatContext, actor: Actor, asked: Resume | undefined): Promise<ReplyOf<"hello">> {
  const page = await listConversations(context, actor, {});
  if (asked === undefined) return { user: actor.user, ...page };
  const { resumed, left, changed } = await resume(context, actor, asked);
  const shown = new Set(page.conversations.map(({ id }) => id));
  const others = await viewAll(context, actor, changed.filter((id) => !shown.has(id)).slice(0, maxChanged));
  return { user: actor.user, ...page, conversations: [...page.conversations, ...others], resumed: [...resumed], left: [...left] };
}

async function viewAll(context: ChatContext, { user }: Actor, ids: readonly ConversationId[]): Promise<Conversation[]> {
  const { conversations } = context.store;
  const views: Conversation[] = [];
  for (const id of ids) {
    const record = await conversations.get(id);
    const member = await conversations.member(id, user);
    if (record !== undefined && member !== undefined) views.push(await viewConversation(context, record, member));
  }
  return views;
}
