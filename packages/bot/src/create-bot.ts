/** Where a program begins: {@link createBot} with its defaults. */
import type { TokenProvider, Transport } from "@suda/client";
import { createWebSocketTransport } from "@suda/client/connection";
import type { WorkerPool } from "@suda/offload";
import { isWebhookSecret, systemClock, systemRandom, type Clock, type Random } from "@suda/protocol";
import { WebSocket } from "ws";
import { BotError } from "./bot-error.ts";
import { Bot } from "./bot.ts";
import type { DeadLetter } from "./conversation-work.ts";
import type { ServerLink } from "./socket-transport.ts";
import { MemoryStateStore, type StateStore } from "./state-store.ts";

export interface BotOptions<State> {
  /** The server: `https://chat.example.com`, or the whole `wss://chat.example.com/v1/socket`. Only a webhook bot can be without. */
  readonly url?: string | URL;
  /** A token of the bot's user, signed with the claim `bot: true`; `npx suda token NAME --bot` prints one. Or a {@link tokenProvider}. */
  readonly token?: string | undefined;
  /** Asked before each connection, and about a minute before a token is over. */
  readonly tokenProvider?: TokenProvider;
  /** For `bot.fetch`: the webhook's secrets, `whsec_…`, one to four. With `url` and `token` it speaks by API, else by its responses alone. */
  readonly webhook?: { readonly secrets: readonly string[] };
  /** Shown to people. Default: as it was. */
  readonly name?: string;
  /** The state of a conversation that has none yet. Default: an empty object. */
  readonly initialState?: () => State;
  /** Where states are kept. Default: in memory, 10,000 conversations. */
  readonly states?: StateStore;
  /** Bytes of one conversation's state as JSON. Default 65,536. */
  readonly maxStateBytes?: number;
  /** The time that a handler has for one event, 1…; default 60,000. */
  readonly timeoutMs?: number;
  /** How often an event whose handler fails is tried, 1…; default 3, after 1 s and 5 s. Then it is passed over. */
  readonly maxAttempts?: number;
  /** Conversations that are handled at the same time, 1…; default 16. Within one, events come one after the other. */
  readonly concurrency?: number;
  /** For `ctx.offload`. Default: one of the bot's own. */
  readonly pool?: WorkerPool;
  /** Told of every event that is passed over because its handler failed too often. Default: `onProblem` is. */
  readonly onDeadLetter?: (letter: DeadLetter) => void | Promise<void>;
  /** What went wrong without anybody waiting for it. Default `console.error`. */
  readonly onProblem?: (problem: unknown) => void;
  /** Instead of a WebSocket: for tests without sockets. */
  readonly transport?: Transport;
  /** For what goes over HTTP. Default the global one. */
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Conversations that wait to be worked off; of more, the server's list knows. */
const maxWaiting = 10_000;

/**
 * A bot that does nothing yet: add handlers, then `start` it.
 *
 * @throws TypeError for a URL that is none, or without a token; RangeError for a number below 1
 *
 * @example
 * const bot = createBot({ url: "http://localhost:8000", token });
 * bot.on("message", (ctx) => ctx.reply(`You said: ${ctx.text}`));
 * await bot.start();
 */
export function createBot<State extends object = Record<string, unknown>>(options: BotOptions<State>): Bot<State> {
  const { onProblem = (problem) => console.error("Suda bot:", problem), webhook = { secrets: [] } } = options;
  for (const secret of webhook.secrets)
    if (!isWebhookSecret(secret)) throw new TypeError("A webhook's secret is whsec_ and base64, as the server has shown it.");
  return new Bot<State>({
    server: serverOf(options, webhook.secrets.length > 0),
    webhookSecrets: webhook.secrets,
    // `ws` in Node 20 too, which has none of its own.
    transport: options.transport ?? createWebSocketTransport(WebSocket),
    fetch: options.fetch ?? fetch,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    name: options.name,
    states: options.states ?? new MemoryStateStore(),
    initialState: options.initialState ?? (() => ({}) as State),
    maxStateBytes: atLeastOne(options.maxStateBytes ?? 65_536, "maxStateBytes"),
    timeoutMs: atLeastOne(options.timeoutMs ?? 60_000, "timeoutMs"),
    maxAttempts: atLeastOne(options.maxAttempts ?? 3, "maxAttempts"),
    concurrency: atLeastOne(options.concurrency ?? 16, "concurrency"),
    maxWaiting,
    pool: options.pool,
    onProblem,
    onDeadLetter:
      options.onDeadLetter ??
      (({ event, error }) => onProblem(new BotError("bot.handler_failed", { conversation: event.conversation, seq: event.seq, cause: error }))),
  });
}

function serverOf({ url, token, tokenProvider }: Pick<BotOptions<object>, "url" | "token" | "tokenProvider">, isWebhook: boolean): ServerLink | undefined {
  if (url === undefined && isWebhook) return undefined;
  if (url === undefined) throw new TypeError("A bot needs the server's `url`, such as http://localhost:8000.");
  const provider = tokenProvider ?? (token === undefined ? undefined : () => token);
  if (provider === undefined) throw new TypeError("A bot needs a `token` or a `tokenProvider`; npx suda token NAME --bot prints a token for development.");
  return { ...urlsOf(url), tokenProvider: provider };
}

function urlsOf(given: string | URL): { readonly socketUrl: string; readonly apiOrigin: string } {
  const socket = new URL(given);
  const scheme = /^(?:ws|http)(s?):$/.exec(socket.protocol)?.[1];
  if (scheme === undefined) throw new TypeError(`The url must be https://…, http://…, wss://… or ws://…, not ${socket.protocol}//….`);
  const api = new URL(socket);
  socket.protocol = `ws${scheme}:`;
  if (socket.pathname === "/") socket.pathname = "/v1/socket";
  api.protocol = `http${scheme}:`;
  return { socketUrl: socket.href, apiOrigin: api.origin };
}

function atLeastOne(value: number, name: string): number {
  if (!Number.isFinite(value) || value < 1) throw new RangeError(`${name} is ${value}, and is at least 1.`);
  return value;
}
