/**
 * Where messages wait until the server has them: the part of sending that survives a restart. One outbox
 * belongs to one signed-in user and to one client at a time.
 *
 * Promises of a driver, held for all of them by `test/outbox-suite.ts`:
 * - what `put` has resolved for is in `load` of the next opening, also after a crash, until `remove`;
 * - `load` gives entries in the order in which each was first put; a second `put` of a clientId replaces in place;
 * - `remove` of what is not there does nothing;
 * - calls take effect in the order in which they were made.
 */
import type { ClientId, Content, ConversationId, CustomData, ErrorCode, UserId } from "@suda/protocol";

export interface Outbox {
  /** Everything that waits. Called once, before anything else. */
  load(): Promise<readonly OutboxEntry[]>;
  put(entry: OutboxEntry): Promise<void>;
  remove(clientId: ClientId): Promise<void>;
}

export interface OutboxEntry {
  readonly clientId: ClientId;
  readonly conversation: ConversationId;
  readonly content: Content;
  readonly data?: CustomData;
  readonly replyTo?: number;
  /** Epoch ms by this device's clock. */
  readonly at: number;
  /** Who wrote it, as far as that was known: never sent for anybody else. */
  readonly user?: UserId;
  /** The server refused it for good: it waits for `retry` or `discard`. */
  readonly failure?: SendFailure;
}

export interface SendFailure {
  readonly code: ErrorCode;
  readonly message: string;
}
