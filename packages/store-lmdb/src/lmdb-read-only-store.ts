/**
 * A store that another process may be writing to, for those who only read: backups, exports, checks (S50). LMDB lets a
 * second process read the same file; nothing here writes to it, and every write of the contract is refused.
 */
import { SudaError } from "@suda/protocol";
import type { ConversationStore, DocumentStore, LogStore, Store, StoreSource, StoreStatus, UserStore } from "@suda/server/store";
import type { Database } from "./database.ts";
import { lmdbReads } from "./lmdb-reads.ts";
import { lmdbSource } from "./lmdb-source.ts";
import type { Reader } from "./reader.ts";

export class LmdbReadOnlyStore implements Store {
  readonly log: LogStore;
  readonly conversations: ConversationStore;
  readonly users: UserStore;
  readonly documents: DocumentStore;
  readonly source: StoreSource;
  /** Whether a process held the store for writing when it was opened. */
  readonly isHeld: boolean;
  readonly #database: Database;
  readonly #reader: Reader;
  #isClosed = false;

  constructor({ database, reader, isHeld }: { readonly database: Database; readonly reader: Reader; readonly isHeld: boolean }) {
    this.#database = database;
    this.#reader = reader;
    this.isHeld = isHeld;
    const reads = lmdbReads(() => this.#open());
    this.source = lmdbSource(() => this.#open());
    this.log = { ...reads.log, append: refuse, truncate: refuse };
    this.conversations = {
      ...reads.conversations,
      create: refuse,
      advanceRead: refuse,
      advanceDelivered: refuse,
      updateMember: refuse,
      hideMessage: refuse,
    };
    this.users = { ...reads.users, ensure: refuse, update: refuse };
    this.documents = { ...reads.documents, put: refuse, delete: refuse };
  }

  status(): StoreStatus {
    return this.#isClosed ? { state: "closed" } : { state: "read-only", reason: "it was opened for reading" };
  }

  /**
   * Writes one moment of everything durable to the new file `path`, while others go on writing (S51): the file as one read
   * transaction sees it, free pages and all. LMDB would leave those out if asked, but the copy then failed as soon as much of it
   * was written anew (`mdb_page_alloc error`, lmdb-js 3.5.6). Whole when it resolves, but not flushed to the disk.
   * Throws lmdb-js's errors; the file may then be there in part.
   */
  async copyTo(path: string): Promise<void> {
    this.#open();
    await this.#database.backup(path, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#database.close();
  }

  #open(): Reader {
    if (this.#isClosed) throw new SudaError("store.failed", "The store is closed.");
    return this.#reader;
  }
}

async function refuse(): Promise<never> {
  throw new SudaError("store.read_only", "The store was opened for reading.");
}
