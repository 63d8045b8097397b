/**
 * What can be done with the events that the product's hook after a commit did not take, for the routes; `hooks/hook-letters.ts` does it. The
 * domain cannot see hooks, so it has only the shape of it. For the backend alone: events of all conversations are among them.
 */
import type { DeadLetter } from "@suda/protocol";
import type { Replay } from "./bot-webhooks.ts";

export interface CommitLetters {
  /** Oldest first. Also those of a hook that is not configured any more. */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly DeadLetter[]>;
  /** One attempt, now. @throws SudaError hook.not_found, dead_letter.not_found */
  replay(id: string): Promise<Replay>;
  /** Oldest first, until one fails or about ten seconds have passed. @throws SudaError hook.not_found */
  replayAll(): Promise<{ readonly delivered: number; readonly gone: number; readonly left: number; readonly failed?: Replay }>;
  /** @throws SudaError dead_letter.not_found */
  delete(id: string): Promise<void>;
  deleteAll(): Promise<number>;
}
