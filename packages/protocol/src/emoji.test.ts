/** What can be a reaction. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EmojiSchema } from "./scalars.ts";
import { createValidator } from "./validator.ts";

const validator = createValidator<string>(EmojiSchema);

test("[C19] one visible grapheme, or a name between colons, is a reaction", () => {
  for (const emoji of ["👍", "👍🏽", "❤️", "👩‍👩‍👧‍👦", "🇰🇷", "1️⃣", "ㅋ", "가", "!", ":party:", ":+1:", `:${"a".repeat(30)}:`])
    assert.ok(validator.is(emoji), `refused: ${emoji}`);
});

test("[C19] [F11] nothing, spaces, controls, marks alone, several graphemes and long ones are refused", () => {
  const long = `e${"\u0301".repeat(32)}`;
  for (const emoji of ["", " ", "\n", "\u200b", "\u0301", "👍👍", "ab", ":a b:", "::", `:${"a".repeat(31)}:`, long, 7, null])
    assert.ok(!validator.is(emoji), `taken: ${JSON.stringify(emoji)}`);
});
