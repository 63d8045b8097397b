/** Opens the store that the configuration names, and says what is wrong with it in words for an operator. What an engine needs is loaded only when it is chosen. */
import { MemoryStore, type Store } from "@suda/server/store";
import { openLmdbReadOnly, openLmdbStore, type LmdbReadOnlyStore } from "@suda/store-lmdb";
import { CommandError } from "../command-error.ts";
import type { Config } from "../config/settings.ts";
import { openCassandra } from "./cassandra.ts";
import { storeError } from "./store-error.ts";

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
