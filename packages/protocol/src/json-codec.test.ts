/** The JSON codec: what it writes, how it joins, and every bound of parsing at its limit and one beyond. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SudaError, type ErrorCode } from "./errors.ts";
import { jsonCodec, parseJson } from "./json-codec.ts";
import { limits } from "./limits.ts";

const { frameMaxBytes, frameMaxDepth, frameMaxKeys } = limits;
const decoder = new TextDecoder();

function refuses(text: string, code: ErrorCode): void {
  assert.throws(() => jsonCodec.parse(text), { name: "SudaError", code });
}

/** A JSON string, quotes included, of exactly so many bytes. */
const stringOf = (bytes: number): string => `"${"a".repeat(bytes - 2)}"`;

describe("JSON codec", () => {
  test("[F14] a frame is written as JSON, bytes as base64, absent fields not at all", () => {
    const frame = { type: "reply", ref: 1, absent: undefined, none: null, bytes: Uint8Array.of(0, 255, 128), text: "안녕 👋" };
    assert.equal(decoder.decode(jsonCodec.encode(frame)), '{"type":"reply","ref":1,"none":null,"bytes":"AP+A","text":"안녕 👋"}');
  });

  test("[F14] bytes of more than one slice are one base64 string", () => {
    const bytes = Uint8Array.from({ length: 20_001 }, (_, index) => index & 255);
    assert.deepEqual(JSON.parse(decoder.decode(jsonCodec.encode({ bytes }))), { bytes: Buffer.from(bytes).toString("base64") });
  });

  test("[F1] frames join to the array of their encodings; one stays itself", () => {
    const frames = [{ a: 1 }, { b: "나" }, {}].map((frame) => jsonCodec.encode(frame));
    assert.equal(decoder.decode(jsonCodec.join(frames)), '[{"a":1},{"b":"나"},{}]');
    assert.equal(jsonCodec.join(frames.slice(0, 1)), frames[0]);
    assert.equal(decoder.decode(jsonCodec.join([])), "[]");
  });

  test("[F9] bytes on a JSON connection are refused, the same text is read", () => {
    assert.deepEqual(jsonCodec.parse("{}"), {});
    assert.throws(() => jsonCodec.parse(new TextEncoder().encode("{}")), { code: "frame.malformed" });
  });

  test("[F2] 65,536 bytes are read, one more is refused, counted in UTF-8", () => {
    assert.equal((parseJson(stringOf(frameMaxBytes)) as string).length, frameMaxBytes - 2);
    refuses(stringOf(frameMaxBytes + 1), "frame.too_large");
    // Three bytes each, but one UTF-16 unit: the bound is bytes. 21,844 of them and the quotes are 65,534.
    assert.equal((parseJson(`"${"가".repeat(21_844)}"  `) as string).length, 21_844);
    refuses(`"${"가".repeat(21_844)}"   `, "frame.too_large");
  });

  test("[F5] 32 levels are read, 33 are refused; brackets in strings do not count", () => {
    const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    jsonCodec.parse(nested(frameMaxDepth));
    refuses(nested(frameMaxDepth + 1), "frame.too_deep");
    jsonCodec.parse(`${'{"a":'.repeat(frameMaxDepth)}1${"}".repeat(frameMaxDepth)}`);
    refuses(`${'{"a":'.repeat(frameMaxDepth + 1)}1${"}".repeat(frameMaxDepth + 1)}`, "frame.too_deep");
    assert.deepEqual(jsonCodec.parse(JSON.stringify({ text: `\\"${"[{".repeat(1_000)}` })), { text: `\\"${"[{".repeat(1_000)}` });
    assert.ok(Array.isArray(jsonCodec.parse(`[${"[],".repeat(100)}[]]`)), "breadth is not depth");
  });

  test("[F5] 20,000 levels in 40 KB are refused before anything is parsed", () => {
    refuses("[".repeat(20_000) + "]".repeat(20_000), "frame.too_deep");
    refuses("[".repeat(40_000), "frame.too_deep");
    refuses('{"a":'.repeat(10_000), "frame.too_deep");
  });

  test("[F6] 4,096 separators are read, one more is refused; commas in strings do not count", () => {
    const array = (elements: number): string => `[${Array.from({ length: elements }, () => "1").join(",")}]`;
    assert.equal((jsonCodec.parse(array(frameMaxKeys + 1)) as unknown[]).length, frameMaxKeys + 1);
    refuses(array(frameMaxKeys + 2), "frame.too_deep");
    assert.equal(jsonCodec.parse(JSON.stringify(",".repeat(10_000))), ",".repeat(10_000));
  });

  test("[F4] what is not JSON is refused", () => {
    for (const text of ["", " ", "{", "}", '{"a":1', "{}{}", "{} x", "[1,]", "{a:1}", "'a'", "NaN", "undefined", "01", "\u0000", "\ufeff{}", '"\u0001"', '"'])
      refuses(text, "frame.malformed");
  });

  test("[F7] __proto__ is refused at every depth and however it is escaped, and pollutes nothing", () => {
    for (const key of ["__proto__", "\\u005f_proto__", "__pro\\u0074o__", "\\u005F\\u005f\\u0070\\u0072\\u006f\\u0074\\u006f\\u005f\\u005f"]) {
      refuses(`{"${key}":{"polluted":1}}`, "frame.forbidden_key");
      refuses(`{"a":[{"b":{"${key}":null}}]}`, "frame.forbidden_key");
    }
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    assert.deepEqual(jsonCodec.parse('{"a":"__proto__","proto":1,"x__proto__":2,"constructor":{"prototype":3}}'), {
      a: "__proto__",
      proto: 1,
      x__proto__: 2,
      constructor: { prototype: 3 },
    });
  });

  test("[F8] half a surrogate pair is refused in values and keys, a whole one is read", () => {
    for (const half of ["\\ud83d", "\\udc4b", "a\\ud83d ", "\\udc4b\\ud83d", "\\uD83D\\n"]) {
      refuses(`{"a":"${half}"}`, "frame.malformed");
      refuses(`{"${half}":1}`, "frame.malformed");
      refuses(`[["${half}"]]`, "frame.malformed");
    }
    assert.deepEqual(jsonCodec.parse('{"a":"\\ud83d\\udc4b"}'), { a: "👋" });
  });

  test("NUL in a string is text; numbers out of range are for the schema to refuse", () => {
    assert.deepEqual(jsonCodec.parse('{"a":"\\u0000"}'), { a: "\0" });
    assert.deepEqual(jsonCodec.parse('{"a":1e400,"b":-1e400,"c":1e-400}'), { a: Number.POSITIVE_INFINITY, b: Number.NEGATIVE_INFINITY, c: 0 });
  });

  test("the last of two equal keys counts", () => {
    assert.deepEqual(jsonCodec.parse('{"a":1,"b":2,"a":3}'), { a: 3, b: 2 });
  });

  test("clients raise the bounds, because they read history", () => {
    const text = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => index));
    assert.throws(() => jsonCodec.parse(text), SudaError);
    assert.equal((jsonCodec.parse(text, { maxBytes: 1_000_000, maxKeys: 100_000 }) as unknown[]).length, 20_000);
  });
});
