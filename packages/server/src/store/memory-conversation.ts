/** One conversation as the memory store holds it, and the reads that need nothing else. */
import type { ClientId, UserId } from "@suda/protocol";
import { storedKeyOf } from "./plan-append.ts";
import type { Annotation, ConversationRecord, LogEntry, MemberRecord, StoredKey } from "./store.ts";

export interface MemoryConversation {
  record: ConversationRecord;
  /** From the floor on: the first one is that of `floor.seq + 1`. */
  readonly log: LogEntry[];
  readonly members: Map<UserId, MemberRecord>;
  /** User ids in order; `undefined` after somebody joined or left. */
  memberOrder: UserId[] | undefined;
  /** `from\nclientId` → seq, or what is left of an entry that was truncated. */
  readonly keys: Map<string, number | StoredKey>;
  readonly annotations: Map<number, Annotation>;
  /** seq → user → emoji. */
  readonly reactions: Map<number, Map<UserId, Set<string>>>;
  /** Messages that a user has hidden. */
  readonly hidden: Map<UserId, Set<number>>;
}

/** Neither id can contain a newline. */
export function keyOf(user: UserId, clientId: ClientId): string {
  return `${user}\n${clientId}`;
}

/** Seq of the last entry that is gone. */
export function floorOf(conversation: MemoryConversation | undefined): number {
  return conversation?.record.floor?.seq ?? 0;
}

export function storedAs(conversation: MemoryConversation, key: string): StoredKey | undefined {
  const kept = conversation.keys.get(key);
  if (typeof kept !== "number") return kept;
  const entry = conversation.log[kept - 1 - floorOf(conversation)];
  return entry === undefined ? undefined : storedKeyOf(entry);
}

export function withAnnotations(conversation: MemoryConversation | undefined, entries: readonly LogEntry[]): readonly LogEntry[] {
  if (conversation === undefined || conversation.annotations.size === 0) return entries;
  return entries.map((entry) => {
    const annotation = conversation.annotations.get(entry.seq);
    return annotation === undefined ? entry : { ...entry, annotation };
  });
}

/** How many of the entries fit into `maxBytes`, but at least one. */
export function countWithin(entries: readonly LogEntry[], maxBytes: number | undefined): number {
  if (maxBytes === undefined) return entries.length;
  let bytes = 0;
  for (const [index, entry] of entries.entries()) {
    bytes += bytesOf(entry.body) + (entry.annotation === undefined ? 0 : bytesOf(entry.annotation));
    if (bytes > maxBytes && index > 0) return index;
  }
  return entries.length;
}

/** About what the value would take as MessagePack; memory has no stored form to measure. */
function bytesOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value) + 2;
  if (value instanceof Uint8Array) return value.byteLength + 3;
  if (typeof value !== "object" || value === null) return 5;
  let bytes = 1;
  for (const [key, field] of Object.entries(value)) bytes += (Array.isArray(value) ? 0 : key.length + 1) + bytesOf(field);
  return bytes;
}
