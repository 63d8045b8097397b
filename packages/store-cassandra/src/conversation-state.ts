/** A conversation's head row as it was read: its record, its version and the journal of the write that made it so. */
import type { ConversationId } from "@suda/protocol";
import type { ConversationRecord } from "@suda/server/store";
import type { Cluster, Row } from "./cluster.ts";
import { decodeJournal, type Journal } from "./journal.ts";
import { conversationOf, decodeRecord, type BaseRecord, type TailRecord } from "./records.ts";

export interface ConversationState {
  /** 1, 2, 3…: counts the writes, whatever they did. */
  readonly version: number;
  readonly record: ConversationRecord;
  readonly journal: Journal;
  readonly journalBytes: number;
  /** Ids of the writes that made the last versions, the newest last. */
  readonly writes: readonly string[];
}

export async function readState(cluster: Cluster, id: ConversationId, options?: { readonly isSerial?: boolean }): Promise<ConversationState | undefined> {
  const row = await cluster.row("SELECT version, base, tail, journal FROM conversations WHERE id = ?", [id], options);
  if (row === undefined) return undefined;
  const [record, writes] = recordIn(id, row);
  const journal = row["journal"] as Buffer;
  return { version: Number(row["version"]), record, writes, journal: decodeJournal(id, journal), journalBytes: journal.length };
}

/** Without the journal: for lists and heads. */
export async function readRecord(cluster: Cluster, id: ConversationId): Promise<ConversationRecord | undefined> {
  const row = await cluster.row("SELECT base, tail FROM conversations WHERE id = ?", [id]);
  return row === undefined ? undefined : recordIn(id, row)[0];
}

export async function readVersion(cluster: Cluster, id: ConversationId): Promise<number | undefined> {
  const row = await cluster.row("SELECT version FROM conversations WHERE id = ?", [id]);
  return row === undefined ? undefined : Number(row["version"]);
}

function recordIn(id: ConversationId, row: Row): readonly [ConversationRecord, readonly string[]] {
  const base = decodeRecord(`${id}\0base`, row["base"] as Buffer) as BaseRecord;
  const tail = decodeRecord(`${id}\0tail`, row["tail"] as Buffer) as TailRecord;
  return [conversationOf(id, base, tail), tail[8]];
}
