import assert from "node:assert/strict";
import { test } from "node:test";
import { LineEditor } from "./line-editor.ts";

function editorWith(text: string): LineEditor {
  const editor = new LineEditor();
  editor.insert(text);
  return editor;
}

const shown = (editor: LineEditor): string => `${editor.beforeCaret}|${editor.text.slice(editor.beforeCaret.length)}`;

test("Backspace deletes one user-perceived character", () => {
  for (const [text, rest] of [
    ["안녕", "안"],
    ["a👨‍👩‍👧‍👦", "a"],
    ["a👋🏽", "a"],
    ["a🇰🇷", "a"],
    ["ae\u0301", "a"],
    ["가" + "각".normalize("NFD"), "가"],
  ] as const) {
    const editor = editorWith(text);
    editor.backspace();
    assert.equal(editor.text, rest);
  }
});

test("the caret steps over graphemes in both directions", () => {
  const editor = editorWith("가👨‍👩‍👧‍👦b");
  editor.left();
  editor.left();
  assert.equal(shown(editor), "가|👨‍👩‍👧‍👦b");
  editor.right();
  assert.equal(shown(editor), "가👨‍👩‍👧‍👦|b");
  editor.backspace();
  assert.equal(shown(editor), "가|b");
  editor.delete();
  assert.equal(shown(editor), "가|");
});

test("what is inserted before a joiner never leaves the caret inside a grapheme", () => {
  const editor = editorWith("\u0301x");
  editor.home();
  editor.insert("e");
  assert.equal(shown(editor), "e\u0301|x");
});

test("at both ends nothing happens", () => {
  const editor = editorWith("가");
  editor.right();
  editor.delete();
  editor.home();
  editor.left();
  editor.backspace();
  assert.equal(shown(editor), "|가");
});

test("words and lines are deleted and stepped over", () => {
  const editor = editorWith("안녕 세상 hello");
  editor.deleteWord();
  assert.equal(shown(editor), "안녕 세상 |");
  editor.wordLeft();
  assert.equal(shown(editor), "안녕 |세상 ");
  editor.deleteToStart();
  assert.equal(shown(editor), "|세상 ");
  editor.wordRight();
  editor.deleteToEnd();
  assert.equal(shown(editor), "세상|");
});

test("Up and Down move within several lines, then through what was sent, and back to the draft", () => {
  const editor = editorWith("first");
  assert.equal(editor.take(), "first");
  editor.insert("한 줄\nab");
  editor.up();
  assert.equal(shown(editor), "한 |줄\nab");
  editor.up();
  assert.equal(shown(editor), "first|");
  editor.down();
  assert.equal(shown(editor), "한 줄\nab|");
});

test("home and end are of the line the caret is in", () => {
  const editor = editorWith("one\ntwo");
  editor.home();
  assert.equal(shown(editor), "one\n|two");
  editor.up();
  editor.end();
  assert.equal(shown(editor), "one|\ntwo");
  editor.down();
  assert.equal(shown(editor), "one\ntwo|");
});

test("what is taken is composed, and the line is empty after it", () => {
  const editor = editorWith("한글".normalize("NFD"));
  assert.equal(editor.take(), "한글");
  assert.equal(editor.text, "");
});
