/** Edits, deletions, reactions, replies and pins, as members see them (D8). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyChange, type ConversationId, type LogEvent, type MessageCreated, type ServerFrame, type UserId } from "@suda/protocol";
import { clientId, codeOf, createTestGroup, say, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";
import fc from "fast-check";

type Connection = WebSocketCommunicator;

interface World extends AsyncDisposable {
  readonly suda: TestServer;
  /** Owner, who said `one` (seq 1). */
  readonly alice: Connection;
  /** Member, who said `two` (seq 2). */
  readonly bob: Connection;
  /** A stranger. */
  readonly eve: Connection;
  readonly id: ConversationId;
}

async function talking(): Promise<World> {
  const suda = await TestServer.open({ limits: { commands: { perSecond: 100_000, burst: 100_000 } } });
  const [alice, bob, eve] = await Promise.all([suda.connect("alice"), suda.connect("bob"), suda.connect("eve")]);
  const { id } = await createTestGroup(alice, ["bob"]);
  await say(alice, id, "one");
  await say(bob, id, "two");
  for (const connection of [alice, bob]) await connection.event("message.created", ({ seq }) => seq === 2);
  return { suda, alice, bob, eve, id, [Symbol.asyncDispose]: () => suda[Symbol.asyncDispose]() };
}

async function history(connection: Connection, conversation: ConversationId): Promise<readonly LogEvent[]> {
  return (await connection.request({ type: "history.get", conversation, after: 0, limit: 200 })).events;
}

async function message(connection: Connection, conversation: ConversationId, seq: number): Promise<MessageCreated> {
  const event = (await history(connection, conversation)).find((one) => one.seq === seq);
  assert.ok(event?.type === "message.created");
  return event;
}

const answerOf = async (connection: Connection, command: object): Promise<string> => codeOf(await connection.answer(command));

describe("edits", () => {
  test("[D8] the author edits a message; everybody is told and reads it edited", async () => {
    await using world = await talking();
    const { alice, bob, id } = world;
    const reply = await alice.request({ type: "message.edit", conversation: id, target: 1, content: textOf("uno") });
    assert.deepEqual([reply.seq, reply.rev, reply.duplicate], [3, 1, undefined]);
    for (const connection of [alice, bob]) {
      const { at: _at, ...event } = await connection.event("message.edited");
      assert.deepEqual(event, { type: "message.edited", conversation: id, seq: 3, from: "alice", target: 1, rev: 1, content: textOf("uno") });
    }
    const shown = await message(bob, id, 1);
    assert.deepEqual([shown.content, shown.edited, shown.changed], [textOf("uno"), { rev: 1, at: reply.at }, 3]);
    const { conversation } = await bob.request({ type: "conversation.get", conversation: id });
    assert.deepEqual([conversation.head, conversation.unread], [3, 0], "an edit is no unread message");
  });

  test("[D8] [A11] an edit of a stranger's message, a deleted one, one that is none, or to another type is refused and changes nothing", async () => {
    await using world = await talking();
    const { suda, alice, bob, eve, id } = world;
    await alice.request({ type: "member.update", conversation: id, user: userId("bob"), role: "admin" });
    const edit = { type: "message.edit", conversation: id, target: 1, content: textOf("uno") };
    assert.equal(await answerOf(bob, edit), "message.forbidden", "also for an admin");
    assert.equal(await answerOf(eve, edit), "conversation.not_found");
    assert.equal(await answerOf(alice, { ...edit, target: 9 }), "message.not_found");
    assert.equal(await answerOf(alice, { ...edit, target: 0 }), "message.not_found");
    assert.equal(await answerOf(alice, { ...edit, target: 3 }), "message.not_found", "not a message");
    assert.equal(await answerOf(alice, { ...edit, rev: 1 }), "message.conflict");
    const kind = await alice.answer({ ...edit, content: { type: "image", url: "https://a.example/x" } });
    assert.deepEqual([codeOf(kind), "path" in kind && kind.path], ["frame.invalid", "/content/type"]);
    const mention = { type: "text", text: "@", entities: [{ type: "mention", user: "bob", offset: 0, length: 2 }] };
    assert.equal(await answerOf(alice, { ...edit, content: mention }), "frame.invalid");
    assert.equal(await answerOf(alice, { ...edit, content: { type: "deleted" } }), "frame.invalid");
    assert.equal(await answerOf(alice, { ...edit, rev: 0 }), "ok");
    assert.equal(await answerOf(alice, { ...edit, rev: 0 }), "message.conflict", "stale");
    await alice.request({ type: "message.delete", conversation: id, target: 1 });
    assert.equal(await answerOf(alice, edit), "message.deleted");
    assert.equal((await history(alice, id)).length, 5);
    assert.equal(await suda.failures(), 0);
  });

  test("[D8] [D3] an edit that is tried again with its clientId is one edit; with another body it is refused", async () => {
    await using world = await talking();
    const { alice, id } = world;
    const edit = { type: "message.edit", conversation: id, target: 1, content: textOf("uno"), rev: 0, clientId: clientId("e") } as const;
    const first = await alice.request(edit);
    const again = await alice.request(edit);
    assert.deepEqual([again.seq, again.at, again.rev, again.duplicate], [first.seq, first.at, 1, true]);
    assert.equal(await answerOf(alice, { ...edit, content: textOf("eins") }), "send.conflict");
    assert.equal((await history(alice, id)).length, 3);
  });
});

