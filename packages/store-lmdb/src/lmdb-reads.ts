/**
 * The reading half of the contract over LMDB: what is committed, checked record by record (S5, S17). The store that writes
 * and the one that only reads answer with the same.
 */
import type { ConversationId } from "@suda/protocol";
import type { ConversationRecord, ConversationStore, DocumentStore, LogEntry, LogStore, UserStore } from "@suda/server/store";
import { documentReads } from "./lmdb-documents.ts";
import type { Reader } from "./reader.ts";
import type { TailRecord } from "./records.ts";

export interface LmdbReads {
  readonly log: Pick<LogStore, "readAfter" | "readBefore" | "reactedBy">;
  readonly conversations: Pick<
    ConversationStore,
    "get" | "getMany" | "list" | "member" | "getWithMember" | "members" | "memberships" | "membership" | "change" | "hiddenBy" | "withControl" | "withRetention"
  >;
  readonly users: Pick<UserStore, "getMany">;
  readonly documents: Pick<DocumentStore, "get" | "list">;
}

/** @param open throws when the store is closed */
export function lmdbReads(open: () => Reader): LmdbReads {
  return {
    log: {
      readAfter: async (conversation, after, limit, maxBytes) => readAfter(open(), conversation, { at: after, count: checkLimit(limit, 1_000), maxBytes }),
      readBefore: async (conversation, before, limit, maxBytes) => readBefore(open(), conversation, { at: before, count: checkLimit(limit, 1_000), maxBytes }),
      reactedBy: async (conversation, user, seqs) => open().reactedBy(conversation, user, seqs),
    },
    conversations: {
      get: async (id) => open().conversation(id),
      getMany: async (ids) => getMany(open(), ids),
      list: async (after, limit) => open().list(after, checkLimit(limit, 1_000)),
      member: async (id, user) => open().member(id, user),
      getWithMember: async (id, user) => {
        const reader = open();
        const conversation = reader.conversation(id);
        return conversation && { conversation, member: reader.member(id, user) };
      },
      members: async (id, after, limit) => open().members(id, after, checkLimit(limit, 10_000)),
      memberships: async (user) => open().memberships(user),
      membership: async (user, id) => open().membership(user, id),
      change: async (user) => open().change(user),
      hiddenBy: async (id, user, seqs) => open().hiddenBy(id, user, seqs),
      withControl: async (holder, after, limit) => open().withControl(holder, after, checkLimit(limit, 1_000)),
      withRetention: async (after, limit) => open().withRetention(after, checkLimit(limit, 1_000)),
    },
    users: { getMany: async (ids) => ids.flatMap((id) => open().user(id) ?? []) },
    documents: documentReads(open),
  };
}

interface PageRequest {
  readonly at: number;
  readonly count: number;
  readonly maxBytes: number | undefined;
}

function readAfter(reader: Reader, id: ConversationId, { at, count, maxBytes }: PageRequest): readonly LogEntry[] {
  const [head, floor] = endsOf(reader.tail(id));
  const first = Math.max(at, floor) + 1;
  return reader.entries(id, { first, last: Math.min(head, first + count - 1), maxBytes, isDescending: false });
}

function readBefore(reader: Reader, id: ConversationId, { at, count, maxBytes }: PageRequest): readonly LogEntry[] {
  const [head, floor] = endsOf(reader.tail(id));
  const last = Math.min(head, at - 1);
  return reader.entries(id, { first: Math.max(floor + 1, last - count + 1), last, maxBytes, isDescending: true }).reverse();
}

function getMany(reader: Reader, ids: readonly ConversationId[]): readonly ConversationRecord[] {
  return ids.flatMap((id) => reader.conversation(id) ?? []);
}

/** Seqs of the head and of the floor. */
function endsOf(tail: TailRecord | undefined): readonly [head: number, floor: number] {
  return [tail?.[0] ?? 0, tail?.[6]?.[0] ?? 0];
}

function checkLimit(limit: number, max: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > max) throw new RangeError(`limit must be 1–${max}, not ${limit}.`);
  return limit;
}
