/**
 * Coming back (promise 7): whatever happened while a client was away, and whatever cursors it brings, the answer is
 * exactly what its log lacks or says explicitly that it is not. What is applied then equals what is read afresh.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  applyChange,
  limits,
  type Conversation,
  type ConversationId,
  type Cursor,
  type LogEvent,
  type MessageCreated,
  type ReplyOf,
  type Resumed,
  type UserId,
} from "@suda/protocol";
import { MemoryStore, type Draft, type LogStore, type Store } from "@suda/server/store";
import { clientId, conversationId, createTestGroup, ManualClock, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";
import fc from "fast-check";
import { boundedRuns } from "./bounded-runs.ts";

const unlimited = { commands: { perSecond: 0, burst: 1 }, connects: { perSecond: 0, burst: 1 }, requests: { perSecond: 0, burst: 1 } };
const bob = userId("bob");
/** Events of all conversations that one answer brings at most. */
const eventsMax = 2_000;

type Cursors = Readonly<Record<ConversationId, Cursor>>;

async function comeBack(suda: TestServer, user: string, cursors: Cursors, change = 0): Promise<ReplyOf<"hello">> {
  await using connection = await suda.connectSilently();
  return await connection.request({ type: "hello", token: suda.token(user), resume: { change, cursors } });
}

// ── the answer, for any lengths, floors and cursors ─────────────────────────────────────────────────────

/** A store that has not kept what is before `floors`, as one with a retention. */
function forgetful(store: Store, floors: ReadonlyMap<ConversationId, number>): Store {
  const log: LogStore = {
    ...store.log,
    append: (...given) => store.log.append(...given),
    readBefore: (...given) => store.log.readBefore(...given),
    reactedBy: (...given) => store.log.reactedBy(...given),
    readAfter: (id, after, limit, maxBytes) => store.log.readAfter(id, Math.max(after, (floors.get(id) ?? 1) - 1), limit, maxBytes),
  };
  return {
    log,
    conversations: store.conversations,
    users: store.users,
    documents: store.documents,
    status: () => store.status(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

interface Past {
  readonly length: number;
  /** Seq of the first entry that is kept. */
  readonly floor: number;
  /** Behind the head; negative is ahead of it. */
  readonly behind: number;
  readonly epoch: "right" | "wrong";
  readonly membership: "member" | "removed" | "stranger";
}

const past: fc.Arbitrary<Past> = fc
  .record({
    length: fc.oneof(fc.nat(8), fc.nat(260)),
    floor: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 300 })),
    // Where a page ends, too.
    behind: fc.oneof(
      { weight: 3, arbitrary: fc.nat(260) },
      fc.integer({ min: limits.resumePageMax - 1, max: limits.resumePageMax + 1 }),
      fc.constant(0),
      fc.integer({ min: -5, max: -1 }),
    ),
    epoch: fc.constantFrom("right", "right", "right", "right", "wrong"),
    membership: fc.constantFrom("member", "member", "member", "member", "removed", "stranger"),
  })
  .map((one) => ({ ...one, floor: Math.min(one.floor, one.length), behind: Math.min(one.behind, one.length) }));

/** More than one answer holds of all together. */
const tooMany: fc.Arbitrary<Past[]> = fc
  .array(past, { minLength: 23, maxLength: 30, size: "max" })
  .map((pasts) =>
    pasts.map((one) => ({ ...one, length: 130, floor: 1, behind: one.behind < 0 ? one.behind : 80 + (one.behind % 50), epoch: "right", membership: "member" })),
  );

interface Laid {
  readonly past: Past;
  readonly id: ConversationId;
  readonly head: number;
  readonly cursor: Cursor;
  readonly epoch: string;
}

function messagesOf(count: number, name: string): readonly Draft[] {
  return Array.from({ length: count }, (_, at) => ({
    from: userId("alice"),
    clientId: clientId(`${name}-${at}`),
    body: { type: "message.created", content: textOf(`secret ${name} ${at}`) } as const,
  }));
}

async function lay(store: Store, { past: given, index }: { readonly past: Past; readonly index: number }): Promise<Laid> {
  const id = conversationId(`room-${index}`);
  const members = given.membership === "stranger" ? [] : [{ user: bob, role: "member" as const }];
  const epoch = `epoch-${index}`;
  await store.conversations.create({ id, kind: "group", epoch, createdAt: 0, members: [{ user: userId("alice"), role: "owner" }, ...members] });
  for (let written = 0; written < given.length; written += 100) {
    await store.log.append(id, messagesOf(Math.min(100, given.length - written), `c${written}`));
  }
  if (given.membership === "removed") await store.log.append(id, [{ from: userId("alice"), body: { type: "member.removed", user: bob } }]);
  const head = (await store.conversations.get(id))?.head.seq ?? 0;
  const cursor = { seq: Math.max(0, head - given.behind), epoch: given.epoch === "right" ? epoch : "another" };
  return { past: given, id, head, cursor, epoch };
}

