/**
 * The slash commands of bots, for Tab: asked for over HTTP when a conversation with somebody is opened, as what a bot offers does not
 * go over the socket. Without an answer there are none, which is no reason to bother a person.
 */
import type { Clock, SlashCommand, UserId } from "@suda/protocol";

export interface BotCommandsOptions {
  /** `ws://…/v1/socket`. */
  readonly url: string;
  readonly token: () => Promise<string>;
  readonly clock: Clock;
}

/** So long what was answered is good; a bot says its commands when it starts. */
const goodForMs = 60_000;
const timeoutMs = 5_000;
const mostBytes = 262_144;
const most = 100;

export class BotCommands {
  readonly #options: BotCommandsOptions;
  readonly #known = new Map<UserId, { readonly askedAtMs: number; commands: readonly SlashCommand[] }>();

  constructor(options: BotCommandsOptions) {
    this.#options = options;
  }

  /** As far as they are known; of somebody who is no bot there are none. */
  of(user: UserId): readonly SlashCommand[] {
    return this.#known.get(user)?.commands ?? [];
  }

  /** Asks, unless it has a moment ago. Never rejects; resolves when they are known. */
  async learn(user: UserId): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    const known = this.#known.get(user);
    if (known !== undefined && nowMs - known.askedAtMs < goodForMs) return;
    const entry = { askedAtMs: nowMs, commands: known?.commands ?? [] };
    this.#known.set(user, entry);
    try {
      entry.commands = await this.#ask(user);
    } catch {
      // Asked again the next time.
      this.#known.delete(user);
    }
  }

  async #ask(user: UserId): Promise<readonly SlashCommand[]> {
    const { url, token } = this.#options;
    const where = new URL(`bots/${encodeURIComponent(user)}`, url.replace(/^ws/, "http"));
    const answer = await fetch(where, { headers: { authorization: `Bearer ${await token()}` }, signal: AbortSignal.timeout(timeoutMs) });
    // Who is no bot, or shares no conversation (any more).
    if (!answer.ok) return [];
    const text = await answer.text();
    if (text.length > mostBytes) return [];
    const { bot } = JSON.parse(text) as { readonly bot?: { readonly commands?: readonly SlashCommand[] } };
    return (bot?.commands ?? []).slice(0, most).filter(({ name }) => typeof name === "string" && /^[^\s/]{1,32}$/u.test(name));
  }
}
