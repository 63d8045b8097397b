/**
 * Both encodings, over every schema of the protocol: what the schema takes goes in and comes out the same, and
 * bytes that nobody meant are refused with a code or read, and nothing else. The schemas are those of the tables, so
 * that a new command or event is among them by itself; `round-trip.test.ts` beside the codecs has the cases that
 * were thought of.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  codecs,
  commands,
  commandSchema,
  createValidator,
  decodeCommands,
  decodeServerFrames,
  ErrorFrameSchema,
  EventSchema,
  limits,
  replySchema,
  SudaError,
  type Codec,
  type CommandType,
} from "@suda/protocol";
import fc from "fast-check";
import type Type from "typebox";
import { schemaArbitrary, type SchemaNode } from "./schema-arbitrary.ts";

const types = Object.keys(commands) as CommandType[];

/** As it would come off a socket: text as a string, bytes as a Buffer. */
function received(codec: Codec, bytes: Uint8Array): string | Uint8Array {
  return codec.isText ? new TextDecoder().decode(bytes) : Buffer.from(bytes);
}

/** A frame of any command, by its schema. */
const anyCommand: fc.Arbitrary<object> = fc.oneof(...types.map((type) => schemaArbitrary(commandSchema(type)) as fc.Arbitrary<object>));

/** The variants of an event, each on its own, so that no type is rare. */
const eventVariants = flatten(EventSchema as SchemaNode);

function flatten(schema: SchemaNode): readonly SchemaNode[] {
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(flatten);
}

const isCodedRefusal = (error: unknown): boolean => error instanceof SudaError && error.code.startsWith("frame.");

for (const codec of codecs) {
  describe(`codec properties: ${codec.name}`, () => {
    for (const type of types) {
      test(`[F14] ${type}: every command of the schema is read as it was written, or is too large for a frame`, () => {
        fc.assert(
          fc.property(schemaArbitrary(commandSchema(type)), (frame) => {
            const bytes = codec.encode(frame as object);
            if (bytes.byteLength > limits.frameMaxBytes) return assert.throws(() => decodeCommands(codec, received(codec, bytes)), { code: "frame.too_large" });
            assert.deepEqual(decodeCommands(codec, received(codec, bytes)), [{ command: frame }]);
          }),
          { numRuns: 60 },
        );
      });
    }

    test("[F14] every reply of every command is read by a client as it was written", () => {
      const reply = fc.oneof(...types.map((type) => schemaArbitrary(replySchema(type)) as fc.Arbitrary<object>));
      fc.assert(
        fc.property(reply, (frame) => assert.deepEqual(decodeServerFrames(codec, received(codec, codec.encode(frame))), [frame])),
        { numRuns: 300 },
      );
    });

    test("[F14] [F1] every event and error is read by a client as it was written, alone and joined with others", () => {
      const variants = [...eventVariants, ErrorFrameSchema as SchemaNode].map((schema) => schemaArbitrary(schema as Type.TSchema) as fc.Arbitrary<object>);
      fc.assert(
        fc.property(fc.array(fc.oneof(...variants), { minLength: 1, maxLength: 20, size: "medium" }), (frames) => {
          const joined = codec.join(frames.map((frame) => codec.encode(frame)));
          assert.deepEqual(decodeServerFrames(codec, received(codec, joined)), frames);
        }),
        { numRuns: 300 },
      );
    });

    test("[F4] bytes of any kind are read or refused with a code of frames", () => {
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), bytesOfMessages(codec)), (bytes) => {
          readOrRefuse(codec, received(codec, bytes));
        }),
        { numRuns: 1_500 },
      );
    });

    test("[F4] a command that is cut short, or is followed by anything, is refused as a whole", () => {
      const tail = fc.uint8Array({ minLength: 1, maxLength: 20 }).filter((bytes) => !codec.isText || new TextDecoder().decode(bytes).trim() !== "");
      fc.assert(
        fc.property(anyCommand, fc.nat(), tail, (frame, cut, more) => {
          const bytes = codec.encode(frame);
          for (const wrong of [bytes.subarray(0, cut % bytes.byteLength), Buffer.concat([bytes, more])])
            assert.throws(() => decodeCommands(codec, received(codec, wrong)), isCodedRefusal);
        }),
        { numRuns: 300 },
      );
    });

    test("[F4] text and trees of any kind are read or refused with a code of frames", () => {
      const value = fc.anything({ maxDepth: 3, withBigInt: false, withDate: false, withMap: false, withSet: false, withTypedArray: false });
      fc.assert(
        fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json({ maxDepth: 4 }), value), (any) => {
          if (typeof any === "string" && codec.isText) return readOrRefuse(codec, any);
          if (typeof any === "object" && any !== null) readOrRefuse(codec, received(codec, codec.encode(any)));
        }),
        { numRuns: 500 },
      );
    });
  });
}

/** Frames with bytes changed, cut out, put in or repeated. */
function bytesOfMessages(codec: Codec): fc.Arbitrary<Uint8Array> {
  const spoil = fc.record({ at: fc.nat(), how: fc.constantFrom("flip", "cut", "insert", "repeat"), byte: fc.nat(255) });
  return fc.tuple(anyCommand, fc.array(spoil, { minLength: 1, maxLength: 6 })).map(([frame, spoils]) => {
    let bytes = [...codec.encode(frame).subarray(0, limits.frameMaxBytes)];
    for (const { at: anywhere, how, byte } of spoils) {
      const at = anywhere % Math.max(bytes.length, 1);
      if (how === "flip") bytes[at] = byte;
      else if (how === "cut") bytes = bytes.slice(0, at);
      else if (how === "insert") bytes.splice(at, 0, byte);
      else bytes.push(...bytes.slice(at, at + 16));
    }
    return Uint8Array.from(bytes);
  });
}

/** What is read is a command of the table, valid by its schema; what is not has a code, and comes back with a good ref or none. */
function readOrRefuse(codec: Codec, message: string | Uint8Array): void {
  let decoded;
  try {
    decoded = decodeCommands(codec, message);
  } catch (error) {
    assert.ok(isCodedRefusal(error), `threw ${String(error)}`);
    return;
  }
  for (const one of decoded) {
    if ("error" in one) assert.ok(isCodedRefusal(one.error), String(one.error));
    else assert.ok(validatorOf(one.command.type).is(one.command), JSON.stringify(one.command));
  }
}

const validators = new Map<CommandType, ReturnType<typeof createValidator>>();

function validatorOf(type: CommandType): ReturnType<typeof createValidator> {
  let validator = validators.get(type);
  if (validator === undefined) {
    validator = createValidator(commandSchema(type));
    validators.set(type, validator);
  }
  return validator;
}
