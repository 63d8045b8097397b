/**
 * A content as spans, with line feeds between its lines: every type of docs/BOTS.md has a drawing in this folder.
 * Nothing of a message comes out of here but through `safeText` or `safeLine`.
 */
import type { ShownContent } from "@suda/protocol";
import { safeLine, safeText } from "../text-safety.ts";
import type { Span } from "../span.ts";
import { drawCard, drawCarousel, drawCommerce, drawConfirm, drawImagemap } from "./cards.ts";
import { block, line, type DrawContext, type Line } from "./drawing.ts";
import { drawDetails, drawForm, drawList, drawReceipt } from "./lists.ts";
import { drawMedia } from "./media.ts";
import { drawText } from "./text.ts";

export function renderContent(content: ShownContent, context: DrawContext): readonly Span[] {
  return draw(content, context).flatMap((spans, index) => (index === 0 ? spans : [{ text: "\n", style: "plain" } as const, ...spans]));
}

function draw(content: ShownContent, context: DrawContext): readonly Line[] {
  const { messages, altText } = context;
  switch (content.type) {
    case "text":
      return drawText(content);
    case "image":
    case "video":
    case "audio":
    case "file":
    case "location":
    case "bytes":
    case "sticker":
      return drawMedia(content, context);
    case "card":
      return drawCard(content, context);
    case "confirm":
      return drawConfirm(content, context);
    case "commerce":
      return drawCommerce(content, context);
    case "list":
      return drawList(content, context);
    case "details":
      return drawDetails(content, context);
    case "receipt":
      return drawReceipt(content, context);
    case "carousel":
      return drawCarousel(content, context);
    case "imagemap":
      return drawImagemap(content, context);
    case "form":
      return drawForm(content, context);
    case "deleted":
      return line(messages.deletedMessage, "dim");
    // Only the host knows how a custom kind looks, and only a newer client what it does not know: what it says in words.
    case "custom":
      return altText === undefined ? line(messages.unsupported(content.kind)) : block(altText);
    default:
      return altText === undefined ? line(messages.unsupported((content as { type: string }).type)) : block(altText);
  }
}

/** One line, for a quotation: what it says in words, a text, or the type's title. */
export function contentSummary(content: ShownContent, context: Omit<DrawContext, "buttons">): string {
  if (content.type === "text") return safeText(content.text);
  if (context.altText !== undefined && content.type !== "deleted") return safeLine(context.altText);
  const [first = []] = draw(content, { ...context, buttons: [] });
  return first.map(({ text }) => text).join("");
}
