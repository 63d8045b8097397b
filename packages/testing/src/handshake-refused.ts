/** The answer to a WebSocket handshake was something other than 101. */
export class HandshakeRefused extends Error {
  override readonly name = "HandshakeRefused";
  readonly status: number;
  /** Text of the answer; empty when there was none. */
  readonly body: string;

  constructor(status: number, body = "") {
    super(`The WebSocket handshake was refused with HTTP status ${status}${body === "" ? "" : `: ${body}`}.`);
    this.status = status;
    this.body = body;
  }
}
