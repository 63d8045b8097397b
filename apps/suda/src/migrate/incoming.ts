/**
 * That another store is being moved into this one, as a document of it: a server does not start on half of one, and a move
 * that was killed is known again (S57).
 */
import type { DocumentRecord, Store } from "@suda/server/store";
import { CommandError } from "../command-error.ts";

const collection = "moves";
const key = "incoming";

export interface Incoming {
  readonly from: string;
  /** How often the source was gone through, over all attempts. */
  readonly pass: number;
}

export async function readIncoming({ documents }: Store): Promise<(Incoming & { readonly version: number }) | undefined> {
  const document = await documents.get(collection, key);
  return document === undefined ? undefined : { ...incomingOf(document), version: document.version };
}

/** Begins the next pass: its number is durable before anything of it is written. */
export async function beginPass({ documents }: Store, from: string): Promise<number> {
  const document = await documents.get(collection, key);
  const pass = (document === undefined ? 0 : incomingOf(document).pass) + 1;
  const { outcome } = await documents.put(collection, key, { from, pass }, { ifVersion: document?.version ?? 0 });
  if (outcome === "conflict")
    throw new CommandError("data.unusable", "somebody else is moving a store into the same one", "Let one of the two go on, and end the other");
  return pass;
}

export async function endIncoming({ documents }: Store): Promise<void> {
  await documents.delete(collection, key);
}

/** @throws CommandError `data.unusable` when a move into the store is not finished */
export async function checkNotIncoming(store: Store): Promise<void> {
  const incoming = await readIncoming(store);
  if (incoming === undefined) return;
  throw new CommandError(
    "data.unusable",
    `the store of ${incoming.from} is being moved into this one, and that is not finished`,
    "Run the same suda migrate again: it goes on where it was; until then start with the old store",
  );
}

function incomingOf({ value }: DocumentRecord): Incoming {
  const { from, pass } = value;
  if (typeof from !== "string" || typeof pass !== "number") throw new TypeError(`The document ${key} of ${collection} is no note of a move.`);
  return { from, pass };
}
