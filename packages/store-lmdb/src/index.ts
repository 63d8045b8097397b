/** Suda's embedded store: one directory, one process, LMDB. */
export type { CommitEvent, StateEvent } from "./committer.ts";
export { dataFileName } from "./data-file.ts";
export { LmdbReadOnlyStore } from "./lmdb-read-only-store.ts";
export { LmdbStore } from "./lmdb-store.ts";
export { LmdbMove, MoveLost, openLmdbMove } from "./lmdb-move.ts";
export { openLmdbReadOnly, type OpenReadOnlyOptions } from "./open-lmdb-read-only.ts";
export { openLmdbStore, type LmdbStoreOptions } from "./open-lmdb-store.ts";
export { renewNumbering } from "./renew-numbering.ts";
export type { Migration } from "./schema.ts";
export { StoreCorruptError, StoreOpenError, type StoreOpenCode } from "@suda/server/store";
