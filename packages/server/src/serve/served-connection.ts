/**
 * One accepted socket: ① what arrives goes to the app one message at a time, ⑩ what the app sends leaves
 * once a turn, within bounds.
 *
 * Bounds (promise 6): an outbox over 256 KiB or 1,024 frames that the client has not taken, or older than
 * 10 s, closes the connection as `slow`; the client resumes and reads the log. Inbound: while the app is
 * busy at most 64 messages wait, then the socket is not read. ws would buffer both without bound.
 */
import type { Socket } from "node:net";
import { closeCodes, type CloseReason } from "@suda/protocol";
import { WebSocket } from "ws";
import type { WebSocketConnection, WebSocketHandlers } from "../app/app.ts";
import type { Flusher, OutboxNode } from "./outbox.ts";

export interface ConnectionBounds {
  /** Unwritten bytes over which the connection is slow; default 262,144. */
  readonly outboxMaxBytes: number;
  /** Frames that were given to the socket since it last was empty; default 1,024. */
  readonly outboxMaxFrames: number;
  /** Age of the oldest unwritten byte, ms; default 10,000. */
  readonly outboxMaxAgeMs: number;
  /** Messages from the client that wait while the app is busy; default 64. */
  readonly inboxMaxMessages: number;
  /** Time between pings, ms; default 25,000 with ±20 % jitter. */
  readonly heartbeatMs: number;
  /** Time for the answer to a ping, ms; default 10,000. */
  readonly heartbeatTimeoutMs: number;
}

export const defaultConnectionBounds: ConnectionBounds = {
  outboxMaxBytes: 262_144,
  outboxMaxFrames: 1_024,
  outboxMaxAgeMs: 10_000,
  inboxMaxMessages: 64,
  heartbeatMs: 25_000,
  heartbeatTimeoutMs: 10_000,
};

/** A client that is told to go has this long to answer the close frame; then the socket is destroyed. */
const closeTimeoutMs = 5_000;
/** In a drain all others wait for the next server meanwhile; a client that is cut resumes as one that was told. */
const drainCloseTimeoutMs = 2_000;

export interface ConnectionEnvironment {
  readonly bounds: ConnectionBounds;
  readonly flusher: Flusher;
  readonly onFailure: (error: unknown) => void;
  readonly onClosed: (connection: ServedConnection) => void;
  readonly onSlow: () => void;
}

export class ServedConnection implements WebSocketConnection {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #handlers: WebSocketHandlers;
  readonly #environment: ConnectionEnvironment;
  /** This turn's messages; absent when there are none. */
  #pending: OutboxNode | undefined;
  #framesSinceEmpty = 0;
  /** Since when the socket has not been empty; monotonic ms, set by the sweep. */
  #stalledSince: number | undefined;
  #inbox: (string | Uint8Array)[] = [];
  #isBusy = false;
  #isDraining = false;
  /** The end of what the app is busy with. */
  #working: Promise<void> | undefined;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #isClosed = false;
  #nextPingAt: number;
  #pingedAt: number | undefined;
  #drainWaiters: (() => void)[] | undefined;

