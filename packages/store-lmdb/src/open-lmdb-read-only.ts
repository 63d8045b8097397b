/** Opening a store for reading beside the process that writes to it. Claims nothing, migrates nothing, makes nothing. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock, type Clock } from "@suda/protocol";
import { StoreOpenError } from "@suda/server/store";
import { checkDataFile, dataFileName } from "./data-file.ts";
import { openDatabase, type Database } from "./database.ts";
import { ownerKey, schemaKey } from "./keys.ts";
import { LmdbReadOnlyStore } from "./lmdb-read-only-store.ts";
import { asOpenError } from "./open-error.ts";
import { judgeOwner, newOwner, staleOwnerMs, type Owner } from "./owner.ts";
import { Reader } from "./reader.ts";
import { decodeRecord } from "./records.ts";
import { migrations, type SchemaRecord } from "./schema.ts";

export interface OpenReadOnlyOptions {
  readonly directory: string;
  /** Tells whether the owner's beat is fresh. Default: the system's. */
  readonly clock?: Clock;
}

/** Looks at a file that grows under one's eyes: once more may show what the first look did not. */
const looks = 3;

/**
 * @throws StoreOpenError as `openLmdbStore`, but never `in_use`; `not_a_store` also when there is none, `older_version` when
 * it must be migrated first
 */
export async function openLmdbReadOnly({ directory, clock = systemClock }: OpenReadOnlyOptions): Promise<LmdbReadOnlyStore> {
  const path = join(directory, dataFileName);
  if (!existsSync(path)) throw new StoreOpenError("not_a_store", `${directory} holds no store (${dataFileName}). Choose another directory.`, { directory });
  let database: Database | undefined;
  try {
    checkGrowingFile(path, directory);
    database = openDatabase(path, "read-only");
    checkSchema(database, directory);
    // Nothing is committed here, so nothing can have failed.
    const reader = new Reader(database, () => {});
    return new LmdbReadOnlyStore({ database, reader, isHeld: isHeldNow(database, path, clock.now()) });
  } catch (error) {
    await database?.close();
    throw asOpenError(error, path, directory);
  }
}

function checkGrowingFile(path: string, directory: string): void {
  for (let look = 1; ; look++) {
    try {
      return checkDataFile(path, directory);
    } catch (error) {
      if (!(error instanceof StoreOpenError) || look === looks) throw error;
    }
  }
}

/** Whether a process holds the store for writing. */
export function isHeldNow(database: Database, path: string, now: number): boolean {
  const owner = record(database, ownerKey) as Owner | undefined;
  const state = owner === undefined ? "dead" : judgeOwner(owner, { self: newOwner(path, now), now, staleMs: staleOwnerMs });
  return state === "running" || state === "beating";
}

/** @throws StoreOpenError `not_a_store`, `newer_version`, `older_version` */
export function checkSchema(database: Database, directory: string): void {
  const schema = record(database, schemaKey) as SchemaRecord | undefined;
  const version = migrations.length + 1;
  if (schema === undefined) throw new StoreOpenError("not_a_store", `The LMDB file in ${directory} is not Suda's. Choose another directory.`, { directory });
  if (schema.version === version) return;
  const which = `schema ${schema.version}; this one knows ${version}`;
  throw schema.version > version
    ? new StoreOpenError("newer_version", `The store in ${directory} was written by a newer Suda (${which}). Use that version.`, { directory })
    : new StoreOpenError("older_version", `The store in ${directory} was written by an older Suda (${which}). Start a server of this version on it once.`, {
        directory,
      });
}

function record(database: Database, key: string): unknown {
  const bytes = database.getBinary(key);
  return bytes === undefined ? undefined : decodeRecord(key, bytes);
}
