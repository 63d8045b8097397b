/** The checker must be able to fail: a history for every kind of violation, beside the same history without it. */
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { checkHistory, countViolations, type Evidence, type HistoryRecord, type LogReading, type ReadEntry, type ViolationKind } from "./checker.ts";

const conversation = "g.1";
const send = (from: string, clientId: string) => ({ conversation, from, clientId, connection: `${from}#1` });
const invoke = (from: string, clientId: string, body = `body ${clientId}`): HistoryRecord => ({ step: "invoke", ...send(from, clientId), body });
const acked = (from: string, clientId: string, seq: number, duplicate = false): HistoryRecord => ({ step: "ok", ...send(from, clientId), seq, duplicate });
const failed = (from: string, clientId: string): HistoryRecord => ({ step: "fail", ...send(from, clientId), code: "rate.limited" });
const unknown = (from: string, clientId: string): HistoryRecord => ({ step: "unknown", ...send(from, clientId) });
const message = (seq: number, from: string, clientId: string, body = `body ${clientId}`): ReadEntry => ({ seq, from, clientId, body });
const saw = (observer: string, entry: ReadEntry): HistoryRecord => ({ step: "observe", conversation, observer, connection: `${observer}#1`, entry });
const log = (reader: string, ...entries: ReadEntry[]): LogReading => ({ conversation, reader, entries });

const a1 = message(1, "alice", "a1");
const b1 = message(2, "bob", "b1");
const a2 = message(3, "alice", "a2");
const good: HistoryRecord[] = [
  invoke("alice", "a1"),
  saw("bob", a1),
  acked("alice", "a1", 1),
  invoke("bob", "b1"),
  acked("bob", "b1", 2),
  saw("bob", b1),
  saw("bob", b1),
  invoke("alice", "a2"),
  unknown("alice", "a2"),
  invoke("alice", "a2"),
  acked("alice", "a2", 3, true),
];
const goodLogs = [log("alice", a1, b1, a2), log("bob", a1, b1, a2)];

test("a history that keeps every promise has no violations", () => {
  deepEqual(checkHistory({ history: good, logs: goodLogs, earlierLogs: [log("alice", a1), log("bob", a1, b1)] }), []);
  deepEqual(checkHistory({ history: [], logs: [] }), []);
});

test("an unanswered send may be in the log or not, and a refused one may be tried again", () => {
  deepEqual(checkHistory({ history: [invoke("alice", "a1"), unknown("alice", "a1")], logs: [log("alice")] }), []);
  deepEqual(checkHistory({ history: [invoke("alice", "a1"), unknown("alice", "a1")], logs: [log("alice", a1)] }), []);
  deepEqual(checkHistory({ history: [invoke("alice", "a1")], logs: [log("alice", a1)] }), []);
  const retried = [invoke("alice", "a1"), failed("alice", "a1"), invoke("alice", "a1"), acked("alice", "a1", 1)];
  deepEqual(checkHistory({ history: retried, logs: [log("alice", a1)] }), []);
});

test("entries that are no messages take part in the numbering and need no sender", () => {
  const joined: ReadEntry = { seq: 1, from: "alice", body: "member.added bob" };
  deepEqual(checkHistory({ history: [invoke("alice", "a1"), acked("alice", "a1", 2)], logs: [log("alice", joined, message(2, "alice", "a1"))] }), []);
});

test("pipelined sends of one connection may be answered in any order", () => {
  const history = [invoke("alice", "a1"), invoke("alice", "a2"), acked("alice", "a2", 2), acked("alice", "a1", 1)];
  deepEqual(checkHistory({ history, logs: [log("alice", a1, message(2, "alice", "a2"))] }), []);
});

test("what a deletion erased is no violation, wherever it was seen before", () => {
  const edit: ReadEntry = { seq: 2, from: "alice", edits: 1, body: "edited to something" };
  const deletion: ReadEntry = { seq: 3, from: "alice", deletes: 1, body: "message.deleted" };
  const gone = { body: "deleted", isErased: true } as const;
  const history = [invoke("alice", "a1"), acked("alice", "a1", 1), saw("bob", a1), saw("bob", edit), saw("bob", deletion)];
  const logs = [log("alice", { ...a1, ...gone }, { ...edit, ...gone }, deletion)];
  deepEqual(checkHistory({ history, logs, earlierLogs: [log("bob", a1, edit)] }), []);
  const back = checkHistory({ history, logs: [log("alice", a1, edit, deletion)], earlierLogs: [log("bob", { ...a1, ...gone })] });
  ok(back.some(({ kind }) => kind === "log.vanished"));
});

test("a message that was refused for certain and tried again later stands where it was tried again", () => {
  const history = [
    invoke("alice", "a1"),
    failed("alice", "a1"),
    invoke("alice", "a2"),
    acked("alice", "a2", 1),
    invoke("alice", "a1"),
    acked("alice", "a1", 2),
  ];
  const logs = [log("alice", message(1, "alice", "a2"), message(2, "alice", "a1"))];
  deepEqual(checkHistory({ history, logs }), []);
  const unanswered = history.map((record) => (record.step === "fail" ? unknown("alice", "a1") : record));
  deepEqual(
    checkHistory({ history: unanswered, logs }).map(({ kind }) => kind),
    ["order.sender"],
  );
});

