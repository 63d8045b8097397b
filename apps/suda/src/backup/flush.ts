/** Files and directory entries that survive a power loss. */
import { closeSync, fsyncSync, openSync } from "node:fs";

/** Flushes a file's bytes, or which names a directory holds, to the disk. */
export function flush(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
