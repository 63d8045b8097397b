/** Schemas of custom kinds: which are taken, what data fits them, and that neither can be made to hang the process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { templateLimits } from "../limits.ts";
import { createValidator } from "../validator.ts";
import { checkKindData, checkKindSchema, KindSchemaSchema, type KindSchema } from "./custom-kind.ts";

const faultOf = (schema: object): string | undefined => checkKindSchema(schema as KindSchema)?.path;
const dataFault = (schema: object, data: object): string | undefined => {
  assert.equal(faultOf(schema), undefined, JSON.stringify(schema));
  return checkKindData(schema as KindSchema, data as KindSchema)?.path;
};
/** A schema whose field `x` is this one. */
const ofX = (x: unknown): object => ({ type: "object", properties: { x } });

/** Per keyword: a schema of one field, a value that fits, one that does not, and where the fault is told (default: at the field). */
const keywords: readonly (readonly [keyword: string, schema: object, fits: unknown, not: unknown, path?: string])[] = [
  ["type", { type: "integer" }, 1, 1.5],
  ["type", { type: ["string", "null"] }, null, 1],
  ["enum", { enum: ["a", 1, null] }, null, "b"],
  ["const", { const: { a: 1 } }, { a: 1 }, { a: 2 }],
  ["minimum", { minimum: 2 }, 2, 1],
  ["maximum", { maximum: 2 }, 2, 3],
  ["exclusiveMinimum", { exclusiveMinimum: 2 }, 2.1, 2],
  ["exclusiveMaximum", { exclusiveMaximum: 2 }, 1.9, 2],
  ["multipleOf", { multipleOf: 5 }, 10, 11],
  ["minLength", { minLength: 2 }, "👋👋", "👋"],
  ["maxLength", { maxLength: 2 }, "👋👋", "👋👋👋"],
  ["pattern", { pattern: "^[a-z]+$" }, "abc", "ABC"],
  ["format date", { format: "date" }, "2026-11-26", "2026-13-26"],
  ["format time", { format: "time" }, "09:30:00Z", "9 o'clock"],
  ["format date-time", { format: "date-time" }, "2026-11-26T09:30:00Z", "yesterday"],
  ["format email", { format: "email" }, "a@b.example", "a@"],
  ["format uuid", { format: "uuid" }, "6f1ed002-ab5c-4b5a-8a3a-1c0e4a6fb3a1", "6f1e"],
  ["format uri", { format: "uri" }, "https://a.example/x", "not a uri"],
  ["format ipv4", { format: "ipv4" }, "127.0.0.1", "127.0.0.256"],
  ["format ipv6", { format: "ipv6" }, "::1", ":::"],
  ["minItems", { minItems: 2 }, [1, 2], [1]],
  ["maxItems", { maxItems: 2 }, [1, 2], [1, 2, 3]],
  ["uniqueItems", { uniqueItems: true }, [1, 2], [{ a: 1 }, { a: 1 }]],
  ["items", { items: { type: "string" } }, ["a"], ["a", 1], "/content/data/x/1"],
  ["prefixItems", { prefixItems: [{ type: "string" }, { type: "number" }] }, ["a", 1], [1, 1], "/content/data/x/0"],
  ["prefixItems, items", { prefixItems: [{ type: "string" }], items: false }, ["a"], ["a", 1], "/content/data/x/1"],
  ["contains", { contains: { const: 1 } }, [2, 1], [2]],
  ["minContains", { contains: { const: 1 }, minContains: 2 }, [1, 1], [1, 2]],
  ["maxContains", { contains: { const: 1 }, maxContains: 1 }, [1, 2], [1, 1]],
  ["unevaluatedItems", { prefixItems: [true], unevaluatedItems: false }, [1], [1, 2]],
  ["properties", { properties: { "a/b~": { type: "string" } } }, { "a/b~": "" }, { "a/b~": 1 }, "/content/data/x/a~1b~0"],
  ["required", { required: ["a"] }, { a: 1 }, {}, "/content/data/x/a"],
  ["additionalProperties", { properties: { a: true }, additionalProperties: false }, { a: 1 }, { b: 1 }, "/content/data/x/b"],
  ["patternProperties", { patternProperties: { "^n_": { type: "number" } } }, { n_a: 1, b: "x" }, { n_a: "x" }, "/content/data/x/n_a"],
  ["propertyNames", { propertyNames: { maxLength: 2 } }, { ab: 1 }, { abc: 1 }, "/content/data/x/abc"],
  ["minProperties", { minProperties: 1 }, { a: 1 }, {}],
  ["maxProperties", { maxProperties: 1 }, { a: 1 }, { a: 1, b: 1 }],
  ["dependentRequired", { dependentRequired: { a: ["b"] } }, { a: 1, b: 1 }, { a: 1 }, "/content/data/x/b"],
  ["dependentSchemas", { dependentSchemas: { a: { required: ["b"] } } }, { c: 1 }, { a: 1 }, "/content/data/x/b"],
  ["unevaluatedProperties", { allOf: [{ properties: { a: true } }], unevaluatedProperties: false }, { a: 1 }, { b: 1 }, "/content/data/x/b"],
  ["allOf", { allOf: [{ minimum: 1 }, { maximum: 2 }] }, 1, 3],
  ["anyOf", { anyOf: [{ const: 1 }, { const: 2 }] }, 2, 3],
  ["oneOf", { oneOf: [{ minimum: 1 }, { maximum: 2 }] }, 3, 1.5],
  ["not", { not: { type: "string" } }, 1, "a"],
  ["if, then, else", JSON.parse('{ "if": { "type": "string" }, "then": { "minLength": 1 }, "else": { "minimum": 1 } }') as object, 1, ""],
  ["false", { not: {} }, undefined, 1],
];

