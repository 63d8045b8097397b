/**
 * Writes down what clients do and see, in the order of this process's time, for the checker; and which sends
 * have no answer yet, for the retries after a restart.
 */
import { CommandRefused, ConnectionEnded, type HistoryRecord, type ReadEntry, type SendKey, type WireClient } from "@suda/testing";
import type { Event, LogEvent } from "@suda/protocol";

/** One message, however often it is tried. */
export interface Message extends SendKey {
  readonly text: string;
}

export class Recorder {
  readonly history: HistoryRecord[] = [];
  /** Sends without an answer, by key. */
  readonly unanswered = new Map<string, Message>();
  readonly acked: Message[] = [];
  /** Refusals that the load does not expect. */
  readonly refusals = new Map<string, number>();
  readonly #tried = new Set<string>();
  #lastClientId = 0;

  newMessage(conversation: string, from: string, text: string): Message {
    return { conversation, from, clientId: `c-${++this.#lastClientId}`, text };
  }

  /** Sends once and writes down what came of it. True when it was acknowledged. */
  async send(client: WireClient, connection: string, message: Message): Promise<boolean> {
    const { conversation, from, clientId, text } = message;
    const key = { conversation, from, clientId, connection };
    const name = `${from}/${clientId}`;
    const isFirst = !this.#tried.has(name);
    this.#tried.add(name);
    // A second try of what was acknowledged is not waited for: the checker compares its answer.
    if (isFirst) this.unanswered.set(name, message);
    this.history.push({ step: "invoke", ...key, body: bodyOf({ type: "text", text }) });
    try {
      const reply = await client.request("message.send", {
        conversation: conversation as never,
        clientId: clientId as never,
        content: { type: "text", text },
      });
      this.history.push({ step: "ok", ...key, seq: reply.seq, duplicate: reply.duplicate === true });
      if (this.unanswered.delete(name)) this.acked.push(message);
      return true;
    } catch (error) {
      if (error instanceof ConnectionEnded) {
        this.history.push({ step: "unknown", ...key });
        return false;
      }
      if (!(error instanceof CommandRefused)) throw error;
      const { code } = error.frame;
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
      // These two can come after the write was begun; every other code is a refusal before it.
      if (code === "server.internal" || code === "store.failed") this.history.push({ step: "unknown", ...key });
      else this.history.push({ step: "fail", ...key, code });
      return false;
    }
  }

  /** What a member's connection was shown without asking. */
  observe(observer: string, connection: string, event: Event): void {
    if (!("seq" in event)) return;
    this.history.push({ step: "observe", conversation: event.conversation, observer, connection, entry: entryOf(event) });
  }
}

/** A log event as the checker compares it. */
export function entryOf(event: LogEvent): ReadEntry {
  const { seq, from } = event;
  if (event.type === "message.created") return { seq, from, clientId: event.clientId, body: bodyOf(event.content) };
  const { conversation: _conversation, seq: _seq, at: _at, from: _from, ...body } = event;
  return { seq, from, body: bodyOf(body) };
}

function bodyOf(body: object): string {
  return JSON.stringify(body);
}
