/**
 * The product's hooks as they are configured: functions of a module, or signed webhooks. A function with `offload: true` runs in a
 * thread, so that one that computes does not hold up everybody.
 */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { OffloadError, WorkerPool } from "@suda/offload";
import { isWebhookSecret } from "@suda/protocol";
import type { ServerHooks } from "@suda/server";
import { CommandError } from "../command-error.ts";
import type { Config } from "../config/settings.ts";
import type { OffloadedCall } from "./offloaded-hook.ts";

export interface LoadedHooks extends AsyncDisposable {
  readonly hooks: ServerHooks;
}

type HookName = keyof ServerHooks;
const hookNames: readonly HookName[] = ["beforeSend", "afterCommit"];

/** With one thread a slow message would still hold up all others'. As many wait as may be asked about at a time. */
const poolOptions = {
  maxThreads: Math.max(2, Math.min(4, availableParallelism() - 1)),
  maxWaiting: 1_000,
  idleMs: 3_600_000,
  // From source the program has registered tsx in itself, of which its threads know nothing.
  ...(import.meta.url.endsWith(".ts") ? { execArgv: ["--import", import.meta.resolve("tsx"), "--conditions=suda-source"] } : {}),
};
const entry = new URL(import.meta.url.endsWith(".ts") ? "./offloaded-hook.ts" : "./offloaded-hook.js", import.meta.url);
const oneLine = (error: unknown): string => String(error).split("\n", 1)[0] ?? "";

/** To be disposed of after the server that asks them. @throws CommandError `config` */
export async function loadHooks(config: Config): Promise<LoadedHooks> {
  const { hooksModule, beforeSendUrl, afterCommitUrl, hookSecret, beforeSendTimeoutMs, beforeSendOnFailure } = config;
  const fromUrl = (url: string): { readonly url: string; readonly secrets: readonly string[] } => {
    if (hookSecret === undefined || !isWebhookSecret(hookSecret))
      throw new CommandError("config", "a hook has a URL, and SUDA_HOOK_SECRET is no secret", "Set it to whsec_ and 24 to 64 random bytes in base64");
    return { url, secrets: [hookSecret] };
  };
  const bounds = { timeoutMs: beforeSendTimeoutMs, onFailure: beforeSendOnFailure };
  const fromUrls: ServerHooks = {
    ...(beforeSendUrl === undefined ? {} : { beforeSend: { hook: fromUrl(beforeSendUrl), ...bounds } }),
    ...(afterCommitUrl === undefined ? {} : { afterCommit: { hook: fromUrl(afterCommitUrl) } }),
  };
  const { hooks, close } = hooksModule === undefined ? { hooks: {}, close: async () => {} } : await loadModule(hooksModule);
  return { hooks: { ...hooks, ...fromUrls }, [Symbol.asyncDispose]: close };
}

async function loadModule(file: string): Promise<{ readonly hooks: ServerHooks; readonly close: () => Promise<void> }> {
  const module = pathToFileURL(resolve(file)).href;
  let loaded: { readonly hooks?: unknown };
  try {
    loaded = (await import(module)) as typeof loaded;
  } catch (cause) {
    throw new CommandError(
      "config",
      `the hooks of ${file} cannot be loaded: ${oneLine(cause)}`,
      "Give the path of a module of this Node's (SUDA_HOOKS_MODULE)",
      {
        cause,
      },
    );
  }
  const { hooks } = loaded;
  if (typeof hooks !== "object" || hooks === null || !Object.keys(hooks).every((name) => hookNames.some((known) => known === name)))
    throw new CommandError("config", `${file} exports no hooks`, "export const hooks = { beforeSend: { hook }, afterCommit: { hook } }");
  return offloadMarked(file, module, hooks as Readonly<Record<string, unknown>>);
}

/** Puts those that are marked into threads; what else is wrong with them is the server's to say. */
async function offloadMarked(
  file: string,
  module: string,
  hooks: Readonly<Record<string, unknown>>,
): Promise<{ readonly hooks: ServerHooks; readonly close: () => Promise<void> }> {
  const ready: Record<string, unknown> = { ...hooks };
  let pool: WorkerPool | undefined;
  const close = async (): Promise<void> => pool?.[Symbol.asyncDispose]();
  for (const name of hookNames) {
    const options = hooks[name];
    if (typeof options !== "object" || options === null || !("offload" in options)) continue;
    const { offload, ...rest } = options as { readonly offload: unknown; readonly hook?: unknown; readonly timeoutMs?: number };
    ready[name] = rest;
    if (offload === false) continue;
    if (offload !== true || typeof rest.hook !== "function")
      throw new CommandError(
        "config",
        `hooks.${name} of ${file} has an offload that cannot be meant`,
        "offload: true, beside a hook that is a function of this module",
      );
    pool ??= new WorkerPool(poolOptions);
    ready[name] = { ...rest, hook: inThread(pool, { module, name }, rest.timeoutMs) };
    try {
      // A thread does not load what needs the main one; the first message is too late to learn of it, and would pay for the start.
      await pool.offload(entry, { module, name } satisfies OffloadedCall);
    } catch (error) {
      await close();
      if (!(error instanceof OffloadError)) throw error;
      throw new CommandError(
        "config",
        `hooks.${name} of ${file} does not load in a thread: ${oneLine(error.cause ?? error)}`,
        "Leave out offload, or what only the main thread can do",
        {
          cause: error,
        },
      );
    }
  }
  return { hooks: ready, close };
}

/** The server has its own time-out and gives up by the signal, which ends the thread; the pool's is the longest that there is. */
function inThread(pool: WorkerPool, call: OffloadedCall, timeoutMs = 60_000): (input: unknown, signal: AbortSignal) => Promise<unknown> {
  return async (input, signal) => {
    try {
      return await pool.offload(entry, { ...call, input } satisfies OffloadedCall, { signal, timeoutMs });
    } catch (error) {
      // As if it had been thrown here: its own word is what a dead letter and the log are to say.
      throw error instanceof OffloadError && error.code === "offload.failed" ? error.cause : error;
    }
  };
}
