/**
 * A store's records as the writes planned so far leave them: what the committer holds, else what LMDB has. Planning looks
 * here, so that a write sees those before it while they are under way; reads for users never do (S5).
 *
 * Small records in frequent use are kept decoded, so that an append to a busy conversation reads nothing.
 */
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import {
  storedKeyOf,
  type Annotation,
  type ConversationRecord,
  type HideMark,
  type LogEntry,
  type MemberRecord,
  type StoredKey,
  type UserRecord,
} from "@suda/server/store";
import { notPlanned, type Committer } from "./committer.ts";
import {
  annotationKey,
  baseKey,
  changeKey,
  controlKey,
  entryKey,
  hideCountKey,
  hideMarkOf,
  hidesFrom,
  memberKey,
  membershipKey,
  retentionKey,
  sendKey,
  tailKey,
  userKey,
} from "./keys.ts";
import { conversationRecord, type Reader } from "./reader.ts";
import { RecordCache } from "./record-cache.ts";
import {
  decodeEntry,
  decodeRecord,
  encodeRecord,
  memberOf,
  memberValue,
  storedKey,
  type BaseRecord,
  type FloorValue,
  type MembershipValue,
  type MemberValue,
  type SendKeyValue,
  type TailRecord,
} from "./records.ts";

export interface PlannedRecordsOptions {
  readonly committer: Committer;
  readonly reader: Reader;
  readonly maxCachedRecords: number;
}

export class PlannedRecords {
  readonly #committer: Committer;
  readonly #reader: Reader;
  readonly #cache: RecordCache;
  #cacheGeneration = 0;

  constructor({ committer, reader, maxCachedRecords }: PlannedRecordsOptions) {
    this.#committer = committer;
    this.#reader = reader;
    this.#cache = new RecordCache(maxCachedRecords);
  }

  conversation(id: ConversationId): ConversationRecord | undefined {
    const base = this.record(baseKey(id)) as BaseRecord | undefined;
    const tail = this.record(tailKey(id)) as TailRecord | undefined;
    // One without the other is damage: the reader says so.
    return base === undefined || tail === undefined ? this.#reader.conversation(id) : conversationRecord(id, base, tail);
  }

  /** @param before absent for a new one */
  putConversation(before: ConversationRecord | undefined, after: ConversationRecord): void {
    const { id } = after;
    if (before === undefined || hasOtherBase(before, after)) {
      const base = baseOf(after);
      // Custom data is the host's: what cannot be encoded must throw now and not spoil a commit of many.
      encodeRecord(baseKey(id), base);
      this.put(baseKey(id), base);
    }
    this.put(tailKey(id), tailOf(after));
    this.#indexControl(before, after);
    if ((before?.retentionMs === undefined) === (after.retentionMs === undefined)) return;
    if (after.retentionMs === undefined) this.#committer.remove(retentionKey(id));
    else this.#committer.put(retentionKey(id), []);
  }

