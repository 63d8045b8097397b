/**
 * One hash over where every conversation of a store ends: equal hashes mean equal logs in all of them, because each
 * conversation's rolling hash is over its whole log. Epochs are not in it: a restore gives new ones.
 */
import { createHash } from "node:crypto";
import { conversationPages, type Store } from "@suda/server/store";

export async function digestHeads({ conversations }: Store): Promise<string> {
  const hash = createHash("sha256");
  for await (const ids of conversationPages(conversations))
    for (const { id, head, floor } of await conversations.getMany(ids)) hash.update(`${id}\n${head.seq}\n${head.hash}\n${floor?.seq ?? 0}\n`);
  return hash.digest("hex");
}
