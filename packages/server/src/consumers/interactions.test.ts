/** Taps, as members, bots and bystanders see them (T15–T20). */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { applyChange, type ConversationId, type InteractionCreated, type LogEvent, type MessageCreated, type UserId } from "@suda/protocol";
import { clientId, codeOf, createTestGroup, goldenMessage, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";

type Connection = WebSocketCommunicator;

interface World extends AsyncDisposable {
  readonly suda: TestServer;
  /** Owner of the group, and a bot. */
  readonly tutor: Connection;
  readonly bob: Connection;
  readonly carol: Connection;
  readonly id: ConversationId;
  /** Sends a message of the bot's; returns its seq. */
  readonly offer: (message: object) => Promise<number>;
  /** The reply to a tap, or its error. */
  readonly tap: (who: Connection, target: number, action: string, more?: object) => Promise<Answer>;
}

interface Answer {
  readonly code: string;
  readonly path?: string;
  readonly seq: number;
  readonly at: number;
  readonly used?: true;
  readonly duplicate?: true;
}

async function offering(): Promise<World> {
  const suda = await TestServer.open({ limits: { commands: { perSecond: 100_000, burst: 100_000 } } });
  await suda.backend().request("PUT", "/v1/users/tutor", { name: "Tutor", bot: true });
  const [tutor, bob, carol] = await Promise.all([suda.connect("tutor"), suda.connect("bob"), suda.connect("carol")]);
  const { id } = await createTestGroup(tutor, ["bob", "carol"]);
  return {
    suda,
    tutor,
    bob,
    carol,
    id,
    offer: async (message) => ((await tutor.answer({ type: "message.send", conversation: id, clientId: randomUUID(), ...message })) as unknown as Answer).seq,
    tap: async (who, target, action, more = {}) => {
      const answer = await who.answer({ type: "interaction.tap", conversation: id, target, action, clientId: randomUUID(), ...more });
      return { code: codeOf(answer), ...(answer as object) } as unknown as Answer;
    },
    [Symbol.asyncDispose]: () => suda[Symbol.asyncDispose](),
  };
}

const card = (...buttons: object[]): object => ({ content: { type: "card", text: "Which one?", buttons }, altText: "Which one?" });
const postback = (id: string, more: object = {}): object => ({ type: "postback", id, label: id, ...more });
const replies = (...ids: string[]): object => ({ content: textOf("And?"), quickReplies: ids.map((id) => ({ action: postback(id) })) });
const form = (more: object = {}): object => ({
  content: {
    type: "form",
    title: "Who?",
    fields: [
      { id: "name", kind: "text", label: "Name", required: true, maxLength: 5 },
      { id: "mail", kind: "email", label: "Mail" },
    ],
    ...more,
  },
  altText: "Who?",
});

async function history(connection: Connection, conversation: ConversationId): Promise<readonly LogEvent[]> {
  return (await connection.request({ type: "history.get", conversation, after: 0, limit: 200 })).events;
}

async function eventAt(connection: Connection, conversation: ConversationId, seq: number): Promise<LogEvent> {
  const [event] = (await connection.request({ type: "history.get", conversation, after: seq - 1, limit: 1 })).events;
  assert.ok(event?.seq === seq);
  return event;
}

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

describe("values", () => {
  const datetime = (more: object = {}): object => ({
    type: "datetime",
    id: "when",
    label: "When?",
    mode: "date",
    min: "2026-03-01",
    max: "2026-03-31",
    ...more,
  });
  const request = (kind: string): object => ({ type: "request", id: kind, label: kind, kind });

  test("[T16] each kind takes its value and refuses another with the path of what is wrong", async () => {
    await using world = await offering();
    const { bob, id, offer, tap, suda } = world;
    const people = await offer(card(datetime({ data: "d" }), request("location"), request("contact"), request("email")));
    const others = await offer(card(request("camera"), request("photo"), postback("back"), { type: "handoff", id: "human", label: "Human", queue: "math" }));
    const links = await offer(
      card(
        { type: "uri", id: "uri", label: "Open", uri: "https://a.example/" },
        { type: "call", id: "call", label: "Call", phone: "+82 2 1234" },
        { type: "copy", id: "copy", label: "Copy", text: "x" },
        { type: "share", id: "share", label: "Share" },
      ),
    );
    const asked = await offer(form());
    const none = undefined;
    const cases: readonly (readonly [
      target: number,
      action: string,
      takes: readonly unknown[],
      refuses: readonly (readonly [value: unknown, path: string])[],
    ])[] = [
      [
        people,
        "when",
        ["2026-03-01", "2026-03-31"],
        ([none, "2026-02-28", "2026-04-01", "2026-03-32", "09:30", "2026-03-01T09:30", {}] as const).map((value) => [value, "/value"] as const),
      ],
      [
        people,
        "location",
        [{ latitude: 90, longitude: -180 }],
        [
          [none, "/value"],
          ["37,126", "/value"],
          [{ latitude: 90.1, longitude: 0 }, "/value/latitude"],
          [{ latitude: 0, longitude: 180.1 }, "/value/longitude"],
          [{ latitude: 0, longitude: "0" }, "/value/longitude"],
          [{ latitude: 0, longitude: 0, accuracy: 5 }, "/value"],
        ],
      ],
      [
        people,
        "contact",
        [
          { name: "밥", phone: "+82 10-1234-5678" },
          { name: "x".repeat(80), email: "b@c.kr" },
        ],
        [
          [none, "/value"],
          [{ name: "밥" }, "/value"],
          [{ phone: "010" }, "/value/name"],
          [{ name: "x".repeat(81), phone: "010" }, "/value/name"],
          [{ name: "밥", phone: "call me" }, "/value/phone"],
          [{ name: "밥", email: "b" }, "/value/email"],
          [{ name: "밥", phone: "010", age: 3 }, "/value"],
        ],
      ],
      [
        people,
        "email",
        ["b@c.kr"],
        [
          [none, "/value"],
          ["b", "/value"],
          [{ email: "b@c.kr" }, "/value"],
        ],
      ],
      ...(["camera", "photo", "back", "human"] as const).map((action) => [others, action, [none], [["x", "/value"]]] as const),
      ...(["uri", "call", "copy", "share"] as const).map((action) => [links, action, [none], [[{ a: 1 }, "/value"]]] as const),
      [
        asked,
        "submit",
        [{ name: "밥" }, { name: "밥".repeat(5), mail: "b@c.kr" }],
        [
          [none, "/value"],
          ["밥", "/value"],
          [{}, "/value/name"],
          [{ name: "밥".repeat(6) }, "/value/name"],
          [{ name: "밥", mail: "b" }, "/value/mail"],
          [{ name: "밥", age: "3" }, "/value/age"],
        ],
      ],
    ];
    for (const [target, action, takes, refuses] of cases) {
      for (const [value, path] of refuses) {
        const refused = await tap(bob, target, action, value === undefined ? {} : { value });
        assert.deepEqual([refused.code, refused.path], ["frame.invalid", path], `${action} ${JSON.stringify(value)}`);
      }
      for (const value of takes) {
        const taken = await tap(bob, target, action, value === undefined ? {} : { value });
        assert.equal(taken.code, "ok", `${action} ${JSON.stringify(value)}`);
        assert.deepEqual(((await eventAt(bob, id, taken.seq)) as InteractionCreated).value, value);
      }
    }
    assert.equal(await suda.failures(), 0);
  });

  test("[T16] a value is at most 1,000 characters of text, or 32 KiB of JSON", async () => {
    await using world = await offering();
    const { bob, offer, tap } = world;
    const fields = Array.from({ length: 10 }, (_, index) => ({ id: `f${index}`, kind: "textarea", label: "x" }));
    const target = await offer(form({ fields }));
    const filled = (bytes: number): object => {
      const value: Record<string, string> = {};
      for (let index = 0; JSON.stringify(value).length < bytes; index++) {
        value[`f${index}`] = "";
        value[`f${index}`] = "x".repeat(Math.min(5_000, bytes - JSON.stringify(value).length));
      }
      return value;
    };
    assert.equal((await tap(bob, target, "submit", { value: filled(32_768) })).code, "ok");
    for (const value of [filled(32_769), "x".repeat(1_001), 5, null, [], true]) {
      const refused = await tap(bob, target, "submit", { value });
      assert.deepEqual([refused.code, refused.path], ["frame.invalid", "/value"], JSON.stringify(value).slice(0, 20));
    }
    // At the bound it is read, and is no form.
    assert.equal((await tap(bob, target, "submit", { value: "x".repeat(1_000) })).path, "/value");
  });

  test("[T16] a value that does not fit does not hide what became of the tap before", async () => {
    await using world = await offering();
    const { bob, offer, tap } = world;
    const target = await offer(form({ once: true }));
    const first = await tap(bob, target, "submit", { value: { name: "밥" }, clientId: "f" });
    assert.equal((await tap(bob, target, "submit", { value: {}, clientId: "f" })).code, "send.conflict");
    assert.deepEqual((await tap(bob, target, "submit", { value: {} })).seq, first.seq);
  });

  test("[T18] what is given with a tap is for who taps and who asked; the others see the tap without it, live and read", async () => {
    await using world = await offering();
    const { suda, tutor, bob, carol, id, offer, tap } = world;
    await using bobToo = await suda.connect("bob");
    const target = await offer(form());
    const { seq } = await tap(bob, target, "submit", { value: { name: "비밀" } });
    for (const [connection, user] of [
      [tutor, "tutor"],
      [bob, "bob"],
      [bobToo, "bob"],
      [carol, "carol"],
    ] as const) {
      const value = user === "carol" ? undefined : { name: "비밀" };
      const live = await connection.event("interaction.created");
      assert.deepEqual(live.value, value, `${user} live`);
      assert.deepEqual(await eventAt(connection, id, seq), live);
      const { conversation } = await connection.request({ type: "conversation.get", conversation: id });
      assert.deepEqual(conversation.last, live);
      await using again = await suda.connectSilently();
      const { resumed } = await again.request({
        type: "hello",
        token: suda.token(user),
        resume: { change: 0, cursors: { [id]: { seq: target, epoch: conversation.epoch } } },
      });
      assert.deepEqual(resumed?.[0]?.events, [live]);
      const read = await suda.as(user).get(`/v1/conversations/${id}/history?after=${target}`);
      assert.deepEqual((read.body as { events: unknown[] }).events, [live]);
    }
    const backend = await suda.backend().get(`/v1/conversations/${id}/history`);
    assert.doesNotMatch(JSON.stringify(backend.body), /비밀/, "in nobody's name");
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
