/** A tap on a bot's `handoff` action asks for a human with the same append. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConversationId, LogEvent, MessageBody } from "@suda/protocol";
import { clientId, codeOf, createTestGroup, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";

const unlimited = { limits: { commands: { perSecond: 0, burst: 1 }, requests: { perSecond: 0, burst: 1 } } } as const;
const card = (once: boolean): MessageBody => ({
  content: { type: "card", text: "Shall I ask a teacher?", buttons: [{ type: "handoff", id: "teacher", label: "Ask a teacher", queue: "math", once }] },
  altText: "Shall I ask a teacher?",
});

let count = 0;
async function show(connection: WebSocketCommunicator, conversation: ConversationId, once = false): Promise<number> {
  return (await connection.request({ type: "message.send", conversation, clientId: clientId(`card-${++count}`), ...card(once) })).seq;
}

async function tap(connection: WebSocketCommunicator, conversation: ConversationId, target: number, key = `tap-${++count}`): Promise<Record<string, unknown>> {
  return (await connection.answer({ type: "interaction.tap", conversation, target, action: "teacher", clientId: key })) as unknown as Record<string, unknown>;
}

async function openWorld() {
  const suda = await TestServer.open(unlimited);
  await suda.backend().request("PUT", "/v1/bots/tutor", { name: "Tutor" });
  const [alice, tutor] = [await suda.connect("alice"), await suda.connect("tutor")];
  const direct = (await alice.request({ type: "conversation.open", with: userId("tutor") })).conversation.id;
  const logOf = async (id: ConversationId): Promise<LogEvent[]> =>
    (await alice.request({ type: "history.get", conversation: id, after: 0, limit: 200 })).events;
  const desk = (what: string, body: object = {}) => suda.backend("mina").post(`/v1/conversations/${direct}/control/${what}`, body);
  return {
    suda,
    alice,
    tutor,
    direct,
    logOf,
    desk,
    async [Symbol.asyncDispose]() {
      assert.equal(await suda.failures(), 0);
      for (const connection of [alice, tutor]) await connection[Symbol.asyncDispose]();
      await suda[Symbol.asyncDispose]();
    },
  };
}

describe("a tap that asks for a human", () => {
  test("[T34] tap and handoff stand side by side, in the action's queue; the bot is silent from then on, and a retry finds the tap", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, direct, logOf } = world;
    const target = await show(tutor, direct);
    const first = await tap(alice, direct, target, "the-tap");
    const [, interaction, changed] = await logOf(direct);
    assert.ok(interaction?.type === "interaction.created" && changed?.type === "control.changed");
    assert.deepEqual([interaction.seq, interaction.kind, changed.seq], [first["seq"], "handoff", interaction.seq + 1]);
    assert.deepEqual([changed.from, changed.holder, changed.queue, changed.reason, changed.epoch], ["alice", "none", "math", "handoff", 1]);
    for (const connection of [alice, tutor]) assert.equal((await connection.event("control.changed")).seq, changed.seq);
    const answer = { type: "message.send", conversation: direct, clientId: "late", content: textOf("one more thing") };
    assert.equal(codeOf((await tutor.answer(answer)) as never), "control.lost");
    const again = await tap(alice, direct, target, "the-tap");
    assert.deepEqual([again["seq"], again["duplicate"]], [first["seq"], true]);
    assert.equal((await logOf(direct)).length, 3);
    const { items } = (await suda.backend().get("/v1/inbox?queue=math")).body as { items: { conversation: { id: string } }[] };
    assert.deepEqual(
      items.map(({ conversation }) => conversation.id),
      [direct],
    );
  });

  test("[T34] [T27] when a human is asked for already, or in charge, it is the tap alone; one that is used up does nothing", async () => {
    await using world = await openWorld();
    const { alice, tutor, direct, logOf, desk } = world;
    const target = await show(tutor, direct);
    const once = await show(tutor, direct, true);
    const kinds = async (after: number): Promise<string[]> => (await logOf(direct)).filter(({ seq }) => seq > after).map(({ type }) => type);
    await tap(alice, direct, target);
    await tap(alice, direct, target);
    assert.deepEqual(await kinds(once), ["interaction.created", "control.changed", "interaction.created"]);
    await desk("take");
    await tap(alice, direct, once);
    assert.deepEqual((await kinds(once)).slice(3), ["control.changed", "interaction.created"], "a human stays");
    await desk("return");
    const used = await tap(alice, direct, once);
    assert.equal(used["used"], true);
    assert.deepEqual((await kinds(once)).slice(5), ["control.changed"], "nothing but the return");
    assert.equal((await tap(alice, direct, target))["type"], "reply");
    assert.deepEqual((await kinds(once)).slice(6), ["interaction.created", "control.changed"]);
  });

  test("[T34] in a group any member's tap does; a message of a user's is only tapped, with a bot in the group and without", async () => {
    await using world = await openWorld();
    const { suda, alice, tutor, logOf } = world;
    const group = (await createTestGroup(alice, ["bob", "tutor"])).id;
    await using bob = await suda.connect("bob");
    const ofUser = await show(alice, group);
    assert.equal((await tap(bob, group, ofUser))["type"], "reply");
    assert.deepEqual(
      (await logOf(group)).map(({ type }) => type),
      ["message.created", "interaction.created"],
    );
    await tap(bob, group, await show(tutor, group));
    const last = (await logOf(group)).at(-1);
    assert.deepEqual([last?.type, last?.from], ["control.changed", "bob"]);
    const plain = (await alice.request({ type: "conversation.open", with: userId("bob") })).conversation.id;
    await tap(bob, plain, await show(alice, plain));
    assert.deepEqual(
      (await logOf(plain)).map(({ type }) => type),
      ["message.created", "interaction.created"],
    );
  });

  test("[T34] [A13] where a block lets no tap through, nobody is asked for", async () => {
    await using world = await openWorld();
    const { alice, tutor, direct, logOf } = world;
    const target = await show(tutor, direct);
    await alice.request({ type: "user.block", user: userId("tutor") });
    assert.equal((await tap(alice, direct, target))["code"], "user.blocked");
    assert.equal((await logOf(direct)).length, 1);
  });

  test("[T26] [T19] a bot whose tap says something says nothing while it is not in charge", async () => {
    await using world = await openWorld();
    const { alice, tutor, direct, logOf, desk } = world;
    const content = { type: "card", text: "Well?", buttons: [{ type: "message", id: "teacher", label: "Yes", text: "Yes" }] } as const;
    const asked = await alice.request({
      type: "message.send",
      conversation: direct,
      clientId: clientId("asked"),
      content: { ...content, buttons: [...content.buttons] },
      altText: "Well?",
    });
    await desk("handoff");
    assert.equal((await tap(tutor, direct, asked.seq))["code"], "control.lost");
    assert.equal((await logOf(direct)).length, 2);
    await desk("return");
    assert.equal((await tap(tutor, direct, asked.seq))["type"], "reply");
  });
});
