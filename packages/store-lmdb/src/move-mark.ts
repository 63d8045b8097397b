/**
 * That a store is being moved elsewhere, or was (S57). The mark lies in the store itself and is set in one write
 * transaction with the fence of whoever holds the store, so that no commit of theirs comes after it. Who only was slow, or
 * never heard of it, is refused by LMDB.
 */
import type { Database } from "./database.ts";
import { fenceKey, moveKey, ownerKey } from "./keys.ts";
import { judgeOwner, type Owner } from "./owner.ts";
import { decodeRecord, encodeRecord } from "./records.ts";
import { StoreOpenError } from "@suda/server/store";

export type MoveMark =
  /** The mover copies the rest, and nobody writes. `fenced` is the token of who held the store. */
  | { readonly state: "frozen"; readonly mover: Owner; readonly fenced: string | null }
  /** The other store is the one in use, and this one for ever as it is. */
  | { readonly state: "moved"; readonly to: string; readonly at: number };

export function readMoveMark(database: Database): MoveMark | undefined {
  const bytes = database.getBinary(moveKey);
  return bytes === undefined ? undefined : (decodeRecord(moveKey, bytes) as MoveMark);
}

export function writeMoveMark(database: Database, mark: MoveMark): void {
  void database.put(moveKey, encodeRecord(moveKey, mark));
}

export interface Judging {
  readonly self: Owner;
  readonly now: number;
  readonly staleMs: number;
}

export function isAlive(mover: Owner, judging: Judging): boolean {
  const state = judgeOwner(mover, judging);
  return state === "running" || state === "beating";
}

/** Inside a write transaction: nobody may be moving it. What a dead mover left goes. @throws StoreOpenError `in_use`, `moved` */
export function checkNotMoving(database: Database, { directory, ...judging }: Judging & { readonly directory: string }): void {
  const mark = readMoveMark(database);
  if (mark === undefined) return;
  if (mark.state === "moved") {
    const message = `The store in ${directory} was moved to ${mark.to} at ${new Date(mark.at).toISOString()}. Start with that one.`;
    throw new StoreOpenError("moved", message, { directory });
  }
  if (isAlive(mark.mover, judging)) {
    const message = `The store in ${directory} is being moved by process ${mark.mover.pid} on ${mark.mover.hostname}. Wait until it is done.`;
    throw new StoreOpenError("in_use", message, { directory });
  }
  giveBack(database, mark);
}

/** Whether a mover that died has left the store to whoever asks. */
export function giveBackAfterDead(database: Database, seen: MoveMark, judgeMover: (mover: Owner) => boolean): boolean {
  if (seen.state === "moved" || judgeMover(seen.mover)) return false;
  return database.transactionSync(() => {
    // Another mover may have come meanwhile.
    const mark = readMoveMark(database);
    if (mark?.state !== "frozen" || mark.mover.token !== seen.mover.token) return false;
    giveBack(database, mark);
    return true;
  });
}

/** Inside a write transaction. */
export function giveBack(database: Database, { fenced }: Extract<MoveMark, { state: "frozen" }>): void {
  void database.remove(moveKey);
  if (fenced !== null) void database.remove(fenceKey(fenced));
}

/** Inside a write transaction: fences who holds the store. */
export function freeze(database: Database, mover: Owner): void {
  const bytes = database.getBinary(ownerKey);
  const fenced = bytes === undefined ? null : (decodeRecord(ownerKey, bytes) as Owner).token;
  if (fenced !== null) void database.put(fenceKey(fenced), encodeRecord(fenceKey(fenced), [mover.beat]));
  writeMoveMark(database, { state: "frozen", mover, fenced });
}
