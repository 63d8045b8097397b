/**
 * One user's connection to a server over as many sockets as it takes: token, hello with resume, requests and
 * their answers, noticing a dead socket, refreshing the token, and coming back.
 *
 * Promises: `onHello` runs before any frame after the reply is handled; after `onLost` nothing of the old
 * socket arrives; a request is answered, refused, or rejected with ConnectionLost. A close code or refusal
 * after which the same thing would happen again ends it for good (`closed`), every other one leads back.
 */
import {
  closeCodes,
  isResumableCloseCode,
  type Clock,
  type CommandOf,
  type CommandType,
  type Event,
  type Random,
  type ReplyOf,
  type Resume,
  type ServerFrame,
  type Timer,
  type UserId,
} from "@suda/protocol";
import { backOffMs } from "./back-off.ts";
import { ClientClosed, ConnectionLost, messageOf, RequestRefused } from "../errors.ts";
import { readFrames, writeFrame } from "./frame-text.ts";
import { expiryOf } from "./token-expiry.ts";
import type { Transport, TransportSocket } from "./transport.ts";

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "open"; readonly user: UserId }
  /** Broken; tries again at `retryAt` (epoch ms). `code` is the close code, 1006 when none came; `error` the server's refusal, if one came. */
  | { readonly kind: "waiting"; readonly retryAt: number; readonly code: number; readonly reason: string; readonly error: RequestRefused | undefined }
  /** For good: disposed, or trying again would end the same way. `error` as above. */
  | { readonly kind: "closed"; readonly code: number; readonly reason: string; readonly error: RequestRefused | undefined };

/** A token of the user, asked for before each connection and before the old one is over. May throw: it is asked again later. */
export type TokenProvider = () => string | Promise<string>;

export interface ConnectionOptions {
  readonly url: string;
  readonly tokenProvider: TokenProvider;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ConnectionListener {
  /** Where the client stands, for hello; `undefined` before it ever said it. */
  resume(): Resume | undefined;
  onState(state: ConnectionState): void;
  onHello(reply: ReplyOf<"hello">): void;
  onEvent(event: Event): void;
  /** The connection that had said hello is gone. */
  onLost(): void;
}

/**
 * @param take given the reply in the turn of its frame, before what the server said after it is looked at: for what a later
 * event must not be undone by
 */
export type Request = <T extends CommandType>(type: T, fields: Omit<CommandOf<T>, "type" | "ref">, take?: (reply: ReplyOf<T>) => void) => Promise<ReplyOf<T>>;

/** From asking for the token to the reply to hello. */
const helloTimeoutMs = 15_000;
/** Nothing heard for so long while a request waits: the socket is dead. */
const replyTimeoutMs = 15_000;
/** Something else is heard: the socket is alive, and the server only slow, which coming back would make worse. But not for ever. */
const longestReplyMs = 60_000;
/** Nothing heard for so long: something cheap is asked. Browsers do not show the server's pings to a page. */
const silenceMs = 20_000;
/** A connection that held for so long begins anew with short waits. */
const stableMs = 10_000;
/** After a 1012 that no `goaway` announced. */
const defaultWindowMs = 5_000;
/** A token is refreshed so long before its end, or after four fifths of its life if that is shorter. */
const refreshLeadMs = 60_000;
const refreshRetryMs = 10_000;
/** setTimeout's longest. */
const maxTimerMs = 2_147_483_647;
const helloRef = 0;

interface Waiting {
  readonly take: ((reply: unknown) => void) | undefined;
  resolve(reply: unknown): void;
  reject(error: Error): void;
  /** monotonicMs of the request. */
  readonly sinceMs: number;
}

/** One try, from the token to the end of its socket. Handlers of an older one find that it is not the current one. */
interface Link {
  socket: TransportSocket | undefined;
  /** monotonicMs of the reply to hello. */
  greetedAtMs: number | undefined;
  readonly timers: Set<Timer>;
}

interface End {
  readonly code: number;
  readonly reason: string;
  readonly retryAfterMs?: number | undefined;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #waiting = new Map<number, Waiting>();
  #state: ConnectionState = { kind: "connecting" };
  #link: Link | undefined;
  #retryTimer: Timer | undefined;
  #nextRef = 1;
  #failures = 0;
  #lastHeardMs = 0;
  #windowMs: number | undefined;
  /** What the server said without a ref, before it closes. */
  #lastRefusal: RequestRefused | undefined;

  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = options;
    this.#listener = listener;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** @throws (rejects) RequestRefused as the server answered, ConnectionLost when there is no connection or it ended first */
  readonly request: Request = async (type, fields, take) => {
    const link = this.#link;
    if (this.#state.kind === "closed") throw new ClientClosed(this.#state.reason);
    if (link?.socket === undefined || this.#state.kind !== "open") throw new ConnectionLost("There is no connection now.");
    return (await this.#ask(link, this.#nextRef++, { type, ...fields }, take as Waiting["take"])) as ReplyOf<typeof type>;
  };

  connect(): void {
    const link: Link = { socket: undefined, greetedAtMs: undefined, timers: new Set() };
    this.#link = link;
    this.#lastRefusal = undefined;
    this.#setState({ kind: "connecting" });
    this.#after(link, helloTimeoutMs, () => {
      if (link.greetedAtMs === undefined) this.#lose(link, { code: 1006, reason: "No answer to hello came in time." });
    });
    // What a transport will not even try (a page of https and a server of ws) stays like that.
    this.#open(link).catch((error: unknown) => this.#end(link, { code: 1006, reason: messageOf(error) }));
  }

  /** Tries now instead of at `retryAt`; in every other state nothing happens. */
  retryNow(): void {
    if (this.#state.kind !== "waiting") return;
    this.#retryTimer?.cancel();
    this.connect();
  }

  /** Ends it for good. */
  close(reason: string): void {
    this.#end(this.#link, { code: closeCodes.normal.code, reason });
  }

  // ── one link ────────────────────────────────────────────────────────────────────────────────────────

  async #open(link: Link): Promise<void> {
    let token: string;
    try {
      token = await this.#options.tokenProvider();
    } catch (error) {
      // The host's code, and most often its network: like a connection that broke.
      return this.#lose(link, { code: 1006, reason: `There is no token: ${messageOf(error)}` });
    }
    if (link !== this.#link) return;
    link.socket = this.#options.transport(this.#options.url, {
      onOpen: () => this.#sayHello(link, token),
      onMessage: (text) => this.#onMessage(link, text),
      onClose: (code, reason) => this.#onClose(link, code, reason),
    });
  }

