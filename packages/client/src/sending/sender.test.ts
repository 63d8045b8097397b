/** Sending, over connections that break and servers that refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandOf } from "@suda/protocol";
import { message, me, other, record, room, settle } from "../../test/frames.ts";
import { outboxEntry } from "../../test/outbox-suite.ts";
import { ScriptedServer, type ScriptedSocket } from "../../test/scripted-server.ts";
import { MemoryOutbox, type ClientConversation, type SudaClient } from "../index.ts";

interface Chat {
  readonly server: ScriptedServer;
  readonly client: SudaClient;
  readonly outbox: MemoryOutbox;
  readonly chat: ClientConversation;
}

async function openChat(outbox: MemoryOutbox = new MemoryOutbox()): Promise<Chat> {
  const server = new ScriptedServer();
  const client = await server.open({ outbox });
  await server.greet({ conversations: [record()] });
  return { server, client, outbox, chat: client.conversation(room) };
}

/** All sends that the socket got and that were not taken. */
async function sends(socket: ScriptedSocket): Promise<CommandOf<"message.send">[]> {
  await settle();
  return socket.commands.splice(0).filter((command) => command.type === "message.send");
}

const textsOf = (commands: readonly CommandOf<"message.send">[]): unknown[] =>
  commands.map(({ content }) => (content.type === "text" ? content.text : content));

test("[D3] an unanswered message is sent again on the next connection with the same clientId", async () => {
  const { server, client, outbox, chat } = await openChat();
  const { clientId, stored } = chat.sendText("one");
  const [first] = await sends(server.socket);
  assert.equal(first?.clientId, clientId);
  assert.equal((await outbox.load()).length, 1);
  server.socket.end(1006);
  await server.reconnect();
  await server.greet({ conversations: [record()] });
  const [again] = await sends(server.socket);
  assert.ok(again !== undefined);
  assert.deepEqual({ ...again, ref: 0 }, { ...first, ref: 0 });
  server.socket.reply(again, { seq: 1, at: 5, duplicate: true });
  assert.deepEqual(await stored, { seq: 1, at: 5 });
  assert.deepEqual(await outbox.load(), []);
  await client[Symbol.asyncDispose]();
});

test("what a program left behind when it ended is sent by the next, in order, and shown meanwhile", async () => {
  const outbox = new MemoryOutbox();
  {
    const server = new ScriptedServer();
    const client = await server.open({ outbox });
    for (const text of ["one", "two", "three"]) client.conversation(room).sendText(text);
    await settle();
    // As if the program were killed: nothing is disposed.
  }
  const { server, chat } = await openChat(outbox);
  assert.deepEqual(
    chat.getSnapshot().messages.map(({ state, content }) => [state, content]),
    ["one", "two", "three"].map((text) => ["sending", { type: "text", text }]),
  );
  assert.deepEqual(textsOf(await sends(server.socket)), ["one", "two", "three"]);
});

test("[D4] at most 16 are without an answer, and the rest follows in order", async () => {
  const { server, chat } = await openChat();
  for (let n = 0; n < 40; n++) chat.sendText(`${n}`);
  const first = await sends(server.socket);
  assert.deepEqual(
    textsOf(first),
    Array.from({ length: 16 }, (_, n) => `${n}`),
  );
  first.slice(0, 4).forEach((command, index) => server.socket.reply(command, { seq: index + 1, at: 1 }));
  assert.deepEqual(textsOf(await sends(server.socket)), ["16", "17", "18", "19"]);
  server.socket.end(1006);
  await server.reconnect();
  await server.greet({ conversations: [record()] });
  // The twelve without an answer come first.
  assert.deepEqual(
    textsOf(await sends(server.socket)),
    Array.from({ length: 16 }, (_, n) => `${n + 4}`),
  );
});

test("[D17] each names the one before it that has no answer yet, and no other", async () => {
  const { server, client, chat } = await openChat();
  for (const text of ["a", "b", "c"]) chat.sendText(text);
  const sent = await sends(server.socket);
  assert.deepEqual(
    sent.map(({ follows }) => follows),
    [undefined, sent[0]?.clientId, sent[1]?.clientId],
  );
  sent.forEach((command, index) => server.socket.reply(command, { seq: index + 1, at: 1 }));
  await settle();
  chat.sendText("d");
  const [d] = await sends(server.socket);
  assert.ok(d !== undefined && !("follows" in d));
  server.socket.reply(d, { seq: 4, at: 1 });
  await client[Symbol.asyncDispose]();
});

