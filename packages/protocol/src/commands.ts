/**
 * What a client may ask, and what it is answered. One row per command; everything else follows from this
 * table: the types, the validators, /asyncapi.json, the tables of docs/PROTOCOL.md and the dispatch of the
 * chat consumer (a command without a handler does not compile).
 */
import Type from "typebox";
import { ContentSchema } from "./content.ts";
import { ControlEpochSchema, ControlledSchema, handoffFields, takeFields } from "./control.ts";
import { limits, streamLimits, templateLimits } from "./limits.ts";
import { LogEventSchema } from "./events.ts";
import { ResumedSchema, ResumeSchema } from "./resume.ts";
import { StreamDraftSchema } from "./stream-events.ts";
import { botSendFields } from "./templates/bot-send.ts";
import { envelopeFields, messageFields } from "./templates/envelope.ts";
import { tapFields, ToastSchema } from "./templates/interaction.ts";
import { ConversationSchema, MemberSchema, UserNameSchema, UserSchema } from "./records.ts";
import {
  ClientIdSchema,
  Closed,
  ConversationIdSchema,
  CountSchema,
  DataSchema,
  EmojiSchema,
  LimitSchema,
  RefSchema,
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

const nullable = <Schema extends Type.TSchema>(schema: Schema) => Type.Optional(Type.Union([schema, Type.Null()]));

/** Fields of a profile that its user, or the host's backend, may change. `null` removes one. */
export const profileFields = { name: nullable(UserNameSchema), avatar: nullable(UrlSchema), data: nullable(DataSchema) } as const;

export const historyFields = {
  after: Type.Optional(SeqSchema),
  before: Type.Optional(SeqSchema),
  limit: Type.Optional(LimitSchema),
} as const;

export const createFields = {
  title: Type.Optional(TitleSchema),
  avatar: Type.Optional(UrlSchema),
  data: Type.Optional(DataSchema),
  write: Type.Optional(WriteSchema),
  slowModeMs: Type.Optional(SlowModeSchema),
  retentionMs: Type.Optional(RetentionSchema),
  members: Type.Array(UserIdSchema, { maxItems: limits.membersPerCommandMax }),
} as const;

/** What may be changed of a conversation; absent fields stay, `null` removes. */
export const updateFields = {
  title: nullable(TitleSchema),
  avatar: nullable(UrlSchema),
  data: nullable(DataSchema),
  write: nullable(WriteSchema),
  slowModeMs: nullable(SlowModeSchema),
  retentionMs: nullable(RetentionSchema),
} as const;

/** Of `message.send` and of the route that sends. */
export const sendFields = {
  clientId: ClientIdSchema,
  ...messageFields,
  control: Type.Optional(ControlEpochSchema),
} as const;

export const editFields = {
  content: ContentSchema,
  rev: Type.Optional(CountSchema),
  clientId: Type.Optional(ClientIdSchema),
  control: Type.Optional(ControlEpochSchema),
} as const;

/** Of the `stream.…` commands and their routes, beside conversation and stream. */
export const startFields = { replyTo: Type.Optional(SeqSchema) } as const;
export const appendFields = {
  offset: Type.Optional(CountSchema),
  text: Type.String({ minLength: 1, maxLength: limits.textMaxLength }),
} as const;
export const finishFields = { content: Type.Optional(ContentSchema), ...envelopeFields, control: Type.Optional(ControlEpochSchema) } as const;
export const abortFields = { reason: Type.Optional(Type.String({ minLength: 1, maxLength: streamLimits.detailMaxLength })) } as const;

const ofStream = { conversation: ConversationIdSchema, stream: ClientIdSchema } as const;
const aboutMessage = { conversation: ConversationIdSchema, target: SeqSchema } as const;
const TokenSchema = Type.String({ minLength: 1, maxLength: limits.tokenMaxLength });
const nothing = Closed({});
const asItIsNow = Closed({ conversation: ConversationSchema });
const written = Closed({ seq: SeqSchema, at: TimeSchema });
const conversationPage = { conversations: Type.Array(ConversationSchema), more: Type.Boolean(), next: Type.Optional(Type.String()) } as const;

export const commands = {
  hello: {
    summary:
      "Says who is there. The first command of a connection; with a bearer token in the handshake it needs no `token`. Answers with the newest conversations and the user's `change` counter.",
    fields: { token: Type.Optional(TokenSchema), resume: Type.Optional(ResumeSchema) },
    reply: Closed({
      user: UserIdSchema,
      change: CountSchema,
      ...conversationPage,
      resumed: Type.Optional(Type.Array(ResumedSchema)),
      left: Type.Optional(Type.Array(ConversationIdSchema)),
    }),
  },
  "token.refresh": {
    summary: "A new token of the same user for this connection, before the old one's time is over.",
    fields: { token: TokenSchema },
    reply: Closed({ expiresAt: TimeSchema }),
  },
  "user.get": {
    summary: "A user's profile.",
    fields: { user: UserIdSchema },
    reply: Closed({ user: UserSchema }),
  },
  "user.update": {
    summary: "Changes one's own profile; absent fields stay, `null` removes.",
    fields: profileFields,
    reply: Closed({ user: UserSchema }),
  },
  "conversation.open": {
    summary: "The direct conversation with one other user; the same one however often and by whichever of the two it is opened.",
    fields: { with: UserIdSchema },
    reply: Closed({ conversation: ConversationSchema }),
  },
  "conversation.create": {
    summary: "A new group with the caller as owner. With a `clientId` a retry finds the first group instead of making a second.",
    fields: { clientId: Type.Optional(ClientIdSchema), ...createFields },
    reply: Closed({ conversation: ConversationSchema }),
  },
  "conversation.get": {
    summary: "One of my conversations.",
    fields: { conversation: ConversationIdSchema },
    reply: Closed({ conversation: ConversationSchema }),
  },
  "conversation.list": {
    summary: "My conversations by last activity, newest first. `next` of a page is the `cursor` of the following one.",
    fields: { cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })), limit: Type.Optional(LimitSchema) },
    reply: Closed(conversationPage),
  },
  "conversation.update": {
    summary:
      "Changes a group's title, avatar, data and settings (owner or admin); `null` removes. Of a direct conversation only `retentionMs`, by either of the two.",
    fields: { conversation: ConversationIdSchema, ...updateFields },
    reply: written,
  },
  "conversation.mute": {
    summary: "My devices need not call me for this conversation, until `until` or until I unmute it. Only I know of it.",
    fields: { conversation: ConversationIdSchema, until: Type.Optional(TimeSchema) },
    reply: asItIsNow,
  },
  "conversation.unmute": {
    summary: "My devices call me again.",
    fields: { conversation: ConversationIdSchema },
    reply: asItIsNow,
  },
  "conversation.hide": {
    summary: "Leave this conversation out of what I see until there is a new message in it.",
    fields: { conversation: ConversationIdSchema },
    reply: asItIsNow,
  },
  "conversation.show": {
    summary: "Show it again.",
    fields: { conversation: ConversationIdSchema },
    reply: asItIsNow,
  },
  "user.block": {
    summary:
      "This user can do nothing in our direct conversation any more, nor watch my presence. The conversation is opened if there is none: the block is a setting of it. The user is not told.",
    fields: { user: UserIdSchema },
    reply: asItIsNow,
  },
  "user.unblock": {
    summary: "Takes the block back. If there is none, nothing changes.",
    fields: { user: UserIdSchema },
    reply: asItIsNow,
  },
  "member.list": {
    summary: "The members of a conversation, by user id. `next` of a page is the `after` of the following one.",
    fields: { conversation: ConversationIdSchema, after: Type.Optional(UserIdSchema), limit: Type.Optional(LimitSchema) },
    reply: Closed({ members: Type.Array(MemberSchema), more: Type.Boolean(), next: Type.Optional(UserIdSchema) }),
  },
  "member.add": {
    summary: "Adds users to a group (owner or admin). Those who are members already are passed over; if all are, nothing is written and `seq` is the head.",
    fields: { conversation: ConversationIdSchema, users: Type.Array(UserIdSchema, { minItems: 1, maxItems: limits.membersPerCommandMax }) },
    reply: written,
  },
  "member.remove": {
    summary: "Removes a member from a group (owner or admin; only an owner removes an owner or admin). They receive nothing after this event.",
    fields: { conversation: ConversationIdSchema, user: UserIdSchema },
    reply: written,
  },
  "member.update": {
    summary: "Gives a member a role (owners only).",
    fields: { conversation: ConversationIdSchema, user: UserIdSchema, role: RoleSchema },
    reply: written,
  },
  "member.leave": {
    summary: "Leaves a group.",
    fields: { conversation: ConversationIdSchema },
    reply: written,
  },
  "message.send": {
    summary:
      "Appends a message. The reply comes when it is durable. The same `clientId` again finds the first one (`duplicate: true`); with another body it is refused.",
    fields: { conversation: ConversationIdSchema, ...sendFields, follows: Type.Optional(ClientIdSchema) },
    reply: Closed({ seq: SeqSchema, at: TimeSchema, duplicate: Type.Optional(Type.Literal(true)) }),
  },
  "bot.send": {
    summary:
      "Appends 1–5 messages of a bot together or none of them: `messages`, or what a stored `template` makes. The reply comes when they are durable. The same `clientId` again finds the first ones (`duplicate: true`); with anything else it is refused.",
    fields: { conversation: ConversationIdSchema, ...botSendFields },
    reply: Closed({
      seqs: Type.Array(SeqSchema, { minItems: 1, maxItems: templateLimits.messagesPerSendMax }),
      at: TimeSchema,
      duplicate: Type.Optional(Type.Literal(true)),
    }),
  },
  "message.edit": {
    summary:
      "Gives one's own message another content of the same type. With `rev`, only if that is the message's latest one (0: never edited). With a `clientId` a retry finds the first edit.",
    fields: { conversation: ConversationIdSchema, target: SeqSchema, ...editFields },
    reply: Closed({ seq: SeqSchema, at: TimeSchema, rev: CountSchema, duplicate: Type.Optional(Type.Literal(true)) }),
  },
  "message.delete": {
    summary: "Deletes a message for all: one's own, or anybody's as owner or admin of a group. What it said is erased. Again: the same answer.",
    fields: aboutMessage,
    reply: written,
  },
  "message.hide": {
    summary: "Deletes a message for me alone, on all my devices and for good. Others keep it. Again: the same answer.",
    fields: aboutMessage,
    reply: nothing,
  },
  "reaction.add": {
    summary: "Reacts to a message. If one did already with this emoji, nothing is written and `seq` is the head.",
    fields: { ...aboutMessage, emoji: EmojiSchema },
    reply: written,
  },
  "reaction.remove": {
    summary: "Takes one's reaction back. If there is none, nothing is written and `seq` is the head.",
    fields: { ...aboutMessage, emoji: EmojiSchema },
    reply: written,
  },
  "pin.add": {
    summary:
      "Pins a message for all (owner or admin in groups, either one in a direct conversation). If it is pinned, nothing is written and `seq` is the head.",
    fields: aboutMessage,
    reply: written,
  },
  "pin.remove": {
    summary: "Unpins a message (likewise). If it is not pinned, nothing is written and `seq` is the head.",
    fields: aboutMessage,
    reply: written,
  },
  "interaction.tap": {
    summary:
      "Taps an action of somebody else's message, a quick reply of it, or sends its form. Idempotent by `clientId` like a send. `used`: it was used up before, nothing is stored, and `seq` and `at` are the first tap's.",
    fields: { ...aboutMessage, ...tapFields, clientId: ClientIdSchema },
    reply: Closed({ seq: SeqSchema, at: TimeSchema, duplicate: Type.Optional(Type.Literal(true)), used: Type.Optional(Type.Literal(true)) }),
  },
  "interaction.answer": {
    summary: "Shows a toast to who tapped; `target` is the seq of the tap. Only the author of the tapped message may. Who is not connected does not see it.",
    fields: { ...aboutMessage, toast: ToastSchema },
    reply: nothing,
  },
  "history.get": {
    summary:
      "Events after (ascending) or before (the newest ones below it, still ascending) a seq; neither: the newest page. A page ends early at 512 KiB; `more` says whether there is more in that direction.",
    fields: { conversation: ConversationIdSchema, ...historyFields },
    reply: Closed({
      events: Type.Array(LogEventSchema),
      head: SeqSchema,
      from: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: "The first seq that the log still has; 1 when absent" })),
      more: Type.Boolean(),
    }),
  },
  "receipt.read": {
    summary: "I have read up to and including `seq`. Never goes backwards, never beyond the head. Takes a mark as unread away.",
    fields: { conversation: ConversationIdSchema, seq: SeqSchema },
    reply: Closed({ read: SeqSchema, unread: CountSchema }),
  },
  "receipt.delivered": {
    summary:
      "A device of mine has everything up to and including `seq`. Never goes backwards, never beyond the head; reading is receiving too. Not kept in groups of over 100 members.",
    fields: { conversation: ConversationIdSchema, seq: SeqSchema },
    reply: Closed({ delivered: SeqSchema }),
  },
  "receipt.unread": {
    summary: "Marks the conversation as unread, for me to come back to. My read mark and the count stay; my next reading or message takes the mark away.",
    fields: { conversation: ConversationIdSchema },
    reply: Closed({ read: SeqSchema, unread: CountSchema }),
  },
  "control.handoff": {
    summary: "Asks for a human, in `queue`; the bot is silent from now on. When one is asked for there already, nothing is written and `seq` is the head.",
    fields: { conversation: ConversationIdSchema, ...handoffFields },
    reply: ControlledSchema,
  },
  "control.take": {
    summary: "I am in charge now instead of the bot, for `leaseMs` (15 minutes) and again after each of my messages. Again: the lease begins anew.",
    fields: { conversation: ConversationIdSchema, ...takeFields },
    reply: ControlledSchema,
  },
  "control.return": {
    summary: "The bot is in charge again. The agent, or a group's owner or admin. When it is already, nothing is written and `seq` is the head.",
    fields: { conversation: ConversationIdSchema },
    reply: ControlledSchema,
  },
  "typing.start": {
    summary: "I am writing. Others see it for 6 s; say it again at most every 3 s. Not told in groups of over 100 members.",
    fields: { conversation: ConversationIdSchema },
    reply: nothing,
  },
  "typing.stop": {
    summary: "I have stopped writing.",
    fields: { conversation: ConversationIdSchema },
    reply: nothing,
  },
  "thinking.start": {
    summary: "I work on an answer (bots only). Others see it for 30 s, or until my stream or message; say it again to go on.",
    fields: { conversation: ConversationIdSchema },
    reply: nothing,
  },
  "thinking.stop": {
    summary: "There will be no answer after all.",
    fields: { conversation: ConversationIdSchema },
    reply: nothing,
  },
  "stream.start": {
    summary:
      "An answer that grows on the members' screens begins (bots only). `stream` is the bot's own id of it, and will be the clientId of its message. If it is under way, nothing happens.",
    fields: { ...ofStream, ...startFields },
    reply: nothing,
  },
  "stream.append": {
    summary:
      "Adds to its text. With `offset`, the code points that were there before it, a repetition does no harm. Within 30 s of the one before; `length` is the code points that there are now.",
    fields: { ...ofStream, ...appendFields },
    reply: Closed({ length: CountSchema }),
  },
  "stream.finish": {
    summary:
      "Ends it with a message, sent as by `message.send` with the stream's id as clientId: a repetition finds the first (`duplicate: true`). Without `content` it is the text so far; with `content` the stream need not be under way.",
    fields: { ...ofStream, ...finishFields },
    reply: Closed({ seq: SeqSchema, at: TimeSchema, duplicate: Type.Optional(Type.Literal(true)) }),
  },
  "stream.abort": {
    summary: "Ends it without a message. `reason` is told to the members. If it is not under way, nothing happens.",
    fields: { ...ofStream, ...abortFields },
    reply: nothing,
  },
  "stream.get": {
    summary:
      "The streams under way in a conversation, with their text so far. What other nodes have of them comes a moment later, as `stream.started` with `text`.",
    fields: { conversation: ConversationIdSchema },
    reply: Closed({ drafts: Type.Array(StreamDraftSchema) }),
  },
  "presence.watch": {
    summary:
      "Which of these users have a connection, now and from now on. Users with whom one shares no conversation are passed over. At most 200 at a time for one connection.",
    fields: { users: Type.Array(UserIdSchema, { minItems: 1, maxItems: limits.watchedMax }) },
    reply: Closed({ presence: Type.Array(Closed({ user: UserIdSchema, online: Type.Boolean() })) }),
  },
  "presence.unwatch": {
    summary: "No longer tells of these users.",
    fields: { users: Type.Array(UserIdSchema, { minItems: 1, maxItems: limits.watchedMax }) },
    reply: nothing,
  },
} as const satisfies Record<string, CommandRow>;

interface CommandRow {
  /** For people: docs/PROTOCOL.md and /asyncapi.json. */
  readonly summary: string;
  /** Fields beside `type` and `ref`. */
  readonly fields: Type.TProperties;
  /** Fields of the reply beside `type` and `ref`. */
  readonly reply: Type.TObject;
}

export type CommandType = keyof typeof commands;

export type Ref = Type.Static<typeof RefSchema>;

/** The command of one type, as it arrives after decoding. */
export type CommandOf<T extends CommandType> = { readonly type: T; readonly ref: Ref } & Type.Static<Type.TObject<(typeof commands)[T]["fields"]>>;

/** What the server answers to it, without `type` and `ref`. */
export type ReplyOf<T extends CommandType> = Type.Static<(typeof commands)[T]["reply"]>;

export type Command = { [T in CommandType]: CommandOf<T> }[CommandType];

export function isCommandType(type: string): type is CommandType {
  return Object.hasOwn(commands, type);
}
