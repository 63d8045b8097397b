/**
 * How many cells of a terminal a text takes: Hangul, Han and emoji two, combining marks none (UAX #11, UAX #29).
 * Terminals disagree on a few graphemes, see {@link isUncertain}.
 */

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The user-perceived characters of a text. */
export function graphemes(text: string): string[] {
  // Most of what is typed is ASCII, where each unit is its own grapheme.
  if (/^[ -~]*$/.test(text)) return Array.from(text);
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

export function textWidth(text: string): number {
  let width = 0;
  for (const grapheme of graphemes(text)) width += graphemeWidth(grapheme);
  return width;
}

const emoji = /\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3/u;
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff\ud7b0-\ud7fb]$/u;

/** 0, 1 or 2. Control characters are 0; they are removed before anything is shown. */
export function graphemeWidth(grapheme: string): number {
  const first = grapheme.codePointAt(0) ?? 0;
  if (first < 0x7f && grapheme.length === 1) return first < 0x20 ? 0 : 1;
  if (emoji.test(grapheme)) return 2;
  for (const character of grapheme) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (codePoint < 0x20 || (codePoint >= 0x7f && codePoint < 0xa0) || zeroWidth.test(character)) continue;
    // The first character that has a width is the base; what follows combines with it.
    return isWide(codePoint) ? 2 : 1;
  }
  return 0;
}

/** Graphemes that terminals draw in different widths: emoji made of several code points. After one, say where the cursor is. */
export function isUncertain(grapheme: string): boolean {
  return grapheme.length > 2 || grapheme.includes("\ufe0f") || /\p{Extended_Pictographic}/u.test(grapheme);
}

/** The longest beginning of a text that fits into `cells`. */
export function cutToWidth(text: string, cells: number): string {
  let width = 0;
  let cut = "";
  for (const grapheme of graphemes(text)) {
    width += graphemeWidth(grapheme);
    if (width > cells) return cut;
    cut += grapheme;
  }
  return text;
}

// East Asian Width W and F (Unicode 16, EastAsianWidth.txt), joined where what lies between is unassigned.
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f265],
  [0x20000, 0x2fffd],
  [0x30000, 0x3fffd],
];

function isWide(codePoint: number): boolean {
  if (codePoint < 0x1100) return false;
  let low = 0;
  let high = wideRanges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [from, to] = wideRanges[middle] ?? [0, 0];
    if (codePoint < from) high = middle - 1;
    else if (codePoint > to) low = middle + 1;
    else return true;
  }
  return false;
}
