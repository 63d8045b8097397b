/**
 * Snapshot and events are one thing (A8 of the reliability rows): every command about messages against a model of a
 * few lines; and what the SDK shows, kept up to date by events through broken connections, against what is read
 * afresh.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openClient, type ClientConversation, type SudaClient } from "@suda/client";
import type { Conversation, MessageCreated } from "@suda/protocol";
import { verifyStore } from "@suda/server/store";
import { AppTransport, codeOf, createTestGroup, ManualClock, SeededRandom, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";
import fc from "fast-check";
import { boundedRuns } from "./bounded-runs.ts";
import { comparable, MessageModel, type ChangeCommand } from "./message-model.ts";

const users = ["alice", "bob", "carol"] as const;
type User = (typeof users)[number];
const unlimited = { commands: { perSecond: 0, burst: 1 }, connects: { perSecond: 0, burst: 1 }, requests: { perSecond: 0, burst: 1 } };

const patienceMs = 5_000;

type Step =
  | { readonly user: User; readonly command: ChangeCommand }
  /** What happens to a user's device: it looks, is cut off, comes back. */
  | { readonly user: User; readonly device: "look" | "cut" | "come back" };

const target = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 2, max: 4 }) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 9 }) });
const content = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("one", "two", "셋").map(textOf) },
  { weight: 1, arbitrary: fc.constant({ type: "image" as const, url: "https://a.example/x" }) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => ({ type: "bytes" as const, mime: "a/b", bytes: Uint8Array.from(bytes) })),
  },
);
const command: fc.Arbitrary<ChangeCommand> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      { type: fc.constant("message.send" as const), clientId: fc.constant(""), content, replyTo: target },
      { requiredKeys: ["type", "clientId", "content"] },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant("message.edit" as const), target, content, rev: fc.nat(3) }, { requiredKeys: ["type", "target", "content"] }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constantFrom("reaction.add" as const, "reaction.remove" as const), target, emoji: fc.constantFrom("👍", "❤️", ":a:") }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom("pin.add" as const, "pin.remove" as const), target }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("message.delete" as const), target }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("receipt.read" as const), seq: fc.nat(20) }) },
);
const user = fc.constantFrom(...users);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ user, command }) },
  {
    weight: 1,
    arbitrary: fc.record({ user, device: fc.constantFrom("look" as const, "look" as const, "cut" as const, "come back" as const) }),
  },
);

interface Phone {
  readonly client: SudaClient;
  readonly network: AppTransport;
  readonly chat: ClientConversation;
}

interface World extends AsyncDisposable {
  readonly suda: TestServer;
  readonly connections: ReadonlyMap<User, WebSocketCommunicator>;
  readonly phones: ReadonlyMap<User, Phone>;
  readonly group: Conversation;
  readonly problems: unknown[];
}

async function openWorld(): Promise<World> {
  const suda = await TestServer.open({ limits: unlimited });
  const connections = new Map<User, WebSocketCommunicator>();
  for (const name of users) connections.set(name, await suda.connect(name));
  const alice = connections.get("alice");
  assert.ok(alice !== undefined);
  const group = await createTestGroup(alice, ["bob", "carol"]);
  await alice.request({ type: "member.update", conversation: group.id, user: userId("bob"), role: "admin" });
  const phones = new Map<User, Phone>();
  const problems: unknown[] = [];
  for (const [index, name] of users.entries()) {
    const network = new AppTransport(suda.server.app.websocket);
    const client = await openClient({
      url: "ws://chat.test/v1/socket",
      tokenProvider: () => suda.token(name),
      transport: network.transport,
      clock: new ManualClock(),
      random: new SeededRandom(index),
      onProblem: (problem) => problems.push(problem),
    });
    await client.ready();
    phones.set(name, { client, network, chat: client.conversation(group.id) });
  }
  return {
    suda,
    connections,
    phones,
    group,
    problems,
    async [Symbol.asyncDispose]() {
      for (const { client, network } of phones.values()) {
        network.cut();
        await client[Symbol.asyncDispose]();
      }
      await suda[Symbol.asyncDispose]();
    },
  };
}

