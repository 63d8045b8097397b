/**
 * A TCP proxy for tests, in the manner of toxiproxy: stands between real clients and a real server and makes the link
 * bad, while it is in use and under the test's control. Bytes are never changed, reordered or lost within a connection,
 * as TCP does not; they come late, slowly, in slices, or the connection ends.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { SeededRandom } from "./seeded-random.ts";

/** How the link is; may be changed at any time, and holds for bytes that come afterwards. */
export interface LinkConditions {
  /** Each way, ms; default 0. */
  readonly latencyMs: number;
  /** Added at random, up to so much, ms; default 0. */
  readonly jitterMs: number;
  /** Each way, bytes per second; default 0, which means no limit. */
  readonly bytesPerSecond: number;
  /** What is passed on at once, bytes; default 0, which means as it comes. */
  readonly sliceBytes: number;
  /** Nothing passes and nothing is taken; the connections stay. Default false. */
  readonly isBlackHole: boolean;
  /** What the server says does not pass, what the client says does: answers are lost when the connection ends. Default false. */
  readonly isMute: boolean;
}

export interface TcpProxyOptions {
  /** Where the server listens. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** For jitter; default a seed of 1. */
  readonly random?: SeededRandom;
  readonly conditions?: Partial<LinkConditions>;
}

const good: LinkConditions = { latencyMs: 0, jitterMs: 0, bytesPerSecond: 0, sliceBytes: 0, isBlackHole: false, isMute: false };

export class TcpProxy implements AsyncDisposable {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  readonly #server: Server;
  readonly #random: SeededRandom;
  readonly #links = new Set<Link>();
  readonly #host: string;
  #target: number;
  #conditions: LinkConditions;
  #refuses = false;

  private constructor(server: Server, options: TcpProxyOptions) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.#host = options.host ?? "127.0.0.1";
    this.#target = options.port;
    this.#random = options.random ?? new SeededRandom(1);
    this.#conditions = { ...good, ...options.conditions };
    server.on("connection", (client) => this.#accept(client));
  }

