/**
 * Listens between client and network, so that what a client was told is known without asking it: the history for the
 * checker, and everything that any user has ever seen of any conversation, by whatever way.
 */
import { saysSomething, type Event, type LogEvent } from "@suda/protocol";
import type { HistoryRecord, ReadEntry, SendKey } from "../checker.ts";
import type { ClientHandlers } from "./simulated-connection.ts";

/** The entries of one conversation that one user was shown, by seq. */
export interface Sights {
  readonly user: string;
  readonly conversation: string;
  /** As it happened. */
  readonly live: Set<number>;
  /** In a page, or as the last event of a conversation. */
  readonly read: Set<number>;
}

/** A page in which a message, or an edit of it, still said something, read when the log went to `head` at least. */
export interface TextSight {
  readonly user: string;
  readonly conversation: string;
  /** Seq of the message. */
  readonly message: number;
  readonly head: number;
}

/** A tap that was answered well. */
export interface ToldTap {
  readonly user: string;
  readonly conversation: string;
  readonly target: number;
  readonly action: string;
  readonly clientId: string;
  readonly seq: number;
  /** It was used up before, by the tap at `seq`. */
  readonly isUsed: boolean;
}

/** One connection of a user's, as the tap stands in it. */
export interface TappedConnection {
  readonly handlers: ClientHandlers;
  readonly sent: (text: string) => void;
  readonly ended: () => void;
  /** Commands without an answer. */
  readonly openRequests: () => number;
}

/** These two can come after the write was begun; every other code is a refusal before it. */
const uncertainCodes: ReadonlySet<unknown> = new Set(["server.internal", "store.failed"]);

/** What waits for its answer, as far as the answer is kept. */
interface Asked {
  readonly send?: SendKey;
  readonly tap?: Omit<ToldTap, "user" | "seq" | "isUsed">;
}

export class WireTap {
  readonly history: HistoryRecord[] = [];
  readonly sights: Map<string, Sights> = new Map();
  /** Per conversation the time with which each seq was shown; of two different ones both. */
  readonly times: Map<string, Map<number, readonly number[]>> = new Map();
  readonly texts: TextSight[] = [];
  readonly taps: ToldTap[] = [];
  /** Error codes that the server answered, with their count. */
  readonly refusals: Map<string, number> = new Map();
  /** Of frames that were parsed once and go to many connections, and are not changed. */
  readonly #entries = new WeakMap<LogEvent, ReadEntry>();
  readonly #parsed = new ParsedFrames();
  #connections = 0;

  /** One connection of the user's: what it sends goes through `sent`, what it is told through `handlers`. */
  listen(user: string, inner: ClientHandlers): TappedConnection {
    const connection = `${user}#${++this.#connections}`;
    const open = new Map<unknown, Asked>();
    const ended = (): void => {
      for (const { send: key } of open.values()) if (key !== undefined) this.history.push({ step: "unknown", ...key, connection });
      open.clear();
    };
    return {
      ended,
      openRequests: () => open.size,
      sent: (text) => {
        for (const frame of this.#parsed.of(text)) {
          open.set(frame["ref"], frame["type"] === "interaction.tap" ? { tap: tapOf(frame) } : {});
          if (frame["type"] !== "message.send") continue;
          const key = { conversation: String(frame["conversation"]), from: user, clientId: String(frame["clientId"]) };
          open.set(frame["ref"], { send: key });
          this.history.push({ step: "invoke", ...key, connection, body: JSON.stringify(frame["content"]) });
        }
      },
      handlers: {
        onOpen: () => inner.onOpen(),
        onMessage: (text) => {
          for (const frame of this.#parsed.of(text)) this.#told({ user, connection, frame, open });
          inner.onMessage(text);
        },
        onClose: (code, reason) => {
          ended();
          inner.onClose(code, reason);
        },
      },
    };
  }

  #told({ user, connection, frame, open }: { user: string; connection: string; frame: Frame; open: Map<unknown, Asked> }): void {
    const { type, ref } = frame;
    if (type === "error") this.refusals.set(String(frame["code"]), (this.refusals.get(String(frame["code"])) ?? 0) + 1);
    const { send, tap } = open.get(ref) ?? {};
    if (type === "reply" || type === "error") open.delete(ref);
    if (type === "reply") this.#read(user, frame);
    if (type === "reply" && tap !== undefined) this.taps.push({ ...tap, user, seq: Number(frame["seq"]), isUsed: frame["used"] === true });
    if (send !== undefined && (type === "reply" || type === "error")) {
      if (type === "reply") this.history.push({ step: "ok", ...send, connection, seq: Number(frame["seq"]), duplicate: frame["duplicate"] === true });
      else if (uncertainCodes.has(frame["code"])) this.history.push({ step: "unknown", ...send, connection });
      else this.history.push({ step: "fail", ...send, connection, code: String(frame["code"]) });
    }
    if (isLogEvent(frame)) {
      this.#saw(user, frame, true);
      this.history.push({ step: "observe", conversation: frame.conversation, observer: user, connection, entry: this.#entryOf(frame) });
    } else {
      this.#search(user, frame, 0);
    }
  }

  #entryOf(event: LogEvent): ReadEntry {
    let entry = this.#entries.get(event);
    if (entry === undefined) this.#entries.set(event, (entry = entryOf(event)));
    return entry;
  }

  /** `head` of a page was known before its entries were read. */
  #read(user: string, { head, events, resumed }: Frame): void {
    if (Array.isArray(resumed)) for (const one of resumed) this.#read(user, one as Frame);
    if (typeof head !== "number" || !Array.isArray(events)) return;
    for (const event of events as readonly LogEvent[]) {
      if (event.type === "interaction.created" && (event.value ?? event.data) !== undefined)
        this.texts.push({ user, conversation: event.conversation, message: event.target, head });
      if ((event.type !== "message.created" && event.type !== "message.edited") || event.content.type === "deleted") continue;
      this.texts.push({ user, conversation: event.conversation, message: event.type === "message.edited" ? event.target : event.seq, head });
    }
  }

