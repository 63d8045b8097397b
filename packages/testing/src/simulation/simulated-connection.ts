/**
 * One WebSocket over a simulated network, both ends: towards the app it is what `serve` gives (one message at a time,
 * an outbox that is bounded in bytes, frames and age, a turn written at once), towards the client a transport. On the
 * way messages take time, keep their order, and are lost from a point on when the connection breaks.
 */
import { closeCodes, type Timer } from "@suda/protocol";
import type { WebSocketConnection, WebSocketHandlers } from "@suda/server/app";
import type { SeededRandom } from "../seeded-random.ts";
import type { VirtualTime } from "./virtual-time.ts";
import { framesOf, isLogEvent } from "./wire-tap.ts";

/** What a client is told of its socket; `@suda/client`'s `TransportHandlers`. */
export interface ClientHandlers {
  onOpen(): void;
  onMessage(text: string): void;
  onClose(code: number, reason: string): void;
}

export interface SimulatedBounds {
  readonly outboxMaxBytes: number;
  readonly outboxMaxFrames: number;
  readonly outboxMaxAgeMs: number;
}

export interface SimulatedConnectionOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly client: ClientHandlers;
  readonly bounds: SimulatedBounds;
  /** The least delay of a message on this way; each takes up to three times as long. */
  readonly delayMs: number;
  /** Has something to write when the turn ends. */
  readonly onPending: (connection: SimulatedConnection) => void;
  /** The app's side is over. */
  readonly onServerClosed: (connection: SimulatedConnection) => void;
  /** The client's side is over. */
  readonly onClientClosed: (connection: SimulatedConnection) => void;
  readonly onFailure: (error: unknown) => void;
}

/** After a close that the client does not answer. */
const closeTimeoutMs = 5_000;
const echoMaxMs = 500;
const decoder = new TextDecoder();
/** What goes to many connections is the same bytes, one connection after the other. */
const recent: { bytes: Uint8Array; text: string }[] = [];
const recentMax = 16;
let oldest = 0;

function textOf(bytes: Uint8Array): string {
  for (const known of recent) if (known.bytes === bytes) return known.text;
  const text = decoder.decode(bytes);
  recent[oldest] = { bytes, text };
  oldest = (oldest + 1) % recentMax;
  return text;
}

export class SimulatedConnection implements WebSocketConnection {
  readonly #options: SimulatedConnectionOptions;
  #handlers: WebSocketHandlers | undefined;
  /** What is on the way is lost, and nothing is taken any more. */
  #isCut = false;
  #isClientOpen = true;
  #isReading = true;
  /** Until then log events come twice. */
  #echoUntil = 0;
  #lastUpAt = 0;
  #lastDownAt = 0;
  // The app's side, as in packages/server/src/serve/served-connection.ts.
  #isServerClosed = false;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #unwritten: { readonly text: string; readonly bytes: number }[] = [];
  #unwrittenBytes = 0;
  #framesSinceEmpty = 0;
  #ageTimer: Timer | undefined;
  #inbox: string[] = [];
  #working: Promise<void> | undefined;
  #isDraining = false;
  #drainWaiters: (() => void)[] = [];

  constructor(options: SimulatedConnectionOptions) {
    this.#options = options;
  }

  // ── the app's side ──────────────────────────────────────────────────────────────────────────────────

  /** The handshake was answered. */
  accept(handlers: WebSocketHandlers): void {
    this.#handlers = handlers;
    handlers.onOpen(this);
    this.#down(() => this.#options.client.onOpen());
  }

  /** The handshake was refused, or nobody listens. */
  refuse(): void {
    this.#isServerClosed = true;
    this.#down(() => this.#endClient(1006, ""));
  }

  get isOpen(): boolean {
    return this.#closing === undefined && !this.#isServerClosed;
  }

