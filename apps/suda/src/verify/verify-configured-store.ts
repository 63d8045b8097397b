/**
 * `suda verify` without a directory: the store that the settings name, as `suda serve` takes them. A store of files is opened
 * alone; Cassandra is read beside whoever else is on it, so nodes that write meanwhile are found as contradictions.
 */
import { verifyStore, type Finding, type Verified } from "@suda/server/store";
import { CommandError } from "../command-error.ts";
import type { Config } from "../config/settings.ts";
import { openCassandra } from "../server/cassandra.ts";
import { verifyDirectory } from "./verify-directory.ts";

/** @throws CommandError `data.unusable`, `store.unusable`, `config` */
export async function verifyConfiguredStore(config: Config, onFinding: (finding: Finding) => void): Promise<Verified> {
  switch (config.store) {
    case "memory":
      throw new CommandError("config", "a store in memory is gone with its server", "Name the store that the server has: --store lmdb");
    case "lmdb":
      return verifyDirectory(config.data, onFinding);
    case "cassandra": {
      await using store = await openCassandra(config);
      return await verifyStore(store, onFinding);
    }
  }
}
