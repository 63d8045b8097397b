/**
 * A WebSocket client on a plain TCP socket: own handshake, own frames. For tests that must send what a
 * library would refuse to, and for load generators in which a library's cost would be measured with the
 * server's. No timers, no retries; loopback only by who uses it.
 */
import { HandshakeRefused } from "../handshake-refused.ts";
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { encodeWebSocketFrame, FrameReader, opcodes } from "./websocket-frame.ts";

export interface RawWebSocketOptions {
  readonly subprotocol?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** 127.0.x.y: another client address, and another 28,000 ports. */
  readonly localAddress?: string;
  /** One whole message, fragments joined. `payload` is a window of a chunk: keeping it keeps the chunk. */
  readonly onMessage: (payload: Buffer, isText: boolean) => void;
  /** Exactly once after the handshake; 1006 when there was no close frame. */
  readonly onClose?: (code: number) => void;
}

export class RawWebSocket implements AsyncDisposable {
  readonly socket: Socket;
  /** The subprotocol that the server chose. */
  readonly subprotocol: string | undefined;
  /** Resolves with the close code when the connection has ended. */
  readonly closed: Promise<number>;
  #fragments: Buffer[] = [];
  #fragmentsOpcode = 0;
  #closeCode = 1006;
  readonly #onMessage: RawWebSocketOptions["onMessage"];

  private constructor(socket: Socket, subprotocol: string | undefined, options: RawWebSocketOptions) {
    this.socket = socket;
    this.subprotocol = subprotocol;
    this.#onMessage = options.onMessage;
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        options.onClose?.(this.#closeCode);
        resolve(this.#closeCode);
      });
    });
  }

  /**
   * Connects and shakes hands.
   * @param url ws:// or http://
   * @throws HandshakeRefused, or the socket's error when nobody listens or the connection breaks
   */
  static open(url: string, options: RawWebSocketOptions): Promise<RawWebSocket> {
    const target = new URL(url);
    const socket = connect({
      host: target.hostname,
      port: Number(target.port),
      noDelay: true,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    });
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      const fail = (error: Error): void => {
        socket.destroy();
        reject(error);
      };
      const onEnd = (): void => fail(new Error("The server closed the connection during the handshake."));
      const onData = (chunk: Buffer): void => {
        received = Buffer.concat([received, chunk]);
        const end = received.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = received.toString("latin1", 0, end);
        const status = Number(head.slice(9, 12));
        if (status !== 101) return fail(new HandshakeRefused(status));
        socket.off("data", onData).off("error", fail).off("end", onEnd).off("close", onEnd);
        const websocket = new RawWebSocket(socket, /^sec-websocket-protocol: *(.*)$/im.exec(head)?.[1], options);
        websocket.#listen();
        resolve(websocket);
        const rest = received.subarray(end + 4);
        // After the promise's reactions, so that the caller holds the object when the first message comes.
        if (rest.byteLength > 0) setImmediate(() => socket.emit("data", rest));
      };
      socket.on("data", onData).on("error", fail).on("end", onEnd).on("close", onEnd);
      socket.write(handshake(target, options));
    });
  }

  #listen(): void {
    const reader = new FrameReader(({ opcode, isFinal, payload }) => {
      if (opcode === opcodes.ping) return this.sendFrame(opcodes.pong, payload);
      if (opcode === opcodes.close) {
        this.#closeCode = payload.byteLength >= 2 ? payload.readUInt16BE(0) : 1005;
        this.sendFrame(opcodes.close, payload.subarray(0, 2));
        this.socket.end();
        return;
      }
      if (opcode !== opcodes.text && opcode !== opcodes.binary && opcode !== opcodes.continuation) return;
      if (isFinal && this.#fragments.length === 0) return this.#onMessage(payload, opcode === opcodes.text);
      if (this.#fragments.length === 0) this.#fragmentsOpcode = opcode;
      this.#fragments.push(payload);
      if (!isFinal) return;
      const message = Buffer.concat(this.#fragments);
      this.#fragments = [];
      this.#onMessage(message, this.#fragmentsOpcode === opcodes.text);
    });
    this.socket.on("data", (chunk: Buffer) => reader.push(chunk));
    // "close" follows and is what tells; ECONNRESET is how a killed server looks.
    this.socket.on("error", () => {});
    this.socket.on("end", () => this.socket.end());
  }

  get isOpen(): boolean {
    return this.socket.writable;
  }

  /** A text message from a string, a binary one from bytes. On a closed connection nothing happens. */
  send(message: string | Uint8Array): void {
    if (typeof message === "string") this.sendFrame(opcodes.text, Buffer.from(message));
    else this.sendFrame(opcodes.binary, message);
  }

  sendFrame(opcode: number, payload: Uint8Array): void {
    this.write(encodeWebSocketFrame({ opcode, payload }));
  }

  /** Bytes as they are, whatever they are. */
  write(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Sends a close frame and waits for the end. */
  async close(code = 1000): Promise<void> {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.sendFrame(opcodes.close, payload);
    await this.closed;
  }

  /** Ends the connection at once, without a close frame. */
  destroy(): void {
    this.socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.destroy();
    await this.closed;
  }
}

function handshake(target: URL, options: RawWebSocketOptions): string {
  const lines = [
    `GET ${target.pathname}${target.search} HTTP/1.1`,
    `Host: ${target.host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    ...(options.subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${options.subprotocol}`]),
    ...Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}
