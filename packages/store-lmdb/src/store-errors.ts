/** What can be wrong with the files: at the start ({@link StoreOpenError}) and while reading ({@link StoreCorruptError}). */
import type { ConversationId } from "@suda/protocol";

/** Why a store did not open. Codes are for programs and never change. */
export type StoreOpenCode = "in_use" | "not_writable" | "newer_version" | "older_version" | "truncated" | "corrupt" | "not_a_store" | "moved";

/** A store did not open; nothing was changed. The message says what to do. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
  readonly code: StoreOpenCode;
  readonly directory: string;

  constructor(code: StoreOpenCode, message: string, options: { readonly directory: string; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.directory = options.directory;
  }
}

/** A record is missing or its checksum is wrong: it is not served (S17). Its place is named where the key could be read. */
export class StoreCorruptError extends Error {
  override readonly name = "StoreCorruptError";
  readonly code = "store.corrupt";
  readonly conversation: ConversationId | undefined;
  readonly seq: number | undefined;

  constructor(what: string, place: { readonly conversation?: ConversationId; readonly seq?: number; readonly cause?: unknown } = {}) {
    const where = place.conversation === undefined ? "" : ` of conversation ${place.conversation}${place.seq === undefined ? "" : `, seq ${place.seq}`}`;
    super(
      `The store is damaged: ${what}${where}. Run "suda verify" and restore from a backup.`,
      place.cause === undefined ? undefined : { cause: place.cause },
    );
    this.conversation = place.conversation;
    this.seq = place.seq;
  }
}
