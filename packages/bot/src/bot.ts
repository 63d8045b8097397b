/**
 * A bot: its handlers, and the parts that bring events to them. Where it stands in each conversation is its read mark on the
 * server, so it may be stopped, killed and started again anywhere: what it had not worked off, it works off then.
 */
import { setMaxListeners } from "node:events";
import type { WorkerPool } from "@suda/offload";
import { ClientClosed, toConversationId, type TokenProvider, type Transport } from "@suda/client";
import { newClientId } from "@suda/client/connection";
import type { ClientId, Clock, CommandType, Event, LogEvent, Random, ReplyOf, SlashCommand, UserId } from "@suda/protocol";
import { BotError } from "./bot-error.ts";
import { tellProfile } from "./command-registry.ts";
import type { CommandContext, Context, Handler, MessageContext, Middleware, PhotoContext, Sayable, Sent } from "./context.ts";
import type { DeadLetter } from "./conversation-work.ts";
import { EventProcessor } from "./event-processor.ts";
import { bodyOf, sentOf, type Offload } from "./handler-context.ts";
import { Handlers } from "./handlers.ts";
import { ListScan } from "./list-scan.ts";
import { Session, type Fields } from "./session.ts";
import type { StateStore } from "./state-store.ts";
import { Workload } from "./workload.ts";

/** Everything of a bot's options, with defaults filled in. */
export interface BotParts<State> {
  readonly socketUrl: string;
  readonly apiOrigin: string;
  readonly tokenProvider: TokenProvider;
  readonly transport: Transport;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly name: string | undefined;
  readonly states: StateStore;
  readonly initialState: () => State;
  readonly maxStateBytes: number;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly concurrency: number;
  readonly maxWaiting: number;
  /** The team's own pool, which outlives the bot; else one is made when it is first needed. */
  readonly pool: WorkerPool | undefined;
  readonly onProblem: (problem: unknown) => void;
  readonly onDeadLetter: (letter: DeadLetter) => void | Promise<void>;
}

/** What {@link Bot.on} listens to: `message`, an event of the log by its type, or `event` for all of them. */
export type EventName = "message" | "event" | LogEvent["type"];

export type ContextOf<Name extends EventName, State> = Name extends "message"
  ? MessageContext<State>
  : Name extends "event"
    ? Context<State>
    : Context<State, Extract<LogEvent, { readonly type: Name }>>;

export interface SendOptions {
  /** Makes a repetition harmless, for ever. Default: a new one, so that calling `send` again says it again. */
  readonly clientId?: string;
}

/** Conversations remembered while nothing happens there; a cursor is some hundred bytes. */
const maxCursors = 10_000;
/** Handlers that run when the bot is disposed of may go on for so long. */
const drainMs = 5_000;
/** Node ends a process that only waits to connect again: timers of the clock do not hold it. */
const keepAliveMs = 2_147_483_647;

export class Bot<State> implements AsyncDisposable {
  readonly #parts: BotParts<State>;
  readonly #handlers = new Handlers<State>();
  readonly #commands = new Map<string, SlashCommand>();
  readonly #session: Session;
  readonly #workload: Workload;
  readonly #scan: ListScan;
  readonly #stopping = new AbortController();
  readonly #closing = new AbortController();
  #pool: Promise<WorkerPool> | undefined;
  #user: UserId | undefined;
  /** Whether it is known that the user is a bot: only then is anything worked off. */
  #isReady = false;
  #started: Promise<void> | undefined;
  #disposed: Promise<void> | undefined;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(parts: BotParts<State>) {
    this.#parts = parts;
    // Everything that waits listens to it: as much as is done at the same time, which is bounded elsewhere.
    setMaxListeners(0, this.#closing.signal);
    const { clock, onProblem } = parts;
    this.#session = new Session({
      url: parts.socketUrl,
      tokenProvider: parts.tokenProvider,
      transport: parts.transport,
      clock,
      random: parts.random,
      onHello: (reply) => this.#onHello(reply),
      onEvent: (event) => this.#onEvent(event),
      onClosed: (error) => {
        clearInterval(this.#keepAlive);
        onProblem(error);
      },
    });
    const offload: Offload = async (module, input, options) => (await this.#poolOf()).offload(module, input, options);
    const processor = new EventProcessor<State>({ handlers: this.#handlers, offload, ...parts });
    this.#workload = new Workload({
      clock,
      concurrency: parts.concurrency,
      maxWaiting: parts.maxWaiting,
      maxCursors,
      onRoom: () => this.#look(),
      onProblem,
      work: {
        ask: this.#session.ask,
        clock,
        bot: () => this.user,
        process: (one) => processor.process(one),
        maxAttempts: parts.maxAttempts,
        stopping: this.#stopping.signal,
        closing: this.#closing.signal,
        connectionEpoch: () => this.#session.epoch,
        giveUp: (letter) => this.#giveUp(letter),
        onProblem,
      },
    });
    this.#scan = new ListScan({ ask: this.#session.ask, workload: this.#workload, closing: this.#closing.signal });
  }

