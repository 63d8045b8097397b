/** What is to be written to one conversation, and who waits for the answer. */
import type { ConversationRecord } from "@suda/server/store";
import type { Stage } from "./planning.ts";

/** One write: what it is likely to need, and its plan. */
export interface Call<T> {
  readonly rows: (record: ConversationRecord) => readonly string[];
  readonly plan: (stage: Stage) => T;
  /** What a conversation that does not exist means; throws or gives an answer. */
  readonly absent: () => T;
}

export interface WaitingCall {
  readonly call: Call<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export function tell(answer: () => unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  try {
    resolve(answer());
  } catch (error) {
    reject(error);
  }
}
