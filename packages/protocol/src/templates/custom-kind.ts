/**
 * Kinds of `custom` content: the host registers a JSON Schema for each, and the data of a message is checked against it.
 * Rules T40–T43.
 *
 * A schema is judged when it is registered: only keywords that are really checked are taken, so that nobody relies on one
 * that is passed over; it refers to itself alone; and what it asks of one place of the data is bounded. It is interpreted
 * and not compiled: no program text is made of what came over the network. A `pattern` is the host's own, is tried on at
 * most 8 KiB, and can still be written to take for ever (`(a+)+$`): whoever holds an API key is trusted with that.
 */
import Type from "typebox";
import { Check, Errors } from "typebox/schema";
import { isCustomData, type CustomData } from "../custom-data.ts";
import { templateLimits } from "../limits.ts";
import { customKindPattern } from "./custom.ts";
import { fault, type MessageFault } from "./message-fault.ts";

export const CustomKindSchema = Type.String({ minLength: 1, maxLength: templateLimits.customKindMaxLength, pattern: customKindPattern });

/** A JSON Schema as an object; {@link checkKindSchema} has the rules that it must fit. */
export type KindSchema = CustomData;

export const KindSchemaSchema = Type.Refine(
  Type.Unsafe<KindSchema>({ type: "object", description: "A JSON Schema (draft 2020-12) of at most 65,000 bytes" }),
  (value) => isCustomData(value, templateLimits.kindSchemaMaxBytes, templateLimits.kindSchemaMaxDepth),
  () => `must be a JSON Schema of at most ${templateLimits.kindSchemaMaxBytes} bytes, nested at most ${templateLimits.kindSchemaMaxDepth} deep`,
);

type Node = Readonly<Record<string, unknown>>;

const dialect = "https://json-schema.org/draft/2020-12/schema";
const annotations: ReadonlySet<string> = new Set(["$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"]);
const types: ReadonlySet<unknown> = new Set(["null", "boolean", "object", "array", "number", "string", "integer"]);
/** Those that are checked, and that no text is slow to check against. */
const formats: readonly string[] = ["date", "time", "date-time", "email", "uuid", "uri", "ipv4", "ipv6"];

/** Names that a path through an object could be led astray with are left out. */
const refExpression = /^#(\/\$defs\/(?!constructor$|prototype$|__proto__$)[A-Za-z0-9._-]{1,64})?$/;

const isCount = (value: unknown): boolean => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isNumber = (value: unknown): boolean => typeof value === "number";
const isNames = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === "string") && new Set(value as readonly unknown[]).size === value.length;

/** Keywords without a schema in them: what their value is, and a sentence for when it is not. */
const plain: Readonly<Record<string, readonly [isFine: (value: unknown) => boolean, wanted: string]>> = {
  type: [
    (value) => types.has(value) || (isNames(value) && (value as readonly unknown[]).length > 0 && (value as readonly unknown[]).every((one) => types.has(one))),
    "must be a type of JSON, or an array of them",
  ],
  enum: [(value) => Array.isArray(value) && value.length > 0, "must be an array of what is allowed"],
  const: [() => true, ""],
  minimum: [isNumber, "must be a number"],
  maximum: [isNumber, "must be a number"],
  exclusiveMinimum: [isNumber, "must be a number"],
  exclusiveMaximum: [isNumber, "must be a number"],
  multipleOf: [(value) => typeof value === "number" && value > 0, "must be a number above 0"],
  minLength: [isCount, "must be an integer of 0 or more"],
  maxLength: [isCount, "must be an integer of 0 or more"],
  minItems: [isCount, "must be an integer of 0 or more"],
  maxItems: [isCount, "must be an integer of 0 or more"],
  minContains: [isCount, "must be an integer of 0 or more"],
  maxContains: [isCount, "must be an integer of 0 or more"],
  minProperties: [isCount, "must be an integer of 0 or more"],
  maxProperties: [isCount, "must be an integer of 0 or more"],
  uniqueItems: [(value) => typeof value === "boolean", "must be true or false"],
  pattern: [isPattern, `must be a regular expression of at most ${templateLimits.kindPatternMaxLength} characters`],
  format: [(value) => formats.includes(value as string), `must be one of ${formats.join(", ")}`],
  required: [isNames, "must be an array of names, each once"],
  dependentRequired: [(value) => isObject(value) && Object.values(value).every(isNames), "must be an object of arrays of names"],
  $schema: [(value) => value === dialect, `must be ${dialect}`],
};

