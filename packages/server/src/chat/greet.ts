/** The answer to `hello`: the newest conversations, and what a client that comes back has missed. */
import { limits, type Conversation, type ReplyOf, type Resume } from "@suda/protocol";
import type { Actor, ChatContext } from "./context.ts";
import { placeOfNext, recordsOf, viewPage, type Joined } from "./list-conversations.ts";
import { resume } from "./resume.ts";
import { viewOwnConversation } from "./view.ts";

/** Conversations that changed while the client was away and are not on the first page; the rest is in the list. */
const maxChanged = 200;

/** @param joined read after the connection joined its groups */
export async function greet(context: ChatContext, actor: Actor, joined: Joined, asked: Resume | undefined): Promise<ReplyOf<"hello">> {
  const records = await recordsOf(context, joined.ids);
  const first = records.slice(0, limits.pageDefault);
  const place = { ...placeOfNext(records, first.length), change: joined.change };
  if (asked === undefined) return { user: actor.user, conversations: await viewPage(context, actor, first), ...place };
  const { resumed, left, changed, known } = await resume(context, actor, asked, { joined, records });
  const conversations = await viewPage(context, actor, first, known);
  const shown = new Set(conversations.map(({ id }) => id));
  const others: Conversation[] = [];
  for (const id of changed.filter((id) => !shown.has(id)).slice(0, maxChanged)) {
    const view = await viewOwnConversation(context, actor.user, id);
    if (view !== undefined) others.push(view);
  }
  return { user: actor.user, ...place, conversations: [...conversations, ...others], resumed: [...resumed], left: [...left] };
}
