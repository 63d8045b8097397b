/**
 * A whole server for a test: memory store, a signer of tokens, an API key and a clock that the test moves. It
 * is spoken to through communicators, or over real sockets after {@link TestServer.listen}.
 *
 * @example
 * await using suda = await TestServer.open();
 * await using alice = await suda.connect("alice");
 * const { conversation } = await alice.request({ type: "conversation.open", with: userId("bob") });
 */
import { createHmac, randomUUID } from "node:crypto";
import type { TokenProvider, Transport } from "@suda/client";
import type { ClientId, Content, Conversation, ConversationId, ServerFrame, UserId } from "@suda/protocol";
import { createServer, type ServerOptions, type SudaServer } from "@suda/server";
import { MemoryStore, type Store } from "@suda/server/store";
import { AppTransport } from "./app-transport.ts";
import { HttpCommunicator } from "./http-communicator.ts";
import { ManualClock } from "./manual-clock.ts";
import { WebSocketCommunicator, type WebSocketOptions } from "./websocket-communicator.ts";

export interface TestServerOptions extends Partial<Omit<ServerOptions, "auth" | "clock">> {
  /** Beside the test's own key, or instead of it when it names `tokenKeys`. */
  readonly auth?: Partial<ServerOptions["auth"]>;
  /** Default: a {@link ManualClock} of its own. */
  readonly clock?: ManualClock;
}

export interface TokenClaims {
  readonly sub?: unknown;
  /** Seconds since 1970, as JWTs count. */
  readonly exp?: unknown;
  readonly [claim: string]: unknown;
}

/** Options of a bot of `@suda/bot`. */
export interface BotLink {
  readonly url: string;
  readonly tokenProvider: TokenProvider;
  readonly transport: Transport;
  readonly fetch: typeof fetch;
  readonly clock: ManualClock;
}

/** HS256 secret of every test server. */
export const testTokenSecret: Uint8Array = new TextEncoder().encode("a secret of tests, at least 32 bytes long");
/** API key of every test server, named `test`. */
export const testApiKey = "an-api-key-of-tests-at-least-32-characters";

export class TestServer implements AsyncDisposable {
  readonly server: SudaServer;
  readonly store: Store;
  readonly clock: ManualClock;

  private constructor(server: SudaServer, store: Store, clock: ManualClock) {
    this.server = server;
    this.store = store;
    this.clock = clock;
  }

  static async open(options: TestServerOptions = {}): Promise<TestServer> {
    const clock = options.clock ?? new ManualClock();
    const store = options.store ?? new MemoryStore({ clock });
    const server = createServer({
      logLevel: "silent",
      ...options,
      store,
      clock,
      auth: { tokenKeys: [{ algorithms: ["HS256"], secret: testTokenSecret }], apiKeys: [{ name: "test", key: testApiKey }], ...options.auth },
    });
    return new TestServer(server, store, clock);
  }

  /** A token of an hour for the user; `claims` add to what is signed, or replace it. `undefined` leaves a claim out. */
  token(user: string, claims: TokenClaims = {}): string {
    return signTestToken({ sub: user, exp: Math.floor(this.clock.now() / 1_000) + 3_600, ...claims });
  }

  /** A connection that has said hello. */
  async connect(user: string, options: WebSocketOptions = {}): Promise<WebSocketCommunicator> {
    const connection = await this.connectSilently(options);
    await connection.request({ type: "hello", token: this.token(user) });
    return connection;
  }

  /** The same for a bot, which is made one. */
  async connectBot(user: string, options: WebSocketOptions = {}): Promise<WebSocketCommunicator> {
    const { status } = await this.backend().request("PUT", `/v1/bots/${user}`, {});
    if (status !== 200) throw new Error(`${user} was not made a bot: ${status}`);
    return this.connect(user, options);
  }

  /** A connection that has said nothing yet. */
  connectSilently(options: WebSocketOptions = {}): Promise<WebSocketCommunicator> {
    return WebSocketCommunicator.connect(this.server.app, options);
  }

  /** The HTTP API without credentials. */
  http(headers: Readonly<Record<string, string>> = {}): HttpCommunicator {
    return new HttpCommunicator(this.server.app, { headers });
  }

  /** The HTTP API with the user's token. */
  as(user: string): HttpCommunicator {
    return this.http({ authorization: `Bearer ${this.token(user)}` });
  }

  /** The HTTP API with the API key, on behalf of `user` if one is named. */
  backend(user?: string): HttpCommunicator {
    return this.http({ authorization: `Bearer ${testApiKey}`, ...(user === undefined ? {} : { "suda-user": user }) });
  }

  /**
   * What a bot needs to be on this server without a socket: `createBot({ ...suda.botLink("echo"), … })`. Its time is the
   * test's.
   */
  botLink(user: string, network: AppTransport = new AppTransport(this.server.app.websocket)): BotLink {
    const http = this.http();
    return {
      url: "http://suda.example",
      tokenProvider: () => this.token(user, { bot: true }),
      transport: network.transport,
      fetch: async (input, init) => {
        const request = new Request(input, init);
        const { pathname, search } = new URL(request.url);
        const body = request.body === null ? {} : { body: await request.arrayBuffer() };
        return http.fetch(pathname + search, { method: request.method, headers: request.headers, ...body });
      },
      clock: this.clock,
    };
  }

  /** Real sockets on a free port of loopback. */
  async listen(): Promise<string> {
    return (await this.server.listen({ port: 0, host: "127.0.0.1" })).url;
  }

  /** Unexpected errors so far, each of which would be in the log. */
  async failures(): Promise<number> {
    const { body } = await this.http().get("/metrics");
    return Number(/^suda_failures_total (\d+)$/m.exec(String(body))?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}

/** A JWT of exactly these claims, HS256 with the test's secret unless told otherwise. */
export function signTestToken(
  claims: object,
  { header = {}, secret = testTokenSecret }: { readonly header?: object; readonly secret?: Uint8Array } = {},
): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "HS256", typ: "JWT", ...header })}.${part(claims)}`;
  return `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
}

/** Literals as ids. */
export const userId = (id: string): UserId => id as UserId;
export const conversationId = (id: string): ConversationId => id as ConversationId;
export const clientId = (id: string): ClientId => id as ClientId;

/** A text message's content. */
export const textOf = (text: string): Content => ({ type: "text", text });

/** A group of the connection's user with others, by title for the reader of a failure. */
export async function createTestGroup(owner: WebSocketCommunicator, members: readonly string[], title = "팀"): Promise<Conversation> {
  return (await owner.request({ type: "conversation.create", title, members: members.map(userId) })).conversation;
}

/** Sends a text with a clientId of its own and returns its seq. */
export async function say(connection: WebSocketCommunicator, conversation: ConversationId, text: string): Promise<number> {
  const reply = await connection.request({ type: "message.send", conversation, clientId: clientId(randomUUID()), content: textOf(text) });
  return reply.seq;
}

/** The code of an error, `ok` of a reply. */
export function codeOf(frame: ServerFrame): string {
  return frame.type === "error" ? frame.code : "ok";
}
