/**
 * What carries text to a server and back: a WebSocket, or a simulated network in its place.
 *
 * A socket belongs to the connection that opened it; nothing is shared between two sockets.
 */

/** Opens a socket and returns at once; what happens to it comes to the handlers. Never calls a handler before it has returned. */
export type Transport = (url: string, handlers: TransportHandlers) => TransportSocket;

export interface TransportHandlers {
  /** The handshake is done: `send` may be called. */
  onOpen(): void;
  /** One WebSocket message, in order. */
  onMessage(text: string): void;
  /** The end, once: 1006 when it broke or never opened. Nothing comes after it. */
  onClose(code: number, reason: string): void;
}

export interface TransportSocket {
  /** Hands one WebSocket message over; what cannot be sent any more is dropped, and `onClose` follows. */
  send(text: string): void;
  /** Ends it, also before it opened. Whether `onClose` follows does not matter: whoever closes has let go of it. */
  close(code: number): void;
}