test("[D4] a message that the outbox does not have yet is not overtaken by one that it has", async () => {
  const server = new ScriptedServer();
  const kept: (() => void)[] = [];
  const outbox = { load: async () => [], put: () => new Promise<void>((resolve) => kept.push(resolve)), remove: async () => {} };
  await using client = await server.open({ outbox });
  await server.greet({ conversations: [record()] });
  const chat = client.conversation(room);
  chat.sendText("a");
  chat.sendText("b");
  kept[1]?.();
  assert.deepEqual(await sends(server.socket), []);
  kept[0]?.();
  const both = await sends(server.socket);
  assert.deepEqual(textsOf(both), ["a", "b"]);
  both.forEach((command, index) => server.socket.reply(command, { seq: index + 1, at: 1 }));
});

test("after a refusal that passes, messages go out one at a time, the refused one first", async () => {
  const { server, chat } = await openChat();
  for (const text of ["a", "b", "c"]) chat.sendText(text);
  const [a, b, c] = await sends(server.socket);
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  server.socket.refuse(a, "server.busy", { retryable: true, retryAfterMs: 300 });
  server.socket.refuse(b, "server.busy", { retryable: true, retryAfterMs: 300 });
  server.socket.refuse(c, "server.busy", { retryable: true, retryAfterMs: 300 });
  assert.deepEqual(await sends(server.socket), []);
  server.clock.advance(300);
  const [again, ...rest] = await sends(server.socket);
  assert.ok(again !== undefined);
  assert.deepEqual([again.clientId, rest], [a.clientId, []]);
  server.socket.reply(again, { seq: 1, at: 1 });
  const [next] = await sends(server.socket);
  assert.equal(next?.clientId, b.clientId);
});

test("a long backlog goes out no faster than a server takes it", async () => {
  const { server, chat } = await openChat();
  for (let n = 0; n < 200; n++) chat.sendText(`${n}`);
  let seq = 0;
  let passedMs = 0;
  const arrived: unknown[] = [];
  while (arrived.length < 200) {
    const batch = await sends(server.socket);
    arrived.push(...textsOf(batch));
    for (const command of batch) server.socket.reply(command, { seq: ++seq, at: 1 });
    if (batch.length === 0) {
      server.clock.advance(25);
      passedMs += 25;
    }
    assert.ok(passedMs < 10_000);
  }
  assert.deepEqual(
    arrived,
    Array.from({ length: 200 }, (_, n) => `${n}`),
  );
  // A burst of 50, then 40 a second.
  assert.ok(passedMs >= 3_700, `${passedMs} ms`);
});

test("a message that is refused for good is failed, also after a restart, until it is retried or discarded", async () => {
  const { server, client, outbox, chat } = await openChat();
  const { clientId, stored } = chat.sendText("bad");
  const [command] = await sends(server.socket);
  server.socket.refuse(command, "member.forbidden");
  await assert.rejects(stored, { name: "RequestRefused", code: "member.forbidden", retryable: false });
  await client[Symbol.asyncDispose]();

  const next = await openChat(outbox);
  const [shown] = next.chat.getSnapshot().messages;
  assert.ok(shown?.state === "failed");
  assert.deepEqual([shown.key, shown.failure.code], [clientId, "member.forbidden"]);
  assert.deepEqual(await sends(next.server.socket), []);
  const retried = next.chat.retry(clientId);
  const [again] = await sends(next.server.socket);
  assert.ok(again !== undefined);
  assert.equal(again.clientId, clientId);
  next.server.socket.refuse(again, "member.forbidden");
  await assert.rejects(retried?.stored ?? Promise.resolve(), { code: "member.forbidden" });
  assert.equal(next.chat.retry("unknown"), undefined);
  assert.equal(next.chat.discard(clientId), true);
  assert.equal(next.chat.discard(clientId), false);
  assert.deepEqual([await outbox.load(), next.chat.getSnapshot().messages], [[], []]);
});

