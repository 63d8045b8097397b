/**
 * What the server tells without being asked. Log events carry `conversation`, `seq` and `at` and are the
 * conversation's log itself: history returns the same objects. The others are facts about the receiving
 * user's own list of conversations.
 */
import Type from "typebox";
import { ContentSchema } from "./content.ts";
import {
  ClientIdSchema,
  Closed,
  ConversationIdSchema,
  DataSchema,
  RoleSchema,
  SeqSchema,
  TimeSchema,
  TitleSchema,
  UrlSchema,
  UserIdSchema,
} from "./scalars.ts";

const place = { conversation: ConversationIdSchema, seq: SeqSchema, at: TimeSchema, from: UserIdSchema } as const;

export const MessageCreatedSchema = Closed({
  type: Type.Literal("message.created"),
  ...place,
  clientId: ClientIdSchema,
  content: ContentSchema,
  data: Type.Optional(DataSchema),
});

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
});

/** Every durable entry of a conversation's log, as the wire shows it. */
export const LogEventSchema = Type.Union([MessageCreatedSchema, MemberAddedSchema, MemberRemovedSchema, MemberUpdatedSchema, ConversationUpdatedSchema]);

export type MessageCreated = Type.Static<typeof MessageCreatedSchema>;
export type MemberAdded = Type.Static<typeof MemberAddedSchema>;
export type MemberRemoved = Type.Static<typeof MemberRemovedSchema>;
export type MemberUpdated = Type.Static<typeof MemberUpdatedSchema>;
export type ConversationUpdated = Type.Static<typeof ConversationUpdatedSchema>;
export type LogEvent = Type.Static<typeof LogEventSchema>;
