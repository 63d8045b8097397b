/** The product's hooks as they are configured: functions of a module, or signed webhooks. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isWebhookSecret } from "@suda/protocol";
import type { ServerHooks } from "@suda/server";
import { CommandError } from "../command-error.ts";
import type { Config } from "../config/settings.ts";

/** @throws CommandError `config` */
export async function loadHooks(config: Config): Promise<ServerHooks> {
  const { hooksModule, beforeSendUrl, afterCommitUrl, hookSecret, beforeSendTimeoutMs, beforeSendOnFailure } = config;
  const ofModule = hooksModule === undefined ? {} : await loadModule(hooksModule);
  const fromUrl = (url: string): { readonly url: string; readonly secrets: readonly string[] } => {
    if (hookSecret === undefined || !isWebhookSecret(hookSecret))
      throw new CommandError("config", "a hook has a URL, and SUDA_HOOK_SECRET is no secret", "Set it to whsec_ and 24 to 64 random bytes in base64");
    return { url, secrets: [hookSecret] };
  };
  const bounds = { timeoutMs: beforeSendTimeoutMs, onFailure: beforeSendOnFailure };
  return {
    ...ofModule,
    ...(beforeSendUrl === undefined ? {} : { beforeSend: { hook: fromUrl(beforeSendUrl), ...bounds } }),
    ...(afterCommitUrl === undefined ? {} : { afterCommit: { hook: fromUrl(afterCommitUrl) } }),
  };
}

async function loadModule(file: string): Promise<ServerHooks> {
  let loaded: { readonly hooks?: unknown };
  try {
    loaded = (await import(pathToFileURL(resolve(file)).href)) as typeof loaded;
  } catch (cause) {
    throw new CommandError(
      "config",
      `the hooks of ${file} cannot be loaded: ${String(cause).split("\n", 1)[0]}`,
      "Give the path of a module of this Node's (SUDA_HOOKS_MODULE)",
      { cause },
    );
  }
  const { hooks } = loaded;
  if (typeof hooks !== "object" || hooks === null || !Object.keys(hooks).every((name) => name === "beforeSend" || name === "afterCommit"))
    throw new CommandError("config", `${file} exports no hooks`, "export const hooks = { beforeSend: { hook }, afterCommit: { hook } }");
  return hooks;
}