  /** Who the bot is. @throws Error before it was started */
  get user(): UserId {
    if (this.#user === undefined) throw new Error("The bot does not know who it is before `await bot.start()`.");
    return this.#user;
  }

  /** Around everything, in the order of the calls: for what all handlers want, such as a log line or a check. */
  use(middleware: Middleware<State>): this {
    this.#handlers.use(middleware);
    return this;
  }

  /** `message` for messages that nothing closer takes, an event of the log by its type, or `event` for every one. What the bot does itself comes to no handler. */
  on<Name extends EventName>(name: Name, handler: Handler<ContextOf<Name, State>>): this {
    if (name === "message") this.#handlers.onMessage(handler as Handler<MessageContext<State>>);
    else this.#handlers.onType(name, handler as Handler<Context<State, never>>);
    return this;
  }

  /** `/name …`. With a description, clients offer the command. */
  command(name: string, handler: Handler<CommandContext<State>>): this;
  command(name: string, description: string, handler: Handler<CommandContext<State>>): this;
  command(name: string, ...[first, second]: [Handler<CommandContext<State>>] | [string, Handler<CommandContext<State>>]): this {
    if (!/^[^\s/@]{1,32}$/.test(name))
      throw new TypeError(`${JSON.stringify(name)} is no name of a command: 1 to 32 characters without space, / and @, and without the slash before it.`);
    if (typeof first === "string") this.#commands.set(name, { name, description: first });
    const handler = typeof first === "string" ? second : first;
    if (handler === undefined) throw new TypeError(`The command ${name} has no handler.`);
    this.#handlers.onCommand(name, handler);
    return this;
  }

  /** Messages with a picture: an `image`, or `bytes` of an `image/…` type. */
  photo(handler: Handler<PhotoContext<State>>): this {
    this.#handlers.onPhoto(handler);
    return this;
  }

  /**
   * Connects, and works off what came while the bot was away. Resolves when it is connected and known to be a bot; from then on it
   * comes back by itself. Twice is fine.
   * @throws BotError bot.no_bot; ClientClosed when the server will not have it, such as for a token that is none
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Says one to five messages without having been asked. @throws RequestRefused, ClientClosed */
  async send(conversation: string, message: Sayable | readonly Sayable[], { clientId }: SendOptions = {}): Promise<Sent> {
    const messages = (isList(message) ? message : [message]).map(bodyOf);
    const fields = { conversation: toConversationId(conversation), clientId: (clientId ?? newClientId(this.#parts.random)) as ClientId, messages };
    return sentOf(await this.#session.ask("bot.send", fields, { signal: this.#closing.signal }));
  }

  /** Any command of docs/PROTOCOL.md, asked again when the connection breaks before the answer. @throws RequestRefused, ClientClosed */
  request<T extends CommandType>(type: T, fields: Fields<T>): Promise<ReplyOf<T>> {
    return this.#session.ask(type, fields, { signal: this.#closing.signal });
  }

  /** Begins nothing new, lets handlers end for 5 s, then aborts their signals and closes. Twice is fine. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    this.#stopping.abort();
    const close = (): void => this.#closing.abort(new ClientClosed("The bot was disposed of."));
    const timer = this.#parts.clock.schedule(this.#session.state.kind === "open" ? drainMs : 0, close);
    await this.#workload.end();
    timer.cancel();
    close();
    this.#session.close();
    clearInterval(this.#keepAlive);
    if (this.#pool !== undefined) await (await this.#pool)[Symbol.asyncDispose]();
  }

  async #poolOf(): Promise<WorkerPool> {
    // Loaded when something is offloaded: most bots have nothing of the kind.
    return this.#parts.pool ?? (this.#pool ??= import("@suda/offload").then(({ WorkerPool }) => new WorkerPool()));
  }

  async #start(): Promise<void> {
    this.#closing.signal.throwIfAborted();
    this.#keepAlive = setInterval(() => {}, keepAliveMs);
    this.#session.connect();
    const { signal } = this.#closing;
    try {
      const me = await this.#whoAmI();
      const { user } = await this.#session.ask("user.get", { user: me }, { signal });
      if (user.bot !== true) throw new BotError("bot.no_bot");
      await this.#tellProfile(me);
    } catch (error) {
      clearInterval(this.#keepAlive);
      this.#session.close();
      throw error;
    }
    this.#isReady = true;
    this.#look();
  }

  async #whoAmI(): Promise<UserId> {
    // Any command waits for the first hello, which says who it is.
    await this.#session.ask("conversation.list", { limit: 1 }, { signal: this.#closing.signal });
    return this.user;
  }

  async #tellProfile(bot: UserId): Promise<void> {
    const { name, apiOrigin: origin, tokenProvider, fetch } = this.#parts;
    const commands = [...this.#commands.values()];
    if (name === undefined && commands.length === 0) return;
    const options = { origin, token: await tokenProvider(), fetch, signal: this.#closing.signal };
    try {
      await tellProfile(bot, { name, commands }, options);
    } catch (error) {
      // It answers all the same, so it does not stay away for this.
      this.#parts.onProblem(new BotError("bot.commands", { cause: error }));
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
      if (!this.#closing.signal.aborted && !(error instanceof ClientClosed)) this.#parts.onProblem(error);
    });
  }

  async #giveUp(letter: DeadLetter): Promise<void> {
    try {
      await this.#parts.onDeadLetter(letter);
    } catch (error) {
      this.#parts.onProblem(error);
    }
  }
}

function isList(message: Sayable | readonly Sayable[]): message is readonly Sayable[] {
  return Array.isArray(message);
}