test("a message is shown once, whether its answer or its event comes first", async () => {
  for (const isEventFirst of [true, false]) {
    const { server, outbox, chat } = await openChat();
    const end = chat.subscribe(() => {});
    const history = await server.socket.take("history.get");
    server.socket.reply(history, { events: [], head: 0, more: false });
    await settle();
    const states: string[] = [];
    const note = async (): Promise<void> => {
      await settle();
      states.push(
        chat
          .getSnapshot()
          .messages.map(({ state, key }) => `${state} ${key === clientId}`)
          .join(),
      );
    };
    const { clientId, stored } = chat.sendText("one");
    const [command] = await sends(server.socket);
    assert.ok(command !== undefined);
    await note();
    const event = message(1, { from: me, clientId, content: command.content });
    if (isEventFirst) server.socket.tell(event);
    else server.socket.reply(command, { seq: 1, at: event.at });
    await note();
    if (isEventFirst) server.socket.reply(command, { seq: 1, at: event.at });
    else server.socket.tell(event);
    await note();
    server.socket.tell({ type: "receipt.updated", conversation: room, user: other, read: 1 });
    await note();
    assert.deepEqual(states, ["sending true", "sent true", "sent true", "read true"]);
    assert.deepEqual(await stored, { seq: 1, at: event.at });
    assert.deepEqual(await outbox.load(), []);
    end();
  }
});

test("disposing waits for what is on its way, for 2 s at most; the rest stays in the outbox and is said so", async () => {
  const { server, client, outbox, chat } = await openChat();
  const answered = chat.sendText("in time");
  const [command] = await sends(server.socket);
  assert.ok(command !== undefined);
  const late = chat.sendText("too late");
  const disposed = client[Symbol.asyncDispose]();
  server.socket.reply(command, { seq: 1, at: 1 });
  assert.deepEqual(await answered.stored, { seq: 1, at: 1 });
  server.clock.advance(2_000);
  await disposed;
  await assert.rejects(late.stored, { code: "client.closed" });
  assert.deepEqual(
    (await outbox.load()).map(({ clientId }) => clientId),
    [late.clientId],
  );
  assert.equal(server.clock.pendingTimers, 0);
});

test("nobody's messages are sent for somebody else", async () => {
  const outbox = new MemoryOutbox();
  await outbox.put(outboxEntry("of-bob", { user: other }));
  await outbox.put(outboxEntry("of-alice", { user: me }));
  const { server, chat } = await openChat(outbox);
  assert.deepEqual(
    (await sends(server.socket)).map(({ clientId }) => clientId as string),
    ["of-alice"],
  );
  assert.equal(chat.getSnapshot().messages.length, 1);
  assert.equal((await outbox.load()).length, 2);
});

test("an outbox that cannot write is told, and sending goes on", async () => {
  const server = new ScriptedServer();
  const full = new Error("disk full");
  const outbox = { load: async () => [], put: () => Promise.reject(full), remove: () => Promise.reject(full) };
  await using client = await server.open({ outbox });
  await server.greet({ conversations: [record()] });
  const { stored } = client.conversation(room).sendText("one");
  const [command] = await sends(server.socket);
  assert.ok(command !== undefined);
  server.socket.reply(command, { seq: 1, at: 1 });
  await stored;
  await settle();
  assert.deepEqual(server.problems, [full, full]);
});

test("a thousand messages wait; the next is refused at once", async () => {
  const { chat } = await openChat();
  for (let n = 0; n < 1_000; n++) chat.sendText(`${n}`);
  assert.throws(() => chat.sendText("one more"), { code: "outbox.full", retryable: true });
});

test("a message that is too large fails by itself", async () => {
  const { server, chat } = await openChat();
  const { stored } = chat.send({ type: "bytes", mime: "image/png", bytes: new Uint8Array(60_000) });
  chat.sendText("fine");
  await assert.rejects(stored, { code: "frame.too_large" });
  assert.deepEqual(textsOf(await sends(server.socket)), ["fine"]);
});
