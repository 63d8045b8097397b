/** A tap on the wire: what a client sends of it, and the toast that answers it. What becomes of it is in `events.ts`. */
import Type from "typebox";
import { isCustomData, type CustomData } from "../custom-data.ts";
import { templateLimits } from "../limits.ts";
import { formSubmitId } from "./find-action.ts";
import type { InteractionKind } from "./interaction-words.ts";

export const ActionIdSchema = Type.String({
  minLength: 1,
  maxLength: templateLimits.actionIdMaxLength,
  description: `Of an action or quick reply of the message; \`${formSubmitId}\` sends its form`,
});

const kinds = ["message", "postback", "uri", "call", "datetime", "copy", "request", "share", "handoff", "submit"] as const satisfies readonly InteractionKind[];

export const InteractionKindSchema = Type.Unsafe<InteractionKind>(Type.Union(kinds.map((kind) => Type.Literal(kind))));

/** What the tapper gives with the tap: a day, an address, a place, a filled form. Held against the action by `checkTapValue`. */
export type InteractionValue = string | CustomData;

export const InteractionValueSchema = Type.Unsafe<InteractionValue>(
  Type.Union(
    [
      Type.String({ maxLength: templateLimits.tapTextMaxLength }),
      Type.Refine(
        Type.Unsafe<CustomData>({ type: "object" }),
        (value) => isCustomData(value, templateLimits.tapValueMaxBytes),
        () => "must be a JSON object of at most 32 KiB, nested at most 16 deep",
      ),
    ],
    { title: "InteractionValue", description: "A text of at most 1,000 code points, or a JSON object of at most 32 KiB, as the action asks" },
  ),
);

/** Of `interaction.tap` and of its route. */
export const tapFields = { action: ActionIdSchema, value: Type.Optional(InteractionValueSchema) } as const;

export const ToastSchema = Type.String({ minLength: 1, maxLength: templateLimits.toastMaxLength });
