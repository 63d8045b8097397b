/**
 * Reads of conversations. Each reads the head with its journal first, then the tables, and lays the journal over them: so a
 * page agrees with a head, also between a decision and its rows being in place, and after a writer died there (S5, S6).
 */
import type { ConversationId, UserId } from "@suda/protocol";
import { inParallel, type Controlled, type ConversationRecord, type ConversationWithMember, type LogEntry, type MemberRecord } from "@suda/server/store";
import type { Cluster } from "./cluster.ts";
import { readRecord, readState, type ConversationState } from "./conversation-state.ts";
import { overlaid, type Journal } from "./journal.ts";
import { decodeAnnotation, decodeEntry, decodeMember } from "./records.ts";
import { annotationKey, controlledOf, entryKey, hideKey, memberKey, partsOf, placeOf, sortKeyOf, targetOf, type ListName } from "./row-keys.ts";
import { bucketOf, bucketSeqs } from "./schema.ts";
import type { Settler } from "./settler.ts";
import { mergedPage } from "./shards.ts";
import { corruptError } from "./store-errors.ts";
import { readListShard, readRow } from "./tables.ts";

/** Conversations, or parts of a page, that are read at once. */
const parallelReads = 32;
/** Entries of one query. */
const chunkEntries = 128;
/** Messages of one query for marks. */
const chunkTargets = 100;
/** A page is begun anew when a truncation came between; each of them moves the floor. */
const triesMax = 20;

export interface PageBounds {
  readonly first: number;
  readonly last: number;
  readonly maxBytes: number | undefined;
  readonly isDescending: boolean;
}

interface EntryRow {
  readonly entry: Buffer | undefined;
  readonly annotation: Buffer | undefined;
}

export class Reader {
  readonly #cluster: Cluster;
  readonly #settler: Settler;

  constructor(cluster: Cluster, settler: Settler) {
    this.#cluster = cluster;
    this.#settler = settler;
  }

