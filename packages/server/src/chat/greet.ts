/** The answer to `hello`: the newest conversations, and what a client that comes back has missed. */
import type { Conversation, ReplyOf, Resume } from "@suda/protocol";
import type { Actor, ChatContext } from "./context.ts";
import { listConversations } from "./list-conversations.ts";
import { resume } from "./resume.ts";
import { viewOwnConversation } from "./view.ts";

/** Conversations that changed while the client was away and are not on the first page; the rest is in the list. */
const maxChanged = 200;

export async function greet(context: ChatContext, actor: Actor, asked: Resume | undefined): Promise<ReplyOf<"hello">> {
  const page = await listConversations(context, actor, {});
  if (asked === undefined) return { user: actor.user, ...page };
  const { resumed, left, changed } = await resume(context, actor, asked);
  const shown = new Set(page.conversations.map(({ id }) => id));
  const others: Conversation[] = [];
  for (const id of changed.filter((id) => !shown.has(id)).slice(0, maxChanged)) {
    const view = await viewOwnConversation(context, actor.user, id);
    if (view !== undefined) others.push(view);
  }
  return { user: actor.user, ...page, conversations: [...page.conversations, ...others], resumed: [...resumed], left: [...left] };
}
