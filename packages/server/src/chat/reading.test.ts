/** Reading: history in both directions, the list of conversations, receipts and unread counts. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { ConversationId, LogEvent } from "@suda/protocol";
import { clientId, codeOf, conversationId, createTestGroup, say, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";

const unlimited = { limits: { commands: { perSecond: 0, burst: 1 } } } as const;
const seqsOf = (events: readonly LogEvent[]): number[] => events.map(({ seq }) => seq);
/** Lets the next sweep of retention come and end. */
async function sweep(suda: TestServer): Promise<void> {
  suda.clock.advance(60_000);
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    suda.clock.advance(0);
  }
}

const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);

async function fill(connection: WebSocketCommunicator, id: ConversationId, count: number): Promise<void> {
  for (let index = 0; index < count; index++)
    await connection.answer({ type: "message.send", conversation: id, clientId: `k${index}`, content: textOf(`${index + 1}`) });
}

describe("history", () => {
  test("[C12] [D7] pages in both directions, always ascending, meet without hole or double; more tells whether there is more", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    await fill(alice, id, 253);
    for (const limit of [1, 7, 50, 200]) {
      const forwards: number[] = [];
      for (let more = true; more; ) {
        const page = await alice.request({ type: "history.get", conversation: id, after: forwards.at(-1) ?? 0, limit });
        forwards.push(...seqsOf(page.events));
        assert.equal(page.head, 253);
        more = page.more;
      }
      assert.deepEqual(forwards, range(1, 253));
      let backwards: number[] = [];
      for (let more = true; more; ) {
        const [oldest] = backwards;
        const page = await alice.request({ type: "history.get", conversation: id, limit, ...(oldest === undefined ? {} : { before: oldest }) });
        backwards = [...seqsOf(page.events), ...backwards];
        more = page.more;
      }
      assert.deepEqual(backwards, range(1, 253));
    }
  });

  test("[C12] at the edges: 50 without a limit, empty beyond the head, both directions at once is refused", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    const get = (fields: { after?: number; before?: number }): ReturnType<typeof alice.request<{ type: "history.get"; conversation: ConversationId }>> =>
      alice.request({ type: "history.get", conversation: id, ...fields });
    assert.deepEqual([(await get({})).events, (await get({})).head, (await get({})).more], [[], 0, false]);
    await fill(alice, id, 60);
    assert.deepEqual(seqsOf((await get({})).events), range(11, 60));
    assert.equal((await get({})).more, true);
    for (const fields of [{ after: 60 }, { after: 9_999 }, { before: 1 }, { before: 0 }]) {
      const { events, more } = await get(fields);
      assert.deepEqual([events, more], [[], false], JSON.stringify(fields));
    }
    assert.deepEqual(seqsOf((await get({ before: 9_999 })).events), range(11, 60));
    assert.equal(codeOf(await alice.answer({ type: "history.get", conversation: id, after: 1, before: 5 })), "frame.invalid");
  });

  test("[C12] a page ends early at 512 KiB, and the pages together hold everything", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice", { subprotocols: ["suda.v1.msgpack"] });
    const { id } = await createTestGroup(alice, []);
    for (let index = 0; index < 30; index++)
      await alice.answer({
        type: "message.send",
        conversation: id,
        clientId: `k${index}`,
        content: { type: "bytes", mime: "a/b", bytes: new Uint8Array(49_152).fill(index) },
      });
    const first = await alice.request({ type: "history.get", conversation: id, after: 0, limit: 200 });
    assert.ok(first.events.length >= 8 && first.events.length <= 11, `${first.events.length} events of 48 KiB`);
    assert.equal(first.more, true);
    const seqs = seqsOf(first.events);
    while (seqs.length < 30) seqs.push(...seqsOf((await alice.request({ type: "history.get", conversation: id, after: seqs.length, limit: 200 })).events));
    assert.deepEqual(seqs, range(1, 30));
  });

  test("[D5] history returns the very objects that were told live, for every kind of event", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    await alice.request({ type: "message.send", conversation: id, clientId: clientId("k"), content: textOf("안녕"), data: { a: 1 } });
    await alice.request({ type: "member.add", conversation: id, users: [userId("carol")] });
    await alice.request({ type: "member.update", conversation: id, user: userId("carol"), role: "admin" });
    await alice.request({ type: "conversation.update", conversation: id, title: "새 이름", data: null });
    await alice.request({ type: "member.remove", conversation: id, user: userId("carol") });
    const { events } = await bob.request({ type: "history.get", conversation: id });
    const live = (await bob.leftovers()).filter((frame) => "seq" in frame && frame.type !== "reply");
    assert.deepEqual(live, events);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["message.created", "member.added", "member.updated", "conversation.updated", "member.removed"],
    );
  });

  test("[C9] a new member reads the whole log, and nothing of it is unread", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    await using carol = await suda.connect("carol");
    const { id } = await createTestGroup(alice, []);
    await fill(alice, id, 5);
    await alice.request({ type: "member.add", conversation: id, users: [userId("carol")] });
    assert.deepEqual(seqsOf((await carol.request({ type: "history.get", conversation: id, after: 0 })).events), range(1, 6));
    assert.equal((await carol.request({ type: "conversation.get", conversation: id })).conversation.unread, 0);
    await say(alice, id, "new");
    assert.equal((await carol.request({ type: "conversation.get", conversation: id })).conversation.unread, 1);
  });
});

