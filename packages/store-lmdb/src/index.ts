/** Suda's embedded store: one directory, one process, LMDB. */
export type { CommitEvent, StateEvent } from "./committer.ts";
export { LmdbStore } from "./lmdb-store.ts";
export { dataFileName, openLmdbStore, type LmdbStoreOptions } from "./open-lmdb-store.ts";
export type { Migration } from "./schema.ts";
export { StoreCorruptError, StoreOpenError, type StoreOpenCode } from "./store-errors.ts";
