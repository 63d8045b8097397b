import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import { MemoryStore } from "./memory-store.ts";
import { documentsOf, entryPages, pagesOf } from "./read-whole.ts";

const alice = "alice" as UserId;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("a list is read page by page, each behind the last item of the one before, until one that is not full", async () => {
  const numbers = [1, 2, 3, 4, 5, 6, 7];
  const asked: unknown[] = [];
  const list = async (after: number | undefined, limit: number): Promise<number[]> => {
    asked.push(after);
    return numbers.filter((n) => n > (after ?? 0)).slice(0, limit);
  };
  const pages = (limit: number, after?: number): Promise<(readonly number[])[]> => all(pagesOf(list, (last) => last, { limit, after }));
  assert.deepEqual(await pages(3), [[1, 2, 3], [4, 5, 6], [7]]);
  assert.deepEqual(asked.splice(0), [undefined, 3, 6]);
  assert.deepEqual(await pages(7), [numbers], "what is behind a full page is asked for, and is nothing");
  assert.deepEqual(asked.splice(0), [undefined, 7]);
  assert.deepEqual(await pages(3, 5), [[6, 7]]);
  assert.deepEqual(await pages(3, 7), []);
});

test("documents are those of one prefix, also when each is deleted as soon as it was given", async () => {
  await using store = new MemoryStore();
  const { documents } = store;
  const keys = Array.from({ length: 230 }, (_, index) => `b/${String(index).padStart(3, "0")}`);
  for (const key of ["a/9", "b", ...keys, "b0", "c/0"]) await documents.put("deliveries", key, {});
  const given: string[] = [];
  for await (const { key } of documentsOf(documents, "deliveries", "b/")) {
    given.push(key);
    await documents.delete("deliveries", key);
  }
  assert.deepEqual(given, keys);
  assert.deepEqual(
    (await all(documentsOf(documents, "deliveries"))).map(({ key }) => key),
    ["a/9", "b", "b0", "c/0"],
  );
});

test("a log is read between its bounds, to its end, and from behind its floor", async () => {
  await using store = new MemoryStore();
  const id = "room" as ConversationId;
  await store.conversations.create({ id, kind: "group", epoch: "e", createdAt: 1, members: [{ user: alice, role: "owner" }] });
  for (let n = 0; n < 13; n++) {
    const drafts = Array.from({ length: 100 }, (_, index) => ({
      from: alice,
      clientId: `${n}-${index}` as ClientId,
      body: { type: "message.created", content: { type: "text", text: "x" } } as const,
    }));
    await store.log.append(id, drafts);
  }
  const seqs = async (bounds?: Parameters<typeof entryPages>[2]): Promise<number[]> =>
    (await all(entryPages(store.log, id, bounds))).flat().map(({ seq }) => seq);
  const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);
  assert.deepEqual(await seqs(), range(1, 1_300));
  assert.deepEqual(await seqs({ after: 100, until: 700 }), range(101, 700));
  assert.deepEqual(await seqs({ after: 700, until: 700 }), []);
  assert.deepEqual(await seqs({ until: 5_000 }), range(1, 1_300), "the log ends before");
  await store.log.truncate(id, 601);
  assert.deepEqual(await seqs({ after: 100, until: 700 }), range(601, 700));
  assert.deepEqual(await seqs({ until: 600 }), []);
});