describe("the list of conversations", () => {
  test("[C7] newest activity first, pages by cursor; one that becomes active moves to the front", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const ids: ConversationId[] = [];
    for (let index = 0; index < 12; index++) {
      // Several in the same millisecond, which the cursor must tell apart too.
      if (index % 3 === 0) suda.clock.advance(10);
      ids.push((await createTestGroup(alice, [], `group ${index}`)).id);
    }
    const list = async (limit: number): Promise<ConversationId[]> => {
      const found: ConversationId[] = [];
      for (let cursor: string | undefined, more = true; more; ) {
        const page = await alice.request({ type: "conversation.list", limit, ...(cursor === undefined ? {} : { cursor }) });
        assert.equal(page.more, page.next !== undefined, "next exactly when there is more");
        found.push(...page.conversations.map(({ id }) => id));
        ({ more, next: cursor } = page);
      }
      return found;
    };
    const whole = await list(200);
    assert.deepEqual(new Set(whole), new Set(ids));
    assert.deepEqual(new Set(whole.slice(0, 3)), new Set(ids.slice(9)));
    for (const limit of [1, 2, 5, 12]) assert.deepEqual(await list(limit), whole, `by ${limit}`);
    suda.clock.advance(10);
    const quiet = whole.at(-1) ?? conversationId("");
    await say(alice, quiet, "안녕");
    assert.deepEqual(await list(5), [quiet, ...whole.slice(0, -1)]);
    for (const cursor of ["x", "_", "1_", "-1_a", "99999999999999999_a"])
      assert.equal(codeOf(await alice.answer({ type: "conversation.list", cursor })), "frame.invalid", cursor);
  });

  test("each conversation shows its head, its last event, one's role and mark", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    await say(alice, id, "하나");
    await say(alice, id, "둘");
    const [seen] = (await bob.request({ type: "conversation.list" })).conversations;
    assert.ok(seen?.last?.type === "message.created", "there is a last message");
    assert.deepEqual([seen.head, seen.last.content, seen.lastAt, seen.role, seen.read, seen.unread], [2, textOf("둘"), seen.last.at, "member", 0, 2]);
  });
});

