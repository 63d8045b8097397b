/**
 * Sending: however sends, answers, refusals, broken connections, events and restarts interleave, each message ends
 * exactly once (stored, failed or discarded), always under its clientId, and those of one conversation are stored
 * in the order in which they were written (D4), as far as no refusal came between.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, CommandOf, ConversationId } from "@suda/protocol";
import { ManualClock, SeededRandom } from "@suda/testing";
import fc from "fast-check";
import { me } from "../../test/frames.ts";
import type { Request } from "../connection/connection.ts";
import { ConnectionLost, MessageDiscarded, RequestRefused } from "../errors.ts";
import { MemoryOutbox } from "./memory-outbox.ts";
import type { Outbox, OutboxEntry } from "./outbox.ts";
import { Sender, type Stored } from "./sender.ts";

type Send = Omit<CommandOf<"message.send">, "type" | "ref">;

interface Asked {
  readonly send: Send;
  readonly resolve: (stored: Stored) => void;
  readonly reject: (error: Error) => void;
  /** The server's answer, once it has carried it out. */
  answer: (() => void) | undefined;
}

/** Writes when the test says so: before, a message is not kept, and after a crash it is not there. */
class SlowOutbox implements Outbox {
  readonly #disk: MemoryOutbox;
  readonly #writes: { readonly task: () => Promise<void>; readonly done: () => void }[] = [];
  readonly kept = new Set<string>();

  constructor(disk: MemoryOutbox) {
    this.#disk = disk;
  }

  load(): Promise<readonly OutboxEntry[]> {
    return this.#disk.load();
  }

  put(entry: OutboxEntry): Promise<void> {
    return this.#write(async () => {
      await this.#disk.put(entry);
      this.kept.add(entry.clientId);
    });
  }

  remove(clientId: ClientId): Promise<void> {
    return this.#write(() => this.#disk.remove(clientId));
  }

  /** In the order of the calls; whoever called may learn of it in another. */
  async write(count: number, isReversed = false): Promise<void> {
    const written: (() => void)[] = [];
    for (const { task, done } of this.#writes.splice(0, count)) {
      await task();
      written.push(done);
    }
    for (const done of isReversed ? written.reverse() : written) done();
  }

  #write(task: () => Promise<void>): Promise<void> {
    return new Promise((done) => this.#writes.push({ task, done }));
  }
}

const rooms = ["room-a", "room-b"] as readonly string[] as readonly ConversationId[];

class World {
  readonly clock = new ManualClock();
  readonly random = new SeededRandom(1);
  readonly disk = new MemoryOutbox();
  readonly problems: unknown[] = [];
  /** What the sender asked and may not have; thrown there, it would count as a refusal. */
  readonly faults: string[] = [];
  /** By clientId, in the order of storing. */
  readonly stored = new Map<string, Send & Stored>();
  /** Written, in order. */
  readonly written: { readonly clientId: string; readonly conversation: ConversationId; readonly text: string }[] = [];
  readonly ended = new Map<string, number>();
  readonly discarded = new Set<string>();
  /** Kept before the program ended: only these must survive it. */
  readonly keptEver = new Set<string>();
  wasRefused = false;
  isOpen = false;
  asked: Asked[] = [];
  outbox!: SlowOutbox;
  sender!: Sender;

  async start(): Promise<void> {
    this.outbox = new SlowOutbox(this.disk);
    const outbox = this.outbox;
    const isCurrent = (): boolean => this.outbox === outbox;
    const request = ((_type: "message.send", send: Send) =>
      new Promise<Stored>((resolve, reject) => {
        if (!isCurrent()) return;
        if (!this.isOpen) return reject(new ConnectionLost("There is no connection."));
        if (!this.keptEver.has(send.clientId) && !outbox.kept.has(send.clientId)) this.faults.push(`${send.clientId} was sent before the outbox had it`);
        this.asked.push({ send, resolve, reject, answer: undefined });
        const inFlight = this.asked.filter((one) => one.send.conversation === send.conversation).length;
        if (inFlight > 16) this.faults.push(`${inFlight} of one conversation are without an answer`);
      })) as unknown as Request;
    this.sender = new Sender({
      outbox,
      request,
      clock: this.clock,
      random: this.random,
      onChange: () => {},
      onProblem: (problem) => this.problems.push(problem),
    });
    await this.sender.load();
  }

