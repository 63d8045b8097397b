import assert from "node:assert/strict";
import { test } from "node:test";
import { cutToWidth, graphemes, textWidth } from "./cell-width.ts";

const widths: readonly (readonly [string, string, number])[] = [
  ["ASCII", "hello", 5],
  ["Hangul syllables", "안녕", 4],
  ["Hangul in conjoining letters, as macOS writes file names", "한글".normalize("NFD"), 4],
  ["a compatibility letter, as it stands while one types", "ㅎ", 2],
  ["Han", "漢字", 4],
  ["kana, full width and half width", "かｱＡ", 5],
  ["an emoji", "👋", 2],
  ["an emoji with a skin colour", "👋🏽", 2],
  ["a family joined by joiners", "👨‍👩‍👧‍👦", 2],
  ["a flag", "🇰🇷", 2],
  ["a heart with an emoji selector", "❤️", 2],
  ["a heart without", "❤", 1],
  ["a keycap", "1️⃣", 2],
  ["a digit, which Unicode counts among emoji", "1", 1],
  ["a letter with a combining mark", "e\u0301", 1],
  ["Devanagari, whose vowel signs combine", "नि", 1],
  ["marks and ellipsis of the message states", "✓✗…", 3],
  ["a full-width question mark", "？", 2],
  ["nothing", "", 0],
];

for (const [name, text, width] of widths) {
  test(`${name} takes ${width} cells`, () => {
    assert.equal(textWidth(text), width);
  });
}

test("a family is one grapheme, and so is a syllable of conjoining letters", () => {
  assert.deepEqual(graphemes("가👨‍👩‍👧‍👦a"), ["가", "👨‍👩‍👧‍👦", "a"]);
  assert.equal(graphemes("한".normalize("NFD")).length, 1);
});

test("a cut never splits a grapheme and never goes over the width", () => {
  assert.equal(cutToWidth("안녕하세요", 5), "안녕");
  assert.equal(cutToWidth("a👋b", 2), "a");
  assert.equal(cutToWidth("abc", 3), "abc");
});
