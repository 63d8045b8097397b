/**
 * What can be a reaction: one visible grapheme (UAX #29), so that a skin tone or a family counts as one, or a
 * name of the host's own pictures between colons.
 */

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
const nameExpression = /^:[A-Za-z0-9_+-]{1,30}:$/;
/** A letter, digit, punctuation or symbol: something to see. Spaces, controls and marks alone are not. */
const visibleExpression = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** True for one visible grapheme without spaces or controls, or `:name:` of 1–30 letters, digits, `_`, `+`, `-`. The length is the schema's to bound. */
export function isEmoji(text: string): boolean {
  if (nameExpression.test(text)) return true;
  if (!visibleExpression.test(text) || /[\s\p{Cc}]/u.test(text)) return false;
  const graphemes = segmenter.segment(text)[Symbol.iterator]();
  graphemes.next();
  return graphemes.next().done === true;
}
