/** The transport of clients and bots to an app in this process: no socket, and a network that a test cuts. */
import type { Transport, TransportHandlers } from "@suda/client";
import type { WebSocketApp, WebSocketHandlers, WebSocketScope } from "@suda/server/app";

const decoder = new TextDecoder();

export class AppTransport {
  readonly #app: WebSocketApp;
  readonly #open = new Set<AppSocket>();
  /** New connections fail while it is false. */
  isOnline = true;

  constructor(app: WebSocketApp) {
    this.#app = app;
  }

  readonly transport: Transport = (_url, handlers) => {
    const socket = new AppSocket(handlers, (ended) => this.#open.delete(ended));
    this.#open.add(socket);
    if (this.isOnline) void socket.shake(this.#app);
    else queueMicrotask(() => socket.break());
    return { send: (text) => socket.send(text), close: (code) => socket.end(code) };
  };

  /** Every connection breaks, without a word to either side. */
  cut(): void {
    for (const socket of this.#open) socket.break();
  }
}

class AppSocket {
  readonly #handlers: TransportHandlers;
  readonly #onEnd: (socket: AppSocket) => void;
  #server: WebSocketHandlers | undefined;
  #isEnded = false;
  /** Messages are handled one after the other, as `serve` does. */
  #handling: Promise<void> = Promise.resolve();

  constructor(handlers: TransportHandlers, onEnd: (socket: AppSocket) => void) {
    this.#handlers = handlers;
    this.#onEnd = onEnd;
  }

  async shake(app: WebSocketApp): Promise<void> {
    const answer = await app(scope);
    if (this.#isEnded) return;
    if (answer.kind === "refuse") return this.break();
    this.#server = answer;
    const isOpen = (): boolean => !this.#isEnded;
    answer.onOpen({
      get isOpen() {
        return isOpen();
      },
      isCongested: false,
      drained: () => Promise.resolve(),
      send: (message) => {
        if (isOpen()) this.#handlers.onMessage(decoder.decode(message));
      },
      close: (code, reason) => this.#finish(code, reason, true),
    });
    this.#handlers.onOpen();
  }

  send(text: string): void {
    this.#handling = this.#handle(this.#handling, text);
  }

  async #handle(before: Promise<void>, text: string): Promise<void> {
    await before;
    if (!this.#isEnded) await this.#server?.onMessage(text);
  }

  /** The client closes. */
  end(code: number): void {
    this.#finish(code, "", false);
  }

  break(): void {
    this.#finish(1006, "", true);
  }

  #finish(code: number, reason: string, isToldClient: boolean): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd(this);
    if (isToldClient) this.#handlers.onClose(code, reason);
    void this.#server?.onClose({ code, reason });
  }
}

const scope: WebSocketScope = Object.freeze({
  kind: "websocket",
  path: "/v1/socket",
  query: new URLSearchParams(),
  headers: new Headers(),
  client: { address: "127.0.0.1" },
  subprotocols: [],
});