describe("deletion for all", () => {
  test("[D8] what was deleted is in no answer to anybody any more: history, resume, last, edits", async () => {
    await using world = await talking();
    const { suda, alice, bob, id } = world;
    const { seq } = await alice.request({
      type: "message.send",
      conversation: id,
      clientId: clientId("s"),
      content: textOf("secret 1"),
      data: { note: "secret 2" },
      replyTo: 2,
    });
    await alice.request({ type: "message.edit", conversation: id, target: seq, content: textOf("secret 3") });
    const { conversation } = await bob.request({ type: "conversation.get", conversation: id });
    assert.match(JSON.stringify(await history(bob, id)), /secret 3.*secret 2.*secret 3/, "it was there");
    const deletion = await alice.request({ type: "message.delete", conversation: id, target: seq });
    const { at: _at, ...event } = await bob.event("message.deleted");
    assert.deepEqual(event, { type: "message.deleted", conversation: id, seq: deletion.seq, from: "alice", target: seq });
    await using offline = await suda.connectSilently();
    const resume = { change: 0, cursors: { [id]: { seq: 2, epoch: conversation.epoch } } };
    const hello = await offline.request({ type: "hello", token: suda.token("bob"), resume });
    const answers = [hello, await history(bob, id), await bob.request({ type: "conversation.list" })];
    assert.doesNotMatch(JSON.stringify(answers), /secret/);
    const shown = await message(bob, id, seq);
    assert.deepEqual([shown.content, shown.data, shown.edited, shown.replyTo], [{ type: "deleted" }, undefined, undefined, 2]);
    assert.deepEqual([shown.deleted, shown.changed], [{ by: "alice", at: deletion.at }, deletion.seq]);
    assert.equal(hello.resumed?.[0]?.events[0]?.type, "message.created", "it keeps its place");
  });

  test("[D8] `last` of a conversation is the tombstone too", async () => {
    await using world = await talking();
    const { alice, id } = world;
    await alice.request({ type: "message.delete", conversation: id, target: 1 });
    await alice.request({ type: "message.edit", conversation: id, target: 2, content: textOf("x") }).catch(() => undefined);
    const { conversation } = await alice.request({ type: "conversation.get", conversation: id });
    assert.equal(conversation.last?.type, "message.deleted");
    assert.doesNotMatch(JSON.stringify(conversation), /"one"/);
  });

  test("[D8] [A11] the author, an owner or an admin deletes; in a direct conversation the author alone", async () => {
    await using world = await talking();
    const { suda, alice, bob, eve, id } = world;
    const of = (conversation: ConversationId, target: number): object => ({ type: "message.delete", conversation, target });
    assert.equal(await answerOf(bob, of(id, 1)), "message.forbidden");
    assert.equal(await answerOf(eve, of(id, 1)), "conversation.not_found");
    assert.equal(await answerOf(bob, of(id, 2)), "ok", "one's own");
    await say(bob, id, "three");
    assert.equal(await answerOf(alice, of(id, 4)), "ok", "as owner");
    assert.equal(await answerOf(alice, of(id, 3)), "message.not_found", "a deletion is no message");
    const { conversation } = await bob.request({ type: "conversation.open", with: userId("alice") });
    await say(bob, conversation.id, "hi");
    assert.equal(await answerOf(alice, of(conversation.id, 1)), "message.forbidden");
    assert.equal(await answerOf(bob, of(conversation.id, 1)), "ok");
    assert.equal(await suda.failures(), 0);
  });

  test("[D8] deleting again gives the same answer and writes nothing", async () => {
    await using world = await talking();
    const { alice, bob, id } = world;
    const { ref: _first, ...first } = (await bob.answer({ type: "message.delete", conversation: id, target: 2 })) as ServerFrame & { ref: unknown };
    await say(alice, id, "three");
    const { ref: _again, ...again } = (await alice.answer({ type: "message.delete", conversation: id, target: 2 })) as ServerFrame & { ref: unknown };
    assert.deepEqual(again, first);
    assert.equal((await history(alice, id)).length, 4);
  });

  test("[D9] a deleted message keeps its place in the count of unread ones until it is read", async () => {
    await using world = await talking();
    const { suda, alice, bob, id } = world;
    const seq = await say(alice, id, "three");
    await say(alice, id, "four");
    await alice.request({ type: "message.delete", conversation: id, target: seq });
    const { conversation } = await bob.request({ type: "conversation.get", conversation: id });
    assert.equal(conversation.unread, 2);
    assert.equal((await bob.request({ type: "receipt.read", conversation: id, seq: 5 })).unread, 0);
    assert.equal(await suda.failures(), 0);
  });
});

