/** What a client does with the answers to its resume, with `lag` and with membership changes, frame by frame. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Conversation, LogEvent, ReplyOf, Resumed } from "@suda/protocol";
import { me, message, messages, other, record, room, settle } from "../test/frames.ts";
import { ScriptedServer } from "../test/scripted-server.ts";
import type { ClientConversation, SudaClient } from "./index.ts";

const seqs = (events: readonly LogEvent[]): number[] => events.map(({ seq }) => seq);
const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** A client whose page shows the room, of which it knows events 1 to 3, and whose connection has just broken. */
class Interrupted {
  readonly server = new ScriptedServer();
  readonly told: LogEvent[] = [];
  readonly marks: unknown[] = [];
  client!: SudaClient;
  chat!: ClientConversation;

  static async open(): Promise<Interrupted> {
    const world = new Interrupted();
    const { server } = world;
    world.client = await server.open();
    await server.greet({ change: 4, conversations: [record({ head: 3, unread: 3 })] });
    world.chat = world.client.conversation(room);
    world.chat.subscribe(() => {});
    server.socket.reply(await server.socket.take("history.get"), { events: messages(1, 3), head: 3, more: false });
    await settle();
    world.client.on("event", (event) => world.told.push(event));
    world.client.on("log.reset", (event) => world.marks.push(event));
    world.client.on("log.truncated", (event) => world.marks.push(event));
    server.socket.end(1006);
    await server.reconnect();
    return world;
  }

  /** Answers the resume; checks what was asked. */
  async resume(conversation: Partial<Conversation>, resumed: Omit<Resumed, "conversation">, fields: Partial<ReplyOf<"hello">> = {}): Promise<void> {
    const hello = await this.server.greet({
      change: 4,
      conversations: [record(conversation)],
      resumed: [{ conversation: room, ...resumed }],
      left: [],
      ...fields,
    });
    assert.deepEqual(hello.resume, { change: 4, cursors: { [room]: { seq: 3, epoch: "e1" } } });
  }

  async answerHistory(events: readonly LogEvent[], head: number): Promise<number | undefined> {
    const command = await this.server.socket.take("history.get");
    this.server.socket.reply(command, { events: [...events], head, more: (events.at(-1)?.seq ?? head) < head });
    await settle();
    return command.after;
  }
}

test("[D7] resumed events are applied, and live ones go on after them", async () => {
  const world = await Interrupted.open();
  await world.resume({ head: 5, unread: 5 }, { outcome: "events", epoch: "e1", head: 5, events: messages(4, 5), more: false });
  world.server.socket.tell(message(6));
  await settle();
  const { events, unread } = world.chat.getSnapshot();
  assert.deepEqual(seqs(events), upTo(6));
  assert.deepEqual(seqs(world.told), [4, 5, 6]);
  assert.equal(unread, 6);
  assert.deepEqual(world.server.socket.commands, []);
});

test("[D7] what did not fit into the resume is read before anything later is shown", async () => {
  const world = await Interrupted.open();
  await world.resume({ head: 9 }, { outcome: "events", epoch: "e1", head: 9, events: messages(4, 5), more: true });
  world.server.socket.tell([message(10), message(11)]);
  await settle();
  assert.deepEqual(seqs(world.told), [4, 5]);
  assert.equal(await world.answerHistory(messages(6, 7), 11), 5);
  assert.deepEqual(seqs(world.told), [4, 5, 6, 7]);
  assert.equal(await world.answerHistory(messages(8, 11), 11), 7);
  assert.deepEqual(seqs(world.told), upTo(11, 4));
  assert.deepEqual(seqs(world.chat.getSnapshot().events), upTo(11));
});

test("[D7] after a reset the conversation is read anew, and nothing of before is left", async () => {
  const world = await Interrupted.open();
  await world.resume({ head: 2, epoch: "e2" }, { outcome: "reset", epoch: "e2", head: 2, events: [], more: true });
  assert.deepEqual(world.marks, [{ type: "log.reset", conversation: room, epoch: "e2" }]);
  assert.deepEqual(world.chat.getSnapshot().events, []);
  await world.answerHistory([message(1, { at: 9 }), message(2, { at: 9 })], 2);
  const { events, status } = world.chat.getSnapshot();
  assert.deepEqual(
    events.map(({ seq, at }) => [seq, at]),
    [
      [1, 9],
      [2, 9],
    ],
  );
  assert.equal(status, "ready");
  // The next cursor is of the new numbering.
  world.server.socket.end(1006);
  await world.server.reconnect();
  const hello = await world.server.greet({ change: 4, conversations: [record({ head: 2, epoch: "e2" })] });
  assert.deepEqual(hello.resume?.cursors, { [room]: { seq: 2, epoch: "e2" } });
});

