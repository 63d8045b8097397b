/** Who is writing: ephemeral, lossy by contract (promise 10), and not told where too many would be told. */
import type { ConversationId, ReplyOf } from "@suda/protocol";
import { accessConversation, type Access } from "./access.ts";
import type { Actor, ChatContext } from "./context.ts";
import { fanOutEphemeral } from "./fan-out.ts";
import { blocked, blocking, controlLost, readOnly } from "./refused.ts";

/** @throws SudaError conversation.not_found, conversation.read_only, user.blocked, control.lost */
export async function tellTyping(
  context: ChatContext,
  actor: Actor,
  id: ConversationId,
  type: "typing.started" | "typing.stopped",
): Promise<ReplyOf<"typing.start">> {
  const access = await accessConversation(context, actor, id);
  if (!actor.isBackend) await checkMayWrite(context, access);
  // What stops is told in any case.
  if (type === "typing.started") checkMaySpeak(actor, access);
  await fanOutEphemeral(context, access.conversation, { type, conversation: id, user: actor.user });
  return {};
}

/** A bot says nothing, and begins nothing, while it is not in charge (T26). @throws SudaError control.lost */
export function checkMaySpeak({ isBot }: Actor, { conversation: { control } }: Access): void {
  if (isBot && control !== undefined && control.holder !== "bot") throw controlLost();
}

/** As the store judges a message at commit, but for slow mode: who waits for their turn may be writing. */
export async function checkMayWrite({ store }: ChatContext, { conversation: { id, between, write }, member }: Access): Promise<void> {
  if (write === "admins" && member?.role === "member") throw readOnly();
  if (member?.isBlocking === true) throw blocking();
  const other = between?.find((user) => user !== member?.user);
  if (other !== undefined && (await store.conversations.member(id, other))?.isBlocking === true) throw blocked();
}
