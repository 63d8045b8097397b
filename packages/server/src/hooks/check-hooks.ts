/**
 * The hooks that a server is given, looked at before it starts: a hook that can never be called would otherwise be found out by
 * the first message that is refused for it. Whether a name's addresses may be called is still judged in each connection's look-up.
 */
import { isWebhookSecret } from "@suda/protocol";
import { OutgoingError } from "../outgoing/outgoing-error.ts";
import type { OutgoingHttp } from "../outgoing/outgoing-http.ts";
import type { AfterCommitOptions } from "./after-commit.ts";
import type { BeforeSendOptions } from "./before-send.ts";

export interface CheckedHooks {
  readonly beforeSend?: BeforeSendOptions;
  readonly afterCommit?: AfterCommitOptions;
}

/** A hook that cannot be meant. Neither its URL nor its secrets are in the message. */
export class HookOptionsError extends TypeError {
  override readonly name = "HookOptionsError";
  readonly hook: keyof CheckedHooks;
  /** Without the hook's name before it. */
  readonly problem: string;

  constructor(hook: keyof CheckedHooks, problem: string, options?: ErrorOptions) {
    super(`hooks.${hook}: ${problem}`, options);
    this.hook = hook;
    this.problem = problem;
  }
}

const timeoutMaxMs = 60_000;
const fieldsOf = { beforeSend: ["hook", "timeoutMs", "onFailure"], afterCommit: ["hook", "timeoutMs"] } as const;

/** They may come from a module that nobody has type-checked. @throws HookOptionsError */
export function checkHooks(hooks: CheckedHooks, outgoing: Pick<OutgoingHttp, "checkUrl">): void {
  for (const name of ["beforeSend", "afterCommit"] as const) {
    const options: unknown = hooks[name];
    if (options === undefined) continue;
    const problem = problemOf(options, name) ?? problemOfHook((options as { readonly hook?: unknown }).hook);
    if (problem !== undefined) throw new HookOptionsError(name, problem);
    const { hook } = options as BeforeSendOptions | AfterCommitOptions;
    if (typeof hook === "function") continue;
    try {
      outgoing.checkUrl(hook.url);
    } catch (error) {
      if (error instanceof OutgoingError) throw new HookOptionsError(name, error.message, { cause: error });
      throw error;
    }
  }
}

function problemOf(options: unknown, name: keyof CheckedHooks): string | undefined {
  if (typeof options !== "object" || options === null) return `It is not { hook: … } but a ${typeof options}.`;
  const known: readonly string[] = fieldsOf[name];
  const unknownField = Object.keys(options).find((field) => !known.includes(field));
  if (unknownField !== undefined) return `${unknownField} is none of ${known.join(", ")}.`;
  const { timeoutMs, onFailure } = options as { readonly timeoutMs?: unknown; readonly onFailure?: unknown };
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && Number(timeoutMs) >= 1 && Number(timeoutMs) <= timeoutMaxMs))
    return `timeoutMs is not an integer from 1 to ${timeoutMaxMs}.`;
  return onFailure === undefined || onFailure === "refuse" || onFailure === "allow" ? undefined : "onFailure is neither refuse nor allow.";
}

function problemOfHook(hook: unknown): string | undefined {
  if (typeof hook === "function") return undefined;
  if (typeof hook !== "object" || hook === null) return "Its hook is neither a function nor { url, secrets }.";
  const { url, secrets } = hook as { readonly url?: unknown; readonly secrets?: unknown };
  if (typeof url !== "string") return "Its hook is neither a function nor { url, secrets }.";
  if (!Array.isArray(secrets) || secrets.length === 0 || !secrets.every((secret) => typeof secret === "string" && isWebhookSecret(secret)))
    return "Its secrets are not one or more of whsec_ and 24 to 64 random bytes in base64.";
  return undefined;
}
