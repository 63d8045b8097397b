/** A member's own side of a conversation: what they set is told to their own devices and to nobody else (D14). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyChange, type Conversation, type ConversationId, type LogEvent, type MessageCreated } from "@suda/protocol";
import { codeOf, createTestGroup, say, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";

type Connection = WebSocketCommunicator;

interface World extends AsyncDisposable {
  readonly suda: TestServer;
  /** Owner; said `one`, `two` and `three` (seqs 1–3). */
  readonly alice: Connection;
  /** Member, with two devices. */
  readonly bob: Connection;
  readonly phone: Connection;
  /** A stranger. */
  readonly eve: Connection;
  readonly id: ConversationId;
}

async function openWorld(options: Parameters<typeof TestServer.open>[0] = {}): Promise<World> {
  const suda = await TestServer.open({ ...options, limits: { commands: { perSecond: 0, burst: 1 }, ...options.limits } });
  const [alice, bob, phone, eve] = await Promise.all([suda.connect("alice"), suda.connect("bob"), suda.connect("bob"), suda.connect("eve")]);
  const { id } = await createTestGroup(alice, ["bob"]);
  for (const text of ["one", "two", "three"]) await say(alice, id, text);
  for (const connection of [alice, bob, phone]) await connection.event("message.created", ({ seq }) => seq === 3);
  for (const connection of [alice, bob, phone, eve]) await connection.leftovers();
  return { suda, alice, bob, phone, eve, id, [Symbol.asyncDispose]: () => suda[Symbol.asyncDispose]() };
}

const answerOf = async (connection: Connection, command: object): Promise<string> => codeOf(await connection.answer(command));

async function recordOf(connection: Connection, conversation: ConversationId): Promise<Conversation> {
  return (await connection.request({ type: "conversation.get", conversation })).conversation;
}

async function messageOf(connection: Connection, conversation: ConversationId, seq: number): Promise<MessageCreated> {
  const event = (await historyOf(connection, conversation)).find((one) => one.seq === seq);
  assert.ok(event?.type === "message.created", `seq ${seq} is a message`);
  return event;
}

async function historyOf(connection: Connection, conversation: ConversationId): Promise<readonly LogEvent[]> {
  return (await connection.request({ type: "history.get", conversation, after: 0, limit: 200 })).events;
}

/** The fields that only their owner may see. */
const ownFields = ["muted", "mutedUntil", "hidden", "markedUnread", "blocked", "hiddenMessages"] as const;
const ownSideOf = (conversation: Conversation): object =>
  Object.fromEntries(ownFields.flatMap((field) => (conversation[field] === undefined ? [] : [[field, conversation[field]]])));

async function changeOf(suda: TestServer, user: string): Promise<number> {
  await using connection = await suda.connectSilently();
  return (await connection.request({ type: "hello", token: suda.token(user) })).change;
}

