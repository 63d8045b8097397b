/** The MessagePack codec by byte vectors of the specification, and what a hostile sender may try. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Packr } from "msgpackr";
import type { ErrorCode } from "./errors.ts";
import { limits } from "./limits.ts";
import { msgpackCodec } from "./msgpack-codec.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const from = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

function refuses(bytes: Uint8Array, code: ErrorCode, because = ""): void {
  assert.throws(() => msgpackCodec.parse(bytes), { name: "SudaError", code }, because);
}

describe("MessagePack codec", () => {
  test("[F15] integers, also beyond 32 bits, leave as integers; at as int64", () => {
    assert.equal(hex(msgpackCodec.encode({ at: 1_700_000_000_000 })), "81a26174d30000018bcfe56800");
    assert.equal(hex(msgpackCodec.encode({ a: 4_294_967_295 })), "81a161ceffffffff");
    assert.equal(hex(msgpackCodec.encode({ a: 4_294_967_296 })), "81a161d30000000100000000");
    assert.equal(hex(msgpackCodec.encode({ a: -2_147_483_649 })), "81a161d3ffffffff7fffffff");
    assert.equal(hex(msgpackCodec.encode({ a: Number.MAX_SAFE_INTEGER })), "81a161d3001fffffffffffff");
    assert.equal(hex(msgpackCodec.encode({ a: 0.5 })), "81a161cb3fe0000000000000");
    for (const integer of [0, 1, 63, 64, 127, 128, 255, 256, 65_535, 65_536, -1, -32, -33, -128, -129, -32_769, 2 ** 31, 2 ** 40, -(2 ** 40)])
      assert.deepEqual(msgpackCodec.parse(msgpackCodec.encode({ a: integer })), { a: integer });
  });

  test("[F15] a frame has no extension types and no undefined; bytes are bin", () => {
    const frame = { type: "x", absent: undefined, none: null, on: true, list: [1, undefined, { b: undefined }], bytes: Uint8Array.of(1, 2, 3), text: "가" };
    // parse() itself refuses extensions.
    const decoded = msgpackCodec.parse(msgpackCodec.encode(frame)) as Record<string, unknown>;
    assert.equal(hex(msgpackCodec.encode({ bytes: Uint8Array.of(1, 2, 3) })), "81a56279746573c403010203");
    assert.deepEqual(decoded["list"], [1, null, {}], "as JSON would have it");
    assert.deepEqual(Object.keys(decoded), ["type", "none", "on", "list", "bytes", "text"]);
  });

  test("[F14] bytes arrive as Uint8Array of their own memory, also from a Buffer of a socket", () => {
    const received = Buffer.from(msgpackCodec.encode({ bytes: Uint8Array.of(1, 2, 3) }));
    const { bytes } = msgpackCodec.parse(received) as { bytes: Uint8Array };
    assert.equal(bytes.constructor, Uint8Array, "a Buffer would become an object in JSON");
    assert.notEqual(bytes.buffer, received.buffer, "a view would keep the socket's chunk alive");
    assert.deepEqual(bytes, Uint8Array.of(1, 2, 3));
  });

  test("[F1] frames join to the array of their encodings, at every size of header; one stays itself", () => {
    const frame = msgpackCodec.encode({ a: 1 });
    assert.equal(hex(msgpackCodec.join([frame, frame])), `92${hex(frame)}${hex(frame)}`);
    assert.equal(msgpackCodec.join([frame]), frame);
    for (const [count, header] of [
      [15, "9f"],
      [16, "dc0010"],
      [65_535, "dcffff"],
      [65_536, "dd00010000"],
    ] as const) {
      const joined = msgpackCodec.join(Array.from({ length: count }, () => frame));
      assert.ok(hex(joined.subarray(0, 5)).startsWith(header));
      assert.equal((msgpackCodec.parse(joined, { maxBytes: 1_000_000, maxKeys: 1_000_000 }) as unknown[]).length, count);
    }
  });

  test("[F9] text on a MessagePack connection is refused", () => {
    assert.throws(() => msgpackCodec.parse("{}"), { code: "frame.malformed" });
  });

  test("[F2] 65,536 bytes are read, one more is refused", () => {
    const bytes = (length: number): Uint8Array => concat(from("c5"), Uint8Array.of((length - 3) >> 8, (length - 3) & 255), new Uint8Array(length - 3));
    assert.equal((msgpackCodec.parse(bytes(limits.frameMaxBytes)) as Uint8Array).byteLength, limits.frameMaxBytes - 3);
    refuses(concat(from("c6 00 00 ff fc"), new Uint8Array(0xfffc)), "frame.too_large");
  });

  test("[F5] 32 levels are read, 33 are refused, and 40,000 in 40 KB", () => {
    const nested = (depth: number): Uint8Array => concat(new Uint8Array(depth - 1).fill(0x91), from("90"));
    msgpackCodec.parse(nested(limits.frameMaxDepth));
    refuses(nested(limits.frameMaxDepth + 1), "frame.too_deep");
    refuses(nested(40_000), "frame.too_deep");
    refuses(new Uint8Array(40_000).fill(0x91), "frame.too_deep");
    refuses(concat(...Array.from({ length: 33 }, () => from("81 a1 61")), from("c0")), "frame.too_deep");
  });

  test("[F6] 4,096 keys and elements are read, one more is refused", () => {
    const array = (count: number): Uint8Array => concat(Uint8Array.of(0xdc, count >> 8, count & 255), new Uint8Array(count));
    assert.equal((msgpackCodec.parse(array(4_096)) as unknown[]).length, 4_096);
    refuses(array(4_097), "frame.too_deep");
  });

  test("[F15] lengths that reach beyond the message are refused without allocating", () => {
    for (const header of ["c4ff", "c5ffff", "c6ffffffff", "d9ff", "daffff", "dbffffffff", "bf", "cf00", "cb", "cd00", "d3ffffffffffffff"])
      refuses(from(header), "frame.malformed", header);
    // Counts of elements meet the bound on keys first.
    for (const header of ["ddffffffff", "dfffffffff", "deffff", "dcffff"]) refuses(from(header), "frame.too_deep", header);
    for (const header of ["9f", "8f", "dc0010", "81a161"]) refuses(from(header), "frame.malformed", header);
  });

  test("[F4] nothing, a reserved tag, or something after the value is refused", () => {
    refuses(new Uint8Array(), "frame.malformed");
    refuses(from("c1"), "frame.malformed");
    refuses(from("80 c0"), "frame.malformed");
    refuses(from("80 80"), "frame.malformed");
    assert.deepEqual(msgpackCodec.parse(from("80")), {});
  });

  test("[F15] extension types are refused, every form of them", () => {
    for (const extension of [
      "d40001",
      "d5000102",
      "d600 01020304",
      "d7ff 0000000000000000",
      "d800 00000000000000000000000000000000",
      "c70100ff",
      "c8000100ff",
      "c90000000100ff",
      "d40000",
    ]) {
      refuses(from(extension), "frame.malformed", extension);
      refuses(concat(from("81 a1 61"), from(extension)), "frame.malformed", extension);
    }
    refuses(Uint8Array.from(new Packr({ useRecords: true }).pack({ a: 1 })), "frame.malformed", "msgpackr's own record extension");
    refuses(Uint8Array.from(new Packr().pack({ at: new Date(0) })), "frame.malformed", "a timestamp");
  });

  test("[F15] keys that are not strings are refused", () => {
    for (const key of ["01", "c0", "c3", "c401ff", "90", "80", "cb3ff0000000000000"])
      refuses(concat(from("81"), from(key), from("c0")), "frame.malformed", key);
  });

  test("[F7] __proto__ is refused as a key in every form of a string, and names that only end in it are not", () => {
    const proto = text("__proto__");
    for (const header of ["a9", "d909", "da0009", "db00000009"]) {
      refuses(concat(from("81"), from(header), proto, from("c0")), "frame.forbidden_key", header);
      refuses(concat(from("91 81 a1 61 81"), from(header), proto, from("81 a1 62 01")), "frame.forbidden_key", header);
    }
    assert.equal(({} as { b?: unknown }).b, undefined);
    for (const key of ["x__proto__", "___proto__", "12345__proto__", "__proto", "__proto__x"]) {
      const decoded = msgpackCodec.parse(msgpackCodec.encode({ [key]: 1 })) as object;
      assert.deepEqual(Object.entries(decoded), [[key, 1]]);
    }
    assert.deepEqual(msgpackCodec.parse(msgpackCodec.encode({ a: "__proto__" })), { a: "__proto__" });
  });

  test("[F3] strings that are not UTF-8 are refused, in values and keys", () => {
    for (const bytes of ["ff", "c0af", "e2 82", "ed a0 80", "f4 90 80 80", "f8 88 80 80 80", "80"]) {
      const body = from(bytes);
      const string = concat(Uint8Array.of(0xa0 | body.byteLength), body);
      refuses(concat(from("81 a1 61"), string), "frame.malformed", bytes);
      refuses(concat(from("81"), string, from("01")), "frame.malformed", bytes);
    }
    assert.deepEqual(msgpackCodec.parse(concat(from("81 a1 61 a4"), text("👋"))), { a: "👋" });
  });

  test("integers beyond 2^53 and floats that are no numbers are read, for the schema to refuse", () => {
    assert.deepEqual(msgpackCodec.parse(from("81 a1 61 cf ffffffffffffffff")), { a: 2 ** 64 });
    assert.deepEqual(msgpackCodec.parse(from("81 a1 61 cb 7ff0000000000000")), { a: Number.POSITIVE_INFINITY });
    assert.deepEqual(msgpackCodec.parse(from("81 a1 61 cb 7ff8000000000000")), { a: Number.NaN });
  });

  test("the last of two equal keys counts", () => {
    assert.deepEqual(msgpackCodec.parse(from("82 a1 61 01 a1 61 02")), { a: 2 });
  });
});
