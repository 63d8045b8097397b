/** A record that events keep current is what the server would answer: here, who is in charge of a conversation with a bot (T25). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, Control, Conversation, ConversationId, LogEvent, UserId } from "@suda/protocol";
import { recordAfter } from "./conversation-record.ts";

const [alice, mina, tutor] = ["alice", "mina", "tutor"] as [UserId, UserId, UserId];
const conversation = "d.HLFUV9Hdq2DiBcD-PKL2XR" as ConversationId;
const fresh: Conversation = { id: conversation, kind: "direct", epoch: "e", createdAt: 1, memberCount: 2, head: 0, lastAt: 1 };
const says = (seq: number, at: number, fields: { readonly from: UserId; readonly agent?: UserId }): LogEvent => ({
  type: "message.created",
  conversation,
  seq,
  at,
  clientId: `c${seq}` as ClientId,
  content: { type: "text", text: "words" },
  ...fields,
});

test("[T25] a change of control is the new one, with its place; the agent's messages, and nobody else's, begin the lease anew", () => {
  let record = fresh;
  const after = (event: LogEvent): Control | undefined => (record = recordAfter(record, event, alice)).control;
  const place = { conversation, from: alice } as const;
  assert.equal(after(says(1, 10, { from: tutor })), undefined);
  const waiting = { holder: "none", epoch: 1, queue: "math" } as const;
  assert.deepEqual(after({ type: "control.changed", ...place, seq: 2, at: 20, ...waiting, reason: "handoff" }), { ...waiting, seq: 2, at: 20 });
  const held = { holder: "human", epoch: 2, agent: mina, queue: "math", leaseMs: 60_000, leaseUntil: 60_030 } as const;
  const taken: LogEvent = { type: "control.changed", conversation, from: mina, seq: 3, at: 30, ...held, reason: "taken" };
  assert.deepEqual(after(taken), { ...held, seq: 3, at: 30 });
  assert.equal(after(says(4, 40, { from: alice }))?.leaseUntil, 60_030);
  assert.equal(after(says(5, 50, { from: tutor, agent: mina }))?.leaseUntil, 60_050);
  assert.equal(after(says(6, 60, { from: mina }))?.leaseUntil, 60_060);
  assert.equal(after(taken)?.leaseUntil, 60_060, "what the record knows changes nothing");
  assert.deepEqual(after({ type: "control.changed", ...place, seq: 7, at: 70, holder: "bot", epoch: 3, reason: "returned" }), {
    holder: "bot",
    epoch: 3,
    seq: 7,
    at: 70,
  });
  assert.equal(after(says(8, 80, { from: mina }))?.leaseUntil, undefined);
});
