/** Questions that are answered in one go. */
import Type from "typebox";
import { templateLimits } from "../limits.ts";
import { Closed, TimeSchema } from "../scalars.ts";
import { TemplateTitleSchema } from "./cards.ts";

const formOption = Closed(
  {
    value: Type.String({ minLength: 1, maxLength: templateLimits.optionValueMaxLength, description: "What the bot gets; unique in the field" }),
    label: Type.String({ minLength: 1, maxLength: templateLimits.optionLabelMaxLength }),
  },
  { title: "FormOption" },
);

export interface FormOption extends Type.Static<typeof formOption> {}
export const FormOptionSchema = Type.Unsafe<FormOption>(formOption);

const formField = Closed(
  {
    id: Type.String({ minLength: 1, maxLength: templateLimits.fieldIdMaxLength, description: "Unique in the form" }),
    kind: Type.Union([
      Type.Literal("text"),
      Type.Literal("textarea"),
      Type.Literal("email"),
      Type.Literal("number"),
      Type.Literal("select"),
      Type.Literal("multiselect"),
      Type.Literal("date"),
      Type.Literal("time"),
      Type.Literal("checkbox"),
    ]),
    label: Type.String({ minLength: 1, maxLength: templateLimits.fieldLabelMaxLength }),
    required: Type.Optional(Type.Boolean()),
    options: Type.Optional(Type.Array(FormOptionSchema, { minItems: 1, maxItems: templateLimits.optionsMax, description: "Of select and multiselect" })),
    maxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: templateLimits.fieldTextMaxLength, description: "Of text and textarea" })),
  },
  { title: "FormField" },
);

export interface FormField extends Type.Static<typeof formField> {}
export const FormFieldSchema = Type.Unsafe<FormField>(formField);

const formContent = Closed(
  {
    type: Type.Literal("form"),
    title: TemplateTitleSchema,
    fields: Type.Array(FormFieldSchema, { minItems: 1, maxItems: templateLimits.formFieldsMax }),
    submitLabel: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.submitLabelMaxLength })),
    once: Type.Optional(Type.Boolean({ description: "Only the first answer counts" })),
    expiresAt: Type.Optional(TimeSchema),
  },
  { title: "FormContent" },
);

export interface FormContent extends Type.Static<typeof formContent> {}
export const FormContentSchema = Type.Unsafe<FormContent>(formContent);
