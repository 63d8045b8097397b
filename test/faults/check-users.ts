/**
 * What users hold against the logs, above the wire: what they wrote is there once and in order, what they were told is
 * true, and each client showed the log once, in order and without a hole. `checkHistory` holds the wire against the logs;
 * it cannot know that a message was written twice under two clientIds, or was forgotten before it was ever sent.
 */
import type { LogReading, ReadEntry } from "@suda/testing";
import type { JournalEntry } from "./journal.ts";

export type UserViolationKind =
  /** The outbox had promised to keep it, and it is not in the log. */
  | "written.lost"
  /** It is there more than once, whatever its clientId. */
  | "written.doubled"
  /** In the log is what its sender never wrote. */
  | "written.invented"
  /** Two writings of one device stand in the other order. */
  | "written.order"
  /** It was refused for good; the tests write nothing that should be. */
  | "written.refused"
  /** It is at another seq than the user was told. */
  | "told.moved"
  /** A client told its listeners of entries twice, in another order, or left some out. */
  | "shown.order"
  /** What a client showed is not what the log has. */
  | "shown.differs";

export interface UserViolation {
  readonly kind: UserViolationKind;
  readonly conversation: string;
  readonly message: string;
}

type Report = (kind: UserViolationKind, conversation: string, message: string) => void;
type Wrote = Extract<JournalEntry, { step: "wrote" }>;

/** @param logs one reading of each conversation, after everything has settled */
export function checkUsers(entries: readonly JournalEntry[], logs: readonly LogReading[]): readonly UserViolation[] {
  const violations: UserViolation[] = [];
  const report: Report = (kind, conversation, message) => violations.push({ kind, conversation, message });
  const byConversation = new Map(logs.map((log) => [log.conversation, log]));
  checkWritten(entries, byConversation, report);
  checkShown(entries, byConversation, report);
  return violations;
}

function checkWritten(entries: readonly JournalEntry[], logs: ReadonlyMap<string, LogReading>, report: Report): void {
  const written = new Map<string, Wrote>();
  const kept = new Set<string>();
  for (const entry of entries) {
    if (entry.step === "wrote") written.set(entry.clientId, entry);
    if (entry.step === "kept") kept.add(entry.clientId);
  }
  const places = placesOf(written, logs, report);
  for (const { clientId, conversation, device } of written.values()) {
    const count = places.get(clientId)?.length ?? 0;
    if (count === 0 && kept.has(clientId)) report("written.lost", conversation, `${device} wrote ${clientId} and kept it, and it is not in the log`);
    if (count > 1) report("written.doubled", conversation, `${device} wrote ${clientId} once, and it is at seq ${places.get(clientId)?.join(" and ")}`);
  }
  for (const entry of entries) {
    if (entry.step !== "stored" && entry.step !== "refused") continue;
    const conversation = written.get(entry.clientId)?.conversation ?? "";
    const seqs = places.get(entry.clientId) ?? [];
    if (entry.step === "refused") report("written.refused", conversation, `${entry.device} was refused ${entry.clientId}: ${entry.code}`);
    else if (!seqs.includes(entry.seq))
      report("told.moved", conversation, `${entry.device} was told that ${entry.clientId} is at seq ${entry.seq}; it is at ${seqs.join(", ") || "none"}`);
  }
  checkOrder(written.values(), places, report);
}

/** Seqs of each writing by its body, because a client that doubles takes another clientId. */
function placesOf(written: ReadonlyMap<string, Wrote>, logs: ReadonlyMap<string, LogReading>, report: Report): ReadonlyMap<string, number[]> {
  const byBody = new Map([...written.values()].map((one) => [`${one.conversation}\n${one.user}\n${one.body}`, one.clientId]));
  const places = new Map<string, number[]>();
  for (const { conversation, entries } of logs.values()) {
    for (const { seq, from, clientId, body } of entries) {
      if (clientId === undefined) continue;
      const original = byBody.get(`${conversation}\n${from}\n${body}`);
      if (original === undefined) {
        report("written.invented", conversation, `seq ${seq} is ${from}'s ${clientId}, which they never wrote so`);
        continue;
      }
      const seqs = places.get(original);
      if (seqs === undefined) places.set(original, [seq]);
      else seqs.push(seq);
    }
  }
  return places;
}

function checkOrder(written: Iterable<Wrote>, places: ReadonlyMap<string, readonly number[]>, report: Report): void {
  const last = new Map<string, { readonly seq: number; readonly clientId: string }>();
  for (const { device, conversation, clientId } of written) {
    const seq = places.get(clientId)?.[0];
    if (seq === undefined) continue;
    const key = `${device}\n${conversation}`;
    const before = last.get(key);
    if (before !== undefined && before.seq > seq)
      report("written.order", conversation, `${device} wrote ${before.clientId} (seq ${before.seq}) before ${clientId} (seq ${seq})`);
    last.set(key, { seq, clientId });
  }
}

function checkShown(entries: readonly JournalEntry[], logs: ReadonlyMap<string, LogReading>, report: Report): void {
  const last = new Map<string, number>();
  const edited = new Set<string>();
  for (const { conversation, entries: log } of logs.values())
    for (const { body } of log) if (body.startsWith("message.edited ")) edited.add(`${conversation} ${body.slice(15)}`);
  for (const one of entries) {
    if (one.step !== "shown") continue;
    const { device, life, conversation, entry } = one;
    const key = `${device}\n${life}\n${conversation}`;
    const before = last.get(key);
    last.set(key, entry.seq);
    if (before !== undefined && entry.seq !== before + 1) report("shown.order", conversation, `${device} showed seq ${entry.seq} after ${before}`);
    const stored = logs.get(conversation)?.entries[entry.seq - 1];
    // In a page an edited message is as it is now.
    if (!isSame(stored, entry, edited.has(`${conversation} ${entry.seq}`)))
      report(
        "shown.differs",
        conversation,
        `${device} showed seq ${entry.seq} of ${entry.from}; the log has ${stored?.from ?? "nothing"} there, or another text`,
      );
  }
}

function isSame(stored: ReadEntry | undefined, shown: ReadEntry, isEdited: boolean): boolean {
  return stored?.seq === shown.seq && stored.from === shown.from && stored.clientId === shown.clientId && (isEdited || stored.body === shown.body);
}