describe("own settings", () => {
  test("[D14] [C13] each setting is told to one's own devices with `change`, to nobody else, and not when nothing changed", async () => {
    await using world = await openWorld();
    const { suda, alice, bob, phone, eve, id } = world;
    const steps = [
      [{ type: "conversation.mute", conversation: id }, { muted: true }],
      [
        { type: "conversation.hide", conversation: id },
        { muted: true, hidden: true },
      ],
      [
        { type: "receipt.unread", conversation: id },
        { muted: true, hidden: true, markedUnread: true },
      ],
      [
        { type: "message.hide", conversation: id, target: 2 },
        { muted: true, hidden: true, markedUnread: true, hiddenMessages: 1 },
      ],
      [
        { type: "conversation.unmute", conversation: id },
        { hidden: true, markedUnread: true, hiddenMessages: 1 },
      ],
      [
        { type: "conversation.show", conversation: id },
        { markedUnread: true, hiddenMessages: 1 },
      ],
    ] as const;
    let change = await changeOf(suda, "bob");
    for (const [command, shown] of steps) {
      assert.equal(await answerOf(bob, command), "ok", command.type);
      change++;
      for (const device of [bob, phone]) {
        const event = await device.event("conversation.changed");
        assert.deepEqual([event.change, event.target, ownSideOf(event.conversation)], [change, "target" in command ? 2 : undefined, shown], command.type);
      }
      assert.deepEqual(ownSideOf(await recordOf(phone, id)), shown);
      assert.equal(await answerOf(bob, command), "ok", `${command.type} again`);
      assert.equal(await changeOf(suda, "bob"), change, `${command.type} again changes nothing`);
      for (const device of [bob, phone]) assert.deepEqual(await device.leftovers(), [], command.type);
    }
    assert.deepEqual(ownSideOf(await recordOf(alice, id)), {});
    for (const other of [alice, eve]) assert.deepEqual(await other.leftovers(), [], "nobody else is told");
    assert.equal(await suda.failures(), 0);
  });

  test("[D14] a device that was away finds in hello what was set meanwhile, also beyond the first page", async () => {
    await using world = await openWorld();
    const { suda, bob, id } = world;
    for (let index = 0; index < 51; index++) {
      suda.clock.advance(1);
      await createTestGroup(bob, [], `later ${index}`);
    }
    await using before = await suda.connectSilently();
    const seen = await before.request({ type: "hello", token: suda.token("bob") });
    await bob.request({ type: "conversation.mute", conversation: id });
    const hello = async (since: number): Promise<Conversation | undefined> => {
      await using device = await suda.connectSilently();
      const reply = await device.request({ type: "hello", token: suda.token("bob"), resume: { change: since, cursors: {} } });
      return reply.conversations.find((conversation) => conversation.id === id);
    };
    assert.equal((await hello(seen.change))?.muted, true);
    assert.equal(await hello(seen.change + 1), undefined, "who knows of it is not told again");
    assert.notEqual(await hello(0), undefined, "who knows of nothing is");
  });

  test("[C23] muted until its time and no longer; a time that is over is refused", async () => {
    await using world = await openWorld();
    const { suda, bob, id } = world;
    const until = suda.clock.now() + 60_000;
    const mute = async (time?: number): Promise<unknown> => {
      const reply = await bob.answer({ type: "conversation.mute", conversation: id, ...(time === undefined ? {} : { until: time }) });
      return reply.type === "error" ? [reply.code, reply.path] : ownSideOf((reply as unknown as { conversation: Conversation }).conversation);
    };
    for (const over of [0, suda.clock.now() - 1, suda.clock.now()]) assert.deepEqual(await mute(over), ["frame.invalid", "/until"]);
    assert.deepEqual(ownSideOf(await recordOf(bob, id)), {});
    assert.deepEqual(await mute(until), { muted: true, mutedUntil: until });
    suda.clock.advance(59_999);
    assert.deepEqual(ownSideOf(await recordOf(bob, id)), { muted: true, mutedUntil: until });
    suda.clock.advance(1);
    assert.deepEqual(ownSideOf(await recordOf(bob, id)), {});
    assert.deepEqual(await mute(), { muted: true });
    suda.clock.advance(3_000_000_000_000);
    await using later = await suda.connect("bob");
    assert.deepEqual(ownSideOf(await recordOf(later, id)), { muted: true });
  });

  test("[C24] a hidden conversation stays in the list, and any message shows it again; what is no message does not", async () => {
    await using world = await openWorld();
    const { alice, bob, id } = world;
    const listed = async (): Promise<unknown> => (await bob.request({ type: "conversation.list" })).conversations.map((one) => [one.id, one.hidden]);
    const hide = (): Promise<unknown> => bob.request({ type: "conversation.hide", conversation: id });
    await hide();
    assert.deepEqual(await listed(), [[id, true]]);
    await alice.request({ type: "reaction.add", conversation: id, target: 1, emoji: "👍" });
    await alice.request({ type: "conversation.update", conversation: id, title: "another" });
    assert.deepEqual(await listed(), [[id, true]]);
    await say(alice, id, "four");
    assert.deepEqual(await listed(), [[id, undefined]]);
    await hide();
    await say(bob, id, "five");
    assert.deepEqual(await listed(), [[id, undefined]], "one's own message");
    await hide();
    assert.deepEqual(await listed(), [[id, true]]);
    await bob.request({ type: "conversation.show", conversation: id });
    assert.deepEqual(await listed(), [[id, undefined]]);
  });

  test("[C26] [D9] a mark as unread moves neither read mark nor count, and reading or sending takes it away, on all devices", async () => {
    await using world = await openWorld();
    const { bob, phone, id } = world;
    await bob.request({ type: "receipt.read", conversation: id, seq: 3 });
    const mark = async (): Promise<unknown> => {
      const { read, unread } = await bob.request({ type: "receipt.unread", conversation: id });
      return { read, unread };
    };
    const seen = async (): Promise<unknown> => {
      const { read, unread, markedUnread } = await recordOf(phone, id);
      return { read, unread, markedUnread };
    };
    assert.deepEqual(await mark(), { read: 3, unread: 0 });
    await phone.event("conversation.changed", ({ conversation }) => conversation.markedUnread === true);
    assert.deepEqual(await seen(), { read: 3, unread: 0, markedUnread: true });
    // The mark does not move, and is taken away all the same.
    assert.equal((await phone.request({ type: "receipt.read", conversation: id, seq: 3 })).read, 3);
    await bob.event("conversation.changed", ({ conversation }) => conversation.markedUnread === undefined);
    assert.deepEqual(await seen(), { read: 3, unread: 0, markedUnread: undefined });
    await mark();
    await say(bob, id, "four");
    assert.deepEqual(await seen(), { read: 4, unread: 0, markedUnread: undefined });
  });

  test("[A1] a stranger, and who has left, may set nothing", async () => {
    await using world = await openWorld();
    const { alice, bob, eve, id } = world;
    const commands = [
      { type: "conversation.mute", conversation: id },
      { type: "conversation.unmute", conversation: id },
      { type: "conversation.hide", conversation: id },
      { type: "conversation.show", conversation: id },
      { type: "receipt.unread", conversation: id },
      { type: "receipt.delivered", conversation: id, seq: 1 },
      { type: "message.hide", conversation: id, target: 1 },
    ];
    for (const command of commands) {
      assert.equal(await answerOf(eve, command), "conversation.not_found", command.type);
      assert.equal(await answerOf(bob, command), "ok", command.type);
    }
    await alice.request({ type: "member.remove", conversation: id, user: userId("bob") });
    for (const command of commands) assert.equal(await answerOf(bob, command), "conversation.not_found", command.type);
  });
});

