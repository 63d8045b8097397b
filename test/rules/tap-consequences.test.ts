/** What comes of a tap: a message, a toast, a deletion (T18, T19, T20). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyChange, type InteractionCreated, type MessageCreated, type UserId } from "@suda/protocol";
import { clientId, codeOf, goldenMessage, textOf, userId } from "@suda/testing";
import { card, eventAt, form, history, offering, postback, type Connection } from "./offering.ts";

describe("what comes of a tap", () => {
  const says = card({ type: "message", id: "say", label: "Hi", text: "안녕!", once: true });

  test("[T19] a `message` action says its text in the tapper's name, beside the tap, once", async () => {
    await using world = await offering();
    const { bob, carol, id, offer, tap } = world;
    const target = await offer(says);
    const first = await tap(bob, target, "say", { clientId: "t" });
    assert.equal((await carol.event("interaction.created")).kind, "message");
    const said = await carol.event("message.created", ({ from }) => from === "bob");
    assert.deepEqual([said.seq, said.content], [first.seq + 1, textOf("안녕!")]);
    for (const more of [{ clientId: "t" }, {}]) assert.equal((await tap(bob, target, "say", more)).seq, first.seq);
    assert.equal((await tap(carol, target, "say")).used, true);
    assert.equal((await history(bob, id)).length, target + 2);
    const { conversation } = await bob.request({ type: "conversation.get", conversation: id });
    assert.equal(conversation.read, target + 2, "who says something has read");
  });

  test("[T19] [A12] [C21] where the tapper may not write, or not yet, a `message` action does nothing; then both come", async () => {
    await using world = await offering();
    const { suda, tutor, bob, id, offer, tap } = world;
    const target = await offer(says);
    await tutor.request({ type: "conversation.update", conversation: id, write: "admins" });
    assert.equal((await tap(bob, target, "say")).code, "conversation.read_only");
    await tutor.request({ type: "conversation.update", conversation: id, write: null, slowModeMs: 10_000 });
    await bob.request({ type: "message.send", conversation: id, clientId: clientId("c"), content: textOf("first") });
    const { length } = await history(bob, id);
    assert.equal((await tap(bob, target, "say")).code, "send.slow");
    assert.equal((await history(bob, id)).length, length);
    suda.clock.advance(10_000);
    assert.equal((await tap(bob, target, "say")).code, "ok");
    assert.equal((await history(bob, id)).length, length + 2);
    assert.equal(await suda.failures(), 0);
  });

  test("[T20] the author of the message answers a tap with a toast, which only who tapped is shown", async () => {
    await using world = await offering();
    const { suda, tutor, bob, carol, id, offer, tap } = world;
    await using bobToo = await suda.connect("bob");
    const target = await offer(card(postback("why")));
    const { seq } = await tap(bob, target, "why");
    const answer = (who: Connection, more: object = {}): Promise<string> =>
      who.answer({ type: "interaction.answer", conversation: id, target: seq, toast: "Noted", ...more }).then(codeOf);
    assert.equal(await answer(tutor), "ok");
    for (const connection of [bob, bobToo])
      assert.deepEqual(await connection.event("interaction.answered"), {
        type: "interaction.answered",
        conversation: id,
        target: seq,
        from: "tutor",
        toast: "Noted",
      });
    assert.equal(await answer(bob), "interaction.forbidden");
    assert.equal(await answer(carol), "interaction.forbidden");
    assert.equal(await answer(tutor, { target }), "interaction.not_found", "a message is no tap");
    for (const wrong of [0, seq + 1]) assert.equal(await answer(tutor, { target: wrong }), "interaction.not_found");
    assert.equal(await answer(tutor, { toast: "x".repeat(200) }), "ok");
    for (const toast of ["x".repeat(201), "", 5]) assert.equal(await answer(tutor, { toast }), "frame.invalid");
    const http = await suda.as("tutor").post(`/v1/conversations/${id}/interactions/${seq}/answer`, { toast: "by HTTP" });
    assert.equal(http.status, 200);
    await bob.event("interaction.answered", ({ toast }) => toast === "by HTTP");
    assert.ok(!(await carol.leftovers()).some(({ type }) => type === "interaction.answered"));
    assert.equal((await history(bob, id)).length, seq, "it is in no log");
  });

  test("[T20] [A13] [D12] a toast reaches neither who has left nor who blocks", async () => {
    await using world = await offering();
    const { tutor, bob, id, offer, tap } = world;
    const target = await offer(card(postback("why")));
    const { seq } = await tap(bob, target, "why");
    await tutor.request({ type: "member.remove", conversation: id, user: userId("bob") });
    await bob.event("conversation.left");
    assert.equal(codeOf(await tutor.answer({ type: "interaction.answer", conversation: id, target: seq, toast: "x" })), "ok");
    assert.ok(!(await bob.leftovers()).some(({ type }) => type === "interaction.answered"));
    const { conversation } = await tutor.request({ type: "conversation.open", with: userId("bob") });
    const place = { conversation: conversation.id, target: 1 };
    await tutor.answer({ type: "message.send", clientId: "c", ...place, target: undefined, ...card(postback("why")) });
    await bob.request({ type: "interaction.tap", ...place, action: "why", clientId: clientId("t") });
    const answer = async (): Promise<string> => codeOf(await tutor.answer({ type: "interaction.answer", ...place, target: 2, toast: "x" }));
    assert.equal(await answer(), "ok");
    await bob.request({ type: "user.block", user: userId("tutor") });
    assert.equal(await answer(), "user.blocked");
  });

  test("[T18] [C25] deleting a message takes what its taps said; for who hides it they say nothing either", async () => {
    await using world = await offering();
    const { tutor, bob, carol, id, offer, tap } = world;
    const target = await offer({
      ...form(),
      quickReplies: [{ action: postback("reply", { data: "canary-data", displayText: "canary-text", route: "kept" }) }],
    });
    const { seq } = await tap(bob, target, "submit", { value: { name: "cnry" } });
    await tap(bob, target, "reply");
    const secret = /cnry|canary/;
    assert.match(JSON.stringify(await history(bob, id)), /cnry.*canary-data/);
    await bob.request({ type: "message.hide", conversation: id, target });
    assert.doesNotMatch(JSON.stringify(await history(bob, id)), secret);
    assert.match(JSON.stringify(await history(tutor, id)), /cnry/);
    await tutor.request({ type: "message.delete", conversation: id, target });
    for (const connection of [tutor, bob, carol]) {
      assert.doesNotMatch(JSON.stringify(await history(connection, id)), secret);
      const { at: _at, clientId: _clientId, ...tapped } = (await eventAt(connection, id, seq)) as InteractionCreated;
      assert.deepEqual(tapped, {
        type: "interaction.created",
        conversation: id,
        seq,
        from: "bob",
        target,
        to: "tutor",
        action: "submit",
        kind: "submit",
        erased: true,
      });
    }
  });

  test("[D8] every golden message, tapped everywhere, is the same kept up to date and read afresh", async () => {
    await using world = await offering();
    const { carol, bob, id, offer, tap } = world;
    const target = await offer({ ...goldenMessage("carousel"), quickReplies: goldenMessage("text").quickReplies ?? [] });
    let kept = (await history(carol, id))[target - 1] as MessageCreated;
    for (const action of JSON.stringify(kept).matchAll(/"id":"([^"]+)"/g)) await tap(bob, target, action[1] ?? "");
    const events = await history(carol, id);
    for (const event of events.slice(target)) if (event.type === "interaction.created") kept = applyChange(kept, event, "carol" as UserId);
    assert.ok(events.length > target + 1);
    assert.deepEqual(kept, events[target - 1]);
  });
});
