/** Pages of a conversation's log, in both directions, always ascending. */
import { limits, SudaError, type CommandOf, type ReplyOf } from "@suda/protocol";
import { accessConversation } from "./access.ts";
import type { Actor, ChatContext } from "./context.ts";
import { viewEvents } from "./view.ts";

/** Stored bytes of one page: with JSON's overhead still far below what a client should take at once. */
const pageMaxBytes = 524_288;

/** @throws SudaError conversation.not_found, frame.invalid */
export async function getHistory(
  context: ChatContext,
  actor: Actor,
  { conversation: id, after, before, limit = limits.pageDefault }: Omit<CommandOf<"history.get">, "type" | "ref">,
): Promise<ReplyOf<"history.get">> {
  if (after !== undefined && before !== undefined) throw new SudaError("frame.invalid", "/before: name after or before, not both.", { path: "/before" });
  context.metrics.historyRead(after === undefined ? "before" : "after");
  const { log } = context.store;
  const { conversation, member } = await accessConversation(context, actor, id);
  const {
    floor,
    head: { seq: head },
  } = conversation;
  const entries = after === undefined ? await log.readBefore(id, before ?? head + 1, limit, pageMaxBytes) : await log.readAfter(id, after, limit, pageMaxBytes);
  const first = entries[0]?.seq;
  const last = entries.at(-1)?.seq;
  const more = after === undefined ? first !== undefined && first > (floor?.seq ?? 0) + 1 : last !== undefined && last < head;
  const events = await viewEvents(context, member ?? actor, id, entries);
  return { events, head: Math.max(head, last ?? 0), ...(floor === undefined ? {} : { from: floor.seq + 1 }), more };
}
