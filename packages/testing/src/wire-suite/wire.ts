/** One connection of the wire suite: frames as they are, each of the server's held against its schema. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  createValidator,
  decodeServerFrames,
  ErrorFrameSchema,
  EventSchema,
  isCommandType,
  replySchema,
  type Codec,
  type CommandType,
  type Event,
  type ReplyOf,
  type ServerFrame,
} from "@suda/protocol";
import { RawWebSocket } from "../raw-socket/raw-websocket.ts";
import { Arrivals, defaultTimeoutMs } from "../waiting.ts";

export interface WireServer {
  /** http://… */
  readonly url: string;
  /** A token that the server takes for the user. */
  tokenOf(user: string): string | Promise<string>;
  /** Of the host's backend: the suite makes bots with it. */
  readonly apiKey: string;
  close?(): Promise<void>;
}

export type OpenWireServer = () => Promise<WireServer>;

const validators = { error: createValidator(ErrorFrameSchema), event: createValidator(EventSchema) };

export class Wire implements AsyncDisposable {
  readonly #codec: Codec;
  readonly #frames = new Arrivals<ServerFrame>((frame) => JSON.stringify(frame).slice(0, 200));
  /** Types of the commands under way, by ref. */
  readonly #asked = new Map<unknown, CommandType>();
  #socket!: RawWebSocket;
  #lastRef = 0;
  #mismatch: unknown;

  private constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** Connected, nothing said. */
  static async connect(server: WireServer, codec: Codec, headers: Readonly<Record<string, string>> = {}): Promise<Wire> {
    const wire = new Wire(codec);
    wire.#socket = await RawWebSocket.open(`${server.url}/v1/socket`, {
      subprotocol: codec.subprotocol,
      headers,
      onMessage: (payload, isText) => wire.#onMessage(payload, isText),
      onClose: (code) => wire.#frames.end(`the server closed with ${code}`),
    });
    assert.equal(wire.#socket.subprotocol, codec.subprotocol);
    return wire;
  }

  /** Connected, hello said. */
  static async open(server: WireServer, codec: Codec, user: string): Promise<Wire> {
    const wire = await Wire.connect(server, codec);
    await wire.ask("hello", { token: await server.tokenOf(user) });
    return wire;
  }

  get closed(): Promise<number> {
    return this.#socket.closed;
  }

  /** One frame, or an array of them, in one WebSocket message. */
  send(frame: object): void {
    for (const one of Array.isArray(frame) ? (frame as unknown[]) : [frame]) {
      const { type, ref } = one as { readonly type?: unknown; readonly ref?: unknown };
      if (typeof type === "string" && isCommandType(type)) this.#asked.set(ref, type);
    }
    const bytes = this.#codec.encode(frame);
    this.sendRaw(this.#codec.isText ? new TextDecoder().decode(bytes) : bytes);
  }

  sendRaw(message: string | Uint8Array): void {
    this.#socket.send(message);
  }

  /** The reply to a command; fails when it is refused. */
  async ask<T extends CommandType>(type: T, fields: object): Promise<ReplyOf<T>> {
    const frame = await this.answer({ type, ...fields });
    assert.equal(frame.type, "reply", `${type} was refused: ${JSON.stringify(frame)}`);
    return frame as unknown as ReplyOf<T>;
  }

  /** The reply or error to a command of any shape. */
  async answer(command: object): Promise<Extract<ServerFrame, { type: "reply" | "error" }>> {
    const ref = ++this.#lastRef;
    this.send({ ...command, ref });
    return this.answerTo(ref);
  }

  async answerTo(ref: unknown): Promise<Extract<ServerFrame, { type: "reply" | "error" }>> {
    const frame = await this.next(`the answer to ${JSON.stringify(ref)}`, (frame) => (frame.type === "reply" || frame.type === "error") && frame.ref === ref);
    return frame as Extract<ServerFrame, { type: "reply" | "error" }>;
  }

  async event<T extends Event["type"]>(type: T, fits: (event: Extract<Event, { type: T }>) => boolean = () => true): Promise<Extract<Event, { type: T }>> {
    const frame = await this.next(`an event ${type}`, (frame) => frame.type === type && fits(frame as Extract<Event, { type: T }>));
    return frame as Extract<Event, { type: T }>;
  }

  async next(what: string, fits: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    const frame = await this.#frames.take(what, fits, defaultTimeoutMs);
    if (this.#mismatch !== undefined) throw this.#mismatch;
    return frame;
  }

  /** What arrived and was not taken. Ask something first whose answer comes later. */
  leftovers(): readonly ServerFrame[] {
    return this.#frames.drain();
  }

  #onMessage(payload: Buffer, isText: boolean): void {
    try {
      assert.equal(isText, this.#codec.isText, "text frames for JSON, binary frames for MessagePack");
      const frames = decodeServerFrames(this.#codec, isText ? payload.toString() : payload);
      for (const frame of frames) {
        this.#frames.push(frame);
        if (frame.type === "error") validators.error.check(frame);
        else if (frame.type !== "reply") validators.event.check(frame);
        else {
          const type = this.#asked.get(frame.ref);
          assert.ok(type !== undefined, `a reply to nothing: ${JSON.stringify(frame)}`);
          this.#asked.delete(frame.ref);
          createValidator(replySchema(type)).check(frame);
        }
      }
    } catch (error) {
      this.#mismatch ??= error;
      this.#frames.end(`a frame of the server is wrong: ${String(error)}`);
    }
  }

  /** @throws what a frame of the server got wrong, if anything */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
    if (this.#mismatch !== undefined) throw this.#mismatch;
  }
}

/** One test's server and the users of it. */
export class WireWorld implements AsyncDisposable {
  readonly server: WireServer;
  readonly #suffix = randomUUID().slice(0, 8);
  readonly #connections: Wire[] = [];
  readonly #codec: Codec;

  private constructor(server: WireServer, codec: Codec) {
    this.server = server;
    this.#codec = codec;
  }

  static async open(open: OpenWireServer, codec: Codec): Promise<WireWorld> {
    return new WireWorld(await open(), codec);
  }

  /** A user's id that no other test has. */
  user(name: string): string {
    return `${name}-${this.#suffix}`;
  }

  async connect(name: string, codec: Codec = this.#codec): Promise<Wire> {
    const wire = await Wire.open(this.server, codec, this.user(name));
    this.#connections.push(wire);
    return wire;
  }

  /** The same for a bot, which is made one. */
  async connectBot(name: string): Promise<Wire> {
    await this.backend("PUT", `/v1/bots/${this.user(name)}`, {});
    return this.connect(name);
  }

  /** A request of the host's backend; fails when it is refused. */
  async backend(method: string, path: string, body: object): Promise<void> {
    const response = await fetch(this.server.url + path, {
      method,
      headers: { authorization: `Bearer ${this.server.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, `${method} ${path}: ${await response.text()}`);
  }

  async connectSilently(): Promise<Wire> {
    const wire = await Wire.connect(this.server, this.#codec);
    this.#connections.push(wire);
    return wire;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const wire of this.#connections) await wire[Symbol.asyncDispose]();
    } finally {
      await this.server.close?.();
    }
  }
}
