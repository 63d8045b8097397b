/**
 * Reads for users: only what is committed, in one snapshot per call (each method works without awaiting), with
 * every checksum verified and every hole found (S5, S17).
 */
import type { ConversationId, UserId } from "@suda/protocol";
import {
  StoreCorruptError,
  type Annotation,
  type Controlled,
  type ConversationRecord,
  type LogEntry,
  type MemberRecord,
  type Membership,
  type UserRecord,
} from "@suda/server/store";
import { SudaError } from "@suda/protocol";
import type { Database } from "./database.ts";
import {
  annotationKey,
  baseKey,
  changeKey,
  controlKey,
  controlledOf,
  controlsOf,
  conversationEnd,
  conversationOf,
  conversationsEnd,
  emojiOf,
  entryKey,
  hideCountKey,
  hideKey,
  hidesFrom,
  memberKey,
  membershipKey,
  reactionsKey,
  retentionKey,
  retentionsEnd,
  tailKey,
  userKey,
  userOf,
} from "./keys.ts";
import {
  decodeAnnotation,
  decodeEntry,
  decodeRecord,
  floorOf,
  memberOf,
  type BaseRecord,
  type MembershipValue,
  type MemberValue,
  type TailRecord,
} from "./records.ts";

/** MDB_PANIC: after some failed commits LMDB refuses reads as well. */
const panic = -30_795;

export class Reader {
  readonly #database: Database;
  readonly #onPanic: (error: unknown) => void;

  constructor(database: Database, onPanic: (error: unknown) => void) {
    this.#database = database;
    this.#onPanic = onPanic;
  }

  record(key: string): unknown {
    const bytes = this.#bytes(key);
    return bytes === undefined ? undefined : decodeRecord(key, bytes);
  }

  tail(id: ConversationId): TailRecord | undefined {
    return this.record(tailKey(id)) as TailRecord | undefined;
  }

  conversation(id: ConversationId): ConversationRecord | undefined {
    const base = this.record(baseKey(id)) as BaseRecord | undefined;
    const tail = this.tail(id);
    if ((base === undefined) !== (tail === undefined)) throw new StoreCorruptError("a record is missing", { conversation: id });
    return base === undefined || tail === undefined ? undefined : conversationRecord(id, base, tail);
  }

  /** An entry that must exist. */
  entry(id: ConversationId, seq: number): LogEntry {
    const key = entryKey(id, seq);
    return decodeEntry(key, this.#bytes(key) ?? missing(id, seq));
  }

  /** Entries `first`…`last` that exist, ascending or descending, until `maxBytes`. */
  entries(
    id: ConversationId,
    { first, last, maxBytes = Infinity, isDescending }: { first: number; last: number; maxBytes?: number | undefined; isDescending: boolean },
  ): LogEntry[] {
    const entries: LogEntry[] = [];
    let sum = 0;
    for (let left = last - first + 1; left > 0; left--) {
      const seq = isDescending ? first + left - 1 : last - left + 1;
      const key = entryKey(id, seq);
      const bytes = this.#bytes(key) ?? missing(id, seq);
      sum += bytes.length;
      const entry = decodeEntry(key, bytes);
      const changes = entry.body.type === "message.created" ? this.#bytes(annotationKey(id, seq)) : undefined;
      sum += changes?.length ?? 0;
      if (sum > maxBytes && entries.length > 0) break;
      entries.push(changes === undefined ? entry : { ...entry, annotation: decodeAnnotation(annotationKey(id, seq), changes) });
    }
    return entries;
  }

  annotation(id: ConversationId, target: number): Annotation | undefined {
    const key = annotationKey(id, target);
    const bytes = this.#bytes(key);
    return bytes === undefined ? undefined : decodeAnnotation(key, bytes);
  }

  reactedBy(id: ConversationId, user: UserId, seqs: readonly number[]): Map<number, readonly string[]> {
    const reacted = new Map<number, readonly string[]>();
    // Marks of truncated messages are swept after the floor has moved.
    const floor = this.tail(id)?.[6]?.[0] ?? 0;
    for (const seq of seqs) {
      if (seq <= floor) continue;
      const start = reactionsKey(id, seq, user);
      const emojis = this.#range({ start, end: `${start.slice(0, -1)}\x01` }).map(([key]) => emojiOf(key));
      if (emojis.length > 0) reacted.set(seq, emojis.sort());
    }
    return reacted;
  }

  hiddenBy(id: ConversationId, user: UserId, seqs: readonly number[]): Set<number> {
    // As a rule nobody has hidden anything.
    if (this.record(hideCountKey(id, user)) === undefined) return new Set();
    return new Set(seqs.filter((seq) => this.record(hideKey(id, seq, user)) !== undefined));
  }

  /** Of messages `first`…`last`. */
  hideMarkKeys(id: ConversationId, first: number, last: number): string[] {
    return this.keys({ start: hidesFrom(id, first), end: hidesFrom(id, last + 1) });
  }

  /** Without the values. */
  keys(options: { readonly start: string; readonly end: string; readonly limit?: number }): string[] {
    return this.#guard(() => [...this.#database.getKeys(options)]);
  }

  member(id: ConversationId, user: UserId): MemberRecord | undefined {
    const value = this.record(memberKey(id, user)) as MemberValue | undefined;
    return value === undefined ? undefined : memberOf(user, value);
  }

  members(id: ConversationId, after: UserId | undefined, limit: number): MemberRecord[] {
    const start = after === undefined ? memberKey(id, "" as UserId) : `${memberKey(id, after)}\0`;
    return this.#range({ start, end: entryKey(id, 0), limit }).map(([key, value]) => memberOf(userOf(key), value as MemberValue));
  }

  memberships(user: UserId): { readonly change: number; readonly memberships: readonly Membership[] } {
    const key = changeKey(user);
    const [first, ...rest] = this.#range({ start: key, end: `v${user}\x01` });
    if (first === undefined) return { change: 0, memberships: [] };
    if (first[0] !== key) throw counterMissing(user);
    const [change] = first[1] as readonly [number];
    const memberships = rest.map(([at, value]): Membership => {
      const [state, moved] = value as MembershipValue;
      return { conversation: at.slice(key.length) as ConversationId, state, change: moved };
    });
    return { change, memberships };
  }

  membership(user: UserId, conversation: ConversationId): { readonly change: number; readonly membership: Membership | undefined } {
    const value = this.record(membershipKey(user, conversation)) as MembershipValue | undefined;
    const change = this.#changeOf(user);
    if (value === undefined) return { change: change ?? 0, membership: undefined };
    if (change === undefined) throw counterMissing(user);
    const [state, moved] = value;
    return { change, membership: { conversation, state, change: moved } };
  }

  change(user: UserId): number {
    return this.#changeOf(user) ?? 0;
  }

  #changeOf(user: UserId): number | undefined {
    return (this.record(changeKey(user)) as readonly [number] | undefined)?.[0];
  }

