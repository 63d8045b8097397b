/** Which keys check users' tokens: those that are configured, else the data directory's own. */
import { readFileSync } from "node:fs";
import type { TokenKey } from "@suda/server";
import { CommandError, systemErrorCode } from "../command-error.ts";
import type { Config } from "../config/settings.ts";

type KeySettings = Pick<Config, "tokenSecret" | "tokenKeys" | "tokenJwksUrl">;

/** Only asymmetric ones: a set of public keys never holds a secret. */
const publicAlgorithms = ["RS256", "ES256", "EdDSA"] as const;

/** The configured keys; empty when none is configured. @throws CommandError `keys.invalid` */
export function configuredTokenKeys({ tokenSecret, tokenKeys, tokenJwksUrl }: KeySettings): TokenKey[] {
  return [
    ...(tokenSecret === undefined ? [] : [secretKey(Buffer.from(tokenSecret, "utf8"))]),
    ...(tokenKeys === undefined ? [] : readJwkSet(tokenKeys)),
    ...(tokenJwksUrl === undefined ? [] : [{ algorithms: publicAlgorithms, jwksUrl: tokenJwksUrl }]),
  ];
}

export function secretKey(secret: Uint8Array): TokenKey {
  return { algorithms: ["HS256"], secret };
}

/** RFC 7517 §5; a single key is taken as a set of one. */
function readJwkSet(path: string): TokenKey[] {
  const invalid = (problem: string, cause?: unknown): CommandError =>
    new CommandError(
      "keys.invalid",
      `the token keys in ${path} ${problem}`,
      'A JWK set: { "keys": [{ "kty": "RSA", "kid": "…", "alg": "RS256", "n": "…", "e": "AQAB" }] }',
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    // The parser's message would repeat the text.
    if (error instanceof SyntaxError) throw invalid("are not JSON");
    throw invalid(`cannot be read (${systemErrorCode(error) ?? "unknown"})`, error);
  }
  const set: unknown = isObject(value) && "keys" in value ? value["keys"] : [value];
  if (!Array.isArray(set) || set.length === 0) throw invalid("are not a set of keys");
  return set.map((jwk: unknown) => {
    if (!isObject(jwk) || typeof jwk["kty"] !== "string") throw invalid("hold something that is not a key");
    if (jwk["kty"] === "oct") throw invalid("hold a secret: set SUDA_TOKEN_SECRET instead");
    if ("d" in jwk) throw invalid("hold a private key: give public keys only, and keep the private one with your backend");
    const algorithm = algorithmOf(jwk);
    if (algorithm === undefined) throw invalid(`hold a key for none of ${publicAlgorithms.join(", ")}`);
    return { algorithms: [algorithm], jwk: { ...jwk, kty: jwk["kty"] } };
  });
}

const keyTypes = [
  { kty: "RSA", crv: undefined, algorithm: "RS256" },
  { kty: "EC", crv: "P-256", algorithm: "ES256" },
  { kty: "OKP", crv: "Ed25519", algorithm: "EdDSA" },
] as const;

/** The key's own `alg`, else what its type is for. */
function algorithmOf(jwk: Readonly<Record<string, unknown>>): string | undefined {
  const { kty, crv } = jwk;
  const fitting = keyTypes.find((type) => type.kty === kty && type.crv === crv)?.algorithm;
  const { alg = fitting } = jwk;
  return alg === fitting || (alg === "Ed25519" && fitting === "EdDSA") ? fitting : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
