/** What can be wrong with the cluster: at the start ({@link StoreOpenError}), while reading ({@link StoreCorruptError}) and while writing ({@link UnknownOutcomeError}). */
import type { ConversationId } from "@suda/protocol";

/** Why a store did not open. Codes are for programs and never change. */
export type StoreOpenCode = "unreachable" | "refused" | "not_initialised" | "older_version" | "newer_version" | "invalid";

/** A store did not open; nothing was changed. The message says what to do. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
  readonly code: StoreOpenCode;

  constructor(code: StoreOpenCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A record is missing or its checksum is wrong: it is not served (S17). */
export class StoreCorruptError extends Error {
  override readonly name = "StoreCorruptError";
  readonly code = "store.corrupt";
  readonly conversation: ConversationId | undefined;
  readonly seq: number | undefined;

  constructor(what: string, place: { readonly conversation?: ConversationId; readonly seq?: number; readonly cause?: unknown } = {}) {
    const where = place.conversation === undefined ? "" : ` of conversation ${place.conversation}${place.seq === undefined ? "" : `, seq ${place.seq}`}`;
    super(
      `The store is damaged: ${what}${where}. Run "nodetool repair" and "suda verify", and restore from a backup what stays damaged.`,
      place.cause === undefined ? undefined : { cause: place.cause },
    );
    this.conversation = place.conversation;
    this.seq = place.seq;
  }
}

/** Nobody knows whether a write happened: the cluster did not say, and could not be asked in time. The same call tells, as for every store. */
export class UnknownOutcomeError extends Error {
  override readonly name = "UnknownOutcomeError";
  readonly code = "store.unknown";

  constructor(cause: unknown) {
    super("Cassandra did not say what became of a write. Try again with the same clientId.", { cause });
  }
}
