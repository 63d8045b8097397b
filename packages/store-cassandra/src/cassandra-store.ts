/**
 * The store of several nodes: Apache Cassandra (⑥ of the path of a message). Made by `openCassandraStore`.
 *
 * How a write is decided: conversation-writer.ts and journal.ts. Held by `storeSuite` of @suda/testing and by the tests
 * beside this file, against a real Cassandra.
 */
import { SudaError, type Clock, type ConversationId } from "@suda/protocol";
import {
  planCreation,
  type ConversationRecord,
  type ConversationStore,
  type DocumentStore,
  type LogStore,
  type NewConversation,
  type Store,
  type StoreStats,
  type StoreStatus,
  type StoreTarget,
  type UserStore,
} from "@suda/server/store";
import type { Client } from "cassandra-driver";
import { cassandraDocuments } from "./cassandra-documents.ts";
import { cassandraTarget } from "./cassandra-target.ts";
import { cassandraUsers } from "./cassandra-users.ts";
import type { Cluster } from "./cluster.ts";
import { ConversationWriter, type Creation, type WriteEvent } from "./conversation-writer.ts";
import { Memberships } from "./memberships.ts";
import { noBytes } from "./planning.ts";
import { Reader, type PageBounds } from "./reader.ts";
import { encodeMember } from "./records.ts";
import { listKey, memberKey, placeOf } from "./row-keys.ts";
import { Settler } from "./settler.ts";
import { appendCall, deliveredCall, hideCall, readCall, settingsCall, truncateCall } from "./store-calls.ts";
import type { Call } from "./write-call.ts";

export interface CassandraStoreParts {
  readonly client: Client;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly makeWriteId: () => string;
  readonly maxPendingCalls: number;
  readonly onEvent: (event: WriteEvent) => void;
}

/** Writers that are kept when nothing is under way: each remembers its conversation's head and members. */
const idleWritersMax = 2_000;

export class CassandraStore implements Store {
  readonly log: LogStore;
  readonly conversations: ConversationStore;
  readonly users: UserStore;
  readonly documents: DocumentStore;
  readonly target: StoreTarget;
  readonly #parts: CassandraStoreParts;
  readonly #settler: Settler;
  /** In the order of their last use, the oldest first. */
  readonly #writers = new Map<ConversationId, ConversationWriter>();
  readonly #underWay = new Set<Promise<unknown>>();
  #state: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;
  #isProbing = false;
  readonly #stats = { commits: 0, calls: 0, commitMs: 0, conflicts: 0, unknown: 0 };

