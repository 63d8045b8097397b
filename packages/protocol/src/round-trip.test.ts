/** Whatever frame of the protocol goes into a codec comes out of it again, in both encodings. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { codecs } from "./codecs.ts";
import { decodeCommands, decodeServerFrames } from "./decode.ts";

const idCharacters = "ABCxyz0189._@:+|~=-".split("");
const anyText = (minLength: number, maxLength: number): fc.Arbitrary<string> => fc.string({ minLength, maxLength, unit: "binary" });
const userId = fc.string({ minLength: 1, maxLength: 128, unit: fc.constantFrom(...idCharacters) });
const conversationId = fc.constantFrom("d.HLFUV9Hdq2DiBcD-PKL2XR", "g.01HF7YAT00000000000000000", "support_1");
const clientId = fc.string({ minLength: 1, maxLength: 64, unit: "grapheme-ascii" }).map((id) => id.replaceAll(" ", "_"));
const ref = fc.oneof(fc.maxSafeNat(), anyText(1, 32));
const url = fc.webUrl({ validSchemes: ["https"] });
const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });
const key: fc.Arbitrary<string> = anyText(0, 8).filter((name) => name !== "__proto__");
const jsonValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    anyText(0, 12),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4 }),
  ),
})).value;
/** Plain objects, as decoders make them; fast-check's have no prototype. */
const data = fc.dictionary(key, jsonValue, { maxKeys: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as object);

const content = fc.oneof(
  fc.record({ type: fc.constant("text"), text: anyText(1, 200) }),
  fc.record({
    type: fc.constant("text"),
    text: fc.constant("@bob 안녕"),
    entities: fc.array(fc.record({ type: fc.constant("mention"), user: userId, offset: fc.nat(3), length: fc.integer({ min: 1, max: 3 }) }), { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant("image"), url, width: optional(fc.integer({ min: 1, max: 65_535 })), alt: optional(anyText(0, 20)) }),
  fc.record({ type: fc.constant("video"), url, caption: optional(anyText(0, 20)) }),
  fc.record({ type: fc.constant("audio"), url, durationMs: fc.nat(86_400_000), waveform: optional(fc.array(fc.nat(255), { maxLength: 128 })) }),
  fc.record({ type: fc.constant("file"), url, name: anyText(1, 30), size: optional(fc.maxSafeNat()), mime: optional(fc.constant("text/plain")) }),
  fc.record({
    type: fc.constant("location"),
    latitude: fc.double({ min: -90, max: 90, noNaN: true }).map((degrees) => degrees + 0),
    longitude: fc.double({ min: -180, max: 180, noNaN: true }).map((degrees) => degrees + 0),
  }),
  fc.record({
    type: fc.constant("bytes"),
    mime: fc.constant("application/octet-stream"),
    name: optional(anyText(1, 20)),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 2_000 }).map((bytes) => Uint8Array.from(bytes)),
  }),
);

const command = fc.oneof(
  fc.record({ type: fc.constant("hello"), ref, token: optional(anyText(1, 50)) }),
  fc.record({ type: fc.constant("user.update"), ref, name: optional(fc.oneof(anyText(1, 20), fc.constant(null))), data: optional(data) }),
  fc.record({ type: fc.constant("conversation.open"), ref, with: userId }),
  fc.record({ type: fc.constant("conversation.create"), ref, title: optional(anyText(1, 20)), members: fc.array(userId, { maxLength: 5 }) }),
  fc.record({ type: fc.constant("message.send"), ref, conversation: conversationId, clientId, content, data: optional(data) }),
  fc.record({
    type: fc.constant("history.get"),
    ref,
    conversation: conversationId,
    after: optional(fc.maxSafeNat()),
    limit: optional(fc.integer({ min: 1, max: 200 })),
  }),
);

const logEvent = fc.record({
  type: fc.constant("message.created"),
  conversation: conversationId,
  seq: fc.maxSafeNat(),
  at: fc.maxSafeNat(),
  from: userId,
  clientId,
  content,
});
const serverFrame = fc.oneof(
  logEvent,
  fc.record({ type: fc.constant("reply"), ref, events: fc.array(logEvent, { maxLength: 4 }), head: fc.maxSafeNat(), more: fc.boolean() }),
  fc.record({
    type: fc.constant("reply"),
    ref,
    conversations: fc.array(fc.record({ id: conversationId, last: logEvent }), { maxLength: 3 }),
    more: fc.boolean(),
  }),
  fc.record({ type: fc.constant("conversation.joined"), conversation: fc.record({ id: conversationId, last: logEvent }), change: fc.maxSafeNat() }),
  fc.record({ type: fc.constant("error"), ref, code: fc.constant("send.conflict"), message: anyText(0, 50), retryable: fc.boolean() }),
);

/** Plain objects without absent fields: what must come out. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, field]) => (field === undefined ? [] : [[name, plain(field)]])));
}

for (const codec of codecs) {
  /** As it would come off a socket: text as a string, bytes as a Buffer. */
  const received = (bytes: Uint8Array): string | Uint8Array => (codec.isText ? new TextDecoder().decode(bytes) : Buffer.from(bytes));

  describe(`round trip: ${codec.name}`, () => {
    test("[F14] every command is read as it was written", () => {
      fc.assert(
        fc.property(command, (frame) => {
          const [decoded] = decodeCommands(codec, received(codec.encode(frame)));
          assert.deepEqual(decoded, { command: plain(frame) });
        }),
        { numRuns: 300 },
      );
    });

    test("[F1] an array frame, encoded or joined, is its frames in order", () => {
      fc.assert(
        fc.property(fc.array(command, { minLength: 1, maxLength: 5 }), (frames) => {
          const expected = frames.map((frame) => ({ command: plain(frame) }));
          assert.deepEqual(decodeCommands(codec, received(codec.encode(frames))), expected);
          assert.deepEqual(decodeCommands(codec, received(codec.join(frames.map((frame) => codec.encode(frame))))), expected);
        }),
        { numRuns: 100 },
      );
    });

    test("[F14] every frame of the server is read by a client as it was written, bytes in all places", () => {
      fc.assert(
        fc.property(fc.array(serverFrame, { minLength: 1, maxLength: 4 }), (frames) => {
          const joined = codec.join(frames.map((frame) => codec.encode(frame)));
          assert.deepEqual(decodeServerFrames(codec, received(joined)), frames.map(plain));
        }),
        { numRuns: 200 },
      );
    });

    test("[F4] bytes that nobody meant are refused or read, and nothing else", () => {
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.tuple(command, fc.nat(), fc.nat(255)).map(mutate)), (bytes) => {
          try {
            decodeCommands(codec, received(Uint8Array.from(bytes)));
          } catch (error) {
            assert.equal((error as Error).name, "SudaError", String(error));
          }
        }),
        { numRuns: 1_000 },
      );
    });

    function mutate([frame, at, byte]: readonly [object, number, number]): Uint8Array {
      const bytes = codec.encode(frame);
      bytes[at % bytes.byteLength] = byte;
      return bytes;
    }
  });
}
