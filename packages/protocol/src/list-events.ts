/**
 * Events about the receiving user's own list of conversations; they move the user's `change` counter.
 * Apart from `events.ts` because they carry a whole conversation, which in turn may carry its last log event.
 */
import Type from "typebox";
import { ConversationSchema } from "./records.ts";
import { Closed, ConversationIdSchema, CountSchema, SeqSchema } from "./scalars.ts";

/** The receiving user is now a member: the conversation as they see it. */
export const ConversationJoinedSchema = Closed({
  type: Type.Literal("conversation.joined"),
  conversation: ConversationSchema,
  change: CountSchema,
});

/** The receiving user is no longer a member. */
export const ConversationLeftSchema = Closed({
  type: Type.Literal("conversation.left"),
  conversation: ConversationIdSchema,
  change: CountSchema,
});

/**
 * The receiving user changed a setting of their own on one of their devices: the conversation as they see it now.
 * With `target` they deleted that message for themself.
 */
export const ConversationChangedSchema = Closed({
  type: Type.Literal("conversation.changed"),
  conversation: ConversationSchema,
  change: CountSchema,
  target: Type.Optional(SeqSchema),
});

export type ConversationJoined = Type.Static<typeof ConversationJoinedSchema>;
export type ConversationLeft = Type.Static<typeof ConversationLeftSchema>;
export type ConversationChanged = Type.Static<typeof ConversationChangedSchema>;
