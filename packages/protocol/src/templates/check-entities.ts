/**
 * Parts of a text, as a page nests them: two are apart, or one lies in the other. Nothing lies in or around code, a link
 * is in no mention and no mention in a link, and none lies in another of its type. At most 100, so all pairs are looked at.
 */
import { codePointLength } from "../code-points.ts";
import { fault, type MessageFault } from "./message-fault.ts";
import type { Entity, TextContent } from "./text.ts";

export function checkEntities({ text, entities = [] }: TextContent): MessageFault | undefined {
  const length = codePointLength(text);
  for (const [index, entity] of entities.entries()) {
    const path = `/content/entities/${index}`;
    if (endOf(entity) > length) return fault(path, `reaches beyond the text, which has ${length} code points`);
    for (let before = 0; before < index; before++) {
      const problem = problemOf(entities[before] ?? entity, entity);
      if (problem !== undefined) return fault(path, `${problem} /content/entities/${before}; ${advice}`);
    }
  }
  return undefined;
}

const advice = "parts of a text are apart, or one lies in the other";

/** How the second lies to the first when it may not; `undefined` when it may. */
function problemOf(first: Entity, second: Entity): string | undefined {
  if (first.offset >= endOf(second) || second.offset >= endOf(first)) return undefined;
  if (first.type === second.type) return "lies over another of its type,";
  if (first.type === "code" || second.type === "code") return "is code and lies over something, or lies over code,";
  if (isTapped(first) && isTapped(second)) return "is a mention over a link, or a link over a mention,";
  return contains(first, second) || contains(second, first) ? undefined : "crosses";
}

function endOf({ offset, length }: Entity): number {
  return offset + length;
}

function contains(outer: Entity, inner: Entity): boolean {
  return outer.offset <= inner.offset && endOf(outer) >= endOf(inner);
}

function isTapped({ type }: Entity): boolean {
  return type === "mention" || type === "link";
}
