/**
 * Who may do what: every command for everybody there is, in one table (A1, A2, A3). A command that is not in it
 * does not compile, and fails here. Whatever they try, those who are no members receive no byte of what was said
 * in the conversation: its words are canaries, which are searched for in all that was sent to them.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { commands, type CommandType, type ConversationId } from "@suda/protocol";
import type { App, WebSocketApp } from "@suda/server/app";
import { clientId, codeOf, createTestGroup, TestServer, textOf, userId, WebSocketCommunicator } from "@suda/testing";

const roles = ["anonymous", "stranger", "former", "member", "admin", "owner"] as const;
type Role = (typeof roles)[number];
const outsiders: readonly Role[] = ["anonymous", "stranger", "former"];

interface Place {
  /** A group of owner, admin, member and other; former was removed. The owner said seq 1, in which other's tap is seq 4. */
  readonly id: ConversationId;
  readonly token: (user: string) => string;
  readonly me: Role;
}

interface Row {
  /** What is asked; of several commands the last one is judged, and those before it succeed when it does. */
  readonly ask: (place: Place) => readonly object[];
  /** The code of the answer for stranger, former, member, admin and owner. Nobody does anything before hello (H1). */
  readonly answers: readonly [string, string, string, string, string];
}

const unknown = "conversation.not_found";
const everybody = ["ok", "ok", "ok", "ok", "ok"] as const;
const members = [unknown, unknown, "ok", "ok", "ok"] as const;
/** None of these is one. */
const bots = [unknown, unknown, "bot.required", "bot.required", "bot.required"] as const;
const managers = [unknown, unknown, "member.forbidden", "ok", "ok"] as const;

/** A command about the conversation. */
const inIt =
  (fields: object = {}) =>
  (type: string) =>
  ({ id }: Place): readonly object[] => [{ type, conversation: id, ...fields }];
const inItAll = inIt();

