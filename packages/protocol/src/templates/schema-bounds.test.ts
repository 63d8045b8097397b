/**
 * Every bound of every type of message, found by walking the schemas: at the limit it is taken, one beyond it is
 * refused with the path of the field. And the numbers are those that were agreed upon, written here a second time.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SudaError } from "../errors.ts";
import { createValidator, type Validator } from "../validator.ts";
import { ActionSchema } from "./actions.ts";
import { PartSchema, TemplateChoiceSchema } from "./bot-send.ts";
import { MessageBodySchema } from "./envelope.ts";
import { MenuSchema, SlashCommandsSchema } from "./menu.ts";

interface Node {
  readonly type?: string;
  readonly const?: unknown;
  readonly pattern?: string;
  readonly title?: string;
  readonly contentEncoding?: string;
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** A place in a value where a schema holds: what to put there makes a whole value. */
interface Place {
  readonly node: Node;
  readonly path: string;
  /** With names of variants in it: `/content(card)/buttons/0(uri)/label`. */
  readonly name: string;
  readonly isRequired: boolean;
  readonly around: (value: unknown) => unknown;
}

/** Removes the field. */
const absent = Symbol("absent");

function* placesOf(place: Place): Generator<Place> {
  const { node, path, name, around } = place;
  yield place;
  if (node.anyOf !== undefined) {
    for (const variant of node.anyOf) {
      const type = variant.properties?.["type"]?.const;
      yield* placesOf({ ...place, node: variant, name: typeof type === "string" ? `${name}(${type})` : name });
    }
  } else if (node.properties !== undefined) {
    const base = sampleOf(node) as Record<string, unknown>;
    for (const [key, child] of Object.entries(node.properties)) {
      const isRequired = node.required?.includes(key) === true;
      yield* placesOf({
        node: child,
        path: `${path}/${key}`,
        name: `${name}/${key}`,
        isRequired,
        around: (value) => {
          const { [key]: _old, ...rest } = base;
          return around(value === absent ? rest : { ...rest, [key]: value });
        },
      });
    }
  } else if (node.items !== undefined) {
    const rest = Array.from({ length: Math.max(0, (node.minItems ?? 0) - 1) }, () => sampleOf(node.items ?? {}));
    yield* placesOf({ node: node.items, path: `${path}/0`, name: `${name}/0`, isRequired: false, around: (value) => around([value, ...rest]) });
  }
}

/** The smallest value that fits: required fields only. */
function sampleOf(node: Node): unknown {
  if (node.const !== undefined) return node.const;
  if (node.contentEncoding !== undefined) return new Uint8Array(1);
  if (node.anyOf !== undefined) return sampleOf(node.anyOf[0] ?? {});
  if (node.properties !== undefined) return Object.fromEntries((node.required ?? []).map((key) => [key, sampleOf(node.properties?.[key] ?? {})]));
  if (node.items !== undefined) return Array.from({ length: node.minItems ?? 0 }, () => sampleOf(node.items ?? {}));
  switch (node.type) {
    case "string":
      return textOf(node, node.minLength ?? 1);
    case "integer":
    case "number":
      return Math.max(node.minimum ?? 0, 0);
    case "boolean":
      return true;
    case "object":
      return {};
    case undefined:
    default:
      throw new Error(`There is no sample of ${JSON.stringify(node)}.`);
  }
}

/** A text of so many code points that fits the pattern, in characters of more than one UTF-16 unit where it may. */
function textOf({ pattern, maxLength }: Node, length: number): string {
  if (pattern === undefined) return "👋".repeat(length);
  if (pattern.startsWith("^(https")) return maxLength === undefined || length < 20 ? "https://a.example" : `https://a.example/${"x".repeat(length - 18)}`;
  if (pattern.includes("/[a-z0-9]")) return `a/${"b".repeat(Math.max(1, length - 2))}`;
  if (pattern.includes("[A-Z]{3}")) return "KRW";
  if (pattern.includes("T[0-9]")) return "2026-03-01";
  if (pattern.includes("[0-9 ()-]")) return "1".repeat(length);
  // Ids and names of ASCII letters.
  return "a".repeat(length);
}

