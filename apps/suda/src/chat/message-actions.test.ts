import assert from "node:assert/strict";
import { test } from "node:test";
import { readChoice } from "./message-actions.ts";

test("^N before the rest chooses; without it, or inside of a text, it is the newest and a text", () => {
  assert.deepEqual(readChoice("^2 new text"), { nth: 2, rest: "new text" });
  assert.deepEqual(readChoice("^12"), { nth: 12, rest: "" });
  assert.deepEqual(readChoice("two\nlines ^2"), { nth: 1, rest: "two\nlines ^2" });
  assert.deepEqual(readChoice("^ㅎ"), { nth: 1, rest: "^ㅎ" });
  assert.deepEqual(readChoice("^2nd"), { nth: 1, rest: "^2nd" });
  assert.deepEqual(readChoice(""), { nth: 1, rest: "" });
});
