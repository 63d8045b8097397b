/**
 * What goes over Redis: who sent it, for whom, and the event. The sender stands in front, in a fixed place, so that a node
 * passes over its own without reading on; the rest is MessagePack.
 *
 *     version (1 byte) · sender (12 bytes) · MessagePack of the event, or of [channel, event] in a node's own channel
 */
import { msgpackCodec } from "@suda/protocol";
import type { LayerEvent } from "@suda/server/channel-layer";

const version = 1;
const senderLength = 12;
const headerLength = 1 + senderLength;
/** What nodes say to each other is not a stranger's: larger than a frame, since an event may carry a frame and more. */
const bounds = { maxBytes: 4_194_304, maxKeys: 100_000 };

/** @param sender twelve ASCII characters */
export function writeMessage(sender: string, value: LayerEvent | readonly [channel: string, event: LayerEvent]): Buffer {
  const body = msgpackCodec.encode(value);
  const message = Buffer.allocUnsafe(headerLength + body.byteLength);
  message[0] = version;
  message.write(sender, 1, senderLength, "latin1");
  message.set(body, headerLength);
  return message;
}

export function isFrom(message: Buffer, sender: string): boolean {
  return message.byteLength > headerLength && message.toString("latin1", 1, headerLength) === sender;
}

/** `undefined` for what no node of this version wrote. */
export function readEvent(message: Buffer): LayerEvent | undefined {
  const value = readBody(message);
  return isEvent(value) ? value : undefined;
}

/** Of a node's own channel. */
export function readAddressed(message: Buffer): readonly [channel: string, event: LayerEvent] | undefined {
  const value = readBody(message);
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [channel, event] = value as readonly unknown[];
  return typeof channel === "string" && isEvent(event) ? [channel, event] : undefined;
}

function readBody(message: Buffer): unknown {
  if (message.byteLength <= headerLength || message[0] !== version) return undefined;
  try {
    return msgpackCodec.parse(message.subarray(headerLength), bounds);
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is LayerEvent {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}