/** Keywords whose value is a schema, an array of them, or an object of them. `true`: they speak of the same place of the data. */
const one: ReadonlyMap<string, boolean> = new Map([
  ["additionalProperties", false],
  ["propertyNames", false],
  ["items", false],
  ["contains", false],
  ["unevaluatedItems", false],
  ["unevaluatedProperties", false],
  ["not", true],
  ["if", true],
  ["then", true],
  ["else", true],
]);
const several: Readonly<Record<string, boolean>> = { prefixItems: false, allOf: true, anyOf: true, oneOf: true };
const byName: Readonly<Record<string, boolean>> = { $defs: false, properties: false, patternProperties: false, dependentSchemas: true };

/** The first fault of a schema that is JSON; paths are of the schema. */
export function checkKindSchema(schema: KindSchema): MessageFault | undefined {
  return new SchemaCheck(schema).run();
}

class SchemaCheck {
  readonly #root: Node;
  /** Every schema in it, with where it stands. */
  readonly #paths = new Map<Node, string>();
  /** Schemas that judge the same place of the data as another. */
  readonly #beside = new Map<Node, Node[]>();
  readonly #refs: { readonly from: Node; readonly path: string; readonly name: string }[] = [];

  constructor(root: Node) {
    this.#root = root;
  }

  run(): MessageFault | undefined {
    return this.#visit(this.#root, "") ?? this.#resolve() ?? this.#checkCost();
  }

  #visit(schema: unknown, path: string): MessageFault | undefined {
    if (typeof schema === "boolean") return undefined;
    if (!isObject(schema)) return fault(path, "must be a schema: an object, true or false");
    this.#paths.set(schema, path);
    this.#beside.set(schema, []);
    for (const [keyword, value] of Object.entries(schema)) {
      const found = this.#keyword(schema, keyword, value, `${path}/${pointerPart(keyword)}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #keyword(schema: Node, keyword: string, value: unknown, path: string): MessageFault | undefined {
    if (annotations.has(keyword)) return undefined;
    if (keyword === "$ref") {
      if (typeof value !== "string" || !refExpression.test(value)) return fault(path, "must be # or #/$defs/ and a plain name; other schemas are not fetched");
      this.#refs.push({ from: schema, path, name: value.slice("#/$defs/".length) });
      return undefined;
    }
    if (Object.hasOwn(plain, keyword)) {
      const [isFine, wanted] = plain[keyword] ?? [() => false, ""];
      return isFine(value) ? undefined : fault(path, wanted);
    }
    const isBeside = one.get(keyword);
    if (isBeside !== undefined) return this.#inner(schema, value, path, isBeside);
    if (Object.hasOwn(several, keyword)) {
      if (!Array.isArray(value) || value.length === 0) return fault(path, "must be an array of schemas");
      return firstOf(value.entries(), ([index, inner]) => this.#inner(schema, inner, `${path}/${index}`, several[keyword] === true));
    }
    if (Object.hasOwn(byName, keyword)) {
      if (!isObject(value)) return fault(path, "must be an object of schemas");
      return firstOf(Object.entries(value), ([name, inner]) => {
        const at = `${path}/${pointerPart(name)}`;
        if (keyword === "patternProperties" && !isPattern(name)) return fault(at, plain["pattern"]?.[1] ?? "");
        return this.#inner(schema, inner, at, byName[keyword] === true);
      });
    }
    return fault(path, "is not a keyword that is checked here; leave it out, docs/BOTS.md has those that are");
  }

  #inner(outer: Node, schema: unknown, path: string, isBeside: boolean): MessageFault | undefined {
    if (isBeside && isObject(schema)) this.#beside.get(outer)?.push(schema);
    return this.#visit(schema, path);
  }

