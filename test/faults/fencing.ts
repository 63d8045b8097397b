/**
 * `npm run test:faults -- fencing [--replies 10000] [--seed N]`: a bot that answers without a pause, over several
 * connections, pipelined, with and without the epoch that it knows, against humans who are asked for, take over and give
 * back at random. Then the logs are read, and the bot must have said nothing while it was not in charge (T26).
 *
 * The real server on real sockets and on LMDB, whose commits take their time: what is under way when a handoff arrives is
 * what a check before the append would let through. That bug is planted too, and must be caught.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientId, Control, ConversationId, Event } from "@suda/protocol";
import { createServer, type SudaServer } from "@suda/server";
import { entryPages, isOutOfControl, verifyStore, type Draft, type LogEntry, type Store } from "@suda/server/store";
import { openLmdbStore } from "@suda/store-lmdb";
import { CommandRefused, SeededRandom, signTestToken, testApiKey, testTokenSecret, userId, WireClient } from "@suda/testing";

export interface FencingOptions {
  readonly replies: number;
  readonly seed: number;
  /** A bug in the store. */
  readonly plant?: (store: Store) => Store;
}

export interface FencingReport {
  readonly replies: number;
  readonly seed: number;
  readonly stored: number;
  readonly lost: number;
  /** Lost though the bot believed to be in charge when it sent them: a change of control overtook them. */
  readonly overtaken: number;
  readonly changes: number;
  readonly ms: number;
  readonly found: readonly string[];
}

const bot = userId("tutor");
const connections = 3;
const rooms = 4;
/** Replies under way on one connection. */
const inFlight = 64;

