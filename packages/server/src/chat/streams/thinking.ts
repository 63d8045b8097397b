/** A bot works on an answer: ephemeral, told in conversations of any size, since it is said once per answer (T45, T46). */
import type { ConversationId, ReplyOf } from "@suda/protocol";
import { accessAsBot } from "../access.ts";
import type { Actor, ChatContext } from "../context.ts";
import { announceThinking } from "../fan-out.ts";
import { checkMaySpeak, checkMayWrite } from "../typing.ts";

/** @throws SudaError conversation.not_found, member.not_found, bot.required, conversation.read_only, user.blocked, control.lost */
export async function tellThinking(
  context: ChatContext,
  actor: Actor,
  id: ConversationId,
  type: "thinking.started" | "thinking.stopped",
): Promise<ReplyOf<"thinking.start">> {
  const access = await accessAsBot(context, actor, id);
  if (!actor.isBackend) await checkMayWrite(context, access);
  if (type === "thinking.started") checkMaySpeak(actor, access);
  await announceThinking(context, { type, conversation: id, user: actor.user });
  return {};
}