test("[D7] a reset within the same epoch (the cursor was beyond the head) forgets as well", async () => {
  const world = await Interrupted.open();
  await world.resume({ head: 2 }, { outcome: "reset", epoch: "e1", head: 2, events: [], more: true });
  await world.answerHistory(messages(1, 2), 2);
  assert.deepEqual(seqs(world.chat.getSnapshot().events), [1, 2]);
  world.server.socket.tell(message(3, { at: 9 }));
  assert.equal(world.chat.getSnapshot().events.at(-1)?.at, 9);
});

test("[D7] after truncation it goes on where the log begins, and says so", async () => {
  const world = await Interrupted.open();
  await world.resume({ head: 8 }, { outcome: "truncated", epoch: "e1", head: 8, from: 7, events: messages(7, 8), more: false });
  assert.deepEqual(world.marks, [{ type: "log.truncated", conversation: room, from: 7 }]);
  assert.deepEqual(seqs(world.told), [7, 8]);
  const { events, hasOlder } = world.chat.getSnapshot();
  assert.deepEqual([seqs(events), hasOlder], [[7, 8], false]);
});

test("conversations left meanwhile are gone from the list", async () => {
  const world = await Interrupted.open();
  await world.server.greet({ change: 5, left: [room], resumed: [] });
  assert.equal(world.chat.getSnapshot().status, "left");
  assert.deepEqual(world.client.conversations.getSnapshot().conversations, []);
});

test("[D6] after lag the log is read up to the head that it names", async () => {
  const world = await Interrupted.open();
  await world.resume({ head: 3 }, { outcome: "events", epoch: "e1", head: 3, events: [], more: false });
  world.server.socket.tell({ type: "lag", conversation: room, head: 6 });
  assert.equal(await world.answerHistory(messages(4, 6), 6), 3);
  assert.deepEqual(seqs(world.told), [4, 5, 6]);
});

test("a conversation that nobody looks at costs no history: only its record is kept current", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet({ conversations: [record({ head: 3, unread: 1 })] });
  server.socket.tell(message(4));
  assert.equal(client.conversations.getSnapshot().unread, 2);
  server.socket.tell(message(5, { from: me }));
  assert.equal(client.conversations.getSnapshot().unread, 0);
  // A hole: what is missing is not read, the record is.
  server.socket.tell(message(9));
  const get = await server.socket.take("conversation.get");
  assert.deepEqual(server.socket.commands, []);
  server.socket.reply(get, { conversation: record({ head: 9, unread: 3, lastAt: 1_009 }) });
  await settle();
  assert.equal(client.conversations.getSnapshot().unread, 3);
  server.socket.end(1006);
  await server.reconnect();
  const hello = await server.greet({ conversations: [record({ head: 9, unread: 3 })] });
  assert.deepEqual(hello.resume, { change: 0, cursors: {} });
});

test("a program that listens gets the events of a conversation from where it joined", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  const told: LogEvent[] = [];
  client.on("message.created", (event) => told.push(event));
  await server.greet({ conversations: [] });
  server.socket.tell({ type: "conversation.joined", conversation: record({ head: 8, read: 6, unread: 2 }), change: 1 });
  const history = await server.socket.take("history.get");
  assert.equal(history.after, 6);
  server.socket.reply(history, { events: messages(7, 8), head: 8, more: false });
  await settle();
  assert.deepEqual(seqs(told), [7, 8]);
  // The server had counted them.
  assert.equal(client.conversations.getSnapshot().unread, 2);
});