  write(conversation: ConversationId): void {
    const text = `${this.written.length}`;
    const { clientId, stored } = this.sender.send(conversation, { content: { type: "text", text } });
    this.written.push({ clientId, conversation, text });
    void this.#follow(clientId, stored);
  }

  open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.sender.onOpen(me);
  }

  /** What the server has not carried out is lost with the connection, and so is every answer that has not come. */
  lose(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.sender.onLost();
    for (const { reject } of this.asked.splice(0)) reject(new ConnectionLost("gone"));
  }

  /** The server carries out the oldest commands, in order. */
  carryOut(count: number): void {
    for (const one of this.asked.filter(({ answer }) => answer === undefined).slice(0, count)) {
      const stored = this.#store(one.send);
      one.answer = () => one.resolve(stored);
    }
  }

  /** An answer arrives, perhaps before that of an earlier command. */
  answer(index: number): void {
    const answered = this.asked.filter(({ answer }) => answer !== undefined);
    const one = answered[index % Math.max(answered.length, 1)];
    if (one === undefined) return;
    this.asked.splice(this.asked.indexOf(one), 1);
    one.answer?.();
  }

  /** For good only what it has not stored: a retry of that is told so (D3). */
  refuse(isRetryable: boolean): void {
    const one = this.asked.find(({ answer, send }) => answer === undefined && (isRetryable || !this.stored.has(send.clientId)));
    if (one === undefined) return;
    this.wasRefused = true;
    this.asked.splice(this.asked.indexOf(one), 1);
    one.reject(new RequestRefused({ code: isRetryable ? "server.busy" : "member.forbidden", message: "no", retryable: isRetryable, retryAfterMs: 40 }));
  }

  /** The event of a stored message comes, before its answer or without it. */
  log(index: number): void {
    const all = [...this.stored.values()];
    const one = all[index % Math.max(all.length, 1)];
    if (one !== undefined && this.isOpen) this.sender.onLogged(one.conversation, one.clientId, { seq: one.seq, at: one.at });
  }

  discard(index: number): void {
    const one = this.written[index % Math.max(this.written.length, 1)];
    if (one !== undefined && this.sender.discard(one.clientId as ClientId)) this.discarded.add(one.clientId);
  }

  retry(index: number): void {
    const one = this.written[index % Math.max(this.written.length, 1)];
    const sending = one === undefined ? undefined : this.sender.retry(one.clientId as ClientId);
    if (sending === undefined) return;
    assert.equal(sending.clientId, one?.clientId);
    void this.#follow(sending.clientId, sending.stored);
  }

  /** The program ends without a word, and another begins with the same outbox. */
  async restart(): Promise<void> {
    for (const clientId of this.outbox.kept) this.keptEver.add(clientId);
    this.isOpen = false;
    this.asked = [];
    await this.start();
  }

  #store(send: Send): Stored {
    const known = this.stored.get(send.clientId);
    if (known !== undefined) {
      assert.deepEqual([send.conversation, send.content], [known.conversation, known.content], "another body under the same clientId");
      return { seq: known.seq, at: known.at };
    }
    const stored = { seq: this.stored.size + 1, at: 1 };
    this.stored.set(send.clientId, { ...send, ...stored });
    return stored;
  }

  /** A program that ended waits for nothing any more: its promise is left. */
  async #follow(clientId: string, stored: Promise<Stored>): Promise<void> {
    try {
      const { seq } = await stored;
      assert.equal(seq, this.stored.get(clientId)?.seq);
      this.ended.set(clientId, (this.ended.get(clientId) ?? 0) + 1);
    } catch (error) {
      assert.ok(error instanceof RequestRefused || error instanceof MessageDiscarded, String(error));
    }
  }
}

