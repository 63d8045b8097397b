/** What `suda dev` brings along: users to be, and a bot to talk to. */
import { systemClock, type Random, type UserId } from "@suda/protocol";
import type { Store } from "@suda/server/store";
import type { Config } from "../config/settings.ts";
import { signToken } from "../data-directory/sign-token.ts";
import { createDemoBot } from "../demo/demo-bot.ts";
import { demoKinds } from "../demo/showcase.ts";
import type { Companion } from "./run-server.ts";
import { secretKey } from "./token-keys.ts";

/** Users that one can be with `suda chat --as`; a name where it differs from the id. */
export const demoUsers: readonly { readonly id: UserId; readonly name?: string }[] = [
  { id: "alice" as UserId },
  { id: "bob" as UserId },
  { id: "jimin" as UserId, name: "지민" },
];

export const demoBot = "sudabot" as UserId;

export async function prepareDemo(store: Store, now: number): Promise<void> {
  await store.users.ensure(
    demoUsers.map(({ id }) => id),
    now,
  );
  const known = new Map((await store.users.getMany(demoUsers.map(({ id }) => id))).map((user) => [user.id, user]));
  // A name that somebody has chosen since stays.
  for (const { id, name } of demoUsers) if (name !== undefined && known.get(id)?.name === undefined) await store.users.update(id, { name }, now);
}

const keyBytes = 32;
const tokenLifetimeMs = 3_600_000;

/**
 * The bot, which comes by WebSocket like any other. Its token is signed with a key of this process alone, so that it is let in
 * whatever keys are configured, public ones too.
 */
export function demoCompanion(config: Config, random: Random): Companion {
  const key = random.bytes(keyBytes);
  const apiKey = Buffer.from(random.bytes(keyBytes)).toString("base64url");
  return {
    tokenKey: secretKey(key),
    apiKey: { name: "suda-dev", key: apiKey },
    customKinds: demoKinds,
    async start(url) {
      const tokenProvider = () => signToken({ user: demoBot, isBot: true, key, now: systemClock.now(), lifetimeMs: tokenLifetimeMs, config });
      const bot = createDemoBot({
        url,
        tokenProvider,
        async giveBack(conversation) {
          const path = `/v1/conversations/${encodeURIComponent(conversation)}/control/return`;
          const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
          const response = await fetch(new URL(path, url), { method: "POST", headers, body: "{}" });
          if (!response.ok) throw new Error(`${path} was answered with ${response.status}.`);
          await response.body?.cancel();
        },
      });
      await bot.start();
      return bot;
    },
  };
}
