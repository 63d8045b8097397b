/**
 * What can be done with a bot's webhook, for the routes; `bots/webhooks.ts` does it. The domain cannot see sockets, so it
 * has only the shape of it. Who may: the backend, and the bot itself ({@link accessBot}).
 */
import type { DeadLetter, LogEvent, UserId, Webhook } from "@suda/protocol";
import type { Actor } from "./context.ts";

export interface WebhookFields {
  readonly url: string;
  readonly events?: readonly LogEvent["type"][];
}

/** `gone`: the event is not there any more, or the bot is no member any more. The letter is kept only when it `failed`. */
export type Replay = { readonly outcome: "delivered" | "gone" } | { readonly outcome: "failed"; readonly code: string; readonly message: string };

export interface BotWebhooks {
  /** `secret` comes with the first registration alone. @throws SudaError auth.forbidden, user.not_found, frame.invalid */
  put(actor: Actor, bot: UserId, fields: WebhookFields): Promise<{ readonly webhook: Webhook; readonly secret?: string }>;
  /** @throws SudaError auth.forbidden, user.not_found, webhook.not_found */
  get(actor: Actor, bot: UserId): Promise<Webhook>;
  /** @throws SudaError auth.forbidden, user.not_found, webhook.not_found */
  delete(actor: Actor, bot: UserId): Promise<void>;
  /** A new secret; the ones before it sign for `overlapMs` longer. @throws SudaError auth.forbidden, user.not_found, webhook.not_found */
  rotateSecret(actor: Actor, bot: UserId, overlapMs: number): Promise<{ readonly secret: string; readonly webhook: Webhook }>;
  /** Oldest first. @throws SudaError auth.forbidden, user.not_found */
  listDeadLetters(actor: Actor, bot: UserId, page: { readonly after?: string; readonly limit: number }): Promise<readonly DeadLetter[]>;
  /** One attempt, now. @throws SudaError auth.forbidden, user.not_found, webhook.not_found, dead_letter.not_found */
  replayDeadLetter(actor: Actor, bot: UserId, id: string): Promise<Replay>;
  /** Oldest first, until one fails or about ten seconds have passed. @throws SudaError auth.forbidden, user.not_found, webhook.not_found */
  replayDeadLetters(actor: Actor, bot: UserId): Promise<{ readonly delivered: number; readonly gone: number; readonly left: number; readonly failed?: Replay }>;
  /** @throws SudaError auth.forbidden, user.not_found, dead_letter.not_found */
  deleteDeadLetter(actor: Actor, bot: UserId, id: string): Promise<void>;
  /** @throws SudaError auth.forbidden, user.not_found */
  deleteDeadLetters(actor: Actor, bot: UserId): Promise<number>;
}
