/**
 * What a hostile client puts into WebSocket messages: good commands in any order, good commands with one
 * thing wrong, and bytes that are nothing. Every choice comes from the seed.
 */
import { commands, type Codec, type CommandType } from "@suda/protocol";
import type { SeededRandom } from "@suda/testing";

export interface HostileContext {
  readonly codec: Codec;
  readonly random: SeededRandom;
  /** Conversations to name: own ones, somebody else's, and such as do not exist. */
  readonly conversations: readonly string[];
  readonly users: readonly string[];
}

/** One WebSocket message: a text from a string, a binary one from bytes. */
export type HostileMessage = string | Buffer;

const commandTypes = Object.keys(commands).filter((type) => type !== "hello") as CommandType[];

/** The next message; `ref` is for the command in it, where there is one. */
export function nextHostileMessage(context: HostileContext, ref: number): HostileMessage {
  const { random } = context;
  const dice = random.float();
  if (dice < 0.33) return encode(context, goodCommand(context, ref));
  if (dice < 0.8) return encode(context, withOneThingWrong(goodCommand(context, ref), random));
  if (dice < 0.83) return encode(context, arrayOf(context, ref));
  if (dice < 0.86) return textWrong(context, ref);
  if (dice < 0.95) return withBytesWrong(toBytes(encode(context, goodCommand(context, ref))), context);
  if (dice < 0.97) return wrongKindOfMessage(context, ref);
  return nothing(context);
}

function goodCommand({ random, conversations, users, codec }: HostileContext, ref: number): Record<string, unknown> {
  const conversation = random.pick(conversations);
  const user = random.pick(users);
  const type = random.pick(commandTypes);
  const clientId = `f-${random.integer(0, 40)}`;
  const fields: Partial<Record<CommandType, object>> = {
    "user.get": { user },
    "user.update": { name: pickString(random), data: { key: pickString(random) } },
    "conversation.open": { with: user },
    "conversation.create": { clientId, title: "방", members: [user] },
    "conversation.get": { conversation },
    "conversation.list": { limit: random.integer(1, 200) },
    "conversation.update": { conversation, title: pickString(random) },
    "member.list": { conversation, limit: 50 },
    "member.add": { conversation, users: [user, random.pick(users)] },
    "member.remove": { conversation, user },
    "member.update": { conversation, user, role: random.pick(["owner", "admin", "member"]) },
    "member.leave": { conversation },
    "message.send": { conversation, clientId, content: pickContent(random, codec) },
    "history.get": { conversation, after: random.integer(0, 10), limit: random.integer(1, 200) },
    "receipt.read": { conversation, seq: random.integer(0, 100) },
  };
  return { type, ref, ...fields[type] };
}

function pickContent(random: SeededRandom, codec: Codec): object {
  const bytes = random.bytes(random.integer(1, 64));
  return random.pick<object>([
    { type: "text", text: pickString(random) },
    { type: "text", text: "@가나 hello", entities: [{ type: "mention", user: "mallory-1", offset: random.integer(0, 12), length: random.integer(1, 3) }] },
    { type: "image", url: "https://example.com/a.png", width: 10, height: 10 },
    { type: "location", latitude: random.float() * 200 - 100, longitude: 127 },
    { type: "bytes", mime: "application/octet-stream", bytes: codec.isText ? Buffer.from(bytes).toString("base64") : bytes },
    { type: "audio", url: "https://example.com/a.ogg", durationMs: 1_000, waveform: [1, 2, 3] },
  ]);
}

const strings = [
  "안녕",
  "👨‍👩‍👧‍👦",
  "",
  " ",
  "x".repeat(5_000),
  "x".repeat(5_001),
  "\u0000",
  "\ud800",
  "\u202e",
  "__proto__",
  "constructor",
  "' or 1=1",
  "../../etc/passwd",
] as const;

function pickString(random: SeededRandom): string {
  return random.pick(strings);
}

