/** What is in no log: typing, read receipts of the moment, goodbyes; and a token made new in place. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codeOf, createTestGroup, say, TestServer, userId } from "@suda/testing";

describe("typing and reading", () => {
  test("[D10] typing is told to the others and not to one's own devices, and never to strangers", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using alicesPhone = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    await using mallory = await suda.connect("mallory");
    const { id } = await createTestGroup(alice, ["bob"]);
    await alice.request({ type: "typing.start", conversation: id });
    assert.deepEqual(await bob.event("typing.started"), { type: "typing.started", conversation: id, user: "alice" });
    await alice.request({ type: "typing.stop", conversation: id });
    assert.deepEqual(await bob.event("typing.stopped"), { type: "typing.stopped", conversation: id, user: "alice" });
    for (const connection of [alice, alicesPhone, mallory]) {
      assert.equal(
        (await connection.leftovers()).some(({ type }) => type.startsWith("typing")),
        false,
      );
    }
    assert.equal(codeOf(await mallory.answer({ type: "typing.start", conversation: id })), "conversation.not_found");
    assert.deepEqual(
      (await bob.leftovers()).filter(({ type }) => type.startsWith("typing")),
      [],
    );
  });

  test("[D9] a read mark that moves is told to all members and to one's own devices; one that does not is not told", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    await using bobsPhone = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    await say(alice, id, "one");
    await bob.request({ type: "receipt.read", conversation: id, seq: 1 });
    for (const connection of [alice, bobsPhone])
      assert.deepEqual(await connection.event("receipt.updated"), { type: "receipt.updated", conversation: id, user: "bob", read: 1, delivered: 1 });
    await bob.request({ type: "receipt.read", conversation: id, seq: 1 });
    await bob.request({ type: "receipt.read", conversation: id, seq: 0 });
    assert.equal(
      (await alice.leftovers()).some(({ type }) => type === "receipt.updated"),
      false,
    );
  });

  test("[D9] [D10] in a large group nobody is told of typing, and of reading only one's own devices", async () => {
    await using suda = await TestServer.open({ limits: { ephemeralMaxMembers: 2 } });
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    await using bobsPhone = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob", "carol"]);
    await say(alice, id, "one");
    await bob.request({ type: "typing.start", conversation: id });
    await bob.request({ type: "receipt.read", conversation: id, seq: 1 });
    await bobsPhone.event("receipt.updated");
    assert.deepEqual(
      (await alice.leftovers()).filter(({ type }) => type.startsWith("typing") || type.startsWith("receipt")),
      [],
    );
  });
});

describe("a token made new in place", () => {
  test("[H14] the connection lives as long as the new token says", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    suda.clock.advance(3_000_000);
    const { expiresAt } = await alice.request({ type: "token.refresh", token: suda.token("alice") });
    assert.equal(expiresAt, Math.floor(suda.clock.now() / 1_000) * 1_000 + 3_600_000);
    suda.clock.advance(1_000_000);
    await alice.request({ type: "conversation.list" });
    suda.clock.advance(2_700_000);
    assert.equal((await alice.closed()).code, 4001);
  });

  test("[H14] another user's token and a forged one are refused, and the old token's time still counts", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    assert.equal(codeOf(await alice.answer({ type: "token.refresh", token: suda.token("bob") })), "auth.forbidden");
    assert.equal(codeOf(await alice.answer({ type: "token.refresh", token: `${suda.token("alice")}x` })), "auth.invalid");
    await alice.request({ type: "conversation.list" });
    suda.clock.advance(3_700_000);
    assert.equal((await alice.closed()).code, 4001);
  });
});

describe("presence", () => {
  test("[D10] who watches a user of a shared conversation is told when they come and when they have gone for 5 s", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await createTestGroup(alice, ["bob"]);
    assert.deepEqual((await alice.request({ type: "presence.watch", users: [userId("bob")] })).presence, [{ user: "bob", online: false }]);
    const bob = await suda.connect("bob");
    assert.deepEqual(await alice.event("presence.changed"), { type: "presence.changed", user: "bob", online: true });
    const phone = await suda.connect("bob");
    await phone[Symbol.asyncDispose]();
    suda.clock.advance(6_000);
    await alice.request({ type: "conversation.list" });
    assert.equal(
      (await alice.leftovers()).some(({ type }) => type === "presence.changed"),
      false,
      "one of two devices went",
    );
    await bob[Symbol.asyncDispose]();
    suda.clock.advance(4_000);
    await using back = await suda.connect("bob");
    suda.clock.advance(6_000);
    assert.equal(
      (await alice.leftovers()).some(({ type }) => type === "presence.changed"),
      false,
      "a short absence is none",
    );
    await back[Symbol.asyncDispose]();
    suda.clock.advance(5_000);
    assert.deepEqual(await alice.event("presence.changed"), { type: "presence.changed", user: "bob", online: false });
  });

  test("[D10] [A1] strangers are passed over, and who no longer watches is told nothing", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await createTestGroup(alice, ["bob"]);
    await using mallory = await suda.connect("mallory");
    await using bob = await suda.connect("bob");
    assert.deepEqual((await mallory.request({ type: "presence.watch", users: [userId("bob"), userId("mallory")] })).presence, [
      { user: "mallory", online: true },
    ]);
    assert.deepEqual((await alice.request({ type: "presence.watch", users: [userId("bob"), userId("bob")] })).presence, [{ user: "bob", online: true }]);
    await alice.request({ type: "presence.unwatch", users: [userId("bob")] });
    await bob[Symbol.asyncDispose]();
    suda.clock.advance(6_000);
    for (const connection of [alice, mallory])
      assert.equal(
        (await connection.leftovers()).some(({ type }) => type === "presence.changed"),
        false,
      );
  });

  test("[D10] a connection watches at most 200 users", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const users = Array.from({ length: 201 }, (_, index) => userId(`user-${index}`));
    await createTestGroup(alice, users);
    assert.equal((await alice.request({ type: "presence.watch", users: users.slice(0, 200) })).presence.length, 200);
    assert.equal(codeOf(await alice.answer({ type: "presence.watch", users: users.slice(200) })), "frame.invalid");
    await alice.request({ type: "presence.unwatch", users: users.slice(0, 1) });
    assert.equal(codeOf(await alice.answer({ type: "presence.watch", users: users.slice(200) })), "ok");
  });
});
