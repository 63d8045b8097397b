/**
 * The sockets of outgoing requests, counted one by one: so many in all, so many to one origin, idle ones closed after a
 * while, old ones not used again (a name's address may have changed). A connection is an undici `Client`, which has one
 * socket and sends one request at a time; undici's own pools queue without bound, and count per origin only.
 *
 * There is no queue here. Whoever sends has one already, a durable one, and is told `outgoing.busy`.
 */
import type { Socket } from "node:net";
import type { Clock } from "@suda/protocol";
import { Client, type buildConnector } from "undici";
import { OutgoingError } from "./outgoing-error.ts";

export interface ConnectionPoolOptions {
  readonly clock: Clock;
  readonly maxConnections: number;
  readonly maxConnectionsPerOrigin: number;
  /** How long a connection waits for its next request. */
  readonly idleMs: number;
  /** After this age a connection gets no further request. */
  readonly maxAgeMs: number;
  readonly maxHeaderBytes: number;
  readonly createConnector: (of: { readonly signal: AbortSignal; readonly onSocket: (socket: Socket) => void }) => buildConnector.connector;
}

export class Connection {
  readonly origin: string;
  readonly client: Client;
  readonly openedAt: number;
  readonly #ended = new AbortController();
  #socket: Socket | undefined;
  #isConnected = false;

  constructor(origin: string, { clock, idleMs, maxHeaderBytes, createConnector }: ConnectionPoolOptions) {
    this.origin = origin;
    this.openedAt = clock.monotonicMs();
    this.client = new Client(origin, {
      connect: createConnector({ signal: this.#ended.signal, onSocket: (socket) => (this.#socket = socket) }),
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: maxHeaderBytes,
      keepAliveTimeout: idleMs,
      // What the server proposes counts up to this.
      keepAliveMaxTimeout: idleMs,
      // The request's total time ends both.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.client.on("connect", () => (this.#isConnected = true));
    this.client.on("disconnect", () => (this.#isConnected = false));
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Ends it at once, also while it is looking up or connecting, which a `Client` alone would let go on. */
  destroy(reason: OutgoingError = new OutgoingError("outgoing.closed")): void {
    this.#ended.abort();
    // Rejects the request, if there is one; it itself does not reject.
    void this.client.destroy(reason);
    // One that is still connecting is not the client's yet.
    this.#socket?.destroy();
  }
}

export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  readonly #busy = new Set<Connection>();
  /** In the order of their last use. */
  readonly #idle = new Set<Connection>();

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#busy.size + this.#idle.size;
  }

  /** A connection for one request, or `undefined` when as many are under way as may be. */
  acquire(origin: string): Connection | undefined {
    const { clock, maxConnections, maxConnectionsPerOrigin, maxAgeMs } = this.#options;
    const underWay = Array.from(this.#busy).filter((one) => one.origin === origin).length;
    if (underWay >= maxConnectionsPerOrigin || this.#busy.size >= maxConnections) return undefined;
    const oldest = clock.monotonicMs() - maxAgeMs;
    for (const one of this.#idle) if (one.openedAt <= oldest) this.#end(one);
    // The one used last: its server has had the least time to close it.
    const used = Array.from(this.#idle).findLast((one) => one.origin === origin);
    const connection = used ?? this.#open(origin);
    this.#idle.delete(connection);
    this.#busy.add(connection);
    return connection;
  }

  /** Gives it back; it is kept only where its answer was read to the end. */
  release(connection: Connection, { isReusable }: { readonly isReusable: boolean }): void {
    this.#busy.delete(connection);
    if (isReusable && connection.isConnected && !connection.client.destroyed) this.#idle.add(connection);
    else connection.destroy();
  }

  destroy(): void {
    for (const one of [...this.#busy, ...this.#idle]) this.#end(one);
  }

  #open(origin: string): Connection {
    const [longestIdle] = this.#idle;
    // Busy ones are fewer than the limit, so where it is reached there is an idle one.
    if (this.size >= this.#options.maxConnections && longestIdle !== undefined) this.#end(longestIdle);
    const connection = new Connection(origin, this.#options);
    // Its server closed it, or nothing came for so long. A busy one is released by its request.
    connection.client.on("disconnect", () => {
      if (this.#idle.has(connection)) this.#end(connection);
    });
    return connection;
  }

  #end(connection: Connection): void {
    this.#busy.delete(connection);
    this.#idle.delete(connection);
    connection.destroy();
  }
}
