/**
 * What members see of a bot that takes its time: that it thinks, and its answer while it grows. In no log and lossy
 * (promise 10): the message that a stream ends in has everything, and `stream.get` has what there is until then.
 */
import Type from "typebox";
import { limits, streamLimits } from "./limits.ts";
import { ClientIdSchema, Closed, ConversationIdSchema, CountSchema, SeqSchema, TimeSchema, UserIdSchema } from "./scalars.ts";

const thinking = { conversation: ConversationIdSchema, user: UserIdSchema } as const;

/** A bot works on an answer. Good for 30 s, or until its stream, its message or `thinking.stopped`. */
export const ThinkingStartedSchema = Closed({ type: Type.Literal("thinking.started"), ...thinking });
export const ThinkingStoppedSchema = Closed({ type: Type.Literal("thinking.stopped"), ...thinking });

const place = { conversation: ConversationIdSchema, from: UserIdSchema, stream: ClientIdSchema } as const;

const DraftTextSchema = Type.String({ maxLength: limits.textMaxLength });

/** An answer begins to grow. With `text` it began earlier, and this is what there is of it. */
export const StreamStartedSchema = Closed({
  type: Type.Literal("stream.started"),
  ...place,
  replyTo: Type.Optional(SeqSchema),
  text: Type.Optional(DraftTextSchema),
});

/** `text` follows on the first `offset` code points. What one has of it already is passed over; what is missing before it is read with `stream.get`. */
export const StreamAppendedSchema = Closed({ type: Type.Literal("stream.appended"), ...place, offset: CountSchema, text: DraftTextSchema });

/**
 * The message at `target`, whose clientId is the stream's id, stands for it from now on. Not `seq`: what has one is an
 * entry of the log to every client, also to those that do not know the type.
 */
export const StreamFinishedSchema = Closed({ type: Type.Literal("stream.finished"), ...place, target: SeqSchema });

/** Why a stream ended without a message. */
export const streamAbortReasons = ["bot", "timeout", "too_long", "gone", "removed", "blocked", "control", "restart"] as const;
export type StreamAbortReason = (typeof streamAbortReasons)[number];

/** There will be no message of this stream. `detail` is what the bot says of it. */
export const StreamAbortedSchema = Closed({
  type: Type.Literal("stream.aborted"),
  ...place,
  reason: Type.Unsafe<StreamAbortReason>(Type.Union(streamAbortReasons.map((reason) => Type.Literal(reason)))),
  detail: Type.Optional(Type.String({ minLength: 1, maxLength: streamLimits.detailMaxLength })),
});

/** The text so far of a stream that is under way. */
export const StreamDraftSchema = Closed({
  stream: ClientIdSchema,
  from: UserIdSchema,
  text: DraftTextSchema,
  startedAt: TimeSchema,
  replyTo: Type.Optional(SeqSchema),
});

export type ThinkingStarted = Type.Static<typeof ThinkingStartedSchema>;
export type ThinkingStopped = Type.Static<typeof ThinkingStoppedSchema>;
export type StreamStarted = Type.Static<typeof StreamStartedSchema>;
export type StreamAppended = Type.Static<typeof StreamAppendedSchema>;
export type StreamFinished = Type.Static<typeof StreamFinishedSchema>;
export type StreamAborted = Type.Static<typeof StreamAbortedSchema>;
export type StreamDraft = Type.Static<typeof StreamDraftSchema>;
/** What members are told of a stream. */
export type StreamEvent = StreamStarted | StreamAppended | StreamFinished | StreamAborted;
