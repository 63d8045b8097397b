/**
 * The WebSocket transport: one connection outwards, on which the bot hears of events, asks for what it missed, and speaks. Where it
 * stands in each conversation is its read mark on the server.
 */
import { ClientClosed, type TokenProvider, type Transport } from "@suda/client";
import type { Clock, Event, Random, ReplyOf, UserId } from "@suda/protocol";
import { BotError } from "./bot-error.ts";
import { tellProfile, type BotProfile } from "./command-registry.ts";
import type { DeadLetter } from "./conversation-work.ts";
import type { Outcome, Try } from "./event-processor.ts";
import { ListScan } from "./list-scan.ts";
import { Session, type Ask } from "./session.ts";
import { Workload } from "./workload.ts";

/** Where the server is, and who the bot is there. */
export interface ServerLink {
  readonly socketUrl: string;
  readonly apiOrigin: string;
  readonly tokenProvider: TokenProvider;
}

export interface SocketTransportOptions {
  readonly server: ServerLink;
  readonly transport: Transport;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly process: (one: Try) => Promise<Outcome>;
  readonly profile: () => BotProfile;
  readonly concurrency: number;
  readonly maxWaiting: number;
  readonly maxAttempts: number;
  /** Everything is given up. */
  readonly closing: AbortSignal;
  readonly giveUp: (letter: DeadLetter) => Promise<void>;
  readonly onProblem: (problem: unknown) => void;
}

/** Conversations remembered while nothing happens there; a cursor is some hundred bytes. */
const maxCursors = 10_000;
/** Node ends a process that only waits to connect again: timers of the clock do not hold it. */
const keepAliveMs = 2_147_483_647;

export class SocketTransport {
  readonly #options: SocketTransportOptions;
  readonly #session: Session;
  readonly #workload: Workload;
  readonly #scan: ListScan;
  readonly #stopping = new AbortController();
  #user: UserId | undefined;
  /** Whether it is known that the user is a bot: only then is anything worked off. */
  #isReady = false;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(options: SocketTransportOptions) {
    this.#options = options;
    const { server, transport, clock, random, process, closing, maxAttempts, giveUp, onProblem } = options;
    this.#session = new Session({
      url: server.socketUrl,
      tokenProvider: server.tokenProvider,
      transport,
      clock,
      random,
      onHello: (reply) => this.#onHello(reply),
      onEvent: (event) => this.#onEvent(event),
      onClosed: (error) => {
        clearInterval(this.#keepAlive);
        onProblem(error);
      },
    });
    this.#workload = new Workload({
      clock,
      concurrency: options.concurrency,
      maxWaiting: options.maxWaiting,
      maxCursors,
      onRoom: () => this.#look(),
      onProblem,
      work: {
        ask: this.#session.ask,
        clock,
        bot: () => this.user,
        process,
        maxAttempts,
        stopping: this.#stopping.signal,
        closing,
        connectionEpoch: () => this.#session.epoch,
        giveUp,
        onProblem,
      },
    });
    this.#scan = new ListScan({ ask: this.#session.ask, workload: this.#workload, closing });
  }

  get ask(): Ask {
    return this.#session.ask;
  }

  get isOpen(): boolean {
    return this.#session.state.kind === "open";
  }

  /** @throws Error before it was started */
  get user(): UserId {
    if (this.#user === undefined) throw new Error("The bot does not know who it is before `await bot.start()`.");
    return this.#user;
  }

  /** @throws BotError bot.no_bot; ClientClosed */
  async start(): Promise<void> {
    const { closing: signal } = this.#options;
    this.#keepAlive = setInterval(() => {}, keepAliveMs);
    this.#session.connect();
    try {
      // Any command waits for the first hello, which says who it is.
      await this.#session.ask("conversation.list", { limit: 1 }, { signal });
      const { user } = await this.#session.ask("user.get", { user: this.user }, { signal });
      if (user.bot !== true) throw new BotError("bot.no_bot");
      await this.#tellProfile();
    } catch (error) {
      this.close();
      throw error;
    }
    this.#isReady = true;
    this.#look();
  }

  /** Begins nothing new; resolves when nothing runs. */
  async end(): Promise<void> {
    this.#stopping.abort();
    await this.#workload.end();
  }

  close(): void {
    clearInterval(this.#keepAlive);
    this.#session.close();
  }

  async #tellProfile(): Promise<void> {
    const { profile, server, fetch, closing: signal, onProblem } = this.#options;
    const { name, commands } = profile();
    if (name === undefined && commands.length === 0) return;
    try {
      await tellProfile(this.user, { name, commands }, { origin: server.apiOrigin, token: await server.tokenProvider(), fetch, signal });
    } catch (error) {
      // It answers all the same, so it does not stay away for this.
      onProblem(new BotError("bot.commands", { cause: error }));
    }
  }

  // ── what the connection tells ───────────────────────────────────────────────────────────────────────

  #onHello(reply: ReplyOf<"hello">): void {
    this.#user = reply.user;
    if (!this.#isReady) return;
    this.#workload.refresh();
    this.#look(reply);
  }

  #onEvent(event: Event): void {
    // What comes before is found by the first look.
    if (!this.#isReady) return;
    // The default stands for all entries of logs, those of newer servers too.
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check
    switch (event.type) {
      case "conversation.joined":
        return this.#workload.noteRecord(event.conversation);
      case "lag":
        return this.#workload.fallBehind(event.conversation);
      default:
        if ("seq" in event) this.#workload.offer(event);
    }
  }

  /** Finds what there is to do. */
  #look(first?: Pick<ReplyOf<"conversation.list">, "conversations" | "more" | "next">): void {
    this.#scan.run(first).catch((error: unknown) => {
      if (!this.#options.closing.aborted && !(error instanceof ClientClosed)) this.#options.onProblem(error);
    });
  }
}
