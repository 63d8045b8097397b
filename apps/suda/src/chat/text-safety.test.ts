import assert from "node:assert/strict";
import { test } from "node:test";
import { safeJson, safeLine, safeText } from "./text-safety.ts";

const cases: readonly (readonly [string, string, string])[] = [
  ["a colour", "\u001b[31mred\u001b[0m", "red"],
  ["a cursor movement", "a\u001b[2Jb\u001b[10;20Hc", "abc"],
  ["a window title", "\u001b]0;owned\u0007hi", "hi"],
  ["the clipboard", "\u001b]52;c;cm0gLXJm\u001b\\hi", "hi"],
  ["a link", "\u001b]8;;https://bad.example\u001b\\text\u001b]8;;\u001b\\", "text"],
  ["a string that never ends", "hi\u001b]0;the rest", "hi"],
  ["a device string", '\u001bP$q"p\u001b\\hi', "hi"],
  ["the 8-bit forms", "\u009b31mred\u009d0;title\u009chi", "redhi"],
  ["a charset switch", "\u001b(0qqq", "qqq"],
  ["a lone escape", "a\u001b", "a"],
  ["half a sequence", "a\u001b[31", "a"],
  ["bell, backspace, delete", "a\u0007\u0008\u007fb", "ab"],
  ["a carriage return that would overwrite the line", "admin: ok\rx", "admin: ok\nx"],
  ["a line separator", "a\u2028b\u0085c", "a\nb\nc"],
  ["a reversed order", "abc\u202etxt.exe", "abctxt.exe"],
  ["half a surrogate pair", "a\ud83d", "a\ufffd"],
];

for (const [name, input, output] of cases) {
  test(`${name} in a message does not reach the terminal`, () => {
    assert.equal(safeText(input), output);
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(safeText(input), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });
}

test("no run of random escapes leaves a control character behind", () => {
  // What the removal of one sequence joins must not be another.
  for (const text of ["\u001b\u001b[31m[31m", "\u001b]\u001b]0;a\u0007b\u0007", "\u009b\u009b\u001b[m", "\u001b[\u001b[Hx"]) {
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(safeText(text), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  }
});

test("Korean, emoji with joiners, and several lines stay as they are", () => {
  const text = "안녕하세요 👋\n👨‍👩‍👧‍👦 ❤️ 🇰🇷 1️⃣\n각 में";
  assert.equal(safeText(text), text);
  assert.equal(safeLine("두\n줄"), "두 줄");
});

test("a line of JSON means the same and holds no control character", () => {
  const value = { text: "\u009b31m\u007f\u2028" };
  const json = safeJson(JSON.stringify(value));
  assert.deepEqual(JSON.parse(json), value);
  assert.match(json, /^[\u0020-\u007e]*$/);
});