  async conversation(id: ConversationId): Promise<ConversationRecord | undefined> {
    return (await this.#state(id))?.record;
  }

  /** One read of one row for each, whatever their number of members and entries. */
  async conversations(ids: readonly ConversationId[]): Promise<readonly ConversationRecord[]> {
    const unique = [...new Set(ids)];
    const records = new Map<ConversationId, ConversationRecord>();
    await inParallel(unique, parallelReads, async (id) => {
      const record = await readRecord(this.#cluster, id);
      if (record !== undefined) records.set(id, record);
    });
    return ids.flatMap((id) => records.get(id) ?? []);
  }

  async withMember(id: ConversationId, user: UserId): Promise<ConversationWithMember | undefined> {
    const state = await this.#state(id);
    if (state === undefined) return undefined;
    const key = memberKey(user);
    const own = overlaid(state.journal, key);
    const bytes = own === undefined ? await readRow(this.#cluster, id, key) : (own ?? undefined);
    return { conversation: state.record, member: bytes === undefined ? undefined : decodeMember(placeOf(id, key), user, bytes) };
  }

  async members(id: ConversationId, after: UserId | undefined, limit: number): Promise<readonly MemberRecord[]> {
    const state = await this.#state(id);
    if (state === undefined) return [];
    const start = after ?? "";
    const planned = [...state.journal.rows].filter(([key]) => key.startsWith("m") && key.slice(1) > start);
    // As many more as may fall out, so that what is left is a whole page.
    const count = limit + planned.length;
    const rows = await this.#cluster.rows("SELECT user, record FROM members WHERE conversation = ? AND user > ? LIMIT ?", [id, start, count]);
    const found = new Map(rows.map((row) => [row["user"] as UserId, row["record"] as Buffer]));
    for (const [key, bytes] of planned) {
      const user = key.slice(1) as UserId;
      if (bytes === null) found.delete(user);
      else found.set(user, bytes);
    }
    const ordered = [...found].sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, limit);
    return ordered.map(([user, bytes]) => decodeMember(placeOf(id, memberKey(user)), user, bytes));
  }

  /** @param boundsOf gives what to read when the head and the floor are there */
  async entries(id: ConversationId, boundsOf: (head: number, floor: number) => PageBounds): Promise<LogEntry[]> {
    for (let tries = 0, before: number | undefined; ; tries++) {
      const state = await this.#state(id);
      if (state === undefined) return [];
      const { head, floor } = state.record;
      const page = await this.#page(id, state.journal, boundsOf(head.seq, floor?.seq ?? 0));
      if (!("missing" in page)) return page;
      // A truncation may have come between the head and the page; if none did, it is a hole.
      if (tries >= triesMax || state.version === before) throw corruptError("missing entry", { conversation: id, seq: page.missing });
      before = state.version;
    }
  }

  async reactedBy(id: ConversationId, user: UserId, seqs: readonly number[]): Promise<Map<number, readonly string[]>> {
    const reacted = new Map<number, readonly string[]>();
    const state = await this.#state(id);
    const targets = livingOf(state, seqs);
    if (state === undefined || targets.length === 0) return reacted;
    const found = new Map<number, Set<string>>();
    const cql = "SELECT target, emoji FROM reactions WHERE conversation = ? AND bucket = ? AND target IN ? AND user = ?";
    await inParallel(chunksOf(targets), parallelReads, async (chunk) => {
      for (const row of await this.#cluster.rows(cql, [id, bucketOf(chunk[0] ?? 1), chunk, user]))
        emojisOf(found, row["target"] as number).add(row["emoji"] as string);
    });
    for (const [key, value] of state.journal.rows) {
      const target = key.startsWith("r") ? targetOf(key) : undefined;
      const [, by, emoji] = partsOf(key);
      if (target === undefined || by !== user || !targets.includes(target)) continue;
      if (value === null) emojisOf(found, target).delete(emoji);
      else emojisOf(found, target).add(emoji);
    }
    for (const target of targets) {
      const emojis = found.get(target);
      if (emojis !== undefined && emojis.size > 0) reacted.set(target, [...emojis].sort());
    }
    return reacted;
  }

  async hiddenBy(id: ConversationId, user: UserId, seqs: readonly number[]): Promise<Set<number>> {
    const state = await this.#state(id);
    const targets = livingOf(state, seqs);
    const hidden = new Set<number>();
    if (state === undefined || targets.length === 0) return hidden;
    const cql = "SELECT target FROM hides WHERE conversation = ? AND bucket = ? AND target IN ? AND user = ?";
    await inParallel(chunksOf(targets), parallelReads, async (chunk) => {
      for (const row of await this.#cluster.rows(cql, [id, bucketOf(chunk[0] ?? 1), chunk, user])) hidden.add(row["target"] as number);
    });
    for (const target of targets) {
      const own = overlaid(state.journal, hideKey(target, user));
      if (own === null) hidden.delete(target);
      else if (own !== undefined) hidden.add(target);
    }
    return hidden;
  }

  async list(list: "all" | "retention", after: ConversationId | undefined, limit: number): Promise<readonly ConversationId[]> {
    return (await this.#list(list, after, limit)).map((key) => key as ConversationId);
  }

  async withControl(holder: "human" | "none", after: Controlled | undefined, limit: number): Promise<readonly Controlled[]> {
    return (await this.#list(holder, after === undefined ? undefined : sortKeyOf(after), limit)).map(controlledOf);
  }

  async #list(list: ListName, after: string | undefined, limit: number): Promise<readonly string[]> {
    return mergedPage((shard, behind, count) => readListShard(this.#cluster, list, { shard, after: behind, limit: count }), after, limit);
  }

  async #state(id: ConversationId): Promise<ConversationState | undefined> {
    const state = await readState(this.#cluster, id);
    if (state !== undefined) await this.#settler.settleFarReaching(id, state);
    return state;
  }

  /** Entries `first`…`last`, all of which must be there, in the order of the log, until `maxBytes`. */
  async #page(
    id: ConversationId,
    journal: Journal,
    { first, last, maxBytes = Infinity, isDescending }: PageBounds,
  ): Promise<LogEntry[] | { readonly missing: number }> {
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (let left = last - first + 1; left > 0; ) {
      const from = isDescending ? first + left - 1 : last - left + 1;
      const chunk = chunkAt(from, { left, isDescending });
      const rows = await this.#chunk(id, journal, chunk);
      for (const seq of chunk) {
        const { entry: own, annotation } = rows.get(seq) ?? {};
        if (own === undefined) return { missing: seq };
        bytes += own.length + (annotation?.length ?? 0);
        if (bytes > maxBytes && entries.length > 0) {
          left = 0;
          break;
        }
        const entry = decodeEntry(placeOf(id, entryKey(seq)), seq, own);
        const isChanged = annotation !== undefined && entry.body.type === "message.created";
        entries.push(isChanged ? { ...entry, annotation: decodeAnnotation(placeOf(id, annotationKey(seq)), annotation) } : entry);
        left--;
      }
    }
    return isDescending ? entries.reverse() : entries;
  }

  async #chunk(id: ConversationId, journal: Journal, chunk: readonly number[]): Promise<ReadonlyMap<number, EntryRow>> {
    const [one = 0, other = one] = [chunk[0], chunk.at(-1)];
    const [low, high] = one < other ? [one, other] : [other, one];
    const cql = "SELECT seq, entry, annotation FROM log_entries WHERE conversation = ? AND bucket = ? AND seq >= ? AND seq <= ?";
    const rows = await this.#cluster.rows(cql, [id, bucketOf(low), low, high]);
    const found = new Map(rows.map((row) => [row["seq"] as number, row]));
    return new Map(
      chunk.map((seq): [number, EntryRow] => {
        const row = found.get(seq);
        const value = (key: string, column: string): Buffer | undefined => {
          const own = overlaid(journal, key);
          return (own === undefined ? (row?.[column] as Buffer | null | undefined) : own) ?? undefined;
        };
        return [seq, { entry: value(entryKey(seq), "entry"), annotation: value(annotationKey(seq), "annotation") }];
      }),
    );
  }
}

/** Seqs of one query from `from` on: of one bucket. */
function chunkAt(from: number, { left, isDescending }: { readonly left: number; readonly isDescending: boolean }): readonly number[] {
  const bucketFirst = bucketOf(from) * bucketSeqs + 1;
  const inBucket = isDescending ? from - bucketFirst + 1 : bucketFirst + bucketSeqs - from;
  const length = Math.min(left, chunkEntries, inBucket);
  return Array.from({ length }, (_, index) => (isDescending ? from - index : from + index));
}

/** Those of the messages that are not below the floor and can be there, each once. */
function livingOf(state: ConversationState | undefined, seqs: readonly number[]): readonly number[] {
  const { floor, head } = state?.record ?? {};
  return [...new Set(seqs)].filter((seq) => Number.isInteger(seq) && seq > (floor?.seq ?? 0) && seq <= (head?.seq ?? 0)).sort((one, other) => one - other);
}

/** Of one bucket each. */
function chunksOf(targets: readonly number[]): number[][] {
  const chunks: number[][] = [];
  for (const target of targets) {
    const chunk = chunks.at(-1);
    if (chunk !== undefined && chunk.length < chunkTargets && bucketOf(chunk[0] ?? 0) === bucketOf(target)) chunk.push(target);
    else chunks.push([target]);
  }
  return chunks;
}

function emojisOf(found: Map<number, Set<string>>, target: number): Set<string> {
  let emojis = found.get(target);
  if (emojis === undefined) found.set(target, (emojis = new Set()));
  return emojis;
}
