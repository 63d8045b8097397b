/**
 * What runs in a worker thread: loads the caller's module, calls its function, and sends the result as bytes that were counted here.
 * It throws nothing: what cannot be cloned would otherwise end the thread, and the caller would learn of a crash instead of its error.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";

/** One call, as the pool posts it. */
export interface OffloadTask {
  /** A file URL. */
  readonly module: string;
  readonly exportName: string;
  /** Serialized by V8. */
  readonly input: Uint8Array;
  readonly maxResultBytes: number;
}

export type OffloadOutcome =
  | { readonly kind: "done"; readonly result: Uint8Array }
  | { readonly kind: "too-large"; readonly bytes: number }
  | { readonly kind: "no-module" | "threw" | "unsendable"; readonly error: { readonly name: string; readonly message: string; readonly stack: string } };

/** Characters of an error that are carried over. */
const maxMessageLength = 2_000;
const maxStackLength = 8_000;

export async function runOffloaded({ module, exportName, input, maxResultBytes }: OffloadTask): Promise<OffloadOutcome> {
  let run: unknown;
  try {
    const exports = await load(module);
    run = Object.hasOwn(exports, exportName) ? exports[exportName] : undefined;
    if (typeof run !== "function") throw new TypeError(`There is no function ${exportName} among its exports: ${Object.keys(exports).join(", ") || "none"}.`);
  } catch (error) {
    return { kind: "no-module", error: describe(error) };
  }
  let value: unknown;
  try {
    value = await (run as (input: unknown) => unknown)(deserialize(input));
  } catch (error) {
    return { kind: "threw", error: describe(error) };
  }
  let result: Uint8Array;
  try {
    result = serialize(value);
  } catch (error) {
    return { kind: "unsendable", error: describe(error) };
  }
  if (result.byteLength > maxResultBytes) return { kind: "too-large", bytes: result.byteLength };
  return { kind: "done", result };
}

async function load(module: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(module)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    // Under tsx, threads know TypeScript for `require` alone (privatenumber/tsx#354); so do the examples and tests of a bot.
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_UNKNOWN_FILE_EXTENSION") throw error;
    return createRequire(module)(fileURLToPath(module)) as Readonly<Record<string, unknown>>;
  }
}

function describe(error: unknown): { readonly name: string; readonly message: string; readonly stack: string } {
  try {
    if (!(error instanceof Error))
      return { name: "Error", message: `Something that is no Error was thrown: ${String(error)}`.slice(0, maxMessageLength), stack: "" };
    return { name: error.name.slice(0, 100), message: error.message.slice(0, maxMessageLength), stack: (error.stack ?? "").slice(0, maxStackLength) };
  } catch {
    return { name: "Error", message: "What was thrown cannot be read.", stack: "" };
  }
}
