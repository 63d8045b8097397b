/** Cards, questions with two answers, things for sale, rows of those, and pictures with parts to press. */
import type { CarouselItem, ContentOf, Thumbnail } from "@suda/protocol";
import { block, box, buttonLine, buttonSpans, dotted, duration, indent, line, money, type DrawContext, type Line } from "./drawing.ts";
import { drawDetails, drawList } from "./lists.ts";

export function drawCard(card: ContentOf<"card">, context: DrawContext): readonly Line[] {
  const { title, text, thumbnail, video, profile, defaultAction, buttons } = card;
  return [
    ...line(profile?.name, "dim"),
    ...line(title, "bold"),
    ...block(text),
    ...drawThumbnail(thumbnail, context),
    ...(video === undefined ? [] : line(box(context.messages.content.video, duration(video.durationMs), video.url), "dim")),
    ...buttonLine([...(defaultAction === undefined ? [] : [defaultAction]), ...(buttons ?? [])], context),
  ];
}

export function drawConfirm({ text, actions }: ContentOf<"confirm">, context: DrawContext): readonly Line[] {
  return [...block(text), ...buttonLine(actions, context)];
}

export function drawCommerce(content: ContentOf<"commerce">, context: DrawContext): readonly Line[] {
  const { title, description, price, currency, discountRate, thumbnail, profile, buttons } = content;
  const { messages } = context;
  const now = priceNow(content);
  const off = discountRate === undefined ? money(price - now, currency, messages) : `${discountRate}%`;
  const before = now === price ? [] : [{ text: `  (${money(price, currency, messages)}, −${off} ${messages.templates.off})`, style: "dim" } as const];
  return [
    ...line(profile?.name, "dim"),
    ...line(title, "bold"),
    ...block(description),
    [{ text: money(now, currency, messages), style: "bold" }, ...before],
    ...drawThumbnail(thumbnail, context),
    ...buttonLine(buttons, context),
  ];
}

function priceNow({ price, discount, discountRate, discountedPrice }: ContentOf<"commerce">): number {
  if (discountedPrice !== undefined) return discountedPrice;
  if (discount !== undefined) return Math.max(0, price - discount);
  return discountRate === undefined ? price : Math.round((price * (100 - discountRate)) / 100);
}

export function drawCarousel({ header, items }: ContentOf<"carousel">, context: DrawContext): readonly Line[] {
  return [
    ...line(header?.title, "bold"),
    ...line(header?.text),
    ...drawThumbnail(header?.thumbnail, context),
    ...items.flatMap((item, index) => [...line(`${index + 1}/${items.length}`, "dim"), ...indent(drawItem(item, context))]),
  ];
}

function drawItem(item: CarouselItem, context: DrawContext): readonly Line[] {
  switch (item.type) {
    case "card":
      return drawCard(item, context);
    case "commerce":
      return drawCommerce(item, context);
    case "list":
      return drawList(item, context);
    case "details":
      return drawDetails(item, context);
    case "image":
      return [
        ...line(box(context.messages.content.image, dotted(item.caption, item.alt), item.url)),
        ...(item.action === undefined ? [] : [buttonSpans(item.action, context)]),
      ];
  }
}

export function drawImagemap({ image, areas }: ContentOf<"imagemap">, context: DrawContext): readonly Line[] {
  return [
    ...line(box(context.messages.content.image, context.altText, image)),
    ...buttonLine(
      areas.map(({ action }) => action),
      context,
    ),
  ];
}

function drawThumbnail(thumbnail: Thumbnail | undefined, { messages }: DrawContext): readonly Line[] {
  return thumbnail === undefined ? [] : line(box(messages.content.image, thumbnail.alt, thumbnail.link ?? thumbnail.url), "dim");
}
