/**
 * Opening the embedded store: look at the file before LMDB does, claim the directory, check and upgrade the
 * schema. Every refusal is a {@link StoreOpenError} that says what to do, and leaves the files as they were.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock, type Clock } from "@suda/protocol";
import { StoreOpenError } from "@suda/server/store";
import { ABORT } from "lmdb";
import { Committer, type CommitEvent, type StateEvent } from "./committer.ts";
import { checkDataFile, dataFileName } from "./data-file.ts";
import { openDatabase, type Database } from "./database.ts";
import { fenceKey, firstDataKey, ownerKey, schemaKey } from "./keys.ts";
import { LmdbStore } from "./lmdb-store.ts";
import { judgeOwner, newOwner, staleOwnerMs, type Owner } from "./owner.ts";
import { PlannedRecords } from "./planned-records.ts";
import { checkNotMoving, isAlive } from "./move-mark.ts";
import { Reader } from "./reader.ts";
import { decodeRecord, encodeRecord } from "./records.ts";
import { migrations as allMigrations, type Migration, type SchemaRecord } from "./schema.ts";
import { asOpenError } from "./open-error.ts";
import { Truncator } from "./truncator.ts";
import { Writer } from "./writer.ts";

export interface LmdbStoreOptions {
  /** Made if it does not exist. Must be on a local disk. Holds `suda.mdb` and its lock file. */
  readonly directory: string;
  /** Gives `at` of entries and the owner's beat. Default: the system's. */
  readonly clock?: Clock;
  /** Told of every commit and every change of state. Must not throw. */
  readonly onEvent?: (event: CommitEvent | StateEvent) => void;
  /** Calls that may wait for a commit; one more is refused with `server.busy`. Default 65,536. */
  readonly maxPendingCalls?: number;
  /** Bytes of entries that may wait for a commit; likewise. Default 64 MiB. */
  readonly maxPendingBytes?: number;
  /** Records of conversations and members kept decoded. Default 32,768 (some 10 MB). */
  readonly maxCachedRecords?: number;
  /** Between two looks whether a full disk has room again. Default 2,000 ms. */
  readonly probeIntervalMs?: number;
  /** Age at which the beat of an owner on another host counts as dead. Default 15,000 ms; shorter for tests only. */
  readonly staleOwnerMs?: number;
  /** For tests: another table of migrations. */
  readonly migrations?: readonly Migration[];
}

