/**
 * What every driver of {@link DocumentStore} checks and computes alike: names, the bound of a value, and what becomes of
 * a write. Rules S34–S37 of docs/contracts/store.md.
 */
import type { JsonValue } from "@suda/protocol";
import { documentCollections, type DocumentCollection, type DocumentCondition, type DocumentRecord } from "./document-store.ts";

/** UTF-8 bytes of a document's value as JSON. */
export const documentMaxBytes = 65_536;
/** Characters of a document's key. */
export const documentKeyMaxLength = 256;
/** Documents of one page: it holds at most 6.4 MB. */
export const documentPageMax = 100;

/** A document as drivers keep it: text, so that it comes back alike from all of them and nobody else holds a part of it. */
export interface StoredDocument {
  readonly version: number;
  readonly json: string;
}

const keyExpression = /^[\x21-\x7e]{1,256}$/;

/** @throws RangeError: who names documents is a program of ours */
export function checkDocumentKey(collection: DocumentCollection, key: string): void {
  if (!documentCollections.includes(collection)) throw new RangeError(`There is no collection ${JSON.stringify(collection)}.`);
  if (!keyExpression.test(key)) throw new RangeError(`A document's key is 1–${documentKeyMaxLength} printable ASCII characters without space.`);
}

/** @throws RangeError for no JSON object, or one over the bound */
export function encodeDocument(value: { readonly [key: string]: JsonValue }): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new RangeError("A document's value is a JSON object.");
  const json = JSON.stringify(value);
  const bytes = Buffer.byteLength(json);
  if (bytes > documentMaxBytes) throw new RangeError(`A document's value is at most ${documentMaxBytes} bytes as JSON, not ${bytes}.`);
  return json;
}

/** Whether a write may be done to what is there (S34). */
export function meetsCondition(stored: StoredDocument | undefined, { ifVersion }: DocumentCondition): boolean {
  return ifVersion === undefined || ifVersion === (stored?.version ?? 0);
}

export function documentOf(key: string, { version, json }: StoredDocument): DocumentRecord {
  return { key, version, value: JSON.parse(json) as DocumentRecord["value"] };
}

/** @throws RangeError */
export function checkDocumentLimit(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > documentPageMax) throw new RangeError(`limit must be 1–${documentPageMax}, not ${limit}.`);
  return limit;
}
