/** Coming back: exactly what was missed, or explicitly that it cannot be exact (D7). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Conversation, ConversationId, Cursor, LogEvent, ReplyOf } from "@suda/protocol";
import { createTestGroup, say, TestServer, userId, type WebSocketCommunicator } from "@suda/testing";

type Cursors = Readonly<Record<ConversationId, Cursor>>;

const cursorsOf = (conversations: readonly Conversation[], seq?: number): Cursors =>
  Object.fromEntries(conversations.map((conversation) => [conversation.id, { seq: seq ?? conversation.head, epoch: conversation.epoch }]));

/** A connection that comes back with cursors. */
async function comeBack(suda: TestServer, user: string, cursors: Cursors, change = 0): Promise<{ connection: WebSocketCommunicator; reply: ReplyOf<"hello"> }> {
  const connection = await suda.connectSilently();
  const reply = await connection.request({ type: "hello", token: suda.token(user), resume: { change, cursors } });
  return { connection, reply };
}

async function readsOf(suda: TestServer): Promise<ReadonlyMap<string, number>> {
  const { body } = await suda.http().get("/metrics");
  return new Map([...String(body).matchAll(/^suda_store_reads_total\{op="([^"]+)"\} (\d+)$/gm)].map(([, op = "", count]) => [op, Number(count)]));
}

const seqsOf = (events: readonly LogEvent[]): readonly number[] => events.map(({ seq }) => seq);

describe("resume", () => {
  test("[D7] what was said meanwhile comes with the reply; a conversation where nothing was said is not mentioned", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const busy = await createTestGroup(alice, ["bob"], "busy");
    const quiet = await createTestGroup(alice, ["bob"], "quiet");
    for (const text of ["one", "two", "three"]) await say(alice, busy.id, text);
    const { connection, reply } = await comeBack(suda, "bob", { ...cursorsOf([quiet]), ...cursorsOf([busy], 1) });
    await using _ = connection;
    assert.equal(reply.resumed?.length, 1);
    const [resumed] = reply.resumed ?? [];
    assert.deepEqual(
      { ...resumed, events: seqsOf(resumed?.events ?? []) },
      { conversation: busy.id, outcome: "events", epoch: busy.epoch, head: 3, events: [2, 3], more: false },
    );
    assert.deepEqual(reply.left, []);
  });

  test("coming back reads record, membership and last event of each conversation once, and the list twice", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const groups: Conversation[] = [];
    for (let count = 0; count < 5; count++) groups.push(await createTestGroup(alice, ["bob"]));
    for (const { id } of groups) await say(alice, id, "one");
    const [busy, ...quiet] = groups.map((group) => ({ ...group, head: 1 })) as [Conversation, ...Conversation[]];
    const before = await readsOf(suda);
    const { connection, reply } = await comeBack(suda, "bob", { ...cursorsOf(quiet), ...cursorsOf([busy], 0) });
    await using _ = connection;
    const after = await readsOf(suda);
    assert.deepEqual([reply.conversations.length, seqsOf(reply.resumed?.[0]?.events ?? [])], [5, [1]]);
    assert.deepEqual(Object.fromEntries([...after].map(([op, count]) => [op, count - (before.get(op) ?? 0)]).filter(([, count]) => count !== 0)), {
      "users.getMany": 1,
      "conversations.memberships": 2,
      "conversations.getMany": 5,
      "conversations.member": 5,
      // The last event of the busy one came with what was missed.
      "log.readAfter": 1,
      "log.readBefore": 4,
    });
  });

  test("[D7] the events of a resume are the log's, and what is said while one comes back arrives once and in order", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const group = await createTestGroup(alice, ["bob"]);
    await say(alice, group.id, "before");
    await using bob = await suda.connectSilently();
    const saying = Promise.all(Array.from({ length: 20 }, (_, index) => say(alice, group.id, `meanwhile ${index}`)));
    const reply = await bob.request({ type: "hello", token: suda.token("bob"), resume: { change: 0, cursors: cursorsOf([group], 0) } });
    await saying;
    const { events } = await bob.request({ type: "history.get", conversation: group.id, after: 0 });
    const resumed = reply.resumed?.[0]?.events ?? [];
    const live = (await bob.leftovers()).filter((frame): frame is LogEvent => frame.type === "message.created");
    assert.deepEqual(resumed, events.slice(0, resumed.length));
    const known = new Set([...seqsOf(resumed), ...seqsOf(live)]);
    assert.deepEqual(
      [...known].sort((a, b) => a - b),
      seqsOf(events),
      "resume and live together have no hole",
    );
    assert.deepEqual(
      seqsOf(live),
      seqsOf(live).toSorted((a, b) => a - b),
    );
  });

  test("[D7] more than a page is told as more, and history has the rest without a hole", async () => {
    await using suda = await TestServer.open({ limits: { commands: { perSecond: 0, burst: 1 } } });
    await using alice = await suda.connect("alice");
    const group = await createTestGroup(alice, ["bob"]);
    for (let index = 0; index < 130; index++) await say(alice, group.id, `${index}`);
    const { connection, reply } = await comeBack(suda, "bob", cursorsOf([group], 10));
    await using _ = connection;
    const [resumed] = reply.resumed ?? [];
    assert.deepEqual(
      seqsOf(resumed?.events ?? []),
      Array.from({ length: 100 }, (_, index) => 11 + index),
    );
    assert.equal(resumed?.more, true);
    const rest = await connection.request({ type: "history.get", conversation: group.id, after: 110 });
    assert.deepEqual(
      seqsOf(rest.events),
      Array.from({ length: 20 }, (_, index) => 111 + index),
    );
  });

  test("[D7] a cursor of another epoch or beyond the head is answered with reset and no events", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const group = await createTestGroup(alice, ["bob"]);
    const other = await createTestGroup(alice, ["bob"]);
    await say(alice, group.id, "one");
    await say(alice, other.id, "one");
    const cursors = { [group.id]: { seq: 1, epoch: "another" }, [other.id]: { seq: 2, epoch: other.epoch } } as Cursors;
    const { connection, reply } = await comeBack(suda, "bob", cursors);
    await using _ = connection;
    const told = new Map(reply.resumed?.map(({ conversation, outcome, events, head, epoch }) => [conversation, [outcome, events.length, head, epoch]]));
    assert.deepEqual(told.get(group.id), ["reset", 0, 1, group.epoch]);
    assert.deepEqual(told.get(other.id), ["reset", 0, 1, other.epoch]);
  });

  test("[D7] [A1] conversations that one was removed from, left or never knew are left, with nothing of what was said in them", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const removed = await createTestGroup(alice, ["bob"]);
    const foreign = await createTestGroup(alice, ["carol"]);
    await alice.request({ type: "member.remove", conversation: removed.id, user: userId("bob") });
    await say(alice, removed.id, "secret");
    await say(alice, foreign.id, "secret");
    const { connection, reply } = await comeBack(suda, "bob", cursorsOf([removed, foreign], 0));
    await using _ = connection;
    assert.deepEqual([...(reply.left ?? [])].sort(), [removed.id, foreign.id].sort());
    assert.deepEqual(reply.resumed, []);
    assert.equal(JSON.stringify(reply).includes("secret"), false);
  });

  test("[D7] a conversation joined while away, and one read on another device, are among the conversations though 50 others are newer", async () => {
    await using suda = await TestServer.open({ limits: { commands: { perSecond: 0, burst: 1 } } });
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const read = await createTestGroup(alice, ["bob"], "read elsewhere");
    await say(alice, read.id, "one");
    const { change } = await suda.store.conversations.memberships(userId("bob"));
    await bob.request({ type: "receipt.read", conversation: read.id, seq: 1 });
    const joined = await createTestGroup(alice, ["bob"], "joined while away");
    for (let index = 0; index < 50; index++) {
      suda.clock.advance(1);
      const { conversation } = await bob.request({ type: "conversation.open", with: userId(`user-${index}`) });
      await say(bob, conversation.id, "newer");
    }
    const { connection, reply } = await comeBack(suda, "bob", {}, change);
    await using _ = connection;
    const byId = new Map(reply.conversations.map((conversation) => [conversation.id, conversation]));
    assert.equal(byId.get(read.id)?.unread, 0);
    assert.equal(byId.get(joined.id)?.title, "joined while away");
    assert.equal(new Set(reply.conversations.map(({ id }) => id)).size, reply.conversations.length, "none is there twice");
  });

  test("[D7] [F8] cursors that are none are refused, and the connection may say hello again", async () => {
    await using suda = await TestServer.open();
    await using bob = await suda.connectSilently();
    for (const cursors of [{ "not an id!": { seq: 0, epoch: "a" } }, { g: { seq: -1, epoch: "a" } }, { g: { seq: 0 } }, { g: 3 }]) {
      const frame = await bob.answer({ type: "hello", token: suda.token("bob"), resume: { change: 0, cursors } });
      assert.equal(frame.type === "error" && frame.code, "frame.invalid", JSON.stringify(cursors));
    }
    const frame = await bob.answer({ type: "hello", token: suda.token("bob"), resume: { change: 0, cursors: {} } });
    assert.equal(frame.type, "reply");
  });
});
