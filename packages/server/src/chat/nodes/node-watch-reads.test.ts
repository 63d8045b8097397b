/** How a node reads what it may have missed (D13), with a store over a network that takes its time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConversationId, UserId } from "@suda/protocol";
import { ManualClock } from "@suda/testing";
import type { ChannelLayer, LayerEvent } from "../../channel-layer/channel-layer.ts";
import type { LogEntry, Store } from "../../store/store.ts";
import { NodeWatch } from "./node-watch.ts";

const count = 100;

/** Reads that are answered when the test says so. */
class SlowReads {
  total = 0;
  most = 0;
  readonly #waiting: (() => void)[] = [];

  async read<T>(answer: T): Promise<T> {
    this.total++;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.most = Math.max(this.most, this.#waiting.length);
    });
    return answer;
  }

  answerAll(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

test("[D13] users and logs are read side by side, but not all at once: what is missed is not late by the sum of all reads", async () => {
  const clock = new ManualClock();
  const users = new SlowReads();
  const logs = new SlowReads();
  const entry = { seq: 2, at: 1, from: "bob", ordinal: 2, body: { type: "message.created", content: { type: "text", text: "x" } } } as unknown as LogEntry;
  const store = {
    conversations: {
      getMany: async (ids: readonly ConversationId[]) => ids.map((id) => ({ id, head: { seq: 2 } })),
      // Of nobody the list itself is read: nobody's counter has moved.
      change: () => users.read(0),
    },
    log: { readAfter: (_id: ConversationId, after: number) => logs.read(after < 2 ? [entry] : []) },
  } as unknown as Store;
  const told: string[] = [];
  const layer = {
    isGroupHere: () => true,
    groupSendHere: async (group: string, { type }: LayerEvent) => void told.push(`${type} ${group}`),
  } as unknown as ChannelLayer;
  const failures: unknown[] = [];
  const link = { isConnected: false, lost: 0, onRestored: () => {} };
  await using watch = new NodeWatch({ store, layer, link, clock, onFailure: (error) => failures.push(error), count: () => {} });
  const ids = Array.from({ length: count }, (_, index) => `g.${index}` as ConversationId);
  for (const id of ids) watch.heads.learn({ id, head: { seq: 1, at: 1, ordinal: 1, hash: "" } });
  for (let index = 0; index < count; index++) watch.memberships.learn(`user-${index}` as UserId, 0);
  clock.advance(2_000);
  for (let rounds = 0; rounds < 100 && told.length < count; rounds++) {
    clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
    users.answerAll();
    logs.answerAll();
  }
  assert.deepEqual(failures, []);
  assert.deepEqual(told.toSorted(), ids.map((id) => `conversation.missed conversation:${id}`).toSorted());
  assert.deepEqual([users.total, logs.total], [count, count]);
  assert.deepEqual([users.most, logs.most], [16, 16]);
});
