/** Whose presence one connection watches: of users it shares a conversation with and who do not block its user (D10). */
import { limits, SudaError, type ReplyOf, type UserId } from "@suda/protocol";
import type { Channel, ChannelLayer } from "../channel-layer/channel-layer.ts";
import type { Actor, ChatContext } from "../chat/context.ts";
import { isBlockedBy, presenceGroup, viewPresence, watchable, type Presence } from "../chat/presence.ts";

export interface PresenceWatchOptions {
  readonly context: ChatContext;
  readonly layer: ChannelLayer;
  readonly presence: Presence;
  readonly actor: Actor;
  readonly channel: Channel;
}

export class PresenceWatch {
  readonly #options: PresenceWatchOptions;
  readonly #watched = new Set<UserId>();

  constructor(options: PresenceWatchOptions) {
    this.#options = options;
  }

  /** @throws SudaError frame.invalid beyond the bound */
  async watch(users: readonly UserId[]): Promise<ReplyOf<"presence.watch">> {
    const { context, layer, presence, actor, channel } = this.#options;
    const wanted = await watchable(context, actor, users);
    const added = wanted.filter((user) => !this.#watched.has(user));
    if (this.#watched.size + added.length > limits.watchedMax) {
      throw new SudaError("frame.invalid", `/users: a connection watches at most ${limits.watchedMax} users; unwatch others first.`, { path: "/users" });
    }
    for (const user of added) {
      this.#watched.add(user);
      await layer.groupAdd(presenceGroup(user), channel);
      // After joining, so that a block in the same moment is either seen here or told by the layer.
      if (await isBlockedBy(context, actor, user)) await this.unwatch([user]);
    }
    return viewPresence(
      presence,
      wanted.filter((user) => this.#watched.has(user)),
    );
  }

  async unwatch(users: readonly UserId[]): Promise<void> {
    const { layer, channel } = this.#options;
    for (const user of users) if (this.#watched.delete(user)) await layer.groupDiscard(presenceGroup(user), channel);
  }

  /** What was in the inbox before a block or an unwatching is stale. */
  isWatching(user: UserId): boolean {
    return this.#watched.has(user);
  }
}
