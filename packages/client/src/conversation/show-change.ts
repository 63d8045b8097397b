/** Events that are held are shown as history would show them now: edits, deletions, reactions and taps change messages in place (D8). */
import { applyChange, concealMessage, eraseWords, saysSomething, type LogEvent, type MessageChange, type UserId } from "@suda/protocol";
import type { EventLog } from "./event-log.ts";

/** Changes the message that the event is about, if it is one of those and the message is held. */
export function showChange(log: EventLog, event: LogEvent, me: UserId | undefined): void {
  // The default stands for what changes no message, and for what only newer servers know.
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (event.type) {
    case "message.deleted":
      eraseWith(log, event.target);
      return changeMessage(log, event, me);
    case "message.edited":
    case "interaction.created":
      changeMessage(log, event, me);
      if (isHidden(log.at(event.target))) eraseWith(log, event.target);
      return;
    case "reaction.added":
    case "reaction.removed":
      return changeMessage(log, event, me);
    default:
  }
}

/** The message as who deleted it for themself sees it. */
export function conceal(log: EventLog, target: number): void {
  eraseWith(log, target);
  log.change(target, (event) => (event.type === "message.created" ? concealMessage(event) : event));
}

function changeMessage(log: EventLog, event: MessageChange, me: UserId | undefined): void {
  log.change(event.target, (target) => (target.type === "message.created" ? applyChange(target, event, me) : target));
}

/** Whether it was deleted for oneself. */
export function isHidden(event: LogEvent | undefined): boolean {
  return event?.type === "message.created" && event.hidden === true;
}

/** What was deleted is not to be found in its edits either, nor in what its taps said. */
function eraseWith(log: EventLog, target: number): void {
  for (const event of log.events) {
    if (event.type === "message.edited" && event.target === target) log.change(event.seq, () => ({ ...event, content: { type: "deleted" } }));
    if (event.type === "interaction.created" && event.target === target && saysSomething(event.kind)) log.change(event.seq, () => eraseWords(event));
  }
}