const envelope = { content: { type: "text", text: "x" } };
const roots: readonly { readonly name: string; readonly place: Place; readonly validator: Validator<unknown> }[] = [
  ...Object.entries((MessageBodySchema as Node).properties ?? {}).map(([key, node]) => ({
    name: key,
    place: { node, path: `/${key}`, name: `/${key}`, isRequired: key === "content", around: (value: unknown) => ({ ...envelope, [key]: value }) },
    validator: createValidator(MessageBodySchema),
  })),
  ...[
    { name: "template of a send", schema: TemplateChoiceSchema },
    { name: "part", schema: PartSchema },
  ].map(({ name, schema }) => ({
    name,
    place: { node: schema as Node, path: "", name: `<${name}>`, isRequired: false, around: (value: unknown) => value },
    validator: createValidator(schema),
  })),
  {
    name: "action",
    place: { node: ActionSchema as Node, path: "", name: "", isRequired: false, around: (value) => value },
    validator: createValidator(ActionSchema),
  },
  {
    name: "menu",
    place: { node: MenuSchema as Node, path: "", name: "", isRequired: false, around: (value) => value },
    validator: createValidator(MenuSchema),
  },
  {
    name: "commands",
    place: { node: SlashCommandsSchema as Node, path: "", name: "", isRequired: false, around: (value) => value },
    validator: createValidator(SlashCommandsSchema),
  },
];

function refusedPath(validator: Validator<unknown>, value: unknown): string | undefined {
  try {
    validator.check(value);
  } catch (error) {
    assert.ok(error instanceof SudaError && error.code === "frame.invalid", String(error));
    assert.ok(error.message.length > error.path!.length + 5, error.message);
    return error.path;
  }
  return undefined;
}

/** Each bound of a place: what is just taken, and what is just too much. */
function* edgesOf(node: Node): Generator<readonly [bound: string, limit: number, at: unknown, beyond: unknown]> {
  if (node.maxLength !== undefined) yield ["maxLength", node.maxLength, textOf(node, node.maxLength), `${textOf(node, node.maxLength)}1`];
  if (node.minLength !== undefined) yield ["minLength", node.minLength, textOf(node, node.minLength), textOf({}, node.minLength - 1)];
  if (node.items !== undefined) {
    const array = (length: number): unknown[] => Array.from({ length }, () => sampleOf(node.items ?? {}));
    if (node.maxItems !== undefined) yield ["maxItems", node.maxItems, array(node.maxItems), array(node.maxItems + 1)];
    if (node.minItems !== undefined) yield ["minItems", node.minItems, array(node.minItems), array(node.minItems - 1)];
  }
  const step = node.type === "integer" ? 1 : 0.001;
  if (node.maximum !== undefined) yield ["maximum", node.maximum, node.maximum, node.maximum + step];
  if (node.minimum !== undefined) yield ["minimum", node.minimum, node.minimum, node.minimum - step];
}

const found = new Map<string, number>();
for (const { place: root, validator, name } of roots) {
  describe(`bounds of ${name}`, () => {
    const places = [...placesOf(root)];
    test("[T1] at each limit it is taken, one beyond it is refused with the field's path", () => {
      for (const place of places) {
        for (const [bound, limit, at, beyond] of edgesOf(place.node)) {
          found.set(`${place.name} ${bound}`, limit);
          assert.equal(refusedPath(validator, place.around(at)), undefined, `${place.name} ${bound} at the limit`);
          assert.equal(refusedPath(validator, place.around(beyond)), place.path, `${place.name} ${bound} beyond the limit`);
        }
      }
    });

    test("[T1] a missing field, an unknown one and one of a wrong type are refused with their path", () => {
      for (const { node, path, name, isRequired, around } of places) {
        if (isRequired && path !== root.path) assert.equal(refusedPath(validator, around(absent)), path, `${name} missing`);
        if (node.properties !== undefined) {
          const more = { ...(sampleOf(node) as object), moreover: 1 };
          assert.equal(refusedPath(validator, around(more)), `${path}/moreover`, `${name} with an unknown field`);
        }
        if (node.anyOf === undefined || node.anyOf.every(({ const: value }) => value !== undefined))
          assert.equal(refusedPath(validator, around([null])), node.items === undefined ? path : `${path}/0`, `${name} of a wrong type`);
      }
    });
  });
}

