/**
 * The checker: whether what a server's clients were told agrees with what its logs hold in the end.
 *
 * Input is a history (one record per step of every client, in the order of time of one clock) and the logs as
 * several members read them back after everything had stopped. Output is a list of violations, each with a
 * kind; an empty list is the promise of docs/PROTOCOL.md kept: an acknowledged message is never lost, never
 * duplicated, and is seen by every member in one order.
 *
 * Used by the kill test, the property tests and `suda verify`. It must be able to fail: checker.test.ts plants
 * a history for every kind, and test/kill runs servers with planted bugs. Idea: Jepsen's histories.
 */

/** What names one send for ever, however often it was tried. */
export interface SendKey {
  readonly conversation: string;
  /** The user who sends. */
  readonly from: string;
  readonly clientId: string;
}

/** One step of one client. A history is an array of these in the order of time. */
export type HistoryRecord =
  /** A try leaves the client. `connection` differs after every reconnect. */
  | (SendKey & { readonly step: "invoke"; readonly connection: string; readonly body: string })
  /** It was acknowledged. */
  | (SendKey & { readonly step: "ok"; readonly connection: string; readonly seq: number; readonly duplicate: boolean })
  /** It was refused for certain: this try has stored nothing. */
  | (SendKey & { readonly step: "fail"; readonly connection: string; readonly code: string })
  /** No answer: the message may exist, at most once. */
  | (SendKey & { readonly step: "unknown"; readonly connection: string })
  /** A member saw an entry live. */
  | { readonly step: "observe"; readonly conversation: string; readonly observer: string; readonly connection: string; readonly entry: ReadEntry };

/** One entry of a log as a member read or saw it. */
export interface ReadEntry {
  readonly seq: number;
  readonly from: string;
  /** Absent for entries that are no messages. */
  readonly clientId?: string;
  /** The body itself or a digest of it; compared as it is, with that of the invocation. */
  readonly body: string;
  /** A deletion for all erased what the body said: it is not compared any more. */
  readonly isErased?: true;
  /** Seq of the message that this entry deleted for all. */
  readonly deletes?: number;
  /** Seq of the message that this entry edited, or whose tap it is and may say something; a deletion of that message erases this entry too. */
  readonly edits?: number;
}

/** The whole log of a conversation as one member read it. */
export interface LogReading {
  readonly conversation: string;
  readonly reader: string;
  readonly entries: readonly ReadEntry[];
}

export interface Evidence {
  readonly history: readonly HistoryRecord[];
  /** Read after all clients had stopped, so that all readings of a conversation must be equal. */
  readonly logs: readonly LogReading[];
  /** Readings of earlier moments: each must be a beginning of the final log. */
  readonly earlierLogs?: readonly LogReading[];
}

export type ViolationKind =
  /** An acknowledged message is not in the log. */
  | "acked.lost"
  /** It is, at another seq than the reply said. */
  | "acked.moved"
  /** It is, with another body. */
  | "acked.changed"
  /** Two replies for one clientId named different seqs. */
  | "acked.twice"
  /** A refused message is in the log. */
  | "failed.stored"
  /** Seqs are not 1, 2, 3… */
  | "log.hole"
  /** One (sender, clientId) is there twice. */
  | "log.duplicate"
  /** A message that nobody sent. */
  | "log.invented"
  /** Two members read different logs. */
  | "log.differs"
  /** What was read earlier is no longer there. */
  | "log.vanished"
  /** What a member saw live is not in the log. */
  | "observed.lost"
  /** What a member saw live is something else in the log at that seq. */
  | "observed.changed"
  /** A member saw entries in another order than the log's. */
  | "observed.order"
  /** `b` was sent after `a` was acknowledged and stands before it. */
  | "order.time"
  /** Two sends of one connection stand in the other order. */
  | "order.sender"
  /** A message was deleted for all, and what it said is still there. */
  | "erased.kept"
  /** What an entry said is gone, and nobody deleted it. */
  | "erased.unasked"
  /** There is evidence of a conversation of which no log was given. */
  | "evidence.missing";

