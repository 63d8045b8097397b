/**
 * A bot: its handlers, and what brings events to them: a connection, requests of the server, or both in one program (but not for
 * one bot user at a time, who has one read mark).
 */
import { setMaxListeners } from "node:events";
import { ClientClosed, toConversationId, type TokenProvider, type Transport } from "@suda/client";
import { newClientId } from "@suda/client/connection";
import type { WorkerPool } from "@suda/offload";
import type { ClientId, Clock, CommandType, LogEvent, Random, ReplyOf, SlashCommand, UserId } from "@suda/protocol";
import type { BotProfile } from "./command-registry.ts";
import type { ActionContext, CommandContext, Context, FormContext, Handler, MessageContext, Middleware, PhotoContext, Sayable, Sent } from "./context.ts";
import type { DeadLetter } from "./conversation-work.ts";
import { EventProcessor, type Outcome, type Try } from "./event-processor.ts";
import { bodyOf, sentOf, type Offload } from "./handler-context.ts";
import { Handlers } from "./handlers.ts";
import { createHttpAsk } from "./http-ask.ts";
import type { Fields } from "./session.ts";
import { SocketTransport, type ServerLink } from "./socket-transport.ts";
import type { StateStore } from "./state-store.ts";
import { WebhookReceiver } from "./webhook-receiver.ts";

/** Everything of a bot's options, with defaults filled in. */
export interface BotParts<State> {
  /** Where the server is; `undefined` for a bot that has no way to it. */
  readonly server: ServerLink | undefined;
  /** Secrets of webhooks; empty when it has none. */
  readonly webhookSecrets: readonly string[];
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

/** Handlers that run when the bot is disposed of may go on for so long. */
const drainMs = 5_000;

export class Bot<State> implements AsyncDisposable {
  readonly #parts: BotParts<State>;
  readonly #handlers = new Handlers<State>();
  readonly #commands = new Map<string, SlashCommand>();
  readonly #socket: SocketTransport | undefined;
  readonly #receiver: WebhookReceiver | undefined;
  readonly #closing = new AbortController();
  #pool: Promise<WorkerPool> | undefined;
  #started: Promise<void> | undefined;
  #disposed: Promise<void> | undefined;

  constructor(parts: BotParts<State>) {
    this.#parts = parts;
    const { server, webhookSecrets, clock, fetch } = parts;
    const closing = this.#closing.signal;
    // Everything that waits listens to it: as much as is done at the same time, which is bounded elsewhere.
    setMaxListeners(0, closing);
    const offload: Offload = async (module, input, options) => (await this.#poolOf()).offload(module, input, options);
    const processor = new EventProcessor<State>({ handlers: this.#handlers, offload, ...parts });
    const process = (one: Try): Promise<Outcome> => processor.process(one);
    const giveUp = (letter: DeadLetter): Promise<void> => this.#giveUp(letter);
    const profile = (): BotProfile => ({ name: parts.name, commands: [...this.#commands.values()] });
    if (server !== undefined) this.#socket = new SocketTransport({ ...parts, server, process, profile, closing, giveUp });
    if (webhookSecrets.length > 0) {
      const askOf = (origin: string, token: TokenProvider) => (bot: UserId) => createHttpAsk({ origin, bot, token, fetch, clock });
      const ask = server === undefined ? undefined : askOf(server.apiOrigin, server.tokenProvider);
      this.#receiver = new WebhookReceiver({ ...parts, secrets: webhookSecrets, process, ask, closing, giveUp });
    }
  }

  /** Who the bot is. @throws Error before it was started */
  get user(): UserId {
    return this.#connected.user;
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
   * Taps on what the bot said: buttons, quick replies, areas, items of a list.
   * @param id the action's id or its `route`, or an expression that one of them matches: `/^size-/`
   */
  action(id: string | RegExp, handler: Handler<ActionContext<State>>): this {
    this.#handlers.onAction(id, handler);
    return this;
  }

  /** Forms of the bot that were filled in and sent. */
  form(handler: Handler<FormContext<State>>): this {
    this.#handlers.onForm(handler);
    return this;
  }

  /**
   * Connects, and works off what came while the bot was away. Resolves when it is connected and known to be a bot; from then on it
   * comes back by itself. Twice is fine.
   * @throws BotError bot.no_bot; ClientClosed when the server will not have it, such as for a token that is none
   */
  start(): Promise<void> {
    this.#started ??= this.#closing.signal.aborted ? Promise.reject(this.#closing.signal.reason as Error) : this.#connected.start();
    return this.#started;
  }

  /**
   * The webhook transport: give it each request of the server, and its answer back. No `start` is needed. A property and no
   * method, so that it can be handed on: `export default { fetch: bot.fetch }`, `app.post("/suda", (c) => bot.fetch(c.req.raw))`,
   * or `createServer(nodeListener(bot.fetch))`. Never rejects.
   * @throws TypeError without `webhook.secrets`
   */
  readonly fetch = (request: Request): Promise<Response> => {
    if (this.#receiver === undefined) throw new TypeError('A webhook bot needs its secrets: createBot({ webhook: { secrets: ["whsec_…"] }, … }).');
    return this.#receiver.receive(request);
  };

  /** Says one to five messages without having been asked. @throws RequestRefused, ClientClosed */
  async send(conversation: string, message: Sayable | readonly Sayable[], { clientId }: SendOptions = {}): Promise<Sent> {
    const messages = (isList(message) ? message : [message]).map(bodyOf);
    const fields = { conversation: toConversationId(conversation), clientId: (clientId ?? newClientId(this.#parts.random)) as ClientId, messages };
    return sentOf(await this.#connected.ask("bot.send", fields, { signal: this.#closing.signal }));
  }

  /** Any command of docs/PROTOCOL.md, asked again when the connection breaks before the answer. @throws RequestRefused, ClientClosed */
  request<T extends CommandType>(type: T, fields: Fields<T>): Promise<ReplyOf<T>> {
    return this.#connected.ask(type, fields, { signal: this.#closing.signal });
  }

  /** Begins nothing new, lets handlers end for 5 s, then aborts their signals and closes. Twice is fine. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    const close = (): void => this.#closing.abort(new ClientClosed("The bot was disposed of."));
    const isAtWork = this.#socket?.isOpen === true || this.#receiver !== undefined;
    const timer = this.#parts.clock.schedule(isAtWork ? drainMs : 0, close);
    await Promise.all([this.#socket?.end(), this.#receiver?.end()]);
    timer.cancel();
    close();
    this.#socket?.close();
    if (this.#pool !== undefined) await (await this.#pool)[Symbol.asyncDispose]();
  }

  get #connected(): SocketTransport {
    if (this.#socket === undefined) throw new TypeError("The bot has no way to the server: give createBot a `url` and a `token`.");
    return this.#socket;
  }

  async #poolOf(): Promise<WorkerPool> {
    // Loaded when something is offloaded: most bots have nothing of the kind.
    return this.#parts.pool ?? (this.#pool ??= import("@suda/offload").then(({ WorkerPool }) => new WorkerPool()));
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