describe("deleting for oneself", () => {
  test("[C25] nothing of what it said, nor what its edits said, is shown to who hid it; others see no difference", async () => {
    await using world = await openWorld();
    const { suda, alice, bob, id } = world;
    await alice.request({ type: "message.edit", conversation: id, target: 2, content: textOf("two, better") });
    await alice.request({ type: "reaction.add", conversation: id, target: 2, emoji: "👍" });
    const before = await historyOf(alice, id);
    assert.deepEqual(await historyOf(bob, id), before.map(withoutMine));
    await bob.request({ type: "message.hide", conversation: id, target: 2 });
    const hidden = await messageOf(bob, id, 2);
    const { content: _content, edited: _edited, reactions: _reactions, ...place } = withoutMine(before[1] as MessageCreated) as MessageCreated;
    assert.deepEqual(hidden, { ...place, content: { type: "deleted" }, hidden: true });
    assert.equal(hidden.changed, 5, "up to where it contains what was done to it");
    assert.doesNotMatch(JSON.stringify(await historyOf(bob, id)), /two/, "nor in the edit");
    assert.match(JSON.stringify(await historyOf(bob, id)), /one.*three/);
    assert.deepEqual(await historyOf(alice, id), before);

    await using device = await suda.connectSilently();
    const { epoch } = await recordOf(bob, id);
    const reply = await device.request({ type: "hello", token: suda.token("bob"), resume: { change: 0, cursors: { [id]: { seq: 0, epoch } } } });
    assert.doesNotMatch(JSON.stringify(reply), /two/);
    assert.equal(reply.resumed?.[0]?.events.length, 5);
  });

  test("[C25] the last message that was hidden is hidden as `last` too, and after leaving and joining again", async () => {
    await using world = await openWorld();
    const { alice, bob, id } = world;
    await bob.request({ type: "message.hide", conversation: id, target: 3 });
    const { last } = await recordOf(bob, id);
    assert.ok(last?.type === "message.created");
    assert.deepEqual([last.hidden, last.content], [true, { type: "deleted" }]);
    const others = (await recordOf(alice, id)).last;
    assert.deepEqual(others?.type === "message.created" ? others.content : undefined, textOf("three"));
    await bob.request({ type: "member.leave", conversation: id });
    await alice.request({ type: "member.add", conversation: id, users: [userId("bob")] });
    assert.equal((await messageOf(bob, id, 3)).hidden, true);
    assert.equal((await recordOf(bob, id)).hiddenMessages, 1);
  });

  test("[C25] what is no message cannot be hidden; again is the same answer, and a deleted one can be", async () => {
    await using world = await openWorld();
    const { alice, bob, id } = world;
    await alice.request({ type: "conversation.update", conversation: id, title: "renamed" });
    const hide = (target: number): Promise<string> => answerOf(bob, { type: "message.hide", conversation: id, target });
    for (const target of [0, 4, 5, 9_999]) assert.equal(await hide(target), "message.not_found", String(target));
    assert.equal((await recordOf(bob, id)).hiddenMessages, undefined);
    await alice.request({ type: "message.delete", conversation: id, target: 1 });
    for (const target of [1, 1, 3]) assert.equal(await hide(target), "ok");
    assert.equal((await recordOf(bob, id)).hiddenMessages, 2);
    const { deleted, hidden } = await messageOf(bob, id, 1);
    assert.deepEqual([deleted?.by, hidden], ["alice", true]);
  });

  test("[C25] [D8] a hidden message kept up to date by live events equals the one read afresh", async () => {
    await using world = await openWorld();
    const { alice, bob, id } = world;
    await bob.request({ type: "message.hide", conversation: id, target: 2 });
    let kept = await messageOf(bob, id, 2);
    await alice.request({ type: "message.edit", conversation: id, target: 2, content: textOf("again") });
    await alice.request({ type: "reaction.add", conversation: id, target: 2, emoji: "🎉" });
    await alice.request({ type: "reaction.remove", conversation: id, target: 2, emoji: "🎉" });
    kept = applyChange(kept, await bob.event("message.edited"), userId("bob"));
    kept = applyChange(kept, await bob.event("reaction.added"), userId("bob"));
    kept = applyChange(kept, await bob.event("reaction.removed"), userId("bob"));
    assert.deepEqual(kept, await messageOf(bob, id, 2));
    assert.deepEqual([kept.hidden, kept.changed, kept.content], [true, 6, { type: "deleted" }]);
    await alice.request({ type: "message.delete", conversation: id, target: 2 });
    kept = applyChange(kept, await bob.event("message.deleted"), userId("bob"));
    assert.deepEqual(kept, await messageOf(bob, id, 2));
  });
});

