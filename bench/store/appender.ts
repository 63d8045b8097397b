/** One process of the store bench: a store of its own, and senders with one message each under way, all to one conversation. */
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import { openCassandraStore, type CassandraConnection, type CassandraStore } from "@suda/store-cassandra";
import { answerParent, childArgument } from "@suda/testing";

export interface AppenderArgument {
  readonly connection: CassandraConnection;
  readonly name: string;
}

export type AppenderQuestion =
  | { readonly ask: "open" }
  | { readonly ask: "load"; readonly conversation: string; readonly senders: number; readonly seconds: number };

export interface AppenderAnswer {
  readonly stored: number;
  readonly elapsedMs: number;
  /** From the call to its answer, each. */
  readonly replyMs: readonly number[];
  readonly commits: number;
  readonly conflicts: number;
}

const { connection, name } = childArgument() as AppenderArgument;
/** A text of a usual length: 119 bytes. */
const text = "안녕하세요! ".repeat(7);
let opened: CassandraStore | undefined;
let lastKey = 0;

answerParent(async (given): Promise<AppenderAnswer> => {
  const question = given as AppenderQuestion;
  const store = (opened ??= await openCassandraStore(connection));
  if (question.ask === "open") return { stored: 0, elapsedMs: 0, replyMs: [], commits: 0, conflicts: 0 };
  const before = store.stats();
  const replyMs: number[] = [];
  const start = performance.now();
  const end = start + question.seconds * 1_000;
  const send = async (): Promise<void> => {
    while (performance.now() < end) {
      const at = performance.now();
      const draft = {
        from: name as UserId,
        clientId: `${name}-${++lastKey}` as ClientId,
        body: { type: "message.created", content: { type: "text", text } },
      } as const;
      const [outcome] = await store.log.append(question.conversation as ConversationId, [draft]);
      if (outcome?.outcome !== "stored") throw new Error(`An append of the bench was ${outcome?.outcome}.`);
      replyMs.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: question.senders }, send));
  const after = store.stats();
  return {
    stored: replyMs.length,
    elapsedMs: performance.now() - start,
    replyMs,
    commits: after.commits - before.commits,
    conflicts: after.conflicts - before.conflicts,
  };
});
