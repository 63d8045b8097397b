/** The client against the real server, over real sockets. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { LogEvent } from "@suda/protocol";
import { clientId, createTestGroup, goldenMessage, say, textOf, userId } from "@suda/testing";
import { RequestRefused } from "../src/index.ts";
import { until } from "./waiting.ts";
import { World } from "./world.ts";

const texts = (events: readonly { readonly content?: { readonly type: string; readonly text?: string } }[]): (string | undefined)[] =>
  events.map(({ content }) => content?.text);

test("two users talk: messages, receipts, typing, unread", async () => {
  await using world = await World.open();
  const alice = await world.client("alice");
  const bob = await world.client("bob");
  await Promise.all([alice.ready(), bob.ready()]);
  assert.equal(alice.user, "alice");

  const room = await alice.openDirect("bob");
  const { clientId: sent, stored } = room.sendText("안녕하세요 👋");
  assert.deepEqual(await stored, { seq: 1, at: world.suda.clock.now() });
  const shown = await until(room, ({ messages }) => messages[0]?.state === "sent");
  assert.equal(shown.messages[0]?.clientId, sent);
  assert.equal(shown.messages[0]?.isMine, true);

  const list = await until(bob.conversations, ({ unread }) => unread === 1);
  assert.equal(list.conversations[0]?.id, room.id);
  const bobs = bob.conversation(room.id);
  await until(bobs, ({ status, messages }) => status === "ready" && messages.length === 1);
  room.startTyping();
  await until(bobs, ({ typing }) => typing.includes(userId("alice")));
  bobs.markRead();
  await until(room, ({ messages }) => messages[0]?.state === "read");
  await until(bob.conversations, ({ unread }) => unread === 0);
  bobs.sendText("네!");
  const both = await until(room, ({ messages }) => messages.length === 2);
  assert.deepEqual(
    both.messages.map(({ content, isMine }) => [content, isMine]),
    [
      [textOf("안녕하세요 👋"), true],
      [textOf("네!"), false],
    ],
  );
});

test("listeners of a client that was away get every event once, in order", async () => {
  await using world = await World.open();
  await using bob = await world.suda.connect("bob");
  const { id } = await createTestGroup(bob, ["alice"]);
  const alice = await world.client("alice");
  const received: LogEvent[] = [];
  alice.on("event", (event) => received.push(event));
  await alice.ready();
  const room = alice.conversation(id);
  for (let n = 0; n < 5; n++) await say(bob, id, `before ${n}`);
  await until(room, ({ messages }) => messages.length === 5);

  // The network breaks, and 150 messages are said before she is back: more than a resume brings at once.
  world.cut();
  await until(alice.connection, ({ kind }) => kind !== "open");
  await using carol = await world.suda.connect("bob");
  for (let n = 0; n < 150; n++) await say(carol, id, `away ${n}`);
  alice.retryNow();
  await until(room, ({ messages }) => messages.length === 155);
  assert.deepEqual(
    received.map(({ seq }) => seq),
    Array.from({ length: 155 }, (_, index) => index + 1),
  );
});

test("[D4] a pipeline of messages is stored in the order in which it was written", async () => {
  await using world = await World.open();
  const alice = await world.client("alice");
  await alice.ready();
  const room = await alice.openDirect("bob");
  // All but the last without waiting: more than fit into one window.
  const sendings = Array.from({ length: 40 }, (_, n) => room.sendText(`${n}`));
  const stored = await Promise.all(sendings.map((one) => one.stored));
  assert.deepEqual(
    stored.map(({ seq }) => seq),
    Array.from({ length: 40 }, (_, n) => n + 1),
  );
  const { messages } = await until(room, (snapshot) => snapshot.events.length === 40);
  assert.deepEqual(
    texts(messages),
    Array.from({ length: 40 }, (_, n) => `${n}`),
  );
});

test("older history is loaded page by page, and bytes come back as bytes", async () => {
  await using world = await World.open();
  await using bob = await world.suda.connect("bob");
  const { id } = await createTestGroup(bob, ["alice"]);
  const bytes = Uint8Array.of(0, 1, 254, 255);
  await bob.request({ type: "message.send", conversation: id, clientId: clientId(randomUUID()), content: { type: "bytes", mime: "image/png", bytes } });
  for (let n = 0; n < 119; n++) await say(bob, id, `${n}`);
  const alice = await world.client("alice");
  const room = alice.conversation(id);
  const end = room.subscribe(() => {});
  const first = await until(room, ({ status }) => status === "ready");
  assert.equal(first.events.length, 50);
  assert.equal(first.hasOlder, true);
  assert.equal(await room.loadOlder(), true);
  assert.equal(await room.loadOlder(), true);
  const all = room.getSnapshot();
  assert.equal(all.events.length, 120);
  assert.equal(all.hasOlder, false);
  assert.deepEqual(all.messages[0]?.content, { type: "bytes", mime: "image/png", bytes });
  assert.equal(await room.loadOlder(), false);
  end();
});

test("a message that is refused for good is failed, and the next one goes out", async () => {
  await using world = await World.open();
  const alice = await world.client("alice");
  await alice.ready();
  const room = await alice.openDirect("bob");
  const refused = room.sendText("");
  const taken = room.sendText("good");
  await assert.rejects(refused.stored, (error) => error instanceof RequestRefused && error.code === "frame.invalid" && error.path === "/content/text");
  assert.equal((await taken.stored).seq, 1);
  const { messages } = await until(room, (snapshot) => snapshot.events.length === 1);
  assert.deepEqual(
    messages.map(({ state }) => state),
    ["sent", "failed"],
  );
  assert.equal(room.discard(refused.clientId), true);
  assert.equal(room.getSnapshot().messages.length, 1);
});

test("[T2] [T10] what stands beside a bot's message is shown, and gone when it is deleted", async () => {
  await using world = await World.open();
  await world.suda.backend().request("PUT", "/v1/bots/alice", {});
  const alice = await world.client("alice");
  const bob = await world.client("bob");
  await Promise.all([alice.ready(), bob.ready()]);
  const room = await alice.openDirect("bob");
  const shown = bob.conversation(room.id);
  await shown.load();
  const end = shown.subscribe(() => {});
  const beside = { altText: "x", quickReplies: goldenMessage("text").quickReplies ?? [], sender: { name: "Tutor" } };
  await alice.request("message.send", { conversation: room.id, clientId: clientId("c"), ...goldenMessage("card"), ...beside });
  const { messages } = await until(shown, ({ events }) => events.length === 1);
  const [message] = messages;
  assert.ok(message?.state === "sent");
  assert.deepEqual([message.content, message.altText, message.quickReplies, message.sender], [goldenMessage("card").content, ...Object.values(beside)]);
  await alice.request("message.delete", { conversation: room.id, target: 1 });
  const [deleted] = (await until(shown, ({ events }) => events.length === 2)).messages;
  assert.ok(deleted?.state === "sent");
  assert.deepEqual([deleted.content, deleted.altText, deleted.quickReplies, deleted.sender], [{ type: "deleted" }, undefined, undefined, undefined]);
  end();
});

test("[D8] edits, deletions, reactions, answers and pins are shown as history would show them", async () => {
  await using world = await World.open();
  const alice = await world.client("alice");
  const bob = await world.client("bob");
  await Promise.all([alice.ready(), bob.ready()]);
  const room = await alice.openDirect("bob");
  const shown = bob.conversation(room.id);
  await shown.load();
  const end = shown.subscribe(() => {});
  await room.sendText("one").stored;
  await room.sendText("two").stored;
  await room.sendText("three", { replyTo: 2 }).stored;
  const about = { conversation: room.id, target: 1 };
  await alice.request("message.edit", { ...about, content: textOf("one, edited") });
  await alice.request("reaction.add", { ...about, emoji: "👍" });
  await bob.request("reaction.add", { ...about, emoji: "👍" });
  await alice.request("pin.add", about);
  await alice.request("message.delete", { conversation: room.id, target: 2 });
  const { messages, record } = await until(shown, ({ events }) => events.length === 8);
  const [first, second, third] = messages;
  assert.deepEqual(first?.content, textOf("one, edited"));
  assert.ok(first.state === "sent" && second?.state === "sent");
  assert.deepEqual([first.edited?.rev, first.reactions], [1, [{ emoji: "👍", count: 2, mine: true }]]);
  assert.deepEqual([second.content, second.deleted?.by], [{ type: "deleted" }, "alice"]);
  assert.equal(third?.replyTo, 2);
  assert.deepEqual(record?.pins, [1]);
  const afresh = await bob.request("history.get", { conversation: room.id });
  assert.deepEqual(shown.getSnapshot().events.slice(0, 3), afresh.events.slice(0, 3));
  end();
});

test("[D12] whoever is removed sees that the conversation is gone", async () => {
  await using world = await World.open();
  await using bob = await world.suda.connect("bob");
  const { id } = await createTestGroup(bob, ["alice"]);
  const alice = await world.client("alice");
  await alice.ready();
  const room = alice.conversation(id);
  await room.load();
  await bob.request({ type: "member.remove", conversation: id, user: userId("alice") });
  await until(room, ({ status }) => status === "left");
  assert.deepEqual(alice.conversations.getSnapshot().conversations, []);
  await assert.rejects(alice.conversation("nobody-has-this").load(), { code: "conversation.not_found" });
});

test("a token of somebody else's server ends the client with the reason", async () => {
  await using world = await World.open();
  const client = await world.client("alice", { tokenProvider: () => "no.token.atall" });
  await assert.rejects(client.ready(), { code: "client.closed" });
  const state = client.connection.getSnapshot();
  assert.ok(state.kind === "closed");
  assert.equal(state.error?.code, "auth.invalid");
});

test("who is watched is online, then not, and known again after a break", async () => {
  await using world = await World.open();
  const alice = await world.client("alice");
  const bob = await world.client("bob");
  await Promise.all([alice.ready(), bob.ready()]);
  await alice.openDirect("bob");
  alice.presence.watch(["bob"]);
  await until(alice.presence, (presence) => presence.get(userId("bob")) === true);
  world.cut();
  await until(alice.presence, (presence) => !presence.has(userId("bob")));
  alice.retryNow();
  bob.retryNow();
  await until(alice.presence, (presence) => presence.get(userId("bob")) === true);
  await bob[Symbol.asyncDispose]();
  const gone = until(alice.presence, (presence) => presence.get(userId("bob")) === false);
  // Who is back within 5 s was never away; the server's clock stands still, and begins to wait when the socket is closed.
  const timer = setInterval(() => world.suda.clock.advance(5_000), 20);
  await gone.finally(() => clearInterval(timer));
});

test("why nothing can be reached is said, where the runtime knows it", async () => {
  await using world = await World.open();
  const client = await world.client("alice", { url: "ws://127.0.0.1:1/v1/socket" });
  const state = await until(client.connection, ({ kind }) => kind === "waiting");
  assert.ok(state.kind === "waiting");
  assert.match(state.reason, /ECONNREFUSED/);
});
