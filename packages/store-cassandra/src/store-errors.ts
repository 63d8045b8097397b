/** What can be wrong while reading and writing in a cluster, beside what is wrong with any store. */
import { StoreCorruptError, type CorruptPlace } from "@suda/server/store";

/** A replica may have what another one has lost. */
export function corruptError(what: string, place: Omit<CorruptPlace, "advice"> = {}): StoreCorruptError {
  return new StoreCorruptError(what, { ...place, advice: 'Run "nodetool repair" and "suda verify", and restore from a backup what stays damaged.' });
}

/** Nobody knows whether a write happened: the cluster did not say, and could not be asked in time. The same call tells, as for every store. */
export class UnknownOutcomeError extends Error {
  override readonly name = "UnknownOutcomeError";
  readonly code = "store.unknown";

  constructor(cause: unknown) {
    super("Cassandra did not say what became of a write. Try again with the same clientId.", { cause });
  }
}
