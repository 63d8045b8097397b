/**
 * `suda restore FROM --data DIR`: a data directory from a backup. Everything happens in `DIR/restoring`, where no server
 * looks: copy, compare with the manifest, renew the numbering, check record by record. The store gets its name last and at
 * once, so a restore that was killed has restored nothing and can be begun again (S53).
 */
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "@suda/protocol";
import { StoreCorruptError, verifyStore, type Finding } from "@suda/server/store";
import { dataFileName, renewNumbering } from "@suda/store-lmdb";
import { CommandError, systemErrorCode } from "../command-error.ts";
import { createDataDirectory, tokenKeyPath } from "../data-directory/token-key.ts";
import { openStoreForReading } from "../server/open-store.ts";
import { flush } from "./flush.ts";
import { digestHeads } from "./heads-digest.ts";
import { hashFile, readManifest, type Manifest } from "./manifest.ts";
import { unwritable } from "./write-backup.ts";

export interface RestoreOptions {
  readonly from: string;
  readonly data: string;
  /** The operator says that nothing was written after the backup. */
  readonly isUnchanged: boolean;
  readonly random: Random;
  readonly onFinding: (finding: Finding) => void;
}

const workName = "restoring";
/** What may lie in a directory that is restored to: the key that an operator keeps elsewhere, and what file systems put there. */
const harmless: ReadonlySet<string> = new Set(["token-key", "lost+found", workName]);

/** @throws CommandError `backup.invalid`, `backup.damaged`, `file.exists`, `file.unwritable`, `usage`; then DIR holds no store */
export async function restoreBackup(options: RestoreOptions): Promise<Manifest> {
  const { from, data } = options;
  const manifest = readManifest(from);
  if (options.isUnchanged && manifest.source === "running")
    throw new CommandError(
      "usage",
      "--unchanged cannot be true: the backup was taken while a server was writing",
      "Leave it out: clients then read their conversations again. Or stop the server, and take a backup of the stopped store",
    );
  checkEmpty(data);
  createDataDirectory(data);
  const work = join(data, workName);
  try {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { mode: 0o700 });
    const store = join(work, dataFileName);
    await copyStore(from, manifest, store);
    if (!options.isUnchanged) await renew(work, options.random);
    await check(work, manifest, options);
    flush(store);
    if (manifest.hasTokenKey) restoreTokenKey(from, data);
    name(store, data);
    return manifest;
  } catch (error) {
    throw unwritable(error, data);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function checkEmpty(data: string): void {
  const found = existsSync(data) && statSync(data).isDirectory() ? readdirSync(data).filter((name) => !harmless.has(name)) : [];
  if (found.length > 0)
    throw new CommandError(
      "file.exists",
      `${data} is not empty (${found.slice(0, 3).join(", ")}${found.length > 3 ? "…" : ""})`,
      "Restore to a new directory with --data DIR; move the old one away and keep it until that has worked",
    );
}

async function copyStore(from: string, { store }: Manifest, target: string): Promise<void> {
  const source = join(from, store.file);
  try {
    copyFileSync(source, target);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw damaged(`${source} is missing`);
  }
  chmodSync(target, 0o600);
  if (statSync(target).size !== store.bytes || (await hashFile(target)) !== store.sha256) throw damaged(`${source} is not what its manifest says`);
}

async function renew(work: string, random: Random): Promise<void> {
  try {
    await renewNumbering(work, Buffer.from(random.bytes(8)).toString("hex"));
  } catch (error) {
    if (error instanceof StoreCorruptError) throw damaged(error.message.replace(/\. Run .*$/s, ""));
    throw error;
  }
}

async function check(work: string, manifest: Manifest, { onFinding }: RestoreOptions): Promise<void> {
  await using copy = await openStoreForReading(work);
  const { findings } = await verifyStore(copy, onFinding);
  if (findings > 0) throw damaged(`it has ${findings} findings`);
  if ((await digestHeads(copy)) !== manifest.heads) throw damaged("its conversations do not end where its manifest says");
}

function damaged(what: string): CommandError {
  return new CommandError("backup.damaged", `the backup is damaged: ${what}`, "Use another backup; nothing was restored");
}

function restoreTokenKey(from: string, data: string): void {
  const target = tokenKeyPath(data);
  if (existsSync(target) && readFileSync(target).equals(readFileSync(tokenKeyPath(from)))) return;
  if (existsSync(target))
    throw new CommandError("file.exists", `${target} is there already, and the backup holds one too`, "Remove the one that is not wanted");
  copyFileSync(tokenKeyPath(from), target);
  chmodSync(target, 0o600);
  flush(target);
}

/** Fails when a server has made a store here meanwhile. */
function name(store: string, data: string): void {
  try {
    linkSync(store, join(data, dataFileName));
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
    throw new CommandError(
      "file.exists",
      `a store came into being in ${data} meanwhile`,
      "Keep servers from starting there, empty the directory, and begin again",
      {
        cause: error,
      },
    );
  }
  flush(data);
}
