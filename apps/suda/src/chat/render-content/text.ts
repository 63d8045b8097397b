/** Texts with their parts: mentions, links, bold, italic and code. Parts are counted in code points. */
import type { ContentOf, Entity } from "@suda/protocol";
import type { Span, Style } from "../span.ts";
import { safeLine, safeText } from "../text-safety.ts";
import type { Line } from "./drawing.ts";

const styles: Readonly<Record<Entity["type"], Style>> = { mention: "bold", link: "link", bold: "bold", italic: "italic", code: "code" };

export function drawText({ text, entities = [] }: ContentOf<"text">): readonly Line[] {
  if (entities.length === 0) return [[{ text: safeText(text), style: "plain" }]];
  const points = Array.from(text);
  const cuts = [...new Set([0, points.length, ...entities.flatMap(({ offset, length }) => [offset, offset + length])])]
    .filter((cut) => cut <= points.length)
    .sort((a, b) => a - b);
  const spans: Span[] = [];
  for (const [index, start] of cuts.entries()) {
    // A link says where it leads: its words alone could say anything.
    for (const entity of entities) if (entity.type === "link" && entity.offset + entity.length === start) spans.push(...target(entity, points));
    const piece = points.slice(start, cuts[index + 1]).join("");
    if (cuts[index + 1] !== undefined) spans.push({ text: safeText(piece), style: styleAt(start, entities) });
  }
  return [spans];
}

function target({ url, offset, length }: Extract<Entity, { readonly type: "link" }>, points: readonly string[]): readonly Span[] {
  return points.slice(offset, offset + length).join("") === url ? [] : [{ text: ` (${safeLine(url)})`, style: "dim" }];
}

/** The shortest part around a place is the innermost. */
function styleAt(place: number, entities: readonly Entity[]): Style {
  let inner: Entity | undefined;
  for (const entity of entities)
    if (entity.offset <= place && place < entity.offset + entity.length && entity.length <= (inner?.length ?? Number.POSITIVE_INFINITY)) inner = entity;
  return inner === undefined ? "plain" : styles[inner.type];
}
