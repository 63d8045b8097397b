/**
 * A chat client of a few lines over a raw socket: commands by `ref`, events to one function. It repeats
 * nothing and repairs nothing, so that what a server does is seen as it is; @suda/client is the one for users.
 */
import {
  codecs,
  decodeServerFrames,
  stringifyFrame,
  type Codec,
  type CommandOf,
  type CommandType,
  type Event,
  type ErrorFrame,
  type ReplyOf,
} from "@suda/protocol";
import { RawWebSocket } from "./raw-websocket.ts";

export interface WireClientOptions {
  /** http://… as `suda serve` prints it. */
  readonly url: string;
  readonly encoding?: Codec["name"];
  /** For `hello`; without it the caller says hello, or does not. */
  readonly token?: string;
  readonly localAddress?: string;
  readonly onEvent?: (event: Event) => void;
}

/** The server refused a command, with a code of docs/PROTOCOL.md. */
export class CommandRefused extends Error {
  override readonly name = "CommandRefused";
  readonly frame: ErrorFrame;
  constructor(frame: ErrorFrame) {
    super(`${frame.code}: ${frame.message}`);
    this.frame = frame;
  }
}

/** The connection ended before the answer: the command may have been carried out or not. */
export class ConnectionEnded extends Error {
  override readonly name = "ConnectionEnded";
  readonly closeCode: number;
  constructor(closeCode: number) {
    super(`The connection ended with code ${closeCode} before the answer.`);
    this.closeCode = closeCode;
  }
}

interface Waiting {
  readonly resolve: (reply: object) => void;
  readonly reject: (error: Error) => void;
}

export class WireClient implements AsyncDisposable {
  readonly #codec: Codec;
  readonly #waiting = new Map<number, Waiting>();
  #lastRef = 0;
  #websocket!: RawWebSocket;

  private constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** Connects and, with a token, says hello. @throws what {@link RawWebSocket.open} throws, CommandRefused, ConnectionEnded */
  static async open(options: WireClientOptions): Promise<WireClient> {
    const codec = codecs.find(({ name }) => name === (options.encoding ?? "json")) as Codec;
    const client = new WireClient(codec);
    client.#websocket = await RawWebSocket.open(`${options.url}/v1/socket`, {
      subprotocol: codec.subprotocol,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      onMessage: (payload) => client.#onMessage(payload, options.onEvent),
      onClose: (code) => client.#onClose(code),
    });
    if (options.token !== undefined) await client.request("hello", { token: options.token });
    return client;
  }

  #onMessage(payload: Buffer, onEvent: ((event: Event) => void) | undefined): void {
    for (const frame of decodeServerFrames(this.#codec, this.#codec.isText ? payload.toString() : payload)) {
      if (frame.type !== "reply" && frame.type !== "error") {
        onEvent?.(frame);
        continue;
      }
      if (typeof frame.ref !== "number") continue;
      const waiting = this.#waiting.get(frame.ref);
      this.#waiting.delete(frame.ref);
      if (frame.type === "error") waiting?.reject(new CommandRefused(frame));
      else waiting?.resolve(frame);
    }
  }

  #onClose(code: number): void {
    for (const { reject } of this.#waiting.values()) reject(new ConnectionEnded(code));
    this.#waiting.clear();
  }

  /** The reply to one command. Commands are sent in the order of the calls. @throws CommandRefused, ConnectionEnded */
  request<T extends CommandType>(type: T, fields: Omit<CommandOf<T>, "type" | "ref">): Promise<ReplyOf<T>> {
    return new Promise<ReplyOf<T>>((resolve, reject) => {
      if (!this.#websocket.isOpen) return reject(new ConnectionEnded(1006));
      const ref = ++this.#lastRef;
      this.#waiting.set(ref, { resolve: (reply) => resolve(reply as ReplyOf<T>), reject });
      const frame = { type, ref, ...fields };
      this.#websocket.send(this.#codec.isText ? stringifyFrame(frame) : this.#codec.encode(frame));
    });
  }

  get isOpen(): boolean {
    return this.#websocket.isOpen;
  }

  /** Resolves with the close code when the connection has ended. */
  get closed(): Promise<number> {
    return this.#websocket.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#websocket[Symbol.asyncDispose]();
  }
}
