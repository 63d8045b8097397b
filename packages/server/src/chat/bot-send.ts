/**
 * ⑤ What a bot sends at once: one to five messages, or what one of its stored templates makes. All are committed or none,
 * in one append. Rules T35–T38; order and acknowledgement as for a single message (D2, D4).
 *
 * A send of one message is the same as `message.send` with its clientId.
 */
import { fillTemplate, SudaError, type CommandOf, type MessageBody, type ReplyOf, type StoredTemplate, type TemplateChoice } from "@suda/protocol";
import { accessMembership } from "./access.ts";
import { appendMessages, findSent, type MessageSend, type SentMessages } from "./append-messages.ts";
import { checkKinds } from "./check-kinds.ts";
import type { Actor, ChatContext } from "./context.ts";
import { checkSendable } from "./send-message.ts";
import { getTemplate, olderVersions } from "./stored-templates.ts";

export type BotSendCommand = Omit<CommandOf<"bot.send">, "type" | "ref">;

/** The place in the log is taken when this exists; `committed` is the answer, once all are durable. */
export interface PendingBotSend {
  readonly committed: Promise<ReplyOf<"bot.send">>;
}

/**
 * Resolves as soon as the store has taken the messages in its order, as {@link sendMessage} does.
 * @param actor a bot, or the host's backend in a bot's name
 * @throws SudaError bot.required, conversation.not_found, member.not_found, frame.invalid, template.not_found; `committed`
 * rejects with those, send.conflict, send.slow, conversation.read_only, user.blocked, control.lost, store.…
 */
export async function sendFromBot(context: ChatContext, actor: Actor, command: BotSendCommand): Promise<PendingBotSend> {
  const { messages, template } = command;
  await accessMembership(context, actor, command.conversation);
  // After the gate: a stranger is told no more than that there is no such conversation (A1).
  if (!actor.isBot) throw new SudaError("bot.required", "Only a bot sends several messages or a template at once; you are no bot.");
  if (template !== undefined && messages !== undefined)
    throw new SudaError("frame.invalid", "/template stands beside messages; give one of the two.", { path: "/template" });
  if (template !== undefined) return sendTemplate(context, actor, command, template);
  if (messages === undefined) throw new SudaError("frame.invalid", "/messages is missing; give messages, or a template.", { path: "/messages" });
  const send = checked(actor, command, messages, "/messages");
  const earlier = await checkKinds(context, actor, send);
  return { committed: replyOf(earlier === undefined ? appendMessages(context, actor, send) : Promise.resolve(earlier)) };
}

function checked(actor: Actor, { conversation, clientId, control }: BotSendCommand, messages: readonly MessageBody[], at: string): MessageSend {
  for (const [index, message] of messages.entries()) checkSendable(actor, message, `${at}/${index}`);
  return { conversation, clientId, messages, pathOf: (index) => `${at}/${index}`, control, agent: undefined };
}

// ── templates ─────────────────────────────────────────────────────────────────────────────────────────

async function sendTemplate(context: ChatContext, actor: Actor, command: BotSendCommand, choice: TemplateChoice): Promise<PendingBotSend> {
  const template = await getTemplate(context, actor, actor.user, choice.id, choice.version);
  let send: MessageSend;
  let earlier: SentMessages | undefined;
  try {
    send = filled(actor, command, template, choice);
    earlier = await checkKinds(context, actor, send);
  } catch (error) {
    const sent = error instanceof SudaError ? await sentEarlier(context, actor, command, template, choice) : undefined;
    if (sent === undefined) throw error;
    return { committed: replyOf(Promise.resolve(sent)) };
  }
  if (earlier !== undefined) return { committed: replyOf(Promise.resolve(earlier)) };
  const committed = appendMessages(context, actor, send).catch(async (error: unknown) => {
    const isConflict = error instanceof SudaError && error.code === "send.conflict";
    const sent = isConflict ? await sentEarlier(context, actor, command, template, choice) : undefined;
    if (sent === undefined) throw error;
    return sent;
  });
  return { committed: replyOf(committed) };
}

/**
 * Who names no version gets the newest, and a version may have been stored between the first try and its retry. The retry is
 * then compared with what older versions make: the first try was one of them, and nothing new is stored.
 */
async function sentEarlier(
  context: ChatContext,
  actor: Actor,
  command: BotSendCommand,
  { version: newest }: StoredTemplate,
  choice: TemplateChoice,
): Promise<SentMessages | undefined> {
  if (choice.version !== undefined) return undefined;
  for (const template of await olderVersions(context, actor, actor.user, choice.id, newest)) {
    let send;
    try {
      send = filled(actor, command, template, choice);
    } catch (error) {
      if (error instanceof SudaError) continue;
      throw error;
    }
    const sent = await findSent(context, actor, send);
    if (sent !== undefined) return sent;
  }
  return undefined;
}

/** Paths are of what was asked: `/template/variables/name`, `/template/messages/0/content/text`. */
function filled(actor: Actor, command: BotSendCommand, template: StoredTemplate, { locale, variables = {} }: TemplateChoice): MessageSend {
  let messages;
  try {
    ({ messages } = fillTemplate(template, { variables, ...(locale === undefined ? {} : { locale }) }));
  } catch (error) {
    if (!(error instanceof SudaError) || error.path === undefined) throw error;
    throw new SudaError(error.code, `/template${error.message}`, { path: `/template${error.path}` });
  }
  return checked(actor, command, messages, "/template/messages");
}

async function replyOf(sent: Promise<SentMessages>): Promise<ReplyOf<"bot.send">> {
  const { seqs, ...rest } = await sent;
  return { seqs: [...seqs], ...rest };
}
