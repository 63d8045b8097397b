/**
 * Sockets → app, and nothing of chat: our Daphne. ① and ⑩ of the path of a message.
 *
 * Builds scopes, asks the app, upgrades or refuses, keeps the connections within their bounds, and drains:
 * no new connections, wait for the app's work, close all with 1012.
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import { limits, SudaError, type Clock, type Random } from "@suda/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import type { App, HttpScope, WebSocketRefusal, WebSocketScope } from "../app/app.ts";
import { refusalOf } from "../app/refusal.ts";
import { ProxyTrust } from "./client-address.ts";
import { Flusher } from "./outbox.ts";
import { defaultConnectionBounds, ServedConnection, type ConnectionBounds } from "./served-connection.ts";

export interface SocketServerOptions {
  readonly app: App;
  readonly clock: Clock;
  readonly random: Random;
  /** WebSocket connections at once; further ones are refused with 503. Default 100,000. */
  readonly maxConnections?: number;
  readonly bounds?: Partial<ConnectionBounds>;
  /** Proxies whose `X-Forwarded-For` is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /** Time for an app to answer a handshake, ms; default 10,000. */
  readonly handshakeTimeoutMs?: number;
  /** Gets what an app throws; it never ends the process. */
  readonly onFailure: (error: unknown) => void;
  /** A connection was closed because its client did not read. */
  readonly onSlow?: () => void;
}

const sweepIntervalMs = 1_000;
/** So many new connections within so many ms, and the last of them just now: more are likely to wait. */
const crowd = { connections: 32, withinMs: 100, nowMs: 20 };
/** Connections that are told of a restart in one turn. */
const drainBatch = 250;

export class SocketServer implements AsyncDisposable {
  readonly #options: SocketServerOptions;
  readonly #proxies: ProxyTrust;
  readonly #flusher = new Flusher();
  readonly #connections = new Set<ServedConnection>();
  readonly #upgrader: WebSocketServer;
  readonly #bounds: ConnectionBounds;
  /** The subprotocol that the app chose, until ws asks for it within the same handshake. */
  readonly #chosenSubprotocols = new WeakMap<IncomingMessage, string>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #requestListener: (request: IncomingMessage, response: import("node:http").ServerResponse) => void;
  #listening: Server[] = [];
  #handshakes = 0;
  /** Newcomers of this span of time and of the one before. */
  #newcomers = { sinceMs: 0, count: 0, before: 0, lastAtMs: 0 };
  #isDraining = false;

