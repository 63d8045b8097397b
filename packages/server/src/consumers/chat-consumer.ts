/**
 * The chat consumer: one instance per WebSocket, where client frames and layer events meet. ③ decodes and
 * dispatches what the client asks, ⑨ encodes what the layer brings.
 *
 * Order: commands of a connection are carried out in the order in which they arrived. Sends overlap with
 * sends (up to 64 wait for the disk together, so that one connection can use group commit); everything else
 * waits for the sends before it (D4). Until `hello` is answered, layer events wait in the channel's inbox.
 */
import {
  closeCodes,
  decodeCommands,
  errorFrame,
  SudaError,
  type Clock,
  type Codec,
  type Command,
  type CommandOf,
  type CloseReason,
  type Conversation,
  type Ref,
  type UserId,
} from "@suda/protocol";
import type { UserPrincipal, WebSocketConnection } from "../app/app.ts";
import type { Channel, ChannelLayer, LayerEvent } from "../channel-layer/channel-layer.ts";
import { sendFromBot } from "../chat/bot-send.ts";
import type { Actor, ChatContext } from "../chat/context.ts";
import { greet } from "../chat/greet.ts";
import type { Presence } from "../chat/presence.ts";
import { sendMessage } from "../chat/send-message.ts";
import { actorFor } from "../chat/users.ts";
import { commandHandlers, type HandledType } from "./command-handlers.ts";
import { Deliveries, type DeliveryMetrics } from "./deliveries.ts";
import type { EventEncoder } from "./event-encoder.ts";
import { LayerNews } from "./layer-news.ts";
import { PipelinedSends } from "./pipelined-sends.ts";
import { PresenceWatch } from "./presence-watch.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { Turnstile } from "./turnstile.ts";
import { withResolvers } from "./with-resolvers.ts";

/** What all consumers of a server share. */
export interface ChatConsumerEnvironment {
  readonly context: ChatContext;
  readonly layer: ChannelLayer;
  readonly clock: Clock;
  readonly encoder: EventEncoder;
  /** Whom a token of `hello` speaks for. @throws SudaError auth.… */
  readonly authenticate: (token: string) => Promise<UserPrincipal>;
  /** 0 when the user may send one more command, else the milliseconds until then. */
  readonly takeCommand: (user: UserId) => number;
  /** 0 when the user may say one more hello, else the milliseconds until then. */
  readonly takeHello: (user: UserId) => number;
  /** Of all connections. */
  readonly turnstile: Turnstile;
  readonly presence: Presence;
  /** Within how many ms of a restart's `goaway` clients are asked to come back. */
  readonly goawayWindowMs: number;
  readonly onFailure: (error: unknown) => void;
  readonly metrics: ConsumerMetrics;
}

export interface ConsumerMetrics extends DeliveryMetrics {
  /** A command was answered; `code` is `ok` or the error's. */
  command(type: string, code: string): void;
}

const helloTimeoutMs = 10_000;
/** Refusals in a row after which a client that ignores `retryAfterMs` is closed as flooding. */
const maxRefusals = 1_000;
/** Commands that may make a conversation. */
const opening: ReadonlySet<string> = new Set(["conversation.open", "conversation.create", "user.block"]);
/** Commands that read much and can wait, as `hello` does. */
const reading: ReadonlySet<string> = new Set(["history.get", "conversation.list", "member.list"]);
/** setTimeout's longest; a token of over 24 days is looked at again then. */
const maxTimerMs = 2_147_483_647;

/** Illegal states do not exist: before `hello` there is no actor and no channel. */
type State =
  | { readonly is: "new" }
  | {
      readonly is: "greeted";
      readonly actor: Actor;
      readonly channel: Channel;
      readonly subscriptions: Subscriptions;
      readonly presenceWatch: PresenceWatch;
      readonly news: LayerNews;
      /** While the greeting is under way: whether it was answered with a reply. */
      readonly isReady: Promise<boolean> | undefined;
    }
  | { readonly is: "closed" };