const planted: readonly { readonly kind: ViolationKind; readonly title: string; readonly evidence: Evidence }[] = [
  {
    kind: "acked.lost",
    title: "an acknowledged message that is not in the log",
    evidence: { history: [...good, invoke("bob", "b2"), acked("bob", "b2", 4)], logs: goodLogs },
  },
  {
    kind: "acked.moved",
    title: "an acknowledged message at another seq",
    evidence: { history: [invoke("alice", "a1"), acked("alice", "a1", 2)], logs: [log("alice", a1)] },
  },
  {
    kind: "acked.changed",
    title: "an acknowledged message with another body",
    evidence: { history: [invoke("alice", "a1"), acked("alice", "a1", 1)], logs: [log("alice", message(1, "alice", "a1", "other"))] },
  },
  {
    kind: "acked.twice",
    title: "a retry that was told another seq",
    evidence: { history: [...good, invoke("alice", "a1"), acked("alice", "a1", 3, true)], logs: goodLogs },
  },
  {
    kind: "failed.stored",
    title: "a refused message that is in the log",
    evidence: { history: [invoke("alice", "a1"), failed("alice", "a1")], logs: [log("alice", a1)] },
  },
  {
    kind: "log.hole",
    title: "a log with a hole",
    evidence: { history: good, logs: [log("alice", a1, b1, message(4, "alice", "a2"))] },
  },
  { kind: "log.hole", title: "a log that is out of order", evidence: { history: good, logs: [log("alice", b1, a1, a2)] } },
  {
    kind: "log.duplicate",
    title: "a message that is in the log twice",
    evidence: { history: good, logs: [log("alice", a1, b1, a2, message(4, "alice", "a2"))] },
  },
  {
    kind: "log.invented",
    title: "a message that nobody sent",
    evidence: { history: good, logs: [log("alice", a1, b1, a2, message(4, "mallory", "m1"))] },
  },
  {
    kind: "log.differs",
    title: "members who read different orders",
    evidence: { history: good, logs: [log("alice", a1, b1, a2), log("bob", message(1, "bob", "b1"), message(2, "alice", "a1"), a2)] },
  },
  { kind: "log.differs", title: "a member who reads less", evidence: { history: good, logs: [log("alice", a1, b1, a2), log("bob", a1, b1)] } },
  {
    kind: "log.vanished",
    title: "an entry that was read once and is gone",
    evidence: { history: good, logs: goodLogs, earlierLogs: [log("bob", a1, b1, a2, message(4, "bob", "b2"))] },
  },
  {
    kind: "log.vanished",
    title: "an entry that was read once and is another now",
    evidence: { history: good, logs: goodLogs, earlierLogs: [log("bob", message(1, "alice", "a0"))] },
  },
  {
    kind: "observed.lost",
    title: "an event that a member saw and that is not in the log",
    evidence: { history: [...good, saw("bob", message(4, "bob", "b2"))], logs: goodLogs },
  },
  {
    kind: "observed.changed",
    title: "an event that a member saw otherwise",
    evidence: { history: [...good, saw("bob", message(3, "bob", "b9"))], logs: goodLogs },
  },
  { kind: "observed.order", title: "a member who saw another order", evidence: { history: [...good, saw("carol", b1), saw("carol", a1)], logs: goodLogs } },
  {
    kind: "order.time",
    title: "a message sent after another was acknowledged, before it in the log",
    evidence: {
      history: [invoke("alice", "a1"), acked("alice", "a1", 2), invoke("bob", "b1"), acked("bob", "b1", 1)],
      logs: [log("alice", message(1, "bob", "b1"), message(2, "alice", "a1"))],
    },
  },
  {
    kind: "order.time",
    title: "the same for one whose answer never came",
    evidence: {
      history: [invoke("alice", "a1"), acked("alice", "a1", 2), invoke("bob", "b1"), unknown("bob", "b1")],
      logs: [log("alice", message(1, "bob", "b1"), message(2, "alice", "a1"))],
    },
  },
  {
    kind: "order.sender",
    title: "pipelined sends of one connection stored in the other order",
    evidence: {
      history: [invoke("alice", "a1"), invoke("alice", "a2"), acked("alice", "a2", 1), acked("alice", "a1", 2)],
      logs: [log("alice", message(1, "alice", "a2"), message(2, "alice", "a1"))],
    },
  },
  {
    kind: "erased.kept",
    title: "a deleted message that still says something",
    evidence: { history: [invoke("alice", "a1")], logs: [log("alice", a1, { seq: 2, from: "alice", deletes: 1, body: "message.deleted" })] },
  },
  {
    kind: "erased.unasked",
    title: "a message that lost what it said without a deletion",
    evidence: { history: [invoke("alice", "a1")], logs: [log("alice", { ...a1, body: "deleted", isErased: true })] },
  },
  { kind: "evidence.missing", title: "a conversation whose log was not read", evidence: { history: good, logs: [] } },
];

for (const { kind, title, evidence } of planted) {
  test(`${kind}: ${title}`, () => {
    const violations = checkHistory(evidence);
    ok((countViolations(violations)[kind] ?? 0) > 0, `found only ${JSON.stringify(violations)}`);
    for (const violation of violations) equal(violation.conversation, conversation);
  });
}

test("every kind has a planted history", () => {
  const kinds = {
    "acked.lost": true,
    "acked.moved": true,
    "acked.changed": true,
    "acked.twice": true,
    "failed.stored": true,
    "log.hole": true,
    "log.duplicate": true,
    "log.invented": true,
    "log.differs": true,
    "log.vanished": true,
    "observed.lost": true,
    "observed.changed": true,
    "observed.order": true,
    "order.time": true,
    "order.sender": true,
    "erased.kept": true,
    "erased.unasked": true,
    "evidence.missing": true,
  } satisfies Record<ViolationKind, true>;
  deepEqual(new Set(planted.map(({ kind }) => kind)), new Set(Object.keys(kinds)));
});

test("an answer without its invocation is a fault of the history, told at once", () => {
  throws(() => checkHistory({ history: [acked("alice", "a1", 1)], logs: [log("alice", a1)] }), TypeError);
});
