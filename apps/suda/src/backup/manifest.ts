/**
 * `manifest.json` of a backup: what is in it and how it was found when it was made. It is written last, so that a
 * directory without one is not a backup.
 */
import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError, systemErrorCode } from "../command-error.ts";

export const manifestName = "manifest.json";
/** Of the layout of a backup; another one is refused. */
export const backupFormat = 1;

export interface Manifest {
  readonly format: typeof backupFormat;
  /** Version of Suda. */
  readonly program: string;
  /** ISO 8601. */
  readonly takenAt: string;
  /** Whether a server could write while it was taken: then clients may have seen more than is in it. */
  readonly source: "running" | "stopped";
  readonly store: { readonly file: string; readonly bytes: number; readonly sha256: string };
  readonly hasTokenKey: boolean;
  readonly conversations: number;
  readonly entries: number;
  /** {@link digestHeads} of the store. */
  readonly heads: string;
}

/** @throws CommandError `backup.invalid` */
export function readManifest(directory: string): Manifest {
  const path = join(directory, manifestName);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined && !(error instanceof SyntaxError)) throw error;
    const why = code === "ENOENT" || code === "ENOTDIR" ? `has no ${manifestName}` : `has a ${manifestName} that cannot be read (${code ?? "no JSON"})`;
    throw new CommandError("backup.invalid", `${directory} is not a whole backup: it ${why}`, "Name a directory that suda backup has made, and finished", {
      cause: error,
    });
  }
  if (isManifest(value)) return value;
  const format = (value as { format?: unknown } | null)?.format;
  throw new CommandError(
    "backup.invalid",
    typeof format === "number" && format > backupFormat
      ? `the backup ${directory} has format ${format}; this Suda knows ${backupFormat}`
      : `${path} is no manifest`,
    "Restore it with the version of Suda that made it, or use another backup",
  );
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== "object" || value === null) return false;
  const { format, takenAt, source, store, hasTokenKey, heads } = value as Partial<Record<keyof Manifest, unknown>>;
  if (format !== backupFormat || typeof takenAt !== "string" || typeof heads !== "string" || typeof hasTokenKey !== "boolean") return false;
  if (typeof store !== "object" || store === null) return false;
  // The file's name becomes a path.
  const { file, bytes, sha256 } = store as Partial<Record<keyof Manifest["store"], unknown>>;
  return (
    (source === "running" || source === "stopped") &&
    typeof file === "string" &&
    /^[a-z][a-z.-]*$/.test(file) &&
    typeof bytes === "number" &&
    typeof sha256 === "string"
  );
}

/** SHA-256 of a file of any size, hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path, { highWaterMark: 1_048_576 })) hash.update(part as Buffer);
  return hash.digest("hex");
}
