/** Many conversations after a long absence: all of them, each event once and in order, and never more in memory than said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Conversation, ConversationId, LogEvent } from "@suda/protocol";
import { ManualClock, textOf } from "@suda/testing";
import { until } from "../test/kit.ts";
import { ListScan } from "./list-scan.ts";
import type { Ask } from "./session.ts";
import { Workload } from "./workload.ts";

/** As much of a server as the work asks: logs, marks, and a list by last activity. */
class Logs {
  readonly heads = new Map<ConversationId, { head: number; read: number; lastAt: number }>();
  readonly asked = new Map<string, number>();
  largestPage = 0;
  now = 1;

  say(id: string): LogEvent {
    const log = this.heads.get(id as ConversationId) ?? { head: 0, read: 0, lastAt: 0 };
    log.head++;
    log.lastAt = this.now++;
    this.heads.set(id as ConversationId, log);
    return eventOf(id as ConversationId, log.head);
  }

  record(id: ConversationId): Conversation {
    const { head, read, lastAt } = this.heads.get(id) ?? { head: 0, read: 0, lastAt: 0 };
    return { id, kind: "direct", epoch: "e", createdAt: 0, memberCount: 2, head, read, lastAt };
  }

  readonly ask: Ask = (async (type: string, fields: { conversation: ConversationId; after: number; seq: number; limit: number; cursor?: string }) => {
    this.asked.set(type, (this.asked.get(type) ?? 0) + 1);
    await new Promise((resolve) => setImmediate(resolve));
    const log = this.heads.get(fields.conversation);
    switch (type) {
      case "conversation.list": {
        const sorted = [...this.heads].sort(([, a], [, b]) => b.lastAt - a.lastAt).map(([id]) => id);
        const from = Number(fields.cursor ?? 0);
        const page = sorted.slice(from, from + fields.limit);
        const more = from + fields.limit < sorted.length;
        return { conversations: page.map((id) => this.record(id)), more, ...(more ? { next: String(from + fields.limit) } : {}) };
      }
      case "conversation.get":
        return { conversation: this.record(fields.conversation) };
      case "history.get": {
        const end = Math.min(log?.head ?? 0, fields.after + fields.limit);
        const events = Array.from({ length: Math.max(end - fields.after, 0) }, (_, index) => eventOf(fields.conversation, fields.after + 1 + index));
        this.largestPage = Math.max(this.largestPage, events.length);
        return { events, head: log?.head ?? 0, more: end < (log?.head ?? 0) };
      }
      case "receipt.read":
        if (log !== undefined) log.read = Math.max(log.read, fields.seq);
        return { read: fields.seq, unread: 0 };
      default:
        return assert.fail(type);
    }
  }) as unknown as Ask;
}

function eventOf(conversation: ConversationId, seq: number): LogEvent {
  return { type: "message.created", conversation, seq, at: 1, from: "alice" as never, clientId: `c${seq}` as never, content: textOf("hi") };
}

class World {
  readonly logs = new Logs();
  readonly handled = new Map<ConversationId, number[]>();
  readonly problems: unknown[] = [];
  readonly workload: Workload;
  readonly scan: ListScan;
  running = 0;
  mostRunning = 0;
  mostWaiting = 0;

  constructor({ concurrency, maxWaiting }: { readonly concurrency: number; readonly maxWaiting: number }) {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const onProblem = (problem: unknown): number => this.problems.push(problem);
    this.workload = new Workload({
      clock,
      concurrency,
      maxWaiting,
      maxCursors: 1_000,
      onRoom: () => void this.scan.run().catch(onProblem),
      onProblem,
      work: {
        ask: this.logs.ask,
        clock,
        bot: () => "echo" as never,
        process: async ({ event }) => {
          this.mostRunning = Math.max(this.mostRunning, ++this.running);
          this.mostWaiting = Math.max(this.mostWaiting, this.workload.size);
          await new Promise((resolve) => setImmediate(resolve));
          const seqs = this.handled.get(event.conversation) ?? [];
          this.handled.set(event.conversation, [...seqs, event.seq]);
          this.running--;
          return { is: "done", sent: [] };
        },
        maxAttempts: 1,
        stopping: signal,
        closing: signal,
        connectionEpoch: () => 0,
        giveUp: async () => {},
        onProblem,
      },
    });
    this.scan = new ListScan({ ask: this.logs.ask, workload: this.workload, closing: signal });
  }

  async done(): Promise<void> {
    const isDone = (): boolean => this.workload.size === 0 && [...this.logs.heads.values()].every(({ head, read }) => head === read);
    await until("all work", isDone, { timeoutMs: 60_000, everyMs: 5 });
    for (const [id, { head }] of this.logs.heads)
      assert.deepEqual(
        this.handled.get(id),
        Array.from({ length: head }, (_, index) => index + 1),
        id,
      );
    assert.deepEqual(this.problems, []);
  }
}

test("[D7] 1,000 conversations after six hours: every event once and in order, with 20 places and pages of 50", async () => {
  const world = new World({ concurrency: 4, maxWaiting: 20 });
  for (let n = 0; n < 1_000; n++) for (let count = 0; count < 1 + (n % 3); count++) world.logs.say(`c${n}`);
  for (let count = 0; count < 120; count++) world.logs.say("c7");
  await world.scan.run();
  await world.done();
  assert.ok(world.mostRunning <= 4 && world.mostWaiting <= 20, `${world.mostRunning} at once, ${world.mostWaiting} waiting`);
  assert.ok(world.logs.largestPage <= 50);
});

test("more conversations speak at once than there is room for: the list is looked through again, nothing is passed over", async () => {
  const world = new World({ concurrency: 2, maxWaiting: 10 });
  await world.scan.run();
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 200; n++) world.workload.offer(world.logs.say(`c${n}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await world.done();
  assert.ok(world.mostWaiting <= 10);
});

test("a live event that follows on needs nothing but its mark", async () => {
  const world = new World({ concurrency: 2, maxWaiting: 10 });
  world.workload.noteRecord({ ...world.logs.record("c1" as ConversationId), head: 0 });
  for (let n = 0; n < 5; n++) {
    world.workload.offer(world.logs.say("c1"));
    await world.done();
  }
  assert.deepEqual(Object.fromEntries(world.logs.asked), { "receipt.read": 5 });
  // A hole is read from the log.
  world.logs.say("c1");
  world.workload.offer(world.logs.say("c1"));
  await world.done();
  assert.equal(world.logs.asked.get("history.get"), 1);
});
