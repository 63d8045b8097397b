/** Several facts under one another: list, details, receipt. */
import Type from "typebox";
import { templateLimits } from "../limits.ts";
import { Closed, TimeSchema, UrlSchema } from "../scalars.ts";
import { ActionSchema, Buttons } from "./actions.ts";
import { AmountSchema, CurrencySchema, ProfileSchema, TemplateTitleSchema } from "./cards.ts";

const description = Type.String({ minLength: 1, maxLength: templateLimits.descriptionMaxLength });
const partyName = Type.String({ minLength: 1, maxLength: templateLimits.receiptNameMaxLength });

const listItem = Closed(
  { title: TemplateTitleSchema, description: Type.Optional(description), image: Type.Optional(UrlSchema), action: Type.Optional(ActionSchema) },
  { title: "ListItem" },
);

export interface ListItem extends Type.Static<typeof listItem> {}
export const ListItemSchema = Type.Unsafe<ListItem>(listItem);

const listContent = Closed(
  {
    type: Type.Literal("list"),
    header: TemplateTitleSchema,
    items: Type.Array(ListItemSchema, { minItems: 1, maxItems: templateLimits.listItemsMax }),
    buttons: Buttons(templateLimits.buttonsMax),
  },
  { title: "ListContent" },
);

export interface ListContent extends Type.Static<typeof listContent> {}
export const ListContentSchema = Type.Unsafe<ListContent>(listContent);

const imageTitle = Closed({ title: TemplateTitleSchema, description: Type.Optional(description), image: Type.Optional(UrlSchema) }, { title: "ImageTitle" });

export interface ImageTitle extends Type.Static<typeof imageTitle> {}
export const ImageTitleSchema = Type.Unsafe<ImageTitle>(imageTitle);

const row = Closed(
  {
    label: Type.String({ minLength: 1, maxLength: templateLimits.rowLabelMaxLength }),
    value: Type.String({ minLength: 1, maxLength: templateLimits.rowValueMaxLength }),
  },
  { title: "Row" },
);

export interface Row extends Type.Static<typeof row> {}
export const RowSchema = Type.Unsafe<Row>(row);

const detailsContent = Closed(
  {
    type: Type.Literal("details"),
    head: Type.Optional(TemplateTitleSchema),
    profile: Type.Optional(ProfileSchema),
    imageTitle: Type.Optional(ImageTitleSchema),
    rows: Type.Array(RowSchema, { minItems: 1, maxItems: templateLimits.rowsMax }),
    summary: Type.Optional(RowSchema),
    alignment: Type.Optional(Type.Union([Type.Literal("left"), Type.Literal("right")], { description: "Of the values; left when absent" })),
    title: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.detailsTextMaxLength })),
    description: Type.Optional(
      Type.String({ minLength: 1, maxLength: templateLimits.detailsTextMaxLength, description: "With the title at most 200 together" }),
    ),
    buttons: Buttons(templateLimits.buttonsMax),
  },
  { title: "DetailsContent" },
);

export interface DetailsContent extends Type.Static<typeof detailsContent> {}
export const DetailsContentSchema = Type.Unsafe<DetailsContent>(detailsContent);

const receiptItem = Closed(
  {
    title: TemplateTitleSchema,
    subtitle: Type.Optional(description),
    quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: "1 when absent" })),
    price: AmountSchema,
    image: Type.Optional(UrlSchema),
  },
  { title: "ReceiptItem", description: "price is of all pieces together" },
);

export interface ReceiptItem extends Type.Static<typeof receiptItem> {}
export const ReceiptItemSchema = Type.Unsafe<ReceiptItem>(receiptItem);

const adjustment = Closed({ name: partyName, amount: AmountSchema }, { title: "Adjustment", description: "What is taken off: a coupon, points" });

export interface Adjustment extends Type.Static<typeof adjustment> {}
export const AdjustmentSchema = Type.Unsafe<Adjustment>(adjustment);

const receiptSummary = Closed(
  { subtotal: Type.Optional(AmountSchema), shipping: Type.Optional(AmountSchema), tax: Type.Optional(AmountSchema), total: AmountSchema },
  { title: "ReceiptSummary" },
);

export interface ReceiptSummary extends Type.Static<typeof receiptSummary> {}
export const ReceiptSummarySchema = Type.Unsafe<ReceiptSummary>(receiptSummary);

const receiptContent = Closed(
  {
    type: Type.Literal("receipt"),
    orderNumber: Type.String({ minLength: 1, maxLength: templateLimits.orderNumberMaxLength }),
    currency: CurrencySchema,
    paymentMethod: Type.Optional(partyName),
    at: Type.Optional(TimeSchema),
    recipient: Type.Optional(partyName),
    merchant: Type.Optional(partyName),
    items: Type.Optional(Type.Array(ReceiptItemSchema, { maxItems: templateLimits.receiptItemsMax })),
    address: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.addressMaxLength })),
    summary: ReceiptSummarySchema,
    adjustments: Type.Optional(Type.Array(AdjustmentSchema, { maxItems: templateLimits.adjustmentsMax })),
  },
  { title: "ReceiptContent" },
);

export interface ReceiptContent extends Type.Static<typeof receiptContent> {}
export const ReceiptContentSchema = Type.Unsafe<ReceiptContent>(receiptContent);
