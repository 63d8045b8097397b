/** The path of a message through the consumer: order, retries, arrays of frames, and a store that fails underneath. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SudaError, type ConversationId, type MessageCreated, type ServerFrame } from "@suda/protocol";
import { clientId, codeOf, createTestGroup, say, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";
import { MemoryChannelLayer } from "../channel-layer/memory-channel-layer.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { LogStore, Store } from "../store/store.ts";

const send = (conversation: ConversationId, id: string, text = id): object => ({ type: "message.send", conversation, clientId: id, content: textOf(text) });
const seqOf = (frame: ServerFrame): unknown => (frame.type === "reply" ? frame["seq"] : codeOf(frame));

async function answers(connection: WebSocketCommunicator, count: number): Promise<ServerFrame[]> {
  const frames: ServerFrame[] = [];
  while (frames.length < count) frames.push(await connection.receive("an answer", ({ type }) => type === "reply" || type === "error"));
  return frames;
}

/** A memory store whose appends a test can turn into something else. */
class FailingStore implements Store {
  readonly #store = new MemoryStore();
  readonly conversations = this.#store.conversations;
  readonly users = this.#store.users;
  readonly documents = this.#store.documents;
  /** Instead of the next appends. */
  instead: (() => Promise<never>) | undefined;
  readonly log: LogStore = {
    ...this.#store.log,
    append: (...arguments_) => this.instead?.() ?? this.#store.log.append(...arguments_),
  };
  status(): ReturnType<Store["status"]> {
    return this.#store.status();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}

describe("sends", () => {
  test("[D1] [D4] [D5] pipelined sends of a connection are stored, answered and told in the order in which they were sent", async () => {
    await using suda = await TestServer.open({ limits: { commands: { perSecond: 0, burst: 1 } } });
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    const count = 500;
    for (let index = 1; index <= count; index++) alice.send({ ...send(id, `k${index}`), ref: index });
    const expected = Array.from({ length: count }, (_, index) => index + 1);
    const replies = await answers(alice, count);
    assert.deepEqual(
      replies.map((frame) => [frame.type === "reply" && frame.ref, seqOf(frame)]),
      expected.map((index) => [index, index]),
    );
    for (const connection of [alice, bob]) {
      const events: MessageCreated[] = [];
      while (events.length < count) events.push(await connection.event("message.created"));
      assert.deepEqual(
        events.map(({ seq, clientId }) => [seq, clientId]),
        expected.map((index) => [index, `k${index}`]),
      );
      assert.ok(
        events.every(({ at }, index) => at >= (events[index - 1]?.at ?? 0)),
        "at never goes backwards",
      );
    }
  });

  test("[D4] other commands wait for the sends before them", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    alice.send([
      { ...send(id, "k1"), ref: 1 },
      { ...send(id, "k2"), ref: 2 },
      { type: "history.get", ref: 3, conversation: id },
    ]);
    const [, , history] = await answers(alice, 3);
    assert.ok(history?.type === "reply" && history.ref === 3, "in order");
    assert.equal(history["head"], 2);
    assert.equal((history["events"] as unknown[]).length, 2);
  });

  test("[D3] a retried send gets the first seq with duplicate: true, and members see nothing new", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using alicesPhone = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    const first = await alice.answer(send(id, "k"));
    suda.clock.advance(60_000);
    for (const connection of [alice, alicesPhone]) {
      const again = await connection.answer(send(id, "k"));
      assert.ok(again.type === "reply" && first.type === "reply", "both are replies");
      assert.deepEqual([again["seq"], again["at"], again["duplicate"], first["duplicate"]], [first["seq"], first["at"], true, undefined]);
    }
    // The key is the sender's own: Bob may use the same.
    assert.equal(seqOf(await bob.answer(send(id, "k"))), 2);
    await bob.event("message.created", ({ seq }) => seq === 2);
    const seqs = (await bob.leftovers()).filter(({ type }) => type === "message.created").map((frame) => "seq" in frame && frame.seq);
    assert.deepEqual(seqs, [1]);
  });

  test("[D3] the same clientId with other content or data is send.conflict and changes nothing", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    await alice.answer(send(id, "k", "one"));
    for (const other of [
      send(id, "k", "two"),
      { ...send(id, "k", "one"), data: {} },
      { ...send(id, "k"), content: { type: "text", text: "one", entities: [] } },
    ])
      assert.equal(codeOf(await alice.answer(other)), "send.conflict");
    const { events } = await alice.request({ type: "history.get", conversation: id });
    assert.deepEqual(
      events.map((event) => event.type === "message.created" && event.content),
      [textOf("one")],
    );
    // Another conversation is another key.
    const other = await createTestGroup(alice, []);
    assert.equal(seqOf(await alice.answer(send(other.id, "k", "two"))), 1);
  });

