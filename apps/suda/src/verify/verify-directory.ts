/**
 * `suda verify DIR`: opens a data directory's store alone and checks everything in it (`verifyStore`). Writes nothing
 * but the note of who holds the directory, and refuses one that a server is using.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { verifyStore, type Finding, type Verified } from "@suda/server/store";
import { dataFileName } from "@suda/store-lmdb";
import { CommandError } from "../command-error.ts";
import { openDirectory } from "../server/open-store.ts";

/** @throws CommandError `data.unusable` when there is no store, or when it cannot be opened */
export async function verifyDirectory(directory: string, onFinding: (finding: Finding) => void): Promise<Verified> {
  // Opening would make a new store.
  if (!existsSync(join(directory, dataFileName)))
    throw new CommandError("data.unusable", `${directory} holds no store (${dataFileName})`, "Name the directory that the server has as --data");
  await using store = await openDirectory(directory);
  return await verifyStore(store, onFinding);
}

/** One line: where, what kind, what is wrong. */
export function describeFinding({ kind, conversation, seq, user, message }: Finding): string {
  const place = [
    conversation === undefined ? [] : [`conversation ${conversation}`],
    seq === undefined ? [] : [`seq ${seq}`],
    conversation !== undefined || user === undefined ? [] : [`user ${user}`],
  ].flat();
  return `${place.length === 0 ? "store" : place.join(", ")}: ${message} [${kind}]`;
}