type Step = (world: World) => unknown;
/** A counterexample shows the name. */
const named = (name: string, step: Step): Step => Object.assign(step, { [fc.toStringMethod]: () => name });
const some = fc.nat(20);
const stepsOf: readonly (readonly [weight: number, step: fc.Arbitrary<Step>])[] = [
  [8, fc.constantFrom(...rooms).map((room) => named(`write to ${room}`, (world) => world.write(room)))],
  [1, fc.constantFrom(...rooms).map((room) => named(`write 20 to ${room}`, (world) => Array.from({ length: 20 }, () => world.write(room))))],
  [
    6,
    fc.tuple(some, fc.boolean()).map(([count, isReversed]) => named(`keep ${count + 1} ${isReversed}`, (world) => world.outbox.write(count + 1, isReversed))),
  ],
  [4, fc.constant(named("open", (world) => world.open()))],
  [2, fc.constant(named("lose", (world) => world.lose()))],
  [6, some.map((count) => named(`carry out ${count + 1}`, (world) => world.carryOut(count + 1)))],
  [8, some.map((index) => named(`answer ${index}`, (world) => world.answer(index)))],
  [1, fc.boolean().map((isRetryable) => named(`refuse ${isRetryable}`, (world) => world.refuse(isRetryable)))],
  [3, some.map((index) => named(`log ${index}`, (world) => world.log(index)))],
  [1, some.map((index) => named(`discard ${index}`, (world) => world.discard(index)))],
  [1, some.map((index) => named(`retry ${index}`, (world) => world.retry(index)))],
  [3, fc.constantFrom(30, 1_000).map((ms) => named(`wait ${ms}`, (world) => world.clock.advance(ms)))],
  [1, fc.constant(named("restart", (world) => world.restart()))],
];
const step = fc.oneof(...stepsOf.map(([weight, arbitrary]) => ({ weight, arbitrary })));

test("[D3] [D4] each message that was written ends once, under its clientId, and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80, size: "max" }), async (steps) => {
      const world = new World();
      await world.start();
      for (const take of steps) {
        await take(world);
        await turn();
      }
      // Nothing breaks any more. After a refusal they go out one at a time.
      for (let turns = 0, quiet = 0; quiet < 3; turns++) {
        assert.ok(turns < 2_000, "it never comes to rest");
        world.open();
        await world.outbox.write(1_000);
        await turn();
        world.carryOut(1_000);
        for (let count = world.asked.length; count > 0; count--) world.answer(0);
        world.clock.advance(1_000);
        await turn();
        const isSending = rooms.some((room) => world.sender.outgoing(room).some(({ state }) => state.is === "sending"));
        quiet = isSending ? 0 : quiet + 1;
      }
      const waiting = rooms.flatMap((room) => world.sender.outgoing(room));
      const failed = new Set(waiting.filter(({ state }) => state.is === "failed").map(({ entry }) => entry.clientId as string));
      const left = (await world.disk.load()).map(({ clientId }) => clientId as string);
      assert.deepEqual(left.sort(), [...failed].sort(), "only what failed is still kept");
      const kept = new Set([...world.keptEver, ...world.outbox.kept]);
      for (const { clientId, text } of world.written) {
        const isEnded = world.stored.has(clientId) || failed.has(clientId) || world.discarded.has(clientId);
        assert.ok(isEnded || !kept.has(clientId), `${text} was kept and is nowhere`);
      }
      for (const [clientId, count] of world.ended) assert.equal(count, 1, `${clientId} was told to be stored ${count} times`);
      if (!world.wasRefused)
        for (const room of rooms) {
          const order = [...world.stored.values()]
            .filter(({ conversation, clientId }) => conversation === room && !world.discarded.has(clientId))
            .map(({ clientId }) => world.written.findIndex((one) => one.clientId === clientId));
          assert.deepEqual(
            order,
            order.toSorted((a, b) => a - b),
            "stored in the order of writing",
          );
        }
      assert.deepEqual([world.problems, world.faults], [[], []]);
    }),
    { numRuns: 100, includeErrorInReport: true, interruptAfterTimeLimit: 60_000 },
  );
});

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
