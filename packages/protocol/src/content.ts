/**
 * What a message can hold. A content names its `type`; the limits are checked here, on the server and in
 * clients alike. Templates for bots join this union later.
 */
import Type from "typebox";
import { limits } from "./limits.ts";
import { BytesSchema, Closed, CountSchema, UrlSchema, UserIdSchema } from "./scalars.ts";

const caption = Type.Optional(Type.String({ maxLength: limits.captionMaxLength }));
const mime = Type.String({ minLength: 3, maxLength: limits.mimeMaxLength, pattern: "^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$" });
const name = Type.String({ minLength: 1, maxLength: limits.fileNameMaxLength });
const pixels = Type.Integer({ minimum: 1, maximum: 65_535 });
const durationMs = Type.Integer({ minimum: 0, maximum: 86_400_000 });

export const MentionSchema = Closed(
  {
    user: UserIdSchema,
    offset: Type.Integer({ minimum: 0, maximum: limits.textMaxLength, description: "First code point of the mention in the text" }),
    length: Type.Integer({ minimum: 1, maximum: limits.textMaxLength, description: "Code points of the mention" }),
  },
  { title: "Mention" },
);

export const TextContentSchema = Closed(
  {
    type: Type.Literal("text"),
    text: Type.String({ minLength: 1, maxLength: limits.textMaxLength, description: "Counted in code points" }),
    mentions: Type.Optional(Type.Array(MentionSchema, { maxItems: limits.mentionsMax })),
  },
  { title: "TextContent" },
);

export const ImageContentSchema = Closed(
  {
    type: Type.Literal("image"),
    url: UrlSchema,
    preview: Type.Optional(UrlSchema),
    width: Type.Optional(pixels),
    height: Type.Optional(pixels),
    alt: Type.Optional(Type.String({ maxLength: limits.altMaxLength })),
    caption,
  },
  { title: "ImageContent" },
);

export const VideoContentSchema = Closed(
  {
    type: Type.Literal("video"),
    url: UrlSchema,
    preview: Type.Optional(UrlSchema),
    durationMs: Type.Optional(durationMs),
    caption,
  },
  { title: "VideoContent" },
);

export const AudioContentSchema = Closed(
  {
    type: Type.Literal("audio"),
    url: UrlSchema,
    durationMs,
    waveform: Type.Optional(Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), { maxItems: limits.waveformMax })),
  },
  { title: "AudioContent" },
);

export const FileContentSchema = Closed(
  {
    type: Type.Literal("file"),
    url: UrlSchema,
    name,
    size: Type.Optional(CountSchema),
    mime: Type.Optional(mime),
  },
  { title: "FileContent" },
);

export const LocationContentSchema = Closed(
  {
    type: Type.Literal("location"),
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    address: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    latitude: Type.Number({ minimum: -90, maximum: 90 }),
    longitude: Type.Number({ minimum: -180, maximum: 180 }),
  },
  { title: "LocationContent" },
);

export const BytesContentSchema = Closed(
  {
    type: Type.Literal("bytes"),
    mime,
    name: Type.Optional(name),
    bytes: BytesSchema(limits.bytesMaxBytes),
  },
  { title: "BytesContent" },
);

export const ContentSchema = Type.Union([
  TextContentSchema,
  ImageContentSchema,
  VideoContentSchema,
  AudioContentSchema,
  FileContentSchema,
  LocationContentSchema,
  BytesContentSchema,
]);

/** What is left of a message that was deleted for all. Only the server makes it: no command takes it. */
export const DeletedContentSchema = Closed({ type: Type.Literal("deleted") }, { title: "DeletedContent" });

/** The content of a message as the log shows it. */
export const ShownContentSchema = Type.Union([...ContentSchema.anyOf, DeletedContentSchema]);

export type Content = Type.Static<typeof ContentSchema>;
export type DeletedContent = Type.Static<typeof DeletedContentSchema>;
export type ShownContent = Content | DeletedContent;
export type TextContent = Type.Static<typeof TextContentSchema>;
export type Mention = Type.Static<typeof MentionSchema>;
