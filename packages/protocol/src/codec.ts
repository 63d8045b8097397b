/**
 * An encoding of frames. Two exist: JSON text (`suda.v1.json`) and MessagePack (`suda.v1.msgpack`). Both
 * carry the same objects; only bytes differ (base64 in JSON).
 *
 * Stands at ③ (decode) and ⑨ (encode once per encoding and event) of the path of a message.
 */
export interface Codec {
  readonly name: "json" | "msgpack";
  /** The WebSocket subprotocol that chooses it. */
  readonly subprotocol: "suda.v1.json" | "suda.v1.msgpack";
  /** Whether its WebSocket messages are text frames. */
  readonly isText: boolean;
  /** One frame's bytes; for a text codec, UTF-8. */
  encode(frame: object): Uint8Array;
  /** The array frame of several encoded frames, made from their bytes without encoding them again. One frame stays itself. */
  join(frames: readonly Uint8Array[]): Uint8Array;
  /**
   * Reads one WebSocket message: a string from a text frame, bytes from a binary one. Bounds first
   * (size, depth, keys), then parsing, refusing `__proto__`. The result is not yet validated.
   * @throws SudaError frame.malformed, frame.too_large, frame.too_deep, frame.forbidden_key
   */
  parse(message: string | Uint8Array, options?: ParseOptions): unknown;
}

export interface ParseOptions {
  /** Bytes; 65,536 by default, which is the bound of what a server takes. Clients, which read history, set it higher. */
  readonly maxBytes?: number;
  /** Keys and elements; 4,096 by default. */
  readonly maxKeys?: number;
}