test("[D8] [D9] [A11] [C20] every change is answered, and shown to everybody, as a model of a few lines says; the SDK's snapshot is what is read afresh", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50, size: "max" }), async (steps) => {
      await using world = await openWorld();
      const { suda, connections, phones, group } = world;
      // The role of bob is the first entry.
      const model = new MessageModel(new Set(["alice", "bob"]));
      model.head = 1;
      for (const [index, one] of steps.entries()) {
        if ("device" in one) await useDevice(phones.get(one.user), one.device);
        else await carryOut(connections.get(one.user), { model, one, index, conversation: group.id });
      }
      for (const name of users) await compare(world, { name, model });
      const findings: string[] = [];
      await verifyStore(suda.store, ({ kind, message }) => findings.push(`${kind}: ${message}`));
      assert.deepEqual([findings, world.problems, await suda.failures()], [[], [], 0]);
    }),
    boundedRuns(80),
  );
});

async function carryOut(
  connection: WebSocketCommunicator | undefined,
  { model, one, index, conversation }: { model: MessageModel; one: Extract<Step, { command: ChangeCommand }>; index: number; conversation: string },
): Promise<void> {
  assert.ok(connection !== undefined);
  const answer = await connection.answer({ ...one.command, conversation, ...("clientId" in one.command ? { clientId: `c${index}` } : {}) });
  const verdict = model.take(one.user, one.command);
  assert.equal(codeOf(answer), verdict.code, JSON.stringify(one));
  if (verdict.seq !== undefined) assert.equal((answer as { seq?: unknown }).seq, verdict.seq, JSON.stringify(one));
  if (one.command.type === "receipt.read" && answer.type === "reply")
    assert.deepEqual([answer["read"], answer["unread"]], [model.readOf(one.user), model.unreadOf(one.user)]);
}

async function useDevice(phone: Phone | undefined, device: "look" | "cut" | "come back"): Promise<void> {
  assert.ok(phone !== undefined);
  const { client, network, chat } = phone;
  switch (device) {
    case "look":
      chat.subscribe(() => {});
      // Sometimes the page is there before the next step, and sometimes not.
      return turn();
    case "cut":
      network.isOnline = false;
      return network.cut();
    case "come back":
      network.isOnline = true;
      client.retryNow();
      return turn();
  }
}

async function compare({ phones, connections, group }: World, { name, model }: { name: User; model: MessageModel }): Promise<void> {
  const connection = connections.get(name);
  const phone = phones.get(name);
  assert.ok(connection !== undefined && phone !== undefined);
  const { events } = await connection.request({ type: "history.get", conversation: group.id, after: 0, limit: 200 });
  const { conversation: fresh } = await connection.request({ type: "conversation.get", conversation: group.id });
  assert.equal(fresh.head, model.head);
  assert.deepEqual(fresh.pins ?? [], model.pins);
  assert.deepEqual([fresh.read, fresh.unread], [model.readOf(name), model.unreadOf(name)]);
  const messages = events.filter((event): event is MessageCreated => event.type === "message.created");
  assert.deepEqual(
    messages.map(comparable),
    [...model.messages.keys()].map((seq) => model.shown(seq, name)),
  );

  phone.network.isOnline = true;
  phone.client.retryNow();
  phone.chat.subscribe(() => {});
  await comeToRest(phone, fresh.head);
  const shown = phone.chat.getSnapshot();
  assert.ok(shown.record !== undefined && shown.events.length > 0 === events.length > 0);
  const first = shown.events[0]?.seq ?? 1;
  assert.deepEqual(
    shown.events,
    events.filter(({ seq }) => seq >= first),
    `what ${name}'s device shows`,
  );
  const { pins = [], ...record } = shown.record;
  const { pins: freshPins = [], ...freshRecord } = fresh;
  assert.deepEqual([record, pins], [freshRecord, freshPins], `the record on ${name}'s device`);
}

async function comeToRest({ client, chat }: Phone, head: number): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const { events, status } = chat.getSnapshot();
    const { kind } = client.connection.getSnapshot();
    if (kind === "open" && status === "ready" && (events.at(-1)?.seq ?? 0) === head) return turn();
    assert.ok(performance.now() < end, `the device came to rest at ${events.at(-1)?.seq} and the head is ${head}; ${kind}, ${status}`);
    await turn();
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