  #sayHello(link: Link, token: string): void {
    if (link !== this.#link) return;
    this.#heard();
    const resume = this.#listener.resume();
    this.#ask(link, helloRef, { type: "hello", token, ...(resume === undefined ? {} : { resume }) }).catch((error: unknown) => {
      // When the link broke, #lose has seen to it.
      if (!(error instanceof RequestRefused)) return;
      this.#lastRefusal = error;
      const end = { code: 1006, reason: error.message, retryAfterMs: error.retryAfterMs };
      if (error.retryable) this.#lose(link, end);
      else this.#end(link, end);
    });
    this.#refreshBefore(link, expiryOf(token));
  }

  /** In the frame's own turn and not in a promise: what follows hello in the same message is handled after it. */
  #onGreeted(link: Link, reply: ReplyOf<"hello">): void {
    link.greetedAtMs = this.#options.clock.monotonicMs();
    this.#windowMs = undefined;
    this.#setState({ kind: "open", user: reply.user });
    this.#watch(link, reply.user);
    this.#listener.onHello(reply);
  }

  #onMessage(link: Link, text: string): void {
    if (link !== this.#link) return;
    this.#heard();
    const frames = readFrames(text);
    if (frames === undefined) return this.#lose(link, { code: 1006, reason: "What answers there does not speak Suda's protocol." });
    for (const frame of frames) {
      // A frame may have ended the link for those after it.
      if (link !== this.#link) return;
      this.#onFrame(link, frame);
    }
  }

  #onFrame(link: Link, frame: ServerFrame): void {
    // The default stands for all events, those of newer servers too.
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check
    switch (frame.type) {
      case "reply":
        if (frame.ref === helloRef) {
          this.#takeWaiting(helloRef)?.resolve(frame);
          this.#onGreeted(link, frame as unknown as ReplyOf<"hello">);
        } else {
          const waiting = this.#takeWaiting(frame.ref);
          waiting?.take?.(frame);
          waiting?.resolve(frame);
        }
        return;
      case "error":
        if (frame.ref === undefined) this.#lastRefusal = new RequestRefused(frame);
        else this.#takeWaiting(frame.ref)?.reject(new RequestRefused(frame));
        return;
      case "goaway":
        this.#windowMs = frame.windowMs;
        return;
      default:
        if (link.greetedAtMs !== undefined) this.#listener.onEvent(frame);
    }
  }

  #takeWaiting(ref: number | string): Waiting | undefined {
    if (typeof ref !== "number") return undefined;
    const waiting = this.#waiting.get(ref);
    this.#waiting.delete(ref);
    return waiting;
  }

  async #ask(link: Link, ref: number, fields: object, take?: Waiting["take"]): Promise<unknown> {
    const text = writeFrame({ ref, ...fields });
    return await new Promise((resolve, reject) => {
      this.#waiting.set(ref, { take, resolve, reject, sinceMs: this.#options.clock.monotonicMs() });
      link.socket?.send(text);
    });
  }

  #heard(): void {
    this.#lastHeardMs = this.#options.clock.monotonicMs();
  }

  /** A link that is silent is asked something cheap, and ends when a request waits too long. */
  #watch(link: Link, user: UserId, delayMs = silenceMs): void {
    this.#after(link, delayMs, () => {
      const nowMs = this.#options.clock.monotonicMs();
      const quietMs = nowMs - this.#lastHeardMs;
      // The oldest comes first.
      const [oldest] = this.#waiting.values();
      const waitedMs = nowMs - (oldest?.sinceMs ?? nowMs);
      if (waitedMs >= (quietMs < replyTimeoutMs ? longestReplyMs : replyTimeoutMs)) return this.#lose(link, { code: 1006, reason: "No answer came in time." });
      if (oldest === undefined && quietMs < silenceMs) return this.#watch(link, user, silenceMs - quietMs);
      // Answered, refused or lost: each has done its work by being heard, or not.
      if (oldest === undefined) this.request("user.get", { user }).catch(() => {});
      this.#watch(link, user, replyTimeoutMs - Math.min(waitedMs, quietMs));
    });
  }

  // ── the token ───────────────────────────────────────────────────────────────────────────────────────

  #refreshBefore(link: Link, expiresAt: number | undefined): void {
    if (expiresAt === undefined) return;
    const remainingMs = expiresAt - this.#options.clock.now();
    // A clock that is wrong must not make it ask without end.
    const delayMs = Math.max(remainingMs - Math.min(refreshLeadMs, remainingMs / 5), refreshRetryMs);
    this.#after(link, Math.min(delayMs, maxTimerMs), () => {
      if (delayMs > maxTimerMs) return this.#refreshBefore(link, expiresAt);
      this.#refresh(link).catch((error: unknown) => {
        // Refused: the server closes when the old token is over, and a new connection asks for a new one.
        if (error instanceof RequestRefused || link !== this.#link) return;
        this.#after(link, refreshRetryMs, () => this.#refreshBefore(link, expiresAt));
      });
    });
  }

  async #refresh(link: Link): Promise<void> {
    const token = await this.#options.tokenProvider();
    if (link !== this.#link) return;
    const { expiresAt } = await this.request("token.refresh", { token });
    this.#refreshBefore(link, expiresAt);
  }

  // ── the end of a link ───────────────────────────────────────────────────────────────────────────────

  #onClose(link: Link, code: number, reason: string): void {
    const end = { code, reason: this.#lastRefusal?.message ?? meaningOf(code, reason) };
    if (isResumableCloseCode(code) && this.#lastRefusal?.retryable !== false) this.#lose(link, end);
    else this.#end(link, end);
  }

  #lose(link: Link, { code, reason, retryAfterMs }: End): void {
    if (link !== this.#link) return;
    const { clock, random } = this.#options;
    if (link.greetedAtMs !== undefined && clock.monotonicMs() - link.greetedAtMs >= stableMs) this.#failures = 0;
    const windowMs = this.#windowMs ?? (code === closeCodes.restart.code ? defaultWindowMs : undefined);
    const delayMs = backOffMs(random, { failures: this.#windowMs === undefined ? this.#failures : 0, windowMs, retryAfterMs });
    this.#failures++;
    this.#windowMs = undefined;
    this.#retryTimer = clock.schedule(delayMs, () => this.connect());
    this.#letGo(link, { kind: "waiting", retryAt: clock.now() + delayMs, code, reason, error: this.#lastRefusal }, new ConnectionLost(reason));
  }

  #end(link: Link | undefined, { code, reason }: End): void {
    if (link !== this.#link || this.#state.kind === "closed") return;
    this.#retryTimer?.cancel();
    this.#letGo(link, { kind: "closed", code, reason, error: this.#lastRefusal }, new ClientClosed(reason));
  }

  #letGo(link: Link | undefined, state: ConnectionState, error: Error): void {
    this.#link = undefined;
    link?.socket?.close(closeCodes.normal.code);
    for (const timer of link?.timers ?? []) timer.cancel();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#setState(state);
    for (const one of waiting) one.reject(error);
    if (link?.greetedAtMs !== undefined) this.#listener.onLost();
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#listener.onState(state);
  }

  /** A timer that ends with its link. */
  #after(link: Link, delayMs: number, task: () => void): void {
    const timer = this.#options.clock.schedule(delayMs, () => {
      link.timers.delete(timer);
      if (link === this.#link) task();
    });
    link.timers.add(timer);
  }
}

function meaningOf(code: number, reason: string): string {
  const row = Object.values(closeCodes).find((one) => one.code === code);
  return row?.means ?? (reason === "" ? `The connection broke (${code}).` : reason);
}