  get isCongested(): boolean {
    if (!this.#isOverHalf()) return false;
    this.flush();
    return this.#isOverHalf();
  }

  send(message: Uint8Array): void {
    if (!this.isOpen) return;
    const { bounds, onPending } = this.#options;
    if (this.#backlogBytes() > bounds.outboxMaxBytes || this.#framesSinceEmpty > bounds.outboxMaxFrames) return this.#closeAsSlow();
    if (this.#pending.length === 0) onPending(this);
    this.#pending.push(message);
    this.#pendingBytes += message.byteLength;
    if (this.#pending.length >= bounds.outboxMaxFrames || this.#pendingBytes > bounds.outboxMaxBytes) this.flush();
  }

  flush(): void {
    const messages = this.#pending;
    if (messages.length === 0) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.#isServerClosed) return;
    const joined = this.#handlers?.joiner?.join?.(messages);
    const texts = (joined === undefined ? messages : [joined]).map((bytes) => ({ text: textOf(bytes), bytes: bytes.byteLength }));
    if (this.#isReading && !this.#isCut) {
      for (const { text } of texts) this.#transmit(text);
      return;
    }
    this.#framesSinceEmpty += messages.length;
    for (const one of texts) {
      this.#unwritten.push(one);
      this.#unwrittenBytes += one.bytes;
    }
    this.#ageTimer ??= this.#options.time.schedule(this.#options.bounds.outboxMaxAgeMs, () => this.#closeAsSlow());
  }

  async drained(): Promise<void> {
    while (this.isOpen && this.isCongested) await new Promise<void>((resolve) => this.#drainWaiters.push(resolve));
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.flush();
    this.#closing = { code, reason };
    this.#inbox = [];
    this.#wakeDrainWaiters();
    if (this.#isReading && !this.#isCut) this.#down(() => this.#endClient(code, reason));
    // Answered, or cut.
    this.#options.time.schedule(this.#isReading && !this.#isCut ? 3 * this.#options.delayMs : closeTimeoutMs, () => {
      if (this.#isClientOpen) this.#tellClient(0);
      this.#endServer(code, reason);
    });
  }

  /** As `serve` drains: what is under way is answered, then 1012. Never rejects. */
  async drain(): Promise<void> {
    if (this.#isDraining || this.#isServerClosed) return;
    this.#isDraining = true;
    this.#inbox = [];
    try {
      await this.#working;
      await this.#handlers?.onDrain?.();
    } catch (error) {
      this.#options.onFailure(error);
    }
    this.close(closeCodes.restart.code, "restart");
  }

  /** The process is gone: no handler is called any more. The client learns it in a while. */
  crash(): void {
    this.#isServerClosed = true;
    this.#pending = [];
    this.#inbox = [];
    this.#ageTimer?.cancel();
    this.#tellClient(this.#options.random.integer(0, 500));
  }

  // ── the client's side ───────────────────────────────────────────────────────────────────────────────

  clientSend(text: string): void {
    if (this.#isClientOpen && !this.#isCut) this.#up(() => this.#arrive(text));
  }

  clientClose(code: number): void {
    if (!this.#isClientOpen) return;
    this.#isClientOpen = false;
    this.#options.onClientClosed(this);
    if (!this.#isCut) this.#up(() => this.#endServer(code, ""));
  }

  // ── faults ──────────────────────────────────────────────────────────────────────────────────────────

  /** The connection breaks now; each side learns it after its time. */
  cut(times: { readonly serverMs: number; readonly clientMs: number }): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#options.time.schedule(times.serverMs, () => this.#endServer(1006, ""));
    this.#tellClient(times.clientMs);
  }

  /** The client does not read for a while. */
  stall(ms: number): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#options.time.schedule(ms, () => this.resume());
  }

  resume(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    if (this.#isCut || this.#isServerClosed) return;
    for (const { text } of this.#unwritten) this.#transmit(text);
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
    this.#framesSinceEmpty = 0;
    this.#ageTimer?.cancel();
    this.#ageTimer = undefined;
    if (this.#closing !== undefined) {
      const { code, reason } = this.#closing;
      this.#down(() => this.#endClient(code, reason));
    }
    this.#wakeDrainWaiters();
  }

  /** For a while each log event comes again, some time after the first: at least once, and not exactly once. */
  duplicate(ms: number): void {
    this.#echoUntil = this.#options.time.now + ms;
  }

  // ── on the way ──────────────────────────────────────────────────────────────────────────────────────

  #transmit(text: string): void {
    const { time, random, client } = this.#options;
    this.#down(() => client.onMessage(text));
    if (time.now >= this.#echoUntil) return;
    const events = framesOf(text).filter(isLogEvent);
    if (events.length > 0) time.schedule(random.integer(1, echoMaxMs), () => this.#down(() => client.onMessage(JSON.stringify(events))));
  }

  #up(arrive: () => void): void {
    const { time } = this.#options;
    this.#lastUpAt = Math.max(this.#lastUpAt, time.now + this.#delay());
    time.schedule(this.#lastUpAt - time.now, () => {
      if (!this.#isCut && !this.#isServerClosed) arrive();
    });
  }

  #down(arrive: () => void): void {
    const { time } = this.#options;
    this.#lastDownAt = Math.max(this.#lastDownAt, time.now + this.#delay());
    time.schedule(this.#lastDownAt - time.now, () => {
      if (!this.#isCut && this.#isClientOpen) arrive();
    });
  }

  #delay(): number {
    const { random, delayMs } = this.#options;
    return random.integer(delayMs, 3 * delayMs);
  }

  #arrive(text: string): void {
    if (!this.isOpen || this.#isDraining) return;
    this.#inbox.push(text);
    this.#working ??= this.#workOff();
  }

  async #workOff(): Promise<void> {
    try {
      for (let text = this.#inbox.shift(); text !== undefined; text = this.#inbox.shift()) await this.#handlers?.onMessage(text);
    } catch (error) {
      this.#options.onFailure(error);
      this.close(closeCodes.internal.code, "internal");
    }
    this.#working = undefined;
  }

  #tellClient(afterMs: number): void {
    this.#options.time.schedule(afterMs, () => this.#endClient(1006, ""));
  }

  #endClient(code: number, reason: string): void {
    if (!this.#isClientOpen) return;
    this.#isClientOpen = false;
    this.#options.onClientClosed(this);
    this.#options.client.onClose(code, reason);
  }

  #endServer(code: number, reason: string): void {
    if (this.#isServerClosed) return;
    this.#isServerClosed = true;
    this.#inbox = [];
    this.#ageTimer?.cancel();
    this.#wakeDrainWaiters();
    this.#options.onServerClosed(this);
    Promise.resolve(this.#handlers?.onClose(this.#closing ?? { code, reason })).catch(this.#options.onFailure);
  }

  #closeAsSlow(): void {
    this.close(closeCodes.slow.code, "slow");
  }

  #isOverHalf(): boolean {
    const { outboxMaxBytes, outboxMaxFrames } = this.#options.bounds;
    return this.#backlogBytes() > outboxMaxBytes / 2 || (this.#framesSinceEmpty > outboxMaxFrames / 2 && this.#unwritten.length > 0);
  }

  #backlogBytes(): number {
    return this.#unwrittenBytes + this.#pendingBytes;
  }

  #wakeDrainWaiters(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const wake of waiters) wake();
  }
}
