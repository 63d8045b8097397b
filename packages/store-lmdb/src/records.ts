/** The values of the store: what is kept of each record under its key, as `stored-record.ts` of the contract writes it. */
import type { ClientId, ConversationId, CustomData, Role, UserId } from "@suda/protocol";
import {
  decodeRecord as decodeStored,
  encodeRecord,
  plainAnnotation,
  plainBody,
  StoreCorruptError,
  type Annotation,
  type ControlRecord,
  type Floor,
  type LogBody,
  type LogEntry,
  type MemberRecord,
  type StoredKey,
} from "@suda/server/store";
import { conversationOf, seqOf } from "./keys.ts";

/** What changes rarely of a conversation. */
export interface BaseRecord {
  readonly kind: "direct" | "group";
  readonly epoch: string;
  readonly createdAt: number;
  readonly createdBy?: UserId;
  readonly title?: string;
  readonly avatar?: string;
  readonly data?: CustomData;
  readonly between?: readonly [UserId, UserId];
  readonly write?: "admins";
  readonly slowModeMs?: number;
  readonly retentionMs?: number;
  readonly pins?: readonly number[];
}

/**
 * What changes with every append; the floor beside the head, so that a page of the log needs one record, and control, which
 * the messages of an agent renew.
 */
export type TailRecord = readonly [
  seq: number,
  at: number,
  ordinal: number,
  hash: string,
  memberCount: number,
  membersSeq: number,
  floor?: FloorValue | null,
  control?: ControlRecord,
];
export type FloorValue = readonly [seq: number, ordinal: number, hash: string];
/** The rest, which few members have, by its names. */
export type MemberValue = readonly [role: Role, joinedAt: number, readSeq: number, readOrdinal: number, deliveredSeq: number, rest?: MemberRest];
type MemberRest = Omit<MemberRecord, "user" | "role" | "joinedAt" | "readSeq" | "readOrdinal" | "deliveredSeq">;
/** What is left of an entry that was truncated; `rev` of an edit. */
export type SendKeyValue = number | readonly [seq: number, at: number, digest: Buffer, rev?: number];
/** `[state, change]`. */
export type MembershipValue = readonly [state: "joined" | "left", change: number];
export type DocumentValue = readonly [version: number, json: string];
type EntryValue = readonly [
  at: number,
  from: UserId,
  clientId: ClientId | null,
  ordinal: number,
  digest: Buffer,
  hash: Buffer,
  body: LogBody,
  keepsReadMark?: true | null,
  asked?: Buffer,
];

export { encodeRecord };

/** @throws StoreCorruptError when the checksum is wrong */
export function decodeRecord(key: string, bytes: Buffer): unknown {
  return decodeStored(key, bytes, corrupt);
}

export function encodeEntry(key: string, entry: LogEntry): Buffer {
  const { at, from, clientId = null, ordinal, digest, hash, body, keepsReadMark, asked } = entry;
  const value = [at, from, clientId, ordinal, Buffer.from(digest, "hex"), Buffer.from(hash, "hex"), body] as const;
  if (asked !== undefined) return encodeRecord(key, [...value, keepsReadMark ?? null, Buffer.from(asked, "hex")] satisfies EntryValue);
  return encodeRecord(key, (keepsReadMark === undefined ? value : [...value, keepsReadMark]) satisfies EntryValue);
}

export function decodeEntry(key: string, bytes: Buffer): LogEntry {
  const [at, from, clientId, ordinal, digest, hash, body, keepsReadMark, asked] = decodeRecord(key, bytes) as EntryValue;
  const rest = {
    body: plainBody(body),
    ordinal,
    digest: digest.toString("hex"),
    hash: hash.toString("hex"),
    ...(keepsReadMark && { keepsReadMark }),
    ...(asked && { asked: asked.toString("hex") }),
  };
  return clientId === null ? { seq: seqOf(key), at, from, ...rest } : { seq: seqOf(key), at, from, clientId, ...rest };
}

export function memberOf(user: UserId, [role, joinedAt, readSeq, readOrdinal, deliveredSeq, rest]: MemberValue): MemberRecord {
  const member = { user, role, joinedAt, readSeq, readOrdinal, deliveredSeq };
  return rest === undefined ? member : { ...member, ...rest };
}

export function memberValue({ user: _user, role, joinedAt, readSeq, readOrdinal, deliveredSeq, ...rest }: MemberRecord): MemberValue {
  for (const _field in rest) return [role, joinedAt, readSeq, readOrdinal, deliveredSeq, rest];
  return [role, joinedAt, readSeq, readOrdinal, deliveredSeq];
}

export function floorOf([seq, ordinal, hash]: FloorValue): Floor {
  return { seq, ordinal, hash };
}

export function storedKeyValue({ seq, at, digest, rev }: StoredKey): SendKeyValue {
  const bytes = Buffer.from(digest, "hex");
  return rev === undefined ? [seq, at, bytes] : [seq, at, bytes, rev];
}

export function storedKey([seq, at, digest, rev]: Exclude<SendKeyValue, number>): StoredKey {
  const key = { seq, at, digest: digest.toString("hex") };
  return rev === undefined ? key : { ...key, rev };
}

export function decodeAnnotation(key: string, bytes: Buffer): Annotation {
  return plainAnnotation(decodeRecord(key, bytes) as Annotation);
}

function corrupt(key: string, cause?: unknown): StoreCorruptError {
  if (!key.startsWith("c")) return new StoreCorruptError(`the record ${JSON.stringify(key)} has a wrong checksum`, { cause });
  const conversation: ConversationId = conversationOf(key);
  const kind = key.charAt(key.indexOf("\0") + 1);
  if (kind === "s") return new StoreCorruptError("wrong checksum", { conversation, seq: seqOf(key), cause });
  return new StoreCorruptError(`wrong checksum of a ${kindNames[kind] ?? "record"}`, { conversation, cause });
}

const kindNames: Readonly<Record<string, string>> = {
  a: "change of a message",
  b: "conversation record",
  h: "hidden message",
  i: "count of hidden messages",
  k: "send key",
  m: "member",
  t: "head",
};
