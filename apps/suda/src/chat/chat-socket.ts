/** The WebSocket under the client: Node 20 has none of its own, and a terminal that is left shall end at once. */
import { WebSocket } from "ws";

/** What a server may send in one message; a page of history ends at 512 KiB. */
const maxPayload = 16_777_216;
const handshakeTimeout = 15_000;
const closeTimeoutMs = 1_000;

export class ChatSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { maxPayload, handshakeTimeout });
  }

  /** A server that does not answer the close frame does not keep the program. */
  override close(code?: number): void {
    super.close(code);
    const timer = setTimeout(() => this.terminate(), closeTimeoutMs);
    this.once("close", () => clearTimeout(timer));
  }
}
