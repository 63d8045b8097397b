/** States in a folder, a file for each conversation, written as a whole or not at all. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StateStore, StoredState } from "../src/index.ts";

export function fileStates(folder: string): StateStore {
  mkdirSync(folder, { recursive: true });
  const fileOf = (conversation: string): string => join(folder, `${encodeURIComponent(conversation)}.json`);
  return {
    get(conversation) {
      try {
        return JSON.parse(readFileSync(fileOf(conversation), "utf8")) as StoredState;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    set(conversation, state) {
      const file = fileOf(conversation);
      writeFileSync(`${file}.new`, JSON.stringify(state));
      renameSync(`${file}.new`, file);
    },
  };
}
