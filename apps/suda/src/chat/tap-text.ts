/** A tap as a line between messages: who pressed what, and what they gave, as far as this user may see it. */
import { findAction, type FormField, type InteractionCreated } from "@suda/protocol";
import type { Messages } from "./messages.ts";
import { safeLine } from "./text-safety.ts";
import type { ShownMessage } from "./transcript-items.ts";

/** Code units of a value that are shown. */
const valueMax = 200;

/** @param target the message that was tapped, when it is held */
export function tapText({ action, kind, displayText, value }: InteractionCreated, target: ShownMessage | undefined, by: string, messages: Messages): string {
  const label = target === undefined ? undefined : findAction(target, action)?.label;
  const what = kind === "submit" ? messages.templates.submitted(by) : messages.tapped(by, safeLine(displayText ?? label ?? action));
  return value === undefined
    ? what
    : `${what}: ${safeLine(valueText(value, fieldsOf(target)))
        .slice(0, valueMax)
        .toWellFormed()}`;
}

/** A form says in its own words what was filled in, as long as it is held. */
function fieldsOf(target: ShownMessage | undefined): readonly FormField[] {
  return target?.content.type === "form" ? target.content.fields : [];
}

function valueText(value: NonNullable<InteractionCreated["value"]>, fields: readonly FormField[]): string {
  if (typeof value === "string") return value;
  return Object.entries(value)
    .map(([key, one]) => {
      const field = fields.find(({ id }) => id === key);
      const labelOf = (chosen: unknown): unknown => field?.options?.find((option) => option.value === chosen)?.label ?? chosen;
      const shown = Array.isArray(one) ? one.map(labelOf).join(" / ") : labelOf(one);
      return `${field?.label ?? key} ${typeof shown === "string" ? shown : JSON.stringify(shown)}`;
    })
    .join(", ");
}
