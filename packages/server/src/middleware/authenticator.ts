/**
 * Who sent this token or key. Tokens are JWTs that the host's backend signs: `sub` is the user, `exp` is
 * required; with `bot: true` the user is a bot. Every key names its own algorithms, and a token is tried only against keys that allow its
 * algorithm, so that a public key can never be mistaken for a secret (RFC 8725 §3.1).
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isUserId, SudaError, type Clock } from "@suda/protocol";
import { createRemoteJWKSet, decodeProtectedHeader, errors as joseErrors, importJWK, jwtVerify, type CryptoKey, type JWK, type JWTVerifyGetKey } from "jose";
import type { BackendPrincipal, UserPrincipal } from "../app/app.ts";

/** A key that tokens may be signed with. */
export type TokenKey =
  /** HS256, HS384 or HS512 with a shared secret of at least 32 bytes. */
  | { readonly algorithms: readonly string[]; readonly secret: Uint8Array; readonly kid?: string }
  /** RS256, PS256, ES256, EdDSA… with a public key. */
  | { readonly algorithms: readonly string[]; readonly jwk: JWK; readonly kid?: string }
  /** Public keys that the host publishes; fetched when first needed and cached. */
  | { readonly algorithms: readonly string[]; readonly jwksUrl: string };

export interface ApiKey {
  /** For logs and limits. */
  readonly name: string;
  /** At least 32 characters. */
  readonly key: string;
}

export interface AuthenticatorOptions {
  readonly tokenKeys: readonly TokenKey[];
  /** Required `aud`; default: not checked. */
  readonly audience?: string;
  /** Required `iss`; default: not checked. */
  readonly issuer?: string;
  readonly apiKeys?: readonly ApiKey[];
  readonly clock: Clock;
}

const symmetric = new Set(["HS256", "HS384", "HS512"]);
const asymmetric = new Set(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]);
/** Clocks of two machines differ. */
const clockToleranceS = 5;

interface Verifier {
  readonly algorithms: string[];
  readonly kid: string | undefined;
  readonly key: () => Promise<CryptoKey | Uint8Array | JWTVerifyGetKey>;
}

export class Authenticator {
  readonly #verifiers: readonly Verifier[];
  readonly #options: AuthenticatorOptions;
  readonly #apiKeys: readonly { readonly name: string; readonly digest: Buffer }[];

