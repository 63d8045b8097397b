/**
 * Answers that are older than what was told beside them, and what was done elsewhere meanwhile. Each was found by a
 * simulated world (test/simulation), and stays here with its cause.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEvent, MessageDeleted, MessageEdited } from "@suda/protocol";
import { me, message, messages, other, record, room, settle } from "../../test/frames.ts";
import { ScriptedServer } from "../../test/scripted-server.ts";
import type { ClientConversation } from "../index.ts";

const at = 5_000;
const edited = (seq: number, target: number, fields: Partial<MessageEdited> = {}): MessageEdited => ({
  type: "message.edited",
  conversation: room,
  seq,
  at,
  from: other,
  target,
  rev: 1,
  content: { type: "text", text: "edited" },
  ...fields,
});
const deleted = (seq: number, target: number): MessageDeleted => ({ type: "message.deleted", conversation: room, seq, at, from: other, target });

/** A page that shows the room; its newest page was asked for and not answered. */
async function opening(head: number): Promise<{ server: ScriptedServer; chat: ClientConversation }> {
  const server = new ScriptedServer();
  const client = await server.open();
  await server.greet({ conversations: [record({ head, unread: head })] });
  const chat = client.conversation(room);
  chat.subscribe(() => {});
  return { server, chat };
}

function eventAt(chat: ClientConversation, seq: number): LogEvent | undefined {
  return chat.getSnapshot().events.find((event) => event.seq === seq);
}

test("[D8] a page that an edit overtook shows the message as it was edited", async () => {
  const { server, chat } = await opening(2);
  const page = await server.socket.take("history.get");
  // In one WebSocket message, so that the event is there before whoever waits for the reply goes on.
  server.socket.tell({ type: "reply", ref: page.ref, events: messages(1, 2), head: 2, more: false }, edited(3, 1));
  await settle();
  assert.deepEqual(eventAt(chat, 1), message(1, { content: { type: "text", text: "edited" }, edited: { rev: 1, at }, changed: 3 }));
  assert.deepEqual(eventAt(chat, 2), message(2));
});

test("[D8] a page that a deletion overtook does not show what was deleted, nor what it was edited to", async () => {
  const { server, chat } = await opening(2);
  const page = await server.socket.take("history.get");
  const events = [message(1, { content: { type: "text", text: "edited" }, edited: { rev: 1, at }, changed: 2 }), edited(2, 1)];
  server.socket.tell({ type: "reply", ref: page.ref, events, head: 2, more: false }, deleted(3, 1));
  await settle();
  assert.equal(eventAt(chat, 1)?.type, "message.created");
  assert.doesNotMatch(JSON.stringify(chat.getSnapshot()), /edited to|"text"/);
});

test("[D8] what a deleted message had been edited to is not held any more", async () => {
  const { server, chat } = await opening(1);
  server.socket.reply(await server.socket.take("history.get"), { events: messages(1, 1), head: 1, more: false });
  await settle();
  server.socket.tell([edited(2, 1), message(3), edited(4, 3)]);
  server.socket.tell(deleted(5, 1));
  await settle();
  assert.deepEqual(eventAt(chat, 2), edited(2, 1, { content: { type: "deleted" } }));
  assert.deepEqual(eventAt(chat, 4), edited(4, 3));
});

test("[D9] reading on another device is counted by the server when the messages are not held here", async () => {
  const server = new ScriptedServer();
  const client = await server.open();
  await server.greet({ conversations: [record({ head: 7, unread: 7 })] });
  server.socket.tell({ type: "receipt.updated", conversation: room, user: me, read: 3 });
  server.socket.reply(await server.socket.take("conversation.get"), { conversation: record({ head: 7, read: 3, unread: 2 }) });
  await settle();
  const { read, unread } = client.conversation(room).getSnapshot();
  assert.deepEqual({ read, unread }, { read: 3, unread: 2 });
  // Everything was read: nothing is left to be counted.
  server.socket.tell({ type: "receipt.updated", conversation: room, user: me, read: 7 });
  await settle();
  assert.equal(client.conversations.getSnapshot().unread, 0);
  assert.deepEqual(server.socket.commands, []);
});

test("[D9] a mark of another device that is ahead of the events is not lost", async () => {
  const server = new ScriptedServer();
  const client = await server.open();
  await server.greet({ conversations: [record({ head: 3, unread: 3 })] });
  // Events 4 and 5 were left out, and only a later `lag` will tell of them.
  server.socket.tell({ type: "receipt.updated", conversation: room, user: me, read: 5 });
  server.socket.reply(await server.socket.take("conversation.get"), { conversation: record({ head: 5, read: 5 }) });
  await settle();
  const { read, unread } = client.conversation(room).getSnapshot();
  assert.deepEqual({ read, unread }, { read: 5, unread: 0 });
});

test("a record that an event overtook is asked for again, and what the event changed is not lost", async () => {
  const server = new ScriptedServer();
  const client = await server.open();
  await server.greet({ conversations: [record({ head: 7, unread: 7 })] });
  server.socket.tell({ type: "receipt.updated", conversation: room, user: me, read: 3 });
  const asked = await server.socket.take("conversation.get");
  const pin = { type: "pin.added", conversation: room, seq: 8, at, from: other, target: 2 };
  server.socket.tell(pin, { type: "reply", ref: asked.ref, conversation: record({ head: 7, read: 3, unread: 2 }) });
  await settle();
  assert.deepEqual(client.conversation(room).getSnapshot().record?.pins, [2]);
  server.socket.reply(await server.socket.take("conversation.get"), { conversation: record({ head: 8, read: 3, unread: 2, pins: [2] }) });
  await settle();
  const { record: shown, unread } = client.conversation(room).getSnapshot();
  assert.deepEqual({ pins: shown?.pins, head: shown?.head, unread }, { pins: [2], head: 8, unread: 2 });
  assert.deepEqual(server.socket.commands, []);
});

test("what comes after an answer in the same message is not undone by it (found by the seeds 3611 and 3663 of the simulation)", async () => {
  const server = new ScriptedServer();
  const client = await server.open();
  await server.greet({ conversations: [record({ head: 7, read: 7, unread: 0 })] });
  const direct = client.openDirect(other);
  const asked = await server.socket.take("conversation.open");
  const hidden = { type: "conversation.changed", conversation: record({ head: 7, read: 7, unread: 0, hidden: true }), change: 2 };
  server.socket.tell({ type: "reply", ref: asked.ref, conversation: record({ head: 7, read: 7, unread: 0 }) }, hidden);
  await settle();
  assert.equal((await direct).getSnapshot().record?.hidden, true);
});