test("[T41] every keyword that is taken is checked, and a fault is told where it is", () => {
  for (const [keyword, schema, fits, not, path = "/content/data/x"] of keywords) {
    if (fits !== undefined) assert.equal(dataFault(ofX(schema), { x: fits }), undefined, `${keyword}: what fits`);
    const found = checkKindData(ofX(schema) as KindSchema, { x: not } as KindSchema);
    assert.equal(found?.path, path, `${keyword}: what does not`);
    assert.ok(found?.message.startsWith(`${path} `) && found.message.endsWith("."), found?.message);
  }
  assert.equal(dataFault({ properties: { x: false } }, { x: 1 }), "/content/data/x");
  const annotated = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "t",
    description: "d",
    $comment: "c",
    default: {},
    examples: [{ $ref: "x" }],
  };
  assert.equal(dataFault({ ...annotated, deprecated: true, readOnly: true, writeOnly: false }, {}), undefined);
});

test("[T42] a schema refers to itself alone, and goes deeper into the data each time", () => {
  const tree = {
    $defs: { node: { type: "object", properties: { value: { type: "number" }, next: { $ref: "#/$defs/node" } }, required: ["value"] } },
    $ref: "#/$defs/node",
  };
  assert.equal(dataFault(tree, { value: 1, next: { value: 2, next: { value: 3 } } }), undefined);
  assert.equal(dataFault(tree, { value: 1, next: { value: 2, next: {} } }), "/content/data/next/next/value");
  assert.equal(dataFault({ properties: { again: { $ref: "#" }, n: { type: "number" } } }, { again: { again: { n: "x" } } }), "/content/data/again/again/n");
  for (const $ref of [
    "https://evil.example/schema.json",
    "other.json",
    "#anchor",
    "#/properties/x",
    "#/$defs/a/b",
    "#/$defs/%61",
    "#/$defs/__proto__",
    "#/$defs/constructor",
    "file:///etc/passwd",
    1,
  ])
    assert.equal(faultOf(ofX({ $ref })), "/properties/x/$ref", String($ref));
  assert.equal(faultOf(ofX({ $ref: "#/$defs/nothing" })), "/properties/x/$ref");
  assert.equal(faultOf({ $ref: "#" }), "");
  assert.equal(faultOf({ $defs: { a: { $ref: "#/$defs/b" }, b: { allOf: [{ $ref: "#/$defs/a" }] } }, properties: {} }), "/$defs/a");
  for (const keyword of ["allOf", "anyOf", "oneOf"]) assert.equal(faultOf({ [keyword]: [{ $ref: "#" }] }), "", keyword);
  for (const keyword of ["not", "if", "then", "else"]) assert.equal(faultOf({ [keyword]: { $ref: "#" } }), "", keyword);
  assert.equal(faultOf({ dependentSchemas: { a: { $ref: "#" } } }), "");
});