describe("receipts of delivery", () => {
  test("[D9] delivered never goes back nor beyond the head, is never less than read, and what moved is told", async () => {
    await using world = await openWorld();
    const { alice, bob, eve, id } = world;
    const deliver = async (seq: number): Promise<number> => (await bob.request({ type: "receipt.delivered", conversation: id, seq })).delivered;
    assert.deepEqual([await deliver(2), await deliver(1), await deliver(0), await deliver(9_999)], [2, 2, 2, 3]);
    for (const delivered of [2, 3])
      assert.deepEqual(await alice.event("receipt.updated"), { type: "receipt.updated", conversation: id, user: "bob", read: 0, delivered });
    assert.deepEqual(await alice.leftovers(), [], "what did not move is not told");
    assert.deepEqual(await eve.leftovers(), []);
    await say(alice, id, "four");
    await bob.request({ type: "receipt.read", conversation: id, seq: 4 });
    assert.deepEqual(await alice.event("receipt.updated"), { type: "receipt.updated", conversation: id, user: "bob", read: 4, delivered: 4 });
    assert.equal(await deliver(1), 4, "who has read has received");
    await say(bob, id, "five");
    const { members } = await alice.request({ type: "member.list", conversation: id });
    assert.deepEqual(
      members.map(({ user, read, delivered }) => [user, read, delivered]),
      [
        ["alice", 4, 4],
        ["bob", 5, 5],
      ],
    );
  });

  test("[D9] [C13] a receipt of delivery moves no change counter; in a larger conversation nothing is kept, told or shown", async () => {
    for (const ephemeralMaxMembers of [2, 1]) {
      await using world = await openWorld({ limits: { ephemeralMaxMembers } });
      const { suda, alice, bob, id } = world;
      const isSmall = ephemeralMaxMembers === 2;
      const before = await changeOf(suda, "bob");
      const { delivered } = await bob.request({ type: "receipt.delivered", conversation: id, seq: 2 });
      assert.equal(delivered, isSmall ? 2 : 0, "what is known");
      assert.equal((await suda.store.conversations.member(id, userId("bob")))?.deliveredSeq, delivered);
      assert.equal(await changeOf(suda, "bob"), before);
      assert.equal((await alice.leftovers()).length, isSmall ? 1 : 0);
      const { members } = await alice.request({ type: "member.list", conversation: id });
      assert.deepEqual([members[1]?.read, members[1]?.delivered], isSmall ? [0, 2] : [undefined, undefined]);
    }
  });
});

/** As somebody sees it who did not react. */
function withoutMine(event: LogEvent): LogEvent {
  if (event.type !== "message.created" || event.reactions === undefined) return event;
  return { ...event, reactions: event.reactions.map(({ emoji, count }) => ({ emoji, count })) };
}
