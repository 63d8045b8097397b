/**
 * Who of those that somebody here looks at has a connection. Ephemeral (promise 10): nobody is known while there
 * is no connection of one's own, and a new one asks again.
 */
import { clientLimits, type Clock, type PresenceChanged, type UserId } from "@suda/protocol";
import type { Request } from "./connection/connection.ts";
import { isGone, RequestRefused, retryDelayOf } from "./errors.ts";
import { toUserId } from "./ids.ts";
import { SnapshotStore, type Observable } from "./snapshot-store.ts";

/** Its snapshot says of each watched user whether they are online; who is not in it is not known. */
export interface Presence extends Observable<ReadonlyMap<UserId, boolean>> {
  /**
   * Watches users until the function that it returns is called. Watching somebody twice is fine. The server tells of
   * users with whom one shares a conversation, and of 200 at a time: more wait until others are let go. @throws TypeError
   */
  watch(users: readonly string[]): () => void;
}

export interface PresenceOptions {
  readonly clock: Clock;
  readonly request: Request;
  readonly isOpen: () => boolean;
  readonly onProblem: (problem: unknown) => void;
}

export class PresenceStore implements Presence {
  readonly subscribe: Presence["subscribe"];
  readonly getSnapshot: Presence["getSnapshot"];
  readonly #options: PresenceOptions;
  readonly #store: SnapshotStore<ReadonlyMap<UserId, boolean>>;
  /** How many watch each. */
  readonly #wanted = new Map<UserId, number>();
  /** Whom this connection has asked for. */
  readonly #asked = new Set<UserId>();
  readonly #online = new Map<UserId, boolean>();
  #isPlanned = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#store = new SnapshotStore(() => new Map(this.#online), options.onProblem);
    this.subscribe = this.#store.subscribe;
    this.getSnapshot = this.#store.getSnapshot;
  }

  watch(users: readonly string[]): () => void {
    const watched = new Set(users.map(toUserId));
    for (const user of watched) this.#wanted.set(user, (this.#wanted.get(user) ?? 0) + 1);
    this.#plan();
    return () => {
      for (const user of watched) {
        const count = this.#wanted.get(user) ?? 0;
        if (count > 1) this.#wanted.set(user, count - 1);
        else this.#wanted.delete(user);
      }
      watched.clear();
      this.#plan();
    };
  }

  onOpen(): void {
    this.#plan();
  }

  onLost(): void {
    this.#asked.clear();
    this.#online.clear();
    this.#store.changed();
  }

  changed({ user, online }: PresenceChanged): void {
    if (this.#asked.has(user)) this.#set(user, online);
  }

  /** At the end of the turn, so that a list whose rows each watch somebody asks once. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      if (this.#options.isOpen()) this.#ask();
    });
  }

  #ask(): void {
    const { request, onProblem } = this.#options;
    const gone = [...this.#asked].filter((user) => !this.#wanted.has(user));
    for (const user of gone) {
      this.#asked.delete(user);
      if (this.#online.delete(user)) this.#store.changed();
    }
    // Lost with the connection, the next one does not watch them.
    if (gone.length > 0) request("presence.unwatch", { users: gone }).catch(() => {});
    const added = [...this.#wanted.keys()].filter((user) => !this.#asked.has(user)).slice(0, clientLimits.watchedMax - this.#asked.size);
    if (added.length === 0) return;
    for (const user of added) this.#asked.add(user);
    this.#watch(added).catch(onProblem);
  }

  async #watch(users: UserId[]): Promise<void> {
    try {
      const { presence } = await this.#options.request("presence.watch", { users });
      // An event is never older than this answer, which may be handled after it.
      for (const { user, online } of presence) if (this.#asked.has(user) && !this.#online.has(user)) this.#set(user, online);
    } catch (error) {
      // The next connection asks.
      if (isGone(error)) return;
      if (!(error instanceof RequestRefused)) throw error;
      const delayMs = retryDelayOf(error);
      if (delayMs === undefined) return;
      for (const user of users) this.#asked.delete(user);
      this.#options.clock.schedule(delayMs, () => this.#plan());
    }
  }

  #set(user: UserId, online: boolean): void {
    if (this.#online.get(user) === online) return;
    this.#online.set(user, online);
    this.#store.changed();
  }
}
