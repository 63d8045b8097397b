/** Taps that survive broken connections, and what comes back of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InteractionAnswered } from "@suda/protocol";
import { me, message, other, record, room, settle } from "../../test/frames.ts";
import { ScriptedServer } from "../../test/scripted-server.ts";
import { ClientClosed, OutboxFull, RequestRefused } from "../index.ts";

const quickReplies = [{ action: { type: "postback", id: "yes", label: "Yes" } }];

async function opened() {
  const server = new ScriptedServer();
  const client = await server.open();
  await server.greet({ conversations: [record({ head: 1, unread: 1 })] });
  const chat = client.conversation(room);
  chat.subscribe(() => {});
  server.socket.reply(await server.socket.take("history.get"), { events: [{ ...message(1), quickReplies } as never], head: 1, more: false });
  await settle();
  return { server, client, chat };
}

test("[T15] a tap is tried again over another connection, and after a refusal that may pass, with the same clientId", async () => {
  const { server, chat } = await opened();
  const result = chat.tap(1, "yes", { a: "b" });
  const first = await server.socket.take("interaction.tap");
  const { ref: _ref, ...asked } = first;
  assert.deepEqual(asked, { type: "interaction.tap", conversation: room, target: 1, action: "yes", value: { a: "b" }, clientId: first.clientId });
  server.socket.end(1006);
  await server.reconnect();
  await server.greet({ conversations: [record({ head: 1, unread: 1 })] });
  const second = await server.socket.take("interaction.tap");
  assert.equal(second.clientId, first.clientId);
  server.socket.refuse(second, "server.busy", { retryable: true, retryAfterMs: 300 });
  await settle();
  server.clock.advance(299);
  await settle();
  assert.ok(!server.socket.commands.some(({ type }) => type === "interaction.tap"));
  server.clock.advance(1);
  const third = await server.socket.take("interaction.tap");
  assert.equal(third.clientId, first.clientId);
  server.socket.reply(third, { seq: 2, at: 5, duplicate: true });
  assert.deepEqual((({ seq, at, duplicate }) => ({ seq, at, duplicate }))(await result), { seq: 2, at: 5, duplicate: true });
});

test("[T15] a refusal for good ends it, and so does the end of the client", async () => {
  const { server, client, chat } = await opened();
  const refused = chat.tap(1, "no");
  server.socket.refuse(await server.socket.take("interaction.tap"), "interaction.not_found");
  await assert.rejects(refused, (error) => error instanceof RequestRefused && error.code === "interaction.not_found");
  server.socket.end(1006);
  await settle();
  const waiting = chat.tap(1, "yes");
  const ended = assert.rejects(waiting, ClientClosed);
  await settle();
  await client[Symbol.asyncDispose]();
  await ended;
});

test("as many taps wait as a person could mean, and one more is refused until there is an answer", async () => {
  const { server, chat } = await opened();
  const waiting = Array.from({ length: 32 }, () => chat.tap(1, "yes"));
  await assert.rejects(chat.tap(1, "yes"), OutboxFull);
  server.socket.reply(await server.socket.take("interaction.tap"), { seq: 2, at: 5 });
  await waiting[0];
  void chat.tap(1, "no");
  for (let count = 0; count < 31; count++) await server.socket.take("interaction.tap");
  assert.equal((await server.socket.take("interaction.tap")).action, "no");
});

test("[T17] [T20] the snapshot loses quick replies that were answered and says what is used up; a toast is an event of the client's", async () => {
  const { server, client, chat } = await opened();
  const toasts: InteractionAnswered[] = [];
  client.on("interaction.answered", (event) => toasts.push(event));
  const shown = () => chat.getSnapshot().messages.map((one) => ("seq" in one ? { quickReplies: one.quickReplies, used: one.used } : {}));
  assert.deepEqual(shown(), [{ quickReplies, used: undefined }]);
  const place = { conversation: room, seq: 2, at: 5, from: me, clientId: "c" };
  const toast = { type: "interaction.answered", conversation: room, target: 2, from: other, toast: "Noted" };
  server.socket.tell({ type: "interaction.created", ...place, target: 1, to: other, action: "yes", kind: "postback", once: true }, toast);
  await settle();
  assert.deepEqual(shown(), [{ quickReplies: undefined, used: [{ action: "yes", seq: 2 }] }]);
  assert.deepEqual(toasts, [toast]);
});