test("[T42] what is asked of one place is bounded: references that double are refused, wherever they are", () => {
  const doubling = (levels: number): object => ({
    $defs: Object.fromEntries(
      Array.from({ length: levels }, (_, level) => [
        `l${level}`,
        level === 0 ? {} : { allOf: [{ $ref: `#/$defs/l${level - 1}` }, { $ref: `#/$defs/l${level - 1}` }] },
      ]),
    ),
    properties: { x: { $ref: `#/$defs/l${levels - 1}` } },
  });
  assert.equal(faultOf(doubling(8)), undefined);
  assert.equal(faultOf(doubling(30)), "/$defs/l8");
  assert.equal(faultOf({ anyOf: Array.from({ length: templateLimits.kindSchemaCostMax - 1 }, () => ({ type: "object" })) }), undefined);
  assert.equal(faultOf({ anyOf: Array.from({ length: templateLimits.kindSchemaCostMax }, () => ({ type: "object" })) }), "");
});

test("[T41] what is not checked is no keyword, and a keyword with a wrong value is none either", () => {
  for (const keyword of [
    "$id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$vocabulary",
    "definitions",
    "contentEncoding",
    "contentSchema",
    "nullable",
    "requried",
    "~kind",
  ])
    assert.equal(faultOf(ofX({ [keyword]: "x" })), `/properties/x/${keyword.replace("~", "~0")}`, keyword);
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    type: ["text", [], ["string", "string"], 1],
    enum: [[], "a"],
    minimum: ["1"],
    multipleOf: [0, -1],
    minLength: [-1, 1.5, "1) || globalThis.process.exit(1) || (1"],
    maxItems: [-1, "1"],
    uniqueItems: ["yes"],
    pattern: ["(", 1, "x".repeat(templateLimits.kindPatternMaxLength + 1)],
    format: ["regex", "phone", 1],
    required: ["a", [1], ["a", "a"]],
    dependentRequired: [[], { a: "b" }],
    $schema: ["http://json-schema.org/draft-07/schema#"],
    items: ["a", [{}]],
    properties: [[], "a"],
    allOf: [[], {}],
    not: ["x", null],
  };
  for (const [keyword, values] of Object.entries(wrong))
    for (const value of values) assert.equal(faultOf(ofX({ [keyword]: value })), `/properties/x/${keyword}`, `${keyword}: ${JSON.stringify(value)}`);
  assert.equal(faultOf(ofX({ properties: { a: 1 } })), "/properties/x/properties/a");
  assert.equal(faultOf(ofX({ anyOf: [{}, "x"] })), "/properties/x/anyOf/1");
  assert.equal(faultOf(ofX({ patternProperties: { "(": {} } })), "/properties/x/patternProperties/(");
  assert.equal(faultOf(ofX({ pattern: "x".repeat(templateLimits.kindPatternMaxLength) })), undefined);
});

test("[T43] a schema is bounded in bytes and in depth", () => {
  const { kindSchemaMaxBytes: maxBytes, kindSchemaMaxDepth: maxDepth } = templateLimits;
  const validator = createValidator(KindSchemaSchema);
  const ofBytes = (bytes: number): object => ({ title: "x".repeat(bytes - '{"title":""}'.length) });
  assert.ok(validator.is(ofBytes(maxBytes)));
  assert.ok(!validator.is(ofBytes(maxBytes + 1)));
  const ofDepth = (depth: number): object => (depth === 1 ? {} : { not: ofDepth(depth - 1) });
  assert.ok(validator.is(ofDepth(maxDepth)));
  assert.ok(!validator.is(ofDepth(maxDepth + 1)));
  for (const value of [null, true, [], "{}", { minimum: Number.NaN }, { default: new Uint8Array(1) }]) assert.ok(!validator.is(value));
});

test("[T41] no text of 8 KiB is slow to check against a format", () => {
  const hostile = ["a", "a@", "a.", "1", ":", "%41", "http://a/", "2026-"].map((piece) => piece.repeat(8_000 / piece.length));
  for (const format of ["date", "time", "date-time", "email", "uuid", "uri", "ipv4", "ipv6"]) {
    const startedAt = performance.now();
    for (const text of hostile) dataFault(ofX({ format }), { x: `${text}\n` });
    // Milliseconds are enough; a second is what a slow machine under load may take.
    assert.ok(performance.now() - startedAt < 1_000, format);
  }
});
