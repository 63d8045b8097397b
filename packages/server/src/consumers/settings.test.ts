/** Settings of a conversation that decide who may write, and how often; and blocks between two users (A12, A13, C21, C22). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits, type ConversationId } from "@suda/protocol";
import { codeOf, createTestGroup, say, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";

type Connection = WebSocketCommunicator;

const unlimited = { limits: { commands: { perSecond: 0, burst: 1 } } } as const;
const answerOf = async (connection: Connection, command: object): Promise<string> => codeOf(await connection.answer(command));
let lastId = 0;
const send = (conversation: ConversationId, clientId = `s${++lastId}`): object => ({
  type: "message.send",
  conversation,
  clientId,
  content: textOf("said"),
});

/** A group of alice (owner), dave (admin) and bob (member), in which bob has said `one` (seq 1). */
async function openGroup(): Promise<
  AsyncDisposable & { suda: TestServer; alice: Connection; bob: Connection; dave: Connection; id: ConversationId; update: (fields: object) => Promise<string> }
> {
  const suda = await TestServer.open(unlimited);
  const [alice, bob, dave] = await Promise.all([suda.connect("alice"), suda.connect("bob"), suda.connect("dave")]);
  const { id } = await createTestGroup(alice, ["bob", "dave"]);
  await say(bob, id, "one");
  await alice.request({ type: "member.update", conversation: id, user: userId("dave"), role: "admin" });
  return {
    suda,
    alice,
    bob,
    dave,
    id,
    update: (fields) => answerOf(alice, { type: "conversation.update", conversation: id, ...fields }),
    [Symbol.asyncDispose]: () => suda[Symbol.asyncDispose](),
  };
}

/** The direct conversation of alice and bob; each has said something (seqs 1 and 2). */
async function openDirect(): Promise<AsyncDisposable & { suda: TestServer; alice: Connection; bob: Connection; id: ConversationId }> {
  const suda = await TestServer.open(unlimited);
  const [alice, bob] = await Promise.all([suda.connect("alice"), suda.connect("bob")]);
  const { id } = (await alice.request({ type: "conversation.open", with: userId("bob") })).conversation;
  await say(alice, id, "one");
  await say(bob, id, "two");
  for (const connection of [alice, bob]) {
    await connection.event("message.created", ({ seq }) => seq === 2);
    await connection.leftovers();
  }
  return { suda, alice, bob, id, [Symbol.asyncDispose]: () => suda[Symbol.asyncDispose]() };
}

