/**
 * Where a schema has bytes. MessagePack carries them as they are; JSON carries base64, and this finds the
 * strings that stand for bytes, by the schema and not by guessing.
 */
import type Type from "typebox";

/** Replaces base64 strings by bytes, in place, where the schema has bytes; leaves what is not base64 for the validator to refuse. */
export type ByteReviver = (value: unknown) => unknown;

interface SchemaNode {
  readonly contentEncoding?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

/** By schema: a server that is made again in the same process has the same ones. */
const revivers = new WeakMap<Type.TSchema, { readonly revive: ByteReviver | undefined }>();

/** The reviver of a schema, or `undefined` when the schema has no bytes anywhere. */
export function createByteReviver(schema: Type.TSchema): ByteReviver | undefined {
  let made = revivers.get(schema);
  if (made === undefined) revivers.set(schema, (made = { revive: compile(schema) }));
  return made.revive;
}

function compile(schema: SchemaNode): ByteReviver | undefined {
  if (schema.contentEncoding === "base64") return (value) => (typeof value === "string" ? (decodeBase64(value) ?? value) : value);
  if (schema.anyOf !== undefined) return compileUnion(schema.anyOf);
  if (schema.items !== undefined) {
    const revive = compile(schema.items);
    if (revive === undefined) return undefined;
    return (value) => (Array.isArray(value) ? value.map(revive) : value);
  }
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties).flatMap(([key, property]) => {
      const revive = compile(property);
      return revive === undefined ? [] : [{ key, revive }];
    });
    if (fields.length === 0) return undefined;
    return (value) => {
      if (!isObject(value)) return value;
      for (const { key, revive } of fields) if (Object.hasOwn(value, key)) value[key] = revive(value[key]);
      return value;
    };
  }
  return undefined;
}

function compileUnion(variants: readonly SchemaNode[]): ByteReviver | undefined {
  const byType = new Map<unknown, ByteReviver>();
  for (const variant of variants) {
    const revive = compile(variant);
    if (revive === undefined) continue;
    // A nested union (all events are a union of unions) is tried by the types it holds.
    for (const type of typesOf(variant)) byType.set(type, revive);
  }
  if (byType.size === 0) return undefined;
  return (value) => (isObject(value) ? (byType.get(value["type"])?.(value) ?? value) : value);
}

function typesOf(schema: SchemaNode): unknown[] {
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap(typesOf);
  return [schema.properties?.["type"]?.const];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const base64Expression = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Strict base64 (RFC 4648 §4, padded); `undefined` for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !base64Expression.test(text)) return undefined;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  // In slices, because the arguments of one call are bounded.
  for (let i = 0; i < bytes.length; i += 8_192) binary += String.fromCharCode(...bytes.subarray(i, i + 8_192));
  return btoa(binary);
}
