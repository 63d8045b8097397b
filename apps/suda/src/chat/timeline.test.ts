import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, ConversationId, LogEvent, UserId } from "@suda/protocol";
import { Timeline } from "./timeline.ts";

const me = "bob" as UserId;

function message(seq: number, from = "alice", clientId = `c-${seq}`): LogEvent {
  return {
    type: "message.created",
    conversation: "g.x" as ConversationId,
    seq,
    at: seq * 1_000,
    from: from as UserId,
    clientId: clientId as ClientId,
    content: { type: "text", text: String(seq) },
  };
}

const shown = (timeline: Timeline): string[] =>
  timeline.items().map((item) => {
    if (item.kind === "event") return String(item.event.seq);
    return item.kind === "notice" ? `(${item.notice.text})` : `${item.outgoing.text} ${item.outgoing.state.is}`;
  });

test("an event is shown once, and none after a hole", () => {
  const timeline = new Timeline(0);
  assert.equal(timeline.receive(message(1), me), "new");
  assert.equal(timeline.receive(message(1), me), "known");
  assert.equal(timeline.receive(message(3), me), "hole");
  assert.equal(timeline.receive(message(2), me), "new");
  assert.equal(timeline.receive(message(3), me), "new");
  assert.deepEqual(shown(timeline), ["1", "2", "3"]);
});

test("older events come before, without doubles", () => {
  const timeline = new Timeline(4);
  timeline.receive(message(5), me);
  timeline.prepend([message(3), message(4), message(5)]);
  assert.deepEqual([shown(timeline), timeline.first, timeline.have], [["3", "4", "5"], 3, 5]);
});

test("what was sent gives way to its event, whichever of reply and event is first", () => {
  const timeline = new Timeline(0);
  for (const clientId of ["a", "b"] as ClientId[]) timeline.addOutgoing({ clientId, text: clientId, at: 1, state: { is: "sending" } });
  timeline.setOutgoing("a" as ClientId, { is: "sent", seq: 1 });
  assert.deepEqual(shown(timeline), ["a sent", "b sending"]);
  timeline.receive(message(1, "bob", "a"), me);
  timeline.receive(message(2, "bob", "b"), me);
  timeline.setOutgoing("b" as ClientId, { is: "sent", seq: 2 });
  assert.deepEqual(shown(timeline), ["1", "2"]);
});

test("another user's message with the same clientId is not mine", () => {
  const timeline = new Timeline(0);
  timeline.addOutgoing({ clientId: "a" as ClientId, text: "mine", at: 1, state: { is: "sending" } });
  timeline.receive(message(1, "alice", "a"), me);
  assert.deepEqual(shown(timeline), ["1", "mine sending"]);
});

test("a remark keeps its place among what comes later", () => {
  const timeline = new Timeline(0);
  timeline.receive(message(1), me);
  timeline.addNotice("remark", false);
  timeline.receive(message(2), me);
  assert.deepEqual(shown(timeline), ["1", "(remark)", "2"]);
});

test("[D8] a change is shown on its message and takes no row", () => {
  const timeline = new Timeline(0);
  const about = { conversation: "g.x" as ConversationId, at: 9_000, from: "alice" as UserId, target: 1 };
  timeline.receive(message(1), me);
  timeline.receive(message(2), me);
  timeline.receive({ type: "message.edited", ...about, seq: 3, rev: 1, content: { type: "text", text: "one" } }, me);
  timeline.receive({ type: "reaction.added", ...about, seq: 4, from: me, emoji: "👍" }, me);
  timeline.receive({ type: "message.deleted", ...about, target: 2, seq: 5 }, me);
  assert.deepEqual(shown(timeline), ["1", "2"]);
  const [first, second] = timeline.events;
  assert.ok(first?.type === "message.created" && second?.type === "message.created");
  assert.deepEqual([first.content, first.edited?.rev, first.reactions], [{ type: "text", text: "one" }, 1, [{ emoji: "👍", count: 1, mine: true }]]);
  assert.deepEqual(second.content, { type: "deleted" });
  timeline.prepend([]);
  assert.equal(timeline.have, 5);
});