describe("reactions", () => {
  test("[D8] reactions are counted, one's own are marked, and a second one changes nothing", async () => {
    await using world = await talking();
    const { suda, alice, bob, eve, id } = world;
    const thumb = { type: "reaction.add", conversation: id, target: 1, emoji: "👍🏽" } as const;
    assert.equal((await bob.request(thumb)).seq, 3);
    assert.equal((await bob.request(thumb)).seq, 3, "the head");
    assert.equal((await alice.request(thumb)).seq, 4);
    assert.equal((await alice.request({ ...thumb, emoji: ":party:" })).seq, 5);
    assert.equal(await answerOf(eve, thumb), "conversation.not_found");
    assert.equal((await alice.event("reaction.added", ({ from }) => from === "bob")).emoji, "👍🏽");
    assert.deepEqual((await message(bob, id, 1)).reactions, [
      { emoji: "👍🏽", count: 2, mine: true },
      { emoji: ":party:", count: 1 },
    ]);
    assert.equal((await alice.request({ ...thumb, type: "reaction.remove" })).seq, 6);
    assert.equal((await alice.request({ ...thumb, type: "reaction.remove" })).seq, 6);
    assert.equal((await bob.event("reaction.removed")).from, "alice");
    assert.deepEqual((await message(alice, id, 1)).reactions, [
      { emoji: "👍🏽", count: 1 },
      { emoji: ":party:", count: 1, mine: true },
    ]);
    assert.equal(await answerOf(alice, { ...thumb, target: 9 }), "message.not_found");
    await alice.request({ type: "message.delete", conversation: id, target: 1 });
    assert.equal(await answerOf(bob, thumb), "message.deleted");
    assert.equal((await message(bob, id, 1)).reactions, undefined);
    assert.equal(await suda.failures(), 0);
  });

  test("[C19] a 21st different reaction is refused, one more of the 20 is not", async () => {
    await using world = await talking();
    const { alice, bob, id } = world;
    const react = (emoji: string): object => ({ type: "reaction.add", conversation: id, target: 1, emoji });
    for (let index = 0; index < 20; index++) assert.equal(await answerOf(alice, react(`:e${index}:`)), "ok");
    assert.equal(await answerOf(bob, react("👍")), "message.full");
    assert.equal(await answerOf(bob, react(":e3:")), "ok");
  });
});

