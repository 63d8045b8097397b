/** hello, open, create, members and the list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Codec } from "@suda/protocol";
import { WireWorld, type OpenWireServer } from "./wire.ts";

export function conversationFrames(open: OpenWireServer, codec: Codec): void {
  test("[H11] hello names the user, the change counter and the conversations", async () => {
    await using world = await WireWorld.open(open, codec);
    const alice = await world.connectSilently();
    const hello = await alice.ask("hello", { token: await world.server.tokenOf(world.user("alice")) });
    assert.deepEqual({ ...hello, ref: 0 }, { type: "reply", ref: 0, user: world.user("alice"), change: 0, conversations: [], more: false });
    const { conversation } = await alice.ask("conversation.open", { with: world.user("bob") });
    const bob = await world.connectSilently();
    const bobsHello = await bob.ask("hello", { token: await world.server.tokenOf(world.user("bob")) });
    assert.deepEqual(
      bobsHello.conversations.map(({ id, with: other, head, unread }) => ({ id, other, head, unread })),
      [{ id: conversation.id, other: world.user("alice"), head: 0, unread: 0 }],
    );
    assert.equal(bobsHello.change, 1);
  });

  test("[C1] a direct conversation is the same from both sides", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, bob] = [await world.connect("alice"), await world.connect("bob")];
    const [one, other] = await Promise.all([
      alice.ask("conversation.open", { with: world.user("bob") }),
      bob.ask("conversation.open", { with: world.user("alice") }),
    ]);
    assert.equal(one.conversation.id, other.conversation.id);
    assert.deepEqual([one.conversation.kind, one.conversation.head, one.conversation.with], ["direct", 0, world.user("bob")]);
    assert.equal((await bob.event("conversation.joined")).conversation.id, one.conversation.id);
  });

  test("[C5] [C6] a group is told to every connection of every member, with the title in Korean", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, bob, phone] = [await world.connect("alice"), await world.connect("bob"), await world.connect("bob")];
    const { conversation } = await alice.ask("conversation.create", { title: "팀 👋", members: [world.user("bob"), world.user("jimin")] });
    assert.deepEqual([conversation.kind, conversation.title, conversation.memberCount, conversation.role], ["group", "팀 👋", 3, "owner"]);
    for (const connection of [bob, phone]) assert.equal((await connection.event("conversation.joined")).conversation.title, "팀 👋");
    const { members } = await bob.ask("member.list", { conversation: conversation.id });
    assert.deepEqual(
      members.map(({ user, role }) => [user, role]),
      [
        [world.user("alice"), "owner"],
        [world.user("bob"), "member"],
        [world.user("jimin"), "member"],
      ],
    );
  });

  test("[D12] [A2] a removed member gets its removal, then nothing, and can read nothing", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, bob] = [await world.connect("alice"), await world.connect("bob")];
    const { conversation } = await alice.ask("conversation.create", { members: [world.user("bob")] });
    await alice.ask("member.remove", { conversation: conversation.id, user: world.user("bob") });
    await alice.ask("message.send", { conversation: conversation.id, clientId: "c-1", content: { type: "text", text: "비밀" } });
    await bob.event("member.removed");
    await bob.event("conversation.left");
    const refusal = await bob.answer({ type: "history.get", conversation: conversation.id });
    assert.equal(refusal.type === "error" && refusal.code, "conversation.not_found");
    assert.ok(!JSON.stringify(bob.leftovers()).includes("비밀"), "the secret came");
  });

  test("[C11] [A3] [C8] [C7] every other command has its reply and its event", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, bob] = [await world.connect("alice"), await world.connect("bob")];
    const { conversation } = await alice.ask("conversation.create", { clientId: "g-1", members: [world.user("bob")], data: { color: "파랑" } });
    const { id } = conversation;
    assert.equal((await alice.ask("conversation.update", { conversation: id, title: "새 이름", data: null })).seq, 1);
    assert.equal((await bob.event("conversation.updated")).title, "새 이름");
    assert.equal((await alice.ask("member.add", { conversation: id, users: [world.user("carol")] })).seq, 2);
    assert.deepEqual((await bob.event("member.added")).users, [world.user("carol")]);
    assert.equal((await alice.ask("member.update", { conversation: id, user: world.user("bob"), role: "admin" })).seq, 3);
    assert.equal((await bob.event("member.updated")).role, "admin");
    assert.equal((await bob.ask("conversation.get", { conversation: id })).conversation.role, "admin");
    assert.deepEqual(
      (await bob.ask("conversation.list", { limit: 1 })).conversations.map((one) => one.id),
      [id],
    );
    assert.equal((await bob.ask("member.leave", { conversation: id })).seq, 4);
    assert.equal((await alice.event("member.removed")).user, world.user("bob"));
    await alice.ask("user.update", { name: "앨리스", data: { team: 1 } });
    assert.deepEqual((await bob.ask("user.get", { user: world.user("alice") })).user, { id: world.user("alice"), name: "앨리스", data: { team: 1 } });
  });
}
