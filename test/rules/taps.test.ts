/** Taps, as members, bots and bystanders see them, and what is used up (T15, T17). */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { applyChange, type InteractionCreated, type MessageCreated, type UserId } from "@suda/protocol";
import { codeOf, textOf, userId } from "@suda/testing";
import { card, eventAt, form, history, offering, postback, replies, type Answer } from "./offering.ts";

describe("taps", () => {
  test("[T15] a tap is an event of the log that says what its action said; a retry finds it, also when the message has changed since", async () => {
    await using world = await offering();
    const { tutor, bob, carol, id, offer, tap, suda } = world;
    const target = await offer(card(postback("why", { data: { step: 2 }, route: "explain", displayText: "Why?" })));
    const first = await tap(bob, target, "why", { clientId: "t1" });
    assert.deepEqual([first.code, first.seq, first.used, first.duplicate], ["ok", target + 1, undefined, undefined]);
    const wanted = {
      type: "interaction.created",
      conversation: id,
      seq: first.seq,
      at: first.at,
      from: "bob",
      clientId: "t1",
      target,
      to: "tutor",
      action: "why",
      kind: "postback",
      data: { step: 2 },
      route: "explain",
      displayText: "Why?",
    };
    for (const connection of [tutor, bob, carol]) {
      assert.deepEqual(await connection.event("interaction.created"), wanted);
      assert.deepEqual(await eventAt(connection, id, first.seq), wanted);
      const { conversation } = await connection.request({ type: "conversation.get", conversation: id });
      assert.deepEqual(conversation.last, wanted);
    }
    const { conversation } = await carol.request({ type: "conversation.get", conversation: id });
    assert.equal(conversation.unread, 1, "the message counts, the tap does not");
    for (const change of [{ type: "message.edit", content: { type: "card", text: "Done" } }, { type: "message.delete" }]) {
      const retry = await tap(bob, target, "why", { clientId: "t1" });
      assert.deepEqual([retry.code, retry.seq, retry.at, retry.duplicate], ["ok", first.seq, first.at, true]);
      assert.equal((await tap(bob, target, "other", { clientId: "t1" })).code, "send.conflict");
      assert.equal(codeOf(await tutor.answer({ conversation: id, target, ...change })), "ok");
    }
    assert.equal((await tap(bob, target, "why", { clientId: "t1" })).duplicate, true);
    assert.equal(await suda.failures(), 0);
  });

  test("[T15] what cannot be tapped is refused and stores nothing; the same can be tapped by another, or when it is there", async () => {
    await using world = await offering();
    const { tutor, bob, id, offer, tap, suda } = world;
    const target = await offer(card(postback("why")));
    const plain = await offer({ content: textOf("nothing to tap") });
    const deleted = await offer(card(postback("why")));
    await tutor.request({ type: "message.delete", conversation: id, target: deleted });
    const head = (await history(bob, id)).length;
    for (const [who, seq, action, code] of [
      [bob, target, "nope", "interaction.not_found"],
      [bob, target, "submit", "interaction.not_found"],
      [bob, plain, "why", "interaction.not_found"],
      [bob, deleted, "why", "message.deleted"],
      [bob, head, "why", "message.not_found"],
      [bob, head + 1, "why", "message.not_found"],
      [bob, 0, "why", "message.not_found"],
      [tutor, target, "why", "interaction.forbidden"],
      [bob, target, "", "frame.invalid"],
      [bob, target, "x".repeat(64), "interaction.not_found"],
      [bob, target, "x".repeat(65), "frame.invalid"],
    ] as const)
      assert.equal((await tap(who, seq, action)).code, code, `${seq} ${action.slice(0, 9)}`);
    const unknown = await tap(bob, target, "why", { colour: "blue" });
    assert.deepEqual([unknown.code, unknown.path], ["frame.invalid", "/colour"]);
    assert.equal((await tap(bob, target, "why", { clientId: undefined })).code, "frame.invalid");
    assert.equal((await history(bob, id)).length, head);
    assert.equal((await tap(bob, target, "why")).code, "ok");
    // What is there counts, and not what was.
    await tutor.request({
      type: "message.edit",
      conversation: id,
      target,
      content: { type: "card", text: "Now?", buttons: [postback("now", { data: "2" })] } as never,
    });
    assert.equal((await tap(bob, target, "why")).code, "interaction.not_found");
    const { seq } = await tap(bob, target, "now");
    assert.equal(((await eventAt(bob, id, seq)) as InteractionCreated).data, "2");
    assert.equal(await suda.failures(), 0);
  });

  test("[T15] [A13] [A9] while one blocks the other, nobody taps in their direct conversation; a stranger never does, also through the backend", async () => {
    await using world = await offering();
    const { suda, tutor, bob, id, offer } = world;
    const { conversation } = await tutor.request({ type: "conversation.open", with: userId("bob") });
    await tutor.answer({ type: "message.send", conversation: conversation.id, clientId: "c", ...card(postback("why")) });
    const ask = async (): Promise<string> =>
      codeOf(await bob.answer({ type: "interaction.tap", conversation: conversation.id, target: 1, action: "why", clientId: randomUUID() }));
    assert.equal(await ask(), "ok");
    await tutor.request({ type: "user.block", user: userId("bob") });
    assert.equal(await ask(), "user.blocked");
    await tutor.request({ type: "user.unblock", user: userId("bob") });
    await bob.request({ type: "user.block", user: userId("tutor") });
    assert.equal(await ask(), "user.blocked");
    const target = await offer(card(postback("why")));
    const path = `/v1/conversations/${id}/messages/${target}/interactions`;
    const asEve = await suda.backend("eve").post(path, { clientId: "e", action: "why" });
    assert.deepEqual([asEve.status, (asEve.body as { code: string }).code], [404, "member.not_found"]);
    const blocked = await suda.backend("bob").post(`/v1/conversations/${conversation.id}/messages/1/interactions`, { clientId: "e", action: "why" });
    assert.equal(blocked.status, 200, "the backend is not bound by a block");
  });

  test("[T15] [R5] a tap over HTTP is the same tap as over a socket", async () => {
    await using world = await offering();
    const { suda, bob, carol, id, offer, tap } = world;
    const target = await offer(card(postback("why")));
    const answer = await suda.as("bob").post(`/v1/conversations/${id}/messages/${target}/interactions`, { clientId: "h", action: "why" });
    assert.deepEqual((answer.body as Answer).seq, target + 1);
    assert.equal((await carol.event("interaction.created")).from, "bob");
    const again = await tap(bob, target, "why", { clientId: "h" });
    assert.deepEqual([again.seq, again.duplicate], [target + 1, true]);
    const wrong = await suda.as("bob").post(`/v1/conversations/${id}/messages/${target}/interactions`, { clientId: "i", action: "nope" });
    assert.deepEqual([wrong.status, (wrong.body as { code: string }).code], [404, "interaction.not_found"]);
  });

  test("[T15] [D15] a tap in a message that retention removed is one in no message", async () => {
    await using world = await offering();
    const { suda, bob, id, offer, tap } = world;
    const target = await offer(card(postback("why")));
    await offer({ content: textOf("later") });
    assert.equal((await tap(bob, target, "why", { clientId: "first" })).code, "ok");
    await suda.store.log.truncate(id, target + 1);
    assert.equal((await tap(bob, target, "why")).code, "message.not_found");
    assert.equal((await tap(bob, target, "why", { clientId: "first" })).duplicate, true);
  });
});

