/** One request to the HTTP API of a running server. */
import { CommandError } from "../command-error.ts";

export interface Api {
  readonly origin: string;
  readonly apiKey: string;
}

/** A replay of all takes ten seconds and one attempt more. */
const timeoutMs = 60_000;

/** @throws CommandError `server.unreachable`, `server.refused` */
export async function requestApi<Reply>({ origin, apiKey }: Api, method: "GET" | "POST", path: string): Promise<Reply> {
  let response: Response;
  try {
    response = await fetch(origin + path, {
      method,
      headers: { authorization: `Bearer ${apiKey}` },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (cause) {
    throw new CommandError("server.unreachable", `nothing answers at ${origin}`, "Start a server with: suda serve — or say where it is with --url", { cause });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as Reply;
  const { code = String(response.status), message = "" } = (body ?? {}) as { readonly code?: string; readonly message?: string };
  throw new CommandError("server.refused", `${origin} refused: ${plain(message)} (${plain(code)})`, fixOf(code));
}

function fixOf(code: string): string {
  if (code === "auth.invalid") return "Set SUDA_API_KEY to a key that the server has in SUDA_API_KEYS, without its name";
  if (code === "webhook.not_found") return "Register one with PUT /v1/bots/BOT/webhook";
  if (code === "hook.not_found") return "Start it with SUDA_HOOKS_MODULE or SUDA_AFTER_COMMIT_URL";
  if (code === "dead_letter.not_found") return "Leave out --id, or see what there is with dead-letters";
  return "See GET /v1/bots/BOT/webhook for how its deliveries are going";
}

/** A server that is none of ours may say anything; terminals obey control characters. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "").slice(0, 300);
}
