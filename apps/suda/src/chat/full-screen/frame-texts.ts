/** What stands around the transcript: the title, the state of the connection, and the line of remarks. */
import type { ChatView } from "./chat-frame.ts";
import type { ChatSession } from "../session.ts";
import { safeLine } from "../text-safety.ts";

/** The conversation, how many are in it, or whether the other one is there. */
export function titleText(session: ChatSession): string {
  const { current, messages } = session;
  if (current === undefined) return "수다 suda";
  const title = session.titleOf(current);
  const { record } = current;
  if (record?.kind === "group") return `${title} (${messages.memberCount(record.memberCount)})`;
  const isOnline = session.presenceOf(current);
  return isOnline === undefined ? title : `${title} · ${isOnline ? messages.online : messages.offline}`;
}

export function connectionText(session: ChatSession, now: number): ChatView["connection"] {
  const { connection, messages, me, client, people } = session;
  const name = me === undefined ? "" : people.nameOf(me);
  const unsent = connection.kind === "open" || client.unconfirmed === 0 ? "" : `${messages.unsent(client.unconfirmed)} · `;
  const bad = (text: string, short = text): ChatView["connection"] => ({ text: unsent + text, short: unsent + short, isGood: false });
  switch (connection.kind) {
    case "open":
      return { text: name === "" ? messages.connected : `${name} · ${messages.connected}`, short: name, isGood: true };
    case "connecting":
      return bad(messages.connecting);
    case "waiting": {
      const seconds = Math.max(0, Math.ceil((connection.retryAt - now) / 1_000));
      return bad(messages.waiting(seconds), messages.waitingShort(seconds));
    }
    case "closed":
      return bad(messages.closed(safeLine(connection.reason)));
    default:
      return assertNever(connection);
  }
}

/** Who is writing here; else where something is unread. */
export function remarkText(session: ChatSession): string {
  const { current, conversations, messages, people } = session;
  const { question } = session.asking;
  if (question !== undefined) return `? ${safeLine(question.prompt)}`;
  const typing = current?.snapshot.typing ?? [];
  if (typing.length > 0) return messages.typing(typing.map((user) => people.nameOf(user)));
  const thinking = current?.snapshot.thinking ?? [];
  if (thinking.length > 0) return messages.thinking(thinking.map((user) => people.nameOf(user)));
  return conversations
    .filter((view) => view !== current && view.snapshot.unread > 0)
    .map((view) => `${session.titleOf(view)} (${view.snapshot.unread})`)
    .join("  ");
}

function assertNever(value: never): never {
  throw new Error(`Not a state: ${JSON.stringify(value)}`);
}
