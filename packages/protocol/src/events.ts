/**
 * What the server tells without being asked. Log events carry `conversation`, `seq` and `at` and are the
 * conversation's log itself: history returns the same objects. The others are facts about the receiving
 * user's own list of conversations.
 */
import Type from "typebox";
import { ShownContentSchema } from "./content.ts";
import { templateLimits } from "./limits.ts";
import { PostbackDataSchema } from "./templates/actions.ts";
import { controlFields } from "./control.ts";
import { PartSchema } from "./templates/bot-send.ts";
import { envelopeFields } from "./templates/envelope.ts";
import { ActionIdSchema, InteractionKindSchema, InteractionValueSchema } from "./templates/interaction.ts";
import {
  ClientIdSchema,
  Closed,
  ConversationIdSchema,
  CountSchema,
  DataSchema,
  EmojiSchema,
  RetentionSchema,
  RoleSchema,
  SeqSchema,
  SlowModeSchema,
  TimeSchema,
  TitleSchema,
  UrlSchema,
  UserIdSchema,
  WriteSchema,
} from "./scalars.ts";

const place = { conversation: ConversationIdSchema, seq: SeqSchema, at: TimeSchema, from: UserIdSchema } as const;

/** One emoji on a message: how many members gave it, and whether the receiving user did. */
export const ReactionSchema = Closed({ emoji: EmojiSchema, count: CountSchema, mine: Type.Optional(Type.Literal(true)) }, { title: "Reaction" });

/** An action that is used up, and the tap that did it. */
export const UsedActionSchema = Closed({ action: ActionIdSchema, seq: SeqSchema }, { title: "UsedAction" });

/**
 * A message. `agent` is the human who wrote it through the bot's account. Live it is as it was sent. In history, resume and `last` it is as it is now: `content` is the
 * latest one, and `changed` is the seq of the last event that is contained in it. `hidden`: the receiving user
 * deleted it for themself, and gets nothing of what it says.
 */
export const MessageCreatedSchema = Closed({
  type: Type.Literal("message.created"),
  ...place,
  clientId: ClientIdSchema,
  content: ShownContentSchema,
  ...envelopeFields,
  part: Type.Optional(PartSchema),
  agent: Type.Optional(UserIdSchema),
  edited: Type.Optional(Closed({ rev: CountSchema, at: TimeSchema })),
  deleted: Type.Optional(Closed({ by: UserIdSchema, at: TimeSchema })),
  hidden: Type.Optional(Type.Literal(true)),
  reactions: Type.Optional(Type.Array(ReactionSchema)),
  used: Type.Optional(Type.Array(UsedActionSchema)),
  changed: Type.Optional(SeqSchema),
});

/** `rev` counts a message's edits: 1, 2, 3… */
export const MessageEditedSchema = Closed({
  type: Type.Literal("message.edited"),
  ...place,
  clientId: Type.Optional(ClientIdSchema),
  target: SeqSchema,
  rev: CountSchema,
  content: ShownContentSchema,
});

/** For all: its content, and that of its edits, is nowhere any more. A pin on it is gone too. */
export const MessageDeletedSchema = Closed({ type: Type.Literal("message.deleted"), ...place, target: SeqSchema });

export const ReactionAddedSchema = Closed({ type: Type.Literal("reaction.added"), ...place, target: SeqSchema, emoji: EmojiSchema });
export const ReactionRemovedSchema = Closed({ type: Type.Literal("reaction.removed"), ...place, target: SeqSchema, emoji: EmojiSchema });

/**
 * A tap. `to` wrote the message; `kind`, `data`, `route` and `displayText` are the action's, as it was. `value` comes to
 * `from` and `to` alone. `once`: nobody can tap it again. `erased`: the message was deleted, or hidden by the receiving
 * user, and what the tap said went with it.
 */
