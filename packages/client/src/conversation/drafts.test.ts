/** Drafts of bots as the client shows them: merged, healed, replaced by their message, and never frozen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, UserId } from "@suda/protocol";
import { message, me, other, record, room, settle } from "../../test/frames.ts";
import { ScriptedServer } from "../../test/scripted-server.ts";
import type { ClientConversation } from "./client-conversation.ts";

const stream = "answer-1" as ClientId;
const from = other;
const place = { conversation: room, from, stream };
const started = (fields: object = {}): object => ({ type: "stream.started", ...place, ...fields });
const appended = (offset: number, text: string): object => ({ type: "stream.appended", ...place, offset, text });
const texts = (conversation: ClientConversation): readonly string[] => conversation.getSnapshot().drafts.map(({ text }) => text);

/** An open conversation with nothing in it, whose drafts were asked for. */
async function openRoom(): Promise<{ server: ScriptedServer; conversation: ClientConversation }> {
  const server = new ScriptedServer();
  server.hasDrafts = true;
  const client = await server.open();
  await server.greet({ conversations: [record()] });
  const conversation = client.conversation(room);
  conversation.subscribe(() => {});
  server.socket.reply(await server.socket.take("history.get"), { events: [], head: 0, more: false });
  server.socket.reply(await server.socket.take("stream.get"), { drafts: [] });
  await settle();
  return { server, conversation };
}

test("[T54] a draft grows part by part, and what is there already changes nothing", async () => {
  const { server, conversation } = await openRoom();
  server.socket.tell(started({ replyTo: 3 }));
  assert.deepEqual(conversation.getSnapshot().drafts, [{ stream, from, text: "", at: server.clock.now(), replyTo: 3 }]);
  server.socket.tell(appended(0, "수다👋 "));
  const [before] = conversation.getSnapshot().drafts;
  server.socket.tell(appended(2, "👋"), appended(0, "수다"));
  assert.equal(conversation.getSnapshot().drafts[0], before, "the same object while nothing changed");
  server.socket.tell(appended(2, "👋 안녕"));
  assert.deepEqual(texts(conversation), ["수다👋 안녕"]);
});

test("[T54] a part that was lost is asked for, once", async () => {
  const { server, conversation } = await openRoom();
  server.socket.tell(started(), appended(0, "one "), appended(8, "three "), appended(14, "four"));
  assert.deepEqual(texts(conversation), ["one "]);
  const asked = await server.socket.take("stream.get");
  assert.deepEqual(server.socket.commands, []);
  server.socket.reply(asked, { drafts: [{ stream, from, text: "one two three four", startedAt: 0 }] });
  await settle();
  assert.deepEqual(texts(conversation), ["one two three four"]);
  server.socket.tell(appended(18, "!"));
  assert.deepEqual(texts(conversation), ["one two three four!"]);
});

test("[T54] its message takes its place in the same moment, and no answer that was late brings it back", async () => {
  const { server, conversation } = await openRoom();
  server.socket.tell(started(), appended(0, "all"), appended(9, "x"));
  const asked = await server.socket.take("stream.get");
  const shown: string[] = [];
  conversation.subscribe(() => shown.push([...texts(conversation), ...conversation.getSnapshot().messages.map(({ clientId }) => clientId)].join()));
  // The message waits for what is before it, and the draft with it.
  server.socket.tell({ type: "stream.finished", ...place, target: 2 }, message(2, { from, clientId: stream }));
  await settle();
  assert.deepEqual(texts(conversation), ["all"]);
  server.socket.reply(await server.socket.take("history.get"), { events: [message(1)], head: 2, more: false });
  await settle();
  assert.deepEqual(shown.at(-1), `c1,${stream}`);
  assert.ok(
    shown.every((one) => one.startsWith("all") || one.includes(stream)),
    shown.join(" | "),
  );
  server.socket.reply(asked, { drafts: [{ stream, from, text: "all", startedAt: 0 }] });
  server.socket.tell(appended(3, "late"));
  await settle();
  assert.deepEqual(texts(conversation), []);
});

test("[T54] an aborted draft goes at once, one that hears nothing more after 35 s", async () => {
  const { server, conversation } = await openRoom();
  server.socket.tell(started(), appended(0, "half"));
  server.socket.tell({ type: "stream.aborted", ...place, reason: "gone" });
  assert.deepEqual(texts(conversation), []);
  server.socket.tell(started(), appended(0, "again"));
  server.clock.advance(34_999);
  server.socket.tell(appended(5, "."));
  server.clock.advance(34_999);
  assert.deepEqual(texts(conversation), ["again."]);
  server.clock.advance(1);
  assert.deepEqual(texts(conversation), []);
});

test("[T54] begun anew it is empty; told midway it is as long as it is", async () => {
  const { server, conversation } = await openRoom();
  server.socket.tell(started(), appended(0, "first"), started());
  assert.deepEqual(texts(conversation), [""]);
  server.socket.tell(started({ text: "second one" }), started({ text: "second" }));
  assert.deepEqual(texts(conversation), ["second one"]);
});

test("[T54] after a break the draft stays until it is known what became of it", async () => {
  const { server, conversation } = await openRoom();
  server.socket.tell(started(), appended(0, "kept"), { ...started(), stream: "s-2" });
  server.socket.end(1006);
  assert.deepEqual(texts(conversation), ["kept", ""]);
  await server.reconnect();
  await server.greet({ conversations: [record()] });
  server.socket.reply(await server.socket.take("stream.get"), { drafts: [{ stream, from, text: "kept and more", startedAt: 0 }] });
  await settle();
  assert.deepEqual(texts(conversation), ["kept and more"]);
});

test("[T46] [T54] who thinks is shown for 30 s, or until they stream, write or say otherwise", async () => {
  const { server, conversation } = await openRoom();
  const thinking = (user: UserId = other): void => server.socket.tell({ type: "thinking.started", conversation: room, user });
  const shown = (): readonly UserId[] => conversation.getSnapshot().thinking;
  thinking();
  thinking(me);
  assert.deepEqual(shown(), [other]);
  server.clock.advance(30_000);
  assert.deepEqual(shown(), []);
  for (const end of [started(), { type: "thinking.stopped", conversation: room, user: other }, message(1)]) {
    thinking();
    assert.deepEqual(shown(), [other]);
    server.socket.tell(end);
    assert.deepEqual(shown(), []);
  }
});