/**
 * Opens the store in `directory`, or makes a new one there.
 * @throws StoreOpenError `in_use`, `not_writable`, `newer_version`, `truncated`, `corrupt`, `not_a_store`
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<LmdbStore> {
  const { directory, clock = systemClock, onEvent = () => {}, migrations = allMigrations } = options;
  const path = join(directory, dataFileName);
  const database = openFile(path, directory);
  let isOwner = false;
  try {
    const owner = newOwner(path, clock.now());
    await claim(database, { owner, clock, directory, version: migrations.length + 1, staleMs: options.staleOwnerMs ?? staleOwnerMs });
    isOwner = true;
    migrate(database, migrations);
    const committer = new Committer({
      database,
      directory,
      clock,
      onEvent,
      fenceKey: fenceKey(owner.token),
      maxPendingCalls: options.maxPendingCalls ?? 65_536,
      maxPendingBytes: options.maxPendingBytes ?? 67_108_864,
      probeIntervalMs: options.probeIntervalMs ?? 2_000,
      judgeMover: (mover) => isAlive(mover, { self: owner, now: clock.now(), staleMs: options.staleOwnerMs ?? staleOwnerMs }),
    });
    const reader = new Reader(database, (error) => committer.fail("LMDB refuses all work after a failed commit", error));
    const records = new PlannedRecords({ committer, reader, maxCachedRecords: options.maxCachedRecords ?? 32_768 });
    const writer = new Writer({ committer, reader, records, clock });
    const truncator = new Truncator({ committer, reader, records });
    return new LmdbStore({ database, committer, reader, records, writer, truncator, clock, owner });
  } catch (error) {
    if (isOwner) database.transactionSync(() => void database.remove(ownerKey));
    await database.close();
    throw asOpenError(error, path, directory);
  }
}

function openFile(path: string, directory: string): Database {
  try {
    mkdirSync(directory, { recursive: true });
    checkDataFile(path, directory);
    return openDatabase(path);
  } catch (error) {
    throw asOpenError(error, path, directory);
  }
}

interface Claim {
  readonly owner: Owner;
  readonly clock: Clock;
  readonly directory: string;
  readonly version: number;
  readonly staleMs: number;
}

/** Waits for an owner that can be judged by its beat alone, until it beats again or is stale. */
async function claim(database: Database, options: Claim): Promise<void> {
  const { owner, directory } = options;
  let watched: Owner | undefined;
  for (;;) {
    const holder = tryClaim(database, options);
    if (holder === undefined) return;
    const isBeating = watched !== undefined && (watched.token !== holder.owner.token || watched.beat !== holder.owner.beat);
    if (holder.state === "running" || isBeating) {
      const self = holder.owner.pid === owner.pid && holder.owner.startedAt === owner.startedAt && holder.owner.hostname === owner.hostname;
      const who = self ? "this very process" : `process ${holder.owner.pid} on ${holder.owner.hostname}`;
      const message = `The store in ${directory} is in use by ${who}. Stop it first, or choose another directory; one process at a time can hold a store.`;
      throw new StoreOpenError("in_use", message, { directory });
    }
    watched = holder.owner;
    // The system's timer and not the clock's: this wait must keep the process alive.
    await sleep(Math.min(500, options.staleMs / 4));
  }
}

/** One attempt, inside one write transaction. Returns who holds the store if somebody else does. */
function tryClaim(database: Database, { owner, clock, directory, version, staleMs }: Claim): { owner: Owner; state: "running" | "beating" } | undefined {
  let holder: { owner: Owner; state: "running" | "beating" } | undefined;
  database.transactionSync(() => {
    const now = clock.now();
    const schema = readRecord(database, schemaKey) as SchemaRecord | undefined;
    if (schema === undefined && [...database.getKeys({ start: firstDataKey, limit: 1 })].length > 0) {
      throw new StoreOpenError("not_a_store", `The LMDB file in ${directory} is not Suda's. Choose another directory.`, { directory });
    }
    if (schema !== undefined && schema.version > version) {
      const message = `The store in ${directory} was written by a newer Suda (schema ${schema.version}; this one knows ${version}). Start that version, or restore a backup from before the upgrade.`;
      throw new StoreOpenError("newer_version", message, { directory });
    }
    checkNotMoving(database, { self: owner, now, staleMs, directory });
    const other = readRecord(database, ownerKey) as Owner | undefined;
    const state = other === undefined ? "dead" : judgeOwner(other, { self: owner, now, staleMs });
    if (other !== undefined && (state === "running" || state === "beating")) {
      holder = { owner: other, state };
      return ABORT;
    }
    if (other !== undefined && state === "silent") writeRecord(database, fenceKey(other.token), [now]);
    writeRecord(database, ownerKey, { ...owner, beat: now });
    if (schema === undefined) writeRecord(database, schemaKey, { version } satisfies SchemaRecord);
    return undefined;
  });
  return holder;
}

function migrate(database: Database, migrations: readonly Migration[]): void {
  const { version } = readRecord(database, schemaKey) as SchemaRecord;
  for (const [index, migration] of migrations.entries()) {
    if (index + 1 < version) continue;
    database.transactionSync(() => {
      migration(database);
      writeRecord(database, schemaKey, { version: index + 2 } satisfies SchemaRecord);
    });
  }
}

function readRecord(database: Database, key: string): unknown {
  const bytes = database.getBinary(key);
  return bytes === undefined ? undefined : decodeRecord(key, bytes);
}

function writeRecord(database: Database, key: string, value: unknown): void {
  void database.put(key, encodeRecord(key, value));
}