test("the newest page and live events that come before it make one log", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet({ conversations: [record({ head: 60 })] });
  const chat = client.conversation(room);
  chat.subscribe(() => {});
  const history = await server.socket.take("history.get");
  server.socket.tell(message(61));
  server.socket.reply(history, { events: messages(11, 60), head: 60, more: true });
  await settle();
  assert.deepEqual(seqs(chat.getSnapshot().events), upTo(61, 11));
  assert.equal(chat.getSnapshot().hasOlder, true);
  const older = chat.loadOlder();
  const before = await server.socket.take("history.get");
  assert.equal(before.before, 11);
  server.socket.reply(before, { events: messages(1, 10), head: 61, more: false });
  assert.equal(await older, true);
  assert.deepEqual(seqs(chat.getSnapshot().events), upTo(61));
  assert.equal(chat.getSnapshot().hasOlder, false);
});

test("the read mark is told once, the newest only, and again when the connection broke", async () => {
  const world = await Interrupted.open();
  world.chat.markRead(2);
  assert.deepEqual([world.chat.getSnapshot().read, world.chat.getSnapshot().unread], [2, 1]);
  await world.resume({ head: 3, unread: 3 }, { outcome: "events", epoch: "e1", head: 3, events: [], more: false });
  // The server's older mark does not take it back.
  assert.deepEqual([world.chat.getSnapshot().read, world.chat.getSnapshot().unread], [2, 1]);
  const told = await world.server.socket.take("receipt.read");
  assert.equal(told.seq, 2);
  world.chat.markRead();
  world.server.socket.reply(told, { read: 2, unread: 1 });
  const next = await world.server.socket.take("receipt.read");
  assert.equal(next.seq, 3);
  world.server.socket.reply(next, { read: 3, unread: 0 });
  world.chat.markRead(1);
  await settle();
  assert.deepEqual(world.server.socket.commands, []);
  // Read on another device of the same user.
  world.server.socket.tell(message(4), { type: "receipt.updated", conversation: room, user: me, read: 4 });
  assert.deepEqual([world.chat.getSnapshot().read, world.chat.getSnapshot().unread], [4, 0]);
});

test("an older mark that is confirmed late does not make unread what was read since", async () => {
  const world = await Interrupted.open();
  await world.resume({ head: 3, unread: 3 }, { outcome: "events", epoch: "e1", head: 3, events: [], more: false });
  world.chat.markRead(1);
  const told = await world.server.socket.take("receipt.read");
  world.server.socket.tell(message(4), message(5, { from: me }), message(6));
  await settle();
  assert.deepEqual([world.chat.getSnapshot().read, world.chat.getSnapshot().unread], [5, 1]);
  world.server.socket.reply(told, { read: 1, unread: 2 });
  await settle();
  assert.deepEqual([world.chat.getSnapshot().read, world.chat.getSnapshot().unread], [5, 1]);
  // As another device of the same user may tell it, too.
  world.server.socket.tell({ type: "receipt.updated", conversation: room, user: me, read: 2 });
  assert.deepEqual([world.chat.getSnapshot().read, world.chat.getSnapshot().unread], [5, 1]);
});

test("what another device has read of a conversation that nobody shows is asked for, as it cannot be counted here", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet({ conversations: [record({ head: 10, unread: 10 })] });
  server.socket.tell({ type: "receipt.updated", conversation: room, user: me, read: 4 });
  const get = await server.socket.take("conversation.get");
  // Meanwhile it goes on, and the first answer is older than what is known by then.
  server.socket.tell(message(11));
  server.socket.tell({ type: "receipt.updated", conversation: room, user: me, read: 6 });
  server.socket.reply(get, { conversation: record({ head: 10, read: 4, unread: 6 }) });
  await settle();
  server.socket.reply(await server.socket.take("conversation.get"), { conversation: record({ head: 11, read: 6, unread: 5 }) });
  await settle();
  const [shown] = client.conversations.getSnapshot().conversations;
  assert.deepEqual([shown?.head, shown?.read, shown?.unread], [11, 6, 5]);
  assert.deepEqual(server.socket.commands, []);
  // Read to the end there is nothing to count.
  server.socket.tell({ type: "receipt.updated", conversation: room, user: me, read: 11 });
  await settle();
  assert.equal(client.conversations.getSnapshot().unread, 0);
  assert.deepEqual(server.socket.commands, []);
});

