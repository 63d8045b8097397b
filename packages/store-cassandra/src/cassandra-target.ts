/**
 * Records of another store put in place as they are (S56), as the ordinary writes would have left them.
 *
 * What has the conversation's version as its timestamp has twice the pass here, and what a pass takes away goes with one less:
 * so within a pass what is put stands over what is taken away, and a later pass over an earlier one, also when something of
 * the earlier arrives late. The conversation itself gets that version by a lightweight transaction, as the last of it, with
 * nothing in its journal. Stamps in users' lists are 1, less than any version, so that the next change of each counts.
 */
import type { ConversationId, UserId } from "@suda/protocol";
import { encodeDocument, inParallel, storedKeyOf, type ConversationRecord, type LogEntry, type Membership, type StoreTarget } from "@suda/server/store";
import { unknownOutcome, type Cluster, type Statement } from "./cluster.ts";
import { readState } from "./conversation-state.ts";
import { emptyJournal, encodeJournal } from "./journal.ts";
import type { Memberships } from "./memberships.ts";
import { noBytes } from "./planning.ts";
import { baseOf, encodeEntry, encodeMember, encodeRecord, encodeStoredKey, tailOf } from "./records.ts";
import { annotationKey, entryKey, hideCountKey, hideKey, hideMarksKey, listKey, memberKey, placeOf, reactionKey, sendKey, sortKeyOf } from "./row-keys.ts";
import { bucketOf } from "./schema.ts";
import { writePartitions } from "./settler.ts";
import { shardOf } from "./shards.ts";
import { readRow, statementsOf, type PartitionWrite } from "./tables.ts";

type Rows = Map<string, Buffer | null>;

export interface CassandraTargetOptions {
  readonly cluster: Cluster;
  readonly memberships: Memberships;
  readonly makeWriteId: () => string;
  /** Refuses when the store is closed, and lets its end wait for the work. */
  readonly enter: <T>(work: () => Promise<T>) => Promise<T>;
}

const parallelWrites = 32;
/** Memberships of one lightweight transaction. */
const membershipsMax = 50;
const firstStamp = 1;
const versionOf = (pass: number): number => 2 * pass;

