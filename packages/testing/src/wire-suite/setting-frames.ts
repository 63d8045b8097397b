/** A member's own side and a conversation's settings: replies and events as they go over the wire. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Codec } from "@suda/protocol";
import { WireWorld, type OpenWireServer } from "./wire.ts";

export function settingFrames(open: OpenWireServer, codec: Codec): void {
  test("[D14] [C23] [C24] [C25] [C26] what a member sets is answered, and told to their other device and to nobody else", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, bob, phone] = [await world.connect("alice"), await world.connect("bob"), await world.connect("bob")];
    const { conversation } = await alice.ask("conversation.create", { members: [world.user("bob")] });
    const { id } = conversation;
    await alice.ask("message.send", { conversation: id, clientId: "c-1", content: { type: "text", text: "숨길 말" } });
    const until = 4_000_000_000_000;
    const muted = await bob.ask("conversation.mute", { conversation: id, until });
    assert.deepEqual([muted.conversation.muted, muted.conversation.mutedUntil], [true, until]);
    assert.equal((await phone.event("conversation.changed")).conversation.mutedUntil, until);
    assert.equal((await bob.ask("conversation.unmute", { conversation: id })).conversation.muted, undefined);
    assert.equal((await bob.ask("conversation.hide", { conversation: id })).conversation.hidden, true);
    assert.equal((await bob.ask("conversation.show", { conversation: id })).conversation.hidden, undefined);
    const { read, unread } = await bob.ask("receipt.unread", { conversation: id });
    assert.deepEqual([read, unread], [0, 1]);
    await phone.event("conversation.changed", (event) => event.conversation.markedUnread === true);
    await bob.ask("message.hide", { conversation: id, target: 1 });
    const hidden = await phone.event("conversation.changed", (event) => event.target === 1);
    assert.equal(hidden.conversation.hiddenMessages, 1);
    const { events } = await phone.ask("history.get", { conversation: id, after: 0 });
    assert.deepEqual(events[0]?.type === "message.created" && [events[0].hidden, events[0].content], [true, { type: "deleted" }]);
    await alice.ask("conversation.get", { conversation: id });
    assert.deepEqual(
      alice.leftovers().filter(({ type }) => type === "conversation.changed"),
      [],
    );
  });

  test("[D9] a receipt of delivery is answered and told, with the read mark beside it", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, bob] = [await world.connect("alice"), await world.connect("bob")];
    const { conversation } = await alice.ask("conversation.create", { members: [world.user("bob")] });
    await alice.ask("message.send", { conversation: conversation.id, clientId: "c-1", content: { type: "text", text: "하나" } });
    assert.equal((await bob.ask("receipt.delivered", { conversation: conversation.id, seq: 9 })).delivered, 1);
    const expected = { type: "receipt.updated", conversation: conversation.id, user: world.user("bob"), read: 0, delivered: 1 };
    assert.deepEqual(await alice.event("receipt.updated"), expected);
    const { members } = await alice.ask("member.list", { conversation: conversation.id });
    assert.deepEqual(
      members.map(({ read, delivered }) => [read, delivered]),
      [
        [1, 1],
        [0, 1],
      ],
    );
  });

  test("[A12] [A13] [C21] settings and blocks refuse with their codes, and stop refusing when they are taken back", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, bob] = [await world.connect("alice"), await world.connect("bob")];
    const { conversation } = await alice.ask("conversation.create", { members: [world.user("bob")], write: "admins" });
    const group = conversation.id;
    const direct = (await alice.ask("user.block", { user: world.user("bob") })).conversation;
    assert.equal(direct.blocked, true);
    let sent = 0;
    const send = async (to: string): Promise<unknown> => {
      const answer = await bob.answer({ type: "message.send", conversation: to, clientId: `b-${++sent}`, content: { type: "text", text: "?" } });
      return answer.type === "error" ? [answer.code, answer.retryable, answer.retryAfterMs !== undefined] : "ok";
    };
    assert.deepEqual(await send(group), ["conversation.read_only", false, false]);
    assert.deepEqual(await send(direct.id), ["user.blocked", false, false]);
    await alice.ask("user.unblock", { user: world.user("bob") });
    assert.equal(await send(direct.id), "ok");
    await alice.ask("conversation.update", { conversation: group, write: null, slowModeMs: 3_600_000, retentionMs: 315_360_000_000 });
    assert.equal((await bob.event("conversation.updated")).slowModeMs, 3_600_000);
    assert.equal(await send(group), "ok");
    assert.deepEqual(await send(group), ["send.slow", true, true]);
  });
}