describe("what is used up", () => {
  test("[T17] of an action with once the first tap counts, whoever makes it; of the others every one", async () => {
    await using world = await offering();
    const { tutor, bob, carol, id, offer, tap } = world;
    const target = await offer(card(postback("buy", { once: true }), postback("again")));
    const first = await tap(bob, target, "buy");
    for (const who of [bob, carol]) {
      const later = await tap(who, target, "buy");
      assert.deepEqual([later.code, later.seq, later.at, later.used, later.duplicate], ["ok", first.seq, first.at, true, undefined]);
      assert.equal((await tap(who, target, "again")).used, undefined);
    }
    const events = await history(carol, id);
    assert.equal(events.length, target + 3);
    const message = events[target - 1] as MessageCreated;
    assert.deepEqual([message.used, message.changed], [[{ action: "buy", seq: first.seq }], target + 3]);
    assert.equal((events[first.seq - 1] as InteractionCreated).once, true);
    // Also when the button is gone.
    await tutor.request({ type: "message.edit", conversation: id, target, content: { type: "card", text: "Sold" } });
    assert.equal((await tap(carol, target, "buy")).used, true);
  });

  test("[T17] many taps at once on an action with once: one is stored, and all are told which", async () => {
    await using world = await offering();
    const { suda, bob, carol, id, offer, tap } = world;
    const target = await offer(card(postback("buy", { once: true })));
    const connections = [bob, carol, ...(await Promise.all(Array.from({ length: 6 }, () => suda.connect("bob"))))];
    const answers = await Promise.all(connections.map((who) => tap(who, target, "buy")));
    assert.deepEqual(new Set(answers.map(({ seq }) => seq)), new Set([target + 1]));
    assert.equal(answers.filter(({ used }) => used === undefined).length, 1);
    assert.equal((await history(bob, id)).length, target + 1);
  });

  test("[T17] quick replies vanish for all when one of them was tapped", async () => {
    await using world = await offering();
    const { bob, carol, id, offer, tap } = world;
    const target = await offer(replies("yes", "no"));
    const before = (await history(carol, id))[target - 1] as MessageCreated;
    assert.equal(before.quickReplies?.length, 2);
    const first = await tap(bob, target, "yes");
    for (const action of ["yes", "no"]) assert.deepEqual([(await tap(carol, target, action)).seq, (await tap(carol, target, action)).used], [first.seq, true]);
    assert.equal((await tap(carol, target, "maybe")).code, "interaction.not_found");
    const shown = (await history(carol, id))[target - 1] as MessageCreated;
    assert.deepEqual([shown.quickReplies, shown.used], [undefined, [{ action: "yes", seq: first.seq }]]);
    const live = await carol.event("interaction.created");
    assert.deepEqual(applyChange(before, live, "carol" as UserId), shown, "kept up to date it is the same");
  });

  test("[T17] a form with once takes one answer; one whose time is over takes none", async () => {
    await using world = await offering();
    const { suda, bob, carol, offer, tap } = world;
    const expiresAt = suda.clock.now() + 60_000;
    const target = await offer(form({ once: true }));
    const timed = await offer(form({ expiresAt }));
    const value = { name: "밥" };
    const { seq } = await tap(bob, target, "submit", { value });
    assert.deepEqual([(await tap(carol, target, "submit", { value })).seq, (await tap(carol, target, "submit", { value })).used], [seq, true]);
    suda.clock.advance(59_999);
    const inTime = await tap(bob, timed, "submit", { value, clientId: "in-time" });
    assert.equal(inTime.code, "ok");
    suda.clock.advance(1);
    assert.equal((await tap(bob, timed, "submit", { value })).code, "interaction.expired");
    assert.equal((await tap(bob, timed, "submit", { value, clientId: "in-time" })).duplicate, true);
  });
});
