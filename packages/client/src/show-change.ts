/** Messages that are held are shown as they are now: edits, deletions and reactions change them in place (D8). */
import { applyChange, type LogEvent, type UserId } from "@suda/protocol";
import type { EventLog } from "./event-log.ts";

/** Changes the message that the event is about, if it is one of those and the message is held. */
export function showChange(log: EventLog, event: LogEvent, me: UserId | undefined): void {
  // The default stands for what changes no message, and for what only newer servers know.
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (event.type) {
    case "message.edited":
    case "message.deleted":
    case "reaction.added":
    case "reaction.removed":
      return log.change(event.target, (target) => (target.type === "message.created" ? applyChange(target, event, me) : target));
    default:
  }
}
