/** S34–S37: documents. Compare-and-set, pages, durability and bounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SudaError } from "@suda/protocol";
import { documentCollections, documentKeyMaxLength, documentMaxBytes, documentPageMax, pagesOf } from "@suda/server/store";
import { World, type OpenStore } from "./world.ts";

export function documentRules(open: OpenStore): void {
  test("[S34] versions count 1, 2, 3…, and a put or a deletion with ifVersion happens at that version only", async () => {
    await using world = await World.open(open);
    const { documents } = world.store;
    assert.equal(await documents.get("bots", "a"), undefined);
    assert.deepEqual(await documents.put("bots", "a", { n: 1 }, { ifVersion: 1 }), { outcome: "conflict", version: 0 });
    assert.deepEqual(await documents.delete("bots", "a", { ifVersion: 1 }), { outcome: "conflict", version: 0 });
    assert.deepEqual(await documents.delete("bots", "a"), { outcome: "absent" });
    assert.deepEqual(await documents.put("bots", "a", { n: 1 }, { ifVersion: 0 }), { outcome: "stored", version: 1 });
    assert.deepEqual(await documents.put("bots", "a", { n: 2 }, { ifVersion: 0 }), { outcome: "conflict", version: 1 });
    assert.deepEqual(await documents.put("bots", "a", { n: 2 }), { outcome: "stored", version: 2 });
    assert.deepEqual(await documents.put("bots", "a", { n: 3 }, { ifVersion: 2 }), { outcome: "stored", version: 3 });
    assert.deepEqual(await documents.get("bots", "a"), { key: "a", version: 3, value: { n: 3 } });
    assert.deepEqual(await documents.delete("bots", "a", { ifVersion: 2 }), { outcome: "conflict", version: 3 });
    assert.deepEqual(await documents.delete("bots", "a", { ifVersion: 3 }), { outcome: "deleted" });
    assert.equal(await documents.get("bots", "a"), undefined);
    assert.deepEqual(await documents.put("bots", "a", {}), { outcome: "stored", version: 1 });
  });

  test("[S34] of many that compare and set at once one wins at each version, so that nothing is lost", async () => {
    await using world = await World.open(open);
    const { documents } = world.store;
    const add = async (name: string): Promise<void> => {
      for (;;) {
        const { version = 0, value = {} } = (await documents.get("bots", "a")) ?? {};
        const { outcome } = await documents.put("bots", "a", { ...value, [name]: true }, { ifVersion: version });
        if (outcome === "stored") return;
      }
    };
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    await Promise.all(names.map(add));
    const stored = await documents.get("bots", "a");
    assert.deepEqual([stored?.version, Object.keys(stored?.value ?? {}).sort()], [20, names.toSorted()]);
    const removed = await Promise.all(Array.from({ length: 5 }, () => documents.delete("bots", "a", { ifVersion: 20 })));
    assert.deepEqual(removed.map(({ outcome }) => outcome).sort(), ["conflict", "conflict", "conflict", "conflict", "deleted"]);
  });

  test("[S35] a page is ascending by key, behind the one asked for, within its limit and of its collection alone", async () => {
    await using world = await World.open(open);
    const { documents } = world.store;
    const keys = ["b", "a", "a/2", "a/10", "A", "~", "!", "a0", "b/", "z".repeat(documentKeyMaxLength)];
    for (const [index, key] of keys.entries()) await documents.put("templates", key, { index });
    for (const collection of documentCollections) if (collection !== "templates") await documents.put(collection, "m", {});
    await documents.put("templates", "gone", {});
    await documents.delete("templates", "gone");
    const store = await world.reopen();
    const sorted = keys.toSorted();
    const all = await store.documents.list("templates", undefined, documentPageMax);
    assert.deepEqual(
      all.map(({ key }) => key),
      sorted,
    );
    assert.deepEqual(
      all.map(({ value }) => keys[value["index"] as number]),
      sorted,
    );
    assert.deepEqual(
      (await store.documents.list("templates", "a/", 3)).map(({ key }) => key),
      ["a/10", "a/2", "a0"],
    );
    assert.deepEqual(
      (await store.documents.list("templates", "a/2", 1)).map(({ key }) => key),
      ["a0"],
    );
    assert.deepEqual(await store.documents.list("templates", "~", 5), []);
    assert.deepEqual(
      (await store.documents.list("dead-letters", undefined, 5)).map(({ key }) => key),
      ["m"],
    );
  });

  test("[S35] whoever reads page by page until one is not full misses nothing that stays while others delete", async () => {
    await using world = await World.open(open);
    const { documents } = world.store;
    const keys = Array.from({ length: 120 }, (_, index) => String(index).padStart(3, "0"));
    await Promise.all(keys.map((key) => documents.put("deliveries", key, {})));
    const [stay, go] = [keys.filter((key) => key.endsWith("0")), keys.filter((key) => !key.endsWith("0"))];
    const read = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for await (const page of pagesOf(
        (after: string | undefined, limit) => documents.list("deliveries", after, limit),
        ({ key }) => key,
        { limit: 10 },
      ))
        found.push(...page.map(({ key }) => key));
      return found;
    };
    const deletions = go.map((key) => documents.delete("deliveries", key));
    const readings = await Promise.all(Array.from({ length: 10 }, read));
    for (const found of readings) {
      assert.deepEqual(found, found.toSorted());
      assert.deepEqual(
        found.filter((key) => stay.includes(key)),
        stay,
      );
    }
    await Promise.all(deletions);
    assert.deepEqual(await read(), stay);
  });

  test("[S36] what was put or deleted can be read when the call resolves, and after a restart", async () => {
    await using world = await World.open(open);
    const { documents } = world.store;
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const key = `k${index}`;
        await documents.put("deliveries", key, { index });
        assert.deepEqual(await documents.get("deliveries", key), { key, version: 1, value: { index } });
        if (index % 3 > 0) return;
        await documents.delete("deliveries", key);
        assert.equal(await documents.get("deliveries", key), undefined);
      }),
    );
    const { documents: after } = await world.reopen();
    const left = await after.list("deliveries", undefined, documentPageMax);
    assert.equal(left.length, 20);
    for (const { key, version, value } of left) assert.deepEqual([key, version], [`k${value["index"] as number}`, 1]);
    assert.deepEqual(await after.put("deliveries", "k1", {}, { ifVersion: 1 }), { outcome: "stored", version: 2 });
  });

  test("[S36] an answer that leans on a write under way is given when that one can be read", async () => {
    await using world = await World.open(open);
    const { documents } = world.store;
    const first = documents.put("bots", "a", { n: 1 });
    const second = documents
      .put("bots", "a", { n: 2 }, { ifVersion: 0 })
      .then(async (answer) => [answer, (await documents.get("bots", "a"))?.value["n"]] as const);
    assert.deepEqual(await second, [{ outcome: "conflict", version: 1 }, 1]);
    await first;
    const removal = documents.delete("bots", "a");
    const again = documents.delete("bots", "a").then(async (answer) => [answer, await documents.get("bots", "a")] as const);
    assert.deepEqual(await again, [{ outcome: "absent" }, undefined]);
    await removal;
  });

  test("[S36] [S16] disposal waits for puts under way; afterwards everything is refused", async () => {
    await using world = await World.open(open);
    const { store } = world;
    const pending = store.documents.put("bots", "a", {});
    await store[Symbol.asyncDispose]();
    assert.deepEqual(await pending, { outcome: "stored", version: 1 });
    const refused = (error: unknown) => error instanceof SudaError && error.code === "store.failed";
    await assert.rejects(store.documents.get("bots", "a"), refused);
    await assert.rejects(store.documents.put("bots", "a", {}), refused);
    await assert.rejects(store.documents.delete("bots", "a"), refused);
    await assert.rejects(store.documents.list("bots", undefined, 1), refused);
  });

  test("[S37] a value comes back as it was given, and nobody else holds a part of it", async () => {
    await using world = await World.open(open);
    const value = JSON.parse('{"a":[1,-0.5,1e300,"한글 👋\\u0000",null,true,{"__proto__":{"b":[]}}],"":{}}') as Record<string, never>;
    const given = structuredClone({ ...value, list: [1] });
    await world.store.documents.put("bots", "a", given);
    given.list.push(2);
    const { documents } = await world.reopen();
    const read = await documents.get("bots", "a");
    assert.equal(JSON.stringify(read?.value), JSON.stringify({ ...value, list: [1] }));
    assert.ok(read);
    const { list } = read.value as { list: number[] };
    list.push(3);
    assert.deepEqual((await documents.get("bots", "a"))?.value["list"], [1]);
  });

  test("[S37] keys, values and limits at their bounds are taken, and refused beyond", async () => {
    await using world = await World.open(open);
    const { documents } = world.store;
    const sized = (bytes: number): { a: string } => ({ a: "x".repeat(bytes - 8) });
    await documents.put("bots", "k".repeat(documentKeyMaxLength), sized(documentMaxBytes));
    assert.equal((await documents.list("bots", undefined, documentPageMax)).length, 1);
    await assert.rejects(documents.put("bots", "a", sized(documentMaxBytes + 1)), RangeError);
    await assert.rejects(documents.put("bots", "a", { a: "가".repeat(documentMaxBytes / 3) }), RangeError);
    for (const value of [[], null, "x"]) await assert.rejects(documents.put("bots", "a", value as never), RangeError);
    for (const key of ["", "a b", "a\0", "é", "k".repeat(documentKeyMaxLength + 1)]) {
      await assert.rejects(documents.put("bots", key, {}), RangeError, JSON.stringify(key));
      await assert.rejects(documents.get("bots", key), RangeError);
      await assert.rejects(documents.delete("bots", key), RangeError);
      await assert.rejects(documents.list("bots", key, 1), RangeError);
    }
    await assert.rejects(documents.get("others" as "bots", "a"), RangeError);
    for (const limit of [0, documentPageMax + 1, 1.5]) await assert.rejects(documents.list("bots", undefined, limit), RangeError);
    assert.equal((await documents.list("bots", undefined, documentPageMax)).length, 1);
  });
}
