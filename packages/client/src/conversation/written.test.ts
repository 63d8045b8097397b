/** What a reply says was written is shown, also when its event was lost on the way (promise 13). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientConversation, SudaClient } from "../index.ts";
import { me, message, record, room, settle } from "../../test/frames.ts";
import { ScriptedServer } from "../../test/scripted-server.ts";

async function openRoom(server: ScriptedServer): Promise<{ client: SudaClient; chat: ClientConversation }> {
  const client = await server.open();
  await server.greet({ conversations: [record()] });
  const chat = client.conversation(room);
  chat.subscribe(() => {});
  server.socket.reply(await server.socket.take("history.get"), { events: [], head: 0, more: false });
  await settle();
  return { client, chat };
}

test("a message whose event does not come within a second is read from the log", async () => {
  const server = new ScriptedServer();
  const { client, chat } = await openRoom(server);
  const { clientId, stored } = chat.sendText("1");
  assert.equal(client.unconfirmed, 1);
  server.socket.reply(await server.socket.take("message.send"), { seq: 1, at: 1_001 });
  await stored;
  assert.equal(client.unconfirmed, 0);
  server.clock.advance(999);
  await settle();
  assert.deepEqual(server.socket.commands, []);
  server.clock.advance(1);
  const read = await server.socket.take("history.get");
  assert.equal(read.after, 0);
  server.socket.reply(read, { events: [message(1, { from: me, clientId })], head: 1, more: false });
  await settle();
  assert.deepEqual(
    chat.getSnapshot().events.map(({ seq }) => seq),
    [1],
  );
  assert.equal(chat.getSnapshot().messages.length, 1);
});

test("when the event comes nothing is read; so with edits and everything else that is written", async () => {
  const server = new ScriptedServer();
  const { client, chat } = await openRoom(server);
  server.socket.tell(message(1));
  const reacted = client.request("reaction.add", { conversation: room, target: 1, emoji: "👍" });
  server.socket.reply(await server.socket.take("reaction.add"), { seq: 2, at: 1_002 });
  await reacted;
  server.socket.tell({ type: "reaction.added", conversation: room, seq: 2, at: 1_002, from: me, target: 1, emoji: "👍" });
  server.clock.advance(2_000);
  await settle();
  assert.deepEqual(server.socket.commands, []);
  const again = client.request("reaction.remove", { conversation: room, target: 1, emoji: "👍" });
  server.socket.reply(await server.socket.take("reaction.remove"), { seq: 3, at: 1_003 });
  await again;
  server.clock.advance(1_000);
  assert.equal((await server.socket.take("history.get")).after, 2);
  assert.equal(chat.getSnapshot().status, "ready");
});

test("failed messages count as unconfirmed until they are discarded", async () => {
  const server = new ScriptedServer();
  const { client, chat } = await openRoom(server);
  const { clientId } = chat.sendText("no");
  server.socket.refuse(await server.socket.take("message.send"), "frame.invalid");
  await settle();
  assert.equal(client.unconfirmed, 1);
  chat.discard(clientId);
  assert.equal(client.unconfirmed, 0);
});

test("the state of a connection that the server refused for now carries the refusal", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  server.socket.accept();
  server.socket.refuse(await server.socket.take("hello"), "server.draining", { retryable: true });
  await settle();
  const state = client.connection.getSnapshot();
  assert.ok(state.kind === "waiting");
  assert.equal(state.error?.code, "server.draining");
  await server.reconnect();
  server.socket.end(1006);
  const broken = client.connection.getSnapshot();
  assert.ok(broken.kind === "waiting");
  assert.equal(broken.error, undefined);
});
