/**
 * Compiled validators: a fast yes or no, and on no one sentence with a JSON pointer.
 *
 * A union of objects that differ by their `type` is reported through the variant that was meant, so that a
 * text that is too long says so instead of "is none of seven".
 */
import type Type from "typebox";
import { Compile } from "typebox/compile";
import { SudaError } from "./errors.ts";

export interface Validator<T> {
  /** Returns the value as its type, or throws `frame.invalid` with `path`. */
  check(value: unknown): T;
  /** Whether the value is of the type. */
  is(value: unknown): value is T;
}

/** Compiles on first use: a process that never meets a schema does not pay for it. */
export function createValidator<T>(schema: Type.TSchema): Validator<T> {
  let compiled: ReturnType<typeof Compile> | undefined;
  const is = (value: unknown): value is T => {
    compiled ??= Compile(schema);
    return compiled.Check(value);
  };
  return {
    is,
    check(value) {
      if (is(value)) return value;
      const { path, message } = firstMismatch(schema, value, "");
      throw new SudaError("frame.invalid", `${path === "" ? "The frame" : path} ${message}.`, { path });
    },
  };
}

/** The parts of a schema object that the report looks at. */
interface SchemaNode {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

function firstMismatch(schema: SchemaNode, value: unknown, path: string): { path: string; message: string } {
  if (schema.anyOf !== undefined) {
    const byType = variantByType(schema.anyOf, value);
    if (byType === "unknown") {
      const known = schema.anyOf.map((variant) => JSON.stringify(variant.properties?.["type"]?.const)).join(", ");
      return { path: `${path}/type`, message: `must be one of ${known}` };
    }
    if (byType !== undefined) return firstMismatch(byType, value, path);
    if (schema.anyOf.every((variant) => variant.const !== undefined))
      return { path, message: `must be one of ${schema.anyOf.map((variant) => JSON.stringify(variant.const)).join(", ")}` };
    // A text or an object: what it was meant to be is seen from what it is.
    const alike = schema.anyOf.filter(({ type }) => type !== undefined && type === jsonTypeOf(value));
    if (alike.length === 1 && alike[0] !== undefined) return firstMismatch(alike[0], value, path);
  }
  if (schema.properties !== undefined && isObject(value)) {
    for (const key of Object.keys(value))
      if (!Object.hasOwn(schema.properties, key)) return { path: pointer(path, key), message: "is not a field that is known here" };
    for (const key of schema.required ?? []) if (!Object.hasOwn(value, key)) return { path: pointer(path, key), message: "is missing" };
    for (const [key, property] of Object.entries(schema.properties)) {
      if (Object.hasOwn(value, key) && !matches(property, value[key])) return firstMismatch(property, value[key], pointer(path, key));
    }
  }
  if (schema.items !== undefined && Array.isArray(value)) {
    for (const [index, element] of value.entries())
      if (!matches(schema.items, element)) return firstMismatch(schema.items, element, pointer(path, String(index)));
  }
  if (schema.patternProperties !== undefined && isObject(value)) {
    for (const [key, element] of Object.entries(value)) {
      const meant = Object.entries(schema.patternProperties).find(([pattern]) => new RegExp(pattern, "u").test(key))?.[1];
      if (meant === undefined) return { path: pointer(path, key), message: "is not a name that is possible here" };
      if (!matches(meant, element)) return firstMismatch(meant, element, pointer(path, key));
    }
  }
  const [error] = compiledOf(schema).Errors(value);
  return { path, message: error?.message ?? "does not fit" };
}

function matches(schema: SchemaNode, value: unknown): boolean {
  return compiledOf(schema).Check(value);
}

/** Once per part of a schema: compiling costs about a millisecond, and a hostile client chooses how often a report is made. */
const compiledParts = new WeakMap<SchemaNode, ReturnType<typeof Compile>>();

function compiledOf(schema: SchemaNode): ReturnType<typeof Compile> {
  let compiled = compiledParts.get(schema);
  if (compiled === undefined) {
    compiled = Compile(schema as Type.TSchema);
    compiledParts.set(schema, compiled);
  }
  return compiled;
}

function variantByType(variants: readonly SchemaNode[], value: unknown): SchemaNode | "unknown" | undefined {
  if (!isObject(value) || variants.some((variant) => variant.properties?.["type"]?.const === undefined)) return undefined;
  return variants.find((variant) => variant.properties?.["type"]?.const === value["type"]) ?? "unknown";
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pointer(path: string, key: string): string {
  // RFC 6901; a hostile key is cut so that it cannot fill the log or the reply, and not into half a surrogate pair.
  return `${path}/${key.slice(0, 64).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
