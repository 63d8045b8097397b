/**
 * What {@link HeadWatch} does for logs, for what the layer loses of a user's own side (promise 13): that they joined or left a
 * conversation, or changed a setting on a device at another node. Each of these moves the user's change counter (S10); when it
 * has moved, the user's connections here compare the conversations that they are in with the store's.
 */
import type { UserId } from "@suda/protocol";
import type { ChannelLayer, ChannelLayerLink, LayerEvent } from "../channel-layer/channel-layer.ts";
import type { Membership, Store } from "../store/store.ts";
import { userGroup } from "./fan-out.ts";

/** To the connections of a user at this node: the conversations that they should be in. */
export interface MembershipCompared extends LayerEvent {
  readonly type: "membership.compared";
  readonly memberships: readonly Membership[];
  readonly change: number;
  /** Of what changed after this the word may have been lost, settings and read marks included; absent: only joining and leaving is in doubt. */
  readonly since?: number;
}

/** To the connections of a user at this node: that somebody blocked the user may have been missed, and whose presence they watch is to be judged anew. */
export interface PresenceDoubted extends LayerEvent {
  readonly type: "presence.doubted";
}

export interface MembershipWatchOptions {
  readonly store: Pick<Store, "conversations">;
  readonly layer: ChannelLayer;
  readonly link: ChannelLayerLink;
  readonly onFailure: (error: unknown) => void;
}

const usersBetweenPauses = 50;

interface Followed {
  /** At the last comparison. */
  change: number;
  /** At the last one before the link was lost. */
  told: number;
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
    if (!this.#followed.has(user)) this.#followed.set(user, { change, told: change });
  }

  /**
   * What has moved since the last comparison.
   * @param isRestored the link was lost before, so that settings are in doubt as well
   */
  async compare(isRestored: boolean, pause: (records: number) => Promise<void>): Promise<ReadonlyMap<UserId, MembershipCompared>> {
    const { layer, link, store } = this.#options;
    const moved = new Map<UserId, MembershipCompared>();
    for (const [index, [user, followed]] of [...this.#followed].entries()) {
      if (index % usersBetweenPauses === 0) await pause(usersBetweenPauses);
      if (!layer.isGroupHere(userGroup(user))) {
        this.#followed.delete(user);
        continue;
      }
      const { change, memberships } = await store.conversations.memberships(user);
      const since = isRestored && change > followed.told ? { since: followed.told } : {};
      if (change > followed.change || isRestored) moved.set(user, { type: "membership.compared", memberships, change, ...since });
      followed.change = change;
      if (link.isConnected) followed.told = change;
    }
    return moved;
  }

  /** The user's connections here look whether they have heard of all of it. */
  catchUp(user: UserId, compared: MembershipCompared): void {
    this.#tell(user, compared);
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