/** Walks down a random path and spoils what is there. */
function withOneThingWrong(frame: Record<string, unknown>, random: SeededRandom): Record<string, unknown> {
  const copy = structuredClone(frame);
  let target: Record<string, unknown> = copy;
  for (;;) {
    const inner = Object.values(target).filter(isPlainObject);
    if (inner.length === 0 || random.isTrue(0.5)) break;
    target = random.pick(inner);
  }
  const key = random.pick(Object.keys(target).length === 0 ? ["type"] : Object.keys(target));
  switch (random.integer(0, 3)) {
    case 0:
      delete target[key];
      break;
    case 1:
      target[random.pick(["extra", "toString", "constructor", "hasOwnProperty", "__proto__x", ""])] = wrongValue(random);
      break;
    case 2:
      // As an own key, which is how it would arrive.
      Object.defineProperty(target, "__proto__", { value: { isAdmin: true }, enumerable: true, configurable: true, writable: true });
      break;
    default:
      target[key] = wrongValue(random);
  }
  return copy;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function wrongValue(random: SeededRandom): unknown {
  const values: readonly (() => unknown)[] = [
    () => null,
    () => true,
    () => -1,
    () => 1.5,
    () => Number.MAX_SAFE_INTEGER + 2,
    () => 1e308,
    () => [],
    () => ({}),
    () => [[[[[]]]]],
    () => nested(random.integer(2, 60)),
    () => Array.from({ length: random.integer(0, 5_000) }, () => 0),
    () => Object.fromEntries(Array.from({ length: random.integer(0, 5_000) }, (_, index) => [`k${index}`, index])),
    () => pickString(random),
    () => "x".repeat(random.integer(0, 70_000)),
    () => random.bytes(3),
    () => ({ type: "text", text: "x", constructor: { prototype: { polluted: true } } }),
  ];
  return random.pick(values)();
}

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

function arrayOf(context: HostileContext, ref: number): unknown {
  const { random } = context;
  const length = random.pick([0, 1, 2, 3, 100, 101, 1_000]);
  const one = goodCommand(context, ref);
  // The same ref again and again: each has to be answered.
  const frames: unknown[] = Array.from({ length }, () => one);
  if (random.isTrue(0.3)) frames.push(random.pick([null, 1, [], "x", [one]]));
  return frames;
}

/** What only the text of JSON can say; a MessagePack connection gets the nearest thing in bytes. */
function textWrong({ codec, random }: HostileContext, ref: number): HostileMessage {
  if (!codec.isText) {
    // Lengths that lie: an array, a map, a string, bytes of 2^32-1; nesting by the byte; an extension; 0xc1.
    return Buffer.from(
      random.pick(["ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "91".repeat(20_000), "d40001", "c1", "82a3726566", "d8", "81c0c0", "c7ff01"]),
      "hex",
    );
  }
  return random.pick([
    `{"type":"user.get","ref":${ref},"user":"a","user":"b"}`,
    `{"type":"receipt.read","ref":${ref},"conversation":"x","seq":1e400}`,
    `{"type":"message.send","ref":${ref},"conversation":"x","clientId":"c","content":{"type":"text","text":"\\ud800"}}`,
    `{"type":"user.get","ref":${ref},"user":"a"}}`,
    `{"type":"user.get","ref":${ref},"user":"a"`,
    `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
    `${'{"a":'.repeat(8_000)}1${"}".repeat(8_000)}`,
    `{"type":"user.get","ref":${ref},"\\u005f_proto__":{"a":1},"user":"a"}`,
    `[${"0,".repeat(30_000)}0]`,
    `\ufeff{"type":"user.get","ref":${ref},"user":"a"}`,
    `{"type":"user.get","ref":${ref},"user":"${"a".repeat(66_000)}"}`,
    "NaN",
    '"',
    "",
  ]);
}

function withBytesWrong(bytes: Buffer, { codec, random }: HostileContext): HostileMessage {
  const spoiled = Buffer.from(bytes);
  const at = random.integer(0, Math.max(0, spoiled.byteLength - 1));
  let result: Buffer;
  switch (random.integer(0, 4)) {
    case 0:
      spoiled[at] = (spoiled[at] ?? 0) ^ (1 << random.integer(0, 7));
      result = spoiled;
      break;
    case 1:
      result = spoiled.subarray(0, at);
      break;
    case 2:
      result = Buffer.concat([spoiled.subarray(0, at), random.bytes(random.integer(1, 8)), spoiled.subarray(at)]);
      break;
    case 3:
      result = Buffer.concat([spoiled, spoiled.subarray(at)]);
      break;
    default:
      for (let i = 0; i < 8; i++) spoiled[random.integer(0, spoiled.byteLength - 1)] = random.integer(0, 255);
      result = spoiled;
  }
  // A text message is a string here, so what is not UTF-8 would be repaired: that case is one of hostile-sockets.ts.
  return codec.isText ? result.toString() : result;
}

/** Binary where text is spoken and the other way round. */
function wrongKindOfMessage(context: HostileContext, ref: number): HostileMessage {
  const message = encode(context, goodCommand(context, ref));
  return typeof message === "string" ? Buffer.from(message) : message.toString("latin1");
}

function nothing({ codec, random }: HostileContext): HostileMessage {
  const bytes = Buffer.from(random.bytes(random.integer(0, 300)));
  return codec.isText ? bytes.toString() : bytes;
}

function encode({ codec }: HostileContext, frame: unknown): HostileMessage {
  const bytes = Buffer.from(codec.encode(frame as object));
  return codec.isText ? bytes.toString() : bytes;
}

function toBytes(message: HostileMessage): Buffer {
  return typeof message === "string" ? Buffer.from(message) : message;
}
