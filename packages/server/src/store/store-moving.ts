/**
 * How a whole store becomes another one: what a move reads beside the ordinary contract, and the few writes that put records
 * in place as they are, with their seqs, times and hashes. Not for chat: nothing here is judged, and nobody may use the target
 * meanwhile. Rules S55 and S56 of docs/contracts/store.md, held by `storeMovingSuite` of @suda/testing.
 *
 * What is written may be written again: a move that was killed begins anew and does the same over it.
 */
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import type { DocumentCollection, DocumentRecord } from "./document-store.ts";
import type { ConversationRecord, LogEntry, MemberRecord, Membership, StoredKey, UserRecord } from "./store.ts";

/** A conversation that was created with a key (S11). */
export interface CreationKey {
  readonly user: UserId;
  readonly clientId: ClientId;
  readonly conversation: ConversationId;
}

/** What is left of an entry that was truncated (S31). */
export interface LeftKey {
  readonly from: UserId;
  readonly clientId: ClientId;
  readonly key: StoredKey;
}

/** A user's reaction that stands (S27). */
export interface StandingReaction {
  readonly target: number;
  readonly user: UserId;
  readonly emoji: string;
}

/** A message that a user has hidden from themself (S32), member or not. */
export interface StandingHide {
  readonly target: number;
  readonly user: UserId;
}

/** What a move reads that the ordinary contract does not list. Pages are ascending, behind `after`; `limit` 1–1,000; a shorter page is the last. */
export interface StoreSource {
  /** Everybody who has a profile or memberships. */
  users(after: UserId | undefined, limit: number): Promise<readonly UserId[]>;
  creations(after: CreationKey | undefined, limit: number): Promise<readonly CreationKey[]>;
  /** Keys of entries that are gone; those of the others follow from the log. */
  leftKeys(id: ConversationId, after: LeftKey | undefined, limit: number): Promise<readonly LeftKey[]>;
  /** Of these messages all reactions. */
  reactions(id: ConversationId, targets: readonly number[]): Promise<readonly StandingReaction[]>;
  hides(id: ConversationId): Promise<readonly StandingHide[]>;
}

export interface MovedConversation {
  readonly record: ConversationRecord;
  readonly members: readonly MemberRecord[];
  readonly hides: readonly StandingHide[];
}

export interface MovedUser {
  readonly id: UserId;
  readonly record: UserRecord | undefined;
  readonly change: number;
  readonly memberships: readonly Membership[];
}

/**
 * Puts records in place. Durable when it resolves; throws as the ordinary writes do.
 * `pass` counts how often the whole source was gone through, over all attempts: what a later pass puts stands over what an
 * earlier one put, whenever that arrives. One pass puts each thing once.
 */
export interface StoreTarget {
  /** Entries with their annotations, keys and all reactions to them, in the place of what is there. At most 1,000. */
  putEntries(id: ConversationId, entries: readonly LogEntry[], reactions: readonly StandingReaction[], pass: number): Promise<void>;
  putLeftKeys(id: ConversationId, keys: readonly LeftKey[], pass: number): Promise<void>;
  /** Makes the conversation what it is told: with these members and hides and no others, and nothing below its floor. The last of what is put of one. */
  putConversation(conversation: MovedConversation, pass: number): Promise<void>;
  putUser(user: MovedUser, pass: number): Promise<void>;
  putCreations(keys: readonly CreationKey[], pass: number): Promise<void>;
  /** With its version; `undefined` removes it. */
  putDocument(collection: DocumentCollection, key: string, document: DocumentRecord | undefined, pass: number): Promise<void>;
}