export class ChatConsumer {
  readonly #environment: ChatConsumerEnvironment;
  readonly #codec: Codec;
  readonly #connection: WebSocketConnection;
  readonly #handshakePrincipal: UserPrincipal | undefined;
  #state: State = { is: "new" };
  readonly #sends = new PipelinedSends({
    answer: (command, work) => this.#answer(command, work),
    fail: ({ type, ref }, error) => this.#fail(type, error, ref),
  });
  readonly #deliveries: Deliveries;
  /** Most connections watch nobody. */
  #timer: { cancel(): void };
  #refusals = 0;

  constructor(environment: ChatConsumerEnvironment, codec: Codec, connection: WebSocketConnection, principal: UserPrincipal | undefined) {
    this.#environment = environment;
    this.#codec = codec;
    this.#connection = connection;
    this.#handshakePrincipal = principal;
    const { encoder, onFailure, metrics } = environment;
    this.#deliveries = new Deliveries({ connection, codec, encoder, onFailure, metrics });
    this.#timer = this.#expectHello();
  }

  async onMessage(message: string | Uint8Array): Promise<void> {
    let decoded;
    try {
      decoded = decodeCommands(this.#codec, message);
    } catch (error) {
      if (!(error instanceof SudaError)) throw error;
      // Nothing here has a ref that could be answered, and the next frame would hardly be better.
      this.#send(errorFrame(error));
      return this.#close("malformed");
    }
    for (const frame of decoded) {
      if (!this.#connection.isOpen) return;
      if ("error" in frame) this.#refuseUnreadable(frame.error, frame.ref);
      else await this.#perform(frame.command);
    }
  }

  /** The client is told when to come back, and what is under way is answered. */
  async onDrain(): Promise<void> {
    if (this.#state.is === "greeted") this.#deliveries.tell({ type: "goaway", windowMs: this.#environment.goawayWindowMs });
    await this.#sends.settled();
  }

  async onClose(): Promise<void> {
    this.#timer.cancel();
    const state = this.#state;
    this.#state = { is: "closed" };
    if (state.is !== "greeted") return;
    this.#environment.presence.disconnected(state.actor.user);
    if (state.actor.isBot) this.#environment.context.streams.disconnected(state.actor.user);
    await state.channel.close();
  }

  async #perform(command: Command): Promise<void> {
    // A client that asks for more than it reads is served at its own pace.
    if (this.#connection.isCongested) await this.#connection.drained();
    const state = this.#state;
    if (state.is === "closed") return;
    if (state.is === "new") {
      if (command.type === "hello") return this.#hello(command);
      if (this.#isFlooding()) return;
      return this.#refuse(command.type, new SudaError("auth.required", "Say hello first."), command.ref);
    }
    if (this.#isLimited(command.type, command.ref)) {
      if (command.type === "message.send") this.#sends.refused(command);
      return;
    }
    if (command.type === "hello") return this.#refuse(command.type, new SudaError("auth.already", "This connection has said hello already."), command.ref);
    const { context } = this.#environment;
    if (command.type === "message.send") return this.#sends.start(command, (order) => sendMessage(context, state.actor, command, order));
    if (command.type === "bot.send") return this.#sends.start(command, () => sendFromBot(context, state.actor, command));
    if (command.type === "token.refresh") return void (await this.#answer(command, () => this.#refresh(state.actor, command.token)));
    if (command.type === "presence.watch") return void (await this.#answer(command, () => state.presenceWatch.watch(command.users)));
    if (command.type === "presence.unwatch") return void (await this.#answer(command, () => unwatch(state.presenceWatch, command.users)));
    await this.#sends.settled();
    await this.#answer(command, async () => {
      const handle = (): Promise<object> => this.#handle(state.actor, command);
      const reply = reading.has(command.type) ? await this.#environment.turnstile.pass(handle) : await handle();
      // Whoever opened or created it receives its events from here on, not only when the layer's word arrives.
      if (opening.has(command.type)) await state.subscriptions.join((reply as { conversation: Conversation }).conversation.id);
      return reply;
    });
  }

  /** Counts like a command: it costs the server as much. */
  #refuseUnreadable(error: SudaError, ref: Ref | undefined): void {
    const isRefused = this.#state.is === "new" ? this.#isFlooding() : this.#isLimited("unreadable", ref);
    if (!isRefused) this.#refuse("unreadable", error, ref);
  }

  /** Takes one of the user's commands; when there is none to take, that is answered and the command must not be carried out. */
  #isLimited(type: string, ref: Ref | undefined): boolean {
    const state = this.#state;
    const retryAfterMs = state.is === "greeted" ? this.#environment.takeCommand(state.actor.user) : 0;
    if (retryAfterMs === 0) {
      this.#refusals = 0;
      return false;
    }
    if (!this.#isFlooding()) this.#refuse(type, new SudaError("rate.limited", `Too many commands; wait ${retryAfterMs} ms.`, { retryAfterMs }), ref);
    return true;
  }

  /** One more refusal; too many in a row, of a client that does not care, close the connection. */
  #isFlooding(): boolean {
    if (++this.#refusals <= maxRefusals) return false;
    this.#close("flooding");
    return true;
  }

  #handle(actor: Actor, command: Extract<Command, { type: HandledType }>): Promise<object> {
    // One cast: TypeScript does not follow that the row of a type takes that type's command.
    const handler = commandHandlers[command.type] as (context: ChatContext, actor: Actor, command: Command) => Promise<object>;
    return handler(this.#environment.context, actor, command);
  }

  // ── hello ───────────────────────────────────────────────────────────────────────────────────────────

  async #hello(command: CommandOf<"hello">): Promise<void> {
    const { authenticate, takeHello, turnstile } = this.#environment;
    let principal: UserPrincipal;
    try {
      principal = command.token === undefined ? this.#principalOfHandshake() : await authenticate(command.token);
      const retryAfterMs = takeHello(principal.user as UserId);
      if (retryAfterMs > 0) throw new SudaError("rate.limited", `Too many connections of this user; wait ${retryAfterMs} ms.`, { retryAfterMs });
    } catch (error) {
      if (!(error instanceof SudaError)) return this.#fail(command.type, error, command.ref);
      this.#refuse(command.type, error, command.ref);
      if (error.code === "auth.expired") return this.#close("auth_expired");
      if (error.code === "auth.invalid") return this.#close("auth_invalid");
      return;
    }
    if (this.#isClosed()) return;
    // It was said in time, however long the server takes for it.
    this.#timer.cancel();
    try {
      await turnstile.pass(() => this.#greet(command, principal));
    } catch (error) {
      this.#fail(command.type, error, command.ref);
    }
    if (this.#state.is === "new") this.#timer = this.#expectHello();
  }

  #expectHello(): { cancel(): void } {
    return this.#environment.clock.schedule(helloTimeoutMs, () => this.#close("hello_timeout"));
  }

  async #greet(command: CommandOf<"hello">, principal: UserPrincipal): Promise<void> {
    if (this.#isClosed()) return;
    const { layer } = this.#environment;
    let actor: Actor = await actorFor(this.#environment.context, {
      user: principal.user as UserId,
      isBackend: false,
      isSignedBot: principal.isBot === true,
    });
    if (this.#isClosed()) return;
    const { promise: isReady, resolve: ready } = withResolvers<boolean>();
    // Events of the layer wait in the channel's inbox until the reply is out.
    const channel = layer.open((event) => this.#onLayerEvent(event));
    actor = { ...actor, channel: channel.name };
    const subscriptions = new Subscriptions(this.#environment.context, actor, channel);
    const { context, presence } = this.#environment;
    const presenceWatch = new PresenceWatch({ context, layer, presence, actor, channel });
    const close = (reason: CloseReason): void => this.#close(reason);
    const news = new LayerNews({ context, actor, subscriptions, presenceWatch, deliveries: this.#deliveries, close });
    const greeted = { is: "greeted", actor, channel, subscriptions, presenceWatch, news } as const;
    this.#state = { ...greeted, isReady };
    this.#environment.presence.connected(actor.user);
    if (actor.isBot) this.#environment.context.streams.connected(actor.user);
    this.#expireAt(principal.expiresAt);
    const isGreeted = await this.#answer(command, async () => {
      await this.#environment.context.store.users.ensure([actor.user], this.#environment.clock.now());
      // First the groups, then the log: what comes between is in the inbox, and nothing is missed.
      const joined = await subscriptions.joinAll();
      return greet(this.#environment.context, actor, joined, command.resume);
    });
    this.#refusals = 0;
    if (!isGreeted) this.#close("internal");
    else if (!this.#isClosed()) this.#state = { ...greeted, isReady: undefined };
    ready(isGreeted);
  }

  /** A call, because TypeScript believes that a field does not change during an await. */
  #isClosed(): boolean {
    return this.#state.is === "closed";
  }

  #principalOfHandshake(): UserPrincipal {
    const principal = this.#handshakePrincipal;
    if (principal === undefined) throw new SudaError("auth.required", "hello needs a token: this connection brought none in its handshake.");
    if (principal.expiresAt <= this.#environment.clock.now()) throw new SudaError("auth.expired");
    return principal;
  }

  #expireAt(expiresAt: number): void {
    this.#timer.cancel();
    const remainingMs = expiresAt - this.#environment.clock.now();
    this.#timer = this.#environment.clock.schedule(Math.min(Math.max(remainingMs, 0), maxTimerMs), () => {
      if (remainingMs > maxTimerMs) this.#expireAt(expiresAt);
      else this.#close("auth_expired");
    });
  }

  /** @throws SudaError auth.expired, auth.invalid, auth.forbidden */
  async #refresh(actor: Actor, token: string): Promise<{ expiresAt: number }> {
    const { user, expiresAt } = await this.#environment.authenticate(token);
    if (user !== actor.user) throw new SudaError("auth.forbidden", "The new token is another user's; open another connection for them.");
    this.#expireAt(expiresAt);
    return { expiresAt };
  }

  // ── the layer ───────────────────────────────────────────────────────────────────────────────────────

  /** Synchronous when it can be: a thousand members receive an event in one turn. */
  #onLayerEvent(event: LayerEvent): void | Promise<void> {
    const state = this.#state;
    if (state.is !== "greeted") return;
    // Of a greeting that failed nothing follows: the connection is on its way out.
    if (state.isReady !== undefined) return state.isReady.then((isGreeted) => (isGreeted ? this.#onLayerEvent(event) : undefined));
    return state.news.on(event);
  }

  // ── answers ─────────────────────────────────────────────────────────────────────────────────────────

  /** Whether it was answered with a reply and not with an error. Never rejects. */
  async #answer(command: Command, work: () => Promise<object>): Promise<boolean> {
    try {
      const reply = await work();
      this.#environment.metrics.command(command.type, "ok");
      this.#send({ type: "reply", ref: command.ref, ...reply });
      return true;
    } catch (error) {
      this.#fail(command.type, error, command.ref);
      return false;
    }
  }

  #fail(type: string, error: unknown, ref: Ref): void {
    if (error instanceof SudaError) return this.#refuse(type, error, ref);
    this.#environment.onFailure(error);
    this.#refuse(type, new SudaError("server.internal"), ref);
  }

  #refuse(type: string, error: SudaError, ref: Ref | undefined): void {
    this.#environment.metrics.command(type, error.code);
    this.#send(errorFrame(error, ref));
  }

  #send(frame: object): void {
    this.#connection.send(this.#codec.encode(frame));
  }

  #close(reason: CloseReason): void {
    this.#connection.close(closeCodes[reason].code, reason);
  }
}

async function unwatch(watch: PresenceWatch, users: readonly UserId[]): Promise<object> {
  await watch.unwatch(users);
  return {};
}
