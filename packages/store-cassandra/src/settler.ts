/**
 * Puts journals in place: their rows into the other tables, their moves into users' lists. May be done twice, by two at once,
 * or late (see journal.ts).
 *
 * Far-reaching ones, which change lists or memberships, are noted as settled afterwards: who reads such a conversation and
 * finds no note puts the journal in place itself, so that what a writer left when it died does not wait for the next write.
 */
import type { ConversationId } from "@suda/protocol";
import type { Cluster, Statement } from "./cluster.ts";
import type { ConversationState } from "./conversation-state.ts";
import { inParallel } from "@suda/server/store";
import { isFarReaching, type Journal } from "./journal.ts";
import type { Memberships } from "./memberships.ts";
import { statementsOf, type PartitionWrite } from "./tables.ts";

const parallelWrites = 64;
const parallelMoves = 32;
/** Rows of one partition that are written together: well below Cassandra's longest mutation. */
const batchMaxRows = 200;
const batchMaxBytes = 1_048_576;
/** Conversations whose settled version is remembered. */
const rememberedMax = 20_000;

export class Settler {
  readonly #cluster: Cluster;
  readonly #memberships: Memberships;
  /** The oldest first. */
  readonly #settled = new Map<ConversationId, number>();
  /** Versions that a writer of this process is putting in place. */
  readonly #underWay = new Map<ConversationId, number>();

  constructor(cluster: Cluster, memberships: Memberships) {
    this.#cluster = cluster;
    this.#memberships = memberships;
  }

  /** Resolves when everything that the journal says is in place on a quorum. */
  async settle(id: ConversationId, { version, journal }: Pick<ConversationState, "version" | "journal">): Promise<void> {
    if (this.#settled.get(id) === version) return;
    this.#underWay.set(id, version);
    try {
      await this.#put(id, version, journal);
    } finally {
      if (this.#underWay.get(id) === version) this.#underWay.delete(id);
    }
    this.#remember(id, version);
  }

  /** For readers. Does nothing for journals that they can lay over what they read. */
  async settleFarReaching(id: ConversationId, state: ConversationState): Promise<void> {
    const { version, journal } = state;
    if (!isFarReaching(journal) || this.#settled.get(id) === version || this.#underWay.get(id) === version) return;
    const row = await this.#cluster.row("SELECT version FROM settled WHERE conversation = ?", [id]);
    if (Number(row?.["version"] ?? 0) >= version) this.#remember(id, version);
    else await this.settle(id, state);
  }

  async #put(id: ConversationId, version: number, journal: Journal): Promise<void> {
    await writePartitions(this.#cluster, statementsOf(id, version, journal));
    await inParallel(journal.moves, parallelMoves, ({ user, state, count }) => this.#memberships.move(user, { conversation: id, version, state, count }));
    if (isFarReaching(journal))
      await this.#cluster.write([{ cql: "UPDATE settled USING TIMESTAMP ? SET version = ? WHERE conversation = ?", values: [version, version, id] }]);
  }

  #remember(id: ConversationId, version: number): void {
    if ((this.#settled.get(id) ?? 0) > version) return;
    this.#settled.delete(id);
    this.#settled.set(id, version);
    if (this.#settled.size <= rememberedMax) return;
    for (const [oldest] of this.#settled) {
      this.#settled.delete(oldest);
      break;
    }
  }
}

/** Statements of one conversation, those of one partition together. */
export async function writePartitions(cluster: Cluster, writes: readonly PartitionWrite[]): Promise<void> {
  const partitions = new Map<string, Statement[]>();
  for (const { partition, statement } of writes) {
    const statements = partitions.get(partition) ?? [];
    statements.push(statement);
    partitions.set(partition, statements);
  }
  const batches = [...partitions.values()].flatMap(inBatches);
  // Safe side by side: each row is written once, and nobody leans on their order.
  await inParallel(batches, parallelWrites, (statements) => cluster.write(statements));
}

function inBatches(statements: readonly Statement[]): Statement[][] {
  const batches: Statement[][] = [];
  let bytes = Infinity;
  for (const statement of statements) {
    const size = statement.values.reduce((sum: number, value) => sum + (Buffer.isBuffer(value) ? value.length : 32), 0);
    const batch = batches.at(-1);
    if (batch !== undefined && batch.length < batchMaxRows && bytes + size <= batchMaxBytes) {
      batch.push(statement);
      bytes += size;
    } else {
      batches.push([statement]);
      bytes = size;
    }
  }
  return batches;
}
