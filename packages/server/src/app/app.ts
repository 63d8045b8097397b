/**
 * The application interface: what stands between sockets and everything else. Our ASGI.
 *
 * An HTTP app is web-standard, a function from scope and `Request` to a `Response`. A WebSocket app is a
 * function from a connection's facts (the scope) to its handlers. Routers and middleware are apps too:
 * they take apps and return an app. Nothing here knows of chat, and no handler is ever found by a name
 * that came over the wire.
 *
 * Idea: asgiref's specification (scope, then messages), carried to types: instead of one `receive` and
 * `send` of dictionaries, one handler record per connection.
 */

/** The frozen facts of one connection or request. */
interface ScopeFacts {
  /** Path without query, percent-decoded once, starting with `/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly client: ClientAddress;
  /** Who is there, put in by authentication; absent until then. */
  readonly principal?: Principal;
}

export interface ClientAddress {
  /** The peer's address, or the first one that a trusted proxy named. */
  readonly address: string;
}

/** Who speaks: one user with a token, or the host's backend with an API key (and through it any user). */
export type Principal = UserPrincipal | BackendPrincipal;

export interface UserPrincipal {
  readonly kind: "user";
  readonly user: string;
  /** Epoch milliseconds after which the token is no longer good. */
  readonly expiresAt: number;
  /** The host's backend signed into the token that a program runs this user. */
  readonly isBot?: true;
}

export interface BackendPrincipal {
  readonly kind: "backend";
  /** Which key, for logs and limits; never the key itself. */
  readonly keyName: string;
}

export interface HttpScope extends ScopeFacts {
  readonly kind: "http";
}

export interface WebSocketScope extends ScopeFacts {
  readonly kind: "websocket";
  /** What the client offered, in its order. */
  readonly subprotocols: readonly string[];
}

export type HttpApp = (scope: HttpScope, request: Request) => Response | Promise<Response>;

export type WebSocketApp = (scope: WebSocketScope) => WebSocketAnswer | Promise<WebSocketAnswer>;

/** The whole program as `serve` sees it. */
export interface App {
  readonly http: HttpApp;
  readonly websocket: WebSocketApp;
}

/** Either the connection is refused before it exists, with an HTTP status, or it is accepted with its handlers. */
export type WebSocketAnswer = WebSocketRefusal | WebSocketHandlers;

export interface WebSocketRefusal {
  readonly kind: "refuse";
  /** HTTP status of the refused handshake, 400–599. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text of the reason. */
  readonly body?: string;
}

export interface WebSocketHandlers {
  readonly kind: "accept";
  /** The one chosen of those offered; absent when none is named in the answer. */
  readonly subprotocol?: string;
  /** Whether messages are text, and how those that one turn brought may be joined into one; without it each is a binary message of its own. */
  readonly joiner?: Joiner;
  /** Before any message. */
  onOpen(connection: WebSocketConnection): void;
  /**
   * One message, text as string and binary as bytes. One at a time and in order: while the returned promise
   * is pending, further messages wait, and after a bound the socket is no longer read.
   */
  onMessage(message: string | Uint8Array): void | Promise<void>;
  /**
   * The server is about to close the connection because it restarts: resolves when what is under way is
   * answered. No message is handed over any more. Absent: nothing is waited for.
   */
  onDrain?(): Promise<void>;
  /** Exactly once, after the last message. The connection takes no more. */
  onClose(event: CloseEvent): void | Promise<void>;
}

export interface CloseEvent {
  /** RFC 6455 §7.4; 1006 when the connection just broke. */
  readonly code: number;
  readonly reason: string;
}

/** How the messages of one turn become one: the app's knowledge, lent to the outbox. */
export interface Joiner {
  /** Whether messages are text (UTF-8 in the bytes) or binary. */
  readonly isText: boolean;
  /** Several encoded messages as one. Called once for all connections that were sent the same ones. Absent: each stays a message of its own. */
  join?(messages: readonly Uint8Array[]): Uint8Array;
}

/** The app's side of one accepted socket. */
export interface WebSocketConnection {
  /**
   * Queues a message; what a turn of the event loop brings is joined and written once. The bytes must not
   * be changed afterwards; giving the same object to many connections is what makes fan-out cheap.
   * On a connection that is closed nothing happens. Over the outbox's bound the connection is closed as slow.
   */
  send(message: Uint8Array): void;
  /** Writes what is queued, then closes. A second call does nothing. */
  close(code: number, reason: string): void;
  /** True while so much is unwritten that replies should wait; see {@link drained}. */
  readonly isCongested: boolean;
  /** Resolves when the backlog is small again, or the connection is closed. */
  drained(): Promise<void>;
  /** False once it is closed from either side. */
  readonly isOpen: boolean;
}