export async function runFencing({ replies, seed, plant = (store) => store }: FencingOptions): Promise<FencingReport> {
  const directory = await mkdtemp(join(tmpdir(), "suda-fencing-"));
  const store = await openLmdbStore({ directory });
  const unlimited = { perSecond: 0, burst: 1 };
  const server = createServer({
    store: plant(store),
    auth: { tokenKeys: [{ algorithms: ["HS256"], secret: testTokenSecret }], apiKeys: [{ name: "test", key: testApiKey }] },
    limits: { commands: unlimited, connects: unlimited, requests: unlimited },
    logLevel: "silent",
  });
  try {
    await store.users.update(bot, { bot: true }, Date.now());
    const race = await Race.open(server, new SeededRandom(seed), replies);
    const startedAt = performance.now();
    await race.run();
    const ms = performance.now() - startedAt;
    const found = await race.check(store);
    await verifyStore(store, ({ kind, conversation, message }) => found.push(`${kind} in ${conversation}: ${message}`));
    const { stored, lost, overtaken, changes } = race;
    return { replies, seed, stored: stored.size, lost: lost.size, overtaken, changes, ms, found };
  } finally {
    await server[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  }
}

export function describeFencing({ replies, seed, stored, lost, overtaken, changes, ms, found }: FencingReport): readonly string[] {
  return [
    `${replies} replies of a bot over ${connections} connections, ${inFlight} under way on each, against ${changes} changes of control (seed ${seed}, ${Math.round(ms)} ms)`,
    `stored ${stored}, refused as control.lost ${lost}, of these overtaken by a change ${overtaken}`,
    ...found.slice(0, 20),
    found.length === 0 ? "nothing of the bot's was stored while it was not in charge" : `${found.length} broken promises`,
  ];
}

/** The bug: looks at the record before the append, and trusts it. */
export function checkedAtTheGate(inner: Store): Store {
  return {
    ...inner,
    log: {
      ...inner.log,
      async append(conversation, drafts, options) {
        const control = (await inner.conversations.get(conversation))?.control;
        const isLost = drafts.some((draft) => isOutOfControl(control, draft));
        if (isLost) return drafts.map(() => ({ outcome: "refused", reason: "control" }) as const);
        const unguarded = drafts.map(({ asBot: _asBot, ifControlEpoch: _epoch, ...draft }): Draft => draft);
        return inner.log.append(conversation, unguarded, options);
      },
    },
    status: () => inner.status(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

interface Room {
  readonly id: ConversationId;
  readonly kind: "direct" | "group";
  /** As the bot was last told. */
  control: Control | undefined;
  /** A message of the bot's to edit. */
  target: number;
}

class Race {
  readonly stored = new Map<ClientId, number>();
  readonly lost = new Set<ClientId>();
  overtaken = 0;
  changes = 0;
  readonly #url: string;
  readonly #random: SeededRandom;
  readonly #replies: number;
  readonly #rooms: Room[] = [];
  #begun = 0;
  readonly #found: string[] = [];

  private constructor(url: string, random: SeededRandom, replies: number) {
    this.#url = url;
    this.#random = random;
    this.#replies = replies;
  }

  static async open(server: SudaServer, random: SeededRandom, replies: number): Promise<Race> {
    const { url } = await server.listen({ host: "127.0.0.1", port: 0 });
    const race = new Race(url, random, replies);
    await using student = await race.#connect("student");
    await using teacher = await race.#connect("teacher");
    const opened = [await student.request("conversation.open", { with: bot })];
    for (let index = 1; index < rooms; index++) opened.push(await teacher.request("conversation.create", { members: [userId("student"), bot] }));
    race.#rooms.push(...opened.map(({ conversation: { id, kind } }): Room => ({ id, kind, control: undefined, target: 0 })));
    return race;
  }

  async run(): Promise<void> {
    await using student = await this.#connect("student");
    await using teacher = await this.#connect("teacher");
    // Safe in parallel: that they meet is what is tested.
    const answering = Promise.all(Array.from({ length: connections }, () => this.#answer()));
    const controlling = this.#rooms.map((room) => this.#changeControl(room, { student, teacher }));
    await answering;
    await Promise.all(controlling);
  }

  #connect(user: string, onEvent: (event: Event) => void = () => {}): Promise<WireClient> {
    const token = signTestToken({ sub: user, exp: Math.floor(Date.now() / 1_000) + 3_600 });
    return WireClient.open({ url: this.#url, token, onEvent });
  }

  // ── the bot ─────────────────────────────────────────────────────────────────────────────────────────

  async #answer(): Promise<void> {
    await using client = await this.#connect(bot, (event) => this.#hear(event));
    const pending = new Set<Promise<void>>();
    for (;;) {
      while (pending.size >= inFlight) await Promise.race(pending);
      if (this.#begun >= this.#replies) break;
      const reply = this.#reply(client, ++this.#begun).finally(() => pending.delete(reply));
      pending.add(reply);
    }
    await Promise.all(pending);
  }

  #hear(event: Event): void {
    if (event.type !== "control.changed") return;
    const room = this.#rooms.find(({ id }) => id === event.conversation);
    if (room === undefined || event.epoch <= (room.control?.epoch ?? 0)) return;
    const { holder, epoch, seq, at } = event;
    room.control = { holder, epoch, seq, at };
  }

  /** A message or an edit, with no epoch, with the one that the bot knows, or with one of before. The clientId says which. */
  async #reply(client: WireClient, index: number): Promise<void> {
    const random = this.#random;
    const room = random.pick(this.#rooms);
    const known = room.control?.epoch ?? 0;
    const epoch = random.isTrue(0.4) ? undefined : Math.max(0, known - (random.isTrue(0.2) ? 1 : 0));
    const clientId = `${epoch ?? "none"}/${index}` as ClientId;
    const believes = (room.control?.holder ?? "bot") === "bot" && (epoch === undefined || epoch === known);
    const fields = {
      conversation: room.id,
      clientId,
      content: { type: "text", text: `reply ${index}` } as const,
      ...(epoch !== undefined && { control: epoch }),
    };
    try {
      const isEdit = room.target > 0 && random.isTrue(0.1);
      const { seq } = isEdit ? await client.request("message.edit", { ...fields, target: room.target }) : await client.request("message.send", fields);
      if (!isEdit && random.isTrue(0.05)) room.target = seq;
      this.stored.set(clientId, seq);
    } catch (error) {
      if (!(error instanceof CommandRefused)) throw error;
      if (error.frame.code === "control.lost") {
        this.lost.add(clientId);
        if (believes) this.overtaken++;
      } else if (error.frame.code !== "message.full") this.#found.push(`reply ${index} was refused as ${error.frame.code}`);
    }
  }

  // ── the humans ──────────────────────────────────────────────────────────────────────────────────────

  async #changeControl(room: Room, people: { readonly student: WireClient; readonly teacher: WireClient }): Promise<void> {
    const random = this.#random;
    while (this.#begun < this.#replies) {
      // Rather often the bot's turn, so that there is something to lose.
      for (const change of random.isTrue(0.5)
        ? ["handoff", "return"]
        : random.pick([
            ["handoff", "take", "return"],
            ["take", "return"],
            ["handoff", "take", "handoff", "return"],
          ])) {
        await this.#ask(room, change, people);
        await this.#wait(random.integer(0, change === "return" ? 6 : 2));
      }
    }
  }

  async #ask({ id, kind }: Room, change: string, { student, teacher }: { readonly student: WireClient; readonly teacher: WireClient }): Promise<void> {
    if (kind === "group") {
      if (change === "handoff") await teacher.request("control.handoff", { conversation: id });
      else if (change === "take") await teacher.request("control.take", { conversation: id });
      else await teacher.request("control.return", { conversation: id });
    } else if (change === "handoff" && this.#random.isTrue(0.5)) await student.request("control.handoff", { conversation: id });
    else {
      const response = await fetch(`${this.#url}/v1/conversations/${id}/control/${change}`, {
        method: "POST",
        headers: { authorization: `Bearer ${testApiKey}`, "suda-user": "mina", "content-type": "application/json" },
        body: "{}",
      });
      if (!response.ok) this.#found.push(`${change} was answered with ${response.status}: ${await response.text()}`);
      else await response.arrayBuffer();
    }
    this.changes++;
  }

  /** Not longer than a few commits: so the changes fall among the replies. */
  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  // ── the logs ────────────────────────────────────────────────────────────────────────────────────────

  async check(store: Store): Promise<string[]> {
    const found = [...this.#found];
    const seen = new Set<ClientId>();
    for (const { id } of this.#rooms) {
      let control = { holder: "bot", epoch: 0 };
      for await (const { seq, from, clientId, body } of entriesOf(store, id)) {
        if (body.type === "control.changed") control = body;
        if (from !== bot || clientId === undefined) continue;
        seen.add(clientId);
        const place = `seq ${seq} of ${id} (${body.type} ${clientId})`;
        if (control.holder !== "bot") found.push(`${place} is the bot's, and ${control.holder} was in charge at epoch ${control.epoch}`);
        const [named] = clientId.split("/");
        if (named !== "none" && Number(named) !== control.epoch) found.push(`${place} names another epoch than ${control.epoch}`);
        if (this.lost.has(clientId)) found.push(`${place} was refused, and is there`);
        if (this.stored.get(clientId) !== seq) found.push(`${place} was acknowledged as seq ${this.stored.get(clientId)}`);
      }
    }
    for (const clientId of this.stored.keys()) if (!seen.has(clientId)) found.push(`${clientId} was acknowledged, and is not there`);
    return found;
  }
}

async function* entriesOf(store: Store, id: ConversationId): AsyncGenerator<LogEntry> {
  for await (const page of entryPages(store.log, id)) yield* page;
}
