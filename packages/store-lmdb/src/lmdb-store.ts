/**
 * The embedded store: one directory, one process, LMDB (⑥ of the path of a message). Made by `openLmdbStore`.
 *
 * Writes are planned in the order of calls by `writer.ts`, made durable together by `committer.ts`; reads see
 * committed data only, through `reader.ts`. Held by `storeSuite` of @suda/testing and by the tests beside this file.
 */
import { SudaError, type Clock, type ConversationId, type Timer } from "@suda/protocol";
import type { ConversationRecord, ConversationStore, DocumentStore, LogEntry, LogStore, Store, StoreStatus, UserStore } from "@suda/server/store";
import type { Committer } from "./committer.ts";
import type { Database } from "./database.ts";
import { ownerKey } from "./keys.ts";
import { lmdbDocuments } from "./lmdb-documents.ts";
import { beatIntervalMs, type Owner } from "./owner.ts";
import type { Reader } from "./reader.ts";
import type { TailRecord } from "./records.ts";
import type { Truncator } from "./truncator.ts";
import type { Writer } from "./writer.ts";

export interface LmdbStoreParts {
  readonly database: Database;
  readonly committer: Committer;
  readonly reader: Reader;
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
  readonly #parts: LmdbStoreParts;
  #beat: Timer | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(parts: LmdbStoreParts) {
    this.#parts = parts;
    const { writer, truncator } = parts;
    this.log = {
      append: (conversation, drafts, options) => writer.append(conversation, drafts, options),
      readAfter: async (conversation, after, limit, maxBytes) => this.#readAfter(conversation, after, limit, maxBytes),
      readBefore: async (conversation, before, limit, maxBytes) => this.#readBefore(conversation, before, limit, maxBytes),
      reactedBy: async (conversation, user, seqs) => this.#reader().reactedBy(conversation, user, seqs),
      truncate: async (conversation, before) => (this.#reader(), truncator.truncate(conversation, before)),
    };
    this.conversations = {
      create: (conversation) => writer.create(conversation),
      get: async (id) => this.#reader().conversation(id),
      getMany: async (ids) => this.#getMany(ids),
      list: async (after, limit) => this.#reader().list(after, checkLimit(limit, 1_000)),
      member: async (id, user) => this.#reader().member(id, user),
      members: async (id, after, limit) => this.#reader().members(id, after, checkLimit(limit, 10_000)),
      memberships: async (user) => this.#reader().memberships(user),
      advanceRead: async (id, user, seq) => (this.#reader(), writer.advanceRead(id, user, seq)),
      advanceDelivered: async (id, user, seq) => (this.#reader(), writer.advanceDelivered(id, user, seq)),
      updateMember: async (id, user, patch) => (this.#reader(), writer.updateMember(id, user, patch)),
      hideMessage: async (id, user, target) => (this.#reader(), writer.hideMessage(id, user, target)),
      hiddenBy: async (id, user, seqs) => this.#reader().hiddenBy(id, user, seqs),
      withControl: async (holder, after, limit) => this.#reader().withControl(holder, after, checkLimit(limit, 1_000)),
      withRetention: async (after, limit) => this.#reader().withRetention(after, checkLimit(limit, 1_000)),
    };
    this.users = {
      getMany: async (ids) => ids.flatMap((id) => this.#reader().user(id) ?? []),
      ensure: async (ids, at) => (this.#reader(), writer.ensureUsers(ids, at)),
      update: (id, patch, at) => writer.updateUser(id, patch, at),
    };
    this.documents = lmdbDocuments(parts.committer, () => this.#reader());
    this.#scheduleBeat();
  }

  status(): StoreStatus {
    return this.#parts.committer.status;
  }

  /**
   * Writes a consistent copy of everything durable to the file `path`, while the store goes on. The copy is a
   * whole data file: put it into an empty directory as `suda.mdb` to open it.
   */
  async backup(path: string): Promise<void> {
    this.#reader();
    await this.#parts.database.backup(path, true);
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

  #readAfter(id: ConversationId, after: number, limit: number, maxBytes?: number): readonly LogEntry[] {
    const count = checkLimit(limit, 1_000);
    const reader = this.#reader();
    const [head, floor] = endsOf(reader.tail(id));
    const first = Math.max(after, floor) + 1;
    return reader.entries(id, { first, last: Math.min(head, first + count - 1), maxBytes, isDescending: false });
  }

  #readBefore(id: ConversationId, before: number, limit: number, maxBytes?: number): readonly LogEntry[] {
    const count = checkLimit(limit, 1_000);
    const reader = this.#reader();
    const [head, floor] = endsOf(reader.tail(id));
    const last = Math.min(head, before - 1);
    return reader.entries(id, { first: Math.max(floor + 1, last - count + 1), last, maxBytes, isDescending: true }).reverse();
  }

  #getMany(ids: readonly ConversationId[]): readonly ConversationRecord[] {
    const reader = this.#reader();
    return ids.flatMap((id) => reader.conversation(id) ?? []);
  }
}

/** Seqs of the head and of the floor. */
function endsOf(tail: TailRecord | undefined): readonly [head: number, floor: number] {
  return [tail?.[0] ?? 0, tail?.[6]?.[0] ?? 0];
}

function checkLimit(limit: number, max: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > max) throw new RangeError(`limit must be 1–${max}, not ${limit}.`);
  return limit;
}