  constructor(options: SocketServerOptions) {
    this.#options = options;
    this.#proxies = new ProxyTrust(options.trustedProxies ?? []);
    this.#bounds = { ...defaultConnectionBounds, ...options.bounds };
    this.#upgrader = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.frameMaxBytes,
      handleProtocols: (_offered, request) => this.#chosenSubprotocols.get(request) ?? false,
    });
    const listener = getRequestListener(
      (request, environment) => options.app.http(this.#httpScope((environment as { incoming: IncomingMessage }).incoming, request), request),
      {
        overrideGlobalObjects: false,
        errorHandler: (error) => {
          // No Host, or a path that is none: the client's mistake.
          if (error instanceof RequestError) return new Response(null, { status: 400 });
          options.onFailure(error);
          return new Response(null, { status: 500 });
        },
      },
    );
    // Not assigned where it is written: V8 makes such functions in its old space, where this one would keep the whole server.
    const requestListener = (request: IncomingMessage, response: import("node:http").ServerResponse): void => void listener(request, response);
    this.#requestListener = requestListener;
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs);
    this.#sweeper.unref();
  }

  /** Open WebSocket connections. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Whether so many are coming in at this moment that others are likely to wait to be taken from the system. */
  get isCrowded(): boolean {
    const { count, before, lastAtMs } = this.#newcomers;
    return count + before >= crowd.connections && this.#options.clock.monotonicMs() - lastAtMs < crowd.nowMs;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Listens on a server of its own. Rejects with Node's error (`EADDRINUSE`, `EACCES`) when it cannot.
   * @param port 0 for any free one
   */
  async listen(address: { readonly port: number; readonly host: string }): Promise<{ readonly port: number; readonly url: string }> {
    const server = createServer(this.#requestListener);
    server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
    server.on("connection", () => this.#countNewcomer());
    this.#harden(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // A backlog for a reconnect storm; Node's default is 511.
      server.listen({ port: address.port, host: address.host, backlog: 4_096 }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    this.#listening.push(server);
    const { port, address: host, family } = server.address() as AddressInfo;
    return { port, url: `http://${family === "IPv6" ? `[${host}]` : host}:${port}` };
  }

  /**
   * Serves the given paths on a server of the team's own, with everything below them; what was there before
   * answers all other requests. The team's server stays theirs to close.
   * @param paths such as `/v1`
   */
  attach(server: Server, paths: readonly string[]): void {
    const owns = (request: IncomingMessage): boolean => {
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      return paths.some((own) => path === own || path.startsWith(`${own}/`));
    };
    const before = server.listeners("request") as ((request: IncomingMessage, response: import("node:http").ServerResponse) => void)[];
    server.removeAllListeners("request");
    server.on("request", (request, response) => {
      if (owns(request)) this.#requestListener(request, response);
      else for (const listener of before) listener.call(server, request, response);
    });
    server.on("upgrade", (request, socket, head) => {
      if (owns(request)) void this.#upgrade(request, socket, head);
      // Where nobody else listens, nobody else would answer or ever close the socket.
      else if (server.listenerCount("upgrade") === 1) refuse(socket as Socket, { kind: "refuse", status: 404 });
    });
  }

  /**
   * Stops taking connections and requests, answers those under way, gives the open connections the close code
   * of a restart, and waits until they are gone or the time is over.
   * @param timeoutMs 0…; default 10,000. What is open then is cut.
   */
  async drain(timeoutMs = 10_000): Promise<void> {
    this.#isDraining = true;
    const servers = new Set(this.#listening);
    this.#listening = [];
    const closed = [...servers].map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => {
            servers.delete(server);
            resolve();
          });
        }),
    );
    const deadline = this.#options.clock.monotonicMs() + timeoutMs;
    // In batches, so that all clients do not come back in the same instant, nor all goodbyes wait for the last.
    for (const [index, connection] of [...this.#connections].entries()) {
      if (index > 0 && index % drainBatch === 0) await new Promise((resolve) => setImmediate(resolve));
      void connection.drain();
    }
    while (this.#connections.size + servers.size > 0 && this.#options.clock.monotonicMs() < deadline) {
      // Again and again, because a request that was just answered leaves an idle connection.
      for (const server of servers) server.closeIdleConnections();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const connection of this.#connections) connection.terminate();
    for (const server of servers) server.closeAllConnections();
    await Promise.all(closed);
    // A socket that was cut tells its connection a few turns later.
    for (let turn = 0; turn < 100 && this.#connections.size > 0; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    await this.drain(1_000);
    this.#upgrader.close();
  }

  #countNewcomer(): void {
    const now = this.#options.clock.monotonicMs();
    const spanMs = now - this.#newcomers.sinceMs;
    if (spanMs >= crowd.withinMs) this.#newcomers = { sinceMs: now, count: 0, before: spanMs < 2 * crowd.withinMs ? this.#newcomers.count : 0, lastAtMs: now };
    this.#newcomers.count++;
    this.#newcomers.lastAtMs = now;
  }

  #harden(server: Server): void {
    // Slow headers and bodies end here; Node's own defaults are a minute and five.
    server.headersTimeout = 10_000;
    server.requestTimeout = 30_000;
    server.keepAliveTimeout = 65_000; // beyond the 60 s after which balancers reuse a connection
    server.maxHeadersCount = 100;
    server.on("clientError", (_error, socket) => {
      if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    });
  }

  async #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const socket = stream as Socket;
    const onError = (): void => void socket.destroy();
    socket.on("error", onError);
    const scope = this.#webSocketScope(request);
    if (scope === undefined) return refuse(socket, { kind: "refuse", status: 400 });
    if (this.#isDraining) return refuse(socket, refusalOf(new SudaError("server.draining", undefined, { retryAfterMs: 1_000 })));
    if (this.#connections.size + this.#handshakes >= (this.#options.maxConnections ?? 100_000)) {
      return refuse(socket, refusalOf(new SudaError("server.busy", "The server has as many connections as it allows.", { retryAfterMs: 1_000 })));
    }
    this.#handshakes++;
    const timeout = setTimeout(() => socket.destroy(), this.#options.handshakeTimeoutMs ?? 10_000);
    try {
      const answer = await this.#options.app.websocket(scope);
      if (socket.destroyed) return;
      if (answer.kind === "refuse") return refuse(socket, answer);
      if (answer.subprotocol !== undefined) this.#chosenSubprotocols.set(request, answer.subprotocol);
      socket.off("error", onError);
      this.#upgrader.handleUpgrade(request, socket, head, (ws: WebSocket) => {
        const firstPingAt = this.#options.clock.monotonicMs() + this.#bounds.heartbeatMs * this.#options.random.float();
        const connection = new ServedConnection(
          ws,
          socket,
          answer,
          {
            bounds: this.#bounds,
            flusher: this.#flusher,
            onFailure: this.#options.onFailure,
            onClosed: (closed) => this.#connections.delete(closed),
            onSlow: this.#options.onSlow ?? (() => {}),
          },
          firstPingAt,
        );
        this.#connections.add(connection);
        if (this.#isDraining) void connection.drain();
      });
    } catch (error) {
      this.#options.onFailure(error);
      refuse(socket, { kind: "refuse", status: 500 });
    } finally {
      clearTimeout(timeout);
      this.#handshakes--;
    }
  }

  #webSocketScope(request: IncomingMessage): WebSocketScope | undefined {
    const url = parseUrl(request.url);
    if (url === undefined || request.method !== "GET") return undefined;
    const offered = request.headers["sec-websocket-protocol"] ?? "";
    return Object.freeze({
      kind: "websocket",
      ...url,
      headers: headersOf(request),
      client: { address: this.#addressOf(request) },
      subprotocols: offered
        .split(",")
        .map((name) => name.trim())
        .filter((name) => name !== ""),
    });
  }

  #httpScope(incoming: IncomingMessage, request: Request): HttpScope {
    const url = parseUrl(incoming.url) ?? { path: "/", query: new URLSearchParams() };
    return Object.freeze({ kind: "http", ...url, headers: request.headers, client: { address: this.#addressOf(incoming) } });
  }

  #addressOf(request: IncomingMessage): string {
    const forwarded = request.headers["x-forwarded-for"];
    return this.#proxies.addressOf(request.socket.remoteAddress ?? "", Array.isArray(forwarded) ? forwarded.join(",") : forwarded);
  }

  #sweep(): void {
    const now = this.#options.clock.monotonicMs();
    for (const connection of this.#connections) connection.sweep(now, this.#options.random.float());
  }
}

function parseUrl(url: string | undefined): { readonly path: string; readonly query: URLSearchParams } | undefined {
  try {
    const parsed = new URL(url ?? "/", "http://server");
    return { path: decodeURIComponent(parsed.pathname), query: parsed.searchParams };
  } catch {
    // Not a path, or broken percent-encoding (URIError, TypeError): a refusal, not a fault.
    return undefined;
  }
}

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (Array.isArray(value)) for (const one of value) headers.append(name, one);
    else if (value !== undefined) headers.set(name, value);
  }
  return headers;
}

function refuse(socket: Socket, { status, headers = {}, body = "" }: WebSocketRefusal): void {
  if (!socket.writable) return void socket.destroy();
  const type = body === "" ? {} : { "Content-Type": "application/json" };
  const lines = Object.entries({ ...headers, ...type, Connection: "close", "Content-Length": String(Buffer.byteLength(body)) }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`);
  // A client that does not close its side is cut.
  setTimeout(() => socket.destroy(), 1_000).unref();
}
