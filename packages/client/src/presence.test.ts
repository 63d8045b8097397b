import assert from "node:assert/strict";
import { test } from "node:test";
import type { UserId } from "@suda/protocol";
import { ScriptedServer, type ScriptedSocket } from "../test/scripted-server.ts";
import { settle } from "../test/waiting.ts";

const bob = "bob" as UserId;
const carol = "carol" as UserId;
const online = (socket: ScriptedSocket, user: UserId, is: boolean): void => socket.tell({ type: "presence.changed", user, online: is });

test("rows of a list that watch in one turn ask once; answers and events are the snapshot", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  client.presence.watch(["bob"]);
  client.presence.watch(["carol", "bob"]);
  await server.greet();
  const { socket } = server;
  const watch = await socket.take("presence.watch");
  assert.deepEqual(watch.users, ["bob", "carol"]);
  // Carol's event overtakes the answer, which says how it was before.
  online(socket, carol, true);
  socket.reply(watch, { presence: [bob, carol].map((user) => ({ user, online: false })) });
  await settle();
  assert.deepEqual(
    client.presence.getSnapshot(),
    new Map([
      [bob, false],
      [carol, true],
    ]),
  );
  const before = client.presence.getSnapshot();
  online(socket, bob, false);
  assert.equal(client.presence.getSnapshot(), before, "nothing changed");
  online(socket, "dave" as UserId, true);
  assert.equal(client.presence.getSnapshot().has("dave" as UserId), false, "nobody watches Dave");
  assert.deepEqual(socket.commands, []);
});

test("who is let go by the last one is unwatched and unknown", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet();
  const { socket } = server;
  const first = client.presence.watch(["bob"]);
  const second = client.presence.watch(["bob"]);
  socket.reply(await socket.take("presence.watch"), { presence: [{ user: bob, online: true }] });
  await settle();
  first();
  first();
  await settle();
  assert.deepEqual(socket.commands, []);
  second();
  assert.deepEqual((await socket.take("presence.unwatch")).users, ["bob"]);
  assert.equal(client.presence.getSnapshot().size, 0);
});

test("without a connection nobody is known, and the next one asks again", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet();
  client.presence.watch(["bob"]);
  server.socket.reply(await server.socket.take("presence.watch"), { presence: [{ user: bob, online: true }] });
  await settle();
  server.socket.end(1006);
  assert.equal(client.presence.getSnapshot().size, 0);
  await server.reconnect();
  await server.greet();
  server.socket.reply(await server.socket.take("presence.watch"), { presence: [{ user: bob, online: true }] });
  await settle();
  assert.equal(client.presence.getSnapshot().get(bob), true);
});

test("200 are watched at a time, and the others when some are let go", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet();
  const many = Array.from({ length: 200 }, (_, n) => `u${n}`);
  const end = client.presence.watch(many);
  client.presence.watch(["bob"]);
  assert.deepEqual((await server.socket.take("presence.watch")).users, many);
  end();
  assert.deepEqual((await server.socket.take("presence.unwatch")).users, many);
  assert.deepEqual((await server.socket.take("presence.watch")).users, ["bob"]);
});

test("a refusal that may pass is asked again, and one for good is not; what is no user id throws", async () => {
  const server = new ScriptedServer();
  await using client = await server.open();
  await server.greet();
  assert.throws(() => client.presence.watch(["밥"]), TypeError);
  client.presence.watch(["bob"]);
  server.socket.refuse(await server.socket.take("presence.watch"), "rate.limited", { retryable: true, retryAfterMs: 300 });
  await settle();
  assert.deepEqual(server.socket.commands, []);
  server.clock.advance(300);
  server.socket.refuse(await server.socket.take("presence.watch"), "frame.unknown_type");
  await settle();
  client.presence.watch(["carol"]);
  assert.deepEqual((await server.socket.take("presence.watch")).users, ["carol"]);
  assert.deepEqual(server.problems, []);
});
