/**
 * The documents of a bot's webhook: the registration with its secrets, and what its status tells beside what is being tried again.
 * Secrets are kept as they are, because a signature needs them; whoever reads the store can sign.
 */
import { newWebhookSecret, SudaError, webhookDefaultEvents, webhookLimits, type JsonValue, type LogEvent, type Random, type UserId } from "@suda/protocol";
import { documentAttempts } from "../chat/bots.ts";
import type { DocumentStore } from "../store/document-store.ts";
import { documentsOf } from "../store/read-whole.ts";

export interface WebhookSecret {
  readonly secret: string;
  readonly createdAt: number;
  /** Of one that is being replaced: until then it signs. */
  readonly until?: number;
}

export interface Registration {
  readonly url: string;
  /** Absent: {@link webhookDefaultEvents}, also those that a later version adds. */
  readonly events?: readonly LogEvent["type"][];
  readonly createdAt: number;
  readonly disabledAt?: number;
  /** The newest one first. */
  readonly secrets: readonly WebhookSecret[];
}

export interface Fault {
  readonly at: number;
  readonly code: string;
  readonly message: string;
  readonly conversation: string;
  readonly seq: number;
}

export interface WebhookTally {
  readonly badAnswers: number;
  readonly lastBadAnswer?: Fault;
  readonly deadLettersDropped: number;
}

const prefix = "w/";
export const leaseKeyOf = (bot: UserId): string => `l/${bot}`;
export const troublePrefixOf = (bot: UserId): string => `f/${bot}/`;
const tallyKeyOf = (bot: UserId): string => `s/${bot}`;

export async function readRegistration(documents: DocumentStore, bot: UserId): Promise<Registration | undefined> {
  return (await documents.get("deliveries", prefix + bot))?.value as unknown as Registration | undefined;
}

/** @param change returns the new one, or `undefined` to leave it as it is */
export async function changeRegistration(
  documents: DocumentStore,
  bot: UserId,
  change: (before: Registration | undefined) => Registration | undefined,
): Promise<{ readonly before: Registration | undefined; readonly after: Registration | undefined }> {
  return changeDocument(documents, prefix + bot, change);
}

/** Whether there was one. */
export async function deleteRegistration(documents: DocumentStore, bot: UserId): Promise<boolean> {
  const { outcome } = await documents.delete("deliveries", prefix + bot);
  if (outcome === "deleted") await documents.delete("deliveries", tallyKeyOf(bot));
  return outcome === "deleted";
}

/** Of all bots that have a webhook. */
export async function* listRegistrations(documents: DocumentStore): AsyncGenerator<UserId> {
  for await (const { key } of documentsOf(documents, "deliveries", prefix)) yield key.slice(prefix.length) as UserId;
}

export function eventsOf({ events }: Registration): readonly LogEvent["type"][] {
  return events ?? webhookDefaultEvents;
}

/** Those that sign now, the newest first. */
export function secretsAt({ secrets }: Registration, now: number): readonly WebhookSecret[] {
  return secrets.filter(({ until }) => until === undefined || until > now);
}

export function firstSecret(random: Random, now: number): WebhookSecret {
  return { secret: newWebhookSecret(random), createdAt: now };
}

/** A new secret first; those before it sign until `now + overlapMs` at most. Beyond the bound the oldest ones end at once. */
export function withNewSecret(before: Registration, random: Random, { now, overlapMs }: { readonly now: number; readonly overlapMs: number }): Registration {
  const old = secretsAt(before, now).map((one) => ({ ...one, until: Math.min(one.until ?? Number.POSITIVE_INFINITY, now + overlapMs) }));
  const kept = old.filter(({ until }) => until > now).slice(0, webhookLimits.webhookSecretsMax - 1);
  return { ...before, secrets: [firstSecret(random, now), ...kept] };
}

export async function readTally(documents: DocumentStore, bot: UserId): Promise<WebhookTally> {
  return { badAnswers: 0, deadLettersDropped: 0, ...(await documents.get("deliveries", tallyKeyOf(bot)))?.value };
}

export async function addToTally(documents: DocumentStore, bot: UserId, more: { readonly badAnswer?: Fault; readonly dropped?: number }): Promise<void> {
  await changeDocument<WebhookTally>(documents, tallyKeyOf(bot), (before) => {
    const { badAnswers = 0, deadLettersDropped = 0, lastBadAnswer } = before ?? {};
    const last = more.badAnswer ?? lastBadAnswer;
    return {
      badAnswers: badAnswers + (more.badAnswer === undefined ? 0 : 1),
      deadLettersDropped: deadLettersDropped + (more.dropped ?? 0),
      ...(last === undefined ? {} : { lastBadAnswer: last }),
    };
  });
}

async function changeDocument<T extends object>(
  documents: DocumentStore,
  key: string,
  change: (before: T | undefined) => T | undefined,
): Promise<{ readonly before: T | undefined; readonly after: T | undefined }> {
  for (let attempt = 0; attempt < documentAttempts; attempt++) {
    const document = await documents.get("deliveries", key);
    const before = document?.value as unknown as T | undefined;
    const after = change(before);
    if (after === undefined) return { before, after: before };
    const { outcome } = await documents.put("deliveries", key, after as { [key: string]: JsonValue }, { ifVersion: document?.version ?? 0 });
    if (outcome === "stored") return { before, after };
  }
  throw new SudaError("server.busy", "This webhook changes too fast; try again.", { retryAfterMs: 200 });
}
