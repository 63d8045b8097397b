/**
 * An app that writes down what `serve` does with it: for tests of sockets with no chat above them. Every accepted
 * connection becomes a {@link RecordedConnection}, whose messages and end a test can wait for.
 */
import type { App, CloseEvent, HttpApp, HttpScope, Joiner, WebSocketAnswer, WebSocketConnection, WebSocketScope } from "@suda/server/app";
import { Arrivals, defaultTimeoutMs } from "./waiting.ts";

export interface RecordingAppOptions {
  /** Instead of accepting every connection: an answer, or nothing to accept it. */
  readonly answer?: (scope: WebSocketScope) => WebSocketAnswer | undefined | Promise<WebSocketAnswer | undefined>;
  readonly subprotocol?: string;
  readonly joiner?: Joiner;
  /** Called for each message after it was written down; a pending promise keeps the connection busy. */
  readonly onMessage?: (message: string | Uint8Array, recorded: RecordedConnection) => void | Promise<void>;
  readonly onDrain?: (recorded: RecordedConnection) => Promise<void>;
  /** Default: 200 and the path. */
  readonly http?: HttpApp;
}

export class RecordedConnection {
  readonly scope: WebSocketScope;
  /** Handed over by serve, in order. */
  readonly messages: (string | Uint8Array)[] = [];
  /** How `onClose` was called; more than one would be a fault. */
  readonly closes: CloseEvent[] = [];
  readonly #arrivals = new Arrivals<string | Uint8Array>((message) => (typeof message === "string" ? message.slice(0, 80) : `${message.byteLength} bytes`));
  readonly #ends = new Arrivals<CloseEvent>(({ code }) => String(code));
  #connection: WebSocketConnection | undefined;

  constructor(scope: WebSocketScope) {
    this.scope = scope;
  }

  /** The app's side. @throws before `onOpen` */
  get connection(): WebSocketConnection {
    if (this.#connection === undefined) throw new Error("The connection is not open yet.");
    return this.#connection;
  }

  opened(connection: WebSocketConnection): void {
    this.#connection = connection;
  }

  received(message: string | Uint8Array): void {
    this.messages.push(message);
    this.#arrivals.push(message);
  }

  closed(event: CloseEvent): void {
    this.closes.push(event);
    this.#ends.push(event);
  }

  /** The next message. */
  message(): Promise<string | Uint8Array> {
    return this.#arrivals.take("a message", () => true, defaultTimeoutMs);
  }

  /** How it ended. @param timeoutMs default 10,000 */
  end(timeoutMs: number = defaultTimeoutMs): Promise<CloseEvent> {
    return this.#ends.take("the end of the connection", () => true, timeoutMs);
  }
}

export class RecordingApp implements App {
  readonly http: HttpApp;
  readonly httpScopes: HttpScope[] = [];
  /** Asked for, also those that were refused. */
  readonly scopes: WebSocketScope[] = [];
  readonly #options: RecordingAppOptions;
  readonly #opened = new Arrivals<RecordedConnection>(({ scope }) => scope.path);

  constructor(options: RecordingAppOptions = {}) {
    this.#options = options;
    this.http = (scope, request) => {
      this.httpScopes.push(scope);
      return options.http?.(scope, request) ?? Response.json({ path: scope.path });
    };
  }

  readonly websocket = async (scope: WebSocketScope): Promise<WebSocketAnswer> => {
    this.scopes.push(scope);
    const { answer, subprotocol, joiner, onMessage, onDrain } = this.#options;
    const given = await answer?.(scope);
    if (given !== undefined) return given;
    const recorded = new RecordedConnection(scope);
    return {
      kind: "accept",
      ...(subprotocol === undefined ? {} : { subprotocol }),
      ...(joiner === undefined ? {} : { joiner }),
      onOpen: (connection) => {
        recorded.opened(connection);
        this.#opened.push(recorded);
      },
      onMessage: (message) => {
        recorded.received(message);
        return onMessage?.(message, recorded);
      },
      ...(onDrain === undefined ? {} : { onDrain: () => onDrain(recorded) }),
      onClose: (event) => recorded.closed(event),
    };
  };

  /** The next connection that was opened. */
  connection(): Promise<RecordedConnection> {
    return this.#opened.take("a connection", () => true, defaultTimeoutMs);
  }
}
