/** A dead letter is tried once more, because somebody asks for it: out of order, with the id that it always had. */
import type { DeadLetter, UserId } from "@suda/protocol";
import type { Replay } from "../chat/bot-webhooks.ts";
import { readAnswer, sayAnswer, unreadAnswer } from "./webhook-answer.ts";
import { deliveryOf, postDelivery, type WebhookEnvironment } from "./webhook-bot.ts";
import { addToTally, type Registration } from "./webhook-registration.ts";

export interface ReplayedLetter {
  readonly bot: UserId;
  readonly registration: Registration;
  readonly letter: DeadLetter;
}

export async function replayLetter(environment: Omit<WebhookEnvironment, "onGone">, { bot, registration, letter }: ReplayedLetter): Promise<Replay> {
  const { context, deadLetters, outgoing, count } = environment;
  const { conversation: id, seq } = letter;
  const [entry] = await context.store.log.readAfter(id, seq - 1, 1);
  const delivery = entry?.seq === seq ? await deliveryOf(context, bot, id, entry) : undefined;
  if (delivery === undefined) {
    await deadLetters.delete(bot, letter.id);
    return { outcome: "gone" };
  }
  const outcome = await postDelivery({ context, outgoing, registration, id, seq, body: delivery.body });
  if (outcome.outcome === "later") return { outcome: "failed", code: "outgoing.busy", message: "This server has too many requests under way; try again." };
  if (outcome.outcome === "gone") return { outcome: "failed", code: "outgoing.status", message: "The status is 410: the webhook says that it is gone." };
  if (outcome.outcome === "failed") {
    count("failed");
    return { outcome: "failed", code: outcome.code, message: outcome.message };
  }
  count("delivered");
  const answer = outcome.outcome === "unread" ? { fault: unreadAnswer } : readAnswer(outcome.response);
  const messages = "fault" in answer ? [] : (answer.messages ?? []);
  const said = await sayAnswer(context, { user: bot, isBackend: false, isBot: true }, { conversation: id, seq, messages, control: delivery.control });
  // Slow mode, or the store: the letter stays, and a later replay says the same with the same clientIds.
  if ("waitMs" in said)
    return { outcome: "failed", code: "send.slow", message: `Delivered, but its answer could not be sent yet; try again in ${said.waitMs} ms.` };
  const fault = "fault" in answer ? answer.fault : said.fault;
  if (fault !== undefined) {
    count("bad-answer");
    await addToTally(context.store.documents, bot, { badAnswer: { at: context.clock.now(), ...fault, conversation: id, seq } });
  }
  await deadLetters.delete(bot, letter.id);
  return { outcome: "delivered" };
}
