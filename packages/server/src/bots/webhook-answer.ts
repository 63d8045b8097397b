/**
 * What a bot has put into the body of its 2xx: messages and a toast, in place of a send by API. The event was taken, whatever
 * the body holds: one that cannot be used is the bot's mistake, is told by its status, and nothing is repeated for it.
 */
import {
  checkMessage,
  createByteReviver,
  createValidator,
  parseJson,
  SudaError,
  WebhookAnswerSchema,
  webhookLimits,
  type ClientId,
  type ConversationId,
  type ErrorCode,
  type MessageBody,
  type WebhookAnswer,
} from "@suda/protocol";
import type { Actor, ChatContext } from "../chat/context.ts";
import { sendFromBot } from "../chat/bot-send.ts";

export interface AnswerFault {
  readonly code: string;
  readonly message: string;
}

export interface ReceivedAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const validator = createValidator<WebhookAnswer>(WebhookAnswerSchema);
const revive = createByteReviver(WebhookAnswerSchema);

/** Nothing when the body is empty or not JSON by its Content-Type: many frameworks answer `OK` by themselves. */
export function readAnswer({ headers, body }: ReceivedAnswer): WebhookAnswer | { readonly fault: AnswerFault } {
  const type = (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json" || body.byteLength === 0) return {};
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return { fault: { code: "frame.malformed", message: "The answer's body is not UTF-8." } };
  }
  try {
    const value = parseJson(text, { maxBytes: webhookLimits.webhookAnswerMaxBytes });
    const answer = validator.check(revive === undefined ? value : revive(value));
    for (const [index, message] of (answer.messages ?? []).entries()) {
      const found = checkMessage(message);
      if (found !== undefined) return { fault: { code: "frame.invalid", message: `/messages/${index}${found.message}` } };
    }
    return answer;
  } catch (error) {
    if (error instanceof SudaError) return { fault: { code: error.code, message: error.message.replaceAll("The frame", "The answer's body") } };
    throw error;
  }
}

/** More than is read was behind the 2xx. */
export const unreadAnswer: AnswerFault = {
  code: "frame.too_large",
  message: `The answer's body is over ${webhookLimits.webhookAnswerMaxBytes} bytes. Answer with less, or send by API.`,
};

export interface SpokenAnswer {
  readonly conversation: ConversationId;
  readonly seq: number;
  readonly messages: readonly MessageBody[];
  /** Epoch of control when the event was delivered: a human who took over since is not talked over. */
  readonly control: number;
}

/**
 * Sends the messages as the bot, all or none, with a clientId that follows from the event: an event that is delivered twice
 * is answered once, and the first answer stands.
 * @returns `waitMs`: not yet, the same call again after that time; else what was wrong with it, if anything was
 */
export async function sayAnswer(
  context: ChatContext,
  bot: Actor,
  { conversation, seq, messages, control }: SpokenAnswer,
): Promise<{ readonly waitMs: number } | { readonly fault?: AnswerFault }> {
  try {
    if (messages.length === 0) return {};
    const { committed } = await sendFromBot(context, bot, { conversation, clientId: `answer-${seq}` as ClientId, messages: [...messages], control });
    await committed;
    return {};
  } catch (error) {
    if (!(error instanceof SudaError)) throw error;
    if (error.retryable) return { waitMs: error.retryAfterMs ?? 1_000 };
    return quiet.has(error.code) ? {} : { fault: { code: error.code, message: error.message } };
  }
}

/** Answered before, with something else: the first answer stands. Or the bot was removed meanwhile, or a human took over. */
const quiet: ReadonlySet<ErrorCode> = new Set(["send.conflict", "conversation.not_found", "control.lost"]);
