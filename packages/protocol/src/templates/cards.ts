/** One thing with a picture and buttons: card, confirm, commerce. And the parts that other templates share with them. */
import Type from "typebox";
import { templateLimits } from "../limits.ts";
import { Closed, UrlSchema } from "../scalars.ts";
import { ActionSchema, Buttons } from "./actions.ts";
import { AltSchema, DurationSchema } from "./media.ts";

export const TemplateTitleSchema = Type.String({ minLength: 1, maxLength: templateLimits.titleMaxLength });
export const RatioSchema = Type.Union([Type.Literal("2:1"), Type.Literal("1.51:1"), Type.Literal("1:1")], {
  title: "Ratio",
  description: "Width to height; 2:1 when absent",
});

const thumbnail = Closed(
  {
    url: UrlSchema,
    alt: Type.Optional(AltSchema),
    link: Type.Optional(UrlSchema),
    ratio: Type.Optional(RatioSchema),
    fit: Type.Optional(Type.Union([Type.Literal("cover"), Type.Literal("contain")], { description: "cover when absent" })),
  },
  { title: "Thumbnail" },
);

export interface Thumbnail extends Type.Static<typeof thumbnail> {}
export const ThumbnailSchema = Type.Unsafe<Thumbnail>(thumbnail);

const cardVideo = Closed({ url: UrlSchema, preview: Type.Optional(UrlSchema), durationMs: Type.Optional(DurationSchema) }, { title: "CardVideo" });

export interface CardVideo extends Type.Static<typeof cardVideo> {}
export const CardVideoSchema = Type.Unsafe<CardVideo>(cardVideo);

const profile = Closed(
  { name: Type.String({ minLength: 1, maxLength: templateLimits.profileNameMaxLength }), icon: Type.Optional(UrlSchema) },
  { title: "Profile" },
);

export interface Profile extends Type.Static<typeof profile> {}
export const ProfileSchema = Type.Unsafe<Profile>(profile);

/** ISO 4217, upper case; {@link isCurrency} knows the codes. */
export const CurrencySchema = Type.String({ title: "Currency", pattern: "^[A-Z]{3}$", description: "ISO 4217, such as KRW" });

/** In the currency's minor unit: won, cents. */
export const AmountSchema = Type.Integer({
  title: "Amount",
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: "In the currency's minor unit: 12000 is ₩12,000 or $120.00",
});

const cardContent = Closed(
  {
    type: Type.Literal("card"),
    title: Type.Optional(TemplateTitleSchema),
    text: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.cardTextMaxLength })),
    thumbnail: Type.Optional(ThumbnailSchema),
    video: Type.Optional(CardVideoSchema),
    profile: Type.Optional(ProfileSchema),
    defaultAction: Type.Optional(ActionSchema),
    buttons: Buttons(templateLimits.cardButtonsMax),
    layout: Type.Optional(Type.Union([Type.Literal("vertical"), Type.Literal("horizontal")], { description: "Of the buttons; vertical when absent" })),
  },
  { title: "CardContent" },
);

export interface CardContent extends Type.Static<typeof cardContent> {}
export const CardContentSchema = Type.Unsafe<CardContent>(cardContent);

const confirmContent = Closed(
  {
    type: Type.Literal("confirm"),
    text: Type.String({ minLength: 1, maxLength: templateLimits.confirmTextMaxLength }),
    actions: Type.Array(ActionSchema, { minItems: 2, maxItems: 2 }),
  },
  { title: "ConfirmContent" },
);

export interface ConfirmContent extends Type.Static<typeof confirmContent> {}
export const ConfirmContentSchema = Type.Unsafe<ConfirmContent>(confirmContent);

const commerceContent = Closed(
  {
    type: Type.Literal("commerce"),
    title: TemplateTitleSchema,
    description: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.commerceDescriptionMaxLength })),
    price: AmountSchema,
    currency: CurrencySchema,
    discount: Type.Optional(AmountSchema),
    discountRate: Type.Optional(Type.Number({ minimum: 0, maximum: 100, description: "Per cent" })),
    discountedPrice: Type.Optional(AmountSchema),
    thumbnail: Type.Optional(ThumbnailSchema),
    profile: Type.Optional(ProfileSchema),
    buttons: Buttons(templateLimits.buttonsMax),
  },
  { title: "CommerceContent" },
);

export interface CommerceContent extends Type.Static<typeof commerceContent> {}
export const CommerceContentSchema = Type.Unsafe<CommerceContent>(commerceContent);
