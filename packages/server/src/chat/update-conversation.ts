/** A group's title, avatar and data: an entry of the log, like everything durable. */
import { SudaError, type CommandOf, type ReplyOf } from "@suda/protocol";
import { accessGroup } from "./access.ts";
import { append } from "./append.ts";
import type { Actor, ChatContext } from "./context.ts";

/** @throws SudaError conversation.not_found, conversation.direct, member.forbidden, frame.invalid */
export async function updateConversation(
  context: ChatContext,
  actor: Actor,
  command: Omit<CommandOf<"conversation.update">, "type" | "ref">,
): Promise<ReplyOf<"conversation.update">> {
  const { conversation, title, avatar, data } = command;
  const roles = ["owner", "admin"] as const;
  await accessGroup(context, actor, conversation, roles);
  const patch = { ...(title === undefined ? {} : { title }), ...(avatar === undefined ? {} : { avatar }), ...(data === undefined ? {} : { data }) };
  if (Object.keys(patch).length === 0) throw new SudaError("frame.invalid", "Name at least one of title, avatar and data.", { path: "" });
  const outcome = await append(context, conversation, {
    from: actor.user,
    ...(actor.isBackend ? {} : { roles }),
    body: { type: "conversation.updated", ...patch },
  });
  if (outcome.outcome === "refused") throw new SudaError("member.forbidden");
  if (outcome.outcome !== "stored") throw new Error(`A draft without a clientId came back as ${outcome.outcome}.`);
  return { seq: outcome.entry.seq, at: outcome.entry.at };
}
