/**
 * Documents in Cassandra (S34–S37): one row each, changed by compare-and-set alone. A collection lies in several partitions by
 * a hash of the key, so that writers of different documents seldom meet, and a page is merged from all of them.
 */
import {
  checkDocumentKey,
  checkDocumentLimit,
  documentOf,
  encodeDocument,
  inParallel,
  meetsCondition,
  type DocumentCollection,
  type DocumentRecord,
  type DocumentStore,
  type StoredDocument,
} from "@suda/server/store";
import { CallOrder } from "./call-order.ts";
import { unknownOutcome, type CasOutcome, type Cluster } from "./cluster.ts";
import { mergedPage, shardOf } from "./shards.ts";

const parallelReads = 32;

interface Found extends StoredDocument {
  readonly writeId: string;
}

type PutAnswer = Awaited<ReturnType<DocumentStore["put"]>>;
type DeleteAnswer = Awaited<ReturnType<DocumentStore["delete"]>>;

/** What is to be done about what is there: an answer, or a write and then the answer. `isMine`: whether what is there now came from the write; `undefined` when nothing tells. */
type Step<T> =
  | { readonly answer: T }
  | { readonly answer: T; readonly write: () => Promise<CasOutcome>; readonly isMine: (now: Found | undefined) => boolean | undefined };

/** @param enter refuses when the store is closed, and lets its end wait for the work */
export function cassandraDocuments(
  cluster: Cluster,
  { makeWriteId, enter }: { readonly makeWriteId: () => string; readonly enter: <T>(work: () => Promise<T>) => Promise<T> },
): DocumentStore {
  // Calls of one process to one document take effect in their order.
  const order = new CallOrder();

  async function find(collection: DocumentCollection, key: string, isSerial = false): Promise<Found | undefined> {
    const row = await cluster.row(
      "SELECT version, write_id, json FROM documents WHERE collection = ? AND shard = ? AND key = ?",
      [collection, shardOf(key), key],
      { isSerial },
    );
    return row === undefined ? undefined : { version: Number(row["version"]), json: row["json"] as string, writeId: row["write_id"] as string };
  }

  async function keysOf(collection: DocumentCollection, shard: number, after: string | undefined, limit: number): Promise<readonly string[]> {
    const rows = await cluster.rows("SELECT key FROM documents WHERE collection = ? AND shard = ? AND key > ? LIMIT ?", [
      collection,
      shard,
      after ?? "",
      limit,
    ]);
    return rows.map((row) => row["key"] as string);
  }

  /** Plans on what is there and writes, until it is written or need not be. */
  async function change<T>(place: { readonly collection: DocumentCollection; readonly key: string }, step: (stored: Found | undefined) => Step<T>): Promise<T> {
    const deadline = cluster.deadline;
    let stored = await find(place.collection, place.key);
    for (let tries = 0; ; tries++) {
      const next = step(stored);
      if (!("write" in next)) return next.answer;
      const done = await next.write();
      if (done.outcome === "applied") return next.answer;
      stored = await find(place.collection, place.key, true);
      if (done.outcome === "unknown") {
        const isMine = next.isMine(stored);
        if (isMine === true) return next.answer;
        // Others have written since, and nothing tells what was before.
        if (isMine === undefined) throw unknownOutcome(done.cause);
      }
      if (cluster.isOver(deadline)) throw unknownOutcome(done.outcome === "unknown" ? done.cause : undefined);
      await cluster.pause(tries);
    }
  }

  return {
    get: (collection, key) =>
      enter(async () => {
        checkDocumentKey(collection, key);
        const stored = await find(collection, key);
        return stored === undefined ? undefined : documentOf(key, stored);
      }),

    put: (collection, key, value, condition = {}) =>
      enter(async () => {
        checkDocumentKey(collection, key);
        const json = encodeDocument(value);
        const shard = shardOf(key);
        return order.run(`${collection} ${key}`, () =>
          change<PutAnswer>({ collection, key }, (stored) => {
            const version = stored?.version ?? 0;
            if (!meetsCondition(stored, condition)) return { answer: { outcome: "conflict", version } };
            const writeId = makeWriteId();
            const write =
              stored === undefined
                ? {
                    cql: "INSERT INTO documents (collection, shard, key, version, write_id, json) VALUES (?, ?, ?, ?, ?, ?) IF NOT EXISTS",
                    values: [collection, shard, key, 1, writeId, json],
                  }
                : {
                    cql: "UPDATE documents SET version = ?, write_id = ?, json = ? WHERE collection = ? AND shard = ? AND key = ? IF write_id = ?",
                    values: [version + 1, writeId, json, collection, shard, key, stored.writeId],
                  };
            return {
              write: () => cluster.compareAndSet([write]),
              answer: { outcome: "stored", version: version + 1 },
              isMine: (now) => (now?.writeId === writeId ? true : now?.writeId === stored?.writeId ? false : undefined),
            };
          }),
        );
      }),

    delete: (collection, key, condition = {}) =>
      enter(async () => {
        checkDocumentKey(collection, key);
        return order.run(`${collection} ${key}`, () =>
          change<DeleteAnswer>({ collection, key }, (stored) => {
            const isMet = meetsCondition(stored, condition);
            if (stored === undefined || !isMet) return { answer: isMet ? { outcome: "absent" } : { outcome: "conflict", version: stored?.version ?? 0 } };
            const values = [collection, shardOf(key), key, stored.writeId];
            return {
              write: () => cluster.compareAndSet([{ cql: "DELETE FROM documents WHERE collection = ? AND shard = ? AND key = ? IF write_id = ?", values }]),
              answer: { outcome: "deleted" },
              // Gone is gone, whoever did it.
              isMine: (now) => (now === undefined ? true : now.writeId === stored.writeId ? false : undefined),
            };
          }),
        );
      }),

    list: (collection, after, limit) =>
      enter(async () => {
        checkDocumentKey(collection, after ?? "!");
        const count = checkDocumentLimit(limit);
        const page: DocumentRecord[] = [];
        for (let behind = after; ; ) {
          const wanted = count - page.length;
          const keys = await mergedPage((shard, place, limit) => keysOf(collection, shard, place, limit), behind, wanted);
          const found = await inParallel(keys, parallelReads, (key) => find(collection, key));
          page.push(
            ...keys.flatMap((key, index) => {
              const stored = found[index];
              return stored === undefined ? [] : documentOf(key, stored);
            }),
          );
          // Some may have been deleted between the two reads, and a page that is not full would be taken for the last (S35).
          if (page.length === count || keys.length < wanted) return page;
          behind = keys.at(-1);
        }
      }),
  };
}