  #resolve(): MessageFault | undefined {
    // Each of them was visited.
    const definitions = (this.#root["$defs"] ?? {}) as Node;
    for (const { from, path, name } of this.#refs) {
      const target = name === "" ? this.#root : Object.hasOwn(definitions, name) ? definitions[name] : undefined;
      if (typeof target === "boolean") continue;
      if (!isObject(target)) return fault(path, "leads to no schema; name it in the $defs of the whole schema");
      this.#beside.get(from)?.push(target);
    }
    return undefined;
  }

  /** What is asked of one place of the data: nothing that comes back to itself, and not too much. */
  #checkCost(): MessageFault | undefined {
    const costs = new Map<Node, number>();
    const open = new Set<Node>();
    const costOf = (schema: Node): number => {
      const known = costs.get(schema);
      if (known !== undefined) return known;
      if (open.has(schema)) return Number.POSITIVE_INFINITY;
      open.add(schema);
      const cost = (this.#beside.get(schema) ?? []).reduce((sum, inner) => sum + costOf(inner), 1);
      open.delete(schema);
      costs.set(schema, cost);
      return cost;
    };
    for (const [schema, path] of this.#paths) {
      const cost = costOf(schema);
      if (cost === Number.POSITIVE_INFINITY)
        return fault(path, "leads back to itself without going deeper into the data; let it go through properties or items");
      if (cost > templateLimits.kindSchemaCostMax)
        return fault(path, `asks over ${templateLimits.kindSchemaCostMax} things of one place of the data; use fewer allOf, anyOf, oneOf and $ref`);
    }
    return undefined;
  }
}

/** The first fault of the data of a message against its kind's schema, which has been checked. Paths begin with `/content/data`. */
export function checkKindData(schema: KindSchema, data: CustomData): MessageFault | undefined {
  if (Check(schema, data)) return undefined;
  const [, errors] = Errors(schema, data) as unknown as readonly [boolean, readonly SchemaError[]];
  const [first] = errors;
  if (first === undefined) return fault("/content/data", "does not fit the schema of its kind");
  const path = `/content/data${first.instancePath}`;
  const { requiredProperties = [], additionalProperties = [], unevaluatedProperties = [], dependencies = [] } = first.params;
  const [missing = dependencies[0]] = requiredProperties;
  if (missing !== undefined) return fault(`${path}/${pointerPart(missing)}`, "is missing");
  const [unknown = unevaluatedProperties[0]] = additionalProperties;
  if (unknown !== undefined) return fault(`${path}/${pointerPart(unknown)}`, "is not a field that is known here");
  switch (first.keyword) {
    case "boolean":
      return fault(path, "is not possible here");
    case "propertyNames":
      return fault(path, "has a field whose name is not possible here");
    default:
      return fault(path, first.message);
  }
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: {
    readonly requiredProperties?: readonly string[];
    readonly additionalProperties?: readonly string[];
    readonly unevaluatedProperties?: readonly string[];
    readonly dependencies?: readonly string[];
  };
}

function isPattern(value: unknown): boolean {
  if (typeof value !== "string" || value.length > templateLimits.kindPatternMaxLength) return false;
  try {
    return new RegExp(value, "u").source.length > 0;
  } catch {
    // A SyntaxError: that is the answer.
    return false;
  }
}

function firstOf<T>(values: Iterable<T>, check: (value: T) => MessageFault | undefined): MessageFault | undefined {
  for (const value of values) {
    const found = check(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pointerPart(key: string): string {
  return key.slice(0, 64).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1");
}
