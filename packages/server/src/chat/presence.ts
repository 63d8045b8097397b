/**
 * Who is connected: ephemeral (promise 10), told to those who watch and share a conversation with the user,
 * and kept in memory only. A user is online while one connection of theirs is; a device that comes back within
 * {@link offlineDelayMs} was never gone, so that a tunnel does not make every list blink.
 */
import type { Clock, ReplyOf, Timer, UserId } from "@suda/protocol";
import type { ChannelLayer } from "../channel-layer/channel-layer.ts";
import type { Actor, ChatContext } from "./context.ts";
import { presenceEvent, presenceGroup } from "./fan-out.ts";
import { joinedConversations } from "./list-conversations.ts";
import { directConversationId } from "./open-direct.ts";
import { PresenceNodes } from "./nodes/presence-nodes.ts";

const offlineDelayMs = 5_000;

export interface PresenceOptions {
  readonly clock: Clock;
  readonly layer: ChannelLayer;
  readonly onFailure: (error: unknown) => void;
}

/** The users that are connected here, by number of connections; and where the layer has several nodes, what the others say. */
export class Presence implements Disposable {
  readonly #options: PresenceOptions;
  readonly #online = new Map<UserId, { connections: number; leaving: Timer | undefined }>();
  /** Absent where there is one process. */
  readonly nodes: PresenceNodes | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.nodes = options.layer.link === undefined ? undefined : new PresenceNodes({ ...options, isHere: (user) => this.#online.has(user) });
  }

  /** What a connection is shown that begins to watch the user. */
  watch(user: UserId): boolean {
    return this.nodes === undefined ? this.#online.has(user) : this.nodes.watch(user);
  }

  connected(user: UserId): void {
    const known = this.#online.get(user);
    if (known === undefined) {
      this.#online.set(user, { connections: 1, leaving: undefined });
      this.nodes?.came(user);
      this.#tell(user, true);
      return;
    }
    known.connections++;
    known.leaving?.cancel();
    known.leaving = undefined;
  }

  disconnected(user: UserId): void {
    const known = this.#online.get(user);
    if (known === undefined || --known.connections > 0) return;
    known.leaving = this.#options.clock.schedule(offlineDelayMs, () => {
      this.#online.delete(user);
      if (this.nodes === undefined) this.#tell(user, false);
      else this.nodes.left(user);
    });
  }

  [Symbol.dispose](): void {
    for (const { leaving } of this.#online.values()) leaving?.cancel();
    this.nodes?.[Symbol.dispose]();
  }

  #tell(user: UserId, online: boolean): void {
    const { layer, onFailure } = this.#options;
    layer.groupSend(presenceGroup(user), presenceEvent(user, online)).catch(onFailure);
  }
}

/** Those of `users` with whom the actor shares a conversation; oneself is among them. */
export async function watchable(context: ChatContext, actor: Actor, users: readonly UserId[]): Promise<readonly UserId[]> {
  const mine = new Set((await joinedConversations(context, actor)).ids);
  const shared: UserId[] = [];
  for (const user of new Set(users)) {
    const theirs = user === actor.user ? undefined : await joinedConversations(context, { user, isBackend: false, isBot: false });
    if (theirs === undefined || theirs.ids.some((id) => mine.has(id))) shared.push(user);
  }
  return shared;
}

/** Whether the user accepts nothing from the actor: a setting of their direct conversation. */
export async function isBlockedBy({ store }: ChatContext, actor: Actor, user: UserId): Promise<boolean> {
  if (user === actor.user) return false;
  return (await store.conversations.member(directConversationId(actor.user, user), user))?.isBlocking === true;
}

export function viewPresence(presence: Presence, users: readonly UserId[]): ReplyOf<"presence.watch"> {
  return { presence: users.map((user) => ({ user, online: presence.watch(user) })) };
}
