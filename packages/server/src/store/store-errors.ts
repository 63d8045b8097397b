/** What can be wrong with what a driver keeps: at the start ({@link StoreOpenError}, S22) and while reading ({@link StoreCorruptError}, S17). */
import type { ConversationId } from "@suda/protocol";

/** Why a store did not open. Codes are for programs and never change. */
export type StoreOpenCode =
  // Of every driver
  | "newer_version"
  | "older_version"
  // Of files
  | "in_use"
  | "not_writable"
  | "truncated"
  | "corrupt"
  | "not_a_store"
  | "moved"
  // Of an engine elsewhere
  | "unreachable"
  | "refused"
  | "not_initialised"
  | "invalid";

/** A store did not open; nothing was changed. The message says what to do. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
  readonly code: StoreOpenCode;
  /** Where its files are, of a store that has some. */
  readonly directory: string | undefined;

  constructor(code: StoreOpenCode, message: string, { directory, cause }: { readonly directory?: string; readonly cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.directory = directory;
  }
}

export interface CorruptPlace {
  readonly conversation?: ConversationId;
  readonly seq?: number;
  readonly cause?: unknown;
  /** What to do, where the engine offers more than a backup. */
  readonly advice?: string;
}

/** A record is missing or its checksum is wrong: it is not served (S17). Its place is named where the key could be read. */
export class StoreCorruptError extends Error {
  override readonly name = "StoreCorruptError";
  readonly code = "store.corrupt";
  readonly conversation: ConversationId | undefined;
  readonly seq: number | undefined;

  constructor(what: string, { conversation, seq, cause, advice = 'Run "suda verify" and restore from a backup.' }: CorruptPlace = {}) {
    const where = conversation === undefined ? "" : ` of conversation ${conversation}${seq === undefined ? "" : `, seq ${seq}`}`;
    super(`The store is damaged: ${what}${where}. ${advice}`, cause === undefined ? undefined : { cause });
    this.conversation = conversation;
    this.seq = seq;
  }
}
