/**
 * Ordered lists that are too long for one partition: each lies in {@link listShards} of them, by a hash of what is listed,
 * and a page is merged from all.
 */
import { inParallel } from "@suda/server/store";
import { listShards } from "./schema.ts";

/** Partitions that are read at once. */
const parallelShards = 16;

/** FNV-1a. Must never change: it is where things lie. */
export function shardOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193) >>> 0;
  return hash % listShards;
}

/** Keys of one shard, ascending, behind `after`. */
export type ReadShard = (shard: number, after: string | undefined, limit: number) => Promise<readonly string[]>;

interface Cursor {
  readonly shard: number;
  keys: readonly string[];
  index: number;
  isAtEnd: boolean;
}

/** The first `limit` keys behind `after` of all shards together, ascending. */
export async function mergedPage(read: ReadShard, after: string | undefined, limit: number): Promise<string[]> {
  // A little more than its part: as a rule one read of each shard is enough.
  const share = Math.min(limit, Math.ceil((limit / listShards) * 1.25) + 2);
  const fill = async (cursor: Cursor): Promise<void> => {
    const behind = cursor.keys.at(-1) ?? after;
    cursor.keys = await read(cursor.shard, behind, share);
    cursor.index = 0;
    cursor.isAtEnd = cursor.keys.length < share;
  };
  const cursors = Array.from({ length: listShards }, (_, shard): Cursor => ({ shard, keys: [], index: 0, isAtEnd: false }));
  await inParallel(cursors, parallelShards, fill);
  const page: string[] = [];
  while (page.length < limit) {
    let first: Cursor | undefined;
    for (const cursor of cursors) {
      if (cursor.index >= cursor.keys.length && !cursor.isAtEnd) await fill(cursor);
      const key = cursor.keys[cursor.index];
      if (key !== undefined && (first === undefined || key < (first.keys[first.index] as string))) first = cursor;
    }
    if (first === undefined) break;
    page.push(first.keys[first.index++] as string);
  }
  return page;
}
