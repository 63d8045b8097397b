/**
 * Who is connected: ephemeral (promise 10), told to those who watch and share a conversation with the user,
 * and kept in memory only. A user is online while one connection of theirs is; a device that comes back within
 * {@link offlineDelayMs} was never gone, so that a tunnel does not make every list blink.
 */
import type { Clock, ReplyOf, Timer, UserId } from "@suda/protocol";
import type { LayerEvent } from "../channel-layer/channel-layer.ts";
import type { Actor, ChatContext } from "./context.ts";
import { joinedConversations } from "./list-conversations.ts";
import { directConversationId } from "./open-direct.ts";

/** To the group of those who watch the user. */
export interface PresenceEvent extends LayerEvent {
  readonly type: "presence.event";
  readonly event: { readonly type: "presence.changed"; readonly user: UserId; readonly online: boolean };
}

const offlineDelayMs = 5_000;

/** All connections that watch the user. */
export function presenceGroup(user: UserId): string {
  return `presence:${user}`;
}

export interface PresenceOptions {
  readonly clock: Clock;
  /** A user came or went; sent on to those who watch. */
  readonly onChange: (event: PresenceEvent, group: string) => void;
}

/** The users that are connected here, by number of connections. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #online = new Map<UserId, { connections: number; leaving: Timer | undefined }>();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  isOnline(user: UserId): boolean {
    return this.#online.has(user);
  }

  connected(user: UserId): void {
    const known = this.#online.get(user);
    if (known === undefined) {
      this.#online.set(user, { connections: 1, leaving: undefined });
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
      this.#tell(user, false);
    });
  }

  #tell(user: UserId, online: boolean): void {
    this.#options.onChange({ type: "presence.event", event: { type: "presence.changed", user, online } }, presenceGroup(user));
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
  return { presence: users.map((user) => ({ user, online: presence.isOnline(user) })) };
}