const table: { readonly [T in CommandType]: Row } = {
  hello: { ask: ({ token, me }) => [{ type: "hello", token: token(me) }], answers: repeat("auth.already") },
  "token.refresh": { ask: ({ token, me }) => [{ type: "token.refresh", token: token(me) }], answers: everybody },
  "user.get": { ask: () => [{ type: "user.get", user: "owner" }], answers: everybody },
  "user.update": { ask: () => [{ type: "user.update", name: "somebody" }], answers: everybody },
  "user.block": { ask: () => [{ type: "user.block", user: "other" }], answers: everybody },
  "user.unblock": {
    ask: () => [
      { type: "user.block", user: "other" },
      { type: "user.unblock", user: "other" },
    ],
    answers: everybody,
  },
  "conversation.open": { ask: () => [{ type: "conversation.open", with: "other" }], answers: everybody },
  "conversation.create": { ask: () => [{ type: "conversation.create", members: ["other"] }], answers: everybody },
  "conversation.get": { ask: inItAll("conversation.get"), answers: members },
  "conversation.list": { ask: () => [{ type: "conversation.list" }], answers: everybody },
  "conversation.update": {
    ask: inIt({ title: "new", write: "admins", slowModeMs: 1_000, retentionMs: 60_000 })("conversation.update"),
    answers: managers,
  },
  "conversation.mute": { ask: inItAll("conversation.mute"), answers: members },
  "conversation.unmute": { ask: inItAll("conversation.unmute"), answers: members },
  "conversation.hide": { ask: inItAll("conversation.hide"), answers: members },
  "conversation.show": { ask: inItAll("conversation.show"), answers: members },
  "member.list": { ask: inItAll("member.list"), answers: members },
  "member.add": { ask: inIt({ users: ["newcomer"] })("member.add"), answers: managers },
  "member.remove": { ask: inIt({ user: "other" })("member.remove"), answers: managers },
  "member.update": {
    ask: inIt({ user: "other", role: "admin" })("member.update"),
    answers: [unknown, unknown, "member.forbidden", "member.forbidden", "ok"],
  },
  "member.leave": { ask: inItAll("member.leave"), answers: [unknown, unknown, "ok", "ok", "member.last_owner"] },
  "message.send": { ask: inIt({ clientId: "mine", content: textOf("mine") })("message.send"), answers: members },
  "bot.send": { ask: inIt({ clientId: "mine", messages: [{ content: textOf("mine") }] })("bot.send"), answers: bots },
  "message.edit": {
    ask: inIt({ target: 1, content: { type: "card", text: "edited" } })("message.edit"),
    answers: [unknown, unknown, "message.forbidden", "message.forbidden", "ok"],
  },
  "message.delete": { ask: inIt({ target: 1 })("message.delete"), answers: [unknown, unknown, "message.forbidden", "ok", "ok"] },
  "message.hide": { ask: inIt({ target: 1 })("message.hide"), answers: members },
  "reaction.add": { ask: inIt({ target: 1, emoji: "👍" })("reaction.add"), answers: members },
  "reaction.remove": { ask: inIt({ target: 1, emoji: "👍" })("reaction.remove"), answers: members },
  "pin.add": { ask: inIt({ target: 1 })("pin.add"), answers: managers },
  "pin.remove": { ask: inIt({ target: 1 })("pin.remove"), answers: managers },
  "interaction.tap": {
    ask: inIt({ target: 1, action: "more", clientId: "tap" })("interaction.tap"),
    answers: [unknown, unknown, "ok", "ok", "interaction.forbidden"],
  },
  "interaction.answer": {
    ask: inIt({ target: 4, toast: "noted" })("interaction.answer"),
    answers: [unknown, unknown, "interaction.forbidden", "interaction.forbidden", "ok"],
  },
  "history.get": { ask: inIt({ after: 0 })("history.get"), answers: members },
  "receipt.read": { ask: inIt({ seq: 1 })("receipt.read"), answers: members },
  "receipt.delivered": { ask: inIt({ seq: 1 })("receipt.delivered"), answers: members },
  "receipt.unread": { ask: inItAll("receipt.unread"), answers: members },
  "control.handoff": { ask: inItAll("control.handoff"), answers: managers },
  "control.take": { ask: inItAll("control.take"), answers: managers },
  "control.return": { ask: inItAll("control.return"), answers: managers },
  "typing.start": { ask: inItAll("typing.start"), answers: members },
  "typing.stop": { ask: inItAll("typing.stop"), answers: members },
  "thinking.start": { ask: inItAll("thinking.start"), answers: bots },
  "thinking.stop": { ask: inItAll("thinking.stop"), answers: bots },
  "stream.start": { ask: inIt({ stream: "s" })("stream.start"), answers: bots },
  "stream.append": { ask: inIt({ stream: "s", text: "more" })("stream.append"), answers: bots },
  "stream.finish": { ask: inIt({ stream: "s", content: textOf("all") })("stream.finish"), answers: bots },
  "stream.abort": { ask: inIt({ stream: "s" })("stream.abort"), answers: bots },
  "stream.get": { ask: inItAll("stream.get"), answers: members },
  "presence.watch": { ask: () => [{ type: "presence.watch", users: ["owner", "other"] }], answers: everybody },
  "presence.unwatch": { ask: () => [{ type: "presence.unwatch", users: ["owner"] }], answers: everybody },
};

test("every command is in the table", () => {
  assert.deepEqual(Object.keys(table).sort(), Object.keys(commands).sort());
});

describe("every command, for everybody", () => {
  for (const [type, { ask, answers }] of Object.entries(table)) {
    test(`[A1] [A2] [A3] [H1] ${type}`, async () => {
      for (const [index, me] of roles.entries()) {
        await using world = await openWorld(me);
        const place: Place = { id: world.id, me, token: (user) => world.suda.token(user) };
        const asked = ask(place);
        // Before hello, `hello` itself is asked without the token that would make it one.
        const wanted = me === "anonymous" ? "auth.required" : answers[index - 1];
        for (const [at, command] of asked.entries()) {
          const answer = await world.mine.answer(me === "anonymous" && type === "hello" ? { type } : command);
          if (at === asked.length - 1 || wanted === "auth.required") assert.equal(codeOf(answer), wanted, `${me}: ${JSON.stringify(answer)}`);
        }
        await world.goOn();
        const heard = Buffer.concat(world.received).toString("utf8");
        if (outsiders.includes(me)) for (const canary of world.canaries) assert.ok(!heard.includes(canary), `${me} was told ${canary} after ${type}: ${heard}`);
        assert.equal(await world.suda.failures(), 0);
      }
    });
  }

  test("the canaries would be found: a member is told all of them", async () => {
    await using world = await openWorld("member");
    await world.mine.request({ type: "history.get", conversation: world.id, after: 0 });
    await world.mine.request({ type: "conversation.get", conversation: world.id });
    await world.goOn();
    const heard = Buffer.concat(world.received).toString("utf8");
    assert.deepEqual(
      world.canaries.filter((canary) => !heard.includes(canary)),
      [],
    );
  });

  test("[D10] who shares no conversation with anybody watches nobody", async () => {
    for (const [me, expected] of [
      ["stranger", []],
      ["former", []],
      ["member", ["owner", "other"]],
    ] as const) {
      await using world = await openWorld(me);
      const { presence } = await world.mine.request({ type: "presence.watch", users: [userId("owner"), userId("other")] });
      assert.deepEqual(
        presence.map(({ user }) => user),
        expected,
        me,
      );
    }
  });
});