export interface Violation {
  readonly kind: ViolationKind;
  readonly conversation: string;
  /** For people. */
  readonly message: string;
}

/** All violations, in no promised order; empty when every promise was kept. Linear in the evidence. */
export function checkHistory(evidence: Evidence): readonly Violation[] {
  const violations: Violation[] = [];
  const report = (kind: ViolationKind, conversation: string, message: string): void => {
    violations.push({ kind, conversation, message });
  };
  const conversations = new Map<string, ConversationEvidence>();
  const of = (id: string): ConversationEvidence => {
    let known = conversations.get(id);
    if (known === undefined) conversations.set(id, (known = { id, records: [], logs: [], earlierLogs: [] }));
    return known;
  };
  for (const record of evidence.history) of(record.conversation).records.push(record);
  for (const log of evidence.logs) of(log.conversation).logs.push(log);
  for (const log of evidence.earlierLogs ?? []) of(log.conversation).earlierLogs.push(log);
  for (const conversation of conversations.values()) checkConversation(conversation, report);
  return violations;
}

/** How many of each kind, for a line of a report. */
export function countViolations(violations: readonly Violation[]): Readonly<Partial<Record<ViolationKind, number>>> {
  const counts: Partial<Record<ViolationKind, number>> = {};
  for (const { kind } of violations) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

interface ConversationEvidence {
  readonly id: string;
  readonly records: HistoryRecord[];
  readonly logs: LogReading[];
  readonly earlierLogs: LogReading[];
}

type Report = (kind: ViolationKind, conversation: string, message: string) => void;

/** What is known of one send over all of its tries. */
interface Send {
  readonly name: string;
  readonly body: string;
  /** Highest seq that had been acknowledged to anybody when the first try left that was not refused for certain. */
  ackedBefore: number;
  /** Answers that are still to come, and those that never came. */
  open: number;
  unknown: number;
  ackedSeq: number | undefined;
}

function checkConversation(evidence: ConversationEvidence, report: Report): void {
  const [log] = evidence.logs;
  if (log === undefined) return report("evidence.missing", evidence.id, "no log was read of this conversation");
  checkDense(log, report);
  checkErased(log, report);
  for (const other of evidence.logs.slice(1)) checkSame(log, other, report);
  for (const earlier of evidence.earlierLogs) checkBeginning(log, earlier, report);
  const bySeq = new Map(log.entries.map((entry) => [entry.seq, entry]));
  const byKey = indexByKey(log, report);
  const sends = checkReplies(evidence, report);
  for (const [key, send] of sends) checkSend({ conversation: evidence.id, send, stored: byKey.get(key) }, report);
  for (const [key, entry] of byKey)
    if (!sends.has(key)) report("log.invented", evidence.id, `${describe(entry)} is in the log of ${log.reader}, and nobody sent it`);
  checkObserved(evidence, bySeq, report);
}

function checkDense(log: LogReading, report: Report): void {
  for (const [index, entry] of log.entries.entries())
    if (entry.seq !== index + 1)
      return report("log.hole", log.conversation, `${log.reader} read seq ${entry.seq} in place ${index + 1} of ${log.entries.length}`);
}

function checkErased(log: LogReading, report: Report): void {
  const deletions = new Map(log.entries.flatMap(({ seq, deletes }) => (deletes === undefined ? [] : [[deletes, seq] as const])));
  for (const entry of log.entries) {
    if (entry.clientId === undefined && entry.edits === undefined) continue;
    const deletedAt = deletions.get(entry.edits ?? entry.seq);
    if (deletedAt !== undefined && entry.isErased !== true)
      report("erased.kept", log.conversation, `${describe(entry)} was deleted by seq ${deletedAt}, and ${log.reader} still reads what it said`);
    if (deletedAt === undefined && entry.isErased === true)
      report("erased.unasked", log.conversation, `${describe(entry)} has lost what it said, and nobody deleted it`);
  }
}

function checkSame(log: LogReading, other: LogReading, report: Report): void {
  if (log.entries.length !== other.entries.length)
    report("log.differs", log.conversation, `${log.reader} read ${log.entries.length} entries, ${other.reader} ${other.entries.length}`);
  const at = firstDifference(log, other);
  if (at !== undefined)
    report("log.differs", log.conversation, `place ${at + 1}: ${log.reader} read ${describe(log.entries[at])}, ${other.reader} ${describe(other.entries[at])}`);
}

function checkBeginning(log: LogReading, earlier: LogReading, report: Report): void {
  if (earlier.entries.length > log.entries.length)
    report("log.vanished", log.conversation, `${earlier.reader} had read ${earlier.entries.length} entries, now there are ${log.entries.length}`);
  const at = firstDifference(log, earlier, isSameUnlessErased);
  if (at !== undefined)
    report("log.vanished", log.conversation, `place ${at + 1}: ${earlier.reader} had read ${describe(earlier.entries[at])}, now ${describe(log.entries[at])}`);
}

function firstDifference(one: LogReading, other: LogReading, isSame: typeof isSameEntry = isSameEntry): number | undefined {
  const length = Math.min(one.entries.length, other.entries.length);
  for (let i = 0; i < length; i++) if (!isSame(one.entries[i], other.entries[i])) return i;
  return undefined;
}

function indexByKey(log: LogReading, report: Report): Map<string, ReadEntry> {
  const byKey = new Map<string, ReadEntry>();
  for (const entry of log.entries) {
    if (entry.clientId === undefined) continue;
    const key = keyOf(entry.from, entry.clientId);
    const first = byKey.get(key);
    if (first === undefined) byKey.set(key, entry);
    else report("log.duplicate", log.conversation, `${describe(entry)} is also at seq ${first.seq}`);
  }
  return byKey;
}

/** Walks the history once in the order of time; what needs the order of time is checked here. */
function checkReplies(evidence: ConversationEvidence, report: Report): Map<string, Send> {
  const sends = new Map<string, Send>();
  const lastOfConnection = new Map<string, { place: number; seq: number; name: string }>();
  const places = new Map<string, number>();
  let ackedSoFar = 0;
  for (const [place, record] of evidence.records.entries()) {
    if (record.step === "observe") continue;
    const key = keyOf(record.from, record.clientId);
    if (record.step === "invoke") {
      let send = sends.get(key);
      if (send === undefined) {
        send = { name: `${record.from}/${record.clientId}`, body: record.body, ackedBefore: 0, open: 0, unknown: 0, ackedSeq: undefined };
        sends.set(key, send);
      }
      if (send.open === 0 && send.unknown === 0 && send.ackedSeq === undefined) {
        send.ackedBefore = ackedSoFar;
        // Only a try before which nothing can be stored has a place in its connection's order: a retry may find what was stored long ago.
        places.set(`${record.connection}\n${key}`, place);
      }
      send.open++;
      continue;
    }
    const send = sends.get(key);
    if (send === undefined) throw new TypeError(`The history answers ${record.from}/${record.clientId} before it was invoked.`);
    send.open--;
    if (record.step === "unknown") send.unknown++;
    if (record.step !== "ok") continue;
    if (send.ackedSeq !== undefined && send.ackedSeq !== record.seq)
      report("acked.twice", evidence.id, `${send.name} was acknowledged at seq ${send.ackedSeq} and at ${record.seq}`);
    send.ackedSeq ??= record.seq;
    ackedSoFar = Math.max(ackedSoFar, record.seq);
    const ownPlace = places.get(`${record.connection}\n${key}`);
    if (ownPlace === undefined || record.duplicate) continue;
    // Replies may come in any order, so the comparison is by the place of the invocation.
    const last = lastOfConnection.get(record.connection);
    if (last !== undefined && ownPlace < last.place !== record.seq < last.seq)
      report(
        "order.sender",
        evidence.id,
        `${record.connection}: ${send.name} (seq ${record.seq}) and ${last.name} (seq ${last.seq}) were sent in the other order`,
      );
    if (last === undefined || ownPlace > last.place) lastOfConnection.set(record.connection, { place: ownPlace, seq: record.seq, name: send.name });
  }
  return sends;
}

function checkSend({ conversation, send, stored }: { conversation: string; send: Send; stored: ReadEntry | undefined }, report: Report): void {
  if (stored === undefined) {
    if (send.ackedSeq !== undefined) report("acked.lost", conversation, `${send.name}, acknowledged at seq ${send.ackedSeq}, is not in the log`);
    return;
  }
  if (send.ackedSeq !== undefined && send.ackedSeq !== stored.seq)
    report("acked.moved", conversation, `${send.name} was acknowledged at seq ${send.ackedSeq} and is at ${stored.seq}`);
  if (send.body !== stored.body && stored.isErased !== true)
    report("acked.changed", conversation, `${send.name} at seq ${stored.seq} has another body than was sent`);
  // A try whose answer never came (still open, or told as unknown) may have stored it.
  if (send.ackedSeq === undefined && send.unknown === 0 && send.open === 0)
    report("failed.stored", conversation, `${send.name} was refused and is at seq ${stored.seq}`);
  if (stored.seq <= send.ackedBefore)
    report("order.time", conversation, `${send.name} is at seq ${stored.seq}, and was sent after seq ${send.ackedBefore} had been acknowledged`);
}

function checkObserved(evidence: ConversationEvidence, bySeq: ReadonlyMap<number, ReadEntry>, report: Report): void {
  const highest = new Map<string, number>();
  const seen = new Map<string, Set<number>>();
  for (const record of evidence.records) {
    if (record.step !== "observe") continue;
    const { entry, observer, connection } = record;
    const stored = bySeq.get(entry.seq);
    if (stored === undefined) report("observed.lost", evidence.id, `${observer} saw ${describe(entry)}, which is not in the log`);
    else if (!isSameUnlessErased(stored, entry)) report("observed.changed", evidence.id, `${observer} saw ${describe(entry)}, the log has ${describe(stored)}`);
    // The same entry again is no fault (at least once); an older one for the first time after a newer one is.
    let seqs = seen.get(connection);
    if (seqs === undefined) seen.set(connection, (seqs = new Set()));
    const last = highest.get(connection) ?? 0;
    if (entry.seq < last && !seqs.has(entry.seq)) report("observed.order", evidence.id, `${observer} saw seq ${entry.seq} after ${last}`);
    seqs.add(entry.seq);
    highest.set(connection, Math.max(last, entry.seq));
  }
}

function isSameEntry(one: ReadEntry | undefined, other: ReadEntry | undefined): boolean {
  return isSamePlace(one, other) && one?.body === other?.body;
}

/** A deletion that came after the earlier reading has erased what it read. */
function isSameUnlessErased(now: ReadEntry | undefined, earlier: ReadEntry | undefined): boolean {
  return isSamePlace(now, earlier) && (now?.body === earlier?.body || now?.isErased === true);
}

function isSamePlace(one: ReadEntry | undefined, other: ReadEntry | undefined): boolean {
  return one?.seq === other?.seq && one?.from === other?.from && one?.clientId === other?.clientId;
}

function keyOf(from: string, clientId: string): string {
  return `${from}\n${clientId}`;
}

function describe(entry: ReadEntry | undefined): string {
  return entry === undefined ? "nothing" : `seq ${entry.seq} (${entry.from}/${entry.clientId ?? "-"})`;
}
