/** What Tab makes of what was typed: commands, the bot's too, conversations, users. */
import type { UserId } from "@suda/protocol";
import { commandTable } from "./command-table.ts";
import { pressables } from "./message-actions.ts";
import { commandNames } from "./messages.ts";
import { buttonsIn } from "./press.ts";
import type { ChatSession } from "./session.ts";
import { safeLine } from "./text-safety.ts";

export interface Completion {
  /** How much before the caret is replaced, and by what. */
  readonly replaced: number;
  readonly text: string;
  /** What else it could be, when there is more than one. */
  readonly candidates: readonly string[];
}

/** What Tab makes of the text before the caret; `undefined` when there is nothing to complete. */
export function complete(session: ChatSession, before: string): Completion | undefined {
  const word = /\S*$/.exec(before)?.[0] ?? "";
  if (/^\/\S*$/.test(before)) {
    const ofBot = session.botCommands.map(({ name }) => safeLine(name));
    return choose(
      word,
      [...commandNames, ...ofBot].map((name) => `/${name}`),
    );
  }
  const command = /^\/(\S+)\s/.exec(before)?.[1];
  const name = commandNames.find((one) => one === command);
  if (name !== undefined) {
    const { completes } = commandTable[name];
    if (completes === "none") return undefined;
    if (completes === "user") return choose(word, userIds(session));
    if (completes === "button") return completeButton(session, before, word);
    const rest = before.slice(before.indexOf(" ") + 1);
    return choose(
      rest,
      session.conversations.map((view) => session.titleOf(view)),
    );
  }
  return word.startsWith("@")
    ? choose(
        word,
        userIds(session).map((id) => `@${id}`),
      )
    : undefined;
}

function choose(word: string, known: readonly string[]): Completion | undefined {
  const candidates = [...new Set(known)].filter((one) => one.toLowerCase().startsWith(word.toLowerCase()));
  const [first] = candidates;
  if (first === undefined) return undefined;
  if (candidates.length === 1) return { replaced: word.length, text: `${first} `, candidates: [] };
  let shared = first;
  while (!candidates.every((one) => one.toLowerCase().startsWith(shared.toLowerCase()))) shared = shared.slice(0, -1);
  return { replaced: word.length, text: shared.length > word.length ? shared : word, candidates };
}

/** The numbers of the message that `/press` would press, with their labels. */
function completeButton({ current, messages }: ChatSession, before: string, word: string): Completion | undefined {
  const [, nth = "1"] = /^\/\S+\s+(?:\^(\d{1,4})\s+)?\S*$/.exec(before) ?? [];
  const message = current === undefined ? undefined : pressables(current).at(-Number(nth));
  if (current === undefined || message === undefined) return undefined;
  const buttons = buttonsIn(current, message).filter(({ number, isUsed }) => !isUsed && `${number}`.startsWith(word));
  const [first] = buttons;
  if (first === undefined) return undefined;
  if (buttons.length === 1) return { replaced: word.length, text: `${first.number} `, candidates: [] };
  return {
    replaced: word.length,
    text: word,
    candidates: buttons.map(({ number, action }) => `[${number}] ${safeLine(action.label ?? messages.templates.submit)}`),
  };
}

function userIds(session: ChatSession): UserId[] {
  return session.people.all.map(({ id }) => id).filter((id) => id !== session.me);
}
