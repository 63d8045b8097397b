/** Errors of the system and of LMDB as {@link StoreOpenError}s that say what to do (S22). */
import { StoreCorruptError, StoreOpenError } from "@suda/server/store";

/** Of the system (`EACCES`…) as word or number, of LMDB as negative number. */
const notWritableCodes: ReadonlySet<unknown> = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC", "EDQUOT", 1, 13, 20, 28, 30, 122]);
/** MDB_INVALID, MDB_VERSION_MISMATCH; MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_PANIC, MDB_BAD_TXN. */
const notAStoreCodes: ReadonlySet<unknown> = new Set([-30_793, -30_794]);
const corruptCodes: ReadonlySet<unknown> = new Set([-30_796, -30_797, -30_795, -30_782]);

/** What the system or LMDB threw, in words for whoever opens a store; what neither knows comes back as it is. */
export function asOpenError(error: unknown, path: string, directory: string): unknown {
  if (error instanceof StoreOpenError) return error;
  const { code, message } = error as { code?: unknown; message?: string };
  const options = { directory, cause: error };
  if (error instanceof StoreCorruptError) return new StoreOpenError("corrupt", `${path}: ${error.message}`, options);
  if (notWritableCodes.has(code)) {
    return new StoreOpenError(
      "not_writable",
      `${directory} cannot be written (${message}). Give this process's user a directory of its own with room on a local disk.`,
      options,
    );
  }
  if (notAStoreCodes.has(code)) return new StoreOpenError("not_a_store", `${path} is not a data file of Suda (${message}). Choose another directory.`, options);
  if (corruptCodes.has(code)) return new StoreOpenError("corrupt", `${path} is damaged (${message}). Restore it from a backup.`, options);
  return error;
}
