/**
 * What one connection hears from the layer, in order and one at a time (L3): events of its conversations, what becomes of its
 * user's memberships, presence. Nothing here trusts the layer to bring everything: what it loses between nodes, the node's watch
 * finds and tells (promise 13).
 */
import type { CloseReason, ConversationId, LogEvent } from "@suda/protocol";
import type { LayerEvent } from "../channel-layer/channel-layer.ts";
import type { Actor, ChatContext } from "../chat/context.ts";
import { shownTo, type ChatLayerEvent, type ConversationEphemeral, type MembershipChanged, type PresenceEvent } from "../chat/fan-out.ts";
import type { ConversationBehind, ConversationMissed } from "../chat/nodes/head-watch.ts";
import type { MembershipCompared, PresenceDoubted } from "../chat/nodes/membership-watch.ts";
import type { PresenceAsked } from "../chat/nodes/presence-nodes.ts";
import { viewOwnConversation } from "../chat/view.ts";
import type { Membership } from "../store/store.ts";
import type { Deliveries } from "./deliveries.ts";
import type { PresenceWatch } from "./presence-watch.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface LayerNewsOptions {
  readonly context: ChatContext;
  readonly actor: Actor;
  readonly subscriptions: Subscriptions;
  readonly presenceWatch: PresenceWatch;
  readonly deliveries: Deliveries;
  readonly close: (reason: CloseReason) => void;
}

type Known =
  | ChatLayerEvent
  | ConversationMissed
  | ConversationBehind
  | MembershipCompared
  | PresenceAsked
  | PresenceEvent
  | PresenceDoubted
  | { readonly type: "layer.dropped" };

export class LayerNews {
  readonly #options: LayerNewsOptions;

  constructor(options: LayerNewsOptions) {
    this.#options = options;
  }

  /** Synchronous when it can be: a thousand members receive an event in one turn. */
  on(event: LayerEvent): void | Promise<void> {
    const { actor, context, presenceWatch } = this.#options;
    const known = event as Known;
    switch (known.type) {
      case "conversation.event":
        return context.watch?.heads.admits(known) === false ? undefined : this.#onConversationEvent(shownTo(actor.user, known));
      case "conversation.missed":
        context.watch?.heads.arrived(known);
        return this.#onConversationEvent(shownTo(actor.user, known));
      case "conversation.behind":
        return this.#onBehind(known);
      case "conversation.ephemeral":
        return this.#onEphemeral(known);
      case "presence.event":
        return presenceWatch.isTold(known) ? this.#options.deliveries.ephemeral(known.event) : undefined;
      case "presence.asked":
        return presenceWatch.answer(known);
      case "presence.revoked":
        return presenceWatch.unwatch([known.user]);
      case "presence.doubted":
        return presenceWatch.judgeAnew();
      case "membership.joined":
        return this.#onJoined(known.conversation);
      case "membership.changed":
        return this.#onChanged(known);
      case "membership.compared":
        return this.#onCompared(known);
      case "layer.dropped":
        // What is missing is in the log: the client resumes and reads it.
        return this.#options.close("slow");
      default:
        // From a newer node: not for us.
        return;
    }
  }

  #onConversationEvent(event: LogEvent): void | Promise<void> {
    const { actor, subscriptions, deliveries } = this.#options;
    const isOwnRemoval = event.type === "member.removed" && event.user === actor.user;
    if (!isOwnRemoval && subscriptions.isStale(event.conversation, event.seq)) return;
    deliveries.live(event);
    if (isOwnRemoval) return this.#onLeft(event.conversation, event.seq);
  }

  #onBehind({ conversation, head }: ConversationBehind): void {
    if (!this.#options.subscriptions.isStale(conversation)) this.#options.deliveries.lag(conversation, head);
  }

  #onEphemeral({ event, change }: ConversationEphemeral): void {
    const { actor, context, subscriptions, deliveries } = this.#options;
    if (subscriptions.isStale(event.conversation)) return;
    const isOwn = ("user" in event ? event.user : event.from) === actor.user;
    // What one does oneself is no news on one's own devices, but for what no log has and one need not have done here.
    if (isOwn && change !== undefined) context.watch?.memberships.heard(actor.user, change);
    if (isOwn && (event.type === "receipt.updated" || event.type === "stream.aborted")) deliveries.tell(event);
    else if (!isOwn) deliveries.ephemeral(event);
  }

  /** @param seq of the removal; what came before it and waits in the inbox is still told */
  async #onLeft(conversation: ConversationId, seq: number): Promise<void> {
    const { subscriptions, deliveries } = this.#options;
    await subscriptions.leave(conversation, seq);
    const change = await this.#heard(conversation, "left");
    deliveries.tell({ type: "conversation.left", conversation, change });
  }

  async #onJoined(id: ConversationId): Promise<void> {
    const { context, actor, subscriptions, deliveries } = this.#options;
    if (!(await subscriptions.join(id))) return;
    const conversation = await viewOwnConversation(context, actor.user, id);
    if (conversation === undefined) return;
    const change = await this.#heard(id, "joined");
    deliveries.tell({ type: "conversation.joined", conversation, change });
  }

  async #onChanged({ conversation: id, target }: Pick<MembershipChanged, "conversation" | "target">): Promise<void> {
    const { context, actor, deliveries } = this.#options;
    const conversation = await viewOwnConversation(context, actor.user, id);
    if (conversation === undefined) return;
    const change = await this.#heard(id, "joined");
    deliveries.tell({ type: "conversation.changed", conversation, change, ...(target === undefined ? {} : { target }) });
  }

  /**
   * What is told of the conversation is that the user is in this state there. The user's counter up to which nothing is missing that a
   * device would have to be told: what it resumes from.
   */
  async #heard(id: ConversationId, state: Membership["state"]): Promise<number> {
    const { context, actor } = this.#options;
    const { conversations } = context.store;
    const watch = context.watch?.memberships;
    if (watch === undefined) return conversations.change(actor.user);
    const { change, membership } = await conversations.membership(actor.user, id);
    // It may have moved on since: that is told by its own event.
    if (membership?.state === state) watch.heard(actor.user, membership.change);
    return watch.toldUpTo(actor.user) ?? change;
  }

  /** Of most conversations nothing was missed, and then nothing is read. What was compared is some time ago: the store says what is so now. */
  async #onCompared({ memberships, since }: MembershipCompared): Promise<void> {
    const { context, actor, subscriptions } = this.#options;
    for (const { conversation, state, change } of memberships) {
      const isIn = subscriptions.isIn(conversation);
      if (state === "left" && isIn) {
        const member = await context.store.conversations.member(conversation, actor.user);
        if (member === undefined) await this.#onLeft(conversation, 0);
      }
      if (state === "joined" && !isIn) await this.#onJoined(conversation);
      else if (state === "joined" && change > since) await this.#onChanged({ conversation });
    }
  }
}