export function cassandraTarget({ cluster, memberships, makeWriteId, enter }: CassandraTargetOptions): StoreTarget {
  const put = (id: ConversationId, rows: Rows, pass: number, taken: readonly PartitionWrite[] = []): Promise<void> =>
    writePartitions(cluster, [...taken, ...statementsOf(id, versionOf(pass), { rows, moves: [], sweep: undefined })]);

  return {
    putEntries: (id, entries, reactions, pass) =>
      enter(() => {
        const rows: Rows = new Map();
        for (const entry of entries) putEntry(id, rows, entry);
        for (const { target, user, emoji } of reactions) rows.set(reactionKey(target, user, emoji), noBytes);
        // One that nothing was ever done to has no reactions that could have to go.
        const changed = entries.filter(({ annotation }) => annotation !== undefined);
        return put(
          id,
          rows,
          pass,
          changed.map(({ seq }) => takeReactions(id, seq, versionOf(pass) - 1)),
        );
      }),

    putLeftKeys: (id, keys, pass) =>
      enter(() => {
        const rows: Rows = new Map();
        for (const { from, clientId, key } of keys) {
          const row = sendKey(from, clientId);
          rows.set(row, encodeStoredKey(placeOf(id, row), key));
        }
        return put(id, rows, pass);
      }),

    putConversation: ({ record, members, hides }, pass) =>
      enter(async () => {
        const { id, floor } = record;
        const before = await readState(cluster, id, { isSerial: true });
        const rows: Rows = new Map([[listKey("all", id), noBytes]]);
        putLists(rows, before?.record, record);
        const counts = new Map<UserId, number>();
        for (const { target, user } of hides) {
          rows.set(hideKey(target, user), noBytes);
          counts.set(user, (counts.get(user) ?? 0) + 1);
        }
        // Hides end with a truncation alone.
        if (floor !== undefined)
          for (const [, user] of marksIn(await readRow(cluster, id, hideMarksKey(1, floor.seq)))) if (!counts.has(user)) rows.set(hideCountKey(user), null);
        for (const [user, count] of counts) rows.set(hideCountKey(user), encodeRecord(placeOf(id, hideCountKey(user)), [count]));
        for (const member of members) rows.set(memberKey(member.user), encodeMember(placeOf(id, memberKey(member.user)), member));
        const version = versionOf(pass);
        const taken: PartitionWrite[] = [
          { partition: "m", statement: { cql: "DELETE FROM members USING TIMESTAMP ? WHERE conversation = ?", values: [version - 1, id] } },
        ];
        if (floor !== undefined) taken.push(...statementsOf(id, version - 1, { rows: new Map(), moves: [], sweep: { first: 1, last: floor.seq } }));
        await put(id, rows, pass, taken);
        await decide(record, before?.version, version);
      }),

    putUser: ({ id, record, change, memberships: list }) =>
      enter(async () => {
        if (record !== undefined) await putProfile(id, encodeRecord(`user ${id}`, record));
        if (change > 0 || list.length > 0) await putMemberships(id, change, list);
      }),

    putCreations: (keys) =>
      enter(async () => {
        await inParallel(keys, parallelWrites, async ({ user, clientId, conversation }) => {
          const values = [user, clientId, conversation];
          // Refused: it is there already, from an earlier pass.
          await settled(() => cluster.compareAndSet([{ cql: "INSERT INTO creations (user, client_id, conversation) VALUES (?, ?, ?) IF NOT EXISTS", values }]));
        });
      }),

    putDocument: (collection, key, document) =>
      enter(async () => {
        const shard = shardOf(key);
        for (let tries = 0; ; tries++) {
          const row = await cluster.row("SELECT write_id FROM documents WHERE collection = ? AND shard = ? AND key = ?", [collection, shard, key], {
            isSerial: true,
          });
          if (row === undefined && document === undefined) return;
          const done = await cluster.compareAndSet([documentWrite({ collection, shard, key }, row?.["write_id"] as string | undefined, document)]);
          if (done.outcome === "applied") return;
          if (tries >= triesMax) throw unknownOutcome(done.outcome === "unknown" ? done.cause : undefined);
          await cluster.pause(tries);
        }
      }),
  };

  function documentWrite(
    { collection, shard, key }: { readonly collection: string; readonly shard: number; readonly key: string },
    before: string | undefined,
    document: Parameters<StoreTarget["putDocument"]>[2],
  ): Statement {
    if (document === undefined)
      return { cql: "DELETE FROM documents WHERE collection = ? AND shard = ? AND key = ? IF write_id = ?", values: [collection, shard, key, before ?? ""] };
    const { version, value } = document;
    const json = encodeDocument(value);
    if (before === undefined)
      return {
        cql: "INSERT INTO documents (collection, shard, key, version, write_id, json) VALUES (?, ?, ?, ?, ?, ?) IF NOT EXISTS",
        values: [collection, shard, key, version, makeWriteId(), json],
      };
    return {
      cql: "UPDATE documents SET version = ?, write_id = ?, json = ? WHERE collection = ? AND shard = ? AND key = ? IF write_id = ?",
      values: [version, makeWriteId(), json, collection, shard, key, before],
    };
  }

  /** The conversation is what it was told from now on. Repeating it gives the same, so what became of an unanswered one need not be known. */
  async function decide(record: ConversationRecord, before: number | undefined, version: number): Promise<void> {
    const { id } = record;
    const journal = encodeJournal(id, emptyJournal);
    const base = encodeRecord(`${id}\0base`, baseOf(record));
    const tail = encodeRecord(`${id}\0tail`, tailOf(record, [makeWriteId()]));
    for (let tries = 0, expected = before; ; tries++) {
      const done = await cluster.compareAndSet([
        expected === undefined
          ? {
              cql: "INSERT INTO conversations (id, version, base, tail, journal) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS",
              values: [id, version, base, tail, journal],
            }
          : {
              cql: "UPDATE conversations SET version = ?, base = ?, tail = ?, journal = ? WHERE id = ? IF version = ?",
              values: [version, base, tail, journal, id, expected],
            },
      ]);
      if (done.outcome === "applied") return;
      const now = await readState(cluster, id, { isSerial: true });
      if (now?.version === version) return;
      if (tries >= triesMax) throw unknownOutcome(done.outcome === "unknown" ? done.cause : undefined);
      expected = now?.version;
      await cluster.pause(tries);
    }
  }

  async function putProfile(id: UserId, record: Buffer): Promise<void> {
    for (let tries = 0; ; tries++) {
      const row = await cluster.row("SELECT version, record FROM users WHERE id = ?", [id], { isSerial: true });
      if (row !== undefined && record.equals(row["record"] as Buffer)) return;
      const version = Number(row?.["version"] ?? 0);
      const done = await cluster.compareAndSet([
        row === undefined
          ? { cql: "INSERT INTO users (id, version, record) VALUES (?, ?, ?) IF NOT EXISTS", values: [id, 1, record] }
          : { cql: "UPDATE users SET version = ?, record = ? WHERE id = ? IF version = ?", values: [version + 1, record, id, version] },
      ]);
      if (done.outcome === "applied") return;
      if (tries >= triesMax) throw unknownOutcome(done.outcome === "unknown" ? done.cause : undefined);
      await cluster.pause(tries);
    }
  }

  /** Those that are other, some at a time: nobody reads between the parts. */
  async function putMemberships(user: UserId, change: number, list: readonly Membership[]): Promise<void> {
    for (let tries = 0; ; tries++) {
      const there = await memberships.of(user);
      const known = new Map(there.memberships.map((one) => [one.conversation, `${one.state} ${one.change}`]));
      const missing = list.filter((one) => known.get(one.conversation) !== `${one.state} ${one.change}`);
      if (missing.length === 0 && there.change === change) return;
      const before = await memberships.counter(user, { isSerial: true });
      const statements: Statement[] = [
        { cql: "UPDATE memberships SET change = ? WHERE user = ? IF change = ?", values: [change, user, before] },
        ...missing.slice(0, membershipsMax).map(
          ({ conversation, state, change: moved }): Statement => ({
            cql: "UPDATE memberships SET state = ?, moved = ?, stamp = ? WHERE user = ? AND conversation = ?",
            values: [state, moved, firstStamp, user, conversation],
          }),
        ),
      ];
      const done = await cluster.compareAndSet(statements);
      if (done.outcome === "applied") tries = -1;
      else if (tries >= triesMax) throw unknownOutcome(done.outcome === "unknown" ? done.cause : undefined);
      else await cluster.pause(tries);
    }
  }

  /** Until it was answered: what is asked may be asked twice. */
  async function settled(ask: () => ReturnType<Cluster["compareAndSet"]>): Promise<void> {
    for (let tries = 0; ; tries++) {
      const done = await ask();
      if (done.outcome !== "unknown") return;
      if (tries >= triesMax) throw unknownOutcome(done.cause);
      await cluster.pause(tries);
    }
  }
}