describe("replies and pins", () => {
  test("[C20] [D3] a reply names a message of the conversation", async () => {
    await using world = await talking();
    const { alice, bob, id } = world;
    const reply = { type: "message.send", conversation: id, clientId: clientId("r"), content: textOf("re"), replyTo: 1 } as const;
    for (const replyTo of [0, 9]) {
      const refused = await bob.answer({ ...reply, replyTo });
      assert.deepEqual([codeOf(refused), "path" in refused && refused.path], ["frame.invalid", "/replyTo"]);
    }
    await bob.request(reply);
    assert.equal((await alice.event("message.created", ({ from, seq }) => from === "bob" && seq === 3)).replyTo, 1);
    assert.equal(await answerOf(bob, { ...reply, replyTo: 2 }), "send.conflict", "it is part of what was sent");
  });

  test("[D8] [A11] owner or admin pin in a group, either one in a direct conversation; the conversation shows its pins", async () => {
    await using world = await talking();
    const { suda, alice, bob, eve, id } = world;
    const pin = { type: "pin.add", conversation: id, target: 1 } as const;
    assert.equal(await answerOf(bob, pin), "member.forbidden");
    assert.equal(await answerOf(eve, pin), "conversation.not_found");
    assert.equal((await alice.request(pin)).seq, 3);
    assert.equal((await alice.request(pin)).seq, 3, "the head");
    assert.equal((await bob.event("pin.added")).target, 1);
    await alice.request({ ...pin, target: 2 });
    const pinsOf = async (conversation: ConversationId): Promise<unknown> => (await bob.request({ type: "conversation.get", conversation })).conversation.pins;
    assert.deepEqual(await pinsOf(id), [1, 2]);
    assert.equal(await answerOf(alice, { ...pin, target: 3 }), "message.not_found");
    await alice.request({ ...pin, type: "pin.remove" });
    assert.equal((await bob.event("pin.removed")).target, 1);
    await bob.request({ type: "message.delete", conversation: id, target: 2 });
    assert.equal(await pinsOf(id), undefined, "a deletion takes the pin too");
    const { conversation } = await bob.request({ type: "conversation.open", with: userId("alice") });
    await say(bob, conversation.id, "hi");
    assert.equal(await answerOf(alice, { ...pin, conversation: conversation.id }), "ok");
    assert.equal(await suda.failures(), 0);
  });

  test("[D12] a member that was removed changes nothing any more", async () => {
    await using world = await talking();
    const { alice, bob, id } = world;
    const about = { conversation: id, target: 2 };
    const commands: readonly object[] = [
      { type: "message.edit", ...about, content: textOf("x") },
      { type: "reaction.add", ...about, emoji: "👍" },
      { type: "reaction.remove", ...about, emoji: "👍" },
      { type: "pin.add", ...about },
      { type: "pin.remove", ...about },
      { type: "message.delete", ...about },
    ];
    await alice.request({ type: "member.update", conversation: id, user: userId("bob"), role: "owner" });
    for (const command of commands) assert.equal(await answerOf(bob, command), "ok", JSON.stringify(command));
    await alice.request({ type: "member.remove", conversation: id, user: userId("bob") });
    for (const command of commands) assert.equal(await answerOf(bob, command), "conversation.not_found", JSON.stringify(command));
  });
});

describe("over HTTP", () => {
  test("[R1] [A7] [A11] the backend deletes and pins anywhere, and edits in nobody's name but the author's", async () => {
    await using world = await talking();
    const { suda, alice, bob, id } = world;
    const at = (rest: string): string => `/v1/conversations/${id}/${rest}`;
    const code = async (answer: Promise<{ status: number; body: unknown }>): Promise<string> => {
      const { status, body } = await answer;
      return status === 200 ? "ok" : `${status} ${(body as { code: string }).code}`;
    };
    const edit = { content: textOf("uno") };
    assert.equal(await code(suda.backend("bob").request("PATCH", at("messages/1"), edit)), "403 message.forbidden");
    assert.equal(await code(suda.backend("eve").request("PATCH", at("messages/1"), edit)), "404 member.not_found");
    assert.equal(await code(suda.as("eve").request("PATCH", at("messages/1"), edit)), "404 conversation.not_found");
    assert.equal(await code(suda.backend("alice").request("PATCH", at("messages/1"), edit)), "ok");
    assert.equal((await bob.event("message.edited")).from, "alice");
    assert.equal(await code(suda.as("bob").request("PUT", at("pins/1"))), "403 member.forbidden");
    assert.equal(await code(suda.backend().request("PUT", at("pins/1"))), "ok");
    assert.equal(await code(suda.as("bob").request("DELETE", at("messages/1"))), "403 message.forbidden");
    assert.equal(await code(suda.backend().request("DELETE", at("messages/1"))), "ok");
    assert.equal((await alice.event("message.deleted")).from, "~system");
    assert.equal(await suda.failures(), 0);
  });

  test("[R1] [F11] a target that is no number and a reaction that is none are refused with their path", async () => {
    await using world = await talking();
    const path = `/v1/conversations/${world.id}/messages`;
    const http = world.suda.as("bob");
    const field = async (method: string, rest: string): Promise<unknown> => ((await http.request(method, `${path}/${rest}`)).body as { path?: string }).path;
    for (const target of ["x", "1.5", "-1", "1e3", "99999999999999999"]) assert.equal(await field("DELETE", target), "/target", target);
    for (const emoji of ["ab", "%20", "%F0%9F%91%8D%F0%9F%91%8D"]) assert.equal(await field("PUT", `1/reactions/${emoji}`), "/emoji", emoji);
    assert.equal(await field("PUT", "1/reactions/%F0%9F%91%8D"), undefined);
    assert.deepEqual((await message(world.bob, world.id, 1)).reactions, [{ emoji: "👍", count: 1, mine: true }]);
  });
});

