/**
 * Looks at the data file before LMDB maps it: a mapped file that is shorter than its pages say kills the
 * process by SIGBUS (40 of 40 trials, DESIGN §8), with no error to catch. Read with plain reads, nothing is written.
 *
 * Layout: `MDB_page_header`, `MDB_meta`, `MDB_db`, `MDB_node` of lmdb-js's liblmdb (mdb.c), 64-bit, little-endian.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { StoreOpenError } from "@suda/server/store";

/** The data file's name in its directory. */
export const dataFileName = "suda.mdb";

const pageHeaderBytes = 24;
const magic = 0xbeefc0de;
const dataVersion = 2;
const noPage = 0xffff_ffff_ffff_ffffn;
const pageBranch = 1;
const pageLeaf = 2;
const nodeBigData = 1;
/** Commits that come between, in a row. */
const maxTries = 20;

interface Meta {
  readonly pageBytes: number;
  readonly roots: readonly bigint[];
  readonly lastPage: number;
  readonly transaction: bigint;
}

/**
 * Checks that the file at `path`, if it exists, is LMDB's and has all pages that its newest commit uses.
 * @throws StoreOpenError `not_a_store`, `truncated`, `corrupt`
 */
export function checkDataFile(path: string, directory: string): void {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  try {
    // Another process may be committing: what was judged while it did is judged again.
    for (let tries = 1; ; tries++) {
      const meta = readMeta(file, { size: fstatSync(file).size, path, directory });
      // Asked for after the meta page was read: a commit writes its pages first, and then the meta page that names them.
      const { size } = fstatSync(file);
      const needed = (meta.lastPage + 1) * meta.pageBytes;
      // A file may be shorter than its last page when the pages at its end are free (mdb.c, mm_last_pg): rare, so only then all are walked.
      if (size >= needed || usesOnlyPagesWithin(file, meta, size)) return;
      if (tries < maxTries && readMeta(file, { size, path, directory }).transaction !== meta.transaction) continue;
      const message = `The data file ${path} is cut off: at least ${needed - size} bytes are missing at its end. Restore it from a backup.`;
      throw new StoreOpenError("truncated", message, { directory });
    }
  } finally {
    closeSync(file);
  }
}

function readMeta(file: number, { size, path, directory }: { size: number; path: string; directory: string }): Meta {
  if (size === 0) {
    const message = `The data file ${path} is empty. If this store was never used, delete the file and start again; otherwise restore it from a backup.`;
    throw new StoreOpenError("truncated", message, { directory });
  }
  const first = parseMeta(readAt(file, 0, 512));
  if (first === undefined) {
    const message = `${path} is not a data file of Suda (LMDB, version ${dataVersion}), or its first page is damaged. Choose another directory, or restore it from a backup.`;
    throw new StoreOpenError("not_a_store", message, { directory });
  }
  const second = parseMeta(readAt(file, first.pageBytes, 512));
  if (second === undefined)
    throw new StoreOpenError(
      size < 2 * first.pageBytes ? "truncated" : "corrupt",
      `The second page of ${path} is missing or damaged. Restore it from a backup.`,
      { directory },
    );
  return second.transaction > first.transaction ? second : first;
}

function parseMeta(bytes: Buffer): Meta | undefined {
  const at = pageHeaderBytes;
  if (bytes.length < at + 136 || bytes.readUInt32LE(at) !== magic || bytes.readUInt32LE(at + 4) !== dataVersion) return undefined;
  const pageBytes = bytes.readUInt32LE(at + 24);
  if (pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0) return undefined;
  return {
    pageBytes,
    roots: [bytes.readBigUInt64LE(at + 24 + 40), bytes.readBigUInt64LE(at + 72 + 40)],
    lastPage: Number(bytes.readBigUInt64LE(at + 120)),
    transaction: bytes.readBigUInt64LE(at + 128),
  };
}

/** Whether every page that the newest commit can reach lies within `size` bytes. Reads the whole tree. */
function usesOnlyPagesWithin(file: number, meta: Meta, size: number): boolean {
  const { pageBytes } = meta;
  const pageCount = Math.floor(size / pageBytes);
  const open = meta.roots.filter((root) => root !== noPage).map(Number);
  let visited = 0;
  for (let page = open.pop(); page !== undefined; page = open.pop()) {
    // More pages than there are: a loop in a damaged tree.
    if (page >= pageCount || ++visited > pageCount) return false;
    const bytes = readAt(file, page * pageBytes, pageBytes);
    const flags = bytes.readUInt16LE(18);
    const nodeCount = bytes.readUInt16LE(20) >> 1;
    for (let index = 0; index < nodeCount; index++) {
      const node = pageHeaderBytes + bytes.readUInt16LE(pageHeaderBytes + 2 * index);
      if (node + 8 > pageBytes) return false;
      const low = bytes.readUInt32LE(node);
      const nodeFlags = bytes.readUInt16LE(node + 4);
      if ((flags & pageBranch) !== 0) {
        open.push(low + nodeFlags * 2 ** 32);
      } else if ((flags & pageLeaf) !== 0 && (nodeFlags & nodeBigData) !== 0) {
        const overflow = Number(bytes.readBigUInt64LE(node + 8 + bytes.readUInt16LE(node + 6)));
        const pages = Math.ceil((low + pageHeaderBytes) / pageBytes);
        if (overflow + pages > pageCount) return false;
      }
    }
  }
  return true;
}

function readAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, position));
}
