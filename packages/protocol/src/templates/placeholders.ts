/** `{{name}}` in the texts of a stored template. */
import { codePointLength } from "../code-points.ts";
import { templateLimits } from "../limits.ts";

export const variableNamePattern = `^[A-Za-z][A-Za-z0-9_]{0,${templateLimits.variableNameMaxLength - 1}}$`;

/** A piece of a text: as it stands, or the variable that comes there. */
export type Piece = { readonly text: string } | { readonly variable: string; readonly text: string };

const expression = new RegExp(`\\{\\{\\s{0,8}(${variableNamePattern.slice(1, -1)})\\s{0,8}\\}\\}`, "g");

/** The pieces in order, `text` being what the template has there; `undefined` when a `{{` is no variable. */
export function piecesOf(text: string): readonly Piece[] | undefined {
  if (!text.includes("{{")) return [{ text }];
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(expression)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ variable: match[1] ?? "", text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces.some((piece) => !("variable" in piece) && piece.text.includes("{{")) ? undefined : pieces;
}

/**
 * Where the code point `offset` of the template's text is once it is filled; `undefined` when that is inside of a
 * variable, where no part of a text can begin or end.
 * @param filled what came in place of each piece
 */
export function filledOffset(pieces: readonly Piece[], filled: readonly string[], offset: number): number | undefined {
  let before = 0;
  let after = 0;
  for (const [index, piece] of pieces.entries()) {
    const length = codePointLength(piece.text);
    if (offset <= before) break;
    if (offset < before + length) return "variable" in piece ? undefined : after + offset - before;
    before += length;
    after += codePointLength(filled[index] ?? "");
  }
  // Beyond the end it stays beyond the end, for the check of the message to say so.
  return after + offset - before;
}
