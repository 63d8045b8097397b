import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "@suda/client";
import type { ClientId, ConversationId, LogEvent, MessageCreated, UserId } from "@suda/protocol";
import { itemOf, transcriptItems, type TranscriptItem } from "./transcript-items.ts";

const bob = "bob" as UserId;
const place = { conversation: "g.x" as ConversationId, from: "alice" as UserId };

function event(seq: number, fields: Partial<MessageCreated> = {}): MessageCreated {
  return { type: "message.created", ...place, seq, at: seq, clientId: `c${seq}` as ClientId, content: { type: "text", text: `${seq}` }, ...fields };
}

/** As the client would show these events. */
function messagesOf(events: readonly LogEvent[]): Message[] {
  return events.flatMap((one): Message[] => {
    if (one.type !== "message.created") return [];
    return [{ ...one, key: `${one.seq}`, isMine: false, state: "sent" }];
  });
}

const sending: Message = {
  key: "s",
  clientId: "s" as ClientId,
  content: { type: "text", text: "mine" },
  at: 9,
  isMine: true,
  state: "sending",
  from: bob,
};

const shown = (items: readonly TranscriptItem[]): string[] =>
  items.map((item) => {
    if (item.kind === "message") return `${item.message.seq ?? item.message.state}${item.isPinned === true ? " pinned" : ""}`;
    return item.kind === "change" ? `${item.event.seq} ${item.event.type}` : `(${item.notice.text})`;
  });

test("[D8] what changed about a message takes no row; joins, titles and pins do", () => {
  const events: LogEvent[] = [
    event(1),
    { type: "message.edited", ...place, seq: 2, at: 2, target: 1, rev: 1, content: { type: "text", text: "one" } },
    { type: "reaction.added", ...place, seq: 3, at: 3, target: 1, emoji: "👍" },
    { type: "pin.added", ...place, seq: 4, at: 4, target: 1 },
    { type: "member.added", ...place, seq: 5, at: 5, users: [bob] },
    event(6),
  ];
  const record = { pins: [1] } as never;
  assert.deepEqual(shown(transcriptItems({ events, messages: messagesOf(events), record }, [])), ["1 pinned", "4 pin.added", "5 member.added", "6"]);
});

test("a remark keeps its place among what comes later, also after changes that take no row", () => {
  const events: LogEvent[] = [event(1), { type: "message.deleted", ...place, seq: 2, at: 2, target: 1 }, event(3)];
  const notices = [1, 2, 3].map((afterSeq) => ({ text: `after ${afterSeq}`, isError: false, afterSeq }));
  assert.deepEqual(shown(transcriptItems({ events, messages: messagesOf(events), record: undefined }, notices)), [
    "1",
    "(after 1)",
    "(after 2)",
    "3",
    "(after 3)",
  ]);
});

test("what is on its way stands last, and so does what is stored before its event has come", () => {
  const events = [event(1)];
  const stored = { ...sending, key: "t", state: "sent", seq: 2, from: bob } as Message;
  const notices = [{ text: "remark", isError: false, afterSeq: 1 }];
  assert.deepEqual(shown(transcriptItems({ events, messages: [...messagesOf(events), stored, sending], record: undefined }, notices)), [
    "1",
    "(remark)",
    "2",
    "sending",
  ]);
});

test("an answer finds what it answers, if that is held", () => {
  const events = [event(1), event(2, { replyTo: 1 }), event(4, { replyTo: 3 })];
  const items = transcriptItems({ events, messages: messagesOf(events), record: undefined }, []);
  assert.deepEqual(
    items.map((item) => (item.kind === "message" ? item.quoted?.seq : undefined)),
    [undefined, 1, undefined],
  );
  const line = itemOf(event(5, { replyTo: 2 }), bob, { messages: messagesOf(events) });
  assert.ok(line.kind === "message");
  assert.deepEqual([line.quoted?.seq, line.message.isMine], [2, false]);
});
