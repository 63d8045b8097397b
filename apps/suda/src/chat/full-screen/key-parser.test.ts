import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyParser, type Key } from "./key-parser.ts";

function parse(...chunks: (string | Uint8Array)[]): Key[] {
  const parser = new KeyParser();
  return chunks.flatMap((chunk) => parser.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk));
}

const key = (name: string, modifiers: { ctrl?: boolean; alt?: boolean } = {}) => ({ kind: "named", name, ctrl: false, alt: false, ...modifiers });

test("Korean and emoji arrive whole though a read splits their bytes", () => {
  const bytes = Buffer.from("안녕👋");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const keys = parse(bytes.subarray(0, cut), bytes.subarray(cut));
    assert.equal(keys.map((one) => (one.kind === "text" ? one.text : "?")).join(""), "안녕👋");
  }
});

test("arrows, home, end and pages come in every form that terminals send", () => {
  assert.deepEqual(parse("\u001b[A\u001bOA\u001b[1;5C\u001b[1;3D"), [key("up"), key("up"), key("right", { ctrl: true }), key("left", { alt: true })]);
  assert.deepEqual(
    parse("\u001b[H\u001b[1~\u001b[4~\u001b[5~\u001b[6~\u001b[3~"),
    ["home", "home", "end", "page-up", "page-down", "delete"].map((name) => key(name)),
  );
});

test("Enter sends; Alt+Enter and Ctrl+J begin a new line", () => {
  assert.deepEqual(parse("\r\u001b\r\n"), [key("enter"), key("newline"), key("newline")]);
});

test("a sequence split between reads is one key", () => {
  assert.deepEqual(parse("\u001b", "[", "A"), [key("up")]);
});

test("a lone Escape is told by waiting", () => {
  const parser = new KeyParser();
  assert.deepEqual(parser.push(Buffer.from("\u001b")), []);
  assert.ok(parser.isUndecided);
  assert.deepEqual(parser.flush(), [key("escape")]);
  assert.ok(!parser.isUndecided);
  assert.deepEqual(parser.push(Buffer.from("a")), [{ kind: "text", text: "a" }]);
});

test("a paste of many lines is one key, however it is cut into reads", () => {
  const whole = "\u001b[200~첫 줄\r\n둘째 줄\r/quit\r\u001b[201~x";
  for (let cut = 0; cut <= whole.length; cut++) {
    assert.deepEqual(parse(whole.slice(0, cut), whole.slice(cut)), [
      { kind: "paste", text: "첫 줄\n둘째 줄\n/quit\n", isCut: false },
      { kind: "text", text: "x" },
    ]);
  }
});

test("escape sequences inside a paste press no keys", () => {
  assert.deepEqual(parse("\u001b[200~\u001b[A\u0003\u001b[201~"), [{ kind: "paste", text: "\u001b[A\u0003", isCut: false }]);
});

test("a paste beyond the bound is cut and says so", () => {
  const [paste] = parse(`\u001b[200~${"가".repeat(30_000)}\u001b[201~`);
  assert.ok(paste?.kind === "paste" && paste.isCut && paste.text.length === 25_000);
});

test("focus and unknown sequences are keys of their own and leave no letters behind", () => {
  assert.deepEqual(parse("\u001b[I\u001b[O\u001b[?62;4c\u001b[24~"), [key("focus-in"), key("focus-out"), key("unknown"), key("unknown")]);
});

test("control letters are named", () => {
  assert.deepEqual(parse("\u0003\u0015\u007f\u001b\u007f"), [
    key("c", { ctrl: true }),
    key("u", { ctrl: true }),
    key("backspace"),
    key("backspace", { alt: true }),
  ]);
});
