/** Media by URL, places, stickers, and small bytes inside the message. Files uploaded to the server come later: only `url` now. */
import Type from "typebox";
import { limits, templateLimits } from "../limits.ts";
import { BytesSchema, Closed, CountSchema, UrlSchema } from "../scalars.ts";

const caption = Type.Optional(Type.String({ maxLength: limits.captionMaxLength }));
const mime = Type.String({ minLength: 3, maxLength: limits.mimeMaxLength, pattern: "^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$" });
const fileName = Type.String({ minLength: 1, maxLength: limits.fileNameMaxLength });

export const PixelsSchema = Type.Integer({ minimum: 1, maximum: templateLimits.pixelsMax });
export const DurationSchema = Type.Integer({ minimum: 0, maximum: 86_400_000, description: "Milliseconds" });
export const AltSchema = Type.String({ maxLength: limits.altMaxLength, description: "For those who do not see the image" });

const album = Closed(
  {
    id: Type.String({ minLength: 1, maxLength: templateLimits.albumIdMaxLength }),
    index: Type.Integer({ minimum: 0, maximum: templateLimits.albumMax - 1 }),
    total: Type.Integer({ minimum: 1, maximum: templateLimits.albumMax }),
  },
  { title: "Album" },
);

/** Images of one album are messages of their own, which clients show together. */
export interface Album extends Type.Static<typeof album> {}
export const AlbumSchema = Type.Unsafe<Album>(album);

const imageContent = Closed(
  {
    type: Type.Literal("image"),
    url: UrlSchema,
    preview: Type.Optional(UrlSchema),
    width: Type.Optional(PixelsSchema),
    height: Type.Optional(PixelsSchema),
    alt: Type.Optional(AltSchema),
    caption,
    album: Type.Optional(AlbumSchema),
  },
  { title: "ImageContent" },
);

export interface ImageContent extends Type.Static<typeof imageContent> {}
export const ImageContentSchema = Type.Unsafe<ImageContent>(imageContent);

const videoContent = Closed(
  {
    type: Type.Literal("video"),
    url: UrlSchema,
    preview: Type.Optional(UrlSchema),
    durationMs: Type.Optional(DurationSchema),
    caption,
    trackingId: Type.Optional(
      Type.String({ minLength: 1, maxLength: templateLimits.trackingIdMaxLength, description: "Names the video when it was played to its end" }),
    ),
  },
  { title: "VideoContent" },
);

export interface VideoContent extends Type.Static<typeof videoContent> {}
export const VideoContentSchema = Type.Unsafe<VideoContent>(videoContent);

const audioContent = Closed(
  {
    type: Type.Literal("audio"),
    url: UrlSchema,
    durationMs: DurationSchema,
    waveform: Type.Optional(Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), { maxItems: limits.waveformMax })),
  },
  { title: "AudioContent" },
);

export interface AudioContent extends Type.Static<typeof audioContent> {}
export const AudioContentSchema = Type.Unsafe<AudioContent>(audioContent);

const fileContent = Closed(
  {
    type: Type.Literal("file"),
    url: UrlSchema,
    name: fileName,
    size: Type.Optional(CountSchema),
    mime: Type.Optional(mime),
  },
  { title: "FileContent" },
);

export interface FileContent extends Type.Static<typeof fileContent> {}
export const FileContentSchema = Type.Unsafe<FileContent>(fileContent);

const locationContent = Closed(
  {
    type: Type.Literal("location"),
    title: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.locationTitleMaxLength })),
    address: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.addressMaxLength })),
    latitude: Type.Number({ minimum: -90, maximum: 90 }),
    longitude: Type.Number({ minimum: -180, maximum: 180 }),
  },
  { title: "LocationContent" },
);

export interface LocationContent extends Type.Static<typeof locationContent> {}
export const LocationContentSchema = Type.Unsafe<LocationContent>(locationContent);

const stickerContent = Closed(
  {
    type: Type.Literal("sticker"),
    packId: Type.String({ minLength: 1, maxLength: templateLimits.stickerIdMaxLength }),
    stickerId: Type.String({ minLength: 1, maxLength: templateLimits.stickerIdMaxLength }),
    url: UrlSchema,
    keywords: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: templateLimits.stickerKeywordMaxLength }), { maxItems: templateLimits.stickerKeywordsMax }),
    ),
  },
  { title: "StickerContent" },
);

export interface StickerContent extends Type.Static<typeof stickerContent> {}
export const StickerContentSchema = Type.Unsafe<StickerContent>(stickerContent);

const bytesContent = Closed(
  {
    type: Type.Literal("bytes"),
    mime,
    name: Type.Optional(fileName),
    bytes: BytesSchema(limits.bytesMaxBytes),
  },
  { title: "BytesContent" },
);

export interface BytesContent extends Type.Static<typeof bytesContent> {}
export const BytesContentSchema = Type.Unsafe<BytesContent>(bytesContent);
