/** lmdb-js with the settings that were measured to be safe (DESIGN §8). */
import { open, type RootDatabase } from "lmdb";
import { keyEncoder } from "./keys.ts";

export type Database = RootDatabase<Buffer, string>;

/** Opens LMDB on the file `path`. Throws lmdb-js's errors, with LMDB's or the system's number as `code`. */
export function openDatabase(path: string, access: "read-write" | "read-only" = "read-write"): Database {
  return open<Buffer, string>({
    path,
    noSubdir: true,
    readOnly: access === "read-only",
    encoding: "binary",
    keyEncoder,
    // With the default, a failed fsync leaves the value readable and 5 of 109 replayed power losses lost acknowledged data.
    overlappingSync: false,
    // Batches are ours (committer.ts): lmdb-js's own would add a second promise and a turn of delay to each.
    eventTurnBatching: false,
  });
}
