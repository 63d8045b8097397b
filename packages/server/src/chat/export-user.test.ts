/** S54: what an export of a user holds, and what of others it does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConversationId, UserId } from "@suda/protocol";
import { clientId, createTestGroup, say, TestServer, userId } from "@suda/testing";
import { MemoryStore } from "../store/memory-store.ts";
import type { Store } from "../store/store.ts";
import { exportConversation, exportUser, type ExportLine } from "./export-user.ts";

async function linesOf(lines: AsyncIterable<ExportLine>): Promise<ExportLine[]> {
  const all: ExportLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

function of(store: Store, user: string, othersEvents = true): Promise<ExportLine[]> {
  return linesOf(exportUser(store, { user: user as UserId, at: 1, othersEvents }));
}

type EventLine = Extract<ExportLine, { line: "event" }>;

function eventsIn(lines: readonly ExportLine[], conversation: ConversationId): EventLine[] {
  return lines.filter((line): line is EventLine => line.line === "event" && line.event.conversation === conversation);
}

test("[S54] an export holds the user's profile, side, words in their first form, hidden ones too; of others what they could see, up to their removal", async () => {
  const store = new MemoryStore();
  await using suda = await TestServer.open({ store });
  await using alice = await suda.connect("alice");
  await using bob = await suda.connect("bob");
  await alice.request({ type: "user.update", name: "앨리스" });
  await bob.request({ type: "user.update", name: "PRIVATE-NAME" });
  const { id } = await createTestGroup(alice, ["bob"]);
  const own = await say(bob, id, "bob's first words");
  await bob.request({ type: "message.edit", conversation: id, target: own, clientId: clientId("e"), content: { type: "text", text: "bob's second words" } });
  const others = await say(alice, id, "alice's words");
  const gone = await say(alice, id, "ERASED");
  await alice.request({ type: "message.delete", conversation: id, target: gone });
  const concealed = await say(alice, id, "CONCEALED");
  await bob.request({ type: "message.hide", conversation: id, target: concealed });
  await bob.request({ type: "message.hide", conversation: id, target: own });
  await bob.request({ type: "conversation.mute", conversation: id, until: 9_000_000_000_000 });
  await alice.request({ type: "conversation.mute", conversation: id, until: 8_000_000_000_000 });

  const asMember = await of(store, "bob");
  const text = JSON.stringify(asMember);
  for (const word of ["bob's first words", "bob's second words", "alice's words", "9000000000000"]) assert.ok(text.includes(word), word);
  for (const word of ["PRIVATE-NAME-OF-ALICE", "앨리스", "ERASED", "CONCEALED", "8000000000000"]) assert.ok(!text.includes(word), word);
  const message = eventsIn(asMember, id).find(({ event }) => event.seq === own);
  assert.deepEqual([message?.original, message?.hidden], [{ type: "text", text: "bob's first words" }, true]);
  const [, profile, conversation] = asMember;
  assert.deepEqual(profile?.line === "user" ? profile.user.name : undefined, "PRIVATE-NAME");
  assert.equal(conversation?.line === "conversation" ? conversation.membership?.state : undefined, "joined");

  await alice.request({ type: "member.remove", conversation: id, user: userId("bob") });
  await alice.request({ type: "conversation.update", conversation: id, title: "LATER" });
  await say(alice, id, "LATER");
  const asStranger = await of(store, "bob");
  const left = eventsIn(asStranger, id);
  assert.equal(left.at(-1)?.event.type, "member.removed");
  assert.ok(left.some(({ event }) => event.seq === others));
  assert.ok(!JSON.stringify(asStranger).includes("LATER"));
  assert.deepEqual(
    eventsIn(await of(store, "bob", false), id).map(({ event }) => event.from),
    ["bob", "bob"],
    "their message and its edit",
  );
  const end = asStranger.at(-1);
  assert.deepEqual(end, { line: "end", conversations: 1, events: left.length });
});

test("[S54] whoever joined again sees all, and what was truncated before an ex-member's removal is nobody's", async () => {
  const store = new MemoryStore();
  await using suda = await TestServer.open({ store });
  await using alice = await suda.connect("alice");
  const { id } = await createTestGroup(alice, ["bob"]);
  await say(alice, id, "first");
  await alice.request({ type: "member.remove", conversation: id, user: userId("bob") });
  const seq = await say(alice, id, "between");
  await alice.request({ type: "member.add", conversation: id, users: [userId("bob")] });
  assert.equal(eventsIn(await of(store, "bob"), id).length, 4, "members read a whole log");
  await alice.request({ type: "member.remove", conversation: id, user: userId("bob") });
  const removal = (await store.conversations.get(id))?.head.seq ?? 0;
  for (let index = 0; index < 450; index++)
    await store.log.append(id, [{ from: userId("alice"), body: { type: "message.created", content: { type: "text", text: `${index}` } } }]);
  assert.equal(eventsIn(await of(store, "bob"), id).at(-1)?.event.seq, removal);
  await store.log.truncate(id, seq);
  assert.equal(eventsIn(await of(store, "bob"), id)[0]?.event.seq, seq);
  await store.log.truncate(id, removal + 1);
  assert.deepEqual(eventsIn(await of(store, "bob"), id), []);
});

test("[S54] a conversation's export holds its members and every event, and nobody's settings", async () => {
  const store = new MemoryStore();
  await using suda = await TestServer.open({ store });
  await using alice = await suda.connect("alice");
  const { id } = await createTestGroup(alice, ["bob", "carol"]);
  for (let index = 0; index < 450; index++)
    await store.log.append(id, [{ from: userId("alice"), body: { type: "message.created", content: { type: "text", text: `${index}` } } }]);
  await alice.request({ type: "conversation.mute", conversation: id, until: 8_000_000_000_000 });
  const lines = await linesOf(exportConversation(store, { conversation: id, at: 1 }));
  assert.deepEqual(
    eventsIn(lines, id).map(({ event }) => event.seq),
    Array.from({ length: 450 }, (_, index) => index + 1),
  );
  assert.deepEqual(
    lines.flatMap((line) => (line.line === "member" ? [line.user] : [])),
    ["alice", "bob", "carol"],
  );
  assert.ok(!JSON.stringify(lines).includes("8000000000000"));
  assert.deepEqual(lines.at(-1), { line: "end", conversations: 1, events: 450 });
});