describe("settings of a group", () => {
  test("[C22] [C11] each setting at its bounds and beyond, at creation and later; null removes; the record and the event say so", async () => {
    await using world = await openGroup();
    const { alice, bob, id, update } = world;
    const bounds = [
      ["slowModeMs", limits.slowModeMinMs, limits.slowModeMaxMs],
      ["retentionMs", limits.retentionMinMs, limits.retentionMaxMs],
    ] as const;
    const settingsOf = async (): Promise<unknown> => {
      const { write, slowModeMs, retentionMs } = (await bob.request({ type: "conversation.get", conversation: id })).conversation;
      return { write, slowModeMs, retentionMs };
    };
    for (const [field, least, most] of bounds) {
      for (const value of [least - 1, most + 1, 0, -1, 1_000.5, "60000", true]) {
        const refused = await alice.answer({ type: "conversation.update", conversation: id, [field]: value });
        assert.deepEqual([codeOf(refused), refused.type === "error" && refused.path], ["frame.invalid", `/${field}`], `${field} ${String(value)}`);
        assert.equal(await answerOf(alice, { type: "conversation.create", members: [], [field]: value }), "frame.invalid", `${field} ${String(value)}`);
      }
      for (const value of [least, most]) {
        assert.equal(await update({ [field]: value }), "ok");
        const event = await bob.event("conversation.updated", (one) => one[field] === value);
        assert.deepEqual(Object.keys(event).sort(), ["at", "conversation", "from", field, "seq", "type"].sort(), "only what changed");
      }
    }
    for (const value of ["members", "owner", true]) assert.equal(await update({ write: value }), "frame.invalid");
    assert.equal(await update({ write: "admins" }), "ok");
    assert.deepEqual(await settingsOf(), { write: "admins", slowModeMs: limits.slowModeMaxMs, retentionMs: limits.retentionMaxMs });
    assert.equal(await update({ write: null, slowModeMs: null, retentionMs: null }), "ok");
    assert.deepEqual(await settingsOf(), { write: undefined, slowModeMs: undefined, retentionMs: undefined });
    const settings = { write: "admins", slowModeMs: 5_000, retentionMs: 120_000 } as const;
    const { conversation } = await alice.request({ type: "conversation.create", members: [], ...settings });
    const { write, slowModeMs, retentionMs } = conversation;
    assert.deepEqual({ write, slowModeMs, retentionMs }, settings);
  });

  test("[A3] owners and admins change settings, members do not", async () => {
    await using world = await openGroup();
    const { alice, bob, dave, id } = world;
    for (const fields of [{ write: "admins" }, { slowModeMs: 1_000 }, { retentionMs: 60_000 }]) {
      const command = { type: "conversation.update", conversation: id, ...fields };
      assert.equal(await answerOf(bob, command), "member.forbidden");
      assert.equal(await answerOf(alice, command), "ok");
      assert.equal(await answerOf(dave, command), "ok");
    }
  });

  test("[A12] where only admins write, a member does everything but write; nothing of a refused message is told or stored", async () => {
    await using world = await openGroup();
    const { suda, alice, bob, dave, id, update } = world;
    await update({ write: "admins" });
    const head = async (): Promise<number> => (await alice.request({ type: "conversation.get", conversation: id })).conversation.head;
    const before = await head();
    const refused = await bob.answer(send(id, "kept"));
    assert.deepEqual(
      [codeOf(refused), refused.type === "error" && [refused.retryable, refused.message]],
      ["conversation.read_only", [false, "Only owners and admins write in this conversation."]],
    );
    assert.equal(await answerOf(bob, { type: "typing.start", conversation: id }), "conversation.read_only");
    assert.equal(await head(), before);
    for (const writer of [alice, dave]) {
      assert.equal(await answerOf(writer, send(id)), "ok");
      assert.equal(await answerOf(writer, { type: "typing.start", conversation: id }), "ok");
    }
    for (const command of [
      { type: "reaction.add", conversation: id, target: 1, emoji: "👍" },
      { type: "message.edit", conversation: id, target: 1, content: textOf("uno") },
      { type: "receipt.read", conversation: id, seq: 2 },
      { type: "message.delete", conversation: id, target: 1 },
    ])
      assert.equal(await answerOf(bob, command), "ok", command.type);
    const path = `/v1/conversations/${id}/messages`;
    assert.equal((await suda.as("bob").post(path, { clientId: "h", content: textOf("x") })).status, 403);
    assert.equal((await suda.backend("bob").post(path, { clientId: "h", content: textOf("x") })).status, 200, "[A7] the product's backend is not bound");
    await update({ write: null });
    assert.equal(await answerOf(bob, send(id, "kept")), "ok", "the refused clientId was not used");
  });

  test("[A12] [A6] the role counts in the moment of storing", async () => {
    await using world = await openGroup();
    const { alice, bob, dave, id, update } = world;
    await update({ write: "admins" });
    assert.equal(await answerOf(dave, send(id)), "ok");
    await alice.request({ type: "member.update", conversation: id, user: userId("dave"), role: "member" });
    assert.equal(await answerOf(dave, send(id)), "conversation.read_only");
    await alice.request({ type: "member.update", conversation: id, user: userId("bob"), role: "admin" });
    assert.equal(await answerOf(bob, send(id)), "ok");
  });

  test("[C21] in slow mode a member waits exactly as long as it says; owners and admins do not, a retry neither", async () => {
    await using world = await openGroup();
    const { suda, alice, bob, dave, id, update } = world;
    await update({ slowModeMs: 10_000 });
    assert.equal(await answerOf(bob, send(id, "first")), "ok");
    for (const [afterMs, left] of [
      [0, 10_000],
      [4_000, 6_000],
      [5_999, 1],
    ] as const) {
      suda.clock.advance(afterMs);
      const refused = await bob.answer(send(id, "second"));
      assert.deepEqual(
        [codeOf(refused), refused.type === "error" && [refused.retryable, refused.retryAfterMs]],
        ["send.slow", [true, left]],
        `${left} ms before`,
      );
    }
    const again = await bob.answer(send(id, "first"));
    assert.equal((again as unknown as { duplicate?: boolean }).duplicate, true);
    for (const other of [alice, dave]) for (let index = 0; index < 2; index++) assert.equal(await answerOf(other, send(id)), "ok");
    for (const command of [
      { type: "reaction.add", conversation: id, target: 1, emoji: "👍" },
      { type: "message.edit", conversation: id, target: 1, content: textOf("uno") },
      { type: "typing.start", conversation: id },
    ])
      assert.equal(await answerOf(bob, command), "ok", command.type);
    suda.clock.advance(1);
    assert.equal(await answerOf(bob, send(id, "second")), "ok");
    assert.equal(await answerOf(bob, send(id, "third")), "send.slow");
    await update({ slowModeMs: null });
    assert.equal(await answerOf(bob, send(id, "third")), "ok");
  });

  test("[C21] [D4] of two messages at once in slow mode one is stored, and the pipeline goes on", async () => {
    await using world = await openGroup();
    const { bob, id, update } = world;
    await update({ slowModeMs: 10_000 });
    const answers = await Promise.all([bob.answer(send(id)), bob.answer(send(id)), bob.answer({ type: "conversation.get", conversation: id })]);
    assert.deepEqual(answers.map(codeOf), ["ok", "send.slow", "ok"]);
  });
});

