/** Joining and leaving while connected: who receives what, also when the moment could not be worse (D12). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createTestGroup, say, TestServer, userId, type WebSocketCommunicator } from "@suda/testing";
import type { ConversationId, ServerFrame } from "@suda/protocol";
import type { Channel } from "../channel-layer/channel-layer.ts";
import { MemoryChannelLayer } from "../channel-layer/memory-channel-layer.ts";

/** A layer that lets a test step in before and after a channel joins a group. */
class SteppingLayer extends MemoryChannelLayer {
  beforeAdd: (group: string) => Promise<void> = async () => {};
  afterAdd: (group: string) => Promise<void> = async () => {};

  override async groupAdd(group: string, channel: Channel): Promise<void> {
    await this.beforeAdd(group);
    await super.groupAdd(group, channel);
    await this.afterAdd(group);
  }
}

/** Types and seqs of what is left over of one conversation. */
const ofConversation = (frames: readonly ServerFrame[], conversation: ConversationId): string[] =>
  frames.flatMap((frame) => ("conversation" in frame && frame.conversation === conversation && "seq" in frame ? [`${frame.type} ${String(frame.seq)}`] : []));

const addMember = (connection: WebSocketCommunicator, conversation: ConversationId, user: string): Promise<unknown> =>
  connection.request({ type: "member.add", conversation, users: [userId(user)] });
const removeMember = (connection: WebSocketCommunicator, conversation: ConversationId, user: string): Promise<unknown> =>
  connection.request({ type: "member.remove", conversation, user: userId(user) });

