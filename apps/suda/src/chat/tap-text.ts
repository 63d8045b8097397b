/** A tap as a line between messages: who pressed what, and what they gave, as far as this user may see it. */
import { findAction, type InteractionCreated } from "@suda/protocol";
import type { Messages } from "./messages.ts";
import { safeLine } from "./text-safety.ts";
import type { ShownMessage } from "./transcript-items.ts";

/** Code units of a value that are shown. */
const valueMax = 200;

/** @param target the message that was tapped, when it is held */
export function tapText({ action, kind, displayText, value }: InteractionCreated, target: ShownMessage | undefined, by: string, messages: Messages): string {
  const label = target === undefined ? undefined : findAction(target, action)?.label;
  const what = kind === "submit" ? messages.templates.submitted(by) : messages.tapped(by, safeLine(displayText ?? label ?? action));
  return value === undefined ? what : `${what}: ${safeLine(valueText(value)).slice(0, valueMax).toWellFormed()}`;
}

function valueText(value: NonNullable<InteractionCreated["value"]>): string {
  if (typeof value === "string") return value;
  return Object.entries(value)
    .map(([key, one]) => `${key} ${typeof one === "string" ? one : JSON.stringify(one)}`)
    .join(", ");
}
