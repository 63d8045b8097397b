/** One log, entry by entry: does each follow from the one before, and what does it lead to. Part of {@link verifyStore}. */
import type { UserId } from "@suda/protocol";
import { eraseBody, isErased } from "./annotations.ts";
import type { FindingKind } from "./finding.ts";
import { chainHash, digestOf, emptyHash, isCountable } from "./log-entry.ts";
import { ChangesReplay } from "./replay-changes.ts";
import { ControlReplay } from "./replay-control.ts";
import { MembersReplay } from "./replay-members.ts";
import type { ConversationRecord, Head, LogEntry } from "./store.ts";

type Report = (kind: FindingKind, seq: number, message: string) => void;

export class LogCheck {
  readonly members: MembersReplay = new MembersReplay();
  readonly changes: ChangesReplay;
  readonly #control: ControlReplay;
  count = 0;
  readonly #record: ConversationRecord;
  readonly #report: Report;
  readonly #keys = new Map<string, number>();
  /** Of messages that may have something to tap. */
  readonly #authors = new Map<number, UserId>();
  /** Seqs of what counts as unread, ascending. */
  readonly messages: number[] = [];
  /** The entry before; `undefined` behind one that could not be read. */
  #before: Head | undefined;

  constructor(record: ConversationRecord, report: Report) {
    const { floor, createdAt } = record;
    this.#record = record;
    this.#report = report;
    this.changes = new ChangesReplay(floor?.seq ?? 0);
    this.#control = new ControlReplay(floor?.seq ?? 0);
    // Nobody knows the time of an entry that is gone; none was before the creation.
    this.#before = { ...(floor ?? { seq: 0, ordinal: 0, hash: emptyHash }), at: createdAt };
  }

  /** The entry could not be read, which has been told. */
  skip(): void {
    this.#before = undefined;
  }

  apply(entry: LogEntry): void {
    const { seq, at, from, clientId, body, digest, hash, ordinal } = entry;
    this.count++;
    if (isErased(body)) {
      if (!isSame(body, eraseBody(body))) this.#report("erasure.differs", seq, "its content is erased, and its data is not");
    } else if (digestOf(body) !== digest) this.#report("log.digest", seq, "its body is not what its digest says");
    const before = this.#before;
    if (before !== undefined) {
      if (seq !== before.seq + 1) this.#report("log.hole", seq, `seq ${seq} follows ${before.seq}`);
      if (at < before.at) this.#report("log.time", seq, `its time ${at} is before ${before.at}, that of the entry before`);
      if (chainHash(before.hash, entry) !== hash) this.#report("log.hash", seq, "its rolling hash does not follow from the entry before");
      if (ordinal !== before.ordinal + (isCountable(body) ? 1 : 0))
        this.#report("log.ordinal", seq, `it is counted as message ${ordinal} after ${before.ordinal}`);
    }
    if (clientId !== undefined) {
      const key = `${from}\n${clientId}`;
      const first = this.#keys.get(key);
      if (first === undefined) this.#keys.set(key, seq);
      else this.#report("log.key", seq, `the clientId of ${from} is also at seq ${first}`);
    }
    if (isCountable(body)) this.messages.push(seq);
    if (body.type === "message.created" && (body.content.type !== "text" || body.quickReplies !== undefined)) this.#authors.set(seq, from);
    // The digest does not hold it, and it decides who sees what was given with the tap.
    if (body.type === "interaction.created" && (this.#authors.get(body.target) ?? body.to) !== body.to)
      this.#report("log.digest", seq, "it names another author of its message");
    this.members.apply(entry);
    this.changes.apply(entry);
    this.#control.apply(entry);
    this.#before = { seq, at, ordinal, hash };
  }

  /** Only when every entry could be read. */
  checkEnd(): void {
    const { head, pins, control } = this.#record;
    const last = this.#before;
    if (last === undefined) return;
    if (last.seq !== head.seq) this.#report("log.hole", head.seq, `the log ends at seq ${last.seq}, and the head is ${head.seq}`);
    else if (!isSame(this.count === 0 && head.seq > 0 ? { ...last, at: head.at } : last, head))
      this.#report("head.differs", head.seq, "the head's time, count or hash is not that of the last entry");
    for (const seq of this.changes.differingAnnotations(isSame))
      this.#report("annotation.differs", seq, "what later entries say of the message is not what is stored of it");
    for (const { seq, isErased } of this.changes.differingErasures())
      this.#report("erasure.differs", seq, isErased ? "it is erased, and nobody deleted it" : "it was deleted, and is not erased");
    for (const seq of this.#control.wrongEpochs) this.#report("control.differs", seq, "its epoch of control does not follow from the one before");
    if (!isSame(control, this.#control.expected(control))) this.#report("control.differs", head.seq, "who is in charge is not what the log leads to");
    if (!isSame(pins, this.changes.pins)) this.#report("pins.differs", head.seq, "its pins are not what the log leads to");
  }

  /** How many messages have a greater seq. */
  countAfter(seq: number): number {
    let low = 0;
    let high = this.messages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.messages[middle] ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return this.messages.length - low;
  }
}

/** Equal as plain data. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const keys = Object.keys(one);
  const [left, right] = [one, other] as Readonly<Record<string, unknown>>[] as [Record<string, unknown>, Record<string, unknown>];
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]));
}
