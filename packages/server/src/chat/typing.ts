/** Who is writing: ephemeral, lossy by contract (promise 10), and not told where too many would be told. */
import type { ConversationId, ReplyOf } from "@suda/protocol";
import { accessConversation } from "./access.ts";
import type { Actor, ChatContext } from "./context.ts";
import { fanOutEphemeral } from "./fan-out.ts";

/** @throws SudaError conversation.not_found */
export async function tellTyping(
  context: ChatContext,
  actor: Actor,
  id: ConversationId,
  type: "typing.started" | "typing.stopped",
): Promise<ReplyOf<"typing.start">> {
  const { conversation } = await accessConversation(context, actor, id);
  await fanOutEphemeral(context, conversation, { type, conversation: id, user: actor.user });
  return {};
}
