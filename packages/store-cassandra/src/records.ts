/** The values of the store: what is kept of each record in its place, as `stored-record.ts` of the contract writes it. */
import type { ClientId, ConversationId, Role, UserId } from "@suda/protocol";
import {
  decodeRecord as decodeStored,
  encodeRecord,
  plainAnnotation,
  plainBody,
  type Annotation,
  type ConversationRecord,
  type ControlRecord,
  type LogBody,
  type LogEntry,
  type MemberRecord,
  type StoreCorruptError,
  type StoredKey,
} from "@suda/server/store";
import { corruptError } from "./store-errors.ts";

/** What changes rarely of a conversation. */
export type BaseRecord = Omit<ConversationRecord, "id" | "head" | "floor" | "control" | "memberCount" | "membersSeq">;
type FloorValue = readonly [seq: number, ordinal: number, hash: Buffer];
/** What changes with every append. `writes` are ids of the last writes, so that a writer who got no answer finds its own. */
export type TailRecord = readonly [
  seq: number,
  at: number,
  ordinal: number,
  hash: Buffer,
  memberCount: number,
  membersSeq: number,
  floor: FloorValue | null,
  control: ControlRecord | null,
  writes: readonly string[],
];
type MemberRest = Omit<MemberRecord, "user" | "role" | "joinedAt" | "readSeq" | "readOrdinal" | "deliveredSeq">;
type MemberValue = readonly [role: Role, joinedAt: number, readSeq: number, readOrdinal: number, deliveredSeq: number, rest?: MemberRest];
type StoredKeyValue = readonly [seq: number, at: number, digest: Buffer, rev?: number];
type EntryValue = readonly [
  at: number,
  from: UserId,
  clientId: ClientId | null,
  ordinal: number,
  digest: Buffer,
  hash: Buffer,
  body: LogBody,
  keepsReadMark: true | null,
  asked: Buffer | null,
];

export { encodeRecord };

/** @throws StoreCorruptError when the checksum is wrong */
export function decodeRecord(place: string, bytes: Buffer): unknown {
  return decodeStored(place, bytes, corrupt);
}

export function encodeEntry(place: string, { at, from, clientId, ordinal, digest, hash, body, keepsReadMark, asked }: LogEntry): Buffer {
  const value = [at, from, clientId ?? null, ordinal, hex(digest), hex(hash), body, keepsReadMark ?? null, asked === undefined ? null : hex(asked)];
  return encodeRecord(place, value);
}

export function decodeEntry(place: string, seq: number, bytes: Buffer): LogEntry {
  const [at, from, clientId, ordinal, digest, hash, body, keepsReadMark, asked] = decodeRecord(place, bytes) as EntryValue;
  return {
    seq,
    at,
    from,
    ...(clientId === null ? {} : { clientId }),
    body: plainBody(body),
    ordinal,
    digest: digest.toString("hex"),
    hash: hash.toString("hex"),
    ...(keepsReadMark && { keepsReadMark }),
    ...(asked && { asked: asked.toString("hex") }),
  };
}

export function encodeMember(place: string, { user: _user, role, joinedAt, readSeq, readOrdinal, deliveredSeq, ...rest }: MemberRecord): Buffer {
  const value = [role, joinedAt, readSeq, readOrdinal, deliveredSeq] as const;
  return encodeRecord(place, Object.keys(rest).length === 0 ? value : [...value, rest]);
}

export function decodeMember(place: string, user: UserId, bytes: Buffer): MemberRecord {
  const [role, joinedAt, readSeq, readOrdinal, deliveredSeq, rest] = decodeRecord(place, bytes) as MemberValue;
  return { user, role, joinedAt, readSeq, readOrdinal, deliveredSeq, ...rest };
}

export function encodeStoredKey(place: string, { seq, at, digest, rev }: StoredKey): Buffer {
  const value: StoredKeyValue = rev === undefined ? [seq, at, hex(digest)] : [seq, at, hex(digest), rev];
  return encodeRecord(place, value);
}

export function decodeStoredKey(place: string, bytes: Buffer): StoredKey {
  const [seq, at, digest, rev] = decodeRecord(place, bytes) as StoredKeyValue;
  const key = { seq, at, digest: digest.toString("hex") };
  return rev === undefined ? key : { ...key, rev };
}

export function decodeAnnotation(place: string, bytes: Buffer): Annotation {
  return plainAnnotation(decodeRecord(place, bytes) as Annotation);
}

export function baseOf(record: ConversationRecord): BaseRecord {
  const { id: _id, head: _head, floor: _floor, control: _control, memberCount: _memberCount, membersSeq: _membersSeq, ...base } = record;
  return base;
}

export function tailOf({ head, floor, control, memberCount, membersSeq }: ConversationRecord, writes: readonly string[]): TailRecord {
  const floorValue: FloorValue | null = floor === undefined ? null : [floor.seq, floor.ordinal, hex(floor.hash)];
  return [head.seq, head.at, head.ordinal, hex(head.hash), memberCount, membersSeq, floorValue, control ?? null, writes];
}

export function conversationOf(
  id: ConversationId,
  base: BaseRecord,
  [seq, at, ordinal, hash, memberCount, membersSeq, floor, control]: TailRecord,
): ConversationRecord {
  return {
    id,
    ...base,
    ...(control === null ? {} : { control }),
    memberCount,
    membersSeq,
    head: { seq, at, ordinal, hash: hash.toString("hex") },
    ...(floor === null ? {} : { floor: { seq: floor[0], ordinal: floor[1], hash: floor[2].toString("hex") } }),
  };
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, "hex");
}

/** Places are a conversation's id, `\0` and the key of a row; or the name of something else. */
function corrupt(place: string, cause?: unknown): StoreCorruptError {
  const end = place.indexOf("\0");
  if (end < 0) return corruptError(`${place} has a wrong checksum`, { cause });
  const conversation = place.slice(0, end) as ConversationId;
  const seq = place.charAt(end + 1) === "e" ? Number(place.slice(end + 2)) : undefined;
  return corruptError("wrong checksum", { conversation, cause, ...(seq === undefined ? {} : { seq }) });
}
