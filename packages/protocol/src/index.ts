/** The wire of Suda. Isomorphic: nothing here needs Node. */
export { applyChange, concealMessage, type MessageChange } from "./apply-change.ts";
export { createByteReviver, decodeBase64, encodeBase64, type ByteReviver } from "./byte-fields.ts";
export { clientLimits } from "./client-limits.ts";
export { systemClock, systemRandom, type Clock, type Random, type Timer } from "./clock.ts";
export { closeCodes, isResumableCloseCode, type CloseReason } from "./close-codes.ts";
export type { Codec, ParseOptions } from "./codec.ts";
export { codecOfSubprotocol, codecs } from "./codecs.ts";
export {
  abortFields,
  appendFields,
  commands,
  createFields,
  editFields,
  finishFields,
  historyFields,
  isCommandType,
  profileFields,
  startFields,
  updateFields,
  sendFields,
  type Command,
  type CommandOf,
  type CommandType,
  type Ref,
  type ReplyOf,
} from "./commands.ts";
export {
  ContentSchema,
  contentSchemas,
  DeletedContentSchema,
  ShownContentSchema,
  type Content,
  type ContentOf,
  type ContentType,
  type DeletedContent,
  type ShownContent,
} from "./content.ts";
export { codePointLength } from "./code-points.ts";
export {
  ControlEpochSchema,
  ControlSchema,
  handoffFields,
  HolderSchema,
  LeaseSchema,
  QueueSchema,
  takeFields,
  type Control,
  type Holder,
} from "./control.ts";
export { isCustomData, type CustomData, type JsonValue } from "./custom-data.ts";
export { decodeCommands, decodeServerFrames, type Decoded } from "./decode.ts";
export {
  ConversationTruncatedSchema,
  GoawaySchema,
  InteractionAnsweredSchema,
  LagSchema,
  PresenceChangedSchema,
  ReceiptUpdatedSchema,
  TypingStartedSchema,
  TypingStoppedSchema,
  type ConversationTruncated,
  type Goaway,
  type InteractionAnswered,
  type Lag,
  type PresenceChanged,
  type ReceiptUpdated,
  type TypingStarted,
  type TypingStopped,
} from "./ephemeral-events.ts";
export { CursorSchema, ResumedSchema, ResumeSchema, type Cursor, type Resume, type Resumed } from "./resume.ts";
export { errors, isErrorCode, SudaError, type ErrorCode, type SudaErrorOptions } from "./errors.ts";
export {
  ControlChangedSchema,
  ConversationUpdatedSchema,
  InteractionCreatedSchema,
  LogEventSchema,
  MemberAddedSchema,
  MemberRemovedSchema,
  MemberUpdatedSchema,
  MessageCreatedSchema,
  MessageDeletedSchema,
  MessageEditedSchema,
  PinAddedSchema,
  PinRemovedSchema,
  ReactionAddedSchema,
  ReactionRemovedSchema,
  ReactionSchema,
  UsedActionSchema,
  type ControlChanged,
  type ConversationUpdated,
  type InteractionCreated,
  type LogEvent,
  type MemberAdded,
  type MemberRemoved,
  type MemberUpdated,
  type MessageCreated,
  type MessageDeleted,
  type MessageEdited,
  type PinAdded,
  type PinRemoved,
  type Reaction,
  type ReactionAdded,
  type ReactionRemoved,
  type UsedAction,
} from "./events.ts";
export {
  commandSchema,
  ErrorFrameSchema,
  errorFrame,
  EventSchema,
  replySchema,
  type EphemeralEvent,
  type ErrorFrame,
  type Event,
  type ReplyFrame,
  type ServerFrame,
} from "./frames.ts";
export {
  clientIdPattern,
  conversationIdPattern,
  hostConversationIdPattern,
  isConversationId,
  isUserId,
  newGroupId,
  userIdPattern,
  type ClientId,
  type ConversationId,
  type UserId,
} from "./ids.ts";
export { jsonCodec, parseJson, stringifyFrame } from "./json-codec.ts";
export { limits, streamLimits, templateLimits } from "./limits.ts";
export {
  ConversationChangedSchema,
  ConversationJoinedSchema,
  ConversationLeftSchema,
  type ConversationChanged,
  type ConversationJoined,
  type ConversationLeft,
} from "./list-events.ts";
export { msgpackCodec } from "./msgpack-codec.ts";
export { ConversationSchema, MemberSchema, UserNameSchema, UserSchema, type Conversation, type Member, type Role, type User } from "./records.ts";
export {
  BytesSchema,
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
export {
  StreamAbortedSchema,
  streamAbortReasons,
  StreamAppendedSchema,
  StreamDraftSchema,
  StreamFinishedSchema,
  StreamStartedSchema,
  ThinkingStartedSchema,
  ThinkingStoppedSchema,
  type StreamAborted,
  type StreamAbortReason,
  type StreamAppended,
  type StreamDraft,
  type StreamEvent,
  type StreamFinished,
  type StreamStarted,
  type ThinkingStarted,
  type ThinkingStopped,
} from "./stream-events.ts";
export {
  ActionSchema,
  QuickReplySchema,
  type Action,
  type CallAction,
  type CopyAction,
  type DatetimeAction,
  type HandoffAction,
  type MessageAction,
  type PostbackAction,
  type PostbackData,
  type QuickReply,
  type RequestAction,
  type ShareAction,
  type UriAction,
} from "./templates/actions.ts";
export {
  CardVideoSchema,
  ProfileSchema,
  ThumbnailSchema,
  type CardContent,
  type CommerceContent,
  type ConfirmContent,
  type Profile,
  type Thumbnail,
} from "./templates/cards.ts";
export { BotSchema, botFields, type Bot } from "./templates/bot.ts";
export { botSendFields, BotSendIdSchema, partClientId, PartSchema, TemplateChoiceSchema, type Part, type TemplateChoice } from "./templates/bot-send.ts";
export { CarouselHeaderSchema, CarouselImageSchema, type CarouselContent, type CarouselItem } from "./templates/carousel.ts";
export { checkFormValue, type FormValue } from "./templates/check-form-value.ts";
export { checkEdit, checkMessage, needsAltText } from "./templates/check-message.ts";
export { checkTapValue } from "./templates/check-tap-value.ts";
export { type CustomContent } from "./templates/custom.ts";
export { checkKindData, checkKindSchema, CustomKindSchema, KindSchemaSchema, type KindSchema } from "./templates/custom-kind.ts";
export { envelopeFields, MessageBodySchema, messageFields, SenderSchema, type MessageBody, type Sender } from "./templates/envelope.ts";
export { fillTemplate, type FilledTemplate, type TemplateValues } from "./templates/fill-template.ts";
export { actionsOf, findAction, formSubmitId, type FormSubmit } from "./templates/find-action.ts";
export { FormFieldSchema, FormOptionSchema, type FormContent, type FormField } from "./templates/form.ts";
export { AreaSchema, BaseSizeSchema, type ImagemapContent } from "./templates/imagemap.ts";
export { ActionIdSchema, InteractionKindSchema, InteractionValueSchema, tapFields, ToastSchema, type InteractionValue } from "./templates/interaction.ts";
export { eraseWords, saysSomething, type InteractionKind } from "./templates/interaction-words.ts";
export { lintMessage, lintMessages, lintTargets, type LintTarget, type LintWarning } from "./templates/lint-message.ts";
export {
  AdjustmentSchema,
  ImageTitleSchema,
  ListItemSchema,
  ReceiptItemSchema,
  ReceiptSummarySchema,
  RowSchema,
  type DetailsContent,
  type ListContent,
  type ReceiptContent,
} from "./templates/lists.ts";
export {
  AlbumSchema,
  type AudioContent,
  type BytesContent,
  type FileContent,
  type ImageContent,
  type LocationContent,
  type StickerContent,
  type VideoContent,
} from "./templates/media.ts";
export {
  checkMenu,
  checkSlashCommands,
  ImageMenuSchema,
  ListMenuSchema,
  MenuSchema,
  SlashCommandSchema,
  SlashCommandsSchema,
  type ImageMenu,
  type ListMenu,
  type Menu,
  type SlashCommand,
} from "./templates/menu.ts";
export { type MessageFault } from "./templates/message-fault.ts";
export {
  checkTemplate,
  storedTemplateFields,
  StoredTemplateSchema,
  TemplateIdSchema,
  VariableSchema,
  type StoredTemplate,
  type TemplateLocale,
  type Variable,
} from "./templates/stored-template.ts";
export {
  EntitySchema,
  LinkSchema,
  MentionSchema,
  TextContentSchema,
  type Entity,
  type Link,
  type Mention,
  type TextContent,
} from "./templates/text.ts";
export { createValidator, type Validator } from "./validator.ts";
export {
  isWebhookSecret,
  newWebhookSecret,
  signWebhook,
  verifyWebhook,
  WebhookError,
  type ReceivedHeaders,
  type SignWebhookOptions,
  type VerifiedWebhook,
  type VerifyWebhookOptions,
  type WebhookErrorCode,
  type WebhookHeaders,
} from "./webhook-signature.ts";
export {
  DeadLetterSchema,
  LogEventTypeSchema,
  WebhookAnswerSchema,
  webhookDefaultEvents,
  WebhookDeliverySchema,
  webhookFields,
  webhookLimits,
  WebhookSchema,
  type DeadLetter,
  type Webhook,
  type WebhookAnswer,
  type WebhookDelivery,
} from "./webhooks.ts";
