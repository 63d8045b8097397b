/**
 * Presence over several nodes, each of which knows its own connections only. Who begins to watch a user has the other nodes asked,
 * through the user's own connections, which are wherever the user is. Before a node says that a user is gone it asks likewise.
 * And since a node that dies says nothing, it is asked again and again for those who are shown as online because of it.
 *
 * Lossy like everything about presence (promise 10): while nodes do not hear each other, those elsewhere fade to offline.
 */
import type { Clock, Timer, UserId } from "@suda/protocol";
import type { Channel, ChannelLayer, LayerEvent } from "../../channel-layer/channel-layer.ts";
import { presenceEvent, presenceGroup, userGroup, type PresenceEvent } from "../fan-out.ts";

/** To the connections of a user: their node is to say that the user is there. */
export interface PresenceAsked extends LayerEvent {
  readonly type: "presence.asked";
}

export interface PresenceNodesOptions {
  readonly layer: ChannelLayer;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
  /** Whether the user is connected to this node, or was a moment ago. */
  readonly isHere: (user: UserId) => boolean;
}

/** Within this the other nodes have answered. */
const answerMs = 500;
const askAgainMs = 30_000;

export class PresenceNodes implements Disposable {
  readonly #options: PresenceNodesOptions;
  /** Users who are watched here and shown as online, with the time at which that was last heard. */
  readonly #shown = new Map<UserId, number>();
  /** Users who left this node, until it is known whether they are at another. */
  readonly #leaving = new Map<UserId, Timer>();
  /** Hears of the leaving ones. */
  #channel: Channel | undefined;
  #again: Timer | undefined;
  #judged: LayerEvent | undefined;
  #verdict = true;

  constructor(options: PresenceNodesOptions) {
    this.#options = options;
  }

  /** What a connection here is shown that begins to watch the user. Where the user is not seen here, other nodes are asked. */
  watch(user: UserId): boolean {
    const isOnline = this.#options.isHere(user) || this.#shown.has(user);
    if (this.#options.isHere(user)) this.#show(user);
    else this.#ask(user);
    return isOnline;
  }

  /** Another node asks for a user who is connected here. Their connections hear of it all at once, and it is answered once. */
  answer(asked: PresenceAsked, user: UserId): void {
    if (asked === this.#judged) return;
    this.#judged = asked;
    if (this.#options.isHere(user)) this.#send(presenceGroup(user), presenceEvent(user, true));
  }

  /** Whether it is news to those who watch here; the same for all of them. */
  isNews(heard: PresenceEvent): boolean {
    if (heard === this.#judged) return this.#verdict;
    this.#judged = heard;
    this.#verdict = this.#judge(heard);
    return this.#verdict;
  }

  /** The user has no connection here any more: that is told, unless there is one elsewhere. */
  left(user: UserId): void {
    const { layer, clock, onFailure } = this.#options;
    this.#channel ??= layer.open((event) => this.#onHeard(event as PresenceEvent));
    this.#leaving.set(
      user,
      clock.schedule(answerMs, () => {
        this.#stopWaiting(user);
        this.#send(presenceGroup(user), presenceEvent(user, false));
      }),
    );
    layer.groupAdd(presenceGroup(user), this.#channel).then(() => this.#ask(user), onFailure);
  }

  /** The user is here again. */
  came(user: UserId): void {
    this.#stopWaiting(user);
  }

  [Symbol.dispose](): void {
    this.#again?.cancel();
    for (const user of this.#leaving.keys()) this.#stopWaiting(user);
    this.#channel?.close().catch(this.#options.onFailure);
  }

  #judge({ event: { user, online } }: PresenceEvent): boolean {
    if (online) return this.#show(user);
    return !this.#options.isHere(user) && this.#shown.delete(user);
  }

  /** Whether they were not shown before. */
  #show(user: UserId): boolean {
    const isNew = !this.#shown.has(user);
    this.#shown.set(user, this.#options.clock.monotonicMs());
    this.#again ??= this.#options.clock.schedule(askAgainMs, () => this.#askAgain());
    return isNew;
  }

  #onHeard({ event }: PresenceEvent): void {
    if (event.online) this.#stopWaiting(event.user);
  }

  #stopWaiting(user: UserId): void {
    const waiting = this.#leaving.get(user);
    if (waiting === undefined) return;
    waiting.cancel();
    this.#leaving.delete(user);
    if (this.#channel !== undefined) this.#options.layer.groupDiscard(presenceGroup(user), this.#channel).catch(this.#options.onFailure);
  }

  /** Those who were not heard of since they were last asked for are gone. */
  #askAgain(): void {
    const { clock, layer, isHere } = this.#options;
    this.#again = undefined;
    const before = clock.monotonicMs() - askAgainMs;
    for (const [user, heardAt] of this.#shown) {
      if (!layer.isGroupHere(presenceGroup(user))) this.#shown.delete(user);
      else if (isHere(user)) continue;
      else if (heardAt < before) layer.groupSendHere(presenceGroup(user), presenceEvent(user, false)).catch(this.#options.onFailure);
      else this.#ask(user);
    }
    if (this.#shown.size > 0) this.#again = clock.schedule(askAgainMs, () => this.#askAgain());
  }

  #ask(user: UserId): void {
    const asked: PresenceAsked = { type: "presence.asked" };
    this.#send(userGroup(user), asked);
  }

  #send(group: string, event: PresenceAsked | PresenceEvent): void {
    this.#options.layer.groupSend(group, event).catch(this.#options.onFailure);
  }
}
