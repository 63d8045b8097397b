/**
 * The WebSocket of an SDK client, with an ear on it: what the client's repairs would hide (another order, an answer twice,
 * a try that nobody heard of) is seen here as it was on the wire.
 */
import { decodeServerFrames, jsonCodec, type ServerFrame } from "@suda/protocol";
import type { HistoryRecord, SendKey } from "@suda/testing";
import { WebSocket } from "ws";
import { bodyOf, entryOf } from "./journal.ts";

export interface TapOptions {
  readonly device: string;
  readonly user: string;
  readonly note: (record: HistoryRecord) => void;
  /** Every frame of the server, after it was noted. */
  readonly onFrame?: (frame: ServerFrame) => void;
  /** A planted bug: the clientId that a send takes on the wire. */
  readonly rename?: (clientId: string, connection: string) => string;
}

/** These two can come after the write was begun; every other code is a refusal before it. */
const uncertainCodes: ReadonlySet<string> = new Set(["server.internal", "store.failed"]);

/** What `openClient` takes as `WebSocket`. */
export function tappedWebSocket(options: TapOptions): new (url: string, protocols: string[]) => WebSocket {
  let count = 0;
  return class TappedWebSocket extends WebSocket {
    readonly #tap: Tap = new Tap(options, `${options.device}#${process.pid}.${++count}`);

    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.on("message", (data: Buffer) => this.#tap.told(data.toString()));
      this.on("close", () => this.#tap.ended());
    }

    /** The client sends text, and asks for no callback. */
    override send(data: unknown): void {
      super.send(this.#tap.sent(String(data)));
    }
  };
}

class Tap {
  readonly #options: TapOptions;
  readonly #connection: string;
  readonly #open = new Map<number | string, SendKey>();

  constructor(options: TapOptions, connection: string) {
    this.#options = options;
    this.#connection = connection;
  }

  /** @returns what goes out: the same, but for a planted bug */
  sent(text: string): string {
    const frame = JSON.parse(text) as { type: string; ref: number; conversation: string; clientId: string; content: object };
    if (frame.type !== "message.send") return text;
    const { user, note, rename } = this.#options;
    const clientId = rename === undefined ? frame.clientId : rename(frame.clientId, this.#connection);
    const key = { conversation: frame.conversation, from: user, clientId };
    this.#open.set(frame.ref, key);
    note({ step: "invoke", ...key, connection: this.#connection, body: bodyOf(frame.content) });
    return clientId === frame.clientId ? text : JSON.stringify({ ...frame, clientId });
  }

  told(text: string): void {
    for (const frame of decodeServerFrames(jsonCodec, text)) {
      this.#told(frame);
      this.#options.onFrame?.(frame);
    }
  }

  ended(): void {
    for (const key of this.#open.values()) this.#options.note({ step: "unknown", ...key, connection: this.#connection });
    this.#open.clear();
  }

  #told(frame: ServerFrame): void {
    const { note, user } = this.#options;
    const connection = this.#connection;
    if (frame.type !== "reply" && frame.type !== "error") {
      if ("seq" in frame) note({ step: "observe", conversation: frame.conversation, observer: user, connection, entry: entryOf(frame) });
      return;
    }
    const key = frame.ref === undefined ? undefined : this.#open.get(frame.ref);
    if (frame.ref === undefined || key === undefined) return;
    this.#open.delete(frame.ref);
    if (frame.type === "reply") {
      const { seq, duplicate } = frame as unknown as { seq: number; duplicate?: boolean };
      note({ step: "ok", ...key, connection, seq, duplicate: duplicate === true });
    } else if (uncertainCodes.has(frame.code)) note({ step: "unknown", ...key, connection });
    else note({ step: "fail", ...key, connection, code: frame.code });
  }
}
