/**
 * `suda backup TO`: one moment of a data directory, while its server goes on. The copy is made beside TO under another
 * name, checked record by record, flushed, given its manifest, and only then called TO; so whatever is called TO is
 * whole (S51), and what a kill leaves behind is not called so.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { verifyStore, type Finding } from "@suda/server/store";
import { dataFileName } from "@suda/store-lmdb";
import { CommandError, systemErrorCode } from "../command-error.ts";
import { readTokenKey, tokenKeyPath } from "../data-directory/token-key.ts";
import { programVersion } from "../program-version.ts";
import { openStoreForReading } from "../server/open-store.ts";
import { flush } from "./flush.ts";
import { digestHeads } from "./heads-digest.ts";
import { backupFormat, hashFile, manifestName, type Manifest } from "./manifest.ts";

export interface BackupOptions {
  readonly data: string;
  readonly to: string;
  readonly withTokenKey: boolean;
  readonly now: number;
  readonly onFinding: (finding: Finding) => void;
  /** Told what is done now, and how many bytes are copied so far. */
  readonly onProgress: (step: "copying" | "checking" | "hashing", bytes: number) => void;
}

const progressIntervalMs = 500;

/** @throws CommandError `file.exists`, `file.unwritable`, `data.unusable`, `backup.damaged` when the copy does not agree; then nothing is left */
export async function writeBackup(options: BackupOptions): Promise<Manifest> {
  const to = resolve(options.to);
  if (existsSync(to)) throw existing(options.to);
  await using source = await openStoreForReading(options.data);
  if (options.withTokenKey && readTokenKey(options.data) === undefined)
    throw new CommandError(
      "keys.missing",
      `${options.data} has no token key of its own`,
      "Leave out --with-token-key: its tokens are checked with configured keys",
    );
  removeUnfinished(to);
  const draft = unfinishedPath(to, process.pid);
  try {
    mkdirSync(dirname(to), { recursive: true });
    mkdirSync(draft, { mode: 0o700 });
    const store = join(draft, dataFileName);
    await copying(store, options.onProgress, () => source.copyTo(store));
    chmodSync(store, 0o600);
    const checked = await check(draft, options);
    options.onProgress("hashing", statSync(store).size);
    if (options.withTokenKey) copyTokenKey(options.data, draft);
    flush(store);
    const manifest: Manifest = {
      format: backupFormat,
      program: programVersion(),
      takenAt: new Date(options.now).toISOString(),
      source: source.isHeld ? "running" : "stopped",
      store: { file: dataFileName, bytes: statSync(store).size, sha256: await hashFile(store) },
      hasTokenKey: options.withTokenKey,
      ...checked,
    };
    writeFileSync(join(draft, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600, flush: true });
    flush(draft);
    rename(draft, to, options.to);
    return manifest;
  } catch (error) {
    throw unwritable(error, options.to);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function copying(path: string, onProgress: BackupOptions["onProgress"], copy: () => Promise<void>): Promise<void> {
  const tell = (): void => onProgress("copying", statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  const timer = setInterval(tell, progressIntervalMs);
  try {
    tell();
    await copy();
  } finally {
    clearInterval(timer);
  }
}

async function check(draft: string, { onFinding, onProgress }: BackupOptions): Promise<Pick<Manifest, "conversations" | "entries" | "heads">> {
  onProgress("checking", statSync(join(draft, dataFileName)).size);
  const copy = await openStoreForReading(draft);
  try {
    const { conversations, entries, findings } = await verifyStore(copy, onFinding);
    if (findings > 0)
      throw new CommandError(
        "backup.damaged",
        `the copy has ${findings} findings, so it is no backup and was removed`,
        "The store itself is damaged: restore an earlier backup, and keep the damaged files until that has worked",
      );
    return { conversations, entries, heads: await digestHeads(copy) };
  } finally {
    await copy[Symbol.asyncDispose]();
    // LMDB's lock file says nothing about a copy that nobody uses.
    rmSync(join(draft, `${dataFileName}-lock`), { force: true });
  }
}

function copyTokenKey(data: string, draft: string): void {
  const target = tokenKeyPath(draft);
  copyFileSync(tokenKeyPath(data), target);
  chmodSync(target, 0o600);
  flush(target);
}

/** An empty directory would be replaced by a rename: somebody else's, or another backup's that was quicker. */
function rename(draft: string, to: string, asked: string): void {
  if (existsSync(to)) throw existing(asked);
  renameSync(draft, to);
  flush(dirname(to));
}

function unfinishedPath(to: string, pid: number): string {
  return join(dirname(to), `${basename(to)}.unfinished-${pid}`);
}

/** What backups of the same name that were killed have left. */
function removeUnfinished(to: string): void {
  const prefix = `${basename(to)}.unfinished-`;
  for (const name of existsSync(dirname(to)) ? readdirSync(dirname(to)) : []) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
    if (Number.isInteger(pid) && !isRunning(pid)) rmSync(unfinishedPath(to, pid), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) !== "ESRCH";
  }
}

function existing(to: string): CommandError {
  return new CommandError("file.exists", `${to} exists, and a backup replaces nothing`, "Name a new directory, for instance with the date in it");
}

/** LMDB gives the system's number, Node its name. */
const fullCodes: ReadonlySet<unknown> = new Set([28, 122, 27, "ENOSPC", "EDQUOT", "EFBIG"]);

export function unwritable(error: unknown, to: string): unknown {
  if (error instanceof CommandError || !(error instanceof Error)) return error;
  const { code } = error as { readonly code?: unknown };
  const isFull = fullCodes.has(code) || /no space left|disk quota|file too large/i.test(error.message);
  if (!isFull && code === undefined && !/permission denied|read-only file system/i.test(error.message)) return error;
  const why = isFull ? "there is no room left" : error.message;
  return new CommandError("file.unwritable", `${to} could not be written: ${why}`, isFull ? "Make room, or choose another disk" : "Choose another place", {
    cause: error,
  });
}
