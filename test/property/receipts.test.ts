/**
 * How far everybody has read (promise 9): any marks, sends, changes and members, against a model that keeps the
 * mark and counts the messages after it one by one. Marks only grow, stop at the head, and are told to others and to
 * one's own devices.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Conversation, ConversationId, ReceiptUpdated } from "@suda/protocol";
import { verifyStore } from "@suda/server/store";
import { codeOf, createTestGroup, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";
import fc from "fast-check";
import { boundedRuns } from "./bounded-runs.ts";

const users = ["alice", "bob", "carol"] as const;
type User = (typeof users)[number];
const unlimited = { commands: { perSecond: 0, burst: 1 }, connects: { perSecond: 0, burst: 1 }, requests: { perSecond: 0, burst: 1 } };

type Step =
  | { readonly step: "send" | "react" | "delete" | "come back"; readonly user: User }
  | { readonly step: "read"; readonly user: User; readonly seq: number }
  /** Both devices of a user at once, without waiting. */
  | { readonly step: "read at once"; readonly user: User; readonly seqs: readonly number[] }
  | { readonly step: "remove" | "add"; readonly user: User };

const user = fc.constantFrom(...users);
const seq = fc.oneof({ weight: 8, arbitrary: fc.nat(15) }, { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ step: fc.constant("send" as const), user }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constantFrom("react" as const, "delete" as const, "come back" as const), user }) },
  { weight: 5, arbitrary: fc.record({ step: fc.constant("read" as const), user, seq }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("read at once" as const), user, seqs: fc.array(seq, { minLength: 2, maxLength: 6 }) }) },
  // Never the owner.
  { weight: 1, arbitrary: fc.record({ step: fc.constantFrom("remove" as const, "add" as const), user: fc.constantFrom("bob" as const, "carol" as const) }) },
);

class Model {
  head = 0;
  /** Seqs of messages, deleted ones too. */
  readonly messages: number[] = [];
  /** Of members. */
  readonly marks = new Map<User, number>(users.map((name) => [name, 0]));

  advance(name: User, to: number): void {
    const mark = this.marks.get(name);
    if (mark !== undefined) this.marks.set(name, Math.max(mark, Math.min(to, this.head)));
  }

  unreadOf(name: User): number {
    const mark = this.marks.get(name) ?? 0;
    return this.messages.filter((message) => message > mark).length;
  }
}

class World {
  readonly model = new Model();
  readonly suda: TestServer;
  readonly id: ConversationId;
  /** Two of each. */
  readonly devices: ReadonlyMap<User, readonly WebSocketCommunicator[]>;

  constructor(suda: TestServer, id: ConversationId, devices: ReadonlyMap<User, readonly WebSocketCommunicator[]>) {
    this.suda = suda;
    this.id = id;
    this.devices = devices;
  }

  static async open(suda: TestServer): Promise<World> {
    const devices = new Map<User, readonly WebSocketCommunicator[]>();
    for (const name of users) devices.set(name, [await suda.connect(name), await suda.connect(name)]);
    const { id } = await createTestGroup(devices.get("alice")?.[0] as WebSocketCommunicator, ["bob", "carol"]);
    return new World(suda, id, devices);
  }

  device(name: User, index = 0): WebSocketCommunicator {
    return this.devices.get(name)?.[index % 2] as WebSocketCommunicator;
  }

  async take(one: Step, count: number): Promise<void> {
    const { model, id } = this;
    const isMember = model.marks.has(one.user);
    switch (one.step) {
      case "send": {
        const answer = await this.device(one.user, count).answer({ type: "message.send", conversation: id, clientId: `c${count}`, content: textOf("x") });
        assert.equal(codeOf(answer), isMember ? "ok" : "conversation.not_found");
        if (isMember) {
          model.messages.push(++model.head);
          model.advance(one.user, model.head);
        }
        return;
      }
      case "react":
      case "delete":
        return this.#change(one);
      case "read":
        return this.#read(one.user, one.seq);
      case "read at once": {
        const before = model.marks.get(one.user) ?? 0;
        const answers = await Promise.all(
          one.seqs.map((to, index) => this.device(one.user, index).answer({ type: "receipt.read", conversation: id, seq: to })),
        );
        if (!isMember) return assert.ok(answers.every((answer) => codeOf(answer) === "conversation.not_found"));
        for (const [index, answer] of answers.entries()) {
          const read = (answer as unknown as { read: number }).read;
          assert.ok(
            read >= before && read <= model.head && read >= Math.min(one.seqs[index] ?? 0, model.head),
            `${one.user} had read ${before} and is told ${read}`,
          );
        }
        for (const to of one.seqs) model.advance(one.user, to);
        return;
      }
      case "remove": {
        const answer = await this.device("alice").answer({ type: "member.remove", conversation: id, user: one.user });
        assert.equal(codeOf(answer), isMember ? "ok" : "member.not_found");
        if (isMember) model.head++;
        model.marks.delete(one.user);
        return;
      }
      case "add":
        assert.equal(codeOf(await this.device("alice").answer({ type: "member.add", conversation: id, users: [one.user] })), "ok");
        // What was said before is not unread.
        if (!isMember) model.marks.set(one.user, ++model.head);
        return;
      case "come back":
        return this.#comeBack(one.user);
    }
  }

