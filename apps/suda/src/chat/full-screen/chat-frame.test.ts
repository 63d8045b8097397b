import assert from "node:assert/strict";
import { test } from "node:test";
import { textWidth } from "../cell-width.ts";
import { chatFrame, type ChatView } from "./chat-frame.ts";
import { messagesFor } from "../messages.ts";
import type { Frame } from "./screen.ts";

function frame(view: Partial<ChatView>): Frame {
  return chatFrame({
    width: 20,
    height: 10,
    title: "alice",
    connection: { text: "connected", short: "ok", isGood: true },
    transcript: [],
    scroll: 0,
    newBelow: 0,
    remark: "",
    input: "",
    beforeCaret: "",
    messages: messagesFor("en"),
    ...view,
  });
}

const textOf = ({ rows }: Frame): string[] => rows.map((row) => row.map(({ text }) => text).join(""));
const numbered = (count: number) => Array.from({ length: count }, (_, index) => [{ text: String(index), style: "plain" as const }]);

test("the cursor stands at the caret, two cells for each Korean syllable and emoji", () => {
  assert.deepEqual(frame({ input: "안녕👋a", beforeCaret: "안녕👋a" }).cursor, { row: 9, column: 2 + 7 });
  assert.deepEqual(frame({ input: "안녕👋a", beforeCaret: "안녕" }).cursor, { row: 9, column: 2 + 4 });
  assert.deepEqual(frame({ input: "", beforeCaret: "" }).cursor, { row: 9, column: 2 });
});

test("a long input wraps before the last column and never splits a syllable", () => {
  const input = "가".repeat(10);
  const shown = frame({ input, beforeCaret: input });
  assert.deepEqual(textOf(shown).slice(-2), [`› ${"가".repeat(8)}`, `  ${"가".repeat(2)}`]);
  assert.deepEqual(shown.cursor, { row: 9, column: 6 });
});

test("several lines stand below each other; the caret is in its line", () => {
  const shown = frame({ input: "한\nab", beforeCaret: "한\na" });
  assert.deepEqual(textOf(shown).slice(-2), ["› 한", "  ab"]);
  assert.deepEqual(shown.cursor, { row: 9, column: 3 });
  assert.deepEqual(frame({ input: "한\nab", beforeCaret: "한" }).cursor, { row: 8, column: 4 });
});

test("an input higher than a third of the screen scrolls with the caret", () => {
  const input = Array.from({ length: 20 }, (_, index) => `l${index}`).join("\n");
  assert.deepEqual(textOf(frame({ input, beforeCaret: input })).slice(-3), ["  l17", "  l18", "  l19"]);
  const top = frame({ input, beforeCaret: "l0" });
  assert.deepEqual(textOf(top).slice(-3), ["› l0", "  l1", "  l2"]);
  assert.deepEqual(top.cursor, { row: 7, column: 4 });
});

test("the newest rows stand above the input; scrolled up they do not move, and nothing scrolls beyond the oldest", () => {
  assert.deepEqual(textOf(frame({ transcript: numbered(3) })).slice(1, 8), ["", "", "", "", "0", "1", "2"]);
  assert.deepEqual(textOf(frame({ transcript: numbered(20) })).slice(1, 8), ["13", "14", "15", "16", "17", "18", "19"]);
  assert.deepEqual(textOf(frame({ transcript: numbered(20), scroll: 5 })).slice(1, 8), ["8", "9", "10", "11", "12", "13", "14"]);
  assert.deepEqual(textOf(frame({ transcript: numbered(20), scroll: 500 })).slice(1, 8), ["0", "1", "2", "3", "4", "5", "6"]);
});

test("on a narrow screen the connection is said shortly, and the title keeps its room", () => {
  const title = "우리 팀 회의실 (3 members)";
  const connection = { text: "no connection, again in 12 s (Ctrl-R: now)", short: "offline, 12 s", isGood: false };
  const top = (width: number): string => textOf(frame({ width, title, connection }))[0] ?? "";
  assert.match(top(80), /^우리 팀 회의실 \(3 members\) +○ no connection, again in 12 s \(Ctrl-R: now\)$/);
  assert.match(top(40), /^우리 팀 회의실 \(.* ○ offline, 12 s$/);
  for (const width of [10, 40, 60, 80]) assert.ok(textWidth(top(width)) <= width, top(width));
});

test("a tiny or zero-sized terminal is drawn without failing", () => {
  for (const [width, height] of [
    [1, 1],
    [3, 2],
    [2, 30],
  ] as const) {
    const shown = frame({ width, height, input: "안녕", beforeCaret: "안녕", transcript: numbered(5) });
    assert.ok(shown.rows.length <= height);
  }
});
