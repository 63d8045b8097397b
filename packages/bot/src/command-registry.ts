/** What a bot tells the server about itself over HTTP: its name and its slash commands, which clients then offer. */
import { RequestRefused, type Refusal } from "@suda/client";
import type { SlashCommand, UserId } from "@suda/protocol";

export interface BotProfile {
  readonly name: string | undefined;
  readonly commands: readonly SlashCommand[];
}

export interface ApiOptions {
  /** `https://chat.example.com` */
  readonly origin: string;
  readonly token: string;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
}

/** `PUT /v1/bots/{bot}`. @throws RequestRefused; whatever `fetch` throws */
export async function tellProfile(bot: UserId, { name, commands }: BotProfile, { origin, token, fetch, signal }: ApiOptions): Promise<void> {
  const response = await fetch(
    new Request(new URL(`/v1/bots/${encodeURIComponent(bot)}`, origin), {
      method: "PUT",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ ...(name === undefined ? {} : { name }), ...(commands.length === 0 ? {} : { commands }) }),
      signal,
    }),
  );
  if (response.ok) {
    await response.body?.cancel();
    return;
  }
  throw new RequestRefused(await refusalOf(response));
}

export async function refusalOf(response: Response): Promise<Refusal> {
  const text = await response.text();
  try {
    const refusal = JSON.parse(text) as Refusal;
    if (typeof refusal.code === "string") return refusal;
  } catch {
    // Not Suda's: a proxy's page, say.
  }
  return { code: "server.internal", message: `${response.url} answered ${response.status}.`, retryable: response.status >= 500 };
}