interface World extends AsyncDisposable {
  readonly suda: TestServer;
  readonly id: ConversationId;
  /** The connection of the one whose turn it is; before hello when that is nobody. */
  readonly mine: WebSocketCommunicator;
  /** Every message that the server sent on it, since what the former member may have seen is over. */
  readonly received: Uint8Array[];
  readonly canaries: readonly string[];
  /** The others go on talking, so that whoever listens unseen is found out. */
  readonly goOn: () => Promise<void>;
}

async function openWorld(me: Role): Promise<World> {
  const suda = await TestServer.open({ limits: { commands: { perSecond: 0, burst: 1 } } });
  const canaries: string[] = [];
  const canary = (): string => {
    const word = `canary-${randomUUID()}`;
    canaries.push(word);
    return word;
  };
  const owner = await suda.connect("owner");
  const { id } = await createTestGroup(owner, ["admin", "member", "former", "other"], canary());
  const received: Uint8Array[] = [];
  const mine = await WebSocketCommunicator.connect(recording(suda.server.app, received));
  if (me !== "anonymous") await mine.request({ type: "hello", token: suda.token(me) });
  await owner.request({
    type: "message.send",
    conversation: id,
    clientId: clientId("first"),
    content: { type: "card", text: canary(), buttons: [{ type: "postback", id: "more", label: "More", data: { note: canary() }, displayText: canary() }] },
    altText: canary(),
    data: { note: canary() },
  });
  await owner.request({ type: "member.update", conversation: id, user: userId("admin"), role: "admin" });
  // Removed while connected: what it heard before was its own to hear.
  await owner.request({ type: "member.remove", conversation: id, user: userId("former") });
  if (me === "former") {
    await mine.event("conversation.left");
    received.length = 0;
  }
  const { status } = await suda.as("other").post(`/v1/conversations/${id}/messages/1/interactions`, { clientId: "other", action: "more" });
  assert.equal(status, 200);
  const goOn = async (): Promise<void> => {
    const text = textOf(canary());
    const sent = await owner.answer({ type: "message.send", conversation: id, clientId: "later", content: text });
    const { seq } = sent as unknown as { seq: number };
    await owner.answer({ type: "message.edit", conversation: id, target: seq, content: textOf(canary()) });
    await owner.answer({ type: "conversation.update", conversation: id, title: canary() });
    await owner.answer({ type: "typing.start", conversation: id });
    await mine.leftovers();
  };
  return {
    suda,
    id,
    mine,
    received,
    canaries,
    goOn,
    async [Symbol.asyncDispose]() {
      for (const connection of [mine, owner]) await connection[Symbol.asyncDispose]();
      await suda[Symbol.asyncDispose]();
    },
  };
}

/** The app, with a copy of all bytes that it sends. */
function recording(app: App, received: Uint8Array[]): WebSocketApp {
  return async (scope) => {
    const handlers = await app.websocket(scope);
    if (handlers.kind === "refuse") return handlers;
    return {
      ...handlers,
      onOpen(connection) {
        const copying: typeof connection = Object.create(connection, {
          send: {
            value: (message: Uint8Array) => {
              received.push(message);
              connection.send(message);
            },
          },
        });
        return handlers.onOpen(copying);
      },
    };
  };
}

function repeat(code: string): readonly [string, string, string, string, string] {
  return [code, code, code, code, code];
}
