/** Hooks of the host product: what it says before a message is stored, and what it is told afterwards. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newWebhookSecret, type ConversationId, type DeadLetter, type LogEvent, type MessageBody } from "@suda/protocol";
import {
  answerJson,
  clientId,
  codeOf,
  eventually,
  ManualClock,
  refusalIn,
  say,
  TestServer,
  textOf,
  textOfEvent,
  userId,
  WebhookReceiver,
  type TestServerOptions,
  type WebSocketCommunicator,
} from "@suda/testing";
import { MemoryStore } from "../store/memory-store.ts";
import type { AskedSend } from "../chat/send-hook.ts";
import type { BeforeSend, BeforeSendOptions } from "./before-send.ts";

const textOfMessage = ({ content }: MessageBody): string => (content.type === "text" ? content.text : content.type);
const change = ({ messages }: AskedSend, by: (text: string) => string) =>
  ({ decision: "change", messages: messages.map((message) => ({ ...message, content: textOf(by(textOfMessage(message))) })) }) as const;

interface World extends AsyncDisposable {
  readonly suda: TestServer;
  readonly alice: WebSocketCommunicator;
  readonly id: ConversationId;
  readonly texts: () => Promise<readonly string[]>;
}

async function open(beforeSend: BeforeSendOptions, options: TestServerOptions = {}): Promise<World> {
  const suda = await TestServer.open({ hooks: { beforeSend }, limits: { commands: { perSecond: 0, burst: 1 } }, ...options });
  const alice = await suda.connect("alice");
  const { id } = (await alice.request({ type: "conversation.open", with: userId("bob") })).conversation;
  const texts = async (): Promise<readonly string[]> => {
    const { events } = await alice.request({ type: "history.get", conversation: id, after: 0 });
    return events.flatMap((event) => (event.type === "message.created" ? [textOfEvent(event)] : []));
  };
  const close = async (): Promise<void> => {
    await alice[Symbol.asyncDispose]();
    await suda[Symbol.asyncDispose]();
  };
  return { suda, alice, id, texts, [Symbol.asyncDispose]: close };
}

const send = (
  id: ConversationId,
  key: string,
  text = key,
): { type: "message.send"; conversation: ConversationId; clientId: ReturnType<typeof clientId>; content: ReturnType<typeof textOf> } => ({
  type: "message.send",
  conversation: id,
  clientId: clientId(key),
  content: textOf(text),
});

describe("the hook before a send", () => {
  test("[W11] allows, changes or refuses, with a reason that the sender is shown; the others see what it made of it", async () => {
    const hook: BeforeSend = (asked) => {
      const [text = ""] = asked.messages.map(textOfMessage);
      if (text.includes("bad")) return { decision: "refuse", reason: "Be kind." };
      return text.includes("010-1234") ? change(asked, (one) => one.replace("010-1234", "***")) : undefined;
    };
    await using world = await open({ hook });
    await using bob = await world.suda.connect("bob");
    const refused = await world.alice.answer(send(world.id, "a", "bad word"));
    assert.deepEqual(
      [codeOf(refused), refused.type === "error" && refused.message, refused.type === "error" && refused.retryable],
      ["send.refused", "Be kind.", false],
    );
    assert.equal(codeOf(await world.alice.answer(send(world.id, "b", "call 010-1234"))), "ok");
    assert.equal(codeOf(await world.alice.answer(send(world.id, "c", "hello"))), "ok");
    assert.equal(textOfEvent(await bob.event("message.created")), "call ***");
    const edit = { type: "message.edit", conversation: world.id, target: 2 } as const;
    assert.equal(codeOf(await world.alice.answer({ ...edit, content: textOf("bad") })), "send.refused");
    assert.equal(codeOf(await world.alice.answer({ ...edit, content: textOf("010-1234") })), "ok");
    assert.deepEqual(await world.texts(), ["call ***", "***"]);
    const backend = await world.suda.backend("alice").post(`/v1/conversations/${world.id}/messages`, { clientId: "d", content: textOf("bad") });
    assert.deepEqual([backend.status, (backend.body as { code: string }).code], [403, "send.refused"]);
    assert.equal(await world.suda.failures(), 0);
  });

  test("[W12] [D3] a retry finds the first, is not asked about again, and another body under its key is a conflict", async () => {
    let asked = 0;
    await using world = await open({ hook: (one) => change(one, (text) => `${text} #${++asked}`) });
    const first = await world.alice.request(send(world.id, "k", "hello"));
    const again = await world.alice.request(send(world.id, "k", "hello"));
    assert.deepEqual([again.seq, again.duplicate, asked], [first.seq, true, 1]);
    assert.equal(codeOf(await world.alice.answer(send(world.id, "k", "other"))), "send.conflict");
    // Also what the hook made of it is another body than what was asked.
    assert.equal(codeOf(await world.alice.answer(send(world.id, "k", "hello #1"))), "send.conflict");
    const edit = { type: "message.edit", conversation: world.id, target: first.seq, clientId: clientId("e"), content: textOf("edited") } as const;
    const edited = await world.alice.request(edit);
    assert.deepEqual([(await world.alice.request(edit)).seq, (await world.alice.request(edit)).duplicate], [edited.seq, true]);
    assert.equal((await world.texts()).length, 1);
  });

  test("[W12] [D3] two tries at once are one message, though the hook says something else each time", async () => {
    let asked = 0;
    await using world = await open({
      hook: async (one) => {
        const number = ++asked;
        await new Promise((resolve) => setImmediate(resolve));
        return change(one, (text) => `${text} #${number}`);
      },
    });
    const http = (): Promise<{ body: unknown }> =>
      world.suda.as("alice").post(`/v1/conversations/${world.id}/messages`, { clientId: "k", content: textOf("hello") });
    const seqs = (await Promise.all([http(), http(), http()])).map(({ body }) => (body as { seq: number }).seq);
    assert.deepEqual([new Set(seqs).size, (await world.texts()).length], [1, 1]);
  });

  test("[W12] [D4] what one connection sends is stored in its order, whichever answer comes first", async () => {
    const waiting: (() => void)[] = [];
    await using world = await open({ hook: () => new Promise((resolve) => waiting.push(() => resolve(undefined))) });
    const answers = Promise.all(["a", "b", "c"].map((key) => world.alice.request(send(world.id, key))));
    await eventually(async () => waiting.length === 3);
    for (const goOn of waiting.toReversed()) {
      goOn();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const seqs = (await answers).map(({ seq }) => seq);
    assert.deepEqual(seqs, [1, 2, 3]);
    assert.deepEqual(await world.texts(), ["a", "b", "c"]);
  });

  test("[W12] [D4] one that is refused, or hangs, keeps what is behind it no longer than its time", async () => {
    const waiting: (() => void)[] = [];
    const hook: BeforeSend = ({ messages }) => {
      const [text] = messages.map(textOfMessage);
      if (text === "refused") return { decision: "refuse", reason: "no" };
      return text === "hangs" ? new Promise(() => waiting.push(() => {})) : undefined;
    };
    await using world = await open({ hook });
    const answers = Promise.all(["refused", "hangs", "behind"].map((key) => world.alice.answer(send(world.id, key))));
    await eventually(async () => waiting.length === 1);
    world.suda.clock.advance(1_000);
    assert.deepEqual((await answers).map(codeOf), ["send.refused", "hook.failed", "ok"]);
    assert.deepEqual(await world.texts(), ["behind"]);
  });

  test("[W12] [D17] what follows one whose check fails waits for it to be sent again", async () => {
    const failing = new Set(["a"]);
    const hook: BeforeSend = ({ messages }) => (failing.delete(messages.map(textOfMessage)[0] ?? "") ? Promise.reject(new Error("no")) : undefined);
    await using world = await open({ hook });
    const chain = (): Promise<string[]> =>
      Promise.all(
        ["a", "b", "c"].map(async (key, index) =>
          codeOf(await world.alice.answer({ ...send(world.id, key), ...(index === 0 ? {} : { follows: "ab"[index - 1] }) })),
        ),
      );
    assert.deepEqual(await chain(), ["hook.failed", "send.order", "send.order"]);
    assert.deepEqual(await chain(), ["ok", "ok", "ok"]);
    assert.deepEqual(await world.texts(), ["a", "b", "c"]);
  });

  test("[W13] when it throws, takes longer than its time or answers nonsense, messages are refused, or go through if the host says so", async () => {
    const bad: readonly BeforeSend[] = [
      () => Promise.reject(new Error("no")),
      () => {
        throw new Error("no");
      },
      () => ({ decision: "perhaps" }) as never,
      ({ messages }) => ({ decision: "change", messages: [...messages, ...messages] }),
      () => ({ decision: "change", messages: [{ content: textOf("") }] }),
      () => ({ decision: "refuse", reason: "" }),
    ];
    for (const onFailure of ["refuse", "allow"] as const) {
      for (const hook of bad) {
        await using world = await open({ hook, onFailure });
        const answer = await world.alice.answer(send(world.id, "k"));
        assert.equal(codeOf(answer), onFailure === "allow" ? "ok" : "hook.failed");
        if (answer.type === "error") assert.ok(answer.retryable && (answer.retryAfterMs ?? 0) > 0);
        assert.equal(await world.suda.failures(), 1);
      }
    }
  });

  test("[W11] [W13] as a signed webhook: allows by an empty 2xx, changes and refuses by JSON, and fails by anything else", async () => {
    const clock = new ManualClock();
    await using receiver = await WebhookReceiver.open({ clock });
    const secret = newWebhookSecret();
    receiver.secrets.push(secret);
    const outgoing = { allow: ["127.0.0.0/8"] };
    await using world = await open({ hook: { url: receiver.url, secrets: [secret] } }, { clock, outgoing });
    assert.equal(codeOf(await world.alice.answer(send(world.id, "a"))), "ok");
    const [received] = receiver.received;
    const asked = JSON.parse(received?.raw ?? "{}") as Record<string, unknown>;
    assert.deepEqual([received?.refused, asked["type"], asked["what"], asked["from"], asked["clientId"]], [undefined, "before-send", "send", "alice", "a"]);
    receiver.respond = answerJson({ decision: "change", messages: [{ content: textOf("changed") }] });
    assert.equal(codeOf(await world.alice.answer(send(world.id, "b"))), "ok");
    receiver.respond = answerJson({ decision: "refuse", reason: "아니요" });
    assert.equal(codeOf(await world.alice.answer(send(world.id, "c"))), "send.refused");
    for (const respond of [
      answerJson("{nonsense"),
      (_received: unknown, response: { writeHead: (status: number) => { end: () => void } }): void => response.writeHead(500).end(),
    ]) {
      receiver.respond = respond;
      assert.equal(codeOf(await world.alice.answer(send(world.id, "d"))), "hook.failed");
    }
    assert.deepEqual(await world.texts(), ["a", "changed"]);
  });
});

describe("the hook after a commit", () => {
  test("[W14] is told of every event of every conversation, in order; not of what was there before", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    {
      const before = await TestServer.open({ store, clock });
      await using alice = await before.connect("alice");
      const { conversation } = await alice.request({ type: "conversation.open", with: userId("bob") });
      await say(alice, conversation.id, "before");
      await before.server[Symbol.asyncDispose]();
    }
    clock.advance(1_000);
    const told: LogEvent[] = [];
    await using suda = await TestServer.open({ store, clock, hooks: { afterCommit: { hook: (event) => void told.push(event) } } });
    await using alice = await suda.connect("alice");
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("bob") });
    await eventually(async () => (await store.documents.get("hook-cursors", "~since")) !== undefined);
    for (const text of ["one", "two"]) await say(alice, conversation.id, text);
    const room = (await alice.request({ type: "conversation.create", members: [userId("carol")] })).conversation;
    await alice.request({ type: "conversation.update", conversation: room.id, title: "new" });
    await eventually(async () => told.length === 3);
    assert.deepEqual(
      told.filter((event) => event.conversation === conversation.id).map(({ seq }) => seq),
      [2, 3],
    );
    assert.deepEqual(
      told.filter((event) => event.conversation === room.id).map(({ type }) => type),
      ["conversation.updated"],
    );
  });

  test("[W15] what it did not take is told again, also after a restart, and nothing behind it before", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    let id = "" as ConversationId;
    const failed: number[] = [];
    {
      const hook = ({ seq }: LogEvent): void => {
        failed.push(seq);
        if (seq === 2) throw new Error("no");
      };
      const suda = await TestServer.open({ store, clock, hooks: { afterCommit: { hook } } });
      await eventually(async () => (await store.documents.get("hook-cursors", "~since")) !== undefined);
      await using alice = await suda.connect("alice");
      ({ id } = (await alice.request({ type: "conversation.open", with: userId("bob") })).conversation);
      for (const text of ["one", "two", "three"]) await say(alice, id, text);
      await eventually(
        async () => failed.filter((seq) => seq === 2).length >= 3,
        () => clock.advance(500),
      );
      await suda.server[Symbol.asyncDispose]();
    }
    assert.deepEqual(new Set(failed), new Set([1, 2]));
    const told: number[] = [];
    await using _suda = await TestServer.open({ store, clock, hooks: { afterCommit: { hook: ({ seq }) => void told.push(seq) } } });
    await eventually(
      async () => told.length === 2,
      () => clock.advance(500),
    );
    assert.deepEqual(told, [2, 3]);
  });

  test("[W15] as a signed webhook, which may fail", async () => {
    const clock = new ManualClock();
    let status = 500;
    await using receiver = await WebhookReceiver.open({ clock, respond: (_received, response) => void response.writeHead(status).end() });
    const secret = newWebhookSecret();
    receiver.secrets.push(secret);
    const hooks = { afterCommit: { hook: { url: receiver.url, secrets: [secret] } } };
    await using suda = await TestServer.open({ clock, hooks, outgoing: { allow: ["127.0.0.0/8"] } });
    await eventually(async () => (await suda.store.documents.get("hook-cursors", "~since")) !== undefined);
    await using alice = await suda.connect("alice");
    const { id } = (await alice.request({ type: "conversation.open", with: userId("bob") })).conversation;
    for (const text of ["one", "two"]) await say(alice, id, text);
    await receiver.arrived(1);
    status = 200;
    await eventually(
      async () => (await suda.store.documents.get("hook-cursors", id))?.value["seq"] === 2,
      () => clock.advance(100),
    );
    assert.deepEqual([...new Set(receiver.received.map(({ body }) => body.event.seq))], [1, 2]);
    assert.ok(receiver.received.every(({ refused }) => refused === undefined));
  });

  test("[W16] after 72 hours an event is a dead letter, the ones behind it go on; the backend lists, replays and deletes it", async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    let isWell = false;
    const hook = (event: LogEvent): void => {
      const text = event.type === "message.created" ? textOfEvent(event) : event.type;
      if (text.startsWith("poison") && !isWell) throw new Error("no");
      told.push(text);
    };
    await using suda = await TestServer.open({ clock, hooks: { afterCommit: { hook } }, limits: { requests: { perSecond: 0, burst: 1 } } });
    await eventually(async () => (await suda.store.documents.get("hook-cursors", "~since")) !== undefined);
    await using alice = await suda.connect("alice");
    const { id } = (await alice.request({ type: "conversation.open", with: userId("bob") })).conversation;
    for (const text of ["poison 1", "poison 2", "poison 3", "behind"]) await say(alice, id, text);
    const path = "/v1/hooks/after-commit/dead-letters";
    const letters = async (): Promise<readonly DeadLetter[]> => ((await suda.backend().get(path)).body as { deadLetters: DeadLetter[] }).deadLetters;
    await eventually(
      async () => told.includes("behind"),
      () => clock.advance(600_000),
    );
    const given = await letters();
    assert.deepEqual(
      given.map(({ conversation, seq, type, code, message }) => [conversation, seq, type, code, message]),
      [1, 2, 3].map((seq) => [id, seq, "message.created", "hook.failed", "no"]),
    );
    const [first, second] = given.map((letter) => letter.id);
    for (const [method, where] of [
      ["GET", path],
      ["POST", `${path}/${first}/replay`],
      ["POST", `${path}/replay`],
      ["DELETE", `${path}/${first}`],
      ["DELETE", path],
    ] as const)
      assert.deepEqual(refusalIn(await suda.as("alice").request(method, where)), [403, "auth.forbidden", undefined], `${method} ${where}`);
    const replay = async (where: string): Promise<object> => (await suda.backend().request("POST", `${path}/${where}`)).body as object;
    assert.deepEqual(await replay(`${first}/replay`), { outcome: "failed", code: "hook.failed", message: "no" });
    assert.deepEqual(await replay("replay"), { delivered: 0, gone: 0, left: 3, failed: { outcome: "failed", code: "hook.failed", message: "no" } });
    isWell = true;
    assert.deepEqual(await replay(`${first}/replay`), { outcome: "delivered" });
    assert.deepEqual(refusalIn(await suda.backend().request("POST", `${path}/${first}/replay`)), [404, "dead_letter.not_found", undefined]);
    assert.equal((await suda.backend().request("DELETE", `${path}/${second}`)).status, 200);
    assert.deepEqual(refusalIn(await suda.backend().request("DELETE", `${path}/${second}`)), [404, "dead_letter.not_found", undefined]);
    await suda.store.documents.put("dead-letters", "~after-commit/000000001-x", { id: "000000001-x", conversation: id, seq: 1_000_000 });
    assert.deepEqual(await replay("replay"), { delivered: 1, gone: 1, left: 0 });
    assert.deepEqual(told, ["behind", "poison 1", "poison 3"]);
    assert.deepEqual(await letters(), []);
  });

  test("[W16] without a hook its letters can be seen and deleted, and nobody is told", async () => {
    await using suda = await TestServer.open();
    await suda.store.documents.put("dead-letters", "~after-commit/000000001-x", { id: "000000001-x", conversation: "room", seq: 1 });
    const path = "/v1/hooks/after-commit/dead-letters";
    for (const where of ["replay", "000000001-x/replay"])
      assert.deepEqual(refusalIn(await suda.backend().request("POST", `${path}/${where}`)), [404, "hook.not_found", undefined]);
    assert.equal(((await suda.backend().get(path)).body as { deadLetters: unknown[] }).deadLetters.length, 1);
    assert.deepEqual((await suda.backend().request("DELETE", path)).body, { deleted: 1 });
  });
});
