/** A network and a server that do what a test says, frame by frame, on a clock that the test moves. */
import assert from "node:assert/strict";
import type { Command, CommandOf, CommandType, Conversation, ReplyOf } from "@suda/protocol";
import { ManualClock, SeededRandom } from "@suda/testing";
import { openClient, type ClientOptions, type SudaClient, type Transport, type TransportHandlers } from "../src/index.ts";
import { me } from "./frames.ts";
import { settle } from "./waiting.ts";

export class ScriptedServer {
  readonly clock = new ManualClock();
  readonly random = new SeededRandom(1);
  /** Every socket that a client opened, the newest last. */
  readonly sockets: ScriptedSocket[] = [];
  readonly problems: unknown[] = [];
  /** Whether a test answers `stream.get` itself; else there are no drafts. */
  hasDrafts = false;
  #client: SudaClient | undefined;

  readonly transport: Transport = (_url, handlers) => {
    const socket = new ScriptedSocket(handlers, this);
    this.sockets.push(socket);
    return socket;
  };

  /** A client that has asked for a token and opened its first socket. */
  async open(options: Partial<ClientOptions> = {}): Promise<SudaClient> {
    const client = await openClient({
      url: "ws://chat.test/v1/socket",
      tokenProvider: () => "token",
      transport: this.transport,
      clock: this.clock,
      random: this.random,
      onProblem: (problem) => this.problems.push(problem),
      ...options,
    });
    this.#client = client;
    await settle();
    return client;
  }

  /** The newest socket. */
  get socket(): ScriptedSocket {
    const socket = this.sockets.at(-1);
    assert.ok(socket !== undefined, "no socket was opened");
    return socket;
  }

  /** Accepts the newest socket and answers its hello. */
  async greet(fields: Partial<ReplyOf<"hello">> = {}): Promise<CommandOf<"hello">> {
    const { socket } = this;
    socket.accept();
    const hello = await socket.take("hello");
    const conversations: Conversation[] = [];
    socket.reply(hello, { user: me, change: 0, conversations, more: false, ...fields });
    await settle();
    return hello;
  }

  /** Moves the clock to the next attempt to connect, and gives its socket. */
  async reconnect(): Promise<ScriptedSocket> {
    const state = this.#client?.connection.getSnapshot();
    assert.ok(state?.kind === "waiting", `the client is ${state?.kind}`);
    this.clock.advance(state.retryAt - this.clock.now());
    await settle();
    return this.socket;
  }
}

const aboutReceipts: ReadonlySet<CommandType> = new Set<CommandType>(["receipt.delivered", "member.list"]);

export class ScriptedSocket {
  /** Commands that came and were not taken. */
  readonly commands: Command[] = [];
  /** Likewise, of what every client says and asks about receipts beside the rest. */
  readonly receiptCommands: Command[] = [];
  /** The code with which the client closed. */
  closedWith: number | undefined;
  readonly #handlers: TransportHandlers;
  readonly #server: Pick<ScriptedServer, "hasDrafts">;

  constructor(handlers: TransportHandlers, server: Pick<ScriptedServer, "hasDrafts">) {
    this.#handlers = handlers;
    this.#server = server;
  }

  send(text: string): void {
    const command = JSON.parse(text) as Command;
    // It is asked whenever a conversation is opened, and says nothing in most tests.
    if (command.type === "stream.get" && !this.#server.hasDrafts) queueMicrotask(() => this.reply(command, { drafts: [] }));
    else (aboutReceipts.has(command.type) ? this.receiptCommands : this.commands).push(command);
  }

  close(code: number): void {
    this.closedWith ??= code;
  }

  accept(): void {
    this.#handlers.onOpen();
  }

  /** The next command of a type. */
  async take<T extends CommandType>(type: T): Promise<CommandOf<T>> {
    await settle();
    const commands = aboutReceipts.has(type) ? this.receiptCommands : this.commands;
    const index = commands.findIndex((command) => command.type === type);
    assert.ok(index !== -1, `no ${type} came; there is: ${commands.map((command) => command.type).join(", ")}`);
    return commands.splice(index, 1)[0] as unknown as CommandOf<T>;
  }

  reply<T extends CommandType>(command: CommandOf<T>, fields: ReplyOf<T>): void {
    this.tell({ type: "reply", ref: command.ref, ...fields });
  }

  refuse(command: Command | undefined, code: string, fields: { readonly retryable?: boolean; readonly retryAfterMs?: number } = {}): void {
    this.tell({ type: "error", ...(command === undefined ? {} : { ref: command.ref }), code, message: `refused: ${code}`, retryable: false, ...fields });
  }

  /** Frames in one WebSocket message. */
  tell(...frames: object[]): void {
    this.#handlers.onMessage(JSON.stringify(frames.length === 1 ? frames[0] : frames));
  }

  tellText(text: string): void {
    this.#handlers.onMessage(text);
  }

  /** The server's end closes. */
  end(code: number, reason = ""): void {
    this.#handlers.onClose(code, reason);
  }
}
