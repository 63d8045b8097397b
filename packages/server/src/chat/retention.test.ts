/** Conversations that do not keep their entries for ever: what goes, what stays, and who learns of it (D15). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Conversation, ConversationId, LogEvent } from "@suda/protocol";
import { codeOf, createTestGroup, ManualClock, say, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";
import { MemoryStore } from "../store/memory-store.ts";
import type { Store } from "../store/store.ts";

const unlimited = { limits: { commands: { perSecond: 0, burst: 1 } } } as const;
const retentionMs = 3_600_000;
const minuteMs = 60_000;
const seqsOf = (events: readonly LogEvent[]): number[] => events.map(({ seq }) => seq);
const range = (first: number, last: number): number[] => Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

/** Lets the next sweep come and end: it pauses between conversations on the server's own clock. */
async function sweep(suda: TestServer): Promise<void> {
  suda.clock.advance(minuteMs);
  for (let turn = 0; turn < 30; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    suda.clock.advance(0);
  }
}

async function recordOf(connection: WebSocketCommunicator, conversation: ConversationId): Promise<Conversation> {
  return (await connection.request({ type: "conversation.get", conversation })).conversation;
}

async function historyOf(connection: WebSocketCommunicator, conversation: ConversationId): Promise<number[]> {
  return seqsOf((await connection.request({ type: "history.get", conversation, after: 0, limit: 200 })).events);
}

/** Says `count` messages, a minute apart, the first one now. */
async function talk(suda: TestServer, connection: WebSocketCommunicator, id: ConversationId, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    if (index > 0) suda.clock.advance(minuteMs);
    await say(connection, id, `m${index + 1}`);
  }
}

const createKeeping = async (connection: WebSocketCommunicator, members: readonly string[], forMs: number = retentionMs): Promise<ConversationId> =>
  (await connection.request({ type: "conversation.create", members: members.map(userId), retentionMs: forMs })).conversation.id;