  /** What is done to messages is not unread, and takes nothing from what is. */
  async #change({ step: what, user: name }: Step): Promise<void> {
    const target = this.model.messages.at(-1) ?? 0;
    const type = what === "react" ? "reaction.add" : "message.delete";
    await this.device(name).answer({ type, conversation: this.id, target, ...(what === "react" ? { emoji: "👍" } : {}) });
    this.model.head = (await this.suda.store.conversations.get(this.id))?.head.seq ?? 0;
  }

  async #read(name: User, to: number): Promise<void> {
    const { model } = this;
    const answer = await this.device(name).answer({ type: "receipt.read", conversation: this.id, seq: to });
    if (!model.marks.has(name)) return assert.equal(codeOf(answer), "conversation.not_found");
    model.advance(name, to);
    assert.ok(answer.type === "reply");
    assert.deepEqual([answer["read"], answer["unread"]], [model.marks.get(name), model.unreadOf(name)]);
  }

  /** The same numbers wherever a user sees the conversation. */
  async #comeBack(name: User): Promise<void> {
    await using device = await this.suda.connectSilently();
    const hello = await device.request({ type: "hello", token: this.suda.token(name) });
    const list = await device.request({ type: "conversation.list" });
    for (const { conversations } of [hello, list]) this.#checkShown(name, conversations);
  }

  #checkShown(name: User, conversations: readonly Conversation[]): void {
    const { model, id } = this;
    const shown = conversations.find((conversation) => conversation.id === id);
    if (!model.marks.has(name)) return assert.equal(shown, undefined);
    assert.deepEqual([shown?.head, shown?.read, shown?.unread], [model.head, model.marks.get(name), model.unreadOf(name)]);
  }

  async finish(): Promise<void> {
    for (const name of users) await this.#comeBack(name);
    for (const [name, devices] of this.devices) {
      for (const device of devices) {
        const receipts = (await device.leftovers()).filter((frame): frame is ReceiptUpdated => frame.type === "receipt.updated");
        this.#checkTold(name, receipts);
      }
    }
    const findings: string[] = [];
    await verifyStore(this.suda.store, ({ kind, message }) => findings.push(`${kind}: ${message}`));
    assert.deepEqual([findings, await this.suda.failures()], [[], 0]);
  }

  /** As told to one device: never back, never beyond the head. */
  #checkTold(name: User, receipts: readonly ReceiptUpdated[]): void {
    for (const other of users) {
      const marks = receipts.filter((receipt) => receipt.user === userId(other)).map(({ read }) => read);
      // One mark may be told by several answers at once; but whoever takes the greatest is right.
      assert.ok(Math.max(0, ...marks) <= this.model.head, `${name} was told that ${other} read ${marks.join(", ")}`);
    }
  }
}

test("[D9] [C9] [C13] marks only grow and stop at the head, and what is unread is what a recount gives, wherever it is shown", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      await using suda = await TestServer.open({ limits: unlimited });
      const world = await World.open(suda);
      for (const [count, one] of steps.entries()) await world.take(one, count);
      await world.finish();
    }),
    boundedRuns(60),
  );
});

test("[D9] one who reads step by step is told to everybody, in order, and to nobody twice", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(user, fc.nat(12)), { maxLength: 20 }), async (marks) => {
      await using suda = await TestServer.open({ limits: unlimited });
      const world = await World.open(suda);
      for (let count = 0; count < 10; count++) await world.take({ step: "send", user: "alice" }, count);
      const expected = new Map<User, number[]>(users.map((name) => [name, []]));
      for (const [name, to] of marks) {
        const before = world.model.marks.get(name) ?? 0;
        await world.take({ step: "read", user: name, seq: to }, 0);
        const after = world.model.marks.get(name) ?? 0;
        if (after > before) expected.get(name)?.push(after);
      }
      for (const devices of world.devices.values())
        for (const device of devices) {
          const told = new Map<string, number[]>(users.map((name) => [name, []]));
          for (const frame of await device.leftovers()) if (frame.type === "receipt.updated") told.get(frame.user)?.push(frame.read);
          assert.deepEqual(told, expected);
        }
    }),
    boundedRuns(40),
  );
});
