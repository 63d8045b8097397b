/**
 * Listens between client and network, so that what a client was told is known without asking it: the history for the
 * checker, and everything that any user has ever seen of any conversation, by whatever way.
 */
import type { Event, LogEvent } from "@suda/protocol";
import type { HistoryRecord, ReadEntry, SendKey } from "../checker.ts";
import type { ClientHandlers } from "./simulated-connection.ts";

/** An entry that a user was shown, live or in a page. */
export interface Sight {
  readonly user: string;
  readonly conversation: string;
  readonly seq: number;
  readonly at: number;
  readonly isLive: boolean;
}

/** These two can come after the write was begun; every other code is a refusal before it. */
const uncertainCodes: ReadonlySet<unknown> = new Set(["server.internal", "store.failed"]);

export class WireTap {
  readonly history: HistoryRecord[] = [];
  readonly sights: Sight[] = [];
  /** Error codes that the server answered, with their count. */
  readonly refusals: Map<string, number> = new Map();
  #connections = 0;

  /** One connection of the user's: what it sends goes through `sent`, what it is told through `handlers`. */
  listen(user: string, inner: ClientHandlers): { readonly handlers: ClientHandlers; readonly sent: (text: string) => void; readonly ended: () => void } {
    const connection = `${user}#${++this.#connections}`;
    const open = new Map<unknown, SendKey>();
    const ended = (): void => {
      for (const key of open.values()) this.history.push({ step: "unknown", ...key, connection });
      open.clear();
    };
    return {
      ended,
      sent: (text) => {
        for (const frame of framesOf(text)) {
          if (frame["type"] !== "message.send") continue;
          const key = { conversation: String(frame["conversation"]), from: user, clientId: String(frame["clientId"]) };
          open.set(frame["ref"], key);
          this.history.push({ step: "invoke", ...key, connection, body: JSON.stringify(frame["content"]) });
        }
      },
      handlers: {
        onOpen: () => inner.onOpen(),
        onMessage: (text) => {
          for (const frame of framesOf(text)) this.#told({ user, connection, frame, open });
          inner.onMessage(text);
        },
        onClose: (code, reason) => {
          ended();
          inner.onClose(code, reason);
        },
      },
    };
  }

  #told({ user, connection, frame, open }: { user: string; connection: string; frame: Frame; open: Map<unknown, SendKey> }): void {
    const { type, ref } = frame;
    if (type === "error") this.refusals.set(String(frame["code"]), (this.refusals.get(String(frame["code"])) ?? 0) + 1);
    const send = open.get(ref);
    if (send !== undefined && (type === "reply" || type === "error")) {
      open.delete(ref);
      if (type === "reply") this.history.push({ step: "ok", ...send, connection, seq: Number(frame["seq"]), duplicate: frame["duplicate"] === true });
      else if (uncertainCodes.has(frame["code"])) this.history.push({ step: "unknown", ...send, connection });
      else this.history.push({ step: "fail", ...send, connection, code: String(frame["code"]) });
    }
    if (isLogEvent(frame)) {
      this.#saw(user, frame, true);
      this.history.push({ step: "observe", conversation: frame.conversation, observer: user, connection, entry: entryOf(frame) });
    } else {
      this.#search(user, frame, 0);
    }
  }

  /** Entries in pages, in `resumed`, as `last` of a conversation: wherever they are. */
  #search(user: string, value: unknown, depth: number): void {
    if (typeof value !== "object" || value === null || depth > 5) return;
    if (isLogEvent(value)) return this.#saw(user, value, false);
    for (const field of Object.values(value)) this.#search(user, field, depth + 1);
  }

  #saw(user: string, { conversation, seq, at }: LogEvent, isLive: boolean): void {
    this.sights.push({ user, conversation, seq, at, isLive });
  }
}

/** A log event as the checker compares it. */
export function entryOf(event: LogEvent): ReadEntry {
  const { seq, from } = event;
  if (event.type === "message.created") return { seq, from, clientId: event.clientId, body: JSON.stringify(event.content) };
  const { conversation: _conversation, seq: _seq, at: _at, from: _from, ...body } = event;
  return { seq, from, body: JSON.stringify(body) };
}

export type Frame = Readonly<Record<string, unknown>>;

/** A message is one frame or an array of frames. */
export function framesOf(text: string): readonly Frame[] {
  const value = JSON.parse(text) as Frame | readonly Frame[];
  return Array.isArray(value) ? (value as readonly Frame[]) : [value as Frame];
}

export function isLogEvent(frame: object): frame is LogEvent {
  return "seq" in frame && "at" in frame && "from" in frame && "conversation" in frame && "type" in frame && (frame as Event).type !== undefined;
}
