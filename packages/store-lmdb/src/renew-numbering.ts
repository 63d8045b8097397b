/**
 * Makes a restored store one that no client can take for the one it knew (S52). Clients hold cursors, `seq` of an epoch, and
 * a change counter; a store that went back in time would give both anew to other things. So every conversation gets another
 * epoch, at which clients read it again, and every change counter moves beyond all that can have been given out, at which
 * they read their lists again.
 */
import { join } from "node:path";
import type { ConversationId } from "@suda/protocol";
import { checkDataFile, dataFileName } from "./data-file.ts";
import { openDatabase, type Database } from "./database.ts";
import { baseKey, conversationEnd, conversationOf, conversationsEnd, moveKey } from "./keys.ts";
import { decodeRecord, encodeRecord, type BaseRecord, type MembershipValue } from "./records.ts";

/** More changes of one user's list than can have been lost with what came after a backup. */
const changesSkipped = 1_000_000_000;
/** Records of one transaction. */
const batchMax = 1_000;

/**
 * Works on the store in `directory`, which no other process may have open. Not atomic: on failure begin again with a copy.
 * @throws StoreOpenError, StoreCorruptError
 */
export async function renewNumbering(directory: string, epoch: string): Promise<void> {
  const path = join(directory, dataFileName);
  checkDataFile(path, directory);
  const database = openDatabase(path);
  try {
    // Going back from where it was moved to is going back in time as well.
    database.transactionSync(() => void database.remove(moveKey));
    for (let from: string | undefined = "c"; from !== undefined; ) from = renewEpochs(database, from, epoch);
    for (let from: string | undefined = "v"; from !== undefined; ) from = moveChanges(database, from);
  } finally {
    await database.close();
  }
}

/** One batch. Returns where the next one begins. */
function renewEpochs(database: Database, from: string, epoch: string): string | undefined {
  return database.transactionSync(() => {
    let start = from;
    for (let count = 0; count < batchMax; count++) {
      const [found] = [...database.getKeys({ start, end: conversationsEnd, limit: 1 })];
      if (found === undefined) return undefined;
      const id: ConversationId = conversationOf(found);
      const key = baseKey(id);
      const bytes = database.getBinary(key);
      // What is damaged stays so: whoever checks the store finds it.
      if (bytes !== undefined) void database.put(key, encodeRecord(key, { ...(decodeRecord(key, bytes) as BaseRecord), epoch }));
      start = conversationEnd(id);
    }
    return start;
  });
}

function moveChanges(database: Database, from: string): string | undefined {
  return database.transactionSync(() => {
    const page = [...database.getRange({ start: from, end: "w", limit: batchMax })];
    for (const { key, value } of page) {
      const record = decodeRecord(key, value);
      // Only the counter's key ends behind the user (keys.ts).
      if (key.endsWith("\0")) {
        const [change] = record as readonly [number];
        void database.put(key, encodeRecord(key, [change + changesSkipped]));
      } else {
        const [state, change] = record as MembershipValue;
        void database.put(key, encodeRecord(key, [state, change + changesSkipped] satisfies MembershipValue));
      }
    }
    const last = page.at(-1)?.key;
    return page.length < batchMax || last === undefined ? undefined : `${last}\0`;
  });
}
