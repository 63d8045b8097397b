/** What the user does on one device and sees on another: deleting for oneself, marking as unread, hiding; and what retention takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { concealMessage, type Conversation } from "@suda/protocol";
import { me, message, messages, other, record, room, settle } from "../../test/frames.ts";
import { ScriptedServer } from "../../test/scripted-server.ts";
import type { ClientConversation } from "../index.ts";

interface Opened {
  readonly server: ScriptedServer;
  readonly chat: ClientConversation;
}

/** A room with `head` messages of somebody else's, shown. */
async function open(head: number, fields: Partial<Conversation> = {}): Promise<Opened> {
  const server = new ScriptedServer();
  const client = await server.open();
  await server.greet({ conversations: [record({ head, unread: head, ...fields })] });
  const chat = client.conversation(room);
  chat.subscribe(() => {});
  await answerPage({ server, chat }, head);
  return { server, chat };
}

async function answerPage({ server }: Opened, head: number): Promise<void> {
  server.socket.reply(await server.socket.take("history.get"), { events: messages(1, head), head, more: false });
  await settle();
}

const stateOf = ({ chat }: Opened, seq: number): string | undefined => chat.getSnapshot().messages.find((one) => "seq" in one && one.seq === seq)?.state;

test("[D14] a message that another device deleted for its user is hidden here too, with what its edits said", async () => {
  const opened = await open(3);
  const { server, chat } = opened;
  const edit = { type: "message.edited", conversation: room, seq: 4, at: 9, from: other, target: 2, rev: 1, content: { type: "text", text: "edited" } };
  server.socket.tell(edit, { type: "conversation.changed", conversation: record({ head: 4, unread: 3, hiddenMessages: 1 }), change: 1, target: 2 });
  await settle();
  const { events, record: shown } = chat.getSnapshot();
  const { type, conversation, seq, at, from, clientId } = message(2);
  assert.deepEqual(events[1], { type, conversation, seq, at, from, clientId, content: { type: "deleted" }, hidden: true, changed: 4 });
  assert.deepEqual(events[3], { ...edit, content: { type: "deleted" } });
  assert.equal(shown?.hiddenMessages, 1);
  assert.deepEqual(server.socket.commands, []);
});

test("[D14] a page that the deletion for oneself overtook does not show the message (found by seed 4629 of the simulation)", async () => {
  const server = new ScriptedServer();
  const client = await server.open();
  await server.greet({ conversations: [record({ head: 2, unread: 2 })] });
  const chat = client.conversation(room);
  chat.subscribe(() => {});
  const page = await server.socket.take("history.get");
  server.socket.tell({ type: "conversation.changed", conversation: record({ head: 2, unread: 2, hiddenMessages: 1 }), change: 1, target: 1 });
  server.socket.reply(page, { events: messages(1, 2), head: 2, more: false });
  await settle();
  const [first, second] = chat.getSnapshot().events;
  assert.ok(first?.type === "message.created" && first.hidden === true);
  assert.deepEqual(second, message(2));
});

test("[D14] a message that comes after its deletion for oneself was told is not shown (found by seed 10277 of the simulation)", async () => {
  const { server, chat } = await open(2);
  server.socket.tell({ type: "conversation.changed", conversation: record({ head: 4, unread: 4, hiddenMessages: 1 }), change: 1, target: 4 }, message(4));
  const missing = await server.socket.take("history.get");
  server.socket.reply(missing, { events: messages(3, 4), head: 4, more: false });
  await settle();
  const [, , third, fourth] = chat.getSnapshot().events;
  assert.deepEqual(third, message(3));
  assert.ok(fourth?.type === "message.created" && fourth.hidden === true);
  assert.equal(chat.getSnapshot().record?.hiddenMessages, 1);
});

test("[D14] a message that is told live while the page that shows it deleted is read stays deleted (found by seed 1000002533 of two nodes)", async () => {
  const { server, chat } = await open(2);
  // The word of the deletion was lost between nodes, and the record tells of it first.
  server.socket.tell({ type: "lag", conversation: room, head: 4 });
  const missing = await server.socket.take("history.get");
  server.socket.tell({ type: "conversation.changed", conversation: record({ head: 4, unread: 4, hiddenMessages: 1 }), change: 1 });
  const page = await server.socket.take("history.get");
  server.socket.tell(message(3), message(4));
  await settle();
  const shown = concealMessage(message(3));
  server.socket.reply(missing, { events: [shown, message(4)], head: 4, more: false });
  server.socket.reply(page, { events: [...messages(1, 2), shown, message(4)], head: 4, more: false });
  await settle();
  assert.deepEqual(chat.getSnapshot().events, [...messages(1, 2), shown, message(4)]);
});

