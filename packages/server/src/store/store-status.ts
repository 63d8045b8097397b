/** How it stands with a store, and what it has done. */

/**
 * `ready` reads and writes. `read-only`: no room on the disk, reads go on, writes are refused with
 * `store.read_only` and resume by themselves. `failed`: a commit failed, nothing is acknowledged any more
 * (`store.failed`) and only a restart ends it. `unreachable`: the engine that it stands on has not answered for a while; calls are refused one
 * by one, and it is `ready` again by itself. `closed` after disposal.
 */
export type StoreStatus =
  | { readonly state: "ready" }
  | { readonly state: "read-only" | "failed" | "unreachable"; readonly reason: string }
  | { readonly state: "closed" };

/** What a store has done since it was opened. */
export interface StoreStats {
  /** Groups of writes that became durable as one. */
  readonly commits: number;
  /** The writes in them. */
  readonly calls: number;
  /** What they took, all together. */
  readonly commitMs: number;
  /** Commits that began anew because another process had written to the same conversation first. */
  readonly conflicts: number;
  /** Commits that were not answered in time, so that their outcome was looked up. */
  readonly unknown: number;
}
