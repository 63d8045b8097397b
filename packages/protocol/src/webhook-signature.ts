/**
 * Who sent a webhook, and when: signatures of Standard Webhooks 1.0.0 (symmetric, `v1`), so that a receiver in any
 * language has a library for them. The server signs, the bot SDK and other receivers verify, with this one file.
 *
 * Signed is `id.timestamp.body`: HMAC-SHA256 with the secret's bytes. While a secret is being rotated there is one signature
 * for each, and one that fits is enough. The time that is signed is that of the attempt, so a copy is useless after
 * five minutes; the id is that of the event, so a retry has the same (RELIABILITY D11).
 * Web Crypto only: it runs in browsers, Node and on the edge. Held by webhook-signature.test.ts, with vectors made by openssl.
 */
import { decodeBase64, encodeBase64 } from "./byte-fields.ts";
import { systemClock, systemRandom, type Clock, type Random } from "./clock.ts";

export interface WebhookHeaders {
  readonly "webhook-id": string;
  /** Seconds since 1970. */
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

export type WebhookErrorCode =
  /** One of the three headers is absent or comes twice. */
  | "webhook.header_missing"
  /** One of the three headers is not of its form. */
  | "webhook.header_malformed"
  /** It was signed more than five minutes ago, or is a copy from then. */
  | "webhook.too_old"
  /** It was signed more than five minutes from now. */
  | "webhook.too_new"
  /** None of its signatures fits one of the secrets. */
  | "webhook.signature_wrong"
  /** A mistake of the program that calls: a secret or an id that is none. */
  | "webhook.secret_malformed"
  | "webhook.id_malformed";

/** A webhook that is not to be believed, or a secret that is none. The message holds no secret, header or body. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
  readonly code: WebhookErrorCode;

  constructor(code: WebhookErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Headers as Node has them, or as `fetch` has them. */
export type ReceivedHeaders = { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface SignWebhookOptions {
  /** The same for every attempt; 1–128 of letters, digits, `_` and `-` (a dot would be ambiguous in what is signed). */
  readonly id: string;
  /** Time of this attempt, epoch ms. */
  readonly at: number;
  /** Byte for byte what is sent. */
  readonly body: string | Uint8Array;
  /** 1–4: the current one, and those that are being replaced. */
  readonly secrets: readonly string[];
}

export interface VerifyWebhookOptions {
  readonly headers: ReceivedHeaders;
  /** Byte for byte what came, before any parsing. */
  readonly body: string | Uint8Array;
  /** 1–4; one that fits is enough. */
  readonly secrets: readonly string[];
  readonly clock?: Clock;
}

export interface VerifiedWebhook {
  /** Use it once: a retry brings the same id. */
  readonly id: string;
  /** Time of the attempt, epoch ms. */
  readonly at: number;
}

const secretPrefix = "whsec_";
const secretBytes = 32;
/** As the specification has them. */
const secretMinBytes = 24;
const secretMaxBytes = 64;
const toleranceMs = 300_000;
/** Two are current while a secret is rotated; a receiver computes one HMAC for each. */
const maxSecrets = 4;
/** One `v1` is 47 characters; asymmetric ones of other senders are about 90. */
const signatureHeaderMaxLength = 2_048;

const idExpression = /^[A-Za-z0-9_-]{1,128}$/;
const encoder = new TextEncoder();

/** `whsec_` and 32 random bytes in base64. */
export function newWebhookSecret(random: Random = systemRandom): string {
  return secretPrefix + encodeBase64(random.bytes(secretBytes));
}

/** Whether a text has the form of a secret: `whsec_` and 24 to 64 bytes in base64. */
export function isWebhookSecret(text: string): boolean {
  return keyOf(text) !== undefined;
}

/** The three headers. Throws `webhook.id_malformed` and `webhook.secret_malformed`. */
export async function signWebhook({ id, at, body, secrets }: SignWebhookOptions): Promise<WebhookHeaders> {
  if (!idExpression.test(id)) throw new WebhookError("webhook.id_malformed", "A webhook's id is 1–128 letters, digits, _ or -.");
  const timestamp = String(Math.floor(at / 1_000));
  if (!/^\d{1,12}$/.test(timestamp)) throw new RangeError(`${at} is no time in epoch milliseconds.`);
  const signatures = await signaturesOf(`${id}.${timestamp}.`, { body, secrets });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.map((one) => `v1,${encodeBase64(one)}`).join(" ") };
}

/**
 * Resolves for a webhook that was signed with one of the secrets within five minutes of now; rejects with a
 * {@link WebhookError} otherwise, whatever its headers hold. A receiver answers 400 or 401 and goes on.
 */
export async function verifyWebhook({ headers, body, secrets, clock = systemClock }: VerifyWebhookOptions): Promise<VerifiedWebhook> {
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  const received = receivedSignatures(headerOf(headers, "webhook-signature"));
  if (!idExpression.test(id)) throw malformed("webhook-id");
  if (!/^\d{1,12}$/.test(timestamp)) throw malformed("webhook-timestamp");
  // Before the time is looked at, so that a secret that is none does not show only now and then.
  const expected = await signaturesOf(`${id}.${timestamp}.`, { body, secrets });
  const at = Number(timestamp) * 1_000;
  const ageMs = clock.now() - at;
  if (ageMs > toleranceMs) throw new WebhookError("webhook.too_old", "The webhook was signed more than 5 minutes ago. Check this machine's clock.");
  if (ageMs < -toleranceMs) throw new WebhookError("webhook.too_new", "The webhook was signed more than 5 minutes from now. Check this machine's clock.");
  let isGood = false;
  // All are compared, so that the time tells nothing of which one fits.
  for (const one of expected) for (const other of received) isGood = areEqual(one, other) || isGood;
  if (!isGood) {
    throw new WebhookError("webhook.signature_wrong", "No signature fits. Check the secret, and that the body is verified as it came, before it is parsed.");
  }
  return { id, at };
}

interface Signed {
  readonly body: string | Uint8Array;
  readonly secrets: readonly string[];
}

async function signaturesOf(head: string, { body, secrets }: Signed): Promise<readonly Uint8Array[]> {
  if (secrets.length === 0 || secrets.length > maxSecrets) throw badSecret(`There are 1 to ${maxSecrets} secrets at a time.`);
  const start = encoder.encode(head);
  const rest = typeof body === "string" ? encoder.encode(body) : body;
  const content = new Uint8Array(start.length + rest.length);
  content.set(start, 0);
  content.set(rest, start.length);
  const keys = secrets.map((secret) => keyOf(secret) ?? failSecret());
  const { subtle } = globalThis.crypto;
  return Promise.all(
    keys.map(async (bytes) => {
      const key = await subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      return new Uint8Array(await subtle.sign("HMAC", key, content));
    }),
  );
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> | undefined {
  if (!secret.startsWith(secretPrefix)) return undefined;
  const bytes = decodeBase64(secret.slice(secretPrefix.length));
  return bytes === undefined || bytes.length < secretMinBytes || bytes.length > secretMaxBytes ? undefined : new Uint8Array(bytes);
}

/** Signatures of this scheme; those of others (`v1a`) are passed over, as the specification wants. */
function receivedSignatures(header: string): readonly Uint8Array[] {
  if (header.length > signatureHeaderMaxLength) throw malformed("webhook-signature");
  const all = header.split(" ").filter((one) => one !== "");
  if (all.length === 0 || all.some((one) => !/^[A-Za-z0-9]{1,8},[A-Za-z0-9+/=_-]+$/.test(one))) throw malformed("webhook-signature");
  return all.flatMap((one) => (one.startsWith("v1,") ? (decodeBase64(one.slice(3)) ?? []) : []));
}

function headerOf(headers: ReceivedHeaders, name: keyof WebhookHeaders): string {
  const values = isHeaders(headers)
    ? [headers.get(name)]
    : Object.entries(headers).flatMap(([key, value]) => (key.toLowerCase() === name ? (Array.isArray(value) ? (value as readonly unknown[]) : [value]) : []));
  const [value, ...more] = values;
  if (typeof value !== "string" || more.length > 0) throw new WebhookError("webhook.header_missing", `A signed webhook has the header ${name}, once.`);
  return value;
}

function isHeaders(headers: ReceivedHeaders): headers is { get(name: string): string | null } {
  return typeof headers["get"] === "function";
}

/** Takes as long wherever the first difference is. */
function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (const [index, byte] of one.entries()) difference |= byte ^ (other[index] ?? 0);
  return difference === 0;
}

function malformed(name: string): WebhookError {
  return new WebhookError("webhook.header_malformed", `The header ${name} is not of its form.`);
}

function badSecret(message: string): WebhookError {
  return new WebhookError("webhook.secret_malformed", message);
}

function failSecret(): never {
  throw badSecret("A secret is whsec_ and 24 to 64 bytes in base64.");
}
