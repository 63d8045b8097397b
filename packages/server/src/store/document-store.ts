/**
 * The part of the store's contract that is not about chat: small documents of bots, webhooks and hooks. Rules S34–S37 of
 * docs/contracts/store.md, held by `storeSuite` of @suda/testing for every driver.
 */
import type { JsonValue } from "@suda/protocol";

/**
 * What a document can be one of: records of bots, their templates, what webhooks and hooks have yet to do, kinds of custom
 * content, and of a store that another one is being moved into how far that is.
 */
export const documentCollections = ["bots", "templates", "deliveries", "dead-letters", "hook-cursors", "custom-kinds", "moves"] as const;
export type DocumentCollection = (typeof documentCollections)[number];

export interface DocumentRecord {
  readonly key: string;
  /** 1, 2, 3…: how often it was put since it was last absent. */
  readonly version: number;
  readonly value: { readonly [key: string]: JsonValue };
}

export interface DocumentCondition {
  /** Only if the document has this version; 0: only if there is none. */
  readonly ifVersion?: number;
}

/**
 * Small durable documents beside the logs: one is read and written as a whole, and compare-and-set is all that there is
 * between several writers (S34–S37). A key is 1–256 printable ASCII characters without space; a value is a JSON object of at
 * most 64 KiB. Other keys, values and limits are a RangeError: who names documents is a program of ours, which checks
 * before it what users gave.
 */
export interface DocumentStore {
  get(collection: DocumentCollection, key: string): Promise<DocumentRecord | undefined>;
  /**
   * Durable when it resolves. With `ifVersion` only if that is the version; else nothing is written, and `version` tells
   * the one there is, 0 for none.
   * @throws SudaError store.read_only, server.busy, store.failed, as `LogStore.append`
   */
  put(
    collection: DocumentCollection,
    key: string,
    value: { readonly [key: string]: JsonValue },
    condition?: DocumentCondition,
  ): Promise<{ readonly outcome: "stored" | "conflict"; readonly version: number }>;
  /** Durable when it resolves. What is put afterwards begins at version 1 again. */
  delete(
    collection: DocumentCollection,
    key: string,
    condition?: DocumentCondition,
  ): Promise<{ readonly outcome: "deleted" | "absent" } | { readonly outcome: "conflict"; readonly version: number }>;
  /** Ascending by key, byte by byte, after `after`. `limit` 1–100; a shorter page is the last. */
  list(collection: DocumentCollection, after: string | undefined, limit: number): Promise<readonly DocumentRecord[]>;
}
