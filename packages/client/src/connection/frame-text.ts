/**
 * Frames as JSON text, without schemas: a server is trusted to follow the protocol, and a client in a browser
 * shall not carry a validator. ① and ⑪ of the path of a message.
 *
 * What the server would close the connection for (size, `__proto__`) is refused here as one request, because a
 * message in an outbox that ends every connection would end the client for good.
 */
import { clientLimits, decodeBase64, encodeBase64, type ServerFrame } from "@suda/protocol";
import { RequestRefused } from "../errors.ts";

const encoder = new TextEncoder();

/** @throws RequestRefused frame.too_large, frame.forbidden_key */
export function writeFrame(frame: object): string {
  const text = stringify(frame);
  if (text.length * 3 > clientLimits.frameMaxBytes && encoder.encode(text).byteLength > clientLimits.frameMaxBytes)
    throw new RequestRefused({ code: "frame.too_large", message: `This is over ${clientLimits.frameMaxBytes} bytes.`, retryable: false });
  // Inside of a string the closing quote would have a backslash before it.
  if (text.includes('"__proto__":')) throw new RequestRefused({ code: "frame.forbidden_key", message: "The key __proto__ is not allowed.", retryable: false });
  return text;
}

/** JSON; bytes become base64, and half a surrogate pair, which has no UTF-8, becomes U+FFFD. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "string") return part.toWellFormed();
    return part instanceof Uint8Array ? encodeBase64(part) : part;
  });
}

/** The frames of one WebSocket message, bytes restored. `undefined` when it is not of this protocol. */
export function readFrames(text: string): readonly ServerFrame[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const frames: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  if (!frames.every((frame) => typeof frame === "object" && frame !== null && "type" in frame)) return undefined;
  for (const frame of frames) reviveFrame(frame as Frame);
  return frames as readonly ServerFrame[];
}

/** Content that was JSON: its bytes are bytes again. Changes the object that is given. */
export function reviveContent<Any extends { readonly type: string }>(content: Any): Any {
  if (content.type !== "bytes") return content;
  const fields = content as { bytes?: unknown };
  if (typeof fields.bytes === "string") fields.bytes = decodeBase64(fields.bytes) ?? new Uint8Array();
  return content;
}

/** The places where frames hold events: themselves, pages, resumed conversations, the last event of a conversation. */
interface Frame {
  readonly content?: { readonly type: string };
  readonly events?: readonly Frame[];
  readonly resumed?: readonly Frame[];
  readonly conversations?: readonly Frame[];
  readonly conversation?: Frame | string;
  readonly last?: Frame;
}

function reviveFrame(frame: Frame): void {
  if (frame.content !== undefined) reviveContent(frame.content);
  for (const event of frame.events ?? []) reviveFrame(event);
  for (const resumed of frame.resumed ?? []) reviveFrame(resumed);
  for (const conversation of frame.conversations ?? []) reviveFrame(conversation);
  if (typeof frame.conversation === "object") reviveFrame(frame.conversation);
  if (frame.last !== undefined) reviveFrame(frame.last);
}
