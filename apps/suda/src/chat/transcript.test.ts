import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, ConversationId, LogEvent, UserId } from "@suda/protocol";
import { textWidth } from "./cell-width.ts";
import { messagesFor } from "./messages.ts";
import type { TimelineItem } from "./timeline.ts";
import { transcriptRows, wrapSpans, type Row, type TranscriptOptions } from "./transcript.ts";

const bob = "bob" as UserId;
const day = 86_400_000;

function message(seq: number, text: string, from = "alice", at = seq * 60_000): TimelineItem {
  const event: LogEvent = {
    type: "message.created",
    conversation: "g.x" as ConversationId,
    seq,
    at,
    from: from as UserId,
    clientId: `c-${seq}` as ClientId,
    content: { type: "text", text },
  };
  return { kind: "event", event };
}

const textOf = (row: Row): string => row.map(({ text }) => text).join("");

function rows(items: TimelineItem[], options: Partial<TranscriptOptions> = {}): string[] {
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
  const outgoing = (state: "sending" | "failed"): TimelineItem => ({
    kind: "outgoing",
    outgoing: { clientId: "c" as ClientId, text: "hi", at: 60_000, state: state === "sending" ? { is: state } : { is: state, reason: "too long" } },
  });
  const shown = rows([message(1, "a"), message(2, "b", "bob"), outgoing("sending"), outgoing("failed")]).slice(1);
  assert.deepEqual(
    shown.map((row) => /: (.*)$/.exec(row.replace(/^[^ ]+ [AP]M /, ""))?.[1]),
    ["a", "b ✓", "hi …", "hi ✗ too long — /retry"],
  );
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

test("an escape sequence in a message or in an unknown content is not drawn", () => {
  const item = message(1, "\u001b[31mred\u001b]0;x\u0007");
  assert.match(rows([item])[1] ?? "", /: red$/);
  if (item.kind === "event" && item.event.type === "message.created") Object.assign(item.event, { content: { type: "\u001b[2Jx" } });
  assert.match(rows([item])[1] ?? "", /\[x: this client cannot show it\]/);
});

test("[D8] an edited message has a mark, reactions their counts, a deleted one is a line", () => {
  const { event } = message(1, "hello") as Extract<TimelineItem, { kind: "event" }>;
  assert.ok(event.type === "message.created");
  const show = (changes: object): string => rows([{ kind: "event", event: { ...event, ...changes } }]).at(-1) ?? "";
  assert.match(show({}), /alice: hello$/);
  assert.match(show({ edited: { rev: 1, at: 1 }, reactions: [{ emoji: "👍", count: 2, mine: true }] }), /alice: hello \(edited\) 👍2$/);
  assert.match(show({ content: { type: "deleted" }, deleted: { by: "alice", at: 1 } }), /alice: deleted message$/);
});