describe("membership of connected users", () => {
  test("[C6] every connection of every new member is told and receives from then on, the creator's too", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using alicesPhone = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    await using bobsPhone = await suda.connect("bob");
    await using carol = await suda.connect("carol");
    const { id } = await createTestGroup(alice, ["bob"]);
    for (const connection of [alice, alicesPhone, bob, bobsPhone]) assert.equal((await connection.event("conversation.joined")).conversation.id, id);
    await say(alice, id, "안녕");
    for (const connection of [alice, alicesPhone, bob, bobsPhone]) assert.equal((await connection.event("message.created")).seq, 1);
    assert.deepEqual(await carol.leftovers(), [], "a stranger hears nothing");
    await addMember(alice, id, "carol");
    const joined = await carol.event("conversation.joined");
    assert.equal(joined.conversation.head, 2);
    assert.equal(joined.conversation.role, "member");
    assert.equal(joined.conversation.unread, 0, "what was said before is not unread");
    assert.equal(joined.change, 1);
    await say(bob, id, "어서 와");
    assert.equal((await carol.event("message.created")).seq, 3);
  });

  test("[C10] [D12] a removed member gets member.removed, then conversation.left, then nothing", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    await using bobsPhone = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    await say(alice, id, "one");
    await removeMember(alice, id, "bob");
    await say(alice, id, "two");
    await alice.event("message.created", ({ seq }) => seq === 3);
    for (const connection of [bob, bobsPhone]) {
      assert.equal((await connection.event("message.created")).seq, 1);
      const removed = await connection.event("member.removed");
      assert.deepEqual([removed.seq, removed.from, removed.user], [2, "alice", "bob"]);
      const left = await connection.event("conversation.left");
      assert.deepEqual([left.conversation, left.change], [id, 2]);
      await connection.request({ type: "conversation.list" });
      assert.deepEqual(ofConversation(await connection.leftovers(), id), []);
    }
  });

  test("[C10] [D12] who leaves is treated alike, and the others see it", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    await bob.request({ type: "member.leave", conversation: id });
    assert.equal((await bob.event("conversation.left")).conversation, id);
    const removed = await alice.event("member.removed");
    assert.deepEqual([removed.from, removed.user], ["bob", "bob"]);
    await say(alice, id, "alone");
    await alice.event("message.created");
    await bob.request({ type: "conversation.list" });
    assert.deepEqual(ofConversation(await bob.leftovers(), id), ["member.removed 1"]);
  });

  test("[D12] [C6] who is added again receives again, and nothing of the time between", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    await bob.event("conversation.joined");
    for (let round = 0; round < 5; round++) {
      // Without waiting in between, so that all of it is in the layer at once.
      const busy = [removeMember(alice, id, "bob"), say(alice, id, `secret ${round}`), addMember(alice, id, "bob"), say(alice, id, `hello ${round}`)];
      await Promise.all(busy);
      const { conversation } = await bob.event("conversation.joined");
      const last = await bob.event("message.created", ({ content }) => content.type === "text" && content.text === `hello ${round}`).catch(() => undefined);
      assert.ok(last !== undefined || conversation.head >= round * 4 + 4, "what came before the joining is in its head");
      const texts = (await bob.leftovers()).flatMap((frame) => (frame.type === "message.created" && frame.content.type === "text" ? [frame.content.text] : []));
      assert.deepEqual(texts, [], `round ${round}`);
    }
  });

  test("[D12] removed while hello joins the groups: nothing that was said afterwards arrives", async () => {
    const layer = new SteppingLayer();
    await using suda = await TestServer.open({ layer });
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, ["bob"]);
    await say(alice, id, "before");
    let isFirst = true;
    layer.beforeAdd = async (group) => {
      if (group !== `conversation:${id}` || !isFirst) return;
      isFirst = false;
      await removeMember(alice, id, "bob");
    };
    layer.afterAdd = async (group) => {
      if (group === `conversation:${id}`) await say(alice, id, "secret");
    };
    await using bob = await suda.connectSilently();
    const hello = await bob.request({ type: "hello", token: suda.token("bob") });
    assert.equal(isFirst, false, "the test stepped in");
    assert.deepEqual(hello.conversations, []);
    await bob.request({ type: "conversation.list" });
    assert.deepEqual(ofConversation(await bob.leftovers(), id), []);
    // Added again, the same connection receives again.
    layer.afterAdd = async () => {};
    await addMember(alice, id, "bob");
    await bob.event("conversation.joined");
    await say(alice, id, "again");
    assert.equal((await bob.event("message.created")).seq, 5);
  });

  test("[D12] removed after hello has joined the group: the removal is told, nothing after it", async () => {
    const layer = new SteppingLayer();
    await using suda = await TestServer.open({ layer });
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, ["bob"]);
    let isFirst = true;
    layer.afterAdd = async (group) => {
      if (group !== `conversation:${id}` || !isFirst) return;
      isFirst = false;
      await removeMember(alice, id, "bob");
      await say(alice, id, "secret");
    };
    await using bob = await suda.connectSilently();
    const hello = await bob.request({ type: "hello", token: suda.token("bob") });
    assert.deepEqual(hello.conversations, []);
    await bob.request({ type: "conversation.list" });
    for (const entry of ofConversation(await bob.leftovers(), id)) assert.equal(entry, "member.removed 1");
  });

  test("[D12] removed in the moment of joining: nothing that was said afterwards arrives", async () => {
    const layer = new SteppingLayer();
    await using suda = await TestServer.open({ layer });
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, []);
    await alice.event("conversation.joined");
    let isFirst = true;
    layer.beforeAdd = async (group) => {
      if (group !== `conversation:${id}` || !isFirst) return;
      isFirst = false;
      await removeMember(alice, id, "bob");
    };
    layer.afterAdd = async (group) => {
      if (group === `conversation:${id}`) await say(alice, id, "secret");
    };
    await addMember(alice, id, "bob");
    await alice.event("message.created");
    // The layer's inbox of Bob is worked off when he has heard of another group, of which he was told later.
    layer.afterAdd = async () => {};
    const other = await createTestGroup(alice, ["bob"], "other");
    await bob.event("conversation.joined", ({ conversation }) => conversation.id === other.id);
    for (const entry of ofConversation(await bob.leftovers(), id)) assert.equal(entry, "member.removed 2");
    assert.equal(isFirst, false, "the test stepped in");
  });

  test("[H11] added while hello joins the groups: the conversation is in the reply or is told, and its events come", async () => {
    const layer = new SteppingLayer();
    await using suda = await TestServer.open({ layer });
    await using alice = await suda.connect("alice");
    const first = await createTestGroup(alice, ["bob"], "first");
    const second = await createTestGroup(alice, [], "second");
    let isFirst = true;
    layer.afterAdd = async (group) => {
      if (group !== `conversation:${first.id}` || !isFirst) return;
      isFirst = false;
      await addMember(alice, second.id, "bob");
    };
    await using bob = await suda.connectSilently();
    const hello = await bob.request({ type: "hello", token: suda.token("bob") });
    assert.ok(
      hello.conversations.some(({ id }) => id === second.id),
      "in the reply",
    );
    await say(alice, second.id, "안녕");
    assert.equal((await bob.event("message.created")).conversation, second.id);
  });

  test("[D5] the opener of a conversation receives its events from the reply on", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("bob") });
    await bob.event("conversation.joined");
    await say(bob, conversation.id, "안녕");
    assert.equal((await alice.event("message.created")).from, "bob");
  });
});
