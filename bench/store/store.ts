/**
 * Appends of two processes to one conversation in Cassandra at once, at 1, 8 and 64 senders in each: stored messages per second,
 * time to the answer, and how often one process came after the other. Afterwards the log is read and must be dense.
 */
import type { ConversationId, UserId } from "@suda/protocol";
import { initCassandraStore, openCassandraStore, type CassandraConnection, type CassandraStore } from "@suda/store-cassandra";
import { CassandraServer, ChildProgram, quantile } from "@suda/testing";
import { machine, median, round, saveResult } from "../results.ts";
import type { AppenderAnswer, AppenderArgument, AppenderQuestion } from "./appender.ts";

export interface StoreBenchOptions {
  readonly senders: readonly number[];
  readonly seconds: number;
  readonly runs: number;
  /** Of Cassandra, all on this machine. */
  readonly nodes: number;
  readonly isSaved: boolean;
}

interface Measurement {
  readonly appendsPerSecond: number;
  readonly replyP50Ms: number;
  readonly replyP99Ms: number;
  readonly appendsPerCommit: number;
  readonly conflictsPerCommit: number;
}

const warmUpSeconds = 2;
const processes = ["one", "other"] as const;

export async function runStoreBench(options: StoreBenchOptions): Promise<void> {
  const { nodes, runs, senders, seconds } = options;
  await using server = await CassandraServer.open({ nodes });
  const connection: CassandraConnection = { contactPoints: server.contactPoints, localDataCenter: server.dataCenter, keyspace: "bench" };
  await initCassandraStore({ ...connection, replication: { [server.dataCenter]: Math.min(nodes, 3) }, waitMs: 60_000 });
  await using store = await openCassandraStore(connection);
  await using one = new ChildProgram<AppenderQuestion, AppenderAnswer>(new URL("appender.ts", import.meta.url), {
    connection,
    name: "one",
  } satisfies AppenderArgument);
  await using other = new ChildProgram<AppenderQuestion, AppenderAnswer>(new URL("appender.ts", import.meta.url), {
    connection,
    name: "other",
  } satisfies AppenderArgument);
  const children = [one, other];
  await Promise.all(children.map((child) => child.ask({ ask: "open" })));
  console.log(`appends of two processes to one conversation, ${nodes} nodes of Cassandra, ${seconds} s each, ${runs} runs`);
  const measured = new Map<number, Measurement[]>(senders.map((count) => [count, []]));
  for (let run = 1; run <= runs; run++)
    for (const count of senders) {
      const result = await measure({ store, children, count, seconds, name: `r${run}-${count}` });
      measured.get(count)?.push(result);
      console.log(`run ${run} ${count} senders in each: ${JSON.stringify(result)}`);
    }
  const of = (count: number, value: (measurement: Measurement) => number, digits: number): number =>
    round(median((measured.get(count) ?? []).map(value)), digits);
  const result = senders.map((count) => ({
    sendersInEach: count,
    appendsPerSecond: of(count, (one) => one.appendsPerSecond, 0),
    replyP50Ms: of(count, (one) => one.replyP50Ms, 1),
    replyP99Ms: of(count, (one) => one.replyP99Ms, 1),
    appendsPerCommit: of(count, (one) => one.appendsPerCommit, 1),
    conflictsPerCommit: of(count, (one) => one.conflictsPerCommit, 2),
  }));
  console.table(result);
  console.log(JSON.stringify(machine()));
  if (options.isSaved)
    console.log(
      `→ ${saveResult(nodes === 1 ? "store" : `store-${nodes}-nodes`, { bench: "store", load: { nodes, seconds, runs, textBytes: 119, processes: processes.length }, result })}`,
    );
}

interface Load {
  readonly store: CassandraStore;
  readonly children: readonly ChildProgram<AppenderQuestion, AppenderAnswer>[];
  readonly count: number;
  readonly seconds: number;
  readonly name: string;
}

async function measure({ store, children, count, seconds, name }: Load): Promise<Measurement> {
  const conversation = name as ConversationId;
  const members = processes.map((user) => ({ user: user as string as UserId, role: "member" }) as const);
  await store.conversations.create({ id: conversation, kind: "group", epoch: "e", createdAt: Date.now(), members });
  const load = (duration: number): Promise<AppenderAnswer[]> =>
    Promise.all(children.map((child) => child.ask({ ask: "load", conversation, senders: count, seconds: duration })));
  const warm = await load(warmUpSeconds);
  const answers = await load(seconds);
  const sum = (value: (answer: AppenderAnswer) => number, all = answers): number => all.reduce((total, answer) => total + value(answer), 0);
  await checkDense(store, conversation, sum((answer) => answer.stored) + sum((answer) => answer.stored, warm));
  const replies = answers.flatMap((answer) => answer.replyMs);
  return {
    appendsPerSecond: (sum((answer) => answer.stored) / Math.max(...answers.map((answer) => answer.elapsedMs))) * 1_000,
    replyP50Ms: quantile(replies, 0.5),
    replyP99Ms: quantile(replies, 0.99),
    appendsPerCommit: sum((answer) => answer.stored) / sum((answer) => answer.commits),
    conflictsPerCommit: sum((answer) => answer.conflicts) / sum((answer) => answer.commits),
  };
}

/** A figure of a log that is not what was acknowledged is none. */
async function checkDense(store: CassandraStore, conversation: ConversationId, expected: number): Promise<void> {
  const keys = new Set<string>();
  let seq = 0;
  for (;;) {
    const page = await store.log.readAfter(conversation, seq, 1_000);
    if (page.length === 0) break;
    for (const entry of page) {
      if (entry.seq !== ++seq) throw new Error(`The log has a hole before seq ${entry.seq}.`);
      keys.add(String(entry.clientId));
    }
  }
  if (seq !== expected || keys.size !== expected) throw new Error(`${expected} messages were acknowledged; the log has ${seq}, with ${keys.size} keys.`);
}