  /** Skips from one conversation to the next: one seek each, whatever lies in them. */
  list(after: ConversationId | undefined, limit: number): ConversationId[] {
    const ids: ConversationId[] = [];
    let start = after === undefined ? "c" : conversationEnd(after);
    while (ids.length < limit) {
      const [key] = this.keys({ start, end: conversationsEnd, limit: 1 });
      if (key === undefined) break;
      const id = conversationOf(key);
      ids.push(id);
      start = conversationEnd(id);
    }
    return ids;
  }

  withRetention(after: ConversationId | undefined, limit: number): ConversationId[] {
    const start = after === undefined ? "r" : `${retentionKey(after)}\0`;
    return this.keys({ start, end: retentionsEnd, limit }).map((key) => key.slice(1) as ConversationId);
  }

  withControl(holder: "human" | "none", after: Controlled | undefined, limit: number): Controlled[] {
    const start = after === undefined ? controlsOf(holder) : `${controlKey(holder, after)}\0`;
    return this.keys({ start, end: `${controlsOf(holder)}\x7f`, limit }).map(controlledOf);
  }

  /** Keys and values of a range. */
  records(options: { readonly start: string; readonly end: string; readonly limit: number }): [string, unknown][] {
    return this.#range(options);
  }

  user(id: UserId): UserRecord | undefined {
    return this.record(userKey(id)) as UserRecord | undefined;
  }

  #bytes(key: string): Buffer | undefined {
    // Valid until the next read only; every decoder copies what it keeps.
    return this.#guard(() => this.#database.getBinaryFast(key));
  }

  #range(options: { start: string; end: string; limit?: number }): [string, unknown][] {
    return this.#guard(() => [...this.#database.getRange(options)]).map(({ key, value }) => [key, decodeRecord(key, value)]);
  }

  #guard<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if ((error as { code?: unknown }).code === panic) {
        this.#onPanic(error);
        throw new SudaError("store.failed", undefined, { cause: error });
      }
      throw new StoreCorruptError(`LMDB could not read (${(error as Error).message})`, { cause: error });
    }
  }
}

export function conversationRecord(
  id: ConversationId,
  base: BaseRecord,
  [seq, at, ordinal, hash, memberCount, membersSeq, floor, control]: TailRecord,
): ConversationRecord {
  const record = { id, ...base, memberCount, membersSeq, head: { seq, at, ordinal, hash } };
  if (control === undefined) return floor === undefined || floor === null ? record : { ...record, floor: floorOf(floor) };
  return { ...record, control, ...(floor === undefined || floor === null ? {} : { floor: floorOf(floor) }) };
}

function missing(conversation: ConversationId, seq: number): never {
  throw new StoreCorruptError("missing entry", { conversation, seq });
}

function counterMissing(user: UserId): StoreCorruptError {
  return new StoreCorruptError(`the change counter of user ${user} is missing`);
}
