/**
 * A well-behaved client of a reconnect storm: the real `@suda/client` as a product uses it, which waits with jitter and comes back
 * with its cursors. One conversation is open on the screen, all are listened to.
 */
import { openClient, type SudaClient } from "@suda/client";
import type { ConversationId, LogEvent, UserId } from "@suda/protocol";
import { WebSocket } from "ws";
import { entryOf, monotonicMs } from "./journal.ts";
import { ShownLog, type StormClient, type StormClientOptions } from "./storm-client.ts";

export class ReturningClient implements StormClient {
  readonly user: UserId;
  readonly found: string[] = [];
  readonly client: SudaClient;
  readonly #options: StormClientOptions;
  readonly #logs = new Map<ConversationId, ShownLog>();
  /** Conversations of which it lacks something. */
  #lacking: Map<ConversationId, number> | undefined;
  #isCounting = false;
  #triedAtMs = 0;
  #resumedAtMs: number | undefined;
  #tookMs = 0;

  private constructor(client: SudaClient, options: StormClientOptions) {
    this.client = client;
    this.user = options.user;
    this.#options = options;
    client.on("event", (event) => this.#onEvent(event));
    for (const type of ["log.reset", "log.truncated"] as const)
      client.on(type, ({ conversation }) => void this.found.push(`${this.user} was told ${type} of ${conversation}`));
    client.connection.subscribe(() => this.#onConnection());
  }

  static async open(options: StormClientOptions): Promise<ReturningClient> {
    const { url, token, localAddress, user } = options;
    class OwnAddressWebSocket extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols, { localAddress, perMessageDeflate: false });
      }
    }
    const onProblem = (problem: unknown): never => {
      throw new Error(`The client of ${user} has a problem.`, { cause: problem });
    };
    const client = await openClient({
      url: `${url.replace("http", "ws")}/v1/socket`,
      tokenProvider: () => token,
      WebSocket: OwnAddressWebSocket,
      onProblem,
    });
    return new ReturningClient(client, options);
  }

  get isResumed(): boolean {
    return this.#lacking?.size === 0 && this.client.connection.getSnapshot().kind === "open";
  }

  get resumedAtMs(): number | undefined {
    return this.#resumedAtMs;
  }

  get tookMs(): number {
    return this.#tookMs;
  }

  async ready(): Promise<void> {
    await this.client.ready();
    for (const room of this.#options.rooms) this.#logs.set(room, new ShownLog(this.client.conversation(room).getSnapshot().record?.head ?? 0));
    const [open] = this.#options.rooms;
    if (open === undefined) return;
    const conversation = this.client.conversation(open);
    conversation.subscribe(() => {});
    await conversation.load();
  }

  /** It finds out by itself. */
  hold(): void {
    this.#isCounting = false;
  }

  expect(heads: ReadonlyMap<ConversationId, number>): void {
    this.#resumedAtMs = undefined;
    this.#lacking = new Map();
    for (const room of this.#options.rooms) {
      const head = heads.get(room) ?? 0;
      if (head > (this.#logs.get(room)?.head ?? 0)) this.#lacking.set(room, head);
    }
  }

  go(): void {
    this.#isCounting = true;
  }

  shown(room: ConversationId): ReturnType<StormClient["shown"]> {
    const { base, entries } = this.#logs.get(room) ?? new ShownLog(0);
    return { base, entries, head: this.client.conversation(room).getSnapshot().record?.head ?? 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }

  #onEvent(event: LogEvent): void {
    const log = this.#logs.get(event.conversation);
    if (log === undefined || !log.add(entryOf(event)))
      this.found.push(`${this.user} was shown seq ${event.seq} of ${event.conversation} after ${log?.head ?? "nothing"}`);
    if ((this.#lacking?.get(event.conversation) ?? Infinity) > event.seq) return;
    this.#lacking?.delete(event.conversation);
    this.#noteResumed();
  }

  #onConnection(): void {
    const state = this.client.connection.getSnapshot();
    if (state.kind === "connecting") this.#triedAtMs = monotonicMs();
    if (state.kind === "open") this.#noteResumed();
    if (state.kind === "waiting" && this.#isCounting) this.#options.onRefused(state.error?.code ?? String(state.code));
    if (state.kind === "closed" && this.#isCounting) this.found.push(`${this.user} was closed for good with ${state.code}: ${state.reason}`);
  }

  #noteResumed(): void {
    if (this.#resumedAtMs !== undefined || !this.isResumed) return;
    this.#resumedAtMs = monotonicMs();
    this.#tookMs = this.#resumedAtMs - this.#triedAtMs;
  }
}
