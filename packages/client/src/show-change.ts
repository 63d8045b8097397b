/** Events that are held are shown as history would show them now: edits, deletions and reactions change messages in place (D8). */
import { applyChange, type LogEvent, type MessageChange, type UserId } from "@suda/protocol";
import type { EventLog } from "./event-log.ts";

/** Changes the message that the event is about, if it is one of those and the message is held. */
export function showChange(log: EventLog, event: LogEvent, me: UserId | undefined): void {
  // The default stands for what changes no message, and for what only newer servers know.
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (event.type) {
    case "message.deleted":
      eraseEdits(log, event.target);
      return changeMessage(log, event, me);
    case "message.edited":
    case "reaction.added":
    case "reaction.removed":
      return changeMessage(log, event, me);
    default:
  }
}

function changeMessage(log: EventLog, event: MessageChange, me: UserId | undefined): void {
  log.change(event.target, (target) => (target.type === "message.created" ? applyChange(target, event, me) : target));
}

/** What was deleted for all is not to be found in its edits either. */
function eraseEdits(log: EventLog, target: number): void {
  for (const event of log.events)
    if (event.type === "message.edited" && event.target === target) log.change(event.seq, () => ({ ...event, content: { type: "deleted" } }));
}
