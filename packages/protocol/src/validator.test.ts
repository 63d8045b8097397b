/** Validators: one sentence with a JSON pointer, through the variant that was meant. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import Type from "typebox";
import { SudaError } from "./errors.ts";
import { Closed, DataSchema } from "./scalars.ts";
import { createValidator } from "./validator.ts";

const schema = Closed({
  name: Type.String({ minLength: 1, maxLength: 5 }),
  shape: Type.Union([
    Closed({ type: Type.Literal("circle"), radius: Type.Number({ minimum: 0 }) }),
    Closed({ type: Type.Literal("box"), sides: Type.Array(Type.Integer(), { maxItems: 2 }) }),
  ]),
  note: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  data: Type.Optional(DataSchema),
  size: Type.Optional(Type.Union([Type.Literal("small"), Type.Literal("large")])),
  either: Type.Optional(Type.Union([Type.String({ maxLength: 3 }), Closed({ a: Type.Integer() })])),
  counts: Type.Optional(Type.Record(Type.String({ pattern: "^[a-z]+$" }), Type.Integer({ minimum: 0 }), { maxProperties: 2, additionalProperties: false })),
});
const validator = createValidator<Type.Static<typeof schema>>(schema);
const good = { name: "a", shape: { type: "box", sides: [1, 2] } };

function mismatch(value: unknown): { path: string | undefined; message: string } {
  try {
    validator.check(value);
  } catch (error) {
    assert.ok(error instanceof SudaError, String(error));
    assert.equal(error.code, "frame.invalid");
    return { path: error.path, message: error.message };
  }
  return assert.fail("it was taken");
}

describe("validator", () => {
  test("a value that fits is returned as it is", () => {
    assert.equal(validator.check(good), good);
    assert.ok(validator.is({ ...good, note: null, data: { a: [1] } }), "with optional fields");
    assert.ok(!validator.is({}), "an empty object");
  });

  test("[F11] the path leads to the field, through arrays and the variant that was meant", () => {
    const cases: readonly (readonly [unknown, string])[] = [
      [{ ...good, more: 1 }, "/more"],
      [{ shape: good.shape }, "/name"],
      [{ ...good, name: "" }, "/name"],
      [{ ...good, name: "가나다라마바" }, "/name"],
      [{ ...good, shape: { type: "circle" } }, "/shape/radius"],
      [{ ...good, shape: { type: "circle", radius: -1 } }, "/shape/radius"],
      [{ ...good, shape: { type: "circle", radius: 1, sides: [] } }, "/shape/sides"],
      [{ ...good, shape: { type: "box", sides: [1, "2"] } }, "/shape/sides/1"],
      [{ ...good, shape: { type: "box", sides: [1, 2, 3] } }, "/shape/sides"],
      [{ ...good, shape: { type: "star" } }, "/shape/type"],
      [{ ...good, shape: {} }, "/shape/type"],
      [{ ...good, shape: null }, "/shape"],
      [{ ...good, note: 5 }, "/note"],
      [{ ...good, data: [] }, "/data"],
      [{ ...good, size: "medium" }, "/size"],
      [{ ...good, either: "long" }, "/either"],
      [{ ...good, either: { a: "1" } }, "/either/a"],
      [{ ...good, either: 5 }, "/either"],
      [{ ...good, counts: { a: -1 } }, "/counts/a"],
      [{ ...good, counts: { A: 1 } }, "/counts/A"],
      [{ ...good, counts: { a: 1, b: 2, c: 3 } }, "/counts"],
      [null, ""],
      [[], ""],
      ["x", ""],
    ];
    for (const [value, path] of cases) assert.equal(mismatch(value).path, path, JSON.stringify(value));
  });

  test("the sentence names the field, what is wrong, and for a type the ones that are known", () => {
    assert.match(mismatch({ ...good, name: "" }).message, /^\/name .+\.$/);
    assert.match(mismatch({ ...good, shape: { type: "star" } }).message, /"circle", "box"/);
    assert.match(mismatch({ ...good, data: { a: "x".repeat(5_000) } }).message, /JSON object of at most 4 KiB/);
    assert.match(mismatch(null).message, /^The frame /);
    assert.match(mismatch({ ...good, size: "medium" }).message, /^\/size must be one of "small", "large"\.$/);
    assert.match(mismatch({ ...good, either: "long" }).message, /^\/either must not have more than 3 characters\.$/);
  });

  test("what was sent does not come back in the sentence", () => {
    const canary = "s3cret-canary";
    for (const value of [
      { ...good, name: canary },
      { ...good, shape: { type: canary } },
      { ...good, shape: canary },
      { ...good, data: canary },
    ])
      assert.ok(!mismatch(value).message.includes(canary), JSON.stringify(value));
  });
});
