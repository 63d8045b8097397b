/**
 * Values of a schema, for property tests: what is generated is what the validator takes, so that a command that
 * joins the table is generated on the same day. Sizes are mostly small; now and then one stands at its bound.
 *
 * What a schema cannot say in JSON Schema (a refinement: custom data, reactions, bytes) is generated near it and
 * then filtered by the validator itself.
 */
import { createValidator } from "@suda/protocol";
import fc from "fast-check";
import type Type from "typebox";

export interface SchemaArbitraryOptions {
  /** Takes the place of what would be generated for a node; `name` is the property's, `undefined` inside of arrays and unions. */
  readonly override?: (schema: SchemaNode, name: string | undefined) => fc.Arbitrary<unknown> | undefined;
}

export interface SchemaNode {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxProperties?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly contentEncoding?: string;
}

const emojis = ["👍", "❤️", "👨‍👩‍👧‍👦", "👍🏽", "ㅋ", ":party:", ":a:"];

/** Plain values that the schema's validator takes. */
export function schemaArbitrary(schema: Type.TSchema, options: SchemaArbitraryOptions = {}): fc.Arbitrary<unknown> {
  const validator = createValidator(schema);
  return generate(schema as SchemaNode, undefined, options).filter((value) => validator.is(value));
}

function generate(schema: SchemaNode, name: string | undefined, options: SchemaArbitraryOptions): fc.Arbitrary<unknown> {
  const given = options.override?.(schema, name);
  if (given !== undefined) return given;
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((variant) => generate(variant, name, options)));
  if (schema.contentEncoding === "base64") return generateBytes;
  switch (schema.type) {
    case "object":
      return generateObject(schema, options);
    case "array":
      return fc.array(generate(schema.items ?? {}, undefined, options), {
        minLength: schema.minItems ?? 0,
        ...(schema.maxItems === undefined ? {} : { maxLength: schema.maxItems }),
        size: "-1",
      });
    case "string":
      return generateString(schema, name);
    case "integer":
      return generateInteger(schema);
    case "number":
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true }).map((number) => number + 0);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case undefined:
    default:
      throw new Error(`No values are known for ${JSON.stringify(schema).slice(0, 200)}.`);
  }
}

function generateObject(schema: SchemaNode, options: SchemaArbitraryOptions): fc.Arbitrary<unknown> {
  if (schema.patternProperties !== undefined) {
    const [[pattern, value] = ["", {}]] = Object.entries(schema.patternProperties);
    return fc.dictionary(generate({ type: "string", pattern }, undefined, options) as fc.Arbitrary<string>, generate(value, undefined, options), {
      ...(schema.maxProperties === undefined ? {} : { maxKeys: schema.maxProperties }),
      noNullPrototype: true,
      size: "-1",
    });
  }
  if (schema.properties === undefined) return customData;
  const fields = Object.fromEntries(Object.entries(schema.properties).map(([key, field]) => [key, generate(field, key, options)]));
  return fc.record(fields, { requiredKeys: [...(schema.required ?? [])], noNullPrototype: true });
}

/** Mostly few; sometimes more than what base64 is made of at once. */
const generateBytes = fc.oneof(
  { weight: 10, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 2_000, size: "small" }).map((bytes) => Uint8Array.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.integer({ min: 8_000, max: 40_000 }), fc.nat(255)).map(([length, byte]) => Uint8Array.from({ length }, (_, at) => at * byte)),
  },
);

/** Any JSON object of the host's; fast-check's number of -0 is none in JSON. */
const customData = fc
  .dictionary(
    fc.string({ unit: "binary", size: "-1" }).filter((key) => key !== "__proto__"),
    fc.jsonValue({ depthSize: "small", stringUnit: "binary" }),
    { maxKeys: 4, noNullPrototype: true },
  )
  .map((data) => JSON.parse(JSON.stringify(data)) as object)
  .filter((data) => !JSON.stringify(data).includes("__proto__"));

function generateString({ pattern, minLength = 0, maxLength }: SchemaNode, name: string | undefined): fc.Arbitrary<string> {
  if (pattern?.startsWith("^(https://") === true) return fc.webUrl({ validSchemes: ["https"], withQueryParameters: true, withFragments: true });
  if (pattern !== undefined) return matching(pattern);
  if (name === "emoji") return fc.constantFrom(...emojis);
  const usual = fc.string({ unit: "binary", minLength, ...(maxLength === undefined ? {} : { maxLength }), size: "small" });
  // Characters that are two units of UTF-16 and four bytes of UTF-8: lengths count code points.
  return maxLength === undefined ? usual : fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: fc.constant("𝄞".repeat(maxLength)) });
}

const matchings = new Map<string, fc.Arbitrary<string>>();

/** Each pattern once: fast-check tries all its own dangerous strings on one to prepare it, which was nine tenths of the time of these tests. */
function matching(pattern: string): fc.Arbitrary<string> {
  const known = matchings.get(pattern);
  if (known !== undefined) return known;
  const made = fc.stringMatching(new RegExp(pattern), { size: "small" });
  matchings.set(pattern, made);
  return made;
}

function generateInteger({ minimum = -1_000, maximum = Number.MAX_SAFE_INTEGER }: SchemaNode): fc.Arbitrary<number> {
  const near = fc.integer({ min: minimum, max: Math.min(maximum, minimum + 300) });
  // Where MessagePack changes the form of an integer, and beyond what 32 bits hold.
  const edges = [0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x1_0000_0000, maximum].filter((edge) => edge >= minimum && edge <= maximum);
  return fc.oneof(near, fc.constantFrom(...edges), fc.integer({ min: minimum, max: maximum }));
}
