/** What worker-pool.test.ts lets threads do. */
import { existsSync } from "node:fs";
import { threadId } from "node:worker_threads";

export function run(input: unknown): unknown {
  return input;
}

/** Keeps its thread's processor busy. */
export function spin(ms: number): string {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return "spun";
}

/** Keeps it busy until a file is there: for ever, where nobody is free to write it. */
export function spinUntilFile(path: string): string {
  while (!existsSync(path));
  return "seen";
}

export function hang(): void {
  for (;;);
}

export function neverResolve(): Promise<never> {
  return new Promise(() => {});
}

export function fail(message: string): never {
  throw new RangeError(message);
}

export function failStrangely(what: string): never {
  // Each breaks a careless carrier in another way.
  if (what === "uncloneable") throw Object.assign(new Error("has a function"), { tell: () => {} });
  if (what === "unreadable") throw Object.defineProperty(new Error(), "message", { get: () => hang });
  if (what === "huge") throw new Error("x".repeat(1_000_000));
  throw what;
}

export async function failLater(): Promise<never> {
  await Promise.resolve();
  throw new TypeError("later");
}

export function exit(code: number): never {
  process.exit(code);
}

export function fillMemory(): number {
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, n) => n));
}

export function bytes(length: number): Uint8Array {
  return new Uint8Array(length).fill(7);
}

export function unsendable(): unknown {
  return { call: () => {} };
}

export function whichThread(): number {
  return threadId;
}

/** Throws when nobody waits for it any more. */
export function leaveBomb(): string {
  setTimeout(() => {
    throw new Error("left behind");
  }, 20);
  return "left";
}

export const noFunction = 7;
