/**
 * Events that are in no log: what is lost of them is not missed (promise 10), and what says that something
 * else must be read (`lag`) or done (`goaway`).
 */
import Type from "typebox";
import { Closed, ConversationIdSchema, SeqSchema, UserIdSchema } from "./scalars.ts";
import { ToastSchema } from "./templates/interaction.ts";

/** Somebody writes. Good for 6 s, or until their message or `typing.stopped`. */
export const TypingStartedSchema = Closed({ type: Type.Literal("typing.started"), conversation: ConversationIdSchema, user: UserIdSchema });
export const TypingStoppedSchema = Closed({ type: Type.Literal("typing.stopped"), conversation: ConversationIdSchema, user: UserIdSchema });

/** How far a member has read, and how far their devices have received; both only grow. The latest one stands for all before it. Not told in groups of over 100 members. */
export const ReceiptUpdatedSchema = Closed({
  type: Type.Literal("receipt.updated"),
  conversation: ConversationIdSchema,
  user: UserIdSchema,
  read: SeqSchema,
  delivered: SeqSchema,
});

/** To who tapped, alone: the bot's word about the tap with the seq `target`. */
export const InteractionAnsweredSchema = Closed({
  type: Type.Literal("interaction.answered"),
  conversation: ConversationIdSchema,
  target: SeqSchema,
  from: UserIdSchema,
  toast: ToastSchema,
});

/** The conversation's retention removed what was before `from`; its log begins there now. */
export const ConversationTruncatedSchema = Closed({ type: Type.Literal("conversation.truncated"), conversation: ConversationIdSchema, from: SeqSchema });

/** Whether a user whom this connection watches has a connection. */
export const PresenceChangedSchema = Closed({ type: Type.Literal("presence.changed"), user: UserIdSchema, online: Type.Boolean() });

/** Live events of this conversation were left out because the client did not read fast enough: read the log after your cursor up to `head`. */
export const LagSchema = Closed({ type: Type.Literal("lag"), conversation: ConversationIdSchema, head: SeqSchema });

/** The server restarts: the connection will be closed with 1012. Connect again after a random time within `windowMs`, and resume. */
export const GoawaySchema = Closed({ type: Type.Literal("goaway"), windowMs: Type.Integer({ minimum: 0 }) });

export type TypingStarted = Type.Static<typeof TypingStartedSchema>;
export type TypingStopped = Type.Static<typeof TypingStoppedSchema>;
export type ReceiptUpdated = Type.Static<typeof ReceiptUpdatedSchema>;
export type InteractionAnswered = Type.Static<typeof InteractionAnsweredSchema>;
export type ConversationTruncated = Type.Static<typeof ConversationTruncatedSchema>;
export type PresenceChanged = Type.Static<typeof PresenceChangedSchema>;
export type Lag = Type.Static<typeof LagSchema>;
export type Goaway = Type.Static<typeof GoawaySchema>;
