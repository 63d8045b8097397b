/**
 * What a group of writes to one conversation plans upon: its record and its rows, as the writes before in the group leave
 * them. Planning is code without waiting, so rows must be there when it asks: one that is not is noted as missing, loaded, and
 * the plan made anew.
 */
import type { ConversationId, UserId } from "@suda/protocol";
import type { Annotation, ConversationRecord, HideMark, LogEntry, MemberRecord } from "@suda/server/store";
import type { Journal, Move, Sweep } from "./journal.ts";
import { decodeAnnotation, decodeEntry, decodeMember, decodeRecord, encodeEntry, encodeMember, encodeRecord } from "./records.ts";
import { annotationKey, entryKey, hideCountKey, hideKey, hideMarksKey, listKey, memberKey, partsOf, placeOf, sortKeyOf, targetOf } from "./row-keys.ts";

/** What rows are in the tables; `undefined` in it: none. */
export type LoadedRows = ReadonlyMap<string, Buffer | undefined>;

/** The planned state of a group. */
export class Plans {
  record: ConversationRecord;
  readonly rows: Map<string, Buffer | null> = new Map<string, Buffer | null>();
  readonly moves: Map<UserId, Move> = new Map<UserId, Move>();
  sweep: Sweep | undefined;
  bytes = 0;

  constructor(record: ConversationRecord) {
    this.record = record;
  }

  get journal(): Journal {
    return { rows: this.rows, moves: [...this.moves.values()], sweep: this.sweep };
  }

  hasChanged(before: ConversationRecord): boolean {
    return this.record !== before || this.rows.size > 0 || this.moves.size > 0 || this.sweep !== undefined;
  }
}

/** One write of the group: reads through it, and what it puts is the group's once {@link Stage.commit} is called. */
export class Stage {
  readonly id: ConversationId;
  /** Keys that were asked for and are not loaded; while there are some, what was planned means nothing. */
  readonly missing: Set<string> = new Set<string>();
  /** The conversation as it is durable, without what the group has planned. */
  readonly durable: ConversationRecord;
  readonly #plans: Plans;
  readonly #loaded: LoadedRows;
  readonly #rows = new Map<string, Buffer | null>();
  readonly #moves: Move[] = [];
  #record: ConversationRecord;
  #sweep: Sweep | undefined;

  constructor(id: ConversationId, { plans, loaded, durable }: { plans: Plans; loaded: LoadedRows; durable: ConversationRecord }) {
    this.id = id;
    this.durable = durable;
    this.#plans = plans;
    this.#loaded = loaded;
    this.#record = plans.record;
  }

  get record(): ConversationRecord {
    return this.#record;
  }

  bytes(key: string): Buffer | undefined {
    const own = this.#rows.get(key);
    const planned = own === undefined ? this.#plans.rows.get(key) : own;
    if (planned !== undefined) return planned ?? undefined;
    const target = targetOf(key);
    if (target !== undefined && target <= (this.#plans.sweep?.last ?? 0)) return undefined;
    if (!this.#loaded.has(key)) this.missing.add(key);
    return this.#loaded.get(key);
  }

  entry(seq: number): LogEntry | undefined {
    const key = entryKey(seq);
    const bytes = this.bytes(key);
    return bytes === undefined ? undefined : decodeEntry(placeOf(this.id, key), seq, bytes);
  }

  annotation(target: number): Annotation | undefined {
    const key = annotationKey(target);
    const bytes = this.bytes(key);
    return bytes === undefined ? undefined : decodeAnnotation(placeOf(this.id, key), bytes);
  }

  member(user: UserId): MemberRecord | undefined {
    const key = memberKey(user);
    const bytes = this.bytes(key);
    return bytes === undefined ? undefined : decodeMember(placeOf(this.id, key), user, bytes);
  }

  /** Of messages `first`…`last`, in no order. */
  hideMarks(first: number, last: number): HideMark[] {
    const bytes = this.bytes(hideMarksKey(first, last));
    const stored = bytes === undefined ? [] : (JSON.parse(bytes.toString()) as readonly (readonly [number, UserId])[]);
    const marks = new Map<string, HideMark>();
    for (const [target, user] of stored) marks.set(hideKey(target, user), { target, user });
    for (const rows of [this.#plans.rows, this.#rows])
      for (const [key, value] of rows) {
        if (!key.startsWith("h")) continue;
        const target = targetOf(key) ?? 0;
        if (value === null) marks.delete(key);
        else if (target >= first && target <= last) marks.set(key, { target, user: partsOf(key)[1] as UserId });
      }
    return [...marks.values()];
  }

  hides(user: UserId): number {
    const key = hideCountKey(user);
    const bytes = this.bytes(key);
    return bytes === undefined ? 0 : (decodeRecord(placeOf(this.id, key), bytes) as readonly [number])[0];
  }

  put(key: string, bytes: Buffer | null): void {
    this.#rows.set(key, bytes);
  }

  putEntry(entry: LogEntry): void {
    const key = entryKey(entry.seq);
    this.put(key, encodeEntry(placeOf(this.id, key), entry));
  }

  putMember(user: UserId, member: MemberRecord | undefined): void {
    const key = memberKey(user);
    this.put(key, member === undefined ? null : encodeMember(placeOf(this.id, key), member));
  }

  putHides(user: UserId, count: number): void {
    const key = hideCountKey(user);
    this.put(key, count === 0 ? null : encodeRecord(placeOf(this.id, key), [count]));
  }

  move(move: Move): void {
    this.#moves.push(move);
  }

  setRecord(record: ConversationRecord): void {
    const { id, retentionMs, control } = this.#record;
    if ((retentionMs === undefined) !== (record.retentionMs === undefined))
      this.put(listKey("retention", id), record.retentionMs === undefined ? null : noBytes);
    if (control?.seq !== record.control?.seq) {
      // Of another list or another time, so never the same row twice.
      if (control !== undefined && control.holder !== "bot") this.put(listKey(control.holder, sortKeyOf({ id, at: control.at })), null);
      const after = record.control;
      if (after !== undefined && after.holder !== "bot") this.put(listKey(after.holder, sortKeyOf({ id, at: after.at })), noBytes);
    }
    this.#record = record;
  }

  setSweep(sweep: Sweep): void {
    this.#sweep = sweep;
  }

  /** Makes it the group's. */
  commit(): void {
    const plans = this.#plans;
    plans.record = this.#record;
    for (const [key, bytes] of this.#rows) {
      plans.rows.set(key, bytes);
      plans.bytes += key.length + (bytes?.length ?? 0) + 16;
    }
    for (const { user, state, count, isMembership } of this.#moves) {
      const before = plans.moves.get(user);
      plans.moves.set(user, { user, state, count: count + (before?.count ?? 0), isMembership: isMembership || before?.isMembership === true });
    }
    if (this.#sweep === undefined) return;
    const { last } = this.#sweep;
    plans.sweep = { first: plans.sweep?.first ?? this.#sweep.first, last };
    // The range that goes has the same timestamp as the rows of this version, and would win over none of them with certainty.
    for (const key of plans.rows.keys()) {
      const target = targetOf(key);
      if (target !== undefined && target <= last) plans.rows.delete(key);
    }
  }
}

export const noBytes: Buffer = Buffer.alloc(0);
