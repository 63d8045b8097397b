/** Opens the store that the configuration names, and says what is wrong with it in words for an operator. What an engine needs is loaded only when it is chosen. */
import { MemoryStore, type Store } from "@suda/server/store";
import { openLmdbReadOnly, openLmdbStore, StoreOpenError, type LmdbReadOnlyStore, type StoreOpenCode } from "@suda/store-lmdb";
import { CommandError } from "../command-error.ts";
import type { Config } from "../config/settings.ts";
import { openCassandra } from "./cassandra.ts";

/** @throws CommandError `data.unusable`, `store.unusable` */
export async function openStore(config: Config): Promise<Store> {
  switch (config.store) {
    case "memory":
      return new MemoryStore();
    case "cassandra":
      return openCassandra(config);
    case "lmdb":
      return openDirectory(config.data);
  }
}

/** The LMDB store of a data directory, for this process alone. @throws CommandError `data.unusable` */
export async function openDirectory(data: string): Promise<Store> {
  try {
    return await openLmdbStore({ directory: data });
  } catch (error) {
    throw storeError(error);
  }
}

/**
 * Opens the LMDB store of a data directory for reading, also beside the server that is using it.
 * @throws CommandError `data.unusable`
 */
export async function openStoreForReading(data: string): Promise<LmdbReadOnlyStore> {
  try {
    return await openLmdbReadOnly({ directory: data });
  } catch (error) {
    throw storeError(error);
  }
}

/** The configured store for reading; one in a data directory also beside the server that is using it. @throws CommandError `data.unusable`, `store.unusable`, `config` */
export async function openStoreToRead(config: Config): Promise<Store> {
  if (config.store === "memory")
    throw new CommandError("config", "a store in memory is gone with its server", "Name the store that the server has: --store lmdb");
  return await (config.store === "lmdb" ? openStoreForReading(config.data) : openStore(config));
}

/** A driver's refusal to open in this program's words; anything else as it is. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof StoreOpenError)) return error;
  // The driver's message is what happened and then advice; the advice for this program stands below.
  const [what = error.message] = error.message.split(/\.\s+(?=[A-Z])/);
  return new CommandError("data.unusable", what, fixes[error.code], { cause: error });
}

const fixes: Readonly<Record<StoreOpenCode, string>> = {
  in_use: "Stop that process first, or choose another directory with --data DIR; one process at a time can hold a store",
  not_writable: "Give this user a directory of its own with room on a local disk: --data DIR",
  newer_version: "Start the newer Suda, or restore a backup from before the upgrade",
  older_version: "Start a server of this version on it once: that brings the store forward",
  truncated: "Restore the data directory from a backup; keep the damaged files until that has worked",
  corrupt: "Restore the data directory from a backup; keep the damaged files until that has worked",
  moved: "Start with the store that it was moved to; to go back to this one: suda backup, then suda restore to a new directory",
  not_a_store: "Choose another directory with --data DIR; nothing was changed",
};
