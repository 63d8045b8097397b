/**
 * MessagePack (msgpack.org), without extension types: every decoder of any language reads it. Before
 * msgpackr sees a message from outside, its structure is scanned, because a decoder that trusts lengths
 * and nesting can be made to allocate or to overflow its stack by a few bytes.
 */
import { Packr } from "msgpackr";
import type { Codec } from "./codec.ts";
import { SudaError } from "./errors.ts";
import { checkKeysAndStrings } from "./json-codec.ts";
import { limits } from "./limits.ts";

// Bytes are copied out: a view would keep the whole chunk of the socket alive for as long as the message is.
const packer = new Packr({ useRecords: false, variableMapSize: true, mapsAsObjects: true, int64AsType: "number", copyBuffers: true });

export const msgpackCodec: Codec = {
  name: "msgpack",
  subprotocol: "suda.v1.msgpack",
  isText: false,
  // A copy, because msgpackr hands out a window of a buffer that it goes on using.
  encode: (frame) => Uint8Array.from(packer.pack(toPackable(frame))),
  join(frames) {
    const [first] = frames;
    if (frames.length === 1 && first !== undefined) return first;
    const header = arrayHeader(frames.length);
    let length = header.byteLength;
    for (const frame of frames) length += frame.byteLength;
    const joined = new Uint8Array(length);
    joined.set(header, 0);
    let at = header.byteLength;
    for (const frame of frames) {
      joined.set(frame, at);
      at += frame.byteLength;
    }
    return joined;
  },
  parse(message, options = {}) {
    if (typeof message === "string")
      throw new SudaError("frame.malformed", "This connection speaks MessagePack: send binary frames, or connect with the subprotocol suda.v1.json.");
    const maxBytes = options.maxBytes ?? limits.frameMaxBytes;
    if (message.byteLength > maxBytes) throw new SudaError("frame.too_large", `The frame is over ${maxBytes} bytes.`);
    scanStructure(message, options.maxKeys ?? limits.frameMaxKeys);
    let value: unknown;
    try {
      // Never a Buffer, whose toJSON would turn byte fields into arrays of numbers for the clients that speak JSON.
      value = packer.unpack(new Uint8Array(message.buffer, message.byteOffset, message.byteLength));
    } catch (cause) {
      // The scan has bounded size and depth, so what is left is msgpackr's own word for a broken value.
      throw new SudaError("frame.malformed", "The frame is not MessagePack.", { cause });
    }
    checkKeysAndStrings(value);
    return value;
  },
};

/**
 * Without `undefined` (msgpackr would write an extension), and with integers beyond 32 bits as BigInt, so
 * that they leave as int64 and not as float64: a Go or Rust client decodes `at` into an integer.
 */
function toPackable(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) && (value > 0xffff_ffff || value < -0x8000_0000) ? BigInt(value) : value;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((element) => toPackable(element ?? null)); // as JSON does
  const packable: Record<string, unknown> = {};
  for (const [key, element] of Object.entries(value)) if (element !== undefined) packable[key] = toPackable(element);
  return packable;
}

function arrayHeader(length: number): Uint8Array {
  if (length < 16) return Uint8Array.of(0x90 | length);
  if (length < 0x1_0000) return Uint8Array.of(0xdc, length >> 8, length & 0xff);
  return Uint8Array.of(0xdd, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff);
}

/**
 * Walks one value without building anything: every length lies inside the message, nesting and keys are
 * bounded, map keys are strings other than `__proto__`, no extension types, nothing after the value.
 */
function scanStructure(bytes: Uint8Array, maxKeys: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let keys = 0;

  const malformed = (what: string): SudaError => new SudaError("frame.malformed", `The frame is not MessagePack of this protocol: ${what}.`);
  const take = (length: number): number => {
    const start = at;
    if (length > bytes.byteLength - at) throw malformed("a length reaches beyond the frame");
    at += length;
    return start;
  };
  const lengthOf = (size: 1 | 2 | 4): number => {
    const start = take(size);
    return size === 1 ? view.getUint8(start) : size === 2 ? view.getUint16(start) : view.getUint32(start);
  };
  const container = (count: number, isMap: boolean, depth: number): void => {
    if (depth > limits.frameMaxDepth) throw new SudaError("frame.too_deep", `The frame nests deeper than ${limits.frameMaxDepth} levels.`);
    keys += count;
    if (keys > maxKeys) throw new SudaError("frame.too_deep", `The frame has over ${maxKeys} keys and elements.`);
    for (let i = 0; i < count; i++) {
      if (isMap) key();
      value(depth);
    }
  };
  const key = (): void => {
    const tag = bytes[at];
    if (tag === undefined) throw malformed("it ends early");
    if (!((tag >= 0xa0 && tag <= 0xbf) || (tag >= 0xd9 && tag <= 0xdb))) throw malformed("a key of a map is not a string");
    const before = at;
    value(0);
    const headerLength = tag <= 0xbf ? 1 : tag === 0xd9 ? 2 : tag === 0xda ? 3 : 5;
    // msgpackr would silently rename this key, so it has to be caught here.
    if (equals(bytes.subarray(before + headerLength, at), protoKey)) throw new SudaError("frame.forbidden_key", "The key __proto__ is not allowed in a frame.");
  };
  const value = (depth: number): void => {
    const tag = view.getUint8(take(1));
    if (tag <= 0x7f || tag >= 0xe0) return;
    if (tag <= 0x8f) return container(tag & 0x0f, true, depth + 1);
    if (tag <= 0x9f) return container(tag & 0x0f, false, depth + 1);
    if (tag <= 0xbf) return text(tag & 0x1f);
    switch (tag) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4:
        return void take(lengthOf(1));
      case 0xc5:
        return void take(lengthOf(2));
      case 0xc6:
        return void take(lengthOf(4));
      case 0xca:
      case 0xce:
      case 0xd2:
        return void take(4);
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return void take(8);
      case 0xcc:
      case 0xd0:
        return void take(1);
      case 0xcd:
      case 0xd1:
        return void take(2);
      case 0xd9:
        return text(lengthOf(1));
      case 0xda:
        return text(lengthOf(2));
      case 0xdb:
        return text(lengthOf(4));
      case 0xdc:
        return container(lengthOf(2), false, depth + 1);
      case 0xdd:
        return container(lengthOf(4), false, depth + 1);
      case 0xde:
        return container(lengthOf(2), true, depth + 1);
      case 0xdf:
        return container(lengthOf(4), true, depth + 1);
      default:
        throw malformed("extension types are not used here");
    }
  };
  const text = (length: number): void => {
    const start = take(length);
    try {
      utf8.decode(bytes.subarray(start, start + length));
    } catch {
      throw malformed("a string is not UTF-8");
    }
  };

  value(0);
  if (at !== bytes.byteLength) throw malformed("there is more after the value");
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const protoKey = new TextEncoder().encode("__proto__");

function equals(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index]);
}