  test("[D3] the same send on two connections at once is stored once", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using phone = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    for (let round = 0; round < 20; round++) {
      const [one, other] = await Promise.all([alice.answer(send(id, `k${round}`)), phone.answer(send(id, `k${round}`))]);
      assert.deepEqual([seqOf(one), seqOf(other)], [round + 1, round + 1]);
    }
    assert.equal((await alice.request({ type: "history.get", conversation: id })).head, 20);
  });

  test("[F12] [F1] one bad frame in an array does not harm the others; each is answered on its ref, in order", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    alice.send([
      { ...send(id, "a"), ref: 1 },
      { ...send(id, ""), ref: 2 },
      { type: "nonsense", ref: 3 },
      { ...send(id, "b"), ref: 4, extra: 1 },
      { ...send(id, "c"), ref: 5 },
    ]);
    const frames = await answers(alice, 5);
    const byRef = new Map(frames.map((frame) => ["ref" in frame && frame.ref, seqOf(frame)]));
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((ref) => byRef.get(ref)),
      [1, "frame.invalid", "frame.unknown_type", "frame.invalid", 2],
    );
  });

  test("[F4] a message that is no frame is told without a ref and closes with 4500; others go on", async () => {
    await using suda = await TestServer.open();
    await using bob = await suda.connect("bob");
    for (const [message, code] of [
      ["nonsense", "frame.malformed"],
      ["[]", "frame.malformed"],
      ["[".repeat(40), "frame.too_deep"],
      ['{"type":"hello","ref":1,"__proto__":1}', "frame.forbidden_key"],
      ['"\\ud83d"', "frame.malformed"],
      [Uint8Array.of(0x80), "frame.malformed"],
    ] as const) {
      await using alice = await suda.connect("alice");
      alice.sendRaw(message);
      const refusal = await alice.receive("a refusal");
      assert.deepEqual([codeOf(refusal), "ref" in refusal], [code, false]);
      assert.equal((await alice.closed()).code, 4_500);
    }
    await bob.request({ type: "conversation.list" });
    assert.equal(await suda.failures(), 0);
  });

  test("[D2] a store that refuses is a coded error on the ref; the connection lives and nothing is told", async () => {
    const store = new FailingStore();
    await using suda = await TestServer.open({ store });
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    await bob.event("conversation.joined");
    const cases = [
      [new SudaError("store.read_only"), "store.read_only", 0],
      [new SudaError("store.failed"), "store.failed", 0],
      [new SudaError("server.busy", "Much is under way.", { retryAfterMs: 50 }), "server.busy", 0],
      [new Error("EIO: a secret path"), "server.internal", 1],
    ] as const;
    let failures = 0;
    for (const [error, code, counted] of cases) {
      store.instead = () => Promise.reject(error);
      const refusal = await alice.answer(send(id, "k"));
      assert.ok(refusal.type === "error", "refused");
      assert.deepEqual([refusal.code, refusal.retryable], [code, true]);
      assert.ok(!refusal.message.includes("secret"), refusal.message);
      failures += counted;
      assert.equal(await suda.failures(), failures);
    }
    assert.equal((await alice.request({ type: "history.get", conversation: id })).head, 0, "reading goes on");
    assert.deepEqual(await bob.leftovers(), []);
    // And from the same set-up it works again.
    store.instead = undefined;
    assert.equal(seqOf(await alice.answer(send(id, "k"))), 1);
    assert.equal((await bob.event("message.created")).clientId, "k");
  });

  test("[D2] [D4] of pipelined sends whose commits fail each is answered, in order", async () => {
    const store = new FailingStore();
    await using suda = await TestServer.open({ store });
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    store.instead = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      throw new SudaError("store.failed");
    };
    for (let ref = 1; ref <= 100; ref++) alice.send({ ...send(id, `k${ref}`), ref });
    const frames = await answers(alice, 100);
    assert.deepEqual(
      frames.map((frame) => ["ref" in frame && frame.ref, codeOf(frame)]),
      Array.from({ length: 100 }, (_, index) => [index + 1, "store.failed"]),
    );
  });

  test("[D17] [D4] what was sent behind a refused message is refused too, until that one is sent again; behind one refused for good it is taken", async () => {
    const store = new FailingStore();
    await using suda = await TestServer.open({ store });
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    const chain = (keys: readonly string[]): void => {
      for (const [index, key] of keys.entries()) alice.send({ ...send(id, key), ref: index, ...(index === 0 ? {} : { follows: keys[index - 1] }) });
    };
    let failures = 1;
    store.instead = () => (failures-- > 0 ? Promise.reject(new SudaError("store.failed")) : (undefined as unknown as Promise<never>));
    chain(["a", "b", "c"]);
    assert.deepEqual((await answers(alice, 3)).map(codeOf), ["store.failed", "send.order", "send.order"]);
    assert.equal(seqOf(await alice.answer({ ...send(id, "c"), follows: "b" })), "send.order", "b has not been sent again");
    chain(["a", "b", "c"]);
    assert.deepEqual((await answers(alice, 3)).map(seqOf), [1, 2, 3]);
    for (const [key, follows] of [
      ["d", "unknown"],
      ["e", "d"],
    ] as const)
      assert.equal(codeOf(await alice.answer({ ...send(id, key), follows })), "ok", "only a refused one holds anything up");
    alice.send({ ...send(id, "f"), ref: 0, replyTo: 99 });
    alice.send({ ...send(id, "g"), ref: 1, follows: "f" });
    assert.deepEqual((await answers(alice, 2)).map(seqOf), ["frame.invalid", 6]);
  });

  test("[D17] also behind one that the limit of commands refused", async () => {
    await using suda = await TestServer.open({ limits: { commands: { perSecond: 1, burst: 3 } } });
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    alice.send({ ...send(id, "a"), ref: 0 });
    alice.send({ ...send(id, "b"), ref: 1, follows: "a" });
    alice.send({ ...send(id, "c"), ref: 2, follows: "b" });
    const codes = (await answers(alice, 3)).map((frame) => ["ref" in frame && frame.ref, codeOf(frame)]);
    // A refusal does not wait for the store.
    assert.deepEqual(
      codes.toSorted(([one], [other]) => Number(one) - Number(other)),
      [
        [0, "ok"],
        [1, "ok"],
        [2, "rate.limited"],
      ],
    );
    suda.clock.advance(1_000);
    assert.equal(codeOf(await alice.answer({ ...send(id, "d"), follows: "c" })), "send.order");
    suda.clock.advance(2_000);
    for (const key of ["c", "d"]) assert.equal(codeOf(await alice.answer({ ...send(id, key) })), "ok");
  });

  test("[D13] a layer that fails loses the live event and nothing else: the send is acknowledged and in the log", async () => {
    const layer = new MemoryChannelLayer();
    await using suda = await TestServer.open({ layer });
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    const groupSend = layer.groupSend.bind(layer);
    layer.groupSend = () => Promise.reject(new Error("The link is down."));
    assert.equal(seqOf(await alice.answer(send(id, "k"))), 1);
    layer.groupSend = groupSend;
    assert.equal((await alice.request({ type: "history.get", conversation: id })).head, 1);
    await alice.request({ type: "member.add", conversation: id, users: [userId("bob")] });
  });

  test("[D13] [D6] a connection whose inbox overflowed is closed with 4000 and finds everything in the log", async () => {
    await using suda = await TestServer.open({ layer: new MemoryChannelLayer({ inboxCapacity: 3 }), limits: { commands: { perSecond: 0, burst: 1 } } });
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, ["bob"]);
    await using bob = await suda.connectSilently();
    // Bob's inbox fills while his hello is under way.
    const { users } = suda.store;
    const ensure = users.ensure.bind(users);
    Object.assign(users, {
      ensure: async (...arguments_: Parameters<typeof ensure>) => {
        await ensure(...arguments_);
        if (arguments_[0].includes(userId("bob"))) {
          Object.assign(users, { ensure });
          const { conversations } = suda.store;
          const memberships = conversations.memberships.bind(conversations);
          let calls = 0;
          Object.assign(conversations, {
            memberships: async (user: Parameters<typeof memberships>[0]) => {
              const result = await memberships(user);
              if (++calls === 2) for (let index = 0; index < 10; index++) await say(alice, id, `${index}`);
              return result;
            },
          });
        }
      },
    });
    await bob.request({ type: "hello", token: suda.token("bob") });
    assert.equal((await bob.closed()).code, 4_000);
    await using again = await suda.connect("bob");
    assert.equal((await again.request({ type: "history.get", conversation: id, after: 0 })).events.length, 10);
  });

  test("[B1] [B2] beyond the rate limit a command is refused with retryAfterMs, passes after it, and flooding is closed", async () => {
    await using suda = await TestServer.open({ limits: { commands: { perSecond: 10, burst: 3 } } });
    await using alice = await suda.connect("alice");
    await using phone = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    for (const connection of [alice, phone, alice]) await connection.request({ type: "conversation.list" });
    const refusal = await phone.answer({ type: "conversation.list" });
    assert.ok(refusal.type === "error", "refused");
    assert.deepEqual([refusal.code, refusal.retryable, refusal.retryAfterMs], ["rate.limited", true, 100]);
    assert.equal(codeOf(await alice.answer({ type: "nonsense" })), "rate.limited", "what cannot be read counts too");
    await bob.request({ type: "conversation.list" });
    suda.clock.advance(100);
    await phone.request({ type: "conversation.list" });
    for (let index = 0; index < 1_001; index++) alice.send({ type: "conversation.list", ref: index });
    assert.equal((await alice.closed()).code, 4_502);
    await phone.answer({ type: "conversation.list" });
  });

  test("[B2] before hello flooding is closed too, and clientIds are what they were", async () => {
    await using suda = await TestServer.open();
    await using mallory = await suda.connectSilently();
    for (let index = 0; index < 501; index++) {
      mallory.send({ type: "nonsense", ref: index });
      mallory.send({ type: "conversation.list", ref: index });
    }
    assert.equal((await mallory.closed()).code, 4_502);
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    assert.equal((await alice.request({ type: "message.send", conversation: id, clientId: clientId("!~"), content: textOf("x") })).seq, 1);
  });
});
