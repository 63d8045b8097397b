import { readFile } from "node:fs/promises";

/** Nothing when there is no such file. A broken one, or a disk that fails, is an error: it must not look like an empty cart. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
