/**
 * The values of the store: a checksum over the place and the value, then MessagePack (S17). With the place in it, an intact
 * record in the wrong place is found out too. Cassandra checks its blocks on the disk; this checks all that is between them
 * and us.
 */
import { crc32 } from "node:zlib";
import type { ClientId, ConversationId, Role, ShownContent, UserId } from "@suda/protocol";
import type { Annotation, ConversationRecord, ControlRecord, LogBody, LogEntry, MemberRecord, StoredKey } from "@suda/server/store";
import { Packr, RESERVE_START_SPACE } from "msgpackr";
import { StoreCorruptError } from "./store-errors.ts";

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

const checksumBytes = 4;
const packr = new Packr({ useRecords: false, copyBuffers: true });

export function encodeRecord(place: string, value: unknown): Buffer {
  const bytes = packr.pack(value, RESERVE_START_SPACE + checksumBytes);
  bytes.writeUInt32LE(checksum(place, bytes.subarray(checksumBytes)), 0);
  return bytes;
}

/** @throws StoreCorruptError when the checksum is wrong */
export function decodeRecord(place: string, bytes: Buffer): unknown {
  const payload = bytes.subarray(checksumBytes);
  if (bytes.length <= checksumBytes || checksum(place, payload) !== bytes.readUInt32LE(0)) throw corrupt(place);
  try {
    return packr.unpack(payload);
  } catch (cause) {
    throw corrupt(place, cause);
  }
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
    body: plainBytes(body),
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
  const annotation = decodeRecord(place, bytes) as Annotation;
  const { edited } = annotation;
  return edited === undefined ? annotation : { ...annotation, edited: { ...edited, content: plainContent(edited.content) } };
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

/** The contract gives `Uint8Array`; msgpackr gives Node's subclass, which compares unequal and slices without copying. */
function plainBytes(body: LogBody): LogBody {
  if ((body.type !== "message.created" && body.type !== "message.edited") || body.content.type !== "bytes") return body;
  return { ...body, content: plainContent(body.content) };
}

function plainContent(content: ShownContent): ShownContent {
  return content.type === "bytes" ? { ...content, bytes: new Uint8Array(content.bytes) } : content;
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, "hex");
}

function checksum(place: string, payload: Uint8Array): number {
  return crc32(payload, crc32(place));
}

/** Places are a conversation's id, `\0` and the key of a row; or the name of something else. */
function corrupt(place: string, cause?: unknown): StoreCorruptError {
  const end = place.indexOf("\0");
  if (end < 0) return new StoreCorruptError(`${place} has a wrong checksum`, { cause });
  const conversation = place.slice(0, end) as ConversationId;
  const seq = place.charAt(end + 1) === "e" ? Number(place.slice(end + 2)) : undefined;
  return new StoreCorruptError("wrong checksum", { conversation, cause, ...(seq === undefined ? {} : { seq }) });
}
