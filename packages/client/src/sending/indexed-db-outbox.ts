/**
 * An outbox in a browser's IndexedDB: it survives a reload, a closed tab and a crash of the browser.
 * Durability is asked for as `strict`, because a message that the user saw as sent must not vanish with a
 * power failure (the default of browsers does not wait for the disk).
 */
import type { ClientId } from "@suda/protocol";
import type { Outbox, OutboxEntry } from "./outbox.ts";

/** As much of IndexedDB as is used here, so that no program needs the types of browsers. */
export interface IndexedDbFactory {
  open(name: string, version: number): Request<Database>;
}
interface EventSource {
  addEventListener(type: string, listener: (event: never) => void): void;
}
interface Request<Result = unknown> extends EventSource {
  readonly result: Result;
  readonly error: unknown;
}
interface Database {
  createObjectStore(
    name: string,
    options: { readonly keyPath: string; readonly autoIncrement: boolean },
  ): { createIndex(name: string, keyPath: string, options: { readonly unique: boolean }): unknown };
  transaction(store: string, mode: "readonly" | "readwrite", options?: { readonly durability: "strict" }): Transaction;
}
interface Transaction extends EventSource {
  readonly error: unknown;
  objectStore(name: string): ObjectStore;
}
interface ObjectStore {
  getAll(): Request<readonly Row[]>;
  put(row: Row): Request;
  delete(place: number): Request;
  index(name: string): { get(clientId: string): Request<Row | undefined> };
}
interface Row {
  /** Given by the database: the order of first puts. */
  readonly place?: number;
  readonly clientId: ClientId;
  readonly entry: OutboxEntry;
}

const storeName = "messages";

/**
 * @param user whose messages they are: each user of a browser has an outbox of their own
 * @param factory default: the global `indexedDB`
 * @throws TypeError without IndexedDB; the database's error when it cannot be opened
 */
export async function openIndexedDbOutbox(user: string, factory?: IndexedDbFactory): Promise<Outbox> {
  const indexedDb = factory ?? (globalThis as { readonly indexedDB?: IndexedDbFactory }).indexedDB;
  if (indexedDb === undefined) throw new TypeError("There is no IndexedDB here. In Node, use openFileOutbox of @suda/client/node.");
  const request = indexedDb.open(`suda-outbox:${user}`, 1);
  request.addEventListener("upgradeneeded", () => {
    request.result.createObjectStore(storeName, { keyPath: "place", autoIncrement: true }).createIndex("clientId", "clientId", { unique: true });
  });
  return new IndexedDbOutbox(await resultOf(request));
}

class IndexedDbOutbox implements Outbox {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async load(): Promise<readonly OutboxEntry[]> {
    const rows = await resultOf(this.#database.transaction(storeName, "readonly").objectStore(storeName).getAll());
    return rows.map(({ entry }) => entry);
  }

  async put(entry: OutboxEntry): Promise<void> {
    await this.#change(entry.clientId, (store, place) => {
      store.put({ clientId: entry.clientId, entry, ...(place === undefined ? {} : { place }) });
    });
  }

  async remove(clientId: ClientId): Promise<void> {
    await this.#change(clientId, (store, place) => {
      if (place !== undefined) store.delete(place);
    });
  }

  /** In one transaction; transactions that write take their turns in the order in which they were made. */
  #change(clientId: ClientId, change: (store: ObjectStore, place: number | undefined) => void): Promise<void> {
    const transaction = this.#database.transaction(storeName, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(storeName);
    const found = store.index("clientId").get(clientId);
    found.addEventListener("success", () => change(store, found.result?.place));
    return new Promise((resolve, reject) => {
      transaction.addEventListener("complete", () => resolve());
      transaction.addEventListener("abort", () => reject(asError(transaction.error)));
    });
  }
}

function resultOf<Result>(request: Request<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(asError(request.error)));
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error("IndexedDB failed.", { cause: error });
}
