/** Signs users' tokens as the host's backend would: a JWT with `sub` and `exp`, HS256 (RFC 7519). */
import { isUserId } from "@suda/protocol";
import { SignJWT } from "jose";
import { CommandError } from "../command-error.ts";
import type { Config } from "../config/settings.ts";

export interface TokenRequest {
  readonly user: string;
  /** Signed in as `bot: true`: the server then has it that a program runs this user. Default false. */
  readonly isBot?: boolean;
  /** HS256 secret. */
  readonly key: Uint8Array;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly lifetimeMs: number;
  /** Written as `aud` and `iss`, so that a server with the same configuration takes the token. */
  readonly config: Pick<Config, "tokenAudience" | "tokenIssuer">;
}

/** @throws CommandError `usage` when the user's id has other characters than ids may have */
export async function signToken({ user, isBot = false, key, now, lifetimeMs, config }: TokenRequest): Promise<string> {
  checkUserId(user);
  const issuedAt = Math.floor(now / 1_000);
  const token = new SignJWT(isBot ? { bot: true } : {})
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(user)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.ceil(lifetimeMs / 1_000));
  if (config.tokenAudience !== undefined) token.setAudience(config.tokenAudience);
  if (config.tokenIssuer !== undefined) token.setIssuer(config.tokenIssuer);
  return await token.sign(key);
}

/** @throws CommandError `usage` */
export function checkUserId(user: string): void {
  if (!isUserId(user) || user.startsWith("~"))
    throw new CommandError(
      "usage",
      `${JSON.stringify(user)} is not a user id`,
      "1 to 128 of A–Z a–z 0–9 . _ - @ : + | ~ =, not beginning with ~ ; names for people go into the profile",
    );
}
