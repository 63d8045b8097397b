/**
 * Users' lists of conversations, with their change counters (S10): one partition per user, changed by compare-and-set on the
 * counter alone. Beside each conversation stands the version of the conversation that moved it last, the stamp: so that a move
 * counts once, however often a journal is put in place.
 */
import type { ConversationId, UserId } from "@suda/protocol";
import type { Membership } from "@suda/server/store";
import { unknownOutcome, type Cluster, type Row } from "./cluster.ts";

/** Moves of one user that are written together. */
const batchMax = 50;

export interface StampedMove {
  readonly conversation: ConversationId;
  readonly version: number;
  readonly state: "joined" | "left";
  readonly count: number;
}

interface WaitingMove extends StampedMove {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Memberships {
  readonly #cluster: Cluster;
  /** Users with moves under way: one compare-and-set at a time for each, and those that come meanwhile share the next. */
  readonly #waiting = new Map<UserId, WaitingMove[]>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async of(user: UserId): Promise<{ readonly change: number; readonly memberships: readonly Membership[] }> {
    const rows = await this.#cluster.rows("SELECT conversation, change, state, moved FROM memberships WHERE user = ?", [user]);
    const memberships = rows.flatMap((row) => (row["conversation"] === null ? [] : membershipOf(row)));
    return { change: Number(rows[0]?.["change"] ?? 0), memberships };
  }

  async in(user: UserId, id: ConversationId): Promise<{ readonly change: number; readonly membership: Membership | undefined }> {
    const row = await this.#cluster.row("SELECT conversation, change, state, moved FROM memberships WHERE user = ? AND conversation = ?", [user, id]);
    // Without the row there is nothing beside which the counter could stand.
    if (row === undefined) return { change: await this.changeOf(user), membership: undefined };
    return { change: Number(row["change"]), membership: membershipOf(row) };
  }

  async changeOf(user: UserId): Promise<number> {
    return (await this.counter(user)) ?? 0;
  }

  /** As a compare-and-set names it: `null` of a user who never was in any conversation. */
  async counter(user: UserId, options?: { readonly isSerial: boolean }): Promise<number | null> {
    const row = await this.#cluster.row("SELECT change FROM memberships WHERE user = ? LIMIT 1", [user], options);
    return row === undefined || row["change"] === null ? null : Number(row["change"]);
  }

  /** Resolves when the move is in the user's list, also when it was before. */
  async move(user: UserId, move: StampedMove): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(user);
      const entry = { ...move, resolve, reject };
      if (waiting !== undefined) {
        waiting.push(entry);
        return;
      }
      this.#waiting.set(user, [entry]);
      void this.#run(user);
    });
  }

  /** Never rejects: each move is told for itself. */
  async #run(user: UserId): Promise<void> {
    const waiting = this.#waiting.get(user) ?? [];
    while (waiting.length > 0) {
      // Of one conversation one at a time, in the order of its versions.
      const moves: WaitingMove[] = [];
      const rest: WaitingMove[] = [];
      for (const move of waiting.splice(0))
        if (moves.length < batchMax && !moves.some(({ conversation }) => conversation === move.conversation)) moves.push(move);
        else rest.push(move);
      waiting.push(...rest);
      try {
        await this.#put(user, moves);
        for (const move of moves) move.resolve();
      } catch (error) {
        for (const move of moves) move.reject(error);
      }
    }
    this.#waiting.delete(user);
  }

  async #put(user: UserId, moves: readonly StampedMove[]): Promise<void> {
    const cluster = this.#cluster;
    const deadline = cluster.deadline;
    for (let tries = 0, isSerial = false; ; tries++) {
      const [change, stamps] = await this.#read(user, moves, isSerial);
      const missing = moves.filter(({ conversation, version }) => (stamps.get(conversation) ?? 0) < version);
      if (missing.length === 0) return;
      let next = change ?? 0;
      const statements = missing.map(({ conversation, version, state, count }, index) => {
        next += count;
        const values = [state, next, version, user, conversation] as const;
        return index === 0
          ? { cql: casMove, values: [...values, change] }
          : { cql: "UPDATE memberships SET state = ?, moved = ?, stamp = ? WHERE user = ? AND conversation = ?", values };
      });
      statements.push({ cql: "UPDATE memberships SET change = ? WHERE user = ?", values: [next, user] });
      const done = await cluster.compareAndSet(statements);
      if (done.outcome === "applied") return;
      if (cluster.isOver(deadline)) throw unknownOutcome(done.outcome === "unknown" ? done.cause : undefined);
      // Told nothing: reading with serial consistency finds out, and the stamps say whether it was written.
      isSerial = true;
      await cluster.pause(tries);
    }
  }

  async #read(user: UserId, moves: readonly StampedMove[], isSerial: boolean): Promise<readonly [number | null, ReadonlyMap<string, number>]> {
    // The counter first: a stamp that was written between the two came with another counter, and the compare-and-set refuses.
    const change = await this.counter(user, { isSerial });
    const ids = moves.map(({ conversation }) => conversation);
    const rows =
      change === null
        ? []
        : await this.#cluster.rows("SELECT conversation, stamp FROM memberships WHERE user = ? AND conversation IN ?", [user, ids], { isSerial });
    const stamps = rows.flatMap((row: Row) => (row["stamp"] === null ? [] : [[row["conversation"] as string, Number(row["stamp"])] as const]));
    return [change, new Map(stamps)];
  }
}

const casMove = "UPDATE memberships SET state = ?, moved = ?, stamp = ? WHERE user = ? AND conversation = ? IF change = ?";

function membershipOf(row: Row): Membership {
  return { conversation: row["conversation"] as ConversationId, state: row["state"] as "joined" | "left", change: Number(row["moved"]) };
}
