/**
 * One user's connection to a server: hello, commands with their replies, sends that survive a broken
 * connection, and coming back. The only file of the client that knows the socket; a client SDK will take its
 * place, behind the same interface.
 *
 * Promises: sends go out one after the other, each with its `clientId` until it is answered, over as many
 * connections as that takes, so that a retry is harmless and the order stays. Everything else that was asked
 * when the connection broke is refused with {@link ConnectionLost}. Back-off is exponential with full jitter
 * (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */
import {
  closeCodes,
  decodeServerFrames,
  isErrorCode,
  isResumableCloseCode,
  jsonCodec,
  stringifyFrame,
  SudaError,
  type ClientId,
  type Clock,
  type CommandOf,
  type CommandType,
  type Content,
  type ConversationId,
  type ErrorFrame,
  type Event,
  type Random,
  type Ref,
  type ReplyOf,
  type ServerFrame,
  type Timer,
} from "@suda/protocol";
import { WebSocket } from "ws";

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "open" }
  /** Will try again at `retryAt` (epoch ms). */
  | { readonly kind: "waiting"; readonly retryAt: number; readonly reason: string }
  /** For good: it was closed here, or trying again would end the same way. */
  | { readonly kind: "closed"; readonly reason: string };

export interface ConnectionListener {
  onState?(state: ConnectionState): void;
  /** Every time hello was answered: at first, and after each break. */
  onHello?(reply: ReplyOf<"hello">): void;
  onEvent?(event: Event): void;
  /** Every frame of the server as it came, before anything else is told of it. */
  onFrame?(frame: ServerFrame): void;
}

export interface ConnectionOptions {
  /** `ws://…/v1/socket`. */
  readonly url: string;
  /** Asked before each hello, so that a new connection has a fresh token. */
  readonly token: () => Promise<string>;
  readonly listener: ConnectionListener;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ChatConnection extends AsyncDisposable {
  readonly state: ConnectionState;
  /** Resolves when hello was answered; rejects when the first attempt fails. @throws ConnectionLost, SudaError */
  open(): Promise<ReplyOf<"hello">>;
  /** @throws SudaError as the server answered; ConnectionLost when there is no connection, or it broke, or 15 s went by */
  request<T extends CommandType>(type: T, fields: Omit<CommandOf<T>, "type" | "ref">): Promise<ReplyOf<T>>;
  /** Queues a message; resolves when it is durable. @throws SudaError as the server answered; ConnectionLost when the connection ends for good */
  send(message: OutgoingMessage): Promise<ReplyOf<"message.send">>;
  /** Sends a frame as it is; its answer comes to `onFrame` only. False when there is no connection. */
  transmit(frame: object): boolean;
  /** Tries again now instead of at `retryAt`. */
  retryNow(): void;
}

export interface OutgoingMessage {
  readonly conversation: ConversationId;
  readonly clientId: ClientId;
  readonly content: Content;
}

export class ConnectionLost extends Error {
  override readonly name: string = "ConnectionLost";
  readonly code = "connection.lost";
}

/** The `ref` of the client's own hello; a string, so that it meets none of the numbers. */
export const helloRef = "suda-hello";

const replyTimeoutMs = 15_000;
const backoffBaseMs = 500;
const backoffMaxMs = 15_000;
/** Nothing heard for so long: ask; for twice as long: the connection is dead, whatever the operating system says. */
const silenceMs = 20_000;
/** Sends that wait; beyond it a send is refused at once. */
const queueMax = 1_000;

interface Waiting {
  resolve(reply: unknown): void;
  reject(error: Error): void;
  readonly timer: Timer;
}

interface QueuedSend {
  readonly message: OutgoingMessage;
  resolve(reply: ReplyOf<"message.send">): void;
  reject(error: Error): void;
}

export function createConnection(options: ConnectionOptions): ChatConnection {
  return new WebSocketConnection(options);
}

class WebSocketConnection implements ChatConnection {
  readonly #options: ConnectionOptions;
  readonly #waiting = new Map<Ref, Waiting>();
  readonly #queue: QueuedSend[] = [];
  #state: ConnectionState = { kind: "connecting" };
  #socket: WebSocket | undefined;
  #nextRef = 1;
  #isSending = false;
  #attempts = 0;
  #retryTimer: Timer | undefined;
  #lastHeardMs = 0;
  /** Why the last connection ended, when the server said so in a frame. */
  #lastError: SudaError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  async open(): Promise<ReplyOf<"hello">> {
    try {
      return await this.#connect();
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
      this.#socket?.terminate();
      throw error;
    }
  }

