/**
 * The server as one thing: store and layer below, the chat between, sockets above. This file is the wiring
 * and the only one that sees all folders; read it to see which app is inside which.
 */
import type { Server } from "node:http";
import { systemClock, systemRandom, type Clock, type Random } from "@suda/protocol";
import type { App, HttpScope } from "./app/app.ts";
import { InProcessBot, type BotDefinition } from "./bots/in-process-bot.ts";
import { Webhooks } from "./bots/webhooks.ts";
import type { ChannelLayer } from "./channel-layer/channel-layer.ts";
import { MemoryChannelLayer } from "./channel-layer/memory-channel-layer.ts";
import { CustomKinds } from "./chat/custom-kinds.ts";
import { leaseSweeper } from "./chat/control-leases.ts";
import { defaultChatLimits, type ChatContext, type ChatLimits } from "./chat/context.ts";
import { NodeWatch, type NodeWatchOptions } from "./chat/nodes/node-watch.ts";
import { Presence } from "./chat/presence.ts";
import { retentionSweeper } from "./chat/retention.ts";
import { Lines } from "./chat/send-hook.ts";
import { Streams } from "./chat/streams/streams.ts";
import { chatHttp } from "./consumers/http/chat-http.ts";
import { chatWebSocket } from "./consumers/chat-websocket.ts";
import { EventEncoder } from "./consumers/event-encoder.ts";
import { Turnstile } from "./consumers/turnstile.ts";
import { DeadLetters } from "./followers/dead-letters.ts";
import { authenticateHttp, authenticateWebSocket, isBackendRequest } from "./middleware/authentication.ts";
import { Authenticator, type ApiKey, type TokenKey } from "./middleware/authenticator.ts";
import { allowOrigin, checkOrigin, originRule } from "./middleware/origin.ts";
import { RateLimiter, rateLimitHttp, rateLimitWebSocket, type RateLimit } from "./middleware/rate-limiter.ts";
import { AfterCommitHook, type AfterCommitOptions } from "./hooks/after-commit.ts";
import { checkHooks } from "./hooks/check-hooks.ts";
import { HookLetters } from "./hooks/hook-letters.ts";
import { BeforeSendHook, type BeforeSendOptions } from "./hooks/before-send.ts";
import { OutgoingHttp, type OutgoingHttpOptions } from "./outgoing/outgoing-http.ts";
import type { AddressPolicyOptions } from "./outgoing/address-policy.ts";
import { mountFetch, protocolRouter, urlRouter } from "./routing/routers.ts";
import type { ConnectionBounds } from "./serve/served-connection.ts";
import { SocketServer } from "./serve/socket-server.ts";
import { countReads } from "./store/counted-store.ts";
import type { Store } from "./store/store.ts";
import { createLog, type LogLevel } from "./telemetry/log.ts";
import { Metrics } from "./telemetry/metrics.ts";