describe("retention", () => {
  test("[D15] an entry goes when it is older than the conversation keeps it, and not a sweep before; the log begins behind it", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    await using eve = await suda.connect("eve");
    const kept = (await createTestGroup(alice, ["bob"])).id;
    const id = await createKeeping(alice, ["bob"], 10 * minuteMs);
    await talk(suda, alice, id, 5);
    await say(alice, kept, "stays");
    await bob.leftovers();
    // The first message is 10 minutes old in exactly this sweep, and older than kept in the next one at the latest.
    await sweep(suda);
    for (let minute = 0; minute < 4; minute++) await sweep(suda);
    assert.deepEqual(await historyOf(alice, id), range(1, 5));
    assert.deepEqual(
      (await bob.leftovers()).filter(({ type }) => type === "conversation.truncated"),
      [],
    );
    await sweep(suda);
    assert.deepEqual(await bob.event("conversation.truncated"), { type: "conversation.truncated", conversation: id, from: 2 });
    for (const expected of [range(3, 5), range(4, 5), range(5, 5)]) {
      await sweep(suda);
      assert.deepEqual(await historyOf(alice, id), expected);
    }
    const record = await recordOf(alice, id);
    assert.deepEqual([record.from, record.head, record.last?.seq], [5, 5, 5]);
    await sweep(suda);
    const empty = await recordOf(alice, id);
    assert.deepEqual([empty.from, empty.head, empty.last], [6, 5, undefined], "the head stays");
    assert.equal(await say(alice, id, "on"), 6);
    assert.deepEqual(await historyOf(bob, id), [6]);
    assert.deepEqual(await historyOf(alice, kept), [1], "without retention nothing goes");
    assert.deepEqual(
      (await eve.leftovers()).filter(({ type }) => type === "conversation.truncated"),
      [],
      "a stranger hears nothing",
    );
    assert.equal(await suda.failures(), 0);
  });

  test("[D15] [D7] who comes back from before the log begins is told where it does, also when all of it went; history says the same", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const id = await createKeeping(alice, [], 30 * minuteMs);
    const { epoch } = await recordOf(alice, id);
    await talk(suda, alice, id, 20);
    const resume = async (seq: number): Promise<unknown> => {
      await using device = await suda.connectSilently();
      const { resumed } = await device.request({ type: "hello", token: suda.token("alice"), resume: { change: 0, cursors: { [id]: { seq, epoch } } } });
      const [missed] = resumed ?? [];
      return missed === undefined ? "nothing" : [missed.outcome, missed.from, seqsOf(missed.events), missed.more];
    };
    for (let minute = 0; minute < 20; minute++) await sweep(suda);
    const from = (await recordOf(alice, id)).from ?? 1;
    assert.ok(from > 5 && from < 20, `some went and some are left: ${from}`);
    assert.deepEqual(await resume(0), ["truncated", from, range(from, 20), false]);
    assert.deepEqual(await resume(from - 2), ["truncated", from, range(from, 20), false]);
    assert.deepEqual(await resume(from - 1), ["events", undefined, range(from, 20), false], "nothing is missing that is not there");
    assert.deepEqual(await resume(20), "nothing");
    const page = await alice.request({ type: "history.get", conversation: id, after: 2, limit: 3 });
    assert.deepEqual([seqsOf(page.events), page.from, page.more], [range(from, from + 2), from, true]);
    const back = await alice.request({ type: "history.get", conversation: id, before: from + 2 });
    assert.deepEqual([seqsOf(back.events), back.from, back.more], [range(from, from + 1), from, false], "no more in that direction");
    for (let minute = 0; minute < 40; minute++) await sweep(suda);
    await using later = await suda.connect("alice");
    assert.deepEqual(await resume(3), ["truncated", 21, [], false]);
    const gone = await later.request({ type: "history.get", conversation: id, after: 3 });
    assert.deepEqual([gone.events, gone.from, gone.head, gone.more], [[], 21, 20, false]);
  });

  test("[D15] [D3] what went cannot be spoken of, and its clientId stays used", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const id = await createKeeping(alice, [], minuteMs);
    const send = (text: string): object => ({ type: "message.send", conversation: id, clientId: "first", content: textOf(text) });
    const first = await alice.answer(send("hello"));
    assert.equal(codeOf(first), "ok");
    await alice.request({ type: "pin.add", conversation: id, target: 1 });
    for (let minute = 0; minute < 3; minute++) await sweep(suda);
    await say(alice, id, "young");
    const { ref: _ref, ...again } = (await alice.answer(send("hello"))) as unknown as Record<string, unknown>;
    assert.deepEqual(again, { type: "reply", seq: 1, at: (first as unknown as { at: number }).at, duplicate: true });
    assert.equal(codeOf(await alice.answer(send("other words"))), "send.conflict");
    for (const [target, expected] of [
      [1, "message.not_found"],
      [3, "ok"],
    ] as const) {
      for (const command of [
        { type: "message.edit", target, content: textOf("edited") },
        { type: "reaction.add", target, emoji: "👍" },
        { type: "pin.add", target },
        { type: "message.hide", target },
        { type: "message.delete", target },
      ])
        assert.equal(codeOf(await alice.answer({ ...command, conversation: id })), expected, `${command.type} ${target}`);
    }
    const reply = (replyTo: number, clientId: string): object => ({ type: "message.send", conversation: id, clientId, content: textOf("re"), replyTo });
    assert.equal(codeOf(await alice.answer(reply(1, "r1"))), "frame.invalid");
    assert.equal(codeOf(await alice.answer(reply(3, "r3"))), "ok");
    assert.equal((await recordOf(alice, id)).pins, undefined, "the pin went with its message");
  });

  test("[D15] taken back or made longer, nothing more goes; a direct conversation keeps its retention too", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const { id } = (await alice.request({ type: "conversation.open", with: userId("bob") })).conversation;
    await talk(suda, alice, id, 3);
    await alice.request({ type: "conversation.update", conversation: id, retentionMs: 10 * minuteMs });
    await alice.request({ type: "conversation.update", conversation: id, retentionMs: null });
    for (let minute = 0; minute < 12; minute++) await sweep(suda);
    assert.deepEqual(await historyOf(alice, id), range(1, 5));
    await alice.request({ type: "conversation.update", conversation: id, retentionMs: 10 * minuteMs });
    await sweep(suda);
    assert.deepEqual(await historyOf(alice, id), [6], "what was older already goes at once");
  });

  test("[D15] [D9] what went is unread no more, for who had read up to before it, into it, or behind it", async () => {
    for (const [read, expected] of [
      [0, 2],
      [1, 2],
      [3, 2],
      [4, 1],
      [5, 0],
    ] as const) {
      await using suda = await TestServer.open(unlimited);
      await using alice = await suda.connect("alice");
      await using bob = await suda.connect("bob");
      const id = await createKeeping(alice, ["bob"], 90_000);
      for (let index = 0; index < 3; index++) await say(alice, id, "old");
      await sweep(suda);
      for (let index = 0; index < 2; index++) await say(alice, id, "young");
      assert.equal((await bob.request({ type: "receipt.read", conversation: id, seq: read })).unread, 5 - read);
      await sweep(suda);
      const { from, unread } = await recordOf(bob, id);
      assert.deepEqual([from, unread], [4, expected], `read up to ${read}`);
      assert.equal((await bob.request({ type: "receipt.read", conversation: id, seq: 0 })).unread, expected);
      assert.equal((await bob.request({ type: "receipt.read", conversation: id, seq: 4 })).unread, Math.min(expected, 1));
    }
  });

  test("[D15] [D9] the place of the cut is right for any times and any retention, in few reads, and unread equals a recount", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 4 * minuteMs }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: minuteMs, max: 60 * minuteMs }),
        fc.nat(40),
        async (pauses, forMs, read) => {
          const clock = new ManualClock();
          const store = new CountingStore({ clock });
          await using suda = await TestServer.open({ ...unlimited, store, clock });
          await using alice = await suda.connect("alice");
          await using bob = await suda.connect("bob");
          const { id } = await createTestGroup(alice, ["bob"]);
          const times: number[] = [];
          for (const pauseMs of pauses) {
            suda.clock.advance(pauseMs);
            await say(alice, id, "x");
            times.push(suda.clock.now());
          }
          await bob.request({ type: "receipt.read", conversation: id, seq: read });
          await alice.request({ type: "conversation.update", conversation: id, retentionMs: forMs });
          times.push(suda.clock.now());
          store.reads = 0;
          await sweep(suda);
          assert.ok(store.reads <= Math.ceil(Math.log2(times.length + 1)) + 2, `${store.reads} reads for ${times.length} entries`);
          const young = times.flatMap((at, index) => (at > suda.clock.now() - forMs ? [index + 1] : []));
          await using later = await suda.connect("bob");
          assert.deepEqual(await historyOf(later, id), young);
          const record = await recordOf(later, id);
          const messages = young.filter((seq) => seq <= pauses.length && seq > (record.read ?? 0));
          assert.equal(record.unread, messages.length);
          assert.equal((await later.request({ type: "receipt.read", conversation: id, seq: 0 })).unread, messages.length);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("[D15] a conversation that fails does not keep the others, and is tried again; a store that cannot write is left alone", async () => {
    const clock = new ManualClock();
    const store = new CountingStore({ clock });
    await using suda = await TestServer.open({ ...unlimited, store, clock });
    await using alice = await suda.connect("alice");
    const ids: ConversationId[] = [];
    for (let index = 0; index < 3; index++) {
      const id = await createKeeping(alice, [], minuteMs);
      await say(alice, id, "x");
      ids.push(id);
    }
    const [first = ids[0] as ConversationId, ...others] = ids.toSorted();
    store.failing = first;
    for (let minute = 0; minute < 2; minute++) await sweep(suda);
    assert.deepEqual(await historyOf(alice, first), [1]);
    for (const id of others) assert.deepEqual(await historyOf(alice, id), []);
    assert.ok((await suda.failures()) >= 1);
    store.failing = undefined;
    store.state = "read-only";
    await sweep(suda);
    assert.deepEqual(await historyOf(alice, first), [1]);
    store.state = "ready";
    await sweep(suda);
    assert.deepEqual(await historyOf(alice, first), []);
  });

  test("[D15] [B8] a server that stops sweeps no more", async () => {
    for (const stop of ["drain", "dispose"] as const) {
      const clock = new ManualClock();
      const store = new CountingStore({ clock });
      const suda = await TestServer.open({ ...unlimited, store, clock });
      const alice = await suda.connect("alice");
      const ids: ConversationId[] = [];
      for (let index = 0; index < 2; index++) {
        const id = await createKeeping(alice, [], minuteMs);
        await say(alice, id, "x");
        ids.push(id);
      }
      await alice[Symbol.asyncDispose]();
      // Into the pause between the two, so that stopping must not wait for a clock that stands.
      suda.clock.advance(minuteMs);
      await new Promise((resolve) => setImmediate(resolve));
      if (stop === "drain") await suda.server.drain();
      else await suda.server[Symbol.asyncDispose]();
      for (let minute = 0; minute < 5; minute++) await sweep(suda);
      const left = await Promise.all(ids.toSorted().map(async (id) => (await store.log.readAfter(id, 0, 10)).length));
      assert.deepEqual(left, [0, 1], stop);
      await suda[Symbol.asyncDispose]();
    }
  });
});

/** A memory store that counts single reads of a log, fails to truncate one conversation, and says what it can do. */
class CountingStore extends MemoryStore {
  reads = 0;
  failing: ConversationId | undefined;
  state: "ready" | "read-only" = "ready";

  constructor(...[options]: ConstructorParameters<typeof MemoryStore>) {
    super(options);
    const inner = { ...this.log };
    Object.assign(this.log, {
      readAfter: (...args: Parameters<Store["log"]["readAfter"]>) => {
        if (args[2] === 1) this.reads++;
        return inner.readAfter(...args);
      },
      truncate: async (...args: Parameters<Store["log"]["truncate"]>) => {
        if (args[0] === this.failing) throw new Error("This conversation's log cannot be truncated.");
        return inner.truncate(...args);
      },
    });
  }

  override status(): ReturnType<Store["status"]> {
    return this.state === "ready" ? { state: "ready" } : { state: this.state, reason: "No room on the disk." };
  }
}