  async request<T extends CommandType>(type: T, fields: Omit<CommandOf<T>, "type" | "ref">): Promise<ReplyOf<T>> {
    if (this.#state.kind !== "open") throw new ConnectionLost("There is no connection.");
    return (await this.#ask(this.#nextRef++, { type, ...fields })) as ReplyOf<T>;
  }

  async send(message: OutgoingMessage): Promise<ReplyOf<"message.send">> {
    if (this.#state.kind === "closed") throw new ConnectionLost(this.#state.reason);
    if (this.#queue.length >= queueMax) throw new ConnectionLost(`${queueMax} messages wait already.`);
    const { promise, resolve, reject } = withResolvers<ReplyOf<"message.send">>();
    this.#queue.push({ message, resolve, reject });
    this.#flush();
    return await promise;
  }

  transmit(frame: object): boolean {
    if (this.#state.kind !== "open") return false;
    this.#socket?.send(stringifyFrame(frame));
    return true;
  }

  retryNow(): void {
    if (this.#state.kind !== "waiting") return;
    this.#retryTimer?.cancel();
    this.#reconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const socket = this.#socket;
    this.#end("closed here");
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const { promise, resolve } = withResolvers<void>();
    // A server that does not answer the close frame shall not keep the program.
    const timer = setTimeout(() => socket.terminate(), 1_000);
    socket.once("close", () => resolve());
    socket.close(1000);
    await promise;
    clearTimeout(timer);
  }

  // ── one connection ──────────────────────────────────────────────────────────────────────────────────

  async #connect(): Promise<ReplyOf<"hello">> {
    this.#setState({ kind: "connecting" });
    this.#lastError = undefined;
    const token = await this.#options.token();
    const socket = new WebSocket(this.#options.url, [jsonCodec.subprotocol], { maxPayload: 16_777_216, handshakeTimeout: replyTimeoutMs });
    this.#socket = socket;
    const opened = withResolvers<void>();
    let failure: Error | undefined;
    socket.once("open", () => opened.resolve());
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("ping", () => this.#heard());
    socket.on("pong", () => this.#heard());
    socket.on("message", (data, isBinary) => this.#onMessage(data, isBinary));
    socket.once("close", (code, reason) => {
      opened.reject(new ConnectionLost(failure?.message ?? `The server closed the connection (${code}).`, { cause: failure }));
      this.#onClose(socket, code, failure?.message ?? reason.toString());
    });
    await opened.promise;
    this.#heard();
    this.#watch(socket);
    const reply = (await this.#ask(helloRef, { type: "hello", token })) as ReplyOf<"hello">;
    this.#attempts = 0;
    this.#setState({ kind: "open" });
    this.#options.listener.onHello?.(reply);
    this.#flush();
    return reply;
  }

  async #ask(ref: Ref, fields: object): Promise<unknown> {
    const { promise, resolve, reject } = withResolvers<unknown>();
    const timer = this.#options.clock.schedule(replyTimeoutMs, () => {
      this.#waiting.delete(ref);
      reject(new ConnectionLost("The server did not answer in time."));
    });
    this.#waiting.set(ref, { resolve, reject, timer });
    this.#socket?.send(stringifyFrame({ ref, ...fields }));
    return await promise;
  }

  #onMessage(data: unknown, isBinary: boolean): void {
    this.#heard();
    if (isBinary || !Buffer.isBuffer(data)) return;
    let frames: readonly ServerFrame[];
    try {
      frames = decodeServerFrames(jsonCodec, data.toString("utf8"));
    } catch (error) {
      if (!(error instanceof SudaError)) throw error;
      this.#lastError = new SudaError("server.internal", "What answers there does not speak Suda's protocol.", { cause: error });
      this.#socket?.terminate();
      return;
    }
    for (const frame of frames) {
      this.#options.listener.onFrame?.(frame);
      if (frame.type === "reply" || frame.type === "error") this.#settle(frame);
      else this.#options.listener.onEvent?.(frame);
    }
  }

  #settle(frame: Extract<ServerFrame, { type: "reply" | "error" }>): void {
    const error = frame.type === "error" ? errorOf(frame) : undefined;
    const waiting = frame.ref === undefined ? undefined : this.#waiting.get(frame.ref);
    if (waiting === undefined || frame.ref === undefined) {
      // An error without a ref is about the connection, which will be closed.
      if (frame.ref === undefined) this.#lastError = error;
      return;
    }
    this.#waiting.delete(frame.ref);
    waiting.timer.cancel();
    if (error === undefined) waiting.resolve(frame);
    else {
      if (frame.ref === helloRef) this.#lastError = error;
      waiting.reject(error);
    }
  }

  /** A connection that only looks alive is ended, so that the next one can begin. */
  #watch(socket: WebSocket): void {
    this.#options.clock.schedule(silenceMs / 2, () => {
      if (socket !== this.#socket || socket.readyState !== WebSocket.OPEN) return;
      const silentMs = this.#options.clock.monotonicMs() - this.#lastHeardMs;
      if (silentMs > 2 * silenceMs) socket.terminate();
      else {
        if (silentMs > silenceMs) socket.ping();
        this.#watch(socket);
      }
    });
  }

  #heard(): void {
    this.#lastHeardMs = this.#options.clock.monotonicMs();
  }

  #onClose(socket: WebSocket, code: number, reason: string): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    const wasOpen = this.#state.kind === "open";
    const message = this.#lastError?.message ?? (reason === "" ? reasonOf(code) : reason);
    for (const waiting of this.#waiting.values()) {
      waiting.timer.cancel();
      waiting.reject(this.#lastError ?? new ConnectionLost(message));
    }
    this.#waiting.clear();
    this.#isSending = false;
    if (this.#state.kind === "closed") return;
    if (!isResumableCloseCode(code) || this.#lastError?.retryable === false) this.#end(message);
    else if (wasOpen || this.#attempts > 0) this.#wait(message);
  }

  // ── coming back ─────────────────────────────────────────────────────────────────────────────────────

  #wait(reason: string): void {
    const ceilingMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** this.#attempts);
    this.#attempts++;
    const delayMs = Math.round(this.#options.random.float() * ceilingMs);
    this.#setState({ kind: "waiting", retryAt: this.#options.clock.now() + delayMs, reason });
    this.#retryTimer = this.#options.clock.schedule(delayMs, () => this.#reconnect());
  }

  #reconnect(): void {
    // Its failures arrive at #onClose, except those of the token.
    this.#connect().catch((error: unknown) => {
      if (this.#state.kind === "connecting" && this.#socket === undefined) this.#wait(error instanceof Error ? error.message : String(error));
      // A hello that may be repeated (draining, busy), or was not answered: the next attempt comes after the close.
      else if (this.#state.kind === "connecting") this.#socket?.terminate();
    });
  }

  #end(reason: string): void {
    this.#retryTimer?.cancel();
    this.#setState({ kind: "closed", reason });
    for (const queued of this.#queue.splice(0)) queued.reject(new ConnectionLost(reason));
    if (this.#socket !== undefined && this.#socket.readyState !== WebSocket.OPEN) this.#socket.terminate();
  }

  #setState(state: ConnectionState): void {
    if (this.#state.kind === "closed") return;
    this.#state = state;
    this.#options.listener.onState?.(state);
  }

  // ── sends ───────────────────────────────────────────────────────────────────────────────────────────

  /** The first of the queue goes out, and leaves the queue only with its answer. */
  #flush(): void {
    const queued = this.#queue[0];
    if (queued === undefined || this.#isSending || this.#state.kind !== "open") return;
    this.#isSending = true;
    void this.#sendFirst(queued);
  }

  async #sendFirst(queued: QueuedSend): Promise<void> {
    const socket = this.#socket;
    try {
      const reply = (await this.#ask(this.#nextRef++, { type: "message.send", ...queued.message })) as ReplyOf<"message.send">;
      this.#settleFirst(() => queued.resolve(reply));
    } catch (error) {
      // Not ours any more: #onClose has made the queue ready for the next connection, or #end has emptied it.
      if (socket !== this.#socket) return;
      if (!(error instanceof SudaError)) {
        // No answer in time: the outcome is unknown, and the next connection asks again with the same clientId.
        socket?.terminate();
      } else if (error.retryable) {
        this.#options.clock.schedule(Math.max(error.retryAfterMs ?? backoffBaseMs, 50), () => {
          if (socket !== this.#socket) return;
          this.#isSending = false;
          this.#flush();
        });
      } else this.#settleFirst(() => queued.reject(error));
    }
  }

  #settleFirst(settle: () => void): void {
    this.#queue.shift();
    this.#isSending = false;
    settle();
    this.#flush();
  }
}

function errorOf(frame: ErrorFrame): SudaError {
  const { retryAfterMs, path } = frame;
  return new ServerRefusal(frame, { ...(retryAfterMs === undefined ? {} : { retryAfterMs }), ...(path === undefined ? {} : { path }) });
}

/** As the server said it: a newer server may know codes that this program does not. */
class ServerRefusal extends SudaError {
  override readonly retryable: boolean;
  constructor(frame: ErrorFrame, options: { readonly retryAfterMs?: number; readonly path?: string }) {
    super(isErrorCode(frame.code) ? frame.code : "server.internal", frame.message, options);
    this.retryable = frame.retryable;
  }
}

function reasonOf(code: number): string {
  const row = Object.values(closeCodes).find((one) => one.code === code);
  return row?.means ?? "The connection broke.";
}

// Promise.withResolvers came with Node 22.
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
