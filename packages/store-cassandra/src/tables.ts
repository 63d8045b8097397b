/** Reads of single rows and ranges of a conversation, as bytes, and the statements that put a journal's rows in place. */
import type { ConversationId } from "@suda/protocol";
import type { Cluster, Statement } from "./cluster.ts";
import type { Journal, Sweep } from "./journal.ts";
import { partsOf, targetOf, type ListName } from "./row-keys.ts";
import { bucketOf } from "./schema.ts";
import { shardOf } from "./shards.ts";

const present = Buffer.from([1]);

/** The row's bytes; `undefined` when there is none. */
export async function readRow(cluster: Cluster, id: ConversationId, key: string): Promise<Buffer | undefined> {
  const [first, second, third] = partsOf(key);
  if (key.startsWith("q")) return readHideMarks(cluster, id, { first: Number(first), last: Number(second) });
  const target = targetOf(key) ?? 0;
  const bucket = bucketOf(target);
  const row = await (() => {
    switch (key.charAt(0)) {
      case "a":
        return cluster.row("SELECT annotation AS value FROM log_entries WHERE conversation = ? AND bucket = ? AND seq = ?", [id, bucket, target]);
      case "e":
        return cluster.row("SELECT entry AS value FROM log_entries WHERE conversation = ? AND bucket = ? AND seq = ?", [id, bucket, target]);
      case "h":
        return cluster.row("SELECT mark AS value FROM hides WHERE conversation = ? AND bucket = ? AND target = ? AND user = ?", [id, bucket, target, second]);
      case "i":
        return cluster.row("SELECT record AS value FROM hide_counts WHERE conversation = ? AND user = ?", [id, first]);
      case "k":
        return cluster.row("SELECT record AS value FROM send_keys WHERE conversation = ? AND sender = ? AND client_id = ?", [id, first, second]);
      case "m":
        return cluster.row("SELECT record AS value FROM members WHERE conversation = ? AND user = ?", [id, first]);
      case "r":
        return cluster.row("SELECT mark AS value FROM reactions WHERE conversation = ? AND bucket = ? AND target = ? AND user = ? AND emoji = ?", [
          id,
          bucket,
          target,
          second,
          third,
        ]);
      default:
        throw new TypeError(`There is no row ${JSON.stringify(key)}.`);
    }
  })();
  return (row?.["value"] as Buffer | null | undefined) ?? undefined;
}

/** As JSON: `[target, user]` each. */
async function readHideMarks(cluster: Cluster, id: ConversationId, { first, last }: Sweep): Promise<Buffer> {
  const marks: (readonly [number, string])[] = [];
  for (let bucket = bucketOf(first); bucket <= bucketOf(last); bucket++) {
    const rows = await cluster.rows("SELECT target, user FROM hides WHERE conversation = ? AND bucket = ? AND target >= ? AND target <= ?", [
      id,
      bucket,
      first,
      last,
    ]);
    for (const row of rows) marks.push([row["target"] as number, row["user"] as string]);
  }
  return Buffer.from(JSON.stringify(marks));
}

/** A partition's statements, to be written together. */
export interface PartitionWrite {
  readonly partition: string;
  readonly statement: Statement;
}

/** @param version of the conversation that decided the journal: the timestamp of every cell */
export function statementsOf(id: ConversationId, version: number, { rows, sweep }: Journal): PartitionWrite[] {
  const writes: PartitionWrite[] = [];
  for (const [key, value] of rows) writes.push(rowWrite({ id, key, value, version }));
  if (sweep !== undefined) writes.push(...sweepWrites(id, version, sweep));
  return writes;
}