describe("a direct conversation", () => {
  test("[A5] either of the two changes its retention, and nothing else of it", async () => {
    await using world = await openDirect();
    const { alice, bob, id } = world;
    const update = (connection: Connection, fields: object): Promise<string> =>
      answerOf(connection, { type: "conversation.update", conversation: id, ...fields });
    for (const connection of [alice, bob]) {
      for (const fields of [{ title: "us" }, { write: "admins" }, { slowModeMs: 1_000 }, { retentionMs: 60_000, title: "us" }, {}])
        assert.equal(await update(connection, fields), "conversation.direct", JSON.stringify(fields));
      assert.equal(await update(connection, { retentionMs: 60_000 }), "ok");
      assert.equal((await alice.request({ type: "conversation.get", conversation: id })).conversation.retentionMs, 60_000);
      assert.equal(await update(connection, { retentionMs: null }), "ok");
    }
    assert.equal((await bob.request({ type: "conversation.get", conversation: id })).conversation.retentionMs, undefined);
  });
});

describe("blocking", () => {
  const commandsOf = (id: ConversationId, own: number, others: number): readonly { type: string }[] => [
    send(id) as { type: string },
    { type: "message.edit", conversation: id, target: own, content: textOf("edited") } as { type: string },
    { type: "reaction.add", conversation: id, target: others, emoji: "👍" } as { type: string },
    { type: "reaction.remove", conversation: id, target: others, emoji: "👍" } as { type: string },
    { type: "pin.add", conversation: id, target: others } as { type: string },
    { type: "pin.remove", conversation: id, target: others } as { type: string },
    { type: "typing.start", conversation: id } as { type: string },
    { type: "typing.stop", conversation: id } as { type: string },
    { type: "conversation.update", conversation: id, retentionMs: 60_000 } as { type: string },
  ];

  test("[A13] neither of the two does anything there while one blocks; the words differ; unblocked, all goes through", async () => {
    await using world = await openDirect();
    const { alice, bob, id } = world;
    const blocked = await alice.request({ type: "user.block", user: userId("bob") });
    assert.deepEqual([blocked.conversation.id, blocked.conversation.blocked], [id, true]);
    for (const [connection, own, others, words] of [
      [alice, 1, 2, /^You block this user/],
      [bob, 2, 1, /^This user does not accept messages from you\.$/],
    ] as const) {
      for (const command of commandsOf(id, own, others)) {
        const refused = await connection.answer(command);
        assert.equal(codeOf(refused), "user.blocked", command.type);
        assert.match(refused.type === "error" ? refused.message : "", words);
      }
    }
    const seen = (await bob.request({ type: "conversation.get", conversation: id })).conversation;
    assert.deepEqual([seen.head, seen.blocked], [2, undefined], "nothing was stored, and bob is not told");
    assert.deepEqual(await bob.leftovers(), []);
    for (const connection of [alice, bob]) {
      for (const command of [
        { type: "receipt.read", conversation: id, seq: 2 },
        { type: "history.get", conversation: id },
        { type: "conversation.mute", conversation: id },
      ])
        assert.equal(await answerOf(connection, command), "ok", command.type);
    }
    await alice.request({ type: "user.unblock", user: userId("bob") });
    for (const [connection, own, others] of [
      [alice, 1, 2],
      [bob, 2, 1],
    ] as const)
      for (const command of commandsOf(id, own, others)) assert.equal(await answerOf(connection, command), "ok", command.type);
  });

  test("[A13] each deletes messages of their own as before, and a retry of what was stored is found", async () => {
    await using world = await openDirect();
    const { alice, bob, id } = world;
    const message = send(id, "before");
    assert.equal(await answerOf(bob, message), "ok");
    await alice.request({ type: "user.block", user: userId("bob") });
    assert.equal(await answerOf(bob, message), "ok", "[D3] a duplicate");
    assert.equal(await answerOf(bob, send(id, "after")), "user.blocked");
    assert.equal(await answerOf(alice, { type: "message.delete", conversation: id, target: 1 }), "ok");
    assert.equal(await answerOf(bob, { type: "message.delete", conversation: id, target: 2 }), "ok");
    assert.equal(await answerOf(bob, { type: "message.delete", conversation: id, target: 1 }), "message.forbidden");
  });

  test("[A13] both may block; a group of the two goes on; oneself cannot be blocked; without a conversation it is opened", async () => {
    await using world = await openDirect();
    const { suda, alice, bob, id } = world;
    const group = await createTestGroup(alice, ["bob"]);
    for (const [connection, other] of [
      [alice, "bob"],
      [bob, "alice"],
    ] as const)
      await connection.request({ type: "user.block", user: userId(other) });
    for (const connection of [alice, bob]) assert.equal(await answerOf(connection, send(group.id)), "ok", "in a group");
    await alice.request({ type: "user.unblock", user: userId("bob") });
    assert.equal(await answerOf(alice, send(id)), "user.blocked", "bob blocks still");
    await bob.request({ type: "user.unblock", user: userId("alice") });
    assert.equal(await answerOf(alice, send(id)), "ok");
    for (const type of ["user.block", "user.unblock"]) {
      const refused = await alice.answer({ type, user: "alice" });
      assert.deepEqual([codeOf(refused), refused.type === "error" && refused.path], ["frame.invalid", "/user"]);
    }
    assert.equal(await answerOf(alice, { type: "user.unblock", user: "carol" }), "conversation.not_found");
    const { conversation } = await alice.request({ type: "user.block", user: userId("carol") });
    assert.deepEqual([conversation.with, conversation.blocked], ["carol", true]);
    await using carol = await suda.connect("carol");
    assert.equal(await answerOf(carol, send(conversation.id)), "user.blocked");
    assert.equal(
      (await suda.backend("carol").post(`/v1/conversations/${conversation.id}/messages`, { clientId: "n", content: textOf("x") })).status,
      200,
      "[A7]",
    );
  });

  test("[A13] [D10] whom one blocks cannot watch one's presence: not anew, and not any more", async () => {
    await using world = await openDirect();
    const { suda, alice, bob } = world;
    const watch = async (connection: Connection, user: string): Promise<unknown> =>
      (await connection.request({ type: "presence.watch", users: [userId(user)] })).presence;
    assert.deepEqual(await watch(bob, "alice"), [{ user: "alice", online: true }]);
    await alice.request({ type: "user.block", user: userId("bob") });
    await using bobsPhone = await suda.connect("bob");
    for (const connection of [bob, bobsPhone]) assert.deepEqual(await watch(connection, "alice"), []);
    assert.deepEqual(await watch(alice, "bob"), [{ user: "bob", online: true }], "who blocks may look");
    await bob.leftovers();
    await alice[Symbol.asyncDispose]();
    suda.clock.advance(6_000);
    await bob.request({ type: "conversation.list" });
    assert.deepEqual(
      [...(await bob.leftovers()), ...(await bobsPhone.leftovers())].filter(({ type }) => type === "presence.changed"),
      [],
    );
    await using back = await suda.connect("alice");
    await back.request({ type: "user.unblock", user: userId("bob") });
    assert.deepEqual(await watch(bob, "alice"), [{ user: "alice", online: true }]);
    await back[Symbol.asyncDispose]();
    suda.clock.advance(6_000);
    assert.deepEqual(await bob.event("presence.changed"), { type: "presence.changed", user: "alice", online: false });
  });
});
