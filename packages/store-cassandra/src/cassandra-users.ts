/** Profiles (S13): one row each, changed by compare-and-set alone. */
import type { UserId } from "@suda/protocol";
import { inParallel, patchFields, type UserPatch, type UserRecord, type UserStore } from "@suda/server/store";
import { CallOrder } from "./call-order.ts";
import { unknownOutcome, type Cluster } from "./cluster.ts";
import { decodeRecord, encodeRecord } from "./records.ts";

const parallelCalls = 32;

interface Found {
  readonly version: number;
  readonly record: UserRecord;
}

export function cassandraUsers(cluster: Cluster, enter: <T>(work: () => Promise<T>) => Promise<T>): UserStore {
  const order = new CallOrder();

  async function find(id: UserId, isSerial = false): Promise<Found | undefined> {
    const row = await cluster.row("SELECT version, record FROM users WHERE id = ?", [id], { isSerial });
    if (row === undefined) return undefined;
    return { version: Number(row["version"]), record: decodeRecord(`user ${id}`, row["record"] as Buffer) as UserRecord };
  }

  /** Repeating a change gives the same record, so what became of an unanswered one need not be known. */
  async function change(id: UserId, after: (before: UserRecord | undefined) => UserRecord | undefined): Promise<UserRecord | undefined> {
    const deadline = cluster.deadline;
    for (let tries = 0, isSerial = false; ; tries++) {
      const found = await find(id, isSerial);
      const record = after(found?.record);
      if (record === undefined) return found?.record;
      const bytes = encodeRecord(`user ${id}`, record);
      const done = await cluster.compareAndSet([
        found === undefined
          ? { cql: "INSERT INTO users (id, version, record) VALUES (?, ?, ?) IF NOT EXISTS", values: [id, 1, bytes] }
          : { cql: "UPDATE users SET version = ?, record = ? WHERE id = ? IF version = ?", values: [found.version + 1, bytes, id, found.version] },
      ]);
      if (done.outcome === "applied") return record;
      if (cluster.isOver(deadline)) throw unknownOutcome(done.outcome === "unknown" ? done.cause : undefined);
      isSerial = true;
      await cluster.pause(tries);
    }
  }

  return {
    getMany: (ids) =>
      enter(async () => {
        const unique = [...new Set(ids)];
        const found = new Map<UserId, UserRecord>();
        await inParallel(unique, parallelCalls, async (id) => {
          const user = await find(id);
          if (user !== undefined) found.set(id, user.record);
        });
        return ids.flatMap((id) => found.get(id) ?? []);
      }),

    ensure: (ids, at) =>
      enter(async () => {
        await inParallel([...new Set(ids)], parallelCalls, (id) =>
          order.run(id, () => change(id, (before) => (before === undefined ? { id, createdAt: at } : undefined))),
        );
      }),

    update: (id, patch: UserPatch, at) =>
      enter(() => order.run(id, async () => (await change(id, (before) => patchFields(before ?? { id, createdAt: at }, patch))) as UserRecord)),
  };
}
