/**
 * Webhooks of bots: how one is registered, what a delivery says, and what may be answered. The signature is in
 * `webhook-signature.ts`. Rules W1… of docs/PROTOCOL.md.
 */
import Type from "typebox";
import { LogEventSchema, type LogEvent } from "./events.ts";
import { templateLimits } from "./limits.ts";
import { ConversationSchema, UserSchema } from "./records.ts";
import { Closed, ConversationIdSchema, CountSchema, SeqSchema, TimeSchema, UserIdSchema } from "./scalars.ts";
import { MessageBodySchema } from "./templates/envelope.ts";

/** The bounds of webhooks. */
export const webhookLimits = {
  /** Code points of a webhook's URL. */
  webhookUrlMaxLength: 2_000,
  /** How long an old secret signs beside a new one when nothing else is said, and at most: a day, and a week. */
  overlapDefaultMs: 86_400_000,
  overlapMaxMs: 604_800_000,
  /** Secrets that sign at a time: the current one and two that are being replaced. */
  webhookSecretsMax: 3,
  /** From the request to the last byte of the answer. */
  webhookTimeoutMs: 10_000,
  /** UTF-8 bytes of an answer's body. */
  webhookAnswerMaxBytes: 65_536,
  /** Code points of a toast. */
  toastMaxLength: 200,
} as const;

const types = LogEventSchema.anyOf.map(({ properties }) => properties.type.const) as readonly LogEvent["type"][];

/** The type of an event of the log. */
export const LogEventTypeSchema = Type.Unsafe<LogEvent["type"]>({ type: "string", enum: [...types], description: "The type of an event of the log" });

/** What a webhook is called for when it names no `events`: what is said to a bot, and who is there. */
export const webhookDefaultEvents: readonly LogEvent["type"][] = types.filter((type) =>
  ["message.created", "interaction.created", "control.changed", "member.added", "member.removed"].includes(type),
);

const WebhookUrlSchema = Type.String({ minLength: 1, maxLength: webhookLimits.webhookUrlMaxLength });
const EventsSchema = Type.Array(LogEventTypeSchema, { minItems: 1, maxItems: types.length, uniqueItems: true });

/** What is said of a webhook when it is registered. Without `events` it is called for {@link webhookDefaultEvents}. */
export const webhookFields = { url: WebhookUrlSchema, events: Type.Optional(EventsSchema) } as const;

const fault = { at: TimeSchema, code: Type.String(), message: Type.String(), conversation: ConversationIdSchema, seq: SeqSchema } as const;

/** A webhook as its bot and the backend see it; secrets are never among it. */
export const WebhookSchema = Closed(
  {
    url: WebhookUrlSchema,
    events: EventsSchema,
    createdAt: TimeSchema,
    /** Its URL answered 410: nothing is delivered until it is registered again. */
    disabledAt: Type.Optional(TimeSchema),
    secrets: Type.Array(Closed({ createdAt: TimeSchema, until: Type.Optional(TimeSchema) })),
    status: Closed({
      /** Conversations whose next event waits for another attempt; at most 100 are counted. */
      failing: CountSchema,
      failingSince: Type.Optional(TimeSchema),
      nextTryAt: Type.Optional(TimeSchema),
      lastError: Type.Optional(Closed({ ...fault, attempts: CountSchema })),
      /** Answers that could not be used, though the event was taken. */
      badAnswers: CountSchema,
      lastBadAnswer: Type.Optional(Closed(fault)),
      deadLetters: CountSchema,
      /** Dead letters that had to make room for newer ones. */
      deadLettersDropped: CountSchema,
    }),
  },
  { title: "Webhook" },
);

/** An event that was given up after 72 hours. It names the event and does not hold it. */
export const DeadLetterSchema = Closed(
  {
    id: Type.String(),
    conversation: ConversationIdSchema,
    seq: SeqSchema,
    type: Type.String(),
    attempts: CountSchema,
    firstFailureAt: TimeSchema,
    at: TimeSchema,
    code: Type.String(),
    message: Type.String(),
  },
  { title: "DeadLetter" },
);

/** The body of a delivery: one event, with what a program that keeps nothing needs to answer it. */
export const WebhookDeliverySchema = Closed(
  {
    /** That of the event. */
    type: LogEventTypeSchema,
    bot: UserIdSchema,
    /** As the bot sees it, without `last`. */
    conversation: ConversationSchema,
    /** The profile of the event's `from`. */
    user: UserSchema,
    event: LogEventSchema,
  },
  { title: "WebhookDelivery" },
);

/** What may be in the body of a 2xx answer with `Content-Type: application/json`. */
export const WebhookAnswerSchema = Closed(
  {
    messages: Type.Optional(Type.Array(MessageBodySchema, { minItems: 1, maxItems: templateLimits.messagesPerSendMax })),
    toast: Type.Optional(Type.String({ minLength: 1, maxLength: webhookLimits.toastMaxLength })),
  },
  { title: "WebhookAnswer" },
);

export type Webhook = Type.Static<typeof WebhookSchema>;
export type DeadLetter = Type.Static<typeof DeadLetterSchema>;
export type WebhookDelivery = Type.Static<typeof WebhookDeliverySchema>;
export type WebhookAnswer = Type.Static<typeof WebhookAnswerSchema>;