export const InteractionCreatedSchema = Closed({
  type: Type.Literal("interaction.created"),
  ...place,
  clientId: ClientIdSchema,
  target: SeqSchema,
  to: UserIdSchema,
  action: ActionIdSchema,
  kind: InteractionKindSchema,
  value: Type.Optional(InteractionValueSchema),
  data: Type.Optional(PostbackDataSchema),
  route: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.routeMaxLength })),
  displayText: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.displayTextMaxLength })),
  once: Type.Optional(Type.Literal(true)),
  erased: Type.Optional(Type.Literal(true)),
});

export const PinAddedSchema = Closed({ type: Type.Literal("pin.added"), ...place, target: SeqSchema });
export const PinRemovedSchema = Closed({ type: Type.Literal("pin.removed"), ...place, target: SeqSchema });

export const MemberAddedSchema = Closed({
  type: Type.Literal("member.added"),
  ...place,
  users: Type.Array(UserIdSchema, { minItems: 1 }),
});

/** `from` is who removed; equal to `user` when the member left. The last event that this user receives of the conversation. */
export const MemberRemovedSchema = Closed({
  type: Type.Literal("member.removed"),
  ...place,
  user: UserIdSchema,
});

export const MemberUpdatedSchema = Closed({
  type: Type.Literal("member.updated"),
  ...place,
  user: UserIdSchema,
  role: RoleSchema,
});

/** Only what changed is present; `null` removed it. */
export const ConversationUpdatedSchema = Closed({
  type: Type.Literal("conversation.updated"),
  ...place,
  title: Type.Optional(Type.Union([TitleSchema, Type.Null()])),
  avatar: Type.Optional(Type.Union([UrlSchema, Type.Null()])),
  data: Type.Optional(Type.Union([DataSchema, Type.Null()])),
  write: Type.Optional(Type.Union([WriteSchema, Type.Null()])),
  slowModeMs: Type.Optional(Type.Union([SlowModeSchema, Type.Null()])),
  retentionMs: Type.Optional(Type.Union([RetentionSchema, Type.Null()])),
});

/** Another one is in charge now; `epoch` is one more than before. `from` is who changed it, `~system` when a lease was over. */
export const ControlChangedSchema = Closed({
  type: Type.Literal("control.changed"),
  ...place,
  ...controlFields,
  reason: Type.Union([Type.Literal("handoff"), Type.Literal("taken"), Type.Literal("returned"), Type.Literal("expired")]),
});

/** Every durable entry of a conversation's log, as the wire shows it. */
export const LogEventSchema = Type.Union([
  MessageCreatedSchema,
  MessageEditedSchema,
  MessageDeletedSchema,
  ReactionAddedSchema,
  ReactionRemovedSchema,
  InteractionCreatedSchema,
  PinAddedSchema,
  PinRemovedSchema,
  MemberAddedSchema,
  MemberRemovedSchema,
  MemberUpdatedSchema,
  ConversationUpdatedSchema,
  ControlChangedSchema,
]);

export type MessageCreated = Type.Static<typeof MessageCreatedSchema>;
export type MessageEdited = Type.Static<typeof MessageEditedSchema>;
export type MessageDeleted = Type.Static<typeof MessageDeletedSchema>;
export type ReactionAdded = Type.Static<typeof ReactionAddedSchema>;
export type ReactionRemoved = Type.Static<typeof ReactionRemovedSchema>;
export type InteractionCreated = Type.Static<typeof InteractionCreatedSchema>;
export type UsedAction = Type.Static<typeof UsedActionSchema>;
export type PinAdded = Type.Static<typeof PinAddedSchema>;
export type PinRemoved = Type.Static<typeof PinRemovedSchema>;
export type Reaction = Type.Static<typeof ReactionSchema>;
export type MemberAdded = Type.Static<typeof MemberAddedSchema>;
export type MemberRemoved = Type.Static<typeof MemberRemovedSchema>;
export type MemberUpdated = Type.Static<typeof MemberUpdatedSchema>;
export type ConversationUpdated = Type.Static<typeof ConversationUpdatedSchema>;
export type ControlChanged = Type.Static<typeof ControlChangedSchema>;
export type LogEvent = Type.Static<typeof LogEventSchema>;