  static async open(options: TcpProxyOptions): Promise<TcpProxy> {
    // Half-open by ourselves: the end of one direction is passed on as such.
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server, options);
  }

  get conditions(): LinkConditions {
    return this.#conditions;
  }

  /** Connections that pass through now. */
  get connectionCount(): number {
    return this.#links.size;
  }

  /** Changes what is named; the rest stays. */
  set(conditions: Partial<LinkConditions>): void {
    this.#conditions = { ...this.#conditions, ...conditions };
    for (const link of this.#links) link.wake();
  }

  /** The link is good again, and takes connections. */
  heal(): void {
    this.#refuses = false;
    this.set(good);
  }

  /** Where new connections go from now on: the server has come back on another port. Those that are open stay. */
  retarget(port: number): void {
    this.#target = port;
  }

  /** New connections are reset at once, until {@link heal}. */
  refuse(): void {
    this.#refuses = true;
  }

  /** All connections, or those that `fits` chooses by their number from 0, end with RST on both sides. Returns how many. */
  reset(fits: (index: number) => boolean = () => true): number {
    const chosen = [...this.#links].filter((_, index) => fits(index));
    for (const link of chosen) link.reset();
    return chosen.length;
  }

  /** The server is told that its clients have no more to say (FIN); the other direction stays open. */
  halfClose(): void {
    for (const link of this.#links) link.halfClose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#refuses = true;
    this.reset();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    // A reset by the other side is what a proxy is for.
    client.on("error", () => {});
    if (this.#refuses) return void client.resetAndDestroy();
    const server = connect({ port: this.#target, host: this.#host, allowHalfOpen: true });
    const link: Link = new Link({ client, server, random: this.#random, conditions: () => this.#conditions, onEnd: () => this.#links.delete(link) });
    this.#links.add(link);
  }
}

interface LinkOptions {
  readonly client: Socket;
  readonly server: Socket;
  readonly random: SeededRandom;
  readonly conditions: () => LinkConditions;
  readonly onEnd: () => void;
}

class Link {
  readonly #options: LinkOptions;
  readonly #ended = new AbortController();
  #wakers: (() => void)[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
    const { client, server } = options;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => this.reset());
      socket.on("close", () => {
        if (client.destroyed && server.destroyed) this.#end();
      });
    }
    void this.#carry(client, server);
    void this.#carry(server, client);
  }

  /** The conditions have changed. */
  wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  reset(): void {
    const { client, server } = this.#options;
    for (const socket of [client, server]) resetSoon(socket);
    this.#end();
  }

  halfClose(): void {
    this.#options.server.end();
  }

  #end(): void {
    this.#ended.abort();
    this.wake();
    this.#options.onEnd();
  }

  /** One direction, in order. What comes is read ahead by at most what waits for its latency; then the sender feels it. */
  async #carry(from: Socket, to: Socket): Promise<void> {
    const { signal } = this.#ended;
    let passed = Promise.resolve();
    try {
      // The end of one direction must not end the other.
      for await (const bytes of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        const { latencyMs, jitterMs } = this.#options.conditions();
        const dueAt = performance.now() + latencyMs + this.#options.random.float() * jitterMs;
        const before = passed;
        passed = this.#pass(bytes, { to, dueAt, before });
        // Without latency nothing is read ahead.
        if (latencyMs + jitterMs === 0) await passed;
        if (signal.aborted) return;
      }
      await passed;
      if (!to.destroyed) to.end();
    } catch (error) {
      // Either side went away in the middle; the other must learn it as it would.
      if (!signal.aborted && !isGone(error)) throw error;
      this.reset();
    }
  }

  async #pass(bytes: Buffer, { to, dueAt, before }: { to: Socket; dueAt: number; before: Promise<void> }): Promise<void> {
    await before;
    await this.#wait(dueAt - performance.now());
    for (let at = 0; at < bytes.byteLength; ) {
      while (this.#isHeldBack(to) && !this.#ended.signal.aborted) await new Promise<void>((resolve) => this.#wakers.push(resolve));
      const { bytesPerSecond, sliceBytes } = this.#options.conditions();
      // A tenth of a second's worth at a time, so that a slow link is slow and not jerky.
      const limits = [sliceBytes, Math.ceil(bytesPerSecond / 10)].filter((limit) => limit > 0);
      const slice = bytes.subarray(at, at + Math.min(bytes.byteLength, ...limits));
      at += slice.byteLength;
      if (this.#ended.signal.aborted || to.destroyed || to.writableEnded) return;
      if (!to.write(slice)) await this.#drained(to);
      if (bytesPerSecond > 0) await this.#wait((slice.byteLength / bytesPerSecond) * 1_000);
      else if (sliceBytes > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #isHeldBack(to: Socket): boolean {
    const { isBlackHole, isMute } = this.#options.conditions();
    return isBlackHole || (isMute && to === this.#options.client);
  }

  async #drained(to: Socket): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        to.off("drain", done);
        to.off("close", done);
        resolve();
      };
      to.on("drain", done);
      to.on("close", done);
    });
  }

  async #wait(ms: number): Promise<void> {
    if (ms <= 0 || this.#ended.signal.aborted) return;
    try {
      await sleep(ms, undefined, { signal: this.#ended.signal });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

/**
 * When the events of this turn have been seen. `resetAndDestroy` ends the socket first and resets it when that is done;
 * if an error that was already read came between, libuv would refuse to reset while it shuts down (EINVAL), Node would
 * forget the handle without closing it, and the process would turn for ever instead of exiting.
 */
function resetSoon(socket: Socket): void {
  setImmediate(() => {
    if (!socket.destroyed) socket.resetAndDestroy();
  });
}

/** Aborted by ourselves, or a socket that ended in the middle. */
function isGone(error: unknown): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === "AbortError" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET" || code === "EPIPE" || code === "ECONNREFUSED";
}
