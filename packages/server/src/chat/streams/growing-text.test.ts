/** Adding a part twice is adding it once, and code points are what is counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { codePointLength } from "@suda/protocol";
import { GrowingText } from "./growing-text.ts";

function textOf(...parts: readonly string[]): GrowingText {
  const text = new GrowingText();
  for (const part of parts) add(text, part);
  return text;
}

function add(text: GrowingText, part: string, offset?: number): string {
  const grown = text.plan(part, offset);
  if (grown.is === "grown") text.grow(grown);
  return grown.is;
}

test("[T48] a part that is there already adds nothing, one that reaches beyond adds the rest", () => {
  const text = textOf("수다👋", " hello");
  assert.equal(text.length, 9);
  assert.equal(add(text, "👋 he", 2), "known");
  assert.equal(add(text, "수다👋 hello", 0), "known");
  assert.equal(add(text, "lo, 반가워요", 7), "grown");
  assert.equal(text.text, "수다👋 hello, 반가워요");
  assert.equal(text.length, codePointLength(text.text));
});

test("[T48] a gap and another text are refused, and nothing changes", () => {
  const text = textOf("abc");
  assert.equal(add(text, "e", 4), "gap");
  assert.equal(add(text, "x", 2), "conflict");
  assert.equal(add(text, "bx", 1), "conflict");
  assert.equal(text.text, "abc");
});

test("[T47] a text of 5,000 code points is full, however many units they are", () => {
  const text = textOf("👋".repeat(4_999));
  assert.equal(add(text, "ab"), "full");
  assert.equal(add(text, "b"), "grown");
  assert.equal(add(text, "c"), "full");
  assert.equal(add(text, "b", 4_999), "known");
  assert.equal(text.length, 5_000);
});

test("[T48] whatever is repeated in whatever pieces, the text is what was written", () => {
  const part = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 20 }), fc.array(fc.nat(), { maxLength: 20 }), (parts, again) => {
      const text = new GrowingText();
      let written = "";
      for (const [index, one] of parts.entries()) {
        const offset = codePointLength(written);
        written += one;
        assert.equal(add(text, one, offset), "grown");
        assert.equal(add(text, one, offset), "known");
        const from = (again[index] ?? 0) % (offset + 1);
        assert.equal(add(text, Array.from(written).slice(from).join(""), from), "known");
      }
      assert.equal(text.text, written);
    }),
  );
});