  constructor(parts: CassandraStoreParts) {
    this.#parts = parts;
    const { cluster, makeWriteId, clock } = parts;
    const enter = <T>(work: () => Promise<T>): Promise<T> => this.#enter(work);
    const memberships = new Memberships(cluster);
    this.#settler = new Settler(cluster, memberships);
    const reader = new Reader(cluster, this.#settler);
    const call = <T>(id: ConversationId, made: Call<T>): Promise<T> => enter(() => this.#writer(id).run(made));
    this.log = {
      append: (id, drafts, options = {}) => call(id, appendCall(drafts, options, clock)),
      readAfter: (id, after, limit, maxBytes) => enter(() => reader.entries(id, pageAfter(after, checkLimit(limit, 1_000), maxBytes))),
      readBefore: (id, before, limit, maxBytes) => enter(() => reader.entries(id, pageBefore(before, checkLimit(limit, 1_000), maxBytes))),
      reactedBy: (id, user, seqs) => enter(() => reader.reactedBy(id, user, seqs)),
      truncate: (id, before) => enter(() => this.#truncate(id, before)),
    };
    this.conversations = {
      create: (conversation) => enter(() => this.#create(conversation)),
      get: (id) => enter(() => reader.conversation(id)),
      getMany: (ids) => enter(() => reader.conversations(ids)),
      list: (after, limit) => enter(() => reader.list("all", after, checkLimit(limit, 1_000))),
      member: (id, user) => enter(async () => (await reader.withMember(id, user))?.member),
      getWithMember: (id, user) => enter(() => reader.withMember(id, user)),
      members: (id, after, limit) => enter(() => reader.members(id, after, checkLimit(limit, 10_000))),
      memberships: (user) => enter(() => memberships.of(user)),
      membership: (user, id) => enter(() => memberships.in(user, id)),
      change: (user) => enter(() => memberships.changeOf(user)),
      advanceRead: (id, user, seq) => call(id, readCall(user, seq)),
      advanceDelivered: (id, user, seq) => call(id, deliveredCall(user, seq)),
      updateMember: (id, user, patch) => call(id, settingsCall(user, patch)),
      hideMessage: (id, user, target) => call(id, hideCall(user, target)),
      hiddenBy: (id, user, seqs) => enter(() => reader.hiddenBy(id, user, seqs)),
      withRetention: (after, limit) => enter(() => reader.list("retention", after, checkLimit(limit, 1_000))),
      withControl: (holder, after, limit) => enter(() => reader.withControl(holder, after, checkLimit(limit, 1_000))),
    };
    this.users = cassandraUsers(cluster, enter);
    this.documents = cassandraDocuments(cluster, { makeWriteId, enter });
    this.target = cassandraTarget({ cluster, memberships, makeWriteId, enter });
  }

  /**
   * What Cassandra does not answer is refused call by call, and resumes by itself. A node that is `unreachable` may have no calls any more
   * that would show that Cassandra is back, so whoever asks how it stands begins one.
   */
  status(): StoreStatus {
    if (this.#state !== "open") return { state: "closed" };
    const reason = this.trouble;
    if (reason === undefined) return { state: "ready" };
    void this.#probe();
    return { state: "unreachable", reason };
  }

  stats(): StoreStats {
    return { ...this.#stats };
  }

  /** Why Cassandra does not answer, when it has not for a while. */
  get trouble(): string | undefined {
    return this.#parts.cluster.trouble;
  }

  /** Refuses new calls, waits for those under way, closes the connections. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** One read at a time, which never rejects. When it is answered, there is no trouble any more; until then it is known already. */
  async #probe(): Promise<void> {
    if (this.#isProbing) return;
    this.#isProbing = true;
    await this.#enter(() => this.#parts.cluster.rows("SELECT name FROM suda_schema", [])).catch(() => {});
    this.#isProbing = false;
  }

  async #close(): Promise<void> {
    this.#state = "closing";
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    for (const writer of this.#writers.values()) await writer.idle();
    this.#state = "closed";
    await this.#parts.client.shutdown();
  }

  async #enter<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state !== "open") throw new SudaError("store.failed", "The store is closed.");
    if (this.#underWay.size >= this.#parts.maxPendingCalls) throw new SudaError("server.busy", undefined, { retryAfterMs: 1_000 });
    const call = work();
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  #writer(id: ConversationId): ConversationWriter {
    const { cluster, makeWriteId } = this.#parts;
    const onWrite = (event: WriteEvent): void => this.#count(event);
    const writer = this.#writers.get(id) ?? new ConversationWriter(id, { cluster, settler: this.#settler, makeWriteId, onWrite });
    this.#writers.delete(id);
    this.#writers.set(id, writer);
    if (this.#writers.size > idleWritersMax)
      for (const [other, { isIdle }] of this.#writers) {
        // Two writers of one conversation in one process would lose the order of calls.
        if (isIdle && other !== id) this.#writers.delete(other);
        if (this.#writers.size <= idleWritersMax) break;
      }
    return writer;
  }

  #count(event: WriteEvent): void {
    this.#stats.commits++;
    this.#stats.calls += event.calls;
    this.#stats.commitMs += event.durationMs;
    this.#stats.conflicts += event.conflicts;
    this.#stats.unknown += event.unknown;
    this.#parts.onEvent(event);
  }

  async #truncate(id: ConversationId, before: number): Promise<{ readonly removed: number; readonly from: number }> {
    const last = Math.min(Number.isNaN(before) ? 0 : Math.ceil(before) - 1, Number.MAX_SAFE_INTEGER);
    let removed = 0;
    for (;;) {
      const batch = await this.#writer(id).run(truncateCall(last));
      removed += batch.removed;
      if (batch.removed === 0) return { removed, from: batch.from };
    }
  }

  /** The key is claimed first, and what it names is what is created: of two creations with one key both make the same conversation (S11). */
  async #create({ key, ...creation }: NewConversation): Promise<{ outcome: "created" | "existing"; conversation: ConversationRecord }> {
    const { id } = creation;
    const made = await this.#writer(id).create(async (): Promise<Creation | ConversationId> => {
      const planned = creationOf(creation);
      if (key !== undefined) {
        const claimed = await this.#claim(key.user, key.clientId, id);
        if (claimed !== id) return claimed;
      }
      return planned;
    });
    // Another creation has the key. Should it have died before it created anything, this one does it in its place.
    if (typeof made === "string") return this.#create({ ...creation, id: made });
    if ("existing" in made) return { outcome: "existing", conversation: made.existing };
    return { outcome: "created", conversation: made };
  }

  async #claim(user: string, clientId: string, id: ConversationId): Promise<ConversationId> {
    const { cluster } = this.#parts;
    const done = await cluster.compareAndSet([
      { cql: "INSERT INTO creations (user, client_id, conversation) VALUES (?, ?, ?) IF NOT EXISTS", values: [user, clientId, id] },
    ]);
    if (done.outcome === "applied") return id;
    const row = await cluster.row("SELECT conversation FROM creations WHERE user = ? AND client_id = ?", [user, clientId], { isSerial: true });
    // It was not answered and did not happen: once more.
    if (row === undefined) return this.#claim(user, clientId, id);
    return row["conversation"] as ConversationId;
  }
}

/** @throws RangeError, as `planCreation` */
function creationOf(creation: NewConversation): Creation {
  const { conversation: record, members } = planCreation(creation);
  const { id } = record;
  const rows = new Map<string, Buffer | null>([[listKey("all", id), noBytes]]);
  if (record.retentionMs !== undefined) rows.set(listKey("retention", id), noBytes);
  for (const [user, member] of members) {
    const key = memberKey(user);
    rows.set(key, encodeMember(placeOf(id, key), member));
  }
  const moves = [...members.keys()].map((user) => ({ user, state: "joined", count: 1, isMembership: true }) as const);
  return { record, journal: { rows, moves, sweep: undefined } };
}

function pageAfter(after: number, limit: number, maxBytes: number | undefined): (head: number, floor: number) => PageBounds {
  return (head, floor) => {
    const first = Math.max(after, floor) + 1;
    return { first, last: Math.min(head, first + limit - 1), maxBytes, isDescending: false };
  };
}

function pageBefore(before: number, limit: number, maxBytes: number | undefined): (head: number, floor: number) => PageBounds {
  return (head, floor) => {
    const last = Math.min(head, before - 1);
    return { first: Math.max(floor + 1, last - limit + 1), last, maxBytes, isDescending: true };
  };
}

function checkLimit(limit: number, max: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > max) throw new RangeError(`limit must be 1–${max}, not ${limit}.`);
  return limit;
}
