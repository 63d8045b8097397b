/** One connection of the protocol machine: over a communicator, or over a real socket. */
import { codecs, decodeServerFrames, type Codec, type ServerFrame } from "@suda/protocol";
import { RawWebSocket, WebSocketCommunicator, type TestServer } from "@suda/testing";

export interface Link {
  readonly codec: Codec;
  /** A text from a string, a binary message from bytes. On a connection that is closed nothing happens. */
  send(message: string | Uint8Array): void;
  /** What has come since the last call. A turn or more passes. */
  receive(): Promise<readonly ServerFrame[]>;
  /** The code with which the connection ended. */
  readonly closedWith: number | undefined;
  /** What came after the end; must be nothing. */
  readonly tooLate: number;
  /** The client's own end, with `rest` behind the close frame where there are such frames. */
  hangUp(rest: string | Uint8Array): Promise<void>;
}

export interface LinkOptions {
  readonly encoding: Codec["name"];
  /** In the handshake. */
  readonly token: string | undefined;
}

export type OpenLink = (options: LinkOptions) => Promise<Link>;

const codecOf = (encoding: Codec["name"]): Codec => codecs.find(({ name }) => name === encoding) as Codec;
const headersOf = (token: string | undefined): Readonly<Record<string, string>> => (token === undefined ? {} : { authorization: `Bearer ${token}` });

export function communicatorLinks(suda: TestServer): OpenLink {
  return async ({ encoding, token }) => {
    const codec = codecOf(encoding);
    const communicator = await suda.connectSilently({ subprotocols: [codec.subprotocol], headers: headersOf(token) });
    return new CommunicatorLink(codec, communicator);
  };
}

class CommunicatorLink implements Link {
  readonly codec: Codec;
  closedWith: number | undefined;
  readonly tooLate = 0;
  readonly #communicator: WebSocketCommunicator;

  constructor(codec: Codec, communicator: WebSocketCommunicator) {
    this.codec = codec;
    this.#communicator = communicator;
    // Rejects when it stays open for long, which is no fault.
    communicator.closed().then(
      ({ code }) => (this.closedWith = code),
      () => {},
    );
  }

  send(message: string | Uint8Array): void {
    this.#communicator.sendRaw(message);
  }

  receive(): Promise<readonly ServerFrame[]> {
    return this.#communicator.leftovers();
  }

  async hangUp(): Promise<void> {
    await this.#communicator[Symbol.asyncDispose]();
  }
}

export function socketLinks(url: string): OpenLink {
  return async ({ encoding, token }) => {
    const codec = codecOf(encoding);
    const link = new SocketLink(codec);
    link.socket = await RawWebSocket.open(`${url}/v1/socket`, {
      subprotocol: codec.subprotocol,
      headers: headersOf(token),
      onMessage: (payload) => link.onMessage(payload),
      onClose: (code) => (link.closedWith = code),
    });
    return link;
  };
}

class SocketLink implements Link {
  readonly codec: Codec;
  socket: RawWebSocket | undefined;
  closedWith: number | undefined;
  tooLate = 0;
  #frames: ServerFrame[] = [];

  constructor(codec: Codec) {
    this.codec = codec;
  }

  onMessage(payload: Buffer): void {
    // The close frame was read, and this came behind it.
    if (this.socket?.isOpen === false) this.tooLate++;
    this.#frames.push(...decodeServerFrames(this.codec, this.codec.isText ? payload.toString() : Buffer.from(payload)));
  }

  send(message: string | Uint8Array): void {
    this.socket?.send(message);
  }

  async receive(): Promise<readonly ServerFrame[]> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#frames.splice(0);
  }

  async hangUp(rest: string | Uint8Array): Promise<void> {
    const closed = this.socket?.close();
    this.send(rest);
    await closed;
  }
}
