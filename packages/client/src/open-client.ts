/** Where a program begins: {@link openClient} with its defaults. */
import { systemClock, systemRandom, type Clock, type Random } from "@suda/protocol";
import { Client, type SudaClient } from "./client.ts";
import type { TokenProvider } from "./connection/connection.ts";
import { MemoryOutbox } from "./sending/memory-outbox.ts";
import type { Outbox } from "./sending/outbox.ts";
import type { Transport } from "./connection/transport.ts";
import { createWebSocketTransport, type WebSocketConstructor } from "./connection/websocket-transport.ts";

export interface ClientOptions {
  /** `wss://chat.example.com/v1/socket`; `ws:` for development. */
  readonly url: string | URL;
  /** A token of the user from the product's backend. Called before each connection and about a minute before the token is over. */
  readonly tokenProvider: TokenProvider;
  /** Where messages wait; default in memory, which a restart empties. One for each user. */
  readonly outbox?: Outbox;
  /** For Node 20, which has none: the one of `ws`. Default the global one. */
  readonly WebSocket?: WebSocketConstructor;
  /** Instead of a WebSocket: for simulations. */
  readonly transport?: Transport;
  /** Whether others learn that this device has their messages (`receipt.delivered`); default true. Reading tells it anyway. */
  readonly tellsDelivery?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
  /** What went wrong without anybody waiting for it: an outbox that cannot write, a listener that throws. Default `console.error`. */
  readonly onProblem?: (problem: unknown) => void;
}

/**
 * A client that is connecting. Resolves when the outbox was read, and not only when there is a connection:
 * what waits in the outbox can be shown, and written to, at once.
 *
 * @throws TypeError for a URL that is not ws: or wss:, or without any WebSocket; the outbox's error when it cannot be read
 *
 * @example
 * await using client = await openClient({ url: "wss://chat.example.com/v1/socket", tokenProvider: fetchToken });
 */
export async function openClient(options: ClientOptions): Promise<SudaClient> {
  const url = new URL(options.url);
  if (url.protocol !== "ws:" && url.protocol !== "wss:") throw new TypeError(`The url must be wss://… or ws://…, not ${url.protocol}//….`);
  const client = new Client({
    url: url.href,
    tokenProvider: options.tokenProvider,
    transport: options.transport ?? createWebSocketTransport(options.WebSocket),
    outbox: options.outbox ?? new MemoryOutbox(),
    tellsDelivery: options.tellsDelivery ?? true,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    onProblem: options.onProblem ?? ((problem) => console.error("Suda client:", problem)),
  });
  await client.start();
  return client;
}
