/**
 * The version of the keys and values, and the way forward from older ones (S21). A store of a newer version is
 * refused and not touched. Going back is a restore from the backup made before the upgrade.
 */
import type { Database } from "./database.ts";

/** Brings a store from one version to the next. Runs inside one transaction with the new version's number: all of it or none. */
export type Migration = (database: Database) => void;

/** `migrations[i]` leads from version `i + 1` to `i + 2`. */
export const migrations: readonly Migration[] = [];

export interface SchemaRecord {
  readonly version: number;
}
