/**
 * ⑤ A message: checked, appended, acknowledged when durable. Rules D2 (ack after durable), D3 (the same
 * clientId is the same message for ever) and D4 (sends of one connection commit in the order they were sent).
 */
import {
  checkEdit,
  checkMessage,
  needsAltText,
  SudaError,
  type CommandOf,
  type MessageBody,
  type MessageFault,
  type ReplyOf,
  type UserId,
} from "@suda/protocol";
import { accessMembership } from "./access.ts";
import { appendMessages, type MessageSend, type SendOrder, type SentMessages } from "./append-messages.ts";
import { checkKinds } from "./check-kinds.ts";
import type { Actor, ChatContext } from "./context.ts";

export interface SendCommand extends Omit<CommandOf<"message.send">, "type" | "ref"> {
  /** The human whose words these are, of a bot's in a direct conversation; only for the host's backend. */
  readonly agent?: UserId;
}

/** The place in the log is taken when this exists; `committed` is the answer, once it is durable. */
export interface PendingSend {
  readonly committed: Promise<ReplyOf<"message.send">>;
}

/**
 * Resolves as soon as the store has taken the message in its order, so that a connection may start its next
 * send without waiting for the disk; `committed` resolves when it is durable and on its way to the members.
 * @throws SudaError conversation.not_found, auth.forbidden, frame.invalid, bot.required; `committed` rejects with those,
 * send.conflict, send.slow, conversation.read_only, user.blocked, control.lost, store.…
 */
export async function sendMessage(context: ChatContext, actor: Actor, command: SendCommand, order?: SendOrder): Promise<PendingSend> {
  const isPlain = isJudgedByStoreAlone(context, actor, command);
  if (!isPlain) await accessMembership(context, actor, command.conversation);
  if (command.agent !== undefined) await checkAgent(context, actor, command.conversation);
  try {
    checkSendable(actor, command, "");
  } catch (fault) {
    // A stranger is told no more than that there is no such conversation (A1).
    if (isPlain) await accessMembership(context, actor, command.conversation);
    throw fault;
  }
  const { conversation, clientId, control, agent, follows: _, ...message } = command;
  const send: MessageSend = { conversation, clientId, messages: [message], pathOf: () => "", control, agent, order };
  const earlier = await checkKinds(context, actor, send);
  return { committed: replyOf(earlier === undefined ? appendMessages(context, actor, send) : Promise.resolve(earlier)) };
}

/**
 * Of a user's plain message nobody is asked anything, and the store judges who they are in the moment of storing (A6). To read
 * that before would say nothing more, and costs a store over a network half as much again.
 */
function isJudgedByStoreAlone({ sendHook }: ChatContext, { isBackend }: Actor, { content }: SendCommand): boolean {
  return !isBackend && sendHook === undefined && content.type !== "custom";
}

/** In a group the agent writes as themself. @throws SudaError auth.forbidden, frame.invalid */
async function checkAgent({ store }: ChatContext, { isBackend, isBot }: Actor, id: SendCommand["conversation"]): Promise<void> {
  if (!isBackend) throw new SudaError("auth.forbidden", "Only the host's backend sends an agent's words through a bot's account.");
  if (isBot && (await store.conversations.get(id))?.kind === "direct") return;
  const message = "/agent is for what a human says through a bot's account in a direct conversation; in a group they write as themself.";
  throw new SudaError("frame.invalid", message, { path: "/agent" });
}

async function replyOf(sent: Promise<SentMessages>): Promise<ReplyOf<"message.send">> {
  const { seqs, ...rest } = await sent;
  const [seq] = seqs;
  if (seq === undefined) throw new Error("A message was appended and got no seq.");
  return { seq, ...rest };
}

/**
 * The rules that no schema can say of a message, and who may say what.
 * @param at where it stands in what was asked: `""` or `/messages/0`
 * @throws SudaError frame.invalid, bot.required
 */
export function checkSendable(actor: Actor, message: MessageBody, at: string): void {
  refuse(checkMessage(message), at);
  // Others would put words into somebody's mouth.
  if (message.sender !== undefined && !actor.isBot && !actor.isBackend)
    throw new SudaError("bot.required", `${at}/sender is for bots; leave it out, your own name and picture are in your profile.`, { path: `${at}/sender` });
}

type EditedContent = Pick<CommandOf<"message.edit">, "conversation" | "target" | "content">;

/** What is wrong with an edited content but for its shape; of a kind's schema only {@link CustomKinds} knows. @throws SudaError frame.invalid */
export async function checkEditedContent({ store }: ChatContext, { conversation, target, content }: EditedContent): Promise<void> {
  const beside = needsAltText(content.type) ? await readBeside(store, { conversation, target, content }) : undefined;
  refuse(checkEdit(content, beside ?? {}), "");
}

/** What stands beside the content never changes, so that it may be read before the edit has its place. Nothing, where the store will refuse. */
async function readBeside({ log }: ChatContext["store"], { conversation, target, content }: EditedContent): Promise<Omit<MessageBody, "content"> | undefined> {
  const [entry] = await log.readAfter(conversation, target - 1, 1);
  if (entry?.seq !== target || entry.body.type !== "message.created" || entry.body.content.type !== content.type) return undefined;
  const { type: _type, content: _content, part: _part, agent: _agent, ...beside } = entry.body;
  return beside;
}

function refuse(fault: MessageFault | undefined, at: string): void {
  if (fault !== undefined) throw new SudaError("frame.invalid", at + fault.message, { path: at + fault.path });
}
