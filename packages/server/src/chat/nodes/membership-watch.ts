/**
 * What {@link HeadWatch} does for logs, for what the layer loses of a user's own side (promise 13): that they joined or left a
 * conversation, read, or changed a setting on a device at another node. Each of these moves the user's change counter by one and
 * stamps the membership with it (S10), so the watch knows by number which were told here. Of the others the user's connections
 * here look for themselves.
 */
import type { ConversationId, UserId } from "@suda/protocol";
import type { ChannelLayer, LayerEvent } from "../../channel-layer/channel-layer.ts";
import { inParallel } from "../../store/in-parallel.ts";
import type { Membership, Store } from "../../store/store.ts";
import { userGroup } from "../fan-out.ts";

/** To the connections of a user at this node: their memberships, of which not all was told that changed after `since`. */
export interface MembershipCompared extends LayerEvent {
  readonly type: "membership.compared";
  readonly memberships: readonly Membership[];
  readonly since: number;
}

/** To the connections of a user at this node: that somebody blocked the user may have been missed, and whose presence they watch is to be judged anew. */
export interface PresenceDoubted extends LayerEvent {
  readonly type: "presence.doubted";
}

export interface MembershipWatchOptions {
  readonly store: Pick<Store, "conversations">;
  readonly layer: ChannelLayer;
  readonly onFailure: (error: unknown) => void;
}

const usersBetweenPauses = 50;
/** A store over a network answers many as quickly as one. */
const parallelReads = 16;
const maxAhead = 100;

interface Followed {
  /** Everything up to this was told here. */
  change: number;
  /** What was told beyond it. */
  ahead: Set<number> | undefined;
}

/** What the store said of a user. */
export interface Memberships {
  readonly change: number;
  readonly memberships: readonly Membership[];
}

export class MembershipWatch {
  readonly #options: MembershipWatchOptions;
  readonly #followed = new Map<UserId, Followed>();

  constructor(options: MembershipWatchOptions) {
    this.#options = options;
  }

  /** To be called before a channel joins the user's group: what was known while none was here is old. */
  beforeJoining(user: UserId): void {
    if (!this.#options.layer.isGroupHere(userGroup(user))) this.#followed.delete(user);
  }

  /** What a connection of the user read when it was greeted. */
  learn(user: UserId, change: number): void {
    if (!this.#followed.has(user)) this.#followed.set(user, { change, ahead: undefined });
  }

  /** The user's connections here were told of this change; any number of times. */
  heard(user: UserId, change: number): void {
    const followed = this.#followed.get(user);
    if (followed === undefined || change <= followed.change) return;
    followed.ahead ??= new Set();
    // What is beyond will be compared.
    if (followed.ahead.size < maxAhead) followed.ahead.add(change);
    while (followed.ahead.delete(followed.change + 1)) followed.change++;
    if (followed.ahead.size === 0) followed.ahead = undefined;
  }

  /** Nothing up to this change was missed here; `undefined` when nobody of the user's was greeted here. */
  toldUpTo(user: UserId): number | undefined {
    return this.#followed.get(user)?.change;
  }

  /** Where the user's counter was when their membership last changed. */
  async stampOf(user: UserId, id: ConversationId): Promise<number | undefined> {
    const { membership } = await this.#options.store.conversations.membership(user, id);
    return membership?.change;
  }

  /** The users of whom something was not told, with what the store says. */
  async compare(pause: (records: number) => Promise<void>): Promise<ReadonlyMap<UserId, Memberships>> {
    const { layer, store } = this.#options;
    const behind = new Map<UserId, Memberships>();
    const followed = [...this.#followed];
    for (let start = 0; start < followed.length; start += usersBetweenPauses) {
      await pause(usersBetweenPauses);
      await inParallel(followed.slice(start, start + usersBetweenPauses), parallelReads, async ([user, known]) => {
        if (layer.isGroupHere(userGroup(user))) {
          if ((await store.conversations.change(user)) > known.change) behind.set(user, await store.conversations.memberships(user));
        } else this.#followed.delete(user);
      });
    }
    return behind;
  }

  /** Lets the user's connections here look for themselves, unless they were told meanwhile. */
  catchUp(user: UserId, { change, memberships }: Memberships): void {
    const followed = this.#followed.get(user);
    if (followed === undefined || followed.change >= change) return;
    const since = followed.change;
    followed.change = change;
    followed.ahead = undefined;
    this.#tell(user, { type: "membership.compared", memberships, since });
  }

  doubtPresence(): void {
    for (const user of this.#followed.keys()) this.#tell(user, { type: "presence.doubted" });
  }

  close(): void {
    this.#followed.clear();
  }

  #tell(user: UserId, event: MembershipCompared | PresenceDoubted): void {
    this.#options.layer.groupSendHere(userGroup(user), event).catch(this.#options.onFailure);
  }
}
