/** The wire of Suda. Isomorphic: nothing here needs Node. */
export { createByteReviver, decodeBase64, encodeBase64, type ByteReviver } from "./byte-fields.ts";
export { systemClock, systemRandom, type Clock, type Random, type Timer } from "./clock.ts";
export { closeCodes, isResumableCloseCode, type CloseReason } from "./close-codes.ts";
export type { Codec, ParseOptions } from "./codec.ts";
export { codecOfSubprotocol, codecs } from "./codecs.ts";
export {
  commands,
  createFields,
  historyFields,
  isCommandType,
  profileFields,
  type Command,
  type CommandOf,
  type CommandType,
  type Ref,
  type ReplyOf,
} from "./commands.ts";
export { ContentSchema, MentionSchema, type Content, type Mention, type TextContent } from "./content.ts";
export { isCustomData, type CustomData, type JsonValue } from "./custom-data.ts";
export { decodeCommands, decodeServerFrames, type Decoded } from "./decode.ts";
export { errors, isErrorCode, SudaError, type ErrorCode, type SudaErrorOptions } from "./errors.ts";
export {
  ConversationUpdatedSchema,
  LogEventSchema,
  MemberAddedSchema,
  MemberRemovedSchema,
  MemberUpdatedSchema,
  MessageCreatedSchema,
  type ConversationUpdated,
  type LogEvent,
  type MemberAdded,
  type MemberRemoved,
  type MemberUpdated,
  type MessageCreated,
} from "./events.ts";
export {
  commandSchema,
  ErrorFrameSchema,
  errorFrame,
  EventSchema,
  replySchema,
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
export { limits } from "./limits.ts";
export { ConversationJoinedSchema, ConversationLeftSchema, type ConversationJoined, type ConversationLeft } from "./list-events.ts";
export { msgpackCodec } from "./msgpack-codec.ts";
export { ConversationSchema, MemberSchema, UserNameSchema, UserSchema, type Conversation, type Member, type Role, type User } from "./records.ts";
export {
  BytesSchema,
  ClientIdSchema,
  Closed,
  ConversationIdSchema,
  CountSchema,
  DataSchema,
  LimitSchema,
  RefSchema,
  RoleSchema,
  SeqSchema,
  TimeSchema,
  TitleSchema,
  UrlSchema,
  UserIdSchema,
} from "./scalars.ts";
export { createValidator, type Validator } from "./validator.ts";
