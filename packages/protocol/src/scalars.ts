/**
 * The small schemas that frames and records are made of. One definition gives the TypeScript type, the
 * validator and the JSON Schema of /openapi.json and /asyncapi.json (typebox).
 */
import Type from "typebox";
import { isCustomData, type CustomData } from "./custom-data.ts";
import { isEmoji } from "./emoji.ts";
import { clientIdPattern, conversationIdPattern, userIdPattern, type ClientId, type ConversationId, type UserId } from "./ids.ts";
import { limits } from "./limits.ts";

export const UserIdSchema = Type.Unsafe<UserId>({ type: "string", pattern: userIdPattern, description: "The host product's own id of a user" });
export const ConversationIdSchema = Type.Unsafe<ConversationId>({ type: "string", pattern: conversationIdPattern });
export const ClientIdSchema = Type.Unsafe<ClientId>({
  type: "string",
  pattern: clientIdPattern,
  description: "The sender's own id for one send; makes a retry harmless",
});
export const RefSchema = Type.Union(
  [Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Type.String({ minLength: 1, maxLength: limits.refMaxLength })],
  {
    description: "Chosen by the client; the answer carries the same",
  },
);
export const SeqSchema = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const TimeSchema = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "Epoch milliseconds" });
export const CountSchema = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const RoleSchema = Type.Union([Type.Literal("owner"), Type.Literal("admin"), Type.Literal("member")]);
export const TitleSchema = Type.String({ minLength: 1, maxLength: limits.titleMaxLength });
/** Who may write in a group: absent, all members; `admins`, its owners and admins. */
export const WriteSchema = Type.Literal("admins");
export const SlowModeSchema = Type.Integer({ minimum: limits.slowModeMinMs, maximum: limits.slowModeMaxMs });
export const RetentionSchema = Type.Integer({ minimum: limits.retentionMinMs, maximum: limits.retentionMaxMs });
export const LimitSchema = Type.Integer({ minimum: 1, maximum: limits.pageMax, default: limits.pageDefault });

/** https anywhere; http only to the machine itself, for development. */
export const UrlSchema = Type.String({
  maxLength: limits.urlMaxLength,
  pattern: "^(https://[^\\s/?#]|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:[0-9]{1,5})?([/?#]|$))[^\\s]*$",
});

export const DataSchema = Type.Refine(
  Type.Unsafe<CustomData>({ type: "object", description: "Custom data: a JSON object of at most 4 KiB" }),
  (value) => isCustomData(value),
  () => "must be a JSON object of at most 4 KiB, nested at most 16 deep",
);

export const EmojiSchema = Type.Refine(
  Type.String({ minLength: 1, maxLength: limits.emojiMaxLength, description: "A reaction: one emoji, or a host's own `:name:`" }),
  (value) => isEmoji(value),
  () => "must be one visible character such as 👍, or a name such as :party:",
);

/**
 * Bytes: a `Uint8Array` in a program and in MessagePack, base64 in JSON. The JSON codec finds these fields
 * by this schema (see `byte-fields.ts`).
 */
export function BytesSchema(maxBytes: number) {
  return Type.Refine(
    Type.Unsafe<Uint8Array>({ contentEncoding: "base64", description: `Up to ${maxBytes} bytes: base64 in JSON, bin in MessagePack` }),
    (value) => value instanceof Uint8Array && value.byteLength >= 1 && value.byteLength <= maxBytes,
    () => `must be 1 to ${maxBytes} bytes (base64 in JSON)`,
  );
}

/** An object that refuses fields it does not know. */
export function Closed<Properties extends Type.TProperties>(properties: Properties, options: Type.TObjectOptions = {}) {
  return Type.Object(properties, { ...options, additionalProperties: false });
}
