/** Frames and records as a server would send them, with as little in them as a test needs. */
import type { ClientId, Conversation, ConversationId, MessageCreated, UserId } from "@suda/protocol";

export { settle } from "./waiting.ts";

export const room = "room" as ConversationId;
export const me = "alice" as UserId;
export const other = "bob" as UserId;

/** The message at a seq of the log of {@link room}, always the same. */
export function message(seq: number, fields: Partial<MessageCreated> = {}): MessageCreated {
  const clientId = `c${seq}` as ClientId;
  return { type: "message.created", conversation: room, seq, at: 1_000 + seq, from: other, clientId, content: { type: "text", text: `${seq}` }, ...fields };
}

/** Messages from a seq to a seq, both included. */
export function messages(first: number, last: number): MessageCreated[] {
  return Array.from({ length: last - first + 1 }, (_, index) => message(first + index));
}

export function record(fields: Partial<Conversation> = {}): Conversation {
  return { id: room, kind: "group", epoch: "e1", createdAt: 0, memberCount: 2, head: 0, lastAt: 0, role: "member", read: 0, unread: 0, ...fields };
}
