/** A group's title, avatar, data and settings, a direct conversation's retention: entries of the log, like everything durable. */
import { SudaError, type CommandOf, type ReplyOf, type Role } from "@suda/protocol";
import type { ConversationPatch } from "../store/store.ts";
import { accessConversation, accessGroup } from "./access.ts";
import { append } from "./append.ts";
import type { Actor, ChatContext } from "./context.ts";
import { refusedError } from "./refused.ts";

const managers: readonly Role[] = ["owner", "admin"];
const bothOfTwo: readonly Role[] = ["member"];

/** @throws SudaError conversation.not_found, conversation.direct, member.forbidden, user.blocked, frame.invalid */
export async function updateConversation(
  context: ChatContext,
  actor: Actor,
  { conversation: id, title, avatar, data, write, slowModeMs, retentionMs }: Omit<CommandOf<"conversation.update">, "type" | "ref">,
): Promise<ReplyOf<"conversation.update">> {
  const named = Object.entries({ title, avatar, data, write, slowModeMs, retentionMs }).filter(([, value]) => value !== undefined);
  const patch: ConversationPatch = Object.fromEntries(named);
  const { conversation } = await accessConversation(context, actor, id);
  const isRetentionOfDirect = conversation.kind === "direct" && named.length === 1 && retentionMs !== undefined;
  if (!isRetentionOfDirect) await accessGroup(context, actor, id, managers);
  if (named.length === 0) throw new SudaError("frame.invalid", "Name at least one of title, avatar, data, write, slowModeMs and retentionMs.", { path: "" });
  const outcome = await append(context, id, {
    from: actor.user,
    // As a member: who is blocked does not decide how long the other one keeps what was said.
    ...(actor.isBackend ? {} : { roles: isRetentionOfDirect ? bothOfTwo : managers, asMember: true }),
    body: { type: "conversation.updated", ...patch },
  });
  if (outcome.outcome === "refused") throw refusedError(outcome, () => new SudaError("member.forbidden"));
  if (outcome.outcome !== "stored") throw new Error(`A draft without a clientId came back as ${outcome.outcome}.`);
  return { seq: outcome.entry.seq, at: outcome.entry.at };
}
