/**
 * What a message can hold. A content names its `type`; what each type has is in `templates/`, a file per family.
 * Limits of single fields are in the schemas, rules across fields in `templates/check-message.ts`; both are checked
 * on the server, and can be checked by a bot before it sends.
 */
import Type from "typebox";
import { Closed } from "./scalars.ts";
import {
  CardContentSchema,
  CommerceContentSchema,
  ConfirmContentSchema,
  type CardContent,
  type CommerceContent,
  type ConfirmContent,
} from "./templates/cards.ts";
import { CarouselContentSchema, type CarouselContent } from "./templates/carousel.ts";
import { CustomContentSchema, type CustomContent } from "./templates/custom.ts";
import { FormContentSchema, type FormContent } from "./templates/form.ts";
import { ImagemapContentSchema, type ImagemapContent } from "./templates/imagemap.ts";
import {
  DetailsContentSchema,
  ListContentSchema,
  ReceiptContentSchema,
  type DetailsContent,
  type ListContent,
  type ReceiptContent,
} from "./templates/lists.ts";
import {
  AudioContentSchema,
  BytesContentSchema,
  FileContentSchema,
  ImageContentSchema,
  LocationContentSchema,
  StickerContentSchema,
  VideoContentSchema,
  type AudioContent,
  type BytesContent,
  type FileContent,
  type ImageContent,
  type LocationContent,
  type StickerContent,
  type VideoContent,
} from "./templates/media.ts";
import { TextContentSchema, type TextContent } from "./templates/text.ts";

export type Content =
  | TextContent
  | ImageContent
  | VideoContent
  | AudioContent
  | FileContent
  | LocationContent
  | BytesContent
  | StickerContent
  | CardContent
  | ConfirmContent
  | CommerceContent
  | ListContent
  | DetailsContent
  | ReceiptContent
  | CarouselContent
  | ImagemapContent
  | FormContent
  | CustomContent;

export type ContentType = Content["type"];
export type ContentOf<T extends ContentType> = Extract<Content, { readonly type: T }>;

/** One per type. Text first: a validator tries the variants in this order, and most messages are texts. */
export const contentSchemas = [
  TextContentSchema,
  ImageContentSchema,
  VideoContentSchema,
  AudioContentSchema,
  FileContentSchema,
  LocationContentSchema,
  BytesContentSchema,
  StickerContentSchema,
  CardContentSchema,
  ConfirmContentSchema,
  CommerceContentSchema,
  ListContentSchema,
  DetailsContentSchema,
  ReceiptContentSchema,
  CarouselContentSchema,
  ImagemapContentSchema,
  FormContentSchema,
  CustomContentSchema,
] as const;

export const ContentSchema = Type.Unsafe<Content>(Type.Union([...contentSchemas]));

const deletedContent = Closed({ type: Type.Literal("deleted") }, { title: "DeletedContent" });

/** What is left of a message that was deleted for all. Only the server makes it: no command takes it. */
export interface DeletedContent extends Type.Static<typeof deletedContent> {}
export const DeletedContentSchema = Type.Unsafe<DeletedContent>(deletedContent);

/** The content of a message as the log shows it. */
export type ShownContent = Content | DeletedContent;
export const ShownContentSchema = Type.Unsafe<ShownContent>(Type.Union([...contentSchemas, DeletedContentSchema]));
