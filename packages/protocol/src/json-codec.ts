/**
 * JSON text. Parsing goes: byte cap → (UTF-8 was checked by the socket) → depth and key caps on the text →
 * JSON.parse → refusal of `__proto__` and of lone surrogates. A 40 KB frame nested 20,000 deep would
 * otherwise make JSON.stringify throw later, far from its cause (measured, DESIGN §6).
 */
import { encodeBase64 } from "./byte-fields.ts";
import type { Codec, ParseOptions } from "./codec.ts";
import { SudaError } from "./errors.ts";
import { limits } from "./limits.ts";

const encoder = new TextEncoder();

export const jsonCodec: Codec = {
  name: "json",
  subprotocol: "suda.v1.json",
  isText: true,
  encode: (frame) => encoder.encode(stringifyFrame(frame)),
  join(frames) {
    const [first] = frames;
    if (frames.length === 1 && first !== undefined) return first;
    return joinWith(frames, 0x5b, 0x2c, 0x5d);
  },
  parse(message, options = {}) {
    if (typeof message !== "string")
      throw new SudaError("frame.malformed", "This connection speaks JSON: send text frames, or connect with the subprotocol suda.v1.msgpack.");
    return parseJson(message, options);
  },
};

/** JSON text of a frame; bytes become base64. */
export function stringifyFrame(frame: unknown): string {
  // A replacer is called for every value, and most frames have no bytes.
  if (!holdsBytes(frame, limits.frameMaxDepth)) return JSON.stringify(frame);
  return JSON.stringify(frame, (_key, value: unknown) => (value instanceof Uint8Array ? encodeBase64(value) : value));
}

/** What is deeper than any frame may have bytes; JSON.stringify has its own word on it. */
function holdsBytes(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Uint8Array || depth === 0) return true;
  if (Array.isArray(value)) {
    for (const element of value) if (holdsBytes(element, depth - 1)) return true;
    return false;
  }
  for (const key in value) if (holdsBytes((value as Readonly<Record<string, unknown>>)[key], depth - 1)) return true;
  return false;
}

/**
 * JSON.parse within the bounds of {@link limits}; shared with the HTTP API.
 * @throws SudaError frame.malformed, frame.too_large, frame.too_deep, frame.forbidden_key
 */
export function parseJson(text: string, options: ParseOptions = {}): unknown {
  const maxBytes = options.maxBytes ?? limits.frameMaxBytes;
  // A UTF-16 unit is at most three bytes of UTF-8: most frames need no counting.
  if (text.length > maxBytes || (text.length * 3 > maxBytes && encoder.encode(text).byteLength > maxBytes))
    throw new SudaError("frame.too_large", `The frame is over ${maxBytes} bytes.`);
  checkShape(text, options.maxKeys ?? limits.frameMaxKeys);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new SudaError("frame.malformed", "The frame is not JSON.");
  }
  // Only an escape or the key itself can bring what is looked for here, so that most frames need no walk.
  if (text.includes("\\u") || text.includes("__proto__")) checkKeysAndStrings(value);
  return value;
}

/** Counts nesting and separators outside of strings; JSON.parse judges the rest. */
function checkShape(text: string, maxKeys: number): void {
  let depth = 0;
  let keys = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // a string: skip to its closing quote
        for (i++; i < text.length; i++) {
          const unit = text.charCodeAt(i);
          if (unit === 0x5c) i++;
          else if (unit === 0x22) break;
        }
        break;
      case 0x7b:
      case 0x5b:
        if (++depth > limits.frameMaxDepth) throw new SudaError("frame.too_deep", `The frame nests deeper than ${limits.frameMaxDepth} levels.`);
        break;
      case 0x7d:
      case 0x5d:
        depth--;
        break;
      case 0x2c:
        if (++keys > maxKeys) throw new SudaError("frame.too_deep", `The frame has over ${maxKeys} keys and elements.`);
        break;
      default:
    }
  }
}

/** @throws SudaError frame.forbidden_key for `__proto__`, frame.malformed for half a surrogate pair (it has no UTF-8) */
export function checkKeysAndStrings(value: unknown): void {
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new SudaError("frame.malformed", "A string has half a surrogate pair, which is not Unicode text.");
  } else if (Array.isArray(value)) {
    for (const element of value) checkKeysAndStrings(element);
  } else if (typeof value === "object" && value !== null && !(value instanceof Uint8Array)) {
    for (const [key, element] of Object.entries(value)) {
      if (key === "__proto__") throw new SudaError("frame.forbidden_key", "The key __proto__ is not allowed in a frame.");
      checkKeysAndStrings(key);
      checkKeysAndStrings(element);
    }
  }
}

function joinWith(frames: readonly Uint8Array[], open: number, separator: number, close: number): Uint8Array {
  let length = 1 + frames.length;
  for (const frame of frames) length += frame.byteLength;
  const joined = new Uint8Array(Math.max(length, 2));
  joined[0] = open;
  let at = 1;
  for (const [index, frame] of frames.entries()) {
    if (index > 0) joined[at++] = separator;
    joined.set(frame, at);
    at += frame.byteLength;
  }
  joined[at] = close;
  return joined;
}