describe("receipts", () => {
  test("[D9] a read mark never goes back and never beyond the head; sending advances one's own", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    await fill(alice, id, 5);
    const read = async (seq: number): Promise<readonly number[]> => {
      const reply = await bob.request({ type: "receipt.read", conversation: id, seq });
      return [reply.read, reply.unread];
    };
    assert.deepEqual(await read(0), [0, 5]);
    assert.deepEqual(await read(3), [3, 2]);
    assert.deepEqual(await read(1), [3, 2]);
    assert.deepEqual(await read(9_999), [5, 0]);
    await fill(alice, id, 6);
    assert.deepEqual(await read(0), [5, 1]);
    await say(bob, id, "다 읽었어");
    assert.deepEqual(await read(0), [7, 0]);
  });

  test("[C13] change moves with joining, leaving and marks that moved, and not with messages", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    const change = async (user: string): Promise<number> => {
      await using connection = await suda.connectSilently();
      return (await connection.request({ type: "hello", token: suda.token(user) })).change;
    };
    const { id } = await createTestGroup(alice, ["bob"]);
    assert.equal(await change("bob"), 1);
    await say(alice, id, "하나");
    assert.equal(await change("bob"), 1);
    await using bob = await suda.connect("bob");
    await bob.request({ type: "receipt.read", conversation: id, seq: 1 });
    assert.equal(await change("bob"), 2);
    await bob.request({ type: "receipt.read", conversation: id, seq: 1 });
    assert.equal(await change("bob"), 2);
    await say(bob, id, "둘");
    assert.equal(await change("bob"), 2);
    await bob.request({ type: "member.leave", conversation: id });
    assert.equal(await change("bob"), 3);
  });

  test("[D9] [D15] unread equals a recount of the messages after the mark that are still there, whatever was done", async () => {
    const users = ["alice", "bob", "carol"] as const;
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("say" as const), by: fc.constantFrom(...users) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("read" as const), by: fc.constantFrom(...users), seq: fc.nat(40) }) },
      fc.record({ do: fc.constant("rename" as const), by: fc.constant("alice" as const) }),
      fc.record({ do: fc.constant("leave" as const), by: fc.constantFrom("bob" as const, "carol" as const) }),
      fc.record({ do: fc.constant("add" as const), by: fc.constantFrom("bob" as const, "carol" as const) }),
      fc.record({ do: fc.constantFrom("mark" as const, "deliver" as const, "hide" as const), by: fc.constantFrom(...users) }),
      // A minute: the second one after a message takes it away.
      { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), by: fc.constant("alice" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await using suda = await TestServer.open(unlimited);
        await using alice = await suda.connect("alice");
        await using bob = await suda.connect("bob");
        await using carol = await suda.connect("carol");
        const as = { alice, bob, carol };
        const { id } = (await alice.request({ type: "conversation.create", members: [userId("bob")], retentionMs: 90_000 })).conversation;
        for (const [index, one] of steps.entries()) {
          if (one.do === "say") await as[one.by].answer({ type: "message.send", conversation: id, clientId: `k${index}`, content: textOf("x") });
          else if (one.do === "read") await as[one.by].answer({ type: "receipt.read", conversation: id, seq: one.seq });
          else if (one.do === "rename") await alice.answer({ type: "conversation.update", conversation: id, title: `t${index}` });
          else if (one.do === "mark") await as[one.by].answer({ type: "receipt.unread", conversation: id });
          else if (one.do === "deliver") await as[one.by].answer({ type: "receipt.delivered", conversation: id, seq: 9_999 });
          else if (one.do === "hide") await as[one.by].answer({ type: "message.hide", conversation: id, target: 1 });
          else if (one.do === "wait") await sweep(suda);
          else if (one.do === "leave") await as[one.by].answer({ type: "member.leave", conversation: id });
          else await alice.answer({ type: "member.add", conversation: id, users: [one.by] });
        }
        const { events, head, from = 1 } = await alice.request({ type: "history.get", conversation: id, after: 0, limit: 200 });
        assert.deepEqual(seqsOf(events), range(from, head));
        for (const user of users) {
          const [mine] = (await as[user].request({ type: "conversation.list" })).conversations;
          if (mine === undefined) continue;
          const recount = events.filter(({ type, seq }) => type === "message.created" && seq > (mine.read ?? 0)).length;
          assert.equal(mine.unread, recount, user);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("[D9] a mark that moves while the conversation is looked at never makes a negative count", async () => {
    await using suda = await TestServer.open(unlimited);
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    await using phone = await suda.connect("bob");
    const { id } = await createTestGroup(alice, ["bob"]);
    const { conversations } = suda.store;
    const getMany = conversations.getMany.bind(conversations);
    Object.assign(conversations, {
      getMany: async (ids: readonly ConversationId[]) => {
        const records = await getMany(ids);
        await say(phone, id, "between the two reads");
        return records;
      },
    });
    const [mine] = (await bob.request({ type: "conversation.list" })).conversations;
    assert.deepEqual([mine?.head, mine?.read, mine?.unread], [0, 0, 0]);
  });
});
