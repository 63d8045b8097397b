/** What `suda dev` brings along: users to be, and a bot to talk to. */
import type { MessageCreated, TextContent, UserId } from "@suda/protocol";
import type { SudaServer } from "@suda/server";
import type { Store } from "@suda/server/store";

/** Users that one can be with `suda chat --as`; a name where it differs from the id. */
export const demoUsers: readonly { readonly id: UserId; readonly name?: string }[] = [
  { id: "alice" as UserId },
  { id: "bob" as UserId },
  { id: "jimin" as UserId, name: "지민" },
];

export const demoBot = "sudabot" as UserId;

export async function prepareDemo(server: SudaServer, store: Store, now: number): Promise<void> {
  await store.users.ensure(
    demoUsers.map(({ id }) => id),
    now,
  );
  const known = new Map((await store.users.getMany(demoUsers.map(({ id }) => id))).map((user) => [user.id, user]));
  // A name that somebody has chosen since stays.
  for (const { id, name } of demoUsers) if (name !== undefined && known.get(id)?.name === undefined) await store.users.update(id, { name }, now);
  await server.addBot({ user: demoBot, name: "수다봇", answer });
}

/** Echoes, and helps in the language in which it is asked. */
export function answer({ content }: Pick<MessageCreated, "content">): TextContent | undefined {
  if (content.type !== "text") return undefined;
  const { text } = content;
  if (text.trim() === "/help" || text.trim() === "/도움말") return { type: "text", text: help };
  // Nobody calls a bot by a slash by accident; an unknown one gets the help too.
  return { type: "text", text: text.startsWith("/") ? help : text };
}

const help = [
  "I am @sudabot. I say everything again that you say; /help shows this.",
  "저는 @sudabot 입니다. 하시는 말씀을 그대로 따라 합니다. /help 는 도움말입니다.",
].join("\n");
