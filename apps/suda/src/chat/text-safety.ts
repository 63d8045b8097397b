/**
 * Text from others, made safe for a terminal: no escape sequence and no control character of a message, a
 * name or a title ever reaches it. A message could otherwise recolour the screen, set the clipboard (OSC 52)
 * or type into the shell (answers to queries).
 */
/* oxlint-disable no-control-regex */

// A sequence with its contents, so that nothing of `ESC ] 0 ; title BEL` stays as text. ECMA-48 §5.4 (CSI),
// §5.6 (strings); the 8-bit forms are the single characters U+0080–U+009F. A string that never ends is cut at
// the end of the text.
const escapeSequences = new RegExp(
  [
    "(?:\\u001b[\\]PX^_]|[\\u009d\\u0090\\u0098\\u009e\\u009f])[^\\u0007\\u001b\\u009c]*(?:\\u0007|\\u001b\\\\|\\u009c|$)",
    "(?:\\u001b\\[|\\u009b)[0-?]*[ -/]*[@-~]?",
    "\\u001b[ -/]*[0-~]?",
  ].join("|"),
  "g",
);

// Everything of C0 and C1 but line feed; the directional overrides and isolates that show a text in another
// order than it has ("Trojan Source", CVE-2021-42574); invisible fillers and the byte order mark.
const unsafeCharacters = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Several lines: line feeds stay, a tab is two spaces. */
export function safeText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\r\n?|[\u2028\u2029\u0085\u000b\u000c]/g, "\n")
    .replaceAll("\t", "  ")
    .replaceAll(escapeSequences, "")
    .replaceAll(unsafeCharacters, "");
}

/** One line, for names and titles. */
export function safeLine(text: string): string {
  return safeText(text).replaceAll("\n", " ");
}

/** JSON on one line in which every control character is escaped, those too that JSON lets pass (DEL and C1). */
export function safeJson(json: string): string {
  return json.replaceAll(/[\u007f-\u009f\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
