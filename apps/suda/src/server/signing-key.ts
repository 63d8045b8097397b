/** With what `suda token` and `suda chat` sign: the configured secret, else the data directory's key. */
import { systemRandom } from "@suda/protocol";
import { CommandError } from "../command-error.ts";
import type { Config } from "../config/settings.ts";
import { openTokenKey, readTokenKey, tokenKeyPath } from "../data-directory/token-key.ts";

type SigningSettings = Pick<Config, "data" | "tokenSecret" | "tokenKeys" | "tokenJwksUrl">;

/** The key; the data directory's is made when there is none. @throws CommandError `keys.missing`, `keys.invalid`, `data.unusable` */
export function openSigningKey(config: SigningSettings): Uint8Array {
  return configuredSecret(config) ?? openTokenKey(config.data, systemRandom);
}

/** The key; nothing is made. @throws CommandError `keys.missing`, `keys.invalid`, `data.unusable` */
export function readSigningKey(config: SigningSettings): Uint8Array {
  const key = configuredSecret(config) ?? readTokenKey(config.data);
  if (key !== undefined) return key;
  throw new CommandError(
    "keys.missing",
    `there is no token key at ${tokenKeyPath(config.data)}`,
    "Start the server first (suda dev), name its data directory (--data DIR), or give a token (--token-file FILE)",
  );
}

function configuredSecret({ tokenSecret, tokenKeys, tokenJwksUrl }: SigningSettings): Uint8Array | undefined {
  if (tokenSecret !== undefined) return Buffer.from(tokenSecret, "utf8");
  if (tokenKeys === undefined && tokenJwksUrl === undefined) return undefined;
  throw new CommandError(
    "keys.missing",
    "only public keys are configured, and those cannot sign",
    "Let your backend sign the token; suda chat takes it with --token-file FILE",
  );
}
