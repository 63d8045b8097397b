/** The real server on a socket, and clients of it. */
import { systemClock } from "@suda/protocol";
import { TestServer, type TestServerOptions } from "@suda/testing";
import { WebSocket } from "ws";
import { openClient, type ClientOptions, type SudaClient } from "../src/index.ts";

export class World implements AsyncDisposable {
  readonly suda: TestServer;
  /** `ws://127.0.0.1:…/v1/socket` */
  readonly url: string;
  readonly #clients: SudaClient[] = [];
  readonly #sockets = new Set<WebSocket>();

  private constructor(suda: TestServer, url: string) {
    this.suda = suda;
    this.url = url;
  }

  static async open(options: TestServerOptions = {}): Promise<World> {
    const suda = await TestServer.open(options);
    const url = new URL("/v1/socket", await suda.listen());
    url.protocol = "ws:";
    return new World(suda, url.href);
  }

  async client(user: string, options: Partial<ClientOptions> = {}): Promise<SudaClient> {
    // The server's clock stands still, and a token of it would be over for this machine's.
    const clock = { ...systemClock, now: () => this.suda.clock.now() };
    const sockets = this.#sockets;
    class KnownWebSocket extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols);
        sockets.add(this);
      }
    }
    const client = await openClient({ url: this.url, tokenProvider: () => this.suda.token(user), WebSocket: KnownWebSocket, clock, ...options });
    this.#clients.push(client);
    return client;
  }

  /** Ends the sockets of all clients without a word, as a network does. */
  cut(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
    await this.suda[Symbol.asyncDispose]();
  }
}
