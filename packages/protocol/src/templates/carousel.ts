/** Cards, products, lists, details or images side by side; all of one kind. */
import Type from "typebox";
import { templateLimits } from "../limits.ts";
import { Closed, UrlSchema } from "../scalars.ts";
import { ActionSchema } from "./actions.ts";
import {
  CardContentSchema,
  CommerceContentSchema,
  RatioSchema,
  TemplateTitleSchema,
  ThumbnailSchema,
  type CardContent,
  type CommerceContent,
} from "./cards.ts";
import { DetailsContentSchema, ListContentSchema, type DetailsContent, type ListContent } from "./lists.ts";
import { AltSchema } from "./media.ts";

const carouselImage = Closed(
  {
    type: Type.Literal("image"),
    url: UrlSchema,
    alt: Type.Optional(AltSchema),
    caption: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.descriptionMaxLength })),
    ratio: Type.Optional(RatioSchema),
    action: Type.Optional(ActionSchema),
  },
  { title: "CarouselImage" },
);

export interface CarouselImage extends Type.Static<typeof carouselImage> {}
export const CarouselImageSchema = Type.Unsafe<CarouselImage>(carouselImage);

export type CarouselItem = CardContent | CommerceContent | ListContent | DetailsContent | CarouselImage;

export const CarouselItemSchema = Type.Unsafe<CarouselItem>(
  Type.Union([CardContentSchema, CommerceContentSchema, ListContentSchema, DetailsContentSchema, CarouselImageSchema], {
    title: "CarouselItem",
  }),
);

const carouselHeader = Closed(
  {
    title: TemplateTitleSchema,
    text: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.descriptionMaxLength })),
    thumbnail: Type.Optional(ThumbnailSchema),
  },
  { title: "CarouselHeader" },
);

export interface CarouselHeader extends Type.Static<typeof carouselHeader> {}
export const CarouselHeaderSchema = Type.Unsafe<CarouselHeader>(carouselHeader);

const carouselContent = Closed(
  {
    type: Type.Literal("carousel"),
    header: Type.Optional(CarouselHeaderSchema),
    items: Type.Array(CarouselItemSchema, { minItems: 1, maxItems: templateLimits.carouselItemsMax }),
  },
  { title: "CarouselContent" },
);

export interface CarouselContent extends Type.Static<typeof carouselContent> {}
export const CarouselContentSchema = Type.Unsafe<CarouselContent>(carouselContent);
