/**
 * Which groups a connection is in: those of all conversations of its user, kept right while members come and
 * go. A removed member receives no event after the one that removed it (D12), also of those that were waiting
 * in the channel's inbox when it was removed.
 */
import { SudaError, type ConversationId } from "@suda/protocol";
import type { Channel } from "../channel-layer/channel-layer.ts";
import type { Actor, ChatContext } from "../chat/context.ts";
import { conversationGroup, userGroup } from "../chat/fan-out.ts";
import { joinedConversations, type Joined } from "../chat/list-conversations.ts";

/** How often the list of conversations may change while its groups are joined. */
const maxRounds = 10;

export class Subscriptions {
  readonly #context: ChatContext;
  readonly #actor: Actor;
  readonly #channel: Channel;
  /** Conversations that the user is no member of any more, with the seq of the removal, or 0 when only the store told of it. */
  #removedAt: Map<ConversationId, number> | undefined;

  constructor(context: ChatContext, actor: Actor, channel: Channel) {
    this.#context = context;
    this.#actor = actor;
    this.#channel = channel;
  }

  /**
   * Joins the groups of the user and of all conversations; again when the list changed meanwhile, so that neither
   * a join nor a removal falls between.
   * @returns the list as it was read last, after all of its groups were joined
   * @throws SudaError server.busy
   */
  async joinAll(): Promise<Joined> {
    const { layer, watch } = this.#context;
    watch?.memberships.beforeJoining(this.#actor.user);
    await layer.groupAdd(userGroup(this.#actor.user), this.#channel);
    const joined = new Set<ConversationId>();
    for (let round = 0; round < maxRounds; round++) {
      const list = await joinedConversations(this.#context, this.#actor);
      const wanted = new Set(list.ids);
      const added = [...wanted].filter((id) => !joined.has(id));
      const removed = [...joined].filter((id) => !wanted.has(id));
      if (round > 0 && added.length === 0 && removed.length === 0) {
        watch?.memberships.learn(this.#actor.user, list.change);
        return list;
      }
      // Side by side: a layer over a network takes what comes together as one.
      await Promise.all(
        added.map((id) => {
          this.#removedAt?.delete(id);
          watch?.heads.beforeJoining(id);
          joined.add(id);
          return layer.groupAdd(conversationGroup(id), this.#channel);
        }),
      );
      for (const id of removed) {
        await this.leave(id, 0);
        joined.delete(id);
      }
    }
    throw new SudaError("server.busy", "Your conversations change too fast; connect again.", { retryAfterMs: 1_000 });
  }

  /** Joins the group, and leaves it again when the user is no member (any more). */
  async join(id: ConversationId): Promise<boolean> {
    const { layer, store, watch } = this.#context;
    watch?.heads.beforeJoining(id);
    await layer.groupAdd(conversationGroup(id), this.#channel);
    const found = await store.conversations.getWithMember(id, this.#actor.user);
    if (found?.member !== undefined) {
      this.#removedAt?.delete(id);
      watch?.heads.learn(found.conversation);
      return true;
    }
    await this.leave(id, 0);
    return false;
  }

  /** Whether the connection is in the conversation's group. */
  isIn(id: ConversationId): boolean {
    return this.#channel.isIn(conversationGroup(id));
  }

  /** Leaves the group; events after `removedAt` that are in the inbox already are stale. */
  async leave(id: ConversationId, removedAt: number): Promise<void> {
    (this.#removedAt ??= new Map()).set(id, removedAt);
    await this.#context.layer.groupDiscard(conversationGroup(id), this.#channel);
  }

  /** Whether an event of the conversation comes too late for this user; `seq` absent for what is in no log. */
  isStale(id: ConversationId, seq: number = Number.POSITIVE_INFINITY): boolean {
    const removedAt = this.#removedAt?.get(id);
    return removedAt !== undefined && seq > removedAt;
  }
}