test("[D14] messages that were deleted for oneself while this device was away are found by reading the page again", async () => {
  const opened = await open(3);
  const { server, chat } = opened;
  server.socket.end(1006);
  await server.reconnect();
  await server.greet({ change: 1, conversations: [record({ head: 3, unread: 3, hiddenMessages: 1 })] });
  assert.equal(chat.getSnapshot().status, "loading");
  await answerPage(opened, 3);
  assert.equal(chat.getSnapshot().events.length, 3);
});

test("[C26] [C24] reading takes the mark away, also when there is nothing new to read; a new message shows what was hidden", async () => {
  const { server, chat } = await open(3, { read: 3, unread: 0, markedUnread: true, hidden: true });
  chat.markRead();
  assert.equal(chat.getSnapshot().record?.markedUnread, undefined);
  const told = await server.socket.take("receipt.read");
  assert.equal(told.seq, 3);
  server.socket.reply(told, { read: 3, unread: 0 });
  await settle();
  chat.markRead();
  assert.deepEqual(server.socket.commands, []);
  server.socket.tell(message(4));
  await settle();
  assert.equal(chat.getSnapshot().record?.hidden, undefined);
});

test("[D15] what retention took is shown no more, and the record is asked for again", async () => {
  const { server, chat } = await open(5);
  server.socket.tell({ type: "conversation.truncated", conversation: room, from: 4 });
  await settle();
  assert.deepEqual(
    chat.getSnapshot().events.map(({ seq }) => seq),
    [4, 5],
  );
  assert.equal(chat.getSnapshot().hasOlder, false);
  server.socket.reply(await server.socket.take("conversation.get"), { conversation: record({ head: 5, from: 4, unread: 2 }) });
  await settle();
  assert.equal(chat.getSnapshot().unread, 2);
  server.socket.tell({ type: "conversation.truncated", conversation: room, from: 6 });
  await settle();
  assert.deepEqual(chat.getSnapshot().events, []);
});

test("[D9] a device says once what it has received, the newest only, and reading says it too", async () => {
  const { server, chat } = await open(3);
  server.clock.advance(750);
  const first = await server.socket.take("receipt.delivered");
  assert.equal(first.seq, 3);
  server.socket.reply(first, { delivered: 3 });
  server.socket.tell(message(4), message(5));
  await settle();
  assert.deepEqual(
    server.socket.receiptCommands.filter(({ type }) => type === "receipt.delivered"),
    [],
  );
  server.clock.advance(750);
  const told = await server.socket.take("receipt.delivered");
  assert.equal(told.seq, 5);
  server.socket.reply(told, { delivered: 5 });
  await settle();
  server.socket.tell(message(6));
  await settle();
  chat.markRead();
  server.clock.advance(5_000);
  await server.socket.take("receipt.read");
  await assert.rejects(server.socket.take("receipt.delivered"), /no receipt.delivered came/);
});

test("[D9] in a group of over 100 members, and of who does not want it, nothing is said of what was received", async () => {
  const large = await open(3, { memberCount: 101 });
  const server = new ScriptedServer();
  const client = await server.open({ tellsDelivery: false });
  await server.greet({ conversations: [record({ head: 3, unread: 3 })] });
  for (const one of [large.server, server]) {
    one.socket.tell(message(4));
    await settle();
    assert.equal(one.socket.commands.length, 0);
    one.clock.advance(5_000);
    await assert.rejects(one.socket.take("receipt.delivered"), /no receipt.delivered came/);
  }
  await client[Symbol.asyncDispose]();
});

test("[D9] one's own message is sent, then delivered, then read; what others did before is asked for", async () => {
  const opened = await open(0);
  const { server } = opened;
  server.socket.tell(message(1, { from: me }));
  await settle();
  server.socket.end(1006);
  await server.reconnect();
  await server.greet({ conversations: [record({ head: 1, read: 1 })] });
  server.socket.reply(await server.socket.take("member.list"), { members: [{ user: other, role: "member", joinedAt: 0, read: 1, delivered: 2 }], more: false });
  server.socket.tell(message(2, { from: me }), message(3, { from: me }));
  await settle();
  assert.deepEqual(
    [1, 2, 3].map((seq) => stateOf(opened, seq)),
    ["read", "delivered", "sent"],
  );
  server.socket.tell({ type: "receipt.updated", conversation: room, user: other, read: 1, delivered: 3 });
  await settle();
  assert.equal(stateOf(opened, 3), "delivered");
  server.socket.tell({ type: "receipt.updated", conversation: room, user: other, read: 3, delivered: 3 });
  await settle();
  assert.equal(stateOf(opened, 3), "read");
  assert.deepEqual(opened.chat.getSnapshot().receipts, new Map([[other, { read: 3, delivered: 3 }]]));
});