  /** @throws TypeError for a key whose algorithms do not fit it, or that is too short */
  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#verifiers = options.tokenKeys.map(createVerifier);
    this.#apiKeys = (options.apiKeys ?? []).map(({ name, key }) => {
      if (key.length < 32) throw new TypeError(`The API key ${JSON.stringify(name)} is shorter than 32 characters; make one with: openssl rand -base64 32`);
      return { name, digest: digest(key) };
    });
  }

  /**
   * The user that a token speaks for.
   * @throws SudaError auth.expired, auth.invalid
   */
  async user(token: string): Promise<UserPrincipal> {
    let algorithm: string | undefined;
    let kid: string | undefined;
    try {
      const header = decodeProtectedHeader(token);
      algorithm = header.alg;
      kid = header.kid;
    } catch (cause) {
      throw new SudaError("auth.invalid", "The token is not a JWT.", { cause });
    }
    const candidates = this.#verifiers.filter(
      (verifier) =>
        algorithm !== undefined && verifier.algorithms.includes(algorithm) && (kid === undefined || verifier.kid === undefined || verifier.kid === kid),
    );
    for (const verifier of candidates) {
      const principal = await this.#verify(token, verifier);
      if (principal !== undefined) return principal;
    }
    throw new SudaError("auth.invalid", "The token is not signed with one of this server's keys and algorithms.");
  }

  /** The backend whose key this is, or `undefined`. Compares digests, in constant time. */
  backend(key: string): BackendPrincipal | undefined {
    const asked = digest(key);
    let found: BackendPrincipal | undefined;
    for (const { name, digest: known } of this.#apiKeys) if (timingSafeEqual(known, asked)) found = { kind: "backend", keyName: name };
    return found;
  }

  async #verify(token: string, verifier: Verifier): Promise<UserPrincipal | undefined> {
    const { audience, issuer, clock } = this.#options;
    try {
      const key = await verifier.key();
      const options = {
        algorithms: verifier.algorithms,
        clockTolerance: clockToleranceS,
        currentDate: new Date(clock.now()),
        requiredClaims: ["sub", "exp"],
        ...(audience === undefined ? {} : { audience }),
        ...(issuer === undefined ? {} : { issuer }),
      };
      const { payload } = typeof key === "function" ? await jwtVerify(token, key, options) : await jwtVerify(token, key, options);
      const { sub, exp } = payload;
      // jose does not look at the type of sub.
      if (typeof sub !== "string" || exp === undefined || !isUserId(sub) || sub.startsWith("~"))
        throw new SudaError("auth.invalid", "The token's sub is not a user id: 1–128 of A–Z a–z 0–9 . _ - @ : + | ~ =, not beginning with ~.");
      return { kind: "user", user: sub, expiresAt: exp * 1_000, ...(payload["bot"] === true ? { isBot: true } : {}) };
    } catch (error) {
      if (error instanceof joseErrors.JWTExpired) throw new SudaError("auth.expired", "The token's time is over; connect with a new one.", { cause: error });
      if (error instanceof joseErrors.JWTClaimValidationFailed)
        throw new SudaError("auth.invalid", `The token's claim ${error.claim} is missing or not what this server expects.`, { cause: error });
      // A wrong signature, an unknown key, a broken form: another key may still fit.
      if (error instanceof joseErrors.JOSEError) return undefined;
      throw error;
    }
  }
}

function createVerifier(key: TokenKey): Verifier {
  const allowed = "secret" in key ? symmetric : asymmetric;
  const wrong = key.algorithms.find((algorithm) => !allowed.has(algorithm));
  if (wrong !== undefined || key.algorithms.length === 0) {
    throw new TypeError(
      `A ${"secret" in key ? "secret" : "public key"} verifies ${[...allowed].join(", ")}; not ${JSON.stringify(wrong ?? "no algorithm at all")}.`,
    );
  }
  const algorithms = [...key.algorithms];
  if ("secret" in key) {
    if (key.secret.byteLength < 32) throw new TypeError("A token secret is at least 32 bytes; make one with: openssl rand -base64 32");
    const { secret } = key;
    return { algorithms, kid: key.kid, key: async () => secret };
  }
  if ("jwk" in key) {
    const { jwk } = key;
    if (jwk.kty === "oct") throw new TypeError("A JWK with kty oct is a secret: give it as `secret`.");
    let imported: Promise<CryptoKey | Uint8Array> | undefined;
    return { algorithms, kid: key.kid ?? jwk.kid, key: () => (imported ??= importJWK(jwk, algorithms[0])) };
  }
  const remote = createRemoteJWKSet(new URL(key.jwksUrl), { timeoutDuration: 5_000, cooldownDuration: 30_000 });
  return { algorithms, kid: undefined, key: async () => (header, token) => fetchKey(remote, header, token) };
}

/** A key set that cannot be fetched or read is no fault of the token: its holder must not be told to stay away. */
async function fetchKey(remote: JWTVerifyGetKey, ...[header, token]: Parameters<JWTVerifyGetKey>): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
  try {
    return await remote(header, token);
  } catch (error) {
    if (error instanceof joseErrors.JWKSNoMatchingKey || error instanceof joseErrors.JWKSMultipleMatchingKeys || error instanceof joseErrors.JOSENotSupported)
      throw error;
    throw new SudaError("server.busy", "The keys that tokens are signed with could not be fetched.", { cause: error, retryAfterMs: 1_000 });
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
