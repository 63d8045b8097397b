/**
 * `--outbox FILE`: what was not sent survives the program. Beside it `FILE.lock` names the process that uses it, so
 * that a second terminal is told instead of sending everything a second time or writing over the first one's file.
 */
import { readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { openFileOutbox, type FileOutbox } from "@suda/client/node";
import { CommandError, systemErrorCode } from "../command-error.ts";

/** @throws CommandError `outbox.unusable` when another program uses it, or it cannot be read and written */
export async function openOutbox(file: string): Promise<FileOutbox> {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const unlock = lock(file);
    try {
      const outbox = await openFileOutbox(file);
      return {
        load: () => outbox.load(),
        put: (entry) => outbox.put(entry),
        remove: (clientId) => outbox.remove(clientId),
        async [Symbol.asyncDispose]() {
          await outbox[Symbol.asyncDispose]();
          unlock();
        },
      };
    } catch (error) {
      unlock();
      throw error;
    }
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof CommandError || code === undefined) throw error;
    throw new CommandError("outbox.unusable", `the outbox ${file} cannot be used (${code})`, "Give a file in a directory of yours: --outbox FILE", {
      cause: error,
    });
  }
}

function lock(file: string): () => void {
  const path = `${file}.lock`;
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
    const holder = Number(readFileSync(path, "utf8").trim());
    if (isRunning(holder))
      throw new CommandError(
        "outbox.unusable",
        `the outbox ${file} is used by another program (process ${holder})`,
        `End that one, or give another file; if it is no suda chat, remove ${path}`,
      );
    // It was killed.
    writeFileSync(path, `${process.pid}\n`, { mode: 0o600 });
  }
  return () => rmSync(path, { force: true });
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return systemErrorCode(error) === "EPERM";
  }
}
