/** S13: users exist when named. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { alice, bob, carol, World, type OpenStore } from "./world.ts";

export function userRules(open: OpenStore): void {
  test("[S13] ensure creates who does not exist yet and leaves the others as they are", async () => {
    await using world = await World.open(open);
    const { users } = world.store;
    await users.update(alice, { name: "Alice" }, 1);
    await Promise.all([users.ensure([alice, bob, bob], 2), users.ensure([bob], 3)]);
    const store = await world.reopen();
    assert.deepEqual(await store.users.getMany([bob, carol, alice]), [
      { id: bob, createdAt: 2 },
      { id: alice, createdAt: 1, name: "Alice" },
    ]);
    await store.users.ensure([], 4);
  });

  test("[S13] update creates or changes: absent fields stay, null removes", async () => {
    await using world = await World.open(open);
    const { users } = world.store;
    const first = await users.update(bob, { name: "Bob", bot: true, data: { team: ["a"] } }, 5);
    assert.deepEqual(first, { id: bob, createdAt: 5, name: "Bob", bot: true, data: { team: ["a"] } });
    const second = await users.update(bob, { name: "밥", bot: null, avatar: "https://a.example/b" }, 9);
    assert.deepEqual(second, { id: bob, createdAt: 5, name: "밥", data: { team: ["a"] }, avatar: "https://a.example/b" });
    assert.deepEqual(await (await world.reopen()).users.getMany([bob]), [second]);
  });

  test("[S13] concurrent updates of one user lose nothing", async () => {
    await using world = await World.open(open);
    await Promise.all([
      world.store.users.update(bob, { name: "Bob" }, 1),
      world.store.users.update(bob, { avatar: "https://a.example/b" }, 2),
      world.store.users.update(bob, { data: { a: 1 } }, 3),
    ]);
    assert.deepEqual(await world.store.users.getMany([bob]), [{ id: bob, createdAt: 1, name: "Bob", avatar: "https://a.example/b", data: { a: 1 } }]);
  });
}
