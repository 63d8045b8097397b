/**
 * The records that replies and events carry: users, conversations, members. Shapes of the wire, not of a store.
 */
import Type from "typebox";
import { ControlSchema } from "./control.ts";
import { limits } from "./limits.ts";
import {
  Closed,
  ConversationIdSchema,
  CountSchema,
  DataSchema,
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
import { LogEventSchema } from "./events.ts";

export const UserNameSchema = Type.String({ minLength: 1, maxLength: limits.userNameMaxLength });

export const UserSchema = Closed(
  {
    id: UserIdSchema,
    name: Type.Optional(UserNameSchema),
    avatar: Type.Optional(UrlSchema),
    bot: Type.Optional(Type.Literal(true)),
    data: Type.Optional(DataSchema),
  },
  { title: "User" },
);

export const MemberSchema = Closed(
  {
    user: UserIdSchema,
    role: RoleSchema,
    joinedAt: TimeSchema,
    read: Type.Optional(SeqSchema),
    delivered: Type.Optional(SeqSchema),
  },
  { title: "Member" },
);

/** A conversation as one of its members sees it. */
export const ConversationSchema = Closed(
  {
    id: ConversationIdSchema,
    kind: Type.Union([Type.Literal("direct"), Type.Literal("group")]),
    epoch: Type.String({ minLength: 1, maxLength: 32, description: "Identity of the numbering; changes when the log was restored or replaced" }),
    title: Type.Optional(TitleSchema),
    avatar: Type.Optional(UrlSchema),
    data: Type.Optional(DataSchema),
    with: Type.Optional(UserIdSchema),
    createdAt: TimeSchema,
    createdBy: Type.Optional(UserIdSchema),
    memberCount: CountSchema,
    head: SeqSchema,
    from: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: "The first seq that the log still has; 1 when absent" })),
    lastAt: TimeSchema,
    last: Type.Optional(LogEventSchema),
    pins: Type.Optional(Type.Array(SeqSchema, { description: "Seqs of pinned messages, in the order in which they were pinned" })),
    write: Type.Optional(WriteSchema),
    slowModeMs: Type.Optional(SlowModeSchema),
    retentionMs: Type.Optional(RetentionSchema),
    control: Type.Optional(ControlSchema),
    role: Type.Optional(RoleSchema),
    read: Type.Optional(SeqSchema),
    unread: Type.Optional(CountSchema),
    muted: Type.Optional(Type.Literal(true)),
    mutedUntil: Type.Optional(TimeSchema),
    hidden: Type.Optional(Type.Literal(true)),
    markedUnread: Type.Optional(Type.Literal(true)),
    blocked: Type.Optional(Type.Literal(true)),
    hiddenMessages: Type.Optional(CountSchema),
  },
  { title: "Conversation" },
);

export type User = Type.Static<typeof UserSchema>;
export type Member = Type.Static<typeof MemberSchema>;
export type Role = Type.Static<typeof RoleSchema>;
export type Conversation = Type.Static<typeof ConversationSchema>;
