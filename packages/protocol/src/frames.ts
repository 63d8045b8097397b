/**
 * A frame is one command, reply, error or event on the wire. Schemas of whole frames, for validators,
 * documents and clients.
 */
import Type from "typebox";
import { commands, type CommandType, type Ref } from "./commands.ts";
import { LogEventSchema, type LogEvent } from "./events.ts";
import type { ErrorCode, SudaError } from "./errors.ts";
import {
  ConversationChangedSchema,
  ConversationJoinedSchema,
  ConversationLeftSchema,
  type ConversationChanged,
  type ConversationJoined,
  type ConversationLeft,
} from "./list-events.ts";
import {
  ConversationTruncatedSchema,
  GoawaySchema,
  InteractionAnsweredSchema,
  LagSchema,
  ReceiptUpdatedSchema,
  PresenceChangedSchema,
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
import {
  StreamAbortedSchema,
  StreamAppendedSchema,
  StreamFinishedSchema,
  StreamStartedSchema,
  ThinkingStartedSchema,
  ThinkingStoppedSchema,
  type StreamEvent,
  type ThinkingStarted,
  type ThinkingStopped,
} from "./stream-events.ts";
import { Closed, RefSchema } from "./scalars.ts";

export function commandSchema(type: CommandType): Type.TObject {
  return Closed({ type: Type.Literal(type), ref: RefSchema, ...commands[type].fields });
}

export function replySchema(type: CommandType): Type.TObject {
  return Closed({ type: Type.Literal("reply"), ref: RefSchema, ...commands[type].reply.properties });
}

export const ErrorFrameSchema = Closed({
  type: Type.Literal("error"),
  ref: Type.Optional(RefSchema),
  code: Type.String(),
  message: Type.String(),
  retryable: Type.Boolean(),
  retryAfterMs: Type.Optional(Type.Integer({ minimum: 0 })),
  path: Type.Optional(Type.String({ description: "JSON pointer of the field that is wrong" })),
});

/** Every event that a connection may receive. */
export const EventSchema = Type.Union([
  LogEventSchema,
  ConversationJoinedSchema,
  ConversationLeftSchema,
  ConversationChangedSchema,
  TypingStartedSchema,
  TypingStoppedSchema,
  ThinkingStartedSchema,
  ThinkingStoppedSchema,
  StreamStartedSchema,
  StreamAppendedSchema,
  StreamFinishedSchema,
  StreamAbortedSchema,
  ReceiptUpdatedSchema,
  InteractionAnsweredSchema,
  ConversationTruncatedSchema,
  PresenceChangedSchema,
  LagSchema,
  GoawaySchema,
]);

export type EphemeralEvent =
  | TypingStarted
  | TypingStopped
  | ThinkingStarted
  | ThinkingStopped
  | StreamEvent
  | ReceiptUpdated
  | InteractionAnswered
  | ConversationTruncated
  | PresenceChanged
  | Lag
  | Goaway;
export type Event = LogEvent | ConversationJoined | ConversationLeft | ConversationChanged | EphemeralEvent;

export interface ErrorFrame {
  readonly type: "error";
  /** Absent when the frame that is refused could not be read far enough to know it. */
  readonly ref?: Ref;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly path?: string;
}

export interface ReplyFrame {
  readonly type: "reply";
  readonly ref: Ref;
  readonly [field: string]: unknown;
}

export type ServerFrame = ReplyFrame | ErrorFrame | Event;

/** The error reply of a refusal. */
export function errorFrame(error: SudaError, ref?: Ref): ErrorFrame {
  return {
    type: "error",
    ...(ref === undefined ? {} : { ref }),
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(error.retryAfterMs) }),
    ...(error.path === undefined ? {} : { path: error.path }),
  };
}
