/**
 * Runs a WebSocket app in-process, with no socket: the app's handlers are called as `serve` would call them
 * (one message at a time, in order), and what it sends is decoded and waits here. As in Channels' testing.
 */
import {
  codecOfSubprotocol,
  decodeServerFrames,
  jsonCodec,
  type Codec,
  type Command,
  type CommandType,
  type Event,
  type ReplyOf,
  type ServerFrame,
} from "@suda/protocol";
import type { App, CloseEvent, Principal, WebSocketApp, WebSocketConnection, WebSocketHandlers, WebSocketScope } from "@suda/server/app";
import { HandshakeRefused } from "./handshake-refused.ts";
import { Arrivals, defaultTimeoutMs } from "./waiting.ts";

export interface WebSocketOptions {
  /** Default `/v1/socket`. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default none, which means JSON. */
  readonly subprotocols?: readonly string[];
  /** Default `127.0.0.1`. */
  readonly address?: string;
  /** As if a middleware had put it there. */
  readonly principal?: Principal;
  /** How long each wait may take; default 10,000 ms. */
  readonly timeoutMs?: number;
}

/** A command without its ref, which the communicator gives. */
export type Request = { [T in CommandType]: Omit<Extract<Command, { type: T }>, "ref"> }[CommandType];

export class WebSocketCommunicator implements AsyncDisposable {
  readonly codec: Codec;
  readonly subprotocol: string | undefined;
  readonly #handlers: WebSocketHandlers;
  readonly #timeoutMs: number;
  readonly #frames = new Arrivals<ServerFrame>((frame) => JSON.stringify(frame).slice(0, 200));
  readonly #closed: Promise<CloseEvent>;
  readonly #settleClosed: (event: CloseEvent) => void;
  #closeEvent: CloseEvent | undefined;
  /** Messages are handled one after the other, as `serve` does. */
  #handling: Promise<void> = Promise.resolve();
  #failure: unknown;
  #lastRef = 0;

  private constructor(handlers: WebSocketHandlers, timeoutMs: number) {
    this.#handlers = handlers;
    this.#timeoutMs = timeoutMs;
    this.subprotocol = handlers.subprotocol;
    this.codec = codecOfSubprotocol(handlers.subprotocol ?? "") ?? jsonCodec;
    let settle: (event: CloseEvent) => void = () => {};
    this.#closed = new Promise((resolve) => (settle = resolve));
    this.#settleClosed = settle;
    handlers.onOpen(this.#connection());
  }

  /** @throws HandshakeRefused */
  static async connect(app: App | WebSocketApp, options: WebSocketOptions = {}): Promise<WebSocketCommunicator> {
    const scope: WebSocketScope = Object.freeze({
      kind: "websocket",
      path: options.path ?? "/v1/socket",
      query: new URLSearchParams(),
      headers: new Headers(options.headers),
      client: { address: options.address ?? "127.0.0.1" },
      subprotocols: options.subprotocols ?? [],
      ...(options.principal === undefined ? {} : { principal: options.principal }),
    });
    const answer = await (typeof app === "function" ? app : app.websocket)(scope);
    if (answer.kind === "refuse") throw new HandshakeRefused(answer.status, answer.body ?? "");
    return new WebSocketCommunicator(answer, options.timeoutMs ?? defaultTimeoutMs);
  }

  /** Sends a frame, or an array frame, encoded. */
  send(frame: object): void {
    const bytes = this.codec.encode(frame);
    this.sendRaw(this.codec.isText ? new TextDecoder().decode(bytes) : bytes);
  }

  /** Sends a message as it is: a string as text, bytes as binary. */
  sendRaw(message: string | Uint8Array): void {
    this.#handling = this.#handle(this.#handling, message);
  }

  async #handle(before: Promise<void>, message: string | Uint8Array): Promise<void> {
    await before;
    if (this.#closeEvent !== undefined) return;
    try {
      await this.#handlers.onMessage(message);
    } catch (error) {
      // What serve would log and answer with 1011; in a test it is the finding.
      this.#failure = error;
      this.#frames.end(`the app threw ${String(error)}`);
    }
  }

  /** Sends a command and waits for the reply to it. @throws when an error came instead */
  async request<R extends Request>(request: R): Promise<ReplyOf<R["type"]>> {
    const frame = await this.answer(request);
    if (frame.type !== "reply") throw new Error(`Asked ${request.type}, was refused: ${JSON.stringify(frame)}`);
    // The server's reply to a command has that command's fields, which the wire suite checks with the schemas.
    return frame as unknown as ReplyOf<R["type"]>;
  }

  /** Sends a command (of any shape) and waits for the reply or the error with its ref. */
  async answer(request: object): Promise<Extract<ServerFrame, { type: "reply" | "error" }>> {
    const ref = ++this.#lastRef;
    this.send({ ...request, ref });
    const frame = await this.#frames.take(
      `the answer to ${JSON.stringify({ ...request, ref }).slice(0, 120)}`,
      (frame) => (frame.type === "reply" || frame.type === "error") && frame.ref === ref,
      this.#timeoutMs,
    );
    return frame as Extract<ServerFrame, { type: "reply" | "error" }>;
  }

  /** The next event of a type, leaving others for other waits. */
  async event<T extends Event["type"]>(type: T, fits: (event: Extract<Event, { type: T }>) => boolean = () => true): Promise<Extract<Event, { type: T }>> {
    const frame = await this.#frames.take(`an event ${type}`, (frame) => frame.type === type && fits(frame as Extract<Event, { type: T }>), this.#timeoutMs);
    return frame as Extract<Event, { type: T }>;
  }

  /** The next frame that fits. */
  async receive(what: string, fits: (frame: ServerFrame) => boolean = () => true): Promise<ServerFrame> {
    return this.#frames.take(what, fits, this.#timeoutMs);
  }

  /**
   * What has arrived and was not taken, after everything that was sent is handled and a turn has passed.
   * For asserting that something did *not* come: send something whose answer comes later, then look here.
   */
  async leftovers(): Promise<readonly ServerFrame[]> {
    await this.#handling;
    await new Promise((resolve) => setImmediate(resolve));
    return this.#frames.drain();
  }

  /** How the app closed the connection. */
  async closed(): Promise<CloseEvent> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`Waited for the app to close the connection: it did not within ${this.#timeoutMs} ms.`)), this.#timeoutMs);
    });
    try {
      return await Promise.race([this.#closed, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes from the client's side. @throws what the app threw meanwhile, if anything */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handling;
    await this.#close({ code: 1000, reason: "" });
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #close(event: CloseEvent): Promise<void> {
    if (this.#closeEvent !== undefined) return;
    this.#closeEvent = event;
    this.#settleClosed(event);
    this.#frames.end(`the connection was closed with ${event.code} ${event.reason}`);
    await this.#handlers.onClose(event);
  }

  #connection(): WebSocketConnection {
    const isOpen = (): boolean => this.#closeEvent === undefined;
    return {
      get isOpen() {
        return isOpen();
      },
      isCongested: false,
      drained: () => Promise.resolve(),
      send: (message) => {
        if (!isOpen()) return;
        for (const frame of decodeServerFrames(this.codec, this.codec.isText ? new TextDecoder().decode(message) : message)) this.#frames.push(frame);
      },
      close: (code, reason) => {
        this.#close({ code, reason }).catch((error: unknown) => (this.#failure = error));
      },
    };
  }
}
