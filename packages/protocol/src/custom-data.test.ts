/** Custom data: any JSON object within its bounds, and nothing that only one encoding could carry. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isCustomData } from "./custom-data.ts";
import { msgpackCodec } from "./msgpack-codec.ts";

/** `{"a":"xxx…"}` of so many bytes of JSON. */
const sized = (bytes: number, character = "x"): object => ({ a: character.repeat((bytes - 8) / Buffer.byteLength(character)) });
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

describe("custom data", () => {
  test("[C15] 4,096 bytes of JSON are taken, one more is refused, counted in UTF-8 and as JSON escapes it", () => {
    assert.ok(isCustomData(sized(4_096)), "4,096");
    assert.ok(!isCustomData(sized(4_097)), "4,097");
    assert.ok(isCustomData(sized(8 + 4_086, "가")), "4,094 bytes of Korean");
    assert.ok(!isCustomData(sized(8 + 4_089, "가")), "4,097 bytes of Korean");
    assert.ok(!isCustomData({ a: '"'.repeat(2_048) }), "quotes are two bytes each");
  });

  test("[C15] 16 levels are taken, 17 are refused, of objects and of arrays", () => {
    assert.ok(isCustomData(nested(16)), "16");
    assert.ok(!isCustomData(nested(17)), "17");
    let array: unknown = [];
    for (let depth = 0; depth < 14; depth++) array = [array];
    assert.ok(isCustomData({ a: array }), "an object and 15 arrays");
    assert.ok(!isCustomData({ a: [array] }), "an object and 16 arrays");
  });

  test("[C15] only a plain object, and in it only JSON's values", () => {
    for (const value of [{}, { "": "" }, { a: null, b: [true, 0, -1.5, "가", {}] }, Object.assign(Object.create(null) as object, { a: 1 })])
      assert.ok(isCustomData(value), JSON.stringify(value));
    for (const value of [null, undefined, 1, "x", true, [], [{}]]) assert.ok(!isCustomData(value), JSON.stringify(value));
    class Thing {
      readonly a = 1;
    }
    const foreign = {
      undefined: undefined,
      NaN: Number.NaN,
      Infinity: Number.POSITIVE_INFINITY,
      bigint: 1n,
      symbol: Symbol("x"),
      function: () => 1,
      Date: new Date(0),
      Map: new Map(),
      Uint8Array: new Uint8Array(1),
      class: new Thing(),
      "half a surrogate pair": "\ud83d",
    };
    for (const [name, inner] of Object.entries(foreign)) assert.ok(!isCustomData({ a: inner }), name);
    assert.ok(!isCustomData({ "\ud83d": 1 }), "half a surrogate pair in a key");
  });

  test("[F14] bytes within data are refused, because JSON could not give them back", () => {
    assert.ok(!isCustomData(msgpackCodec.parse(msgpackCodec.encode({ a: { b: Uint8Array.of(1) } }))), "bytes");
    assert.ok(isCustomData(msgpackCodec.parse(msgpackCodec.encode({ a: { b: [1] } }))), "an array");
  });
});
