/**
 * The embedded store: one directory, one process, LMDB (⑥ of the path of a message). Made by `openLmdbStore`.
 *
 * Writes are planned in the order of calls by `writer.ts`, made durable together by `committer.ts`; reads see
 * committed data only, through `reader.ts`. Held by `storeSuite` of @suda/testing and by the tests beside this file.
 */
import { SudaError, type Clock, type Timer } from "@suda/protocol";
import type { ConversationStore, DocumentStore, LogStore, Store, StoreSource, StoreStats, StoreStatus, StoreTarget, UserStore } from "@suda/server/store";
import type { Committer } from "./committer.ts";
import type { Database } from "./database.ts";
import { ownerKey } from "./keys.ts";
import { lmdbDocuments } from "./lmdb-documents.ts";
import { lmdbReads } from "./lmdb-reads.ts";
import { lmdbSource } from "./lmdb-source.ts";
import { lmdbTarget } from "./lmdb-target.ts";
import { beatIntervalMs, type Owner } from "./owner.ts";
import type { PlannedRecords } from "./planned-records.ts";
import type { Reader } from "./reader.ts";
import type { Truncator } from "./truncator.ts";
import type { Writer } from "./writer.ts";

export interface LmdbStoreParts {
  readonly database: Database;
  readonly committer: Committer;
  readonly reader: Reader;
  readonly records: PlannedRecords;
  readonly writer: Writer;
  readonly truncator: Truncator;
  readonly clock: Clock;
  readonly owner: Owner;
}

export class LmdbStore implements Store {
  readonly log: LogStore;
  readonly conversations: ConversationStore;
  readonly users: UserStore;
  readonly documents: DocumentStore;
  readonly source: StoreSource;
  readonly target: StoreTarget;
  readonly #parts: LmdbStoreParts;
  #beat: Timer | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(parts: LmdbStoreParts) {
    this.#parts = parts;
    const { writer, truncator } = parts;
    const reads = lmdbReads(() => this.#reader());
    this.log = {
      ...reads.log,
      append: (conversation, drafts, options) => writer.append(conversation, drafts, options),
      truncate: async (conversation, before) => (this.#reader(), truncator.truncate(conversation, before)),
    };
    this.conversations = {
      ...reads.conversations,
      create: (conversation) => writer.create(conversation),
      advanceRead: async (id, user, seq) => (this.#reader(), writer.advanceRead(id, user, seq)),
      advanceDelivered: async (id, user, seq) => (this.#reader(), writer.advanceDelivered(id, user, seq)),
      updateMember: async (id, user, patch) => (this.#reader(), writer.updateMember(id, user, patch)),
      hideMessage: async (id, user, target) => (this.#reader(), writer.hideMessage(id, user, target)),
    };
    this.users = {
      ...reads.users,
      ensure: async (ids, at) => (this.#reader(), writer.ensureUsers(ids, at)),
      update: (id, patch, at) => writer.updateUser(id, patch, at),
    };
    this.documents = lmdbDocuments(parts.committer, () => this.#reader());
    this.source = lmdbSource(() => this.#reader());
    this.target = lmdbTarget({ committer: parts.committer, open: () => this.#reader(), records: parts.records });
    this.#scheduleBeat();
  }

  status(): StoreStatus {
    return this.#parts.committer.status;
  }

  stats(): StoreStats {
    return this.#parts.committer.stats;
  }

  /** Refuses new writes, waits for the commits under way, gives the directory back. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    const { committer, database } = this.#parts;
    this.#beat?.cancel();
    await committer.close(() => committer.remove(ownerKey));
    this.#isClosed = true;
    await database.close();
  }

  #scheduleBeat(): void {
    const { clock, committer, owner } = this.#parts;
    this.#beat = clock.schedule(beatIntervalMs, () => {
      if (committer.status.state === "ready") {
        committer.put(ownerKey, { ...owner, beat: clock.now() });
        void committer.commit();
      }
      this.#scheduleBeat();
    });
  }

  #reader(): Reader {
    if (this.#isClosed) throw new SudaError("store.failed", "The store is closed.");
    return this.#parts.reader;
  }
}
