/**
 * WebSocket frames by hand (RFC 6455 §5): a writer that can also write what the RFC forbids, for the fuzz
 * test, and a reader that costs little, for the load generator of the benchmarks.
 */

/** RFC 6455 §5.2. */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  /** 4 bits. */
  readonly opcode: number;
  readonly payload: Uint8Array;
  /** True by default. */
  readonly isFinal?: boolean;
  /** The three reserved bits as a number, 0 by default. */
  readonly reserved?: number;
  /** 4 bytes; four zeros by default, which is a valid key and leaves the payload readable in a trace. `undefined`: an unmasked frame. */
  readonly mask?: Uint8Array | undefined;
  /** What the header claims, instead of the payload's length. */
  readonly claimedLength?: bigint;
}

const zeroMask = new Uint8Array(4);

/** The bytes of one frame. */
export function encodeWebSocketFrame(options: FrameOptions): Buffer {
  const { payload, opcode } = options;
  const mask = "mask" in options ? options.mask : zeroMask;
  const length = options.claimedLength ?? BigInt(payload.byteLength);
  const lengthBytes = length < 126n ? 0 : length < 0x1_0000n ? 2 : 8;
  const payloadStart = 2 + lengthBytes + (mask === undefined ? 0 : 4);
  const frame = Buffer.allocUnsafe(payloadStart + payload.byteLength);
  frame[0] = ((options.isFinal ?? true) ? 0x80 : 0) | ((options.reserved ?? 0) << 4) | opcode;
  frame[1] = (mask === undefined ? 0 : 0x80) | (lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(length, 2);
  frame.set(payload, payloadStart);
  if (mask === undefined) return frame;
  frame.set(mask, payloadStart - 4);
  if (mask.some((byte) => byte !== 0))
    for (let i = 0; i < payload.byteLength; i++) frame[payloadStart + i] = (frame[payloadStart + i] ?? 0) ^ (mask[i & 3] ?? 0);
  return frame;
}

/** A frame from a server; the payload is a window of the chunk that it came in and is overwritten never, but kept alive by being kept. */
export interface ReceivedFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
}

/** Cuts a server's bytes into frames. Servers do not mask (§5.1). */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes that the next frame needs before looking again makes sense. */
  #needed = 2;
  readonly #onFrame: (frame: ReceivedFrame) => void;

  constructor(onFrame: (frame: ReceivedFrame) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws RangeError for a masked frame, or a length beyond what an array may hold */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.byteLength;
    if (this.#length < this.#needed) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#length);
    let at = 0;
    for (;;) {
      const header = headerAt(bytes, at);
      if (header === undefined || bytes.byteLength < header.payloadStart + header.length) {
        this.#needed = header === undefined ? Math.min(bytes.byteLength - at + 1, 10) : header.payloadStart + header.length - at;
        break;
      }
      const end = header.payloadStart + header.length;
      this.#onFrame({ opcode: header.opcode, isFinal: header.isFinal, payload: bytes.subarray(header.payloadStart, end) });
      at = end;
    }
    this.#chunks = at === bytes.byteLength ? [] : [bytes.subarray(at)];
    this.#length = bytes.byteLength - at;
  }
}

function headerAt(bytes: Buffer, at: number): { opcode: number; isFinal: boolean; payloadStart: number; length: number } | undefined {
  if (bytes.byteLength - at < 2) return undefined;
  const first = bytes.readUInt8(at);
  const second = bytes.readUInt8(at + 1);
  if ((second & 0x80) !== 0) throw new RangeError("A server's frame is masked.");
  let length = second & 0x7f;
  let payloadStart = at + 2;
  if (length === 126) {
    if (bytes.byteLength < at + 4) return undefined;
    length = bytes.readUInt16BE(at + 2);
    payloadStart = at + 4;
  } else if (length === 127) {
    if (bytes.byteLength < at + 10) return undefined;
    length = Number(bytes.readBigUInt64BE(at + 2));
    payloadStart = at + 10;
  }
  return { opcode: first & 0x0f, isFinal: (first & 0x80) !== 0, payloadStart, length };
}
