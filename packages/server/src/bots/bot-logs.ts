/**
 * The logs of a bot: those of all conversations that it is a member of, each from the bot's read mark (D16). Groups of
 * the layer tell that there is something new; what it was is read from the log.
 */
import { SudaError, type ConversationId, type UserId } from "@suda/protocol";
import type { Channel, LayerEvent } from "../channel-layer/channel-layer.ts";
import type { Actor, ChatContext } from "../chat/context.ts";
import { conversationGroup, userGroup, type ChatLayerEvent } from "../chat/fan-out.ts";
import { joinedConversations } from "../chat/list-conversations.ts";
import { markRead } from "../chat/receipts.ts";
import { LogFollower, type LogFollowerOptions } from "../followers/log-follower.ts";

export type BotWork = Pick<LogFollowerOptions, "perform" | "atOnce" | "onFailure" | "retryMs">;

export class BotLogs implements AsyncDisposable {
  readonly follower: LogFollower;
  readonly #context: ChatContext;
  readonly #actor: Actor;
  readonly #channel: Channel;

  constructor(context: ChatContext, bot: UserId, work: BotWork) {
    this.#context = context;
    this.#actor = { user: bot, isBackend: false, isBot: true };
    this.#channel = context.layer.open((event) => this.#onLayerEvent(event));
    this.follower = new LogFollower({
      ...work,
      store: context.store,
      clock: context.clock,
      cursor: async (id) => (await context.store.conversations.member(id, bot))?.readSeq,
      advance: (id, seq) => this.#advance(id, seq),
    });
  }

  /** Looks at all logs, and again whenever something is new in one. */
  async open(): Promise<void> {
    await this.#context.layer.groupAdd(userGroup(this.#actor.user), this.#channel);
    await this.lookAtAll();
  }

  async lookAtAll(): Promise<void> {
    const { ids } = await joinedConversations(this.#context, this.#actor);
    for (const id of ids) await this.#join(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel.close();
    await this.follower[Symbol.asyncDispose]();
  }

  async #join(id: ConversationId): Promise<void> {
    await this.#context.layer.groupAdd(conversationGroup(id), this.#channel);
    this.follower.wake(id);
  }

  async #advance(id: ConversationId, seq: number): Promise<void> {
    try {
      await markRead(this.#context, this.#actor, id, seq);
    } catch (error) {
      // Removed since the page was read.
      if (!(error instanceof SudaError) || error.code !== "conversation.not_found") throw error;
    }
  }

  #onLayerEvent(event: LayerEvent): void | Promise<void> {
    const known = event as ChatLayerEvent | { readonly type: "layer.dropped" };
    if (known.type === "conversation.event") this.follower.wake(known.event.conversation);
    else if (known.type === "membership.joined") return this.#join(known.conversation);
    // Whatever it was, it is in the logs.
    else if (known.type === "layer.dropped") return this.lookAtAll();
  }
}
