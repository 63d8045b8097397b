/**
 * The key that a data directory keeps: `DIR/token-key`, 32 random bytes in base64url, readable by its owner
 * alone. `suda token` and `suda chat` sign with it, the server checks with it.
 */
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "@suda/protocol";
import { CommandError, systemErrorCode } from "../command-error.ts";

const keyBytes = 32;

export function tokenKeyPath(directory: string): string {
  return join(directory, "token-key");
}

/**
 * Reads the key, `undefined` when there is none.
 * @throws CommandError `keys.invalid` when the file holds something else, `data.unusable` when it cannot be read
 */
export function readTokenKey(directory: string): Uint8Array | undefined {
  const path = tokenKeyPath(directory);
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === undefined) throw error;
    throw new CommandError("data.unusable", `the token key ${path} cannot be read (${code})`, "Run as the user who owns the data directory", { cause: error });
  }
  const bytes = Buffer.from(text, "base64url");
  if (bytes.byteLength !== keyBytes || bytes.toString("base64url") !== text) {
    throw new CommandError(
      "keys.invalid",
      `${path} does not hold a token key (${keyBytes} bytes in base64url)`,
      "Restore it from a backup, or remove it: a new one is made, and all tokens signed with the old one stop working",
    );
  }
  return bytes;
}

/**
 * The key, made together with its directory when there is none. Two processes that start together end with
 * the same one: it is written aside and linked into place, which only one of them can do.
 * @throws CommandError `data.unusable`, `keys.invalid`
 */
export function openTokenKey(directory: string, random: Random): Uint8Array {
  createDataDirectory(directory);
  const existing = readTokenKey(directory);
  if (existing !== undefined) return existing;
  const path = tokenKeyPath(directory);
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, `${Buffer.from(random.bytes(keyBytes)).toString("base64url")}\n`, { mode: 0o600, flush: true });
    // The mode above is subject to the umask and not applied to a file that is already there.
    chmodSync(draft, 0o600);
    linkSync(draft, path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code !== "EEXIST") throw unusable(directory, code, error);
  } finally {
    rmSync(draft, { force: true });
  }
  const key = readTokenKey(directory);
  if (key === undefined) throw new CommandError("data.unusable", `${path} vanished while it was made`, "Try again");
  return key;
}

/** @throws CommandError `data.unusable` */
export function createDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (!statSync(directory).isDirectory()) throw unusable(directory, "ENOTDIR", undefined);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined || error instanceof CommandError) throw error;
    throw unusable(directory, code, error);
  }
}

function unusable(directory: string, code: string, cause: unknown): CommandError {
  const what: Readonly<Record<string, string>> = {
    EACCES: "is not writable",
    EPERM: "is not writable",
    EROFS: "is on a read-only disk",
    ENOSPC: "has no room left",
    EEXIST: "is a file, not a directory",
    ENOTDIR: "is a file, not a directory",
  };
  return new CommandError(
    "data.unusable",
    `the data directory ${directory} ${what[code] ?? "cannot be used"} (${code})`,
    "Choose another with --data DIR, or change its owner or permissions",
    {
      cause,
    },
  );
}
