/** Carts and steps in a folder, a file for each conversation. Redis or a table of your database is the same two functions. */
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { StateStore, StoredState } from "@suda/bot";
import { readJson } from "./read-json.ts";
import { writeDurably } from "./write-durably.ts";

export function fileStates(folder: string): StateStore {
  // A digest: ids differ in upper and lower case alone, and there are disks on which names do not.
  const fileOf = (conversation: string): string => join(folder, `${createHash("sha256").update(conversation).digest("hex")}.json`);
  return {
    async get(conversation) {
      return (await readJson(fileOf(conversation))) as StoredState | undefined;
    },
    async set(conversation, state) {
      await mkdir(folder, { recursive: true });
      await writeDurably(fileOf(conversation), JSON.stringify({ conversation, ...state }));
    },
  };
}
