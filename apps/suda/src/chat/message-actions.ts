/** What a person does about a message: `/edit`, `/delete`, `/react`, `/reply`, `/pin` (and `/press`), to the newest that fits or one before it. */
import type { StoredMessage } from "@suda/client";
import { limits } from "@suda/protocol";
import { buttonsOf } from "./buttons.ts";
import type { ConversationView } from "./conversation-view.ts";
import { ChatRefusal } from "./refusal.ts";
import type { ChatSession } from "./session.ts";

/** One message of a conversation: of those that fit, the `nth` from the end (1: the newest). */
export interface Choice {
  readonly session: ChatSession;
  readonly view: ConversationView;
  readonly nth: number;
}

/** `^2 text`: the message before the newest, and the text. */
export function readChoice(rest: string): { readonly nth: number; readonly rest: string } {
  const [, nth, after = ""] = /^\^(\d{1,4})(?:\s+|$)([\s\S]*)$/.exec(rest) ?? [];
  return nth === undefined ? { nth: 1, rest } : { nth: Number(nth), rest: after };
}

/** Another text for one of one's own messages. */
export async function editMessage({ session, view, nth }: Choice, text: string): Promise<void> {
  const length = Array.from(text).length;
  if (length > limits.textMaxLength) throw new ChatRefusal(session.messages.tooLong(length, limits.textMaxLength));
  const { seq } = await choose({ session, view, nth }, "mine");
  const edit = await session.client.request("message.edit", { conversation: view.room.id, target: seq, content: { type: "text", text } });
  await session.told(view, edit.seq);
}

/** One of one's own, for all. */
export async function deleteMessage(choice: Choice): Promise<void> {
  const { session, view } = choice;
  const { seq } = await choose(choice, "mine");
  const deletion = await session.client.request("message.delete", { conversation: view.room.id, target: seq });
  await session.told(view, deletion.seq);
}

/** A second time takes it back. */
export async function react(choice: Choice, emoji: string): Promise<void> {
  const { session, view } = choice;
  const { seq, reactions = [] } = await choose(choice, "any");
  const isMine = reactions.some((reaction) => reaction.emoji === emoji && reaction.mine === true);
  const reaction = await session.client.request(isMine ? "reaction.remove" : "reaction.add", { conversation: view.room.id, target: seq, emoji });
  await session.told(view, reaction.seq);
}

/** For all members; a second time unpins. */
export async function pin(choice: Choice): Promise<void> {
  const { session, view } = choice;
  const { seq } = await choose(choice, "any");
  const isPinned = view.record?.pins?.includes(seq) === true;
  const change = await session.client.request(isPinned ? "pin.remove" : "pin.add", { conversation: view.room.id, target: seq });
  await session.told(view, change.seq);
}

/** Answers one of the others' messages. */
export async function reply(choice: Choice, text: string): Promise<void> {
  const { session, view } = choice;
  const { seq } = await choose(choice, "others");
  session.send(view, text, seq);
}

/** @throws ChatRefusal when there is none, or no connection to find it */
export async function choose({ session, view, nth }: Choice, whose: "mine" | "others" | "any" | "pressable"): Promise<StoredMessage> {
  if (view.snapshot.status === "loading") {
    session.requireConnection();
    await view.room.load();
  }
  // What was written right before may still be on its way.
  if (session.connection.kind === "open") await session.settled();
  const fitting = whose === "pressable" ? pressables(view) : storedIn(view).filter(({ isMine }) => whose === "any" || isMine === (whose === "mine"));
  const message = nth < 1 ? undefined : fitting.at(-nth);
  if (message === undefined) {
    const { noMessage, noOwnMessage, noOtherMessage, templates } = session.messages;
    throw new ChatRefusal({ any: noMessage, mine: noOwnMessage, others: noOtherMessage, pressable: templates.noButtons }[whose]);
  }
  return message;
}

/** Others' messages with something to press, in the order of the log. */
export function pressables(view: ConversationView): readonly StoredMessage[] {
  const newest = view.snapshot.messages.at(-1);
  return storedIn(view).filter((message) => {
    const { ofContent, quickReplies } = buttonsOf(message, message === newest);
    return !message.isMine && ofContent.length + quickReplies.length > 0;
  });
}

function storedIn(view: ConversationView): readonly StoredMessage[] {
  return view.snapshot.messages.filter((message): message is StoredMessage => "seq" in message && message.deleted === undefined);
}
