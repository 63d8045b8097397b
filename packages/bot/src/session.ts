/**
 * The bot's connection: `@suda/client`'s, and requests that outlive it. What a bot asks has a clientId or is the same twice,
 * so a request whose connection broke is asked again on the next one; a limit or a busy server is waited for.
 */
import { ConnectionLost, RequestRefused, ClientClosed, type ConnectionState, type TokenProvider, type Transport } from "@suda/client";
import { Connection } from "@suda/client/connection";
import type { Clock, CommandOf, CommandType, Event, Random, ReplyOf } from "@suda/protocol";
import { pause } from "./pause.ts";

export interface SessionOptions {
  readonly url: string;
  readonly tokenProvider: TokenProvider;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly onHello: (reply: ReplyOf<"hello">) => void;
  readonly onEvent: (event: Event) => void;
  /** Ended for good, and not by us. */
  readonly onClosed: (error: ClientClosed) => void;
}

export interface AskOptions {
  readonly signal: AbortSignal;
  /** The longest that a refusal is waited for before it is thrown. Default 5 s; infinite: for as long as it takes. */
  readonly patienceMs?: number;
}

/** A command's fields, without what the connection adds. */
export type Fields<T extends CommandType> = Omit<CommandOf<T>, "type" | "ref">;

export type Ask = <T extends CommandType>(type: T, fields: Fields<T>, options: AskOptions) => Promise<ReplyOf<T>>;

const defaultPatienceMs = 5_000;
/** When a refusal that may pass names no time. */
const retryMs = 1_000;
/** How often a refusal is waited for before it is thrown; limits and restarts are not counted. */
const maxRefusals = 5;

export class Session {
  readonly #options: SessionOptions;
  readonly #connection: Connection;
  readonly #waiting = new Set<() => void>();
  /** Until then (monotonic) the server takes no command: all wait, so that a limit is met once. */
  #limitedUntilMs = 0;
  #isDisposed = false;
  /** How many connections there have been; two equal ones mean that none broke between. */
  #epoch = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#connection = new Connection(options, {
      resume: () => undefined,
      onState: (state) => this.#onState(state),
      onHello: (reply) => {
        this.#epoch++;
        options.onHello(reply);
        this.#wake();
      },
      onEvent: options.onEvent,
      onLost: () => {
        this.#epoch++;
      },
    });
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  get epoch(): number {
    return this.#epoch;
  }

  connect(): void {
    this.#connection.connect();
  }

  close(): void {
    this.#isDisposed = true;
    this.#connection.close("The bot was disposed.");
  }

  /** @throws RequestRefused, ClientClosed, the signal's reason */
  readonly ask: Ask = async (type, fields, { signal, patienceMs = defaultPatienceMs }) => {
    const { clock } = this.#options;
    for (let refusals = 0; ; ) {
      await this.#open(signal);
      const limitedMs = this.#limitedUntilMs - clock.monotonicMs();
      if (limitedMs > 0) {
        await pause(clock, limitedMs, signal);
        continue;
      }
      try {
        return await this.#connection.request(type, fields);
      } catch (error) {
        if (error instanceof ConnectionLost) continue;
        if (!(error instanceof RequestRefused) || !error.retryable) throw error;
        const waitMs = error.retryAfterMs ?? retryMs;
        if (error.code === "rate.limited") {
          this.#limitedUntilMs = Math.max(this.#limitedUntilMs, clock.monotonicMs() + waitMs);
          continue;
        }
        if (waitMs > patienceMs || (++refusals > maxRefusals && patienceMs !== Number.POSITIVE_INFINITY)) throw error;
        await pause(clock, waitMs, signal);
      }
    }
  };

  /** @throws ClientClosed, the signal's reason */
  async #open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#connection.state.kind !== "open") {
      const { state } = this.#connection;
      if (state.kind === "closed") throw new ClientClosed(state.reason);
      let wake = (): void => {};
      const woken = new Promise<void>((resolve) => (wake = resolve));
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
      await woken;
      this.#waiting.delete(wake);
      signal.removeEventListener("abort", wake);
      signal.throwIfAborted();
    }
  }

  #onState(state: ConnectionState): void {
    if (state.kind !== "closed") return;
    this.#wake();
    if (!this.#isDisposed) this.#options.onClosed(new ClientClosed(state.reason));
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