  /** @param firstPingAt monotonic ms; random within a heartbeat, so that a reconnect storm does not ping in step */
  constructor(ws: WebSocket, socket: Socket, handlers: WebSocketHandlers, environment: ConnectionEnvironment, firstPingAt: number) {
    this.#ws = ws;
    this.#socket = socket;
    this.#handlers = handlers;
    this.#environment = environment;
    this.#nextPingAt = firstPingAt;
    ws.on("message", (data: Buffer, isBinary) => this.#onMessage(isBinary ? data : data.toString("utf8")));
    ws.on("close", (code, reason) => this.#onClose(code, reason.toString("utf8")));
    // ws answers a protocol error (too large, not UTF-8) with the right close code itself; `close` follows.
    ws.on("error", () => {});
    ws.on("pong", () => (this.#pingedAt = undefined));
    socket.on("drain", () => this.#onDrain());
    handlers.onOpen(this);
  }

  get isOpen(): boolean {
    return this.#closing === undefined && !this.#isClosed && this.#ws.readyState === WebSocket.OPEN;
  }

  get isCongested(): boolean {
    if (!this.#isOverHalf()) return false;
    // Perhaps this turn only brought much: what the client takes at once is no backlog.
    this.flush();
    return this.#isOverHalf();
  }

  send(message: Uint8Array): void {
    if (!this.isOpen) return;
    const { bounds, flusher } = this.#environment;
    if (this.#backlogBytes() > bounds.outboxMaxBytes || this.#framesSinceEmpty > bounds.outboxMaxFrames) return this.#closeAsSlow();
    this.#pending = (this.#pending ?? flusher.enter(this, this.#handlers.joiner)).append(message);
    // A turn that brings very much is written in parts, so that one joined message stays bounded.
    if (this.#pending.count >= bounds.outboxMaxFrames || this.#pending.bytes > bounds.outboxMaxBytes) this.flush();
  }

  flush(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    if (this.#isClosed || this.#socket.destroyed) return;
    this.#framesSinceEmpty = this.#socket.writableLength === 0 ? pending.count : this.#framesSinceEmpty + pending.count;
    // Straight to the socket: without compression ws keeps nothing back, so the order with its own frames holds.
    this.#socket.write(pending.wire(this.#handlers.joiner));
    if (this.#socket.writableLength === 0) this.#framesSinceEmpty = 0;
  }

  async drained(): Promise<void> {
    // Asking writes what is pending first, so that what is left waits for the client and the socket will say `drain`.
    // A server that stops waits for nobody to read; what is too much then closes the connection as ever.
    while (this.isOpen && !this.#isDraining && this.isCongested) await new Promise<void>((resolve) => (this.#drainWaiters ??= []).push(resolve));
  }

  close(code: number, reason: string): void {
    if (this.#closing !== undefined || this.#isClosed) return;
    this.flush();
    this.#closing = { code, reason };
    this.#inbox = [];
    this.#wakeDrainWaiters();
    this.#ws.resume();
    this.#ws.close(code, reason);
    setTimeout(() => this.#ws.terminate(), this.#isDraining ? drainCloseTimeoutMs : closeTimeoutMs).unref();
  }

  /** Takes no more messages, lets the app answer what is under way, then closes for a restart. Never rejects. */
  async drain(): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#inbox = [];
    this.#wakeDrainWaiters();
    try {
      await this.#working;
      await this.#handlers.onDrain?.();
    } catch (error) {
      this.#environment.onFailure(error);
    }
    this.closeFor("restart");
  }

  /** Cuts the socket without a word. */
  terminate(): void {
    this.#ws.terminate();
  }

  closeFor(reason: CloseReason): void {
    this.close(closeCodes[reason].code, reason);
  }

  /** Once a second, by the server: age of the outbox and heartbeat. `jitter` in [0, 1). */
  sweep(nowMs: number, jitter: number): void {
    const { bounds } = this.#environment;
    if (this.#socket.writableLength === 0) this.#stalledSince = undefined;
    else this.#stalledSince ??= nowMs;
    if (this.#stalledSince !== undefined && nowMs - this.#stalledSince > bounds.outboxMaxAgeMs) return this.#closeAsSlow();
    if (this.#pingedAt !== undefined && nowMs - this.#pingedAt > bounds.heartbeatTimeoutMs) return this.closeFor("unresponsive");
    if (nowMs < this.#nextPingAt || !this.isOpen) return;
    this.#nextPingAt = nowMs + bounds.heartbeatMs * (0.8 + 0.4 * jitter);
    this.#pingedAt ??= nowMs;
    this.flush();
    this.#ws.ping();
  }

  /** Frames count only while the socket waits for the client: only then will it say that it has drained. */
  #isOverHalf(): boolean {
    const { outboxMaxBytes, outboxMaxFrames } = this.#environment.bounds;
    return this.#backlogBytes() > outboxMaxBytes / 2 || (this.#framesSinceEmpty > outboxMaxFrames / 2 && this.#socket.writableNeedDrain);
  }

  #backlogBytes(): number {
    return this.#socket.writableLength + (this.#pending?.bytes ?? 0);
  }

  #closeAsSlow(): void {
    if (!this.isOpen) return;
    this.#environment.onSlow();
    this.closeFor("slow");
  }

  #onMessage(message: string | Uint8Array): void {
    if (!this.isOpen || this.#isDraining) return;
    if (this.#isBusy) {
      this.#inbox.push(message);
      if (this.#inbox.length >= this.#environment.bounds.inboxMaxMessages) this.#ws.pause();
      return;
    }
    const going = this.#hand(message);
    if (going !== undefined) this.#working = this.#workOff(going);
  }

  /** Runs while the app is busy; never rejects. */
  async #workOff(first: Promise<void>): Promise<void> {
    this.#isBusy = true;
    await first;
    for (let message = this.#inbox.shift(); message !== undefined; message = this.#inbox.shift()) {
      if (this.#ws.isPaused && this.#inbox.length < this.#environment.bounds.inboxMaxMessages / 4) this.#ws.resume();
      await this.#hand(message);
    }
    this.#isBusy = false;
    if (this.#ws.isPaused) this.#ws.resume();
  }

  #hand(message: string | Uint8Array): Promise<void> | undefined {
    try {
      const going = this.#handlers.onMessage(message);
      return going instanceof Promise ? going.catch((error: unknown) => this.#fail(error)) : undefined;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    this.#environment.onFailure(error);
    this.closeFor("internal");
  }

  #onDrain(): void {
    this.#framesSinceEmpty = 0;
    this.#stalledSince = undefined;
    this.#wakeDrainWaiters();
  }

  #wakeDrainWaiters(): void {
    const waiters = this.#drainWaiters ?? [];
    this.#drainWaiters = undefined;
    for (const wake of waiters) wake();
  }

  #onClose(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inbox = [];
    this.#wakeDrainWaiters();
    this.#environment.onClosed(this);
    const event = this.#closing ?? { code, reason };
    Promise.resolve()
      .then(() => this.#handlers.onClose(event))
      .catch(this.#environment.onFailure);
  }
}