  /** Keeps the lists of S41. */
  #indexControl(before: ConversationRecord | undefined, { id, control: after }: ConversationRecord): void {
    const was = before?.control;
    if (was?.seq === after?.seq) return;
    if (was !== undefined && was.holder !== "bot") this.#committer.remove(controlKey(was.holder, { id, at: was.at }));
    if (after !== undefined && after.holder !== "bot") this.#committer.put(controlKey(after.holder, { id, at: after.at }), []);
  }

  member(id: ConversationId, user: UserId): MemberRecord | undefined {
    const value = this.record(memberKey(id, user)) as MemberValue | undefined;
    return value === undefined ? undefined : memberOf(user, value);
  }

  putMember(id: ConversationId, user: UserId, member: MemberRecord | undefined): void {
    if (member === undefined) this.#remove(memberKey(id, user));
    else this.put(memberKey(id, user), memberValue(member));
  }

  /** Moves the user's change counter (S10). */
  moveMembership(user: UserId, conversation: ConversationId, state: "joined" | "left"): void {
    const [change] = (this.record(changeKey(user)) as readonly [number] | undefined) ?? [0];
    this.put(changeKey(user), [change + 1]);
    this.#committer.put(membershipKey(user, conversation), [state, change + 1] satisfies MembershipValue);
  }

  user(id: UserId): UserRecord | undefined {
    const planned = this.#committer.planned(userKey(id));
    return planned === notPlanned ? this.#reader.user(id) : (planned as UserRecord | undefined);
  }

  storedAs(id: ConversationId, from: UserId, clientId: ClientId): StoredKey | undefined {
    const key = sendKey(id, from, clientId);
    const planned = this.#committer.planned(key);
    const value = (planned === notPlanned ? this.#reader.record(key) : decodeRecord(key, planned as Buffer)) as SendKeyValue | undefined;
    if (value === undefined) return undefined;
    return typeof value === "number" ? storedKeyOf(this.entry(id, value)) : storedKey(value);
  }

  /** One that exists, durable or planned. */
  entry(id: ConversationId, seq: number): LogEntry {
    const key = entryKey(id, seq);
    const planned = this.#committer.planned(key);
    return planned === notPlanned ? this.#reader.entry(id, seq) : decodeEntry(key, planned as Buffer);
  }

  annotation(id: ConversationId, target: number): Annotation | undefined {
    const planned = this.#committer.planned(annotationKey(id, target));
    return planned === notPlanned ? this.#reader.annotation(id, target) : (planned as Annotation | undefined);
  }

  /** How many messages the user has hidden from themself. */
  hides(id: ConversationId, user: UserId): number {
    return (this.record(hideCountKey(id, user)) as readonly [number] | undefined)?.[0] ?? 0;
  }

  putHides(id: ConversationId, user: UserId, count: number): void {
    if (count === 0) this.#remove(hideCountKey(id, user));
    else this.put(hideCountKey(id, user), [count]);
  }

  /** Of messages `first`…`last`, ascending but for those under way. */
  hideMarks(id: ConversationId, first: number, last: number): readonly HideMark[] {
    const planned = this.#committer.plannedBetween(hidesFrom(id, first), hidesFrom(id, last + 1));
    const durable = this.#reader.hideMarkKeys(id, first, last).filter((key) => !planned.has(key));
    return [...durable, ...[...planned].flatMap(([key, value]) => (value === undefined ? [] : key))].map(hideMarkOf);
  }

  has(key: string): boolean {
    const planned = this.#committer.planned(key);
    return (planned === notPlanned ? this.#reader.record(key) : planned) !== undefined;
  }

  /** The newest planned or durable value; cached, so for small records in frequent use only. */
  record(key: string): object | undefined {
    this.#forgetFailed();
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const planned = this.#committer.planned(key);
    const record = (planned === notPlanned ? this.#reader.record(key) : planned) as object | undefined;
    if (record !== undefined) this.#cache.set(key, record);
    return record;
  }

  put(key: string, record: object): void {
    this.#committer.put(key, record);
    this.#cache.set(key, record);
  }

  #remove(key: string): void {
    this.#committer.remove(key);
    this.#cache.delete(key);
  }

  /** What was put past these records (a move) is not in the cache. */
  forget(): void {
    this.#cache.clear();
  }

  /** After a failed commit the cache holds heads that never came to be. */
  #forgetFailed(): void {
    if (this.#cacheGeneration === this.#committer.generation) return;
    this.#cacheGeneration = this.#committer.generation;
    this.#cache.clear();
  }
}

export function tailOf({ head, memberCount, membersSeq, floor, control }: ConversationRecord): TailRecord {
  const { seq, at, ordinal, hash } = head;
  const floorValue: FloorValue | undefined = floor === undefined ? undefined : [floor.seq, floor.ordinal, floor.hash];
  if (control !== undefined) return [seq, at, ordinal, hash, memberCount, membersSeq, floorValue ?? null, control];
  if (floorValue === undefined) return [seq, at, ordinal, hash, memberCount, membersSeq];
  return [seq, at, ordinal, hash, memberCount, membersSeq, floorValue];
}

export function baseOf(record: ConversationRecord): BaseRecord {
  const { id: _id, head: _head, floor: _floor, control: _control, memberCount: _memberCount, membersSeq: _membersSeq, ...base } = record;
  return base;
}

function hasOtherBase(before: ConversationRecord, after: ConversationRecord): boolean {
  return (
    before.title !== after.title ||
    before.avatar !== after.avatar ||
    before.data !== after.data ||
    before.write !== after.write ||
    before.slowModeMs !== after.slowModeMs ||
    before.retentionMs !== after.retentionMs ||
    before.pins !== after.pins
  );
}