/** As the table of the design has them. */
const agreed: Readonly<Record<string, number>> = {
  "/content(text)/text maxLength": 5_000,
  "/content(text)/text minLength": 1,
  "/content(text)/entities maxItems": 100,
  "/content(image)/alt maxLength": 300,
  "/content(image)/caption maxLength": 1_000,
  "/content(image)/album/total maximum": 10,
  "/content(audio)/waveform maxItems": 128,
  "/content(file)/name maxLength": 255,
  "/content(location)/title maxLength": 100,
  "/content(location)/address maxLength": 200,
  "/content(sticker)/keywords maxItems": 15,
  "/content(card)/title maxLength": 80,
  "/content(card)/text maxLength": 640,
  "/content(card)/profile/name maxLength": 20,
  "/content(card)/buttons maxItems": 4,
  "/content(card)/thumbnail/url maxLength": 2_000,
  "/content(confirm)/text maxLength": 240,
  "/content(confirm)/actions minItems": 2,
  "/content(confirm)/actions maxItems": 2,
  "/content(commerce)/title maxLength": 80,
  "/content(commerce)/description maxLength": 80,
  "/content(commerce)/discountRate maximum": 100,
  "/content(commerce)/discountRate minimum": 0,
  "/content(commerce)/buttons maxItems": 3,
  "/content(list)/header maxLength": 80,
  "/content(list)/items maxItems": 10,
  "/content(list)/items minItems": 1,
  "/content(list)/items/0/title maxLength": 80,
  "/content(list)/items/0/description maxLength": 120,
  "/content(list)/buttons maxItems": 3,
  "/content(details)/rows maxItems": 10,
  "/content(details)/rows minItems": 1,
  "/content(details)/rows/0/label maxLength": 20,
  "/content(details)/rows/0/value maxLength": 120,
  "/content(details)/description maxLength": 200,
  "/content(details)/buttons maxItems": 3,
  "/content(receipt)/orderNumber maxLength": 64,
  "/content(receipt)/paymentMethod maxLength": 80,
  "/content(receipt)/items maxItems": 100,
  "/content(receipt)/adjustments maxItems": 20,
  "/content(carousel)/items maxItems": 12,
  "/content(carousel)/items minItems": 1,
  "/content(imagemap)/areas maxItems": 50,
  "/content(form)/title maxLength": 80,
  "/content(form)/fields maxItems": 10,
  "/content(form)/fields minItems": 1,
  "/content(form)/fields/0/label maxLength": 40,
  "/content(form)/fields/0/options maxItems": 100,
  "/content(form)/submitLabel maxLength": 20,
  "/altText maxLength": 400,
  "/quickReplies maxItems": 13,
  "/sender/name maxLength": 20,
  "(message)/id maxLength": 64,
  "(message)/label maxLength": 40,
  "(message)/text maxLength": 1_000,
  "(postback)/data maxLength": 1_000,
  "(postback)/displayText maxLength": 300,
  "(copy)/text maxLength": 1_000,
  "(list)/barText maxLength": 14,
  "(list)/rows maxItems": 3,
  "(list)/rows/0 maxItems": 3,
  "(image)/areas maxItems": 20,
  "<template of a send>/id maxLength": 64,
  "<template of a send>/locale maxLength": 35,
  "<part>/total maximum": 5,
  " maxItems": 100,
  "/0/name maxLength": 32,
  "/0/description maxLength": 256,
};

test("[T1] the limits are those of the design", () => {
  assert.ok(found.size > 1_000, `${found.size} bounds were tried`);
  assert.deepEqual(Object.fromEntries(Object.keys(agreed).map((name) => [name, found.get(name)])), agreed);
});
