/** Messages with several facts: lists, details, receipts, forms. */
import type { ContentOf } from "@suda/protocol";
import { textWidth } from "../cell-width.ts";
import type { Span } from "../span.ts";
import { safeLine } from "../text-safety.ts";
import { block, buttonLine, buttonSpans, dateAndTime, dotted, line, money, type DrawContext, type Line } from "./drawing.ts";

/** Cells of labels at most: a long one does not push all values away. */
const labelMaxWidth = 24;

export function drawList({ header, items, buttons }: ContentOf<"list">, context: DrawContext): readonly Line[] {
  return [
    ...line(header, "bold"),
    ...items.map(({ title, description, action }): Line => {
      const pressed = buttonSpans(action, context);
      return [
        { text: `• ${safeLine(title)}`, style: "plain" },
        ...(description === undefined ? [] : [{ text: ` — ${safeLine(description)}`, style: "dim" } as const]),
        ...(pressed.length === 0 ? [] : [{ text: "  ", style: "plain" } as const, ...pressed]),
      ];
    }),
    ...buttonLine(buttons, context),
  ];
}

export function drawDetails(content: ContentOf<"details">, context: DrawContext): readonly Line[] {
  const { head, profile, imageTitle, rows, summary, alignment, title, description, buttons } = content;
  const last = summary === undefined ? [] : [{ ...summary, isStrong: true }];
  return [
    ...line(profile?.name, "dim"),
    ...line(head, "bold"),
    ...line(imageTitle === undefined ? undefined : dotted(imageTitle.title, imageTitle.description)),
    ...table([...rows, ...last], alignment === "right"),
    ...line(title, "bold"),
    ...block(description),
    ...buttonLine(buttons, context),
  ];
}

export function drawReceipt(content: ContentOf<"receipt">, { messages }: DrawContext): readonly Line[] {
  const { orderNumber, currency, paymentMethod, at, recipient, merchant, items = [], address, summary, adjustments = [] } = content;
  const { templates } = messages;
  const row = (label: string, amount: number | undefined, sign = ""): Fact[] =>
    amount === undefined ? [] : [{ label, value: `${sign}${money(amount, currency, messages)}` }];
  return [
    ...line(templates.receipt(orderNumber), "bold"),
    ...line(dotted(merchant, at === undefined ? undefined : dateAndTime(at, messages)), "dim"),
    ...table(
      [
        ...items.flatMap(({ title, subtitle, quantity = 1, price }) =>
          row(`${title}${quantity === 1 ? "" : ` ×${quantity}`}${subtitle === undefined ? "" : ` (${subtitle})`}`, price),
        ),
        ...row(templates.subtotal, summary.subtotal),
        ...row(templates.shipping, summary.shipping),
        ...row(templates.tax, summary.tax),
        ...adjustments.flatMap(({ name, amount }) => row(name, amount, "−")),
        ...row(templates.total, summary.total).map((fact) => ({ ...fact, isStrong: true })),
      ],
      true,
    ),
    ...line(dotted(recipient, address, paymentMethod), "dim"),
  ];
}

export function drawForm({ title, fields, expiresAt }: ContentOf<"form">, context: DrawContext): readonly Line[] {
  const { messages, buttons } = context;
  return [
    ...line(title, "bold"),
    ...fields.map(({ label, required, options = [] }): Line => {
      const choices = options.map((option) => safeLine(option.label)).join(" / ");
      return [
        { text: `• ${safeLine(label)}${required === true ? " *" : ""}`, style: "plain" },
        ...(choices === "" ? [] : [{ text: `: ${choices}`, style: "dim" } as const]),
      ];
    }),
    ...(expiresAt === undefined ? [] : line(messages.templates.until(dateAndTime(expiresAt, messages)), "dim")),
    ...buttonLine(
      buttons.filter(({ action }) => action.type === "submit").map(({ action }) => action),
      context,
    ),
  ];
}

interface Fact {
  readonly label: string;
  readonly value: string;
  readonly isStrong?: boolean;
}

/** Labels and values in two columns. */
function table(facts: readonly Fact[], isRight: boolean): readonly Line[] {
  const safe = facts.map((fact) => ({ ...fact, label: safeLine(fact.label), value: safeLine(fact.value) }));
  const width = Math.min(labelMaxWidth, Math.max(0, ...safe.map(({ label }) => textWidth(label))));
  const valueWidth = isRight ? Math.max(0, ...safe.map(({ value }) => textWidth(value))) : 0;
  return safe.map(({ label, value, isStrong }): readonly Span[] => {
    const room = Math.max(0, width - textWidth(label)) + 2 + Math.max(0, valueWidth - textWidth(value));
    return [
      { text: label + " ".repeat(room), style: isStrong === true ? "bold" : "dim" },
      { text: value, style: isStrong === true ? "bold" : "plain" },
    ];
  });
}