function rowWrite({ id, key, value, version }: { id: ConversationId; key: string; value: Buffer | null; version: number }): PartitionWrite {
  const [first, second, third] = partsOf(key);
  const target = targetOf(key) ?? 0;
  const bucket = bucketOf(target);
  const write = (partition: string, cql: string, values: Statement["values"]): PartitionWrite => ({ partition, statement: { cql, values } });
  switch (key.charAt(0)) {
    case "a":
      return write(`e${bucket}`, "UPDATE log_entries USING TIMESTAMP ? SET annotation = ? WHERE conversation = ? AND bucket = ? AND seq = ?", [
        version,
        value,
        id,
        bucket,
        target,
      ]);
    case "e":
      return write(`e${bucket}`, "UPDATE log_entries USING TIMESTAMP ? SET entry = ? WHERE conversation = ? AND bucket = ? AND seq = ?", [
        version,
        value,
        id,
        bucket,
        target,
      ]);
    case "h":
      return value === null
        ? write(`h${bucket}`, "DELETE FROM hides USING TIMESTAMP ? WHERE conversation = ? AND bucket = ? AND target = ? AND user = ?", [
            version,
            id,
            bucket,
            target,
            second,
          ])
        : write(`h${bucket}`, "UPDATE hides USING TIMESTAMP ? SET mark = ? WHERE conversation = ? AND bucket = ? AND target = ? AND user = ?", [
            version,
            present,
            id,
            bucket,
            target,
            second,
          ]);
    case "i":
      return value === null
        ? write(key, "DELETE FROM hide_counts USING TIMESTAMP ? WHERE conversation = ? AND user = ?", [version, id, first])
        : write(key, "UPDATE hide_counts USING TIMESTAMP ? SET record = ? WHERE conversation = ? AND user = ?", [version, value, id, first]);
    case "k":
      return write(key, "UPDATE send_keys USING TIMESTAMP ? SET record = ? WHERE conversation = ? AND sender = ? AND client_id = ?", [
        version,
        value,
        id,
        first,
        second,
      ]);
    case "l": {
      const shard = shardOf(id);
      return value === null
        ? write(key, "DELETE FROM listings USING TIMESTAMP ? WHERE list = ? AND shard = ? AND sort_key = ?", [version, first, shard, second])
        : write(key, "UPDATE listings USING TIMESTAMP ? SET mark = ? WHERE list = ? AND shard = ? AND sort_key = ?", [version, present, first, shard, second]);
    }
    case "m":
      return value === null
        ? write("m", "DELETE FROM members USING TIMESTAMP ? WHERE conversation = ? AND user = ?", [version, id, first])
        : write("m", "UPDATE members USING TIMESTAMP ? SET record = ? WHERE conversation = ? AND user = ?", [version, value, id, first]);
    case "r":
      return value === null
        ? write(`r${bucket}`, "DELETE FROM reactions USING TIMESTAMP ? WHERE conversation = ? AND bucket = ? AND target = ? AND user = ? AND emoji = ?", [
            version,
            id,
            bucket,
            target,
            second,
            third,
          ])
        : write(
            `r${bucket}`,
            "UPDATE reactions USING TIMESTAMP ? SET mark = ? WHERE conversation = ? AND bucket = ? AND target = ? AND user = ? AND emoji = ?",
            [version, present, id, bucket, target, second, third],
          );
    default:
      throw new TypeError(`There is no row ${JSON.stringify(key)}.`);
  }
}

/** One range of each bucket, so that a truncation leaves one tombstone and not thousands. Reads begin behind the floor and never meet it. */
function sweepWrites(id: ConversationId, version: number, { first, last }: Sweep): PartitionWrite[] {
  const writes: PartitionWrite[] = [];
  for (let bucket = bucketOf(first); bucket <= bucketOf(last); bucket++) {
    const values = [version, id, bucket, last];
    writes.push(
      { partition: `e${bucket}`, statement: { cql: "DELETE FROM log_entries USING TIMESTAMP ? WHERE conversation = ? AND bucket = ? AND seq <= ?", values } },
      { partition: `r${bucket}`, statement: { cql: "DELETE FROM reactions USING TIMESTAMP ? WHERE conversation = ? AND bucket = ? AND target <= ?", values } },
      { partition: `h${bucket}`, statement: { cql: "DELETE FROM hides USING TIMESTAMP ? WHERE conversation = ? AND bucket = ? AND target <= ?", values } },
    );
  }
  return writes;
}

/** Keys of a list's shard, ascending behind `after`. */
export async function readListShard(
  cluster: Cluster,
  list: ListName,
  { shard, after, limit }: { shard: number; after: string | undefined; limit: number },
): Promise<readonly string[]> {
  const rows = await cluster.rows("SELECT sort_key FROM listings WHERE list = ? AND shard = ? AND sort_key > ? LIMIT ?", [list, shard, after ?? "", limit]);
  return rows.map((row) => row["sort_key"] as string);
}
