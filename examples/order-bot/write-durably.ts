/** A file that is there as a whole or not at all, whatever dies meanwhile: written beside, synced, and renamed into its place. */
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Resolves when the disk has it. Not twice at a time for one file. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const beside = `${file}.new`;
  {
    await using handle = await open(beside, "w");
    await handle.writeFile(text);
    await handle.sync();
  }
  await rename(beside, file);
  await syncFolder(dirname(file));
}

/** Without it the new name may be lost with the power, though the bytes are there. Windows has no way to do it, and no need. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await using handle = await open(folder, "r");
  await handle.sync();
}