test("[D10] typing is told every 3 s at most, and shown for 6 s at most", async () => {
  const world = await Interrupted.open();
  await world.resume({ head: 3 }, { outcome: "events", epoch: "e1", head: 3, events: [], more: false });
  const { clock, socket } = world.server;
  for (let stroke = 0; stroke < 10; stroke++) {
    world.chat.startTyping();
    clock.advance(500);
  }
  await settle();
  assert.deepEqual(
    socket.commands.splice(0).map(({ type }) => type),
    ["typing.start", "typing.start"],
  );
  world.chat.stopTyping();
  world.chat.stopTyping();
  await socket.take("typing.stop");
  assert.deepEqual(socket.commands, []);
  const tell = (type: string, user = other): void => socket.tell({ type, conversation: room, user });
  tell("typing.started");
  tell("typing.started", me);
  assert.deepEqual(world.chat.getSnapshot().typing, [other]);
  clock.advance(6_000);
  assert.deepEqual(world.chat.getSnapshot().typing, []);
  tell("typing.started");
  socket.tell(message(4));
  assert.deepEqual(world.chat.getSnapshot().typing, []);
});

test("snapshots and messages stay the same objects until something changes", async () => {
  const world = await Interrupted.open();
  const before = world.chat.getSnapshot();
  assert.equal(world.chat.getSnapshot(), before);
  await world.resume({ head: 4 }, { outcome: "events", epoch: "e1", head: 4, events: [message(4)], more: false });
  const after = world.chat.getSnapshot();
  assert.notEqual(after, before);
  assert.deepEqual(seqs(before.events), [1, 2, 3]);
  before.messages.forEach((one, index) => assert.equal(after.messages[index], one));
});

test("a conversation whose last subscriber has gone is let go of after 30 s", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet({ conversations: [record({ head: 2 })] });
  const chat = client.conversation(room);
  const end = chat.subscribe(() => {});
  server.socket.reply(await server.socket.take("history.get"), { events: messages(1, 2), head: 2, more: false });
  await settle();
  end();
  server.clock.advance(29_000);
  chat.subscribe(() => {})();
  assert.equal(chat.getSnapshot().events.length, 2);
  server.clock.advance(30_000);
  assert.deepEqual(chat.getSnapshot().events, []);
  assert.equal(chat.getSnapshot().status, "loading");
});

test("many new events push out the oldest, which can be loaded again", async () => {
  const world = await Interrupted.open();
  await world.resume({ head: 3 }, { outcome: "events", epoch: "e1", head: 3, events: [], more: false });
  for (let seq = 4; seq <= 3_000; seq++) world.server.socket.tell(message(seq));
  const { events, hasOlder } = world.chat.getSnapshot();
  assert.ok(events.length <= 1_250 && events.length >= 1_000, `${events.length}`);
  assert.equal(hasOlder, true);
  assert.equal(world.told.length, 2_997);
});

test("a listener that throws is told as a problem and harms nobody", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  const failure = new Error("a listener of the page");
  const told: number[] = [];
  client.on("message.created", () => {
    throw failure;
  });
  client.on("message.created", ({ seq }) => told.push(seq));
  await server.greet({ conversations: [record()] });
  server.socket.tell(message(1));
  assert.deepEqual([told, server.problems], [[1], [failure]]);
});

test("after a long absence the list is read on until nothing in it has moved", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  const old = (n: number, head: number): Conversation => record({ id: `c${n}` as typeof room, head, lastAt: head });
  await server.greet({ conversations: [old(1, 1), old(2, 1), old(3, 1)], more: true, next: "page 2" });
  server.socket.end(1006);
  await server.reconnect();
  await server.greet({ conversations: [old(4, 5)], more: true, next: "page 2" });
  const first = await server.socket.take("conversation.list");
  assert.equal(first.cursor, "page 2");
  server.socket.reply(first, { conversations: [old(1, 4), old(2, 4)], more: true, next: "page 3" });
  const second = await server.socket.take("conversation.list");
  server.socket.reply(second, { conversations: [old(3, 1), old(5, 1)], more: true, next: "page 4" });
  await settle();
  assert.deepEqual(server.socket.commands, []);
  assert.deepEqual(
    client.conversations.getSnapshot().conversations.map(({ id, head }) => [id as string, head]),
    [
      ["c4", 5],
      ["c1", 4],
      ["c2", 4],
      ["c3", 1],
      ["c5", 1],
    ],
  );
});
