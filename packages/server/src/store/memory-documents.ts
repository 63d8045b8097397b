/** Documents in memory. Each method works before it returns, so calls take effect in the order in which they are made. */
import { checkDocumentKey, checkDocumentLimit, documentOf, encodeDocument, meetsCondition, type StoredDocument } from "./documents.ts";
import { documentCollections, type DocumentCollection, type DocumentStore } from "./document-store.ts";

/** @param checkOpen throws when the store is closed */
export function memoryDocuments(checkOpen: () => void): DocumentStore {
  const collections = new Map(documentCollections.map((name): [DocumentCollection, Map<string, StoredDocument>] => [name, new Map()]));
  const open = (collection: DocumentCollection, key: string): Map<string, StoredDocument> => {
    checkOpen();
    checkDocumentKey(collection, key);
    return collections.get(collection) as Map<string, StoredDocument>;
  };
  return {
    get: async (collection, key) => {
      const stored = open(collection, key).get(key);
      return stored === undefined ? undefined : documentOf(key, stored);
    },
    put: async (collection, key, value, condition = {}) => {
      const documents = open(collection, key);
      const json = encodeDocument(value);
      const stored = documents.get(key);
      const version = stored?.version ?? 0;
      if (!meetsCondition(stored, condition)) return { outcome: "conflict", version };
      documents.set(key, { version: version + 1, json });
      return { outcome: "stored", version: version + 1 };
    },
    delete: async (collection, key, condition = {}) => {
      const documents = open(collection, key);
      const stored = documents.get(key);
      if (!meetsCondition(stored, condition)) return { outcome: "conflict", version: stored?.version ?? 0 };
      return { outcome: documents.delete(key) ? "deleted" : "absent" };
    },
    list: async (collection, after, limit) => {
      const documents = open(collection, after ?? "!");
      const keys = [...documents.keys()].filter((key) => after === undefined || key > after).sort();
      return keys.slice(0, checkDocumentLimit(limit)).flatMap((key) => {
        const stored = documents.get(key);
        return stored === undefined ? [] : documentOf(key, stored);
      });
    },
  };
}