describe("snapshot and events", () => {
  test("[D8] what was read at any moment and kept up to date by events equals what is read afresh", async () => {
    const target = fc.integer({ min: 1, max: 6 });
    const emoji = fc.constantFrom("👍", "❤️", ":a:");
    const command: fc.Arbitrary<object> = fc.oneof(
      fc.string({ minLength: 1, maxLength: 5 }).map((text) => ({ type: "message.send", content: textOf(text) })),
      fc.record({ type: fc.constant("message.edit"), target, content: fc.string({ minLength: 1, maxLength: 5 }).map(textOf) }),
      { weight: 3, arbitrary: fc.record({ type: fc.constantFrom("reaction.add", "reaction.remove"), target, emoji }) },
      fc.record({ type: fc.constantFrom("pin.add", "pin.remove"), target }),
      fc.record({ type: fc.constant("message.delete"), target }),
    );
    const steps = fc.array(fc.tuple(fc.constantFrom("alice", "bob"), command), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, fc.nat({ max: 40 }), async (all, cut) => {
        await using world = await talking();
        const { alice, bob, id } = world;
        const views = new Map<Connection, View>();
        for (const [index, [who, body]] of all.entries()) {
          // Each reads page by page, and somebody else changes messages between the pages.
          if (index === cut) for (const connection of [alice, bob]) views.set(connection, await readFirstPage(connection, id));
          await (who === "alice" ? alice : bob).answer({ ...body, conversation: id, ...("target" in body ? {} : { clientId: `c${index}` }) });
        }
        for (const [connection, me] of [
          [alice, "alice"],
          [bob, "bob"],
        ] as const) {
          const view = views.get(connection) ?? (await readFirstPage(connection, id));
          const after = view.have;
          const rest = await connection.request({ type: "history.get", conversation: id, after, limit: 200 });
          for (const event of rest.events) apply(view, event, userId(me));
          const fresh = await readFirstPage(connection, id, 200);
          assert.deepEqual(view.messages, fresh.messages);
          assert.deepEqual(view.pins, fresh.pins);
          // The same by live events, which came without any overlay.
          const live: View = { messages: new Map(), pins: [], have: 0 };
          for (const event of await liveEvents(connection, id)) apply(live, event, userId(me));
          for (const [seq, one] of live.messages) assert.deepEqual(one, fresh.messages.get(seq));
          assert.deepEqual(live.pins, fresh.pins);
        }
        assert.equal(await world.suda.failures(), 0);
      }),
      { numRuns: 40 },
    );
  });
});

/** What a client keeps of a conversation. */
interface View {
  readonly messages: Map<number, MessageCreated>;
  pins: readonly number[];
  have: number;
}

/** The first events, and the conversation as it is at that moment: its pins are newer than the page. */
async function readFirstPage(connection: Connection, conversation: ConversationId, limit = 3): Promise<View> {
  const { events } = await connection.request({ type: "history.get", conversation, after: 0, limit });
  const view: View = { messages: new Map(), pins: [], have: 0 };
  for (const event of events) apply(view, event, undefined);
  if (limit === 200) view.pins = (await connection.request({ type: "conversation.get", conversation })).conversation.pins ?? [];
  return view;
}

function apply(view: View, event: LogEvent, me: UserId | undefined): void {
  view.have = event.seq;
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the others change neither messages nor pins
  switch (event.type) {
    case "message.created":
      view.messages.set(event.seq, event);
      return;
    case "message.edited":
    case "message.deleted":
    case "reaction.added":
    case "reaction.removed": {
      const known = view.messages.get(event.target);
      if (known !== undefined) view.messages.set(event.target, applyChange(known, event, me));
      if (event.type === "message.deleted") view.pins = view.pins.filter((pin) => pin !== event.target);
      return;
    }
    case "pin.added":
      view.pins = [...view.pins, event.target];
      return;
    case "pin.removed":
      view.pins = view.pins.filter((pin) => pin !== event.target);
      return;
    default:
  }
}

/** Everything live from seq 3 on: what was taken before is left out. */
async function liveEvents(connection: Connection, conversation: ConversationId): Promise<readonly LogEvent[]> {
  const frames = await connection.leftovers();
  return frames.filter((frame): frame is LogEvent => "seq" in frame && "conversation" in frame && frame.conversation === conversation);
}
