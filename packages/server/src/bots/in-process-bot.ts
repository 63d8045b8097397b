/**
 * A bot that runs inside the server's process: an ordinary bot user, who hears what its conversations say
 * through the channel layer and answers through the same `sendMessage` as everybody.
 *
 * At least once, without doubles: it works off each log in order from its read mark, which its own messages do not
 * move (D16), and an answer's clientId is derived from the message that it answers, so that hearing one twice (after a
 * crash between answer and mark) answers once.
 *
 * While a human is in charge, or waited for, it is silent (T33): what was said before the bot was last put in charge is
 * the human's to answer, and its mark moves over it.
 */
import { SudaError, type ClientId, type Content, type ErrorCode, type LogEvent, type MessageCreated, type UserId } from "@suda/protocol";
import type { Actor, ChatContext } from "../chat/context.ts";
import { sendMessage } from "../chat/send-message.ts";
import { updateUser } from "../chat/users.ts";
import { viewEvent } from "../chat/view.ts";
import type { Step } from "../followers/log-follower.ts";
import { BotLogs } from "./bot-logs.ts";

export interface BotDefinition {
  readonly user: UserId;
  /** Shown to people. */
  readonly name: string;
  /** What it answers to a message of somebody else; nothing: no answer. It may be called again for the same message. */
  readonly answer: (message: MessageCreated) => Content | undefined | Promise<Content | undefined>;
}

export class InProcessBot implements AsyncDisposable {
  readonly #context: ChatContext;
  readonly #definition: BotDefinition;
  readonly #actor: Actor;
  readonly #logs: BotLogs;

  private constructor(context: ChatContext, definition: BotDefinition, onFailure: (error: unknown) => void) {
    this.#context = context;
    this.#definition = definition;
    this.#actor = { user: definition.user, isBackend: false, isBot: true };
    this.#logs = new BotLogs(context, definition.user, { perform: (id, entry) => this.#perform(viewEvent(id, entry)), atOnce: () => maxAtOnce, onFailure });
  }

  /** Makes the bot's user, joins its conversations and answers what came while it was away. */
  static async open(context: ChatContext, definition: BotDefinition, onFailure: (error: unknown) => void): Promise<InProcessBot> {
    const bot = new InProcessBot(context, definition, onFailure);
    await updateUser(context, { user: definition.user, isBackend: true, isBot: true }, definition.user, { name: definition.name, bot: true });
    await bot.#logs.open();
    return bot;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#logs[Symbol.asyncDispose]();
  }

  async #perform(event: LogEvent): Promise<Step> {
    if (event.type !== "message.created" || event.from === this.#actor.user) return "passed";
    const control = (await this.#context.store.conversations.get(event.conversation))?.control;
    if (control !== undefined && (control.holder !== "bot" || event.seq <= control.seq)) return "passed";
    const content = await this.#definition.answer(event);
    if (content === undefined) return "done";
    const { committed } = await sendMessage(this.#context, this.#actor, {
      conversation: event.conversation,
      clientId: `answer-${event.seq}` as ClientId,
      content,
      // A human who takes over while the bot thinks is not talked over.
      control: control?.epoch ?? 0,
    });
    try {
      await committed;
    } catch (error) {
      if (!(error instanceof SudaError)) throw error;
      // Slow mode: the answer waits for its turn, and so does what was said after it.
      if (error.code === "send.slow") return { waitMs: error.retryAfterMs ?? 1_000 };
      if (!unanswerable.has(error.code)) throw error;
    }
    return "done";
  }
}

/** Conversations that it answers at once; it may take its time for each. */
const maxAtOnce = 1_000;

/** Answered before, in other words: the first answer stands. Or nobody is to hear the bot: blocked, only owners and admins write, or a human took over. */
const unanswerable: ReadonlySet<ErrorCode> = new Set(["send.conflict", "user.blocked", "conversation.read_only", "control.lost"]);