/** What rule D7 says of one cursor, but for how much of it fits. */
function checkResumed({ past: { floor, membership }, head, cursor, epoch }: Laid, resumed: Resumed | undefined, isLeft: boolean): void {
  assert.equal(isLeft, membership !== "member");
  if (membership !== "member") return assert.equal(resumed, undefined);
  if (cursor.epoch !== epoch || cursor.seq > head) {
    assert.ok(resumed !== undefined);
    return assert.deepEqual([resumed.outcome, resumed.epoch, resumed.head, resumed.events.length], ["reset", epoch, head, 0]);
  }
  if (cursor.seq === head) return assert.equal(resumed, undefined);
  assert.ok(resumed !== undefined, "a conversation that moved is not mentioned");
  assert.deepEqual([resumed.epoch, resumed.head], [epoch, head]);
  const first = Math.max(cursor.seq + 1, floor);
  assert.deepEqual(
    resumed.events.map(({ seq }) => seq),
    resumed.events.map((_, at) => first + at),
    "from the cursor, or from where the log begins, without a hole",
  );
  assert.equal(resumed.more, (resumed.events.at(-1)?.seq ?? cursor.seq) < head);
  const isTruncated = resumed.events.length > 0 && floor > cursor.seq + 1;
  assert.deepEqual([resumed.outcome, resumed.from], isTruncated ? ["truncated", floor] : ["events", undefined]);
}

test("[D7] [A1] for any logs and any cursors the answer is exact, or says reset or truncated, and never a mix", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 4, arbitrary: fc.array(past, { maxLength: 12, size: "max" }) }, { weight: 1, arbitrary: tooMany }),
      // Keys that no frame may have are refused before anybody looks at cursors.
      fc.dictionary(
        fc.stringMatching(/^[A-Za-z_-]{1,10}$/).filter((key) => key !== "__proto__"),
        fc.nat(5),
        { maxKeys: 3 },
      ),
      async (pasts, strange) => {
        const clock = new ManualClock();
        const floors = new Map<ConversationId, number>();
        await using memory = new MemoryStore({ clock });
        const laid: Laid[] = [];
        for (const [index, one] of pasts.entries()) laid.push(await lay(memory, { past: one, index }));
        for (const { id, past: given } of laid) floors.set(id, Math.max(given.floor, 1));
        await using suda = await TestServer.open({ store: forgetful(memory, floors), clock, limits: unlimited });

        const cursors = Object.fromEntries([
          ...laid.map(({ id, cursor }) => [id, cursor]),
          ...Object.entries(strange).map(([id, seq]) => [id, { seq, epoch: "e" }]),
        ]) as Cursors;
        const reply = await comeBack(suda, "bob", cursors);
        const left = new Set<string>(reply.left);
        assert.equal(left.size, reply.left?.length, "none is left twice");
        for (const id of Object.keys(strange)) assert.ok(left.has(id), "what never was is not the user's");
        for (const one of laid) {
          const mentioned = reply.resumed?.filter(({ conversation }) => conversation === one.id) ?? [];
          assert.ok(mentioned.length <= 1);
          checkResumed(one, mentioned[0], left.has(one.id));
        }
        // As much as fits: a page of each, within what all may have together.
        let room = eventsMax;
        for (const { id, head, cursor, past: given } of laid) {
          const resumed = reply.resumed?.find(({ conversation }) => conversation === id);
          if (resumed === undefined || resumed.outcome === "reset") continue;
          const missing = head - Math.max(cursor.seq, Math.max(given.floor, 1) - 1);
          assert.equal(resumed.events.length, Math.min(missing, limits.resumePageMax, room));
          room -= resumed.events.length;
        }
        assert.equal(await suda.failures(), 0);
      },
    ),
    boundedRuns(60),
  );
});

// ── what is applied equals what is read afresh ──────────────────────────────────────────────────────────

/** As a client keeps it: by the rules of "Being a reliable client", and nothing else. */
interface Kept {
  epoch: string;
  have: number;
  readonly events: Map<number, LogEvent>;
}

function apply(kept: Kept, event: LogEvent, me: UserId): void {
  if (event.seq <= kept.have) return;
  assert.equal(event.seq, kept.have + 1, "a hole");
  kept.have = event.seq;
  kept.events.set(event.seq, event);
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the others change no message
  switch (event.type) {
    case "message.edited":
    case "message.deleted":
    case "reaction.added":
    case "reaction.removed": {
      const target = kept.events.get(event.target) as MessageCreated | undefined;
      if (target !== undefined) kept.events.set(event.target, applyChange(target, event, me));
      // What a deletion erases is erased in the edits too.
      if (event.type === "message.deleted")
        for (const [seq, one] of kept.events)
          if (one.type === "message.edited" && one.target === event.target) kept.events.set(seq, { ...one, content: { type: "deleted" } });
    }
  }
}

async function readOn(connection: WebSocketCommunicator, id: ConversationId, { kept, me }: { kept: Kept; me: UserId }): Promise<void> {
  for (let more = true; more; ) {
    const page = await connection.request({ type: "history.get", conversation: id, after: kept.have, limit: 200 });
    for (const event of page.events) apply(kept, event, me);
    ({ more } = page);
  }
}

