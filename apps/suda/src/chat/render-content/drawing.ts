/** What the drawings of all types share: lines of spans, buttons as they are shown, money and times. */
import type { Action } from "@suda/protocol";
import type { Button } from "../buttons.ts";
import type { Messages } from "../messages.ts";
import type { Span, Style } from "../span.ts";
import { safeLine, safeText } from "../text-safety.ts";

export interface DrawContext {
  readonly messages: Messages;
  readonly buttons: readonly Button[];
  /** What the message says in words, for what a terminal cannot draw. */
  readonly altText: string | undefined;
}

export type Line = readonly Span[];

/** One safe line; nothing for what is absent or empty. */
export function line(text: string | undefined, style: Style = "plain"): readonly Line[] {
  return text === undefined || text === "" ? [] : [[{ text: safeLine(text), style }]];
}

/** As many lines as the text has. */
export function block(text: string | undefined, style: Style = "plain"): readonly Line[] {
  return text === undefined
    ? []
    : safeText(text)
        .split("\n")
        .map((one) => [{ text: one, style }]);
}

/** `[picture caption https://…]`: what can be named here and not shown. */
export function box(name: string, ...facts: readonly (string | undefined)[]): string {
  return safeLine(`[${[name, ...facts].filter((fact) => fact !== undefined && fact !== "").join(" ")}]`);
}

/** The facts with a dot between. */
export function dotted(...facts: readonly (string | undefined)[]): string {
  return facts.filter((fact) => fact !== undefined && fact !== "").join(" · ");
}

export function indent(lines: readonly Line[]): readonly Line[] {
  return lines.map((spans) => [{ text: "  ", style: "plain" }, ...spans]);
}

/** `[1] label`, dim and with a word when it is used up; nothing without an action. */
export function buttonSpans(action: Pick<Action, "id"> | undefined, context: DrawContext): readonly Span[] {
  const button = context.buttons.find((one) => one.action.id === action?.id);
  return button === undefined ? [] : [buttonSpan(button, context.messages)];
}

export function buttonSpan({ number, action, isUsed }: Button, { templates }: Messages): Span {
  const text = `[${number}] ${safeLine(action.label ?? templates.submit)}`;
  return isUsed ? { text: `${text} (${templates.used})`, style: "dim" } : { text, style: "bold" };
}

/** All of them on one line, which is wrapped where the screen ends. */
export function buttonLine(actions: readonly Pick<Action, "id">[] | undefined, context: DrawContext): readonly Line[] {
  const spans = (actions ?? []).flatMap((action) => buttonSpans(action, context));
  return spans.length === 0 ? [] : [spaced(spans)];
}

export function spaced(spans: readonly Span[]): Line {
  return spans.flatMap((span, index) => (index === 0 ? [span] : [{ text: "  ", style: "plain" } as const, span]));
}

/** @param amount in the currency's minor unit */
export function money(amount: number, currency: string, { locale }: Messages): string {
  // A server checks that the code is one; one that does not must not break the screen.
  if (!/^[A-Z]{3}$/.test(currency)) return safeLine(`${amount} ${currency}`);
  const format = new Intl.NumberFormat(locale, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(amount / 10 ** digits).replaceAll(/\s/g, " ");
}

/** In the zone of this machine. */
export function dateAndTime(at: number, { locale }: Messages): string {
  const format = new Intl.DateTimeFormat(locale, { year: "numeric", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return Number.isFinite(new Date(at).getTime()) ? format.format(at).replaceAll(/\s/g, " ") : "";
}

/** `3:04`, `1:02:03`. */
export function duration(ms: number | undefined): string | undefined {
  if (ms === undefined) return undefined;
  const seconds = Math.round(ms / 1_000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, String(seconds % 60).padStart(2, "0")];
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${String(minutes).padStart(2, "0")}:${rest}`;
}

/** `812 B`, `47 KB`, `1.2 MB`. */
export function byteSize(bytes: number | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_048_576 ? `${Math.round(bytes / 1_024)} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`;
}
