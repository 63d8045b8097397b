/** What stands beside a message's content: its text for those who cannot see it, quick replies, who it seems to come from. */
import Type from "typebox";
import { ContentSchema } from "../content.ts";
import { templateLimits } from "../limits.ts";
import { Closed, DataSchema, SeqSchema, UrlSchema } from "../scalars.ts";
import { QuickReplySchema } from "./actions.ts";

const sender = Closed(
  { name: Type.String({ minLength: 1, maxLength: templateLimits.senderNameMaxLength }), iconUrl: Type.Optional(UrlSchema) },
  { title: "Sender" },
);

/** Name and picture that a bot shows for one message instead of its own. */
export interface Sender extends Type.Static<typeof sender> {}
export const SenderSchema = Type.Unsafe<Sender>(sender);

/** Beside `content`, of a command that sends and of the message in the log. */
export const envelopeFields = {
  altText: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: templateLimits.altTextMaxLength,
      description: "The message in words: for push, search, screen readers and clients that do not know the type",
    }),
  ),
  quickReplies: Type.Optional(Type.Array(QuickReplySchema, { maxItems: templateLimits.quickRepliesMax })),
  sender: Type.Optional(SenderSchema),
  silent: Type.Optional(Type.Boolean({ description: "No sound and no push" })),
  data: Type.Optional(DataSchema),
  replyTo: Type.Optional(SeqSchema),
} as const;

/** A message before it is sent: content and envelope. */
export const messageFields = { content: ContentSchema, ...envelopeFields } as const;

const messageBody = Closed(messageFields, { title: "MessageBody" });

/** A message before it is sent, as a bot writes it and `checkMessage` judges it. */
export interface MessageBody extends Type.Static<typeof messageBody> {}
export const MessageBodySchema = Type.Unsafe<MessageBody>(messageBody);
