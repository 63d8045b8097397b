/** Events that are held are as history would show them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEvent } from "@suda/protocol";
import { me, message, other, room } from "../../test/frames.ts";
import { EventLog } from "./event-log.ts";
import { showChange } from "./show-change.ts";

const about = { conversation: room, at: 1_000, from: other } as const;
const text = (words: string) => ({ type: "text", text: words }) as const;
const edited = (seq: number, target: number): LogEvent => ({ type: "message.edited", ...about, seq, target, rev: 1, content: text("secret") });

test("[D8] a deletion erases what was said in the message's edits too, and in no other's", () => {
  const log = new EventLog(0);
  log.isKeeping = true;
  const events: LogEvent[] = [message(1), message(2), edited(3, 1), edited(4, 2), { type: "message.deleted", ...about, seq: 5, target: 1 }];
  for (const event of events) {
    log.receive(event);
    showChange(log, event, me);
  }
  assert.deepEqual(
    log.events.map((event) => ("content" in event ? event.content : undefined)),
    [{ type: "deleted" }, text("secret"), { type: "deleted" }, text("secret"), undefined],
  );
});

test("[T18] a deletion erases what taps in the message said, and in no other; what says nothing stays as it was", () => {
  const log = new EventLog(0);
  log.isKeeping = true;
  const tap = (seq: number, target: number, kind: "postback" | "share"): LogEvent => ({
    type: "interaction.created",
    ...about,
    seq,
    clientId: "c" as never,
    target,
    to: me,
    action: "a",
    kind,
    ...(kind === "share" ? {} : { data: "secret" }),
  });
  const events = [message(1), message(2), tap(3, 1, "postback"), tap(4, 2, "postback"), tap(5, 1, "share")];
  for (const event of [...events, { type: "message.deleted", ...about, seq: 6, target: 1 } as const]) {
    log.receive(event);
    showChange(log, event, me);
  }
  const { data: _data, ...rest } = events[2] as Extract<LogEvent, { type: "interaction.created" }>;
  assert.deepEqual(log.events.slice(2, 5), [{ ...rest, erased: true }, events[3], events[4]]);
});