async function afresh(connection: WebSocketCommunicator, { id, epoch }: Pick<Conversation, "id" | "epoch">): Promise<Kept> {
  const kept: Kept = { epoch, have: 0, events: new Map() };
  for (let more = true; more; ) {
    const page = await connection.request({ type: "history.get", conversation: id, after: kept.have, limit: 200 });
    for (const event of page.events) kept.events.set(event.seq, event);
    kept.have = page.events.at(-1)?.seq ?? kept.have;
    ({ more } = page);
  }
  return kept;
}

type Deed = (world: {
  readonly suda: TestServer;
  readonly of: (user: string) => WebSocketCommunicator;
  readonly groups: readonly Conversation[];
  readonly count: number;
}) => Promise<unknown>;

const who = fc.constantFrom("alice", "bob");
const target = fc.integer({ min: 1, max: 6 });
const aboutMessage: fc.Arbitrary<object> = fc.oneof(
  fc.record({ type: fc.constant("message.edit"), target, content: fc.constantFrom("x", "y", "z").map(textOf) }),
  fc.record({ type: fc.constantFrom("reaction.add", "reaction.remove"), target, emoji: fc.constantFrom("👍", ":a:") }),
  fc.record({ type: fc.constantFrom("message.delete", "pin.add", "pin.remove"), target }),
  fc
    .record({ type: fc.constantFrom("member.remove", "member.add").map((type) => type) })
    .map(({ type }) => (type === "member.add" ? { type, users: ["bob"] } : { type, user: "bob" })),
  fc.record({ type: fc.constant("receipt.read"), seq: fc.nat(10) }),
);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.tuple(who, fc.nat(2)).map(
      ([user, group]): Deed =>
        ({ of, groups, count }) =>
          of(user).answer({ type: "message.send", conversation: groups[group]?.id, clientId: `c${count}`, content: textOf(`${count}`) }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(who, fc.nat(2), aboutMessage).map(
      ([user, group, command]): Deed =>
        ({ of, groups }) =>
          of(user).answer({ ...command, conversation: groups[group]?.id }),
    ),
  },
  // More than an answer brings at once.
  {
    weight: 1,
    arbitrary: fc.nat(2).map(
      (group): Deed =>
        async ({ suda, groups, count }) => {
          const id = groups[group]?.id;
          if (id === undefined) return;
          for (const page of [1, 2]) await suda.store.log.append(id, messagesOf(70, `f${count}-${page}`));
        },
    ),
  },
);

test("[D7] [D8] [C13] what was kept, and what coming back brings, equal what is read afresh; joined, left and read conversations are named", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 25 }), fc.nat(25), async (deeds, leftAt) => {
      await using suda = await TestServer.open({ limits: unlimited });
      const [alice, other] = await Promise.all([suda.connect("alice"), suda.connect("bob")]);
      const groups = await Promise.all(["one", "two", "three"].map((title) => createTestGroup(alice, ["bob"], title)));
      const world = { suda, of: (user: string) => (user === "alice" ? alice : other), groups };
      for (const [count, one] of deeds.slice(0, leftAt).entries()) await one({ ...world, count });

      // A device of bob's that goes away here, with everything that it could read.
      const { change } = await suda.store.conversations.memberships(bob);
      const mine = await memberships(suda);
      const kept = new Map<ConversationId, Kept>();
      for (const group of groups) if (mine.has(group.id)) kept.set(group.id, await afresh(other, group));
      for (const [count, one] of deeds.slice(leftAt).entries()) await one({ ...world, count: leftAt + count });

      await using device = await suda.connectSilently();
      const cursors = Object.fromEntries([...kept].map(([id, { have, epoch }]) => [id, { seq: have, epoch }])) as Cursors;
      const reply = await device.request({ type: "hello", token: suda.token("bob"), resume: { change, cursors } });
      const now = await memberships(suda);
      for (const { id } of groups) {
        const was = kept.get(id);
        if (was !== undefined && !now.has(id)) assert.ok(reply.left?.includes(id), "left");
        if (now.has(id)) assert.ok(!reply.left?.includes(id), "not left");
        const view = reply.conversations.find((conversation) => conversation.id === id);
        if (!now.has(id)) assert.equal(view, undefined);
        else if (was === undefined) assert.ok(view !== undefined, "joined meanwhile");
        if (was === undefined || !now.has(id)) continue;
        const resumed = reply.resumed?.find(({ conversation }) => conversation === id);
        assert.ok(resumed === undefined || resumed.outcome === "events");
        for (const event of resumed?.events ?? []) apply(was, event, bob);
        if (resumed?.more === true) await readOn(device, id, { kept: was, me: bob });
        assert.deepEqual(was.events, (await afresh(device, { id, epoch: was.epoch })).events);
        const member = await suda.store.conversations.member(id, bob);
        assert.equal(view?.read, member?.readSeq);
      }
      assert.equal(await suda.failures(), 0);
    }),
    boundedRuns(100),
  );
});

async function memberships(suda: TestServer): Promise<ReadonlySet<ConversationId>> {
  const all = await suda.store.conversations.memberships(bob);
  return new Set(all.memberships.flatMap(({ conversation, state }) => (state === "joined" ? [conversation] : [])));
}
