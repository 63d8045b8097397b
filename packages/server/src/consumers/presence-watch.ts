/** Whose presence one connection watches: of users it shares a conversation with and who do not block its user (D10). */
import { limits, SudaError, type ReplyOf, type UserId } from "@suda/protocol";
import type { Channel, ChannelLayer } from "../channel-layer/channel-layer.ts";
import type { Actor, ChatContext } from "../chat/context.ts";
import { presenceGroup, type PresenceEvent } from "../chat/fan-out.ts";
import { isBlockedBy, viewPresence, watchable, type Presence } from "../chat/presence.ts";
import type { PresenceAsked } from "../chat/nodes/presence-nodes.ts";

export interface PresenceWatchOptions {
  readonly context: ChatContext;
  readonly layer: ChannelLayer;
  readonly presence: Presence;
  readonly actor: Actor;
  readonly channel: Channel;
}

export class PresenceWatch {
  readonly #options: PresenceWatchOptions;
  /** Absent while nobody is: most connections watch none. */
  #watched: Set<UserId> | undefined;

  constructor(options: PresenceWatchOptions) {
    this.#options = options;
  }

  /** @throws SudaError frame.invalid beyond the bound */
  async watch(users: readonly UserId[]): Promise<ReplyOf<"presence.watch">> {
    const { context, layer, presence, actor, channel } = this.#options;
    const wanted = await watchable(context, actor, users);
    const watched = (this.#watched ??= new Set());
    const added = wanted.filter((user) => !watched.has(user));
    if (watched.size + added.length > limits.watchedMax) {
      throw new SudaError("frame.invalid", `/users: a connection watches at most ${limits.watchedMax} users; unwatch others first.`, { path: "/users" });
    }
    for (const user of added) {
      watched.add(user);
      await layer.groupAdd(presenceGroup(user), channel);
      // After joining, so that a block in the same moment is either seen here or told by the layer.
      if (await isBlockedBy(context, actor, user)) await this.unwatch([user]);
    }
    return viewPresence(
      presence,
      wanted.filter((user) => watched.has(user)),
    );
  }

  async unwatch(users: readonly UserId[]): Promise<void> {
    const { layer, channel } = this.#options;
    for (const user of users) if (this.#watched?.delete(user) === true) await layer.groupDiscard(presenceGroup(user), channel);
  }

  /** What was told by other nodes may have been missed: a block, and that somebody came. */
  async judgeAnew(): Promise<void> {
    const { context, actor, presence } = this.#options;
    for (const user of this.#watched ?? []) {
      if (await isBlockedBy(context, actor, user)) await this.unwatch([user]);
      else presence.watch(user);
    }
  }

  /** Another node asks for the user of this connection. */
  answer(asked: PresenceAsked): void {
    this.#options.presence.nodes?.answer(asked, this.#options.actor.user);
  }

  /** What was in the inbox before a block or an unwatching is stale; what is known here already is no news. */
  isTold(heard: PresenceEvent): boolean {
    // Judged also for who does not watch: it is one verdict for all connections.
    const isNews = this.#options.presence.nodes?.isNews(heard) !== false;
    return isNews && this.#watched?.has(heard.event.user) === true;
  }
}
