/**
 * Documents in LMDB (S34–S37). Like the writer of logs it plans before its first await against what is under way, so that
 * of two that compare and set one wins; and an answer that leans on a write under way is given when that one is durable.
 */
import type { DocumentCollection, DocumentRecord, DocumentStore, StoredDocument } from "@suda/server/store";
import { checkDocumentKey, checkDocumentLimit, documentOf, encodeDocument, meetsCondition } from "@suda/server/store";
import { notPlanned, type Committer } from "./committer.ts";
import { documentKey, documentsEnd } from "./keys.ts";
import type { Reader } from "./reader.ts";
import { decodeRecord, encodeRecord, type DocumentValue } from "./records.ts";

/** @param openReader throws when the store is closed */
export function lmdbDocuments(committer: Committer, openReader: () => Reader): DocumentStore {
  const planned = (at: string): StoredDocument | undefined => {
    const bytes = committer.planned(at);
    const value = bytes === notPlanned ? openReader().record(at) : bytes === undefined ? undefined : decodeRecord(at, bytes as Buffer);
    return value === undefined ? undefined : storedOf(value as DocumentValue);
  };
  return {
    ...documentReads(openReader),

    async put(collection, key, value, condition = {}) {
      checkDocumentKey(collection, key);
      const json = encodeDocument(value);
      const at = documentKey(collection, key);
      const stored = planned(at);
      const version = stored?.version ?? 0;
      if (!meetsCondition(stored, condition)) {
        await committer.settled(at);
        return { outcome: "conflict", version };
      }
      committer.checkWritable();
      committer.put(at, encodeRecord(at, [version + 1, json] satisfies DocumentValue));
      await committer.commit();
      return { outcome: "stored", version: version + 1 };
    },

    async delete(collection, key, condition = {}) {
      checkDocumentKey(collection, key);
      const at = documentKey(collection, key);
      const stored = planned(at);
      if (stored === undefined || !meetsCondition(stored, condition)) {
        await committer.settled(at);
        return meetsCondition(stored, condition) ? { outcome: "absent" } : { outcome: "conflict", version: stored?.version ?? 0 };
      }
      committer.checkWritable();
      committer.remove(at);
      await committer.commit();
      return { outcome: "deleted" };
    },
  };
}

/** What is durable. @param openReader throws when the store is closed */
export function documentReads(openReader: () => Reader): Pick<DocumentStore, "get" | "list"> {
  return {
    async get(collection, key) {
      checkDocumentKey(collection, key);
      const value = openReader().record(documentKey(collection, key)) as DocumentValue | undefined;
      return value === undefined ? undefined : documentOf(key, storedOf(value));
    },
    list: async (collection, after, limit) => listed(openReader(), collection, after, checkDocumentLimit(limit)),
  };
}

function listed(reader: Reader, collection: DocumentCollection, after: string | undefined, limit: number): readonly DocumentRecord[] {
  checkDocumentKey(collection, after ?? "!");
  const prefix = documentKey(collection, "");
  const start = after === undefined ? prefix : `${prefix}${after}\0`;
  return reader
    .records({ start, end: documentsEnd(collection), limit })
    .map(([at, value]) => documentOf(at.slice(prefix.length), storedOf(value as DocumentValue)));
}

function storedOf([version, json]: DocumentValue): StoredDocument {
  return { version, json };
}