export interface ServerOptions {
  /** Opened by the caller; closed by the caller after the server. */
  readonly store: Store;
  /** Opened by the caller; closed by the caller after the server. Default: a {@link MemoryChannelLayer}, for one process. */
  readonly layer?: ChannelLayer;
  readonly auth: {
    readonly tokenKeys: readonly TokenKey[];
    readonly audience?: string;
    readonly issuer?: string;
    readonly apiKeys?: readonly ApiKey[];
  };
  /** Origins of pages that may connect, beside the server's own; `*` for any. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /** Kinds of `custom` content, each with the JSON Schema of its data, beside those that are registered over HTTP. Default none. */
  readonly customKinds?: Readonly<Record<string, object>>;
  readonly limits?: Partial<ServerLimits>;
  readonly bounds?: Partial<ConnectionBounds>;
  /** How a node of several finds what the layer lost. */
  readonly watch?: Pick<NodeWatchOptions, "beatMs" | "recordsPerSecond">;
  /** Within how many ms clients are asked to come back when the server restarts, 0…; default 5,000. */
  readonly goawayWindowMs?: number;
  /** What webhooks and hooks may call, and with how many connections. Default: public addresses only, by https. */
  readonly outgoing?: AddressPolicyOptions & Omit<OutgoingHttpOptions, "addresses" | "clock">;
  /** What the host product has to say to messages, and wants to be told of what was stored. Default: nothing. */
  readonly hooks?: ServerHooks;
  /** Default `info`. */
  readonly logLevel?: LogLevel;
  /** How this node is called in logs, `/readyz` and metrics, 1–64 of `A–Z a–z 0–9 . _ -`; default: not at all. */
  readonly nodeName?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface ServerHooks {
  /** Asked before a message or an edit is stored: it may allow, change or refuse it. */
  readonly beforeSend?: BeforeSendOptions;
  /** Told of every event of every conversation, at least once and in order per conversation. */
  readonly afterCommit?: AfterCommitOptions;
}

export interface ServerLimits extends ChatLimits {
  /** WebSocket connections at once, default 100,000. */
  readonly maxConnections: number;
  /** Commands of one user over all connections; default 50 a second, 200 at once. */
  readonly commands: RateLimit;
  /** Handshakes of one address; default 20 a second, 200 at once. */
  readonly connects: RateLimit;
  /** HTTP requests of one address; default 50 a second, 200 at once. API keys are not limited. */
  readonly requests: RateLimit;
}

export const defaultServerLimits: ServerLimits = {
  ...defaultChatLimits,
  maxConnections: 100_000,
  commands: { perSecond: 50, burst: 200 },
  connects: { perSecond: 20, burst: 200 },
  requests: { perSecond: 50, burst: 200 },
};

/** Hellos of one user over all connections: each reads as much as many commands. Off where commands are not limited. */
const helloLimit: RateLimit = { perSecond: 2, burst: 50 };

/** Paths that {@link SudaServer.attach} takes over on a server of the team's own. */
export const ownPaths = ["/v1", "/openapi.json", "/asyncapi.json", "/docs", "/healthz", "/readyz", "/metrics"] as const;

export interface SudaServer extends AsyncDisposable {
  /** The whole program as an app: what communicators run without a socket. */
  readonly app: App;
  /** The domain, for a program that embeds the server and wants to call it directly. */
  readonly context: ChatContext;
  readonly connectionCount: number;
  /** Rejects with Node's error when the port is taken. @param address port 0 for any free one */
  listen(address: { readonly port: number; readonly host: string }): Promise<{ readonly port: number; readonly url: string }>;
  /** Serves `paths` (default {@link ownPaths}) on the team's own server; everything else stays theirs. */
  attach(server: Server, paths?: readonly string[]): void;
  /** A bot inside this process, until the server is disposed of. */
  addBot(bot: BotDefinition): Promise<void>;
  /** No new connections; those that are open are told to come back (1012). Twice is fine. @param timeoutMs default 10,000 */
  drain(timeoutMs?: number): Promise<void>;
}

const nodeNameExpression = /^[A-Za-z0-9._-]{1,64}$/;

/** How long a process is the one that delivers to a bot without saying so again, where there are several. */
const webhookLeaseMs = 15_000;

/** @throws TypeError for keys, origins, proxies, hooks, schemas or a node's name that cannot be meant; RangeError for such outgoing addresses */
export function createServer(options: ServerOptions): SudaServer {
  const { clock = systemClock, random = systemRandom } = options;
  const store = countReads(options.store, (read, records) => metrics.storeRead(read, records));
  const limits: ServerLimits = { ...defaultServerLimits, ...options.limits };
  const node = options.nodeName;
  if (node !== undefined && !nodeNameExpression.test(node))
    throw new TypeError(`A node's name is 1–64 of A–Z a–z 0–9 . _ -; got ${JSON.stringify(node.slice(0, 80))}.`);
  const log = createLog(options.logLevel ?? "info", node);
  const metrics: Metrics = new Metrics({
    ...(node === undefined ? {} : { node }),
    ...(store.stats === undefined ? {} : { storeStats: store.stats.bind(store) }),
    connections: () => sockets.connectionCount,
    readsWaiting: () => turnstile.waiting,
    layerDropped: () => layer.stats().dropped,
    ...(options.layer?.link === undefined ? {} : { layerLink: options.layer.link }),
    isReady: () => isReady(),
    webhooks: () => webhooks,
  });
  const onFailure = (error: unknown): void => {
    metrics.failure();
    log.error({ err: error }, "unexpected error");
  };
  const layer: ChannelLayer = options.layer ?? new MemoryChannelLayer({ onFailure });
  // A layer that was given may have other nodes on it.
  const streams = new Streams({ layer, clock, onFailure, isShared: options.layer !== undefined });
  const customKinds = new CustomKinds({ store, clock, declared: options.customKinds ?? {} });
  const { allow, refuse, ports, ...outgoingOptions } = options.outgoing ?? {};
  const addresses = { ...(allow && { allow }), ...(refuse && { refuse }), ...(ports && { ports }) };
  const outgoing = new OutgoingHttp({ maxConnectionsPerOrigin: 32, ...outgoingOptions, addresses, clock });
  checkHooks(options.hooks ?? {}, outgoing);
  const { beforeSend, afterCommit } = options.hooks ?? {};
  const sendHook =
    beforeSend === undefined
      ? {}
      : {
          sendHook: {
            hook: new BeforeSendHook(beforeSend, { clock, outgoing, onFailure, count: (outcome) => metrics.hook("before-send", outcome) }),
            lines: new Lines(),
          },
        };
  const watch =
    layer.link === undefined
      ? undefined
      : new NodeWatch({
          ...options.watch,
          store,
          layer,
          link: layer.link,
          clock,
          onFailure,
          count: (what, count) => metrics.layerLoss(what, count),
        });
  const early: Omit<ChatContext, Late> = {
    ...(watch === undefined ? {} : { watch }),
    store,
    layer,
    clock,
    random,
    limits,
    customKinds,
    streams,
    metrics,
    ...sendHook,
    tellsCommits: afterCommit !== undefined,
    onFailure,
  };
  // What needs the context itself is put in below.
  const context = early as UnfinishedContext;
  const isReady = (): boolean => !sockets.isDraining && ["ready", "read-only"].includes(store.status().state);

  const authenticator = new Authenticator({ ...options.auth, clock });
  const origins = originRule(options.allowedOrigins ?? []);
  const commandLimiter = new RateLimiter(limits.commands, clock);
  const helloLimiter = new RateLimiter(limits.commands.perSecond === 0 ? limits.commands : helloLimit, clock);
  const nextTurn = (task: () => void): void => {
    if (clock.nextTurn === undefined) setImmediate(task);
    else clock.nextTurn(task);
  };
  const turnstile = new Turnstile({ clock, nextTurn, isCrowded: () => sockets.isCrowded });
  const connectLimiter = new RateLimiter(limits.connects, clock);
  const requestLimiter = new RateLimiter(limits.requests, clock);

  const sweepers = [retentionSweeper(context), leaseSweeper(context)];
  const deadLetters = new DeadLetters(store.documents);
  const webhooks: Webhooks = new Webhooks({
    context,
    outgoing,
    deadLetters,
    count: (outcome) => metrics.webhookDelivery(outcome),
    note: (facts, text) => log.warn(facts, text),
    onFailure,
    // A layer of its own connects nobody: there is no other process.
    leaseMs: options.layer === undefined ? 0 : webhookLeaseMs,
  });
  const commitHook =
    afterCommit === undefined
      ? undefined
      : new AfterCommitHook(afterCommit, {
          context,
          outgoing,
          deadLetters,
          onFailure,
          count: (outcome) => metrics.hook("after-commit", outcome),
          leaseMs: options.layer === undefined ? 0 : webhookLeaseMs,
        });
  context.webhooks = webhooks;
  context.commitLetters = new HookLetters({ clock, deadLetters, hook: commitHook });
  const presence = new Presence({ clock, layer, onFailure });

  const chat = chatWebSocket({
    context,
    layer,
    clock,
    encoder: new EventEncoder(),
    authenticate: (token) => authenticator.user(token),
    takeCommand: (user) => commandLimiter.take(user),
    takeHello: (user) => helloLimiter.take(user),
    turnstile,
    presence,
    goawayWindowMs: options.goawayWindowMs ?? 5_000,
    onFailure,
    metrics,
  });
  let routes: ReturnType<typeof chatHttp> | undefined;
  const api = {
    fetch(request: Request, env: { readonly scope: HttpScope }): Response | Promise<Response> {
      // Half of what a server costs to make, and of no use to one that is asked by WebSocket alone, as in simulated worlds.
      routes ??= chatHttp({
        context,
        isReady,
        isDraining: () => sockets.isDraining,
        node,
        status: () => store.status(),
        layerLink: layer.link,
        renderMetrics: () => metrics.render(),
        onFailure,
      });
      return routes.fetch(request, env);
    },
  };

  const isFromBackend = (scope: HttpScope): boolean => isBackendRequest(authenticator, scope.headers);
  const app = protocolRouter({
    http: allowOrigin(origins, rateLimitHttp(requestLimiter, isFromBackend, authenticateHttp(authenticator, mountFetch(api)))),
    websocket: urlRouter({ "/v1/socket": checkOrigin(origins, rateLimitWebSocket(connectLimiter, authenticateWebSocket(authenticator, chat))) }),
  });

  const sockets: SocketServer = new SocketServer({
    app,
    clock,
    random,
    maxConnections: limits.maxConnections,
    onFailure,
    onSlow: () => metrics.slowClose(),
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
    ...(options.trustedProxies === undefined ? {} : { trustedProxies: options.trustedProxies }),
  });
  const bots: InProcessBot[] = [];

  return Object.assign(new ConnectionCounter(sockets), {
    app,
    context,
    listen: sockets.listen.bind(sockets),
    attach: (server: Server, paths: readonly string[] = ownPaths) => sockets.attach(server, paths),
    async addBot(bot: BotDefinition) {
      bots.push(await InProcessBot.open(context, bot, onFailure));
    },
    async drain(timeoutMs?: number) {
      streams.stop();
      const areStopped = Promise.all(sweepers.map((sweeper) => sweeper.stop()));
      const isDelivered = webhooks.stop(timeoutMs);
      await sockets.drain(timeoutMs);
      await areStopped;
      await isDelivered;
    },
    async [Symbol.asyncDispose]() {
      streams.stop();
      for (const sweeper of sweepers) await sweeper.stop();
      await watch?.[Symbol.asyncDispose]();
      await webhooks[Symbol.asyncDispose]();
      await commitHook?.[Symbol.asyncDispose]();
      await sockets[Symbol.asyncDispose]();
      // After the sends that ask a hook.
      await outgoing[Symbol.asyncDispose]();
      await streams[Symbol.asyncDispose]();
      for (const bot of bots) await bot[Symbol.asyncDispose]();
      presence[Symbol.dispose]();
      if (options.layer === undefined) await layer[Symbol.asyncDispose]();
    },
  });
}

/** The context while it is made. */
type UnfinishedContext = Omit<ChatContext, Late> & { -readonly [Part in Late]: ChatContext[Part] };
type Late = "webhooks" | "commitLetters";

/** A class, because V8 keeps an object literal with a getter, and all that it can reach, until the next full collection of garbage. */
class ConnectionCounter implements Pick<SudaServer, "connectionCount"> {
  readonly #sockets: SocketServer;

  constructor(sockets: SocketServer) {
    this.#sockets = sockets;
  }

  get connectionCount(): number {
    return this.#sockets.connectionCount;
  }
}