  /** Entries in pages, in `resumed`, as `last` of a conversation: wherever they are. */
  #search(user: string, value: unknown, depth: number): void {
    if (typeof value !== "object" || value === null || depth > 5) return;
    if (isLogEvent(value)) return this.#saw(user, value, false);
    for (const field of Object.values(value)) this.#search(user, field, depth + 1);
  }

  #saw(user: string, { conversation, seq, at }: LogEvent, isLive: boolean): void {
    const key = `${user}\n${conversation}`;
    let sights = this.sights.get(key);
    if (sights === undefined) this.sights.set(key, (sights = { user, conversation, live: new Set(), read: new Set() }));
    (isLive ? sights.live : sights.read).add(seq);
    let times = this.times.get(conversation);
    if (times === undefined) this.times.set(conversation, (times = new Map()));
    const known = times.get(seq);
    if (known === undefined) times.set(seq, [at]);
    else if (!known.includes(at)) times.set(seq, [...known, at]);
  }
}

function tapOf({ conversation, target, action, clientId }: Frame): NonNullable<Asked["tap"]> {
  return { conversation: String(conversation), target: Number(target), action: String(action), clientId: String(clientId) };
}

/** A log event as it was told live, as the checker compares it. */
export function entryOf(event: LogEvent): ReadEntry {
  const { seq, from } = event;
  if (event.type === "message.created")
    return { seq, from, clientId: event.clientId, body: JSON.stringify(event.content), ...(event.content.type === "deleted" ? { isErased: true } : {}) };
  // What was given with a tap is not shown to everybody, so observers cannot be compared by it.
  const { conversation: _conversation, seq: _seq, at: _at, from: _from, value: _value, ...body } = event as typeof event & { readonly value?: unknown };
  // Sorted, because the server that stored it and the server that tells it need not write its fields in one order.
  const entry = { seq, from, body: JSON.stringify(Object.entries(body).sort(([one], [other]) => (one < other ? -1 : 1))) };
  if (event.type === "message.edited") return { ...entry, edits: event.target, ...(event.content.type === "deleted" ? { isErased: true } : {}) };
  if (event.type === "interaction.created" && saysSomething(event.kind))
    return { ...entry, edits: event.target, ...(event.erased === true ? { isErased: true } : {}) };
  return event.type === "message.deleted" ? { ...entry, deletes: event.target } : entry;
}

export type Frame = Readonly<Record<string, unknown>>;

/** A message is one frame or an array of frames. */
export function framesOf(text: string): readonly Frame[] {
  const value = JSON.parse(text) as Frame | readonly Frame[];
  return Array.isArray(value) ? (value as readonly Frame[]) : [value as Frame];
}

/** A power of two. */
const parsedMax = 128;

/**
 * What was parsed last: what a turn brought goes to many connections as the same text. Each text has one place, where the next
 * one takes its room. Not a Map, whose worn-out tables, once they are old, keep alive whatever came after them.
 */
class ParsedFrames {
  readonly #places: ({ readonly text: string; readonly frames: readonly Frame[] } | undefined)[] = Array.from({ length: parsedMax });

  /** They are shared: not to be changed. */
  of(text: string): readonly Frame[] {
    const place = placeOf(text);
    const known = this.#places[place];
    if (known?.text === text) return known.frames;
    const frames = framesOf(text);
    this.#places[place] = { text, frames };
    return frames;
  }
}

/** By length and some of the characters: ids and numbers are what differs. */
function placeOf(text: string): number {
  const { length } = text;
  let hash = length;
  for (let index = length - 1; index >= 0; index -= 1 + (length >> 4)) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return (hash ^ (hash >>> 8)) & (parsedMax - 1);
}

export function isLogEvent(frame: object): frame is LogEvent {
  return "seq" in frame && "at" in frame && "from" in frame && "conversation" in frame && "type" in frame && (frame as Event).type !== undefined;
}
