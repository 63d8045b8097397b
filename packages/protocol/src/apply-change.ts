/**
 * What a client does with an event about an earlier message: the message as it is afterwards. The server shows
 * changed messages of history the same way, so a message that was read and then kept up to date by events
 * equals the message read afresh (rule D8; held by a property test of the server).
 */
import type { InteractionCreated, MessageCreated, MessageDeleted, MessageEdited, Reaction, ReactionAdded, ReactionRemoved } from "./events.ts";
import type { UserId } from "./ids.ts";

/** The events that change a message. */
export type MessageChange = MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved | InteractionCreated;

/**
 * The message after the event; the same object when the event is contained in it already.
 * @param me whose view it is: decides `mine` of reactions
 */
export function applyChange(message: MessageCreated, event: MessageChange, me: UserId | undefined): MessageCreated {
  if (event.seq <= (message.changed ?? 0)) return message;
  // What its reader deleted for themself says nothing, whatever becomes of it for the others.
  if (message.hidden === true)
    return { ...message, changed: event.seq, ...(event.type === "message.deleted" ? { deleted: { by: event.from, at: event.at } } : {}) };
  const { edited, reactions = [], ...rest } = message;
  const changed = event.seq;
  switch (event.type) {
    case "message.edited":
      return { ...rest, changed, content: event.content, edited: { rev: event.rev, at: event.at }, ...withReactions(reactions) };
    case "message.deleted":
      return { ...withoutWords(rest), content: { type: "deleted" }, deleted: { by: event.from, at: event.at }, changed };
    case "reaction.added":
    case "reaction.removed":
      return { ...rest, changed, ...(edited === undefined ? {} : { edited }), ...withReactions(countReaction(reactions, event, me)) };
    case "interaction.created":
      return { ...(event.once === true ? useUp(message, event) : message), changed };
  }
}

/** To who deleted the message for themself. Place and author stay, so that the log has no hole. */
export function concealMessage({ type, conversation, seq, at, from, clientId, replyTo, part, agent, deleted, changed }: MessageCreated): MessageCreated {
  return {
    type,
    conversation,
    seq,
    at,
    from,
    clientId,
    content: { type: "deleted" },
    hidden: true,
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(part === undefined ? {} : { part }),
    ...(agent === undefined ? {} : { agent }),
    ...(deleted === undefined ? {} : { deleted }),
    ...(changed === undefined ? {} : { changed }),
  };
}

/** Quick replies vanish for all when one of them was tapped. */
function useUp({ quickReplies, ...message }: MessageCreated, { action, seq }: InteractionCreated): MessageCreated {
  const used = [...(message.used ?? []), { action, seq }];
  const isAnswered = quickReplies?.some((reply) => reply.action.id === action);
  return quickReplies === undefined || isAnswered === true ? { ...message, used } : { ...message, quickReplies, used };
}

/** What a deletion leaves of what was sent beside the content: who and where, and which message it answered. */
function withoutWords<Message extends Partial<MessageCreated>>(
  message: Message,
): Omit<Message, "altText" | "quickReplies" | "sender" | "silent" | "data" | "used"> {
  const { altText: _altText, quickReplies: _quickReplies, sender: _sender, silent: _silent, data: _data, used: _used, ...rest } = message;
  return rest;
}

function withReactions(reactions: readonly Reaction[]): { reactions?: Reaction[] } {
  return reactions.length === 0 ? {} : { reactions: [...reactions] };
}

function countReaction(reactions: readonly Reaction[], { type, emoji, from }: ReactionAdded | ReactionRemoved, me: UserId | undefined): readonly Reaction[] {
  const isAdded = type === "reaction.added";
  const old = reactions.find((reaction) => reaction.emoji === emoji);
  const isMine = from === me ? isAdded : old?.mine === true;
  const counted: Reaction = { emoji, count: (old?.count ?? 0) + (isAdded ? 1 : -1), ...(isMine ? { mine: true } : {}) };
  if (old === undefined) return isAdded ? [...reactions, counted] : reactions;
  return reactions.flatMap((reaction) => (reaction === old ? (counted.count > 0 ? [counted] : []) : [reaction]));
}
