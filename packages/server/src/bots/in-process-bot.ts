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
import { SudaError, type ClientId, type Content, type ConversationId, type ErrorCode, type LogEvent, type MessageCreated, type UserId } from "@suda/protocol";
import type { Channel, LayerEvent } from "../channel-layer/channel-layer.ts";
import type { Actor, ChatContext } from "../chat/context.ts";
import { conversationGroup, userGroup, type ChatLayerEvent } from "../chat/fan-out.ts";
import { joinedConversations } from "../chat/list-conversations.ts";
import { markRead } from "../chat/receipts.ts";
import { sendMessage } from "../chat/send-message.ts";
import { updateUser } from "../chat/users.ts";
import { viewEvent } from "../chat/view.ts";

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
  readonly #channel: Channel;
  readonly #onFailure: (error: unknown) => void;
  /** Conversations with something unread, each worked off one at a time. */
  readonly #working = new Map<ConversationId, Promise<void>>();
  readonly #again = new Set<ConversationId>();
  #isClosed = false;

  private constructor(context: ChatContext, definition: BotDefinition, onFailure: (error: unknown) => void) {
    this.#context = context;
    this.#definition = definition;
    this.#actor = { user: definition.user, isBackend: false, isBot: true };
    this.#onFailure = onFailure;
    this.#channel = context.layer.open((event) => this.#onLayerEvent(event));
  }

  /** Makes the bot's user, joins its conversations and answers what came while it was away. */
  static async open(context: ChatContext, definition: BotDefinition, onFailure: (error: unknown) => void): Promise<InProcessBot> {
    const bot = new InProcessBot(context, definition, onFailure);
    await updateUser(context, { user: definition.user, isBackend: true, isBot: true }, definition.user, { name: definition.name, bot: true });
    await context.layer.groupAdd(userGroup(definition.user), bot.#channel);
    await bot.#joinAll();
    return bot;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#channel.close();
    await Promise.all(this.#working.values());
  }

  async #joinAll(): Promise<void> {
    const { ids } = await joinedConversations(this.#context, this.#actor);
    for (const id of ids) {
      await this.#context.layer.groupAdd(conversationGroup(id), this.#channel);
      this.#wake(id);
    }
  }

  #onLayerEvent(event: LayerEvent): void | Promise<void> {
    const known = event as ChatLayerEvent | { readonly type: "layer.dropped" };
    if (known.type === "conversation.event") this.#wake(known.event.conversation);
    else if (known.type === "membership.joined")
      return this.#context.layer.groupAdd(conversationGroup(known.conversation), this.#channel).then(() => this.#wake(known.conversation));
    // Whatever it was, it is in the logs.
    else if (known.type === "layer.dropped") return this.#joinAll();
  }

  #wake(id: ConversationId): void {
    if (this.#isClosed) return;
    this.#again.add(id);
    if (this.#working.has(id)) return;
    this.#working.set(id, this.#workOff(id).catch(this.#onFailure));
  }

  /** From the cursor to the head, whatever the layer lost or doubled. */
  async #workOff(id: ConversationId): Promise<void> {
    const { store } = this.#context;
    try {
      while (this.#again.delete(id) && !this.#isClosed) {
        const member = await store.conversations.member(id, this.#actor.user);
        if (member === undefined) return;
        for (const entry of await store.log.readAfter(id, member.readSeq, 100)) {
          const control = (await store.conversations.get(id))?.control;
          const isInCharge = control === undefined || (control.holder === "bot" && entry.seq > control.seq);
          if (isInCharge) await this.#answer(viewEvent(id, entry), control?.epoch ?? 0);
          await markRead(this.#context, this.#actor, id, entry.seq);
          this.#again.add(id);
        }
      }
    } catch (error) {
      // Slow mode: the answer waits for its turn, and so does what was said after it.
      if (!(error instanceof SudaError) || error.code !== "send.slow") throw error;
      this.#context.clock.schedule(error.retryAfterMs ?? 1_000, () => this.#wake(id));
    } finally {
      // In the turn of the last look, so that no wake-up falls between.
      this.#working.delete(id);
    }
  }

  /** @param epoch of control when it was looked at: a human who takes over while the bot thinks is not talked over */
  async #answer(event: LogEvent, epoch: number): Promise<void> {
    if (event.type !== "message.created" || event.from === this.#actor.user) return;
    const content = await this.#definition.answer(event);
    if (content === undefined) return;
    const { committed } = await sendMessage(this.#context, this.#actor, {
      conversation: event.conversation,
      clientId: `answer-${event.seq}` as ClientId,
      content,
      control: epoch,
    });
    try {
      await committed;
    } catch (error) {
      if (!(error instanceof SudaError) || !unanswerable.has(error.code)) throw error;
    }
  }
}

/** Answered before, in other words: the first answer stands. Or nobody is to hear the bot: blocked, only owners and admins write, or a human took over. */
const unanswerable: ReadonlySet<ErrorCode> = new Set(["send.conflict", "user.blocked", "conversation.read_only", "control.lost"]);
