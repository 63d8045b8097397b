import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageCreated, UserId } from "@suda/protocol";
import { goldenMessage } from "@suda/testing";
import { textWidth } from "./cell-width.ts";
import { messagesFor } from "./messages.ts";
import type { ShownMessage, TranscriptItem } from "./transcript-items.ts";
import type { Row } from "./span.ts";
import { transcriptRows, wrapSpans, type TranscriptOptions } from "./transcript.ts";

const bob = "bob" as UserId;
const day = 86_400_000;

function message(seq: number, text: string, from = "alice", at = seq * 60_000, changes: Partial<ShownMessage> = {}): TranscriptItem {
  const fields = { content: { type: "text", text }, at, seq, from: from as UserId, isMine: from === bob, state: "sent", ...changes } as const;
  return { kind: "message", message: fields };
}

const textOf = (row: Row): string => row.map(({ text }) => text).join("");

function rows(items: TranscriptItem[], options: Partial<TranscriptOptions> = {}): string[] {
  return transcriptRows({
    items,
    unreadAfter: undefined,
    isFromBeginning: false,
    width: 60,
    me: bob,
    nameOf: (user) => user,
    messages: messagesFor("en"),
    ...options,
  }).map(textOf);
}

test("a day line stands before the first message of each day", () => {
  const shown = rows([message(1, "a"), message(2, "b"), message(3, "c", "alice", 2 * day)]);
  assert.deepEqual(
    shown.map((row) => row.includes("──")),
    [true, false, false, true, false],
  );
});

test("the unread line stands once, before the first message of others that was not read", () => {
  const shown = rows([message(1, "a"), message(2, "mine", "bob"), message(3, "b"), message(4, "c")], { unreadAfter: 1 });
  assert.equal(shown.filter((row) => row.includes(" unread ")).length, 1);
  assert.match(shown[shown.findIndex((row) => row.includes(" unread ")) + 1] ?? "", /alice: b$/);
});

test("one's own messages carry their state, others' none", () => {
  const states: readonly Partial<ShownMessage>[] = [
    { state: "sending" },
    { state: "sent" },
    { state: "read" },
    { state: "failed", failure: { code: "frame.invalid", message: "too long" } },
  ];
  const shown = rows([message(1, "a"), ...states.map((state) => message(2, "b", "bob", 60_000, state))]).slice(1);
  assert.deepEqual(
    shown.map((row) => /: (.*)$/.exec(row.replace(/^[^ ]+ [AP]M /, ""))?.[1]),
    ["a", "b …", "b ✓", "b ✓✓", "b ✗ too long — /retry"],
  );
});

test("an answer says what it answers, cut; a pinned message has its pin", () => {
  const first = message(1, "열 두 글자를 넘는 아주 긴 메시지를 여기에 인용합니다");
  const quoted = first.kind === "message" ? first.message : undefined;
  const answer = (text: string): TranscriptItem => {
    const item = message(2, text, "bob", 60_000, { replyTo: 1 });
    return item.kind === "message" ? { ...item, quoted, isPinned: true } : item;
  };
  assert.match(rows([answer("네")], { width: 80 }).at(-1) ?? "", /bob: \(↪ alice: 열 두 글자를 넘는 아주 긴 메…\) 네 📌 ✓$/);
  assert.match(rows([message(2, "네", "bob", 60_000, { replyTo: 1 })]).at(-1) ?? "", /bob: \(↪ …\) 네 ✓$/);
});

test("Korean is written as Koreans write it", () => {
  const shown = rows([message(1, "안녕")], { messages: messagesFor("ko"), isFromBeginning: true });
  assert.match(shown[0] ?? "", /대화의 시작/);
  assert.match(shown[1] ?? "", /\d+년 \d+월 \d+일 .요일/);
  assert.match(shown[2] ?? "", /^(오전|오후) \d+:\d\d alice: 안녕$/);
});

test("no row is wider than the screen, whatever is written, and nothing is lost", () => {
  const texts = ["가나다라마바사아자차카타파하".repeat(5), "a 👨‍👩‍👧‍👦".repeat(20), "word ".repeat(30), "https://example.com/" + "x".repeat(200), "두\n줄"];
  for (const width of [20, 33, 80]) {
    for (const text of texts) {
      const wrapped = wrapSpans([{ text, style: "plain" }], width, 4);
      for (const row of wrapped) assert.ok(textWidth(textOf(row)) <= width, `${textWidth(textOf(row))} > ${width}`);
      assert.equal(wrapped.map(textOf).join("").replaceAll(/\s/g, ""), text.replaceAll(/\s/g, ""));
    }
  }
});

test("an escape sequence in a message, in what it answers or in an unknown content is not drawn", () => {
  const attack = "\u001b[31mred\u001b]0;x\u0007";
  const item = message(1, attack);
  assert.match(rows([item])[1] ?? "", /: red$/);
  const quoted = item.kind === "message" ? item.message : undefined;
  const answer = message(2, "b", "alice", 60_000, { replyTo: 1 });
  assert.match(rows([answer.kind === "message" ? { ...answer, quoted } : answer])[1] ?? "", /: \(↪ alice: red\) b$/);
  const content = { type: "\u001b[2Jx" } as unknown as MessageCreated["content"];
  assert.match(rows([message(1, "", "alice", 60_000, { content })])[1] ?? "", /\[x: this client cannot show it\]/);
  const failure = { code: "frame.invalid", message: attack } as const;
  assert.match(rows([message(1, "a", "bob", 60_000, { state: "failed", failure })])[1] ?? "", /✗ red — /);
});

test("[T2] a message of a type that the terminal does not show is its altText, without control characters", () => {
  const content = goldenMessage("custom").content;
  const show = (changes: Partial<ShownMessage>): string => rows([message(1, "", "bot", 60_000, { content, ...changes })]).at(-1) ?? "";
  assert.match(show({ altText: "Poll: \u001b[31mwhen?" }), /bot: Poll: when\?$/);
  assert.match(show({}), /\[poll\.v1: this client cannot show it\]$/);
});

test("[D8] an edited message has a mark, reactions their counts, a deleted one is a line", () => {
  const show = (changes: Partial<ShownMessage>): string => rows([message(1, "hello", "alice", 60_000, changes)]).at(-1) ?? "";
  assert.match(show({}), /alice: hello$/);
  assert.match(show({ edited: { rev: 1, at: 1 }, reactions: [{ emoji: "👍", count: 2, mine: true }] }), /alice: hello \(edited\) 👍2$/);
  assert.match(show({ content: { type: "deleted" }, deleted: { by: "alice" as UserId, at: 1 } }), /alice: deleted message$/);
});
