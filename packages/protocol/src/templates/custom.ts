/** Content of a kind that the host has made up. */
import Type from "typebox";
import { isCustomData, type CustomData } from "../custom-data.ts";
import { templateLimits } from "../limits.ts";
import { Closed } from "../scalars.ts";

export const customKindPattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$";

const customContent = Closed(
  {
    type: Type.Literal("custom"),
    kind: Type.String({ minLength: 1, maxLength: templateLimits.customKindMaxLength, pattern: customKindPattern }),
    data: Type.Refine(
      Type.Unsafe<CustomData>({ type: "object", description: "A JSON object of at most 8 KiB" }),
      (value) => isCustomData(value, templateLimits.customDataMaxBytes),
      () => "must be a JSON object of at most 8 KiB, nested at most 16 deep",
    ),
  },
  { title: "CustomContent" },
);

export interface CustomContent extends Type.Static<typeof customContent> {}
export const CustomContentSchema = Type.Unsafe<CustomContent>(customContent);
