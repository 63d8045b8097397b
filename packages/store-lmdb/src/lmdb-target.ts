/**
 * Records of another store put in place as they are (S56). Each call is one commit, all of it or none; a call that is made
 * again writes the same, so `pass` says nothing that the order of commits does not.
 */
import type { ConversationId } from "@suda/protocol";
import type { ConversationRecord, LogEntry, MovedConversation, StandingReaction, StoreTarget } from "@suda/server/store";
import type { Committer } from "./committer.ts";
import {
  annotationKey,
  annotationsStart,
  baseKey,
  changeKey,
  controlKey,
  creationKey,
  documentKey,
  entryKey,
  hideCountKey,
  hideCountsOf,
  hideKey,
  hidesFrom,
  memberKey,
  membershipKey,
  membersOf,
  reactionKey,
  retentionKey,
  sendKey,
  sendKeysOf,
  tailKey,
  userKey,
} from "./keys.ts";
import { baseOf, tailOf, type PlannedRecords } from "./planned-records.ts";
import type { Reader } from "./reader.ts";
import { encodeEntry, encodeRecord, memberValue, storedKeyValue, type DocumentValue, type MembershipValue } from "./records.ts";

export interface LmdbTargetOptions {
  readonly committer: Committer;
  /** Throws when the store is closed. */
  readonly open: () => Reader;
  readonly records: PlannedRecords;
}

export function lmdbTarget({ committer, open, records }: LmdbTargetOptions): StoreTarget {
  const put = (key: string, value: unknown): void => committer.put(key, encodeRecord(key, value));
  /** In the place of what lies in the range. */
  const replace = (reader: Reader, range: { readonly start: string; readonly end: string }, now: ReadonlyMap<string, unknown>): void => {
    for (const key of reader.keys(range)) if (!now.has(key)) committer.remove(key);
    for (const [key, value] of now) put(key, value);
  };
  const begin = (): Reader => {
    const reader = open();
    committer.checkWritable();
    return reader;
  };
  const end = async (): Promise<void> => {
    await committer.commit();
    records.forget();
  };
  return {
    async putEntries(id, entries, reactions) {
      const reader = begin();
      for (const entry of entries) putEntry(id, entry);
      for (const { seq } of entries) {
        const key = annotationKey(id, seq);
        const marks = reactions.filter(({ target }) => target === seq).map((mark): [string, unknown] => [markKey(id, mark), []]);
        replace(reader, { start: `${key}\0`, end: `${key}\x01` }, new Map(marks));
      }
      await end();
    },
    async putLeftKeys(id, keys) {
      begin();
      for (const { from, clientId, key } of keys) put(sendKey(id, from, clientId), storedKeyValue(key));
      await end();
    },
    async putConversation(conversation) {
      putConversation(begin(), conversation);
      await end();
    },
    async putUser({ id, record, change, memberships }) {
      begin();
      if (record !== undefined) put(userKey(id), record);
      if (change > 0 || memberships.length > 0) put(changeKey(id), [change]);
      for (const { conversation, state, change: moved } of memberships) put(membershipKey(id, conversation), [state, moved] satisfies MembershipValue);
      await end();
    },
    async putCreations(keys) {
      begin();
      for (const { user, clientId, conversation } of keys) put(creationKey(user, clientId), [conversation]);
      await end();
    },
    async putDocument(collection, key, document) {
      begin();
      const at = documentKey(collection, key);
      if (document === undefined) committer.remove(at);
      else put(at, [document.version, JSON.stringify(document.value)] satisfies DocumentValue);
      await end();
    },
  };

  function putEntry(id: ConversationId, entry: LogEntry): void {
    const { seq, from, clientId, annotation } = entry;
    const key = entryKey(id, seq);
    committer.put(key, encodeEntry(key, entry));
    if (clientId !== undefined) put(sendKey(id, from, clientId), seq);
    if (annotation === undefined) committer.remove(annotationKey(id, seq));
    else put(annotationKey(id, seq), annotation);
  }

  function putConversation(reader: Reader, { record, members, hides }: MovedConversation): void {
    const { id, floor } = record;
    putIndices(reader.conversation(id), record);
    put(baseKey(id), baseOf(record));
    put(tailKey(id), tailOf(record));
    replace(reader, { start: membersOf(id), end: entryKey(id, 0) }, new Map(members.map((member) => [memberKey(id, member.user), memberValue(member)])));
    replace(reader, { start: hidesFrom(id, 0), end: hideCountsOf(id) }, new Map(hides.map(({ target, user }) => [hideKey(id, target, user), []])));
    const counts = new Map<string, readonly [number]>();
    for (const { user } of hides) counts.set(hideCountKey(id, user), [(counts.get(hideCountKey(id, user))?.[0] ?? 0) + 1]);
    replace(reader, { start: hideCountsOf(id), end: sendKeysOf(id) }, counts);
    if (floor === undefined) return;
    for (const key of reader.keys({ start: entryKey(id, 0), end: entryKey(id, floor.seq + 1) })) committer.remove(key);
    for (const key of reader.keys({ start: annotationsStart(id), end: annotationKey(id, floor.seq + 1) })) committer.remove(key);
  }

  /** The lists of S33 and S41. */
  function putIndices(before: ConversationRecord | undefined, after: ConversationRecord): void {
    const { id } = after;
    const was = before?.control;
    if (was !== undefined && was.holder !== "bot") committer.remove(controlKey(was.holder, { id, at: was.at }));
    if (after.control !== undefined && after.control.holder !== "bot") put(controlKey(after.control.holder, { id, at: after.control.at }), []);
    if (after.retentionMs === undefined) committer.remove(retentionKey(id));
    else put(retentionKey(id), []);
  }
}

function markKey(id: ConversationId, { target, user, emoji }: StandingReaction): string {
  return reactionKey(id, target, user, emoji);
}
