/**
 * Why the store did not take a draft that its author was let through the gate with: a role that was lost
 * meanwhile, or a setting of the conversation, both judged in the moment of storing (A6).
 */
import { SudaError } from "@suda/protocol";
import type { AppendOutcome } from "../store/store.ts";

/** @param role makes the error of a role or membership that `from` does not hold (any more) */
export function refusedError({ reason, retryAfterMs = 0 }: Extract<AppendOutcome, { outcome: "refused" }>, role: () => SudaError): SudaError {
  switch (reason) {
    case "role":
      return role();
    case "control":
      return controlLost();
    case "held":
      return new SudaError("control.held", "Another agent is in charge of this conversation; wait until they give it back, or until their lease is over.");
    case "write":
      return readOnly();
    case "slow":
      return new SudaError("send.slow", `This conversation is in slow mode; wait ${retryAfterMs} ms before your next message.`, { retryAfterMs });
    case "blocked":
      return blocked();
    case "blocking":
      return blocking();
  }
}

/** Removed between the gate and the commit: the same words as for a conversation that does not exist (A1). */
export function gone(): SudaError {
  return new SudaError("conversation.not_found");
}

export function controlLost(): SudaError {
  return new SudaError(
    "control.lost",
    "Who says this is not in charge of the conversation (any more), or names another epoch; read `control` of the conversation.",
  );
}

export function readOnly(): SudaError {
  return new SudaError("conversation.read_only", "Only owners and admins write in this conversation.");
}

/** Says no more than that it does not go through. */
export function blocked(): SudaError {
  return new SudaError("user.blocked", "This user does not accept messages from you.");
}

export function blocking(): SudaError {
  return new SudaError("user.blocked", "You block this user; unblock them first (user.unblock).");
}