const triesMax = 10;

function putEntry(id: ConversationId, rows: Rows, entry: LogEntry): void {
  const { seq, from, clientId, annotation } = entry;
  const key = entryKey(seq);
  rows.set(key, encodeEntry(placeOf(id, key), entry));
  const changes = annotationKey(seq);
  if (annotation !== undefined) rows.set(changes, encodeRecord(placeOf(id, changes), annotation));
  if (clientId === undefined) return;
  const send = sendKey(from, clientId);
  rows.set(send, encodeStoredKey(placeOf(id, send), storedKeyOf(entry)));
}

/** The lists of S33 and S41. */
function putLists(rows: Rows, before: ConversationRecord | undefined, after: ConversationRecord): void {
  const { id } = after;
  const was = before?.control;
  if (was !== undefined && was.holder !== "bot") rows.set(listKey(was.holder, sortKeyOf({ id, at: was.at })), null);
  const { control } = after;
  if (control !== undefined && control.holder !== "bot") rows.set(listKey(control.holder, sortKeyOf({ id, at: control.at })), noBytes);
  if (after.retentionMs !== undefined) rows.set(listKey("retention", id), noBytes);
  else if (before?.retentionMs !== undefined) rows.set(listKey("retention", id), null);
}

function takeReactions(id: ConversationId, target: number, timestamp: number): PartitionWrite {
  const bucket = bucketOf(target);
  const cql = "DELETE FROM reactions USING TIMESTAMP ? WHERE conversation = ? AND bucket = ? AND target = ?";
  return { partition: `r${bucket}`, statement: { cql, values: [timestamp, id, bucket, target] } };
}

function marksIn(bytes: Buffer | undefined): readonly (readonly [number, UserId])[] {
  return bytes === undefined ? [] : (JSON.parse(bytes.toString()) as readonly (readonly [number, UserId])[]);
}
