/**
 * Custom data of users, conversations and messages: any JSON object of the host's, bounded, and the same
 * in both encodings (so no bytes, dates, big integers or NaN, which only MessagePack could carry).
 */
import { limits } from "./limits.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type CustomData = { readonly [key: string]: JsonValue };

const encoder = new TextEncoder();

/** True for a plain JSON object of at most `maxBytes` (4 KiB) as JSON, nested at most `maxDepth` (16) deep. */
export function isCustomData(value: unknown, maxBytes: number = limits.dataMaxBytes, maxDepth: number = limits.dataMaxDepth): value is CustomData {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (!isJsonValue(value, 1, maxDepth)) return false;
  return encoder.encode(JSON.stringify(value)).byteLength <= maxBytes;
}

function isJsonValue(value: unknown, depth: number, maxDepth: number): boolean {
  if (value === null || typeof value === "boolean") return true;
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth > maxDepth) return false;
  if (Array.isArray(value)) return value.every((element) => isJsonValue(element, depth + 1, maxDepth));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.entries(value).every(([key, element]) => key.isWellFormed() && isJsonValue(element, depth + 1, maxDepth));
}
