/**
 * What the last write of a conversation decided beyond its head: rows, and moves of users' change counters. It lies in the
 * same Cassandra row as the head and is written by the same compare-and-set, so that the two cannot part.
 *
 * The rows themselves lie in other partitions, and are written after the decision. Whoever reads lays the journal over them;
 * whoever writes next puts its rows in place first, and only then decides anything new. So a crash between decision and rows
 * loses nothing: not an entry, not a key (S3), not an effect (S6).
 *
 * Rows are written with the version of the conversation as their timestamp. Putting a journal in place twice, or late, by
 * somebody who was only slow, therefore changes nothing: a later version has the higher timestamp. No clock orders anything.
 */
import type { ConversationId, UserId } from "@suda/protocol";
import { targetOf } from "./row-keys.ts";
import { decodeRecord, encodeRecord } from "./records.ts";

export interface Move {
  readonly user: UserId;
  readonly state: "joined" | "left";
  /** By how much the user's change counter goes on. */
  readonly count: number;
  /** Whether it is a joining or a leaving; others only count. */
  readonly isMembership: boolean;
}

/** Entries `first`…`last` and all rows that speak of them go. */
export interface Sweep {
  readonly first: number;
  readonly last: number;
}

export interface Journal {
  /** Bytes, or `null` for a row that goes. */
  readonly rows: ReadonlyMap<string, Buffer | null>;
  readonly moves: readonly Move[];
  readonly sweep: Sweep | undefined;
}

type JournalValue = readonly [
  rows: readonly (readonly [key: string, value: Buffer | null])[],
  moves: readonly (readonly [UserId, "joined" | "left", number, boolean])[],
  sweep: readonly [number, number] | null,
];

export const emptyJournal: Journal = { rows: new Map(), moves: [], sweep: undefined };

export function encodeJournal(id: ConversationId, { rows, moves, sweep }: Journal): Buffer {
  const value: JournalValue = [
    [...rows],
    moves.map(({ user, state, count, isMembership }) => [user, state, count, isMembership]),
    sweep === undefined ? null : [sweep.first, sweep.last],
  ];
  return encodeRecord(`${id}\0journal`, value);
}

export function decodeJournal(id: ConversationId, bytes: Buffer): Journal {
  const [rows, moves, sweep] = decodeRecord(`${id}\0journal`, bytes) as JournalValue;
  return {
    rows: new Map(rows),
    moves: moves.map(([user, state, count, isMembership]) => ({ user, state, count, isMembership })),
    sweep: sweep === null ? undefined : { first: sweep[0], last: sweep[1] },
  };
}

/** What the journal says of a row: its bytes, `null` for one that goes, `undefined` for nothing. */
export function overlaid({ rows, sweep }: Journal, key: string): Buffer | null | undefined {
  const row = rows.get(key);
  if (row !== undefined) return row;
  const target = sweep === undefined ? undefined : targetOf(key);
  return sweep !== undefined && target !== undefined && target <= sweep.last ? null : undefined;
}

/** Whether it reaches beyond the conversation: into lists and users' memberships, over which no reader of those lays it. */
export function isFarReaching({ rows, moves }: Journal): boolean {
  if (moves.some(({ isMembership }) => isMembership)) return true;
  for (const key of rows.keys()) if (key.startsWith("l")) return true;
  return false;
}
