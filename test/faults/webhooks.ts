/**
 * `npm run test:faults -- webhooks [--seconds 180] [--seed N]`: deliveries under `kill -9` with a bot that fails (RELIABILITY A9).
 *
 * First side by side, in slices: all three bots answer well; then one of them answers 500, hangs, resets, or is slow, and the
 * others must not notice. Then the server is killed at random moments while all goes on. In the end every event was
 * taken at least once, each conversation in order, none is missing, and every request was signed.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConversationId, LogEvent } from "@suda/protocol";
import { SeededRandom, ServerProcess, WebhookReceiver, writeTokenKey, type ReceivedWebhook } from "@suda/testing";
import { unlimitedServer } from "../kill/servers.ts";

export interface WebhooksOptions {
  /** Of the part with kills; the part before it takes a third of that. */
  readonly seconds: number;
  readonly seed: number;
  /** Conversations of each bot; default 6. */
  readonly conversations?: number;
  /** Mean time between two messages of one conversation, ms; default 250. */
  readonly sayEveryMs?: number;
}

export interface WebhooksReport {
  readonly seed: number;
  readonly seconds: number;
  readonly kills: number;
  readonly events: number;
  readonly requests: number;
  /** Requests for an event that had come before. */
  readonly repeats: number;
  readonly faults: Readonly<Record<Fault, number>>;
  /** Of the bots that answer well, while the third one does too, and while it fails: from the acknowledged send to the arrival. */
  readonly deliveryMs: SideBySide;
  /** Of sends, likewise. */
  readonly sendMs: SideBySide;
  /** From the last kill until everything had arrived. */
  readonly settledMs: number;
  readonly found: readonly string[];
}

interface SideBySide {
  readonly well: Percentiles;
  readonly failing: Percentiles;
}

interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

type Fault = "500" | "hang" | "reset" | "slow";

const flaky = "flaky";
const bots = [flaky, "steady", "calm"] as const;
const sliceMs = 5_000;
/** A time-out, and the longest wait for another attempt, and a busy machine. */
const settleMs = 180_000;
/** How much slower the others may be beside one that fails, at p99: a half, and a turn of the scheduler. Slices take turns, so both have the same machine. */
const allowedFactor = 1.5;
const allowedMs = 20;

export function isUnaffected({ well, failing }: SideBySide): boolean {
  return failing.p99 <= well.p99 * allowedFactor + allowedMs;
}

export async function runWebhooks(options: WebhooksOptions): Promise<WebhooksReport> {
  const directory = await mkdtemp(join(tmpdir(), "suda-webhooks-"));
  try {
    writeTokenKey(directory);
    await using run = new WebhooksRun(options, directory);
    return await run.toTheEnd();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Talk {
  readonly bot: string;
  readonly user: string;
  readonly id: ConversationId;
  /** Seqs of what arrived and was taken. */
  readonly taken: Set<number>;
  /** Epoch ms by seq, and whether the flaky bot was failing then. */
  readonly said: Map<number, { readonly at: number; readonly during: keyof SideBySide | undefined }>;
  highest: number;
}

class WebhooksRun implements AsyncDisposable {
  readonly #options: WebhooksOptions;
  readonly #random: SeededRandom;
  readonly #directory: string;
  readonly #apiKey = randomBytes(24).toString("base64url");
  readonly #receivers = new Map<string, WebhookReceiver>();
  readonly #talks = new Map<ConversationId, Talk>();
  readonly #found: string[] = [];
  readonly #faults: Record<Fault, number> = { "500": 0, hang: 0, reset: 0, slow: 0 };
  readonly #deliveryMs = { well: [] as number[], failing: [] as number[] };
  readonly #sendMs = { well: [] as number[], failing: [] as number[] };
  #server: ServerProcess | undefined;
  #isFailing = false;
  /** What is measured now, if anything is. */
  #slice: keyof SideBySide | undefined;
  #isTalking = true;
  #requests = 0;
  #repeats = 0;

  constructor(options: WebhooksOptions, directory: string) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#directory = directory;
  }

  async toTheEnd(): Promise<WebhooksReport> {
    const { seconds, seed } = this.#options;
    await this.#start();
    for (const bot of bots) await this.#openBot(bot);
    const talking = Array.from(this.#talks.values(), (talk) => this.#talk(talk));
    await this.#sideBySide((seconds * 1_000) / 3);
    this.#isFailing = true;
    const kills = await this.#killOften(seconds * 1_000);
    this.#isTalking = false;
    await Promise.all(talking);
    this.#isFailing = false;
    const healedAt = performance.now();
    await this.#settle();
    const settledMs = Math.round(performance.now() - healedAt);
    this.#found.push(...(this.#server?.alarms ?? []));
    const side = (ms: { readonly well: number[]; readonly failing: number[] }): SideBySide => ({
      well: percentiles(ms.well),
      failing: percentiles(ms.failing),
    });
    return {
      seed,
      seconds,
      kills,
      events: Array.from(this.#talks.values(), ({ said }) => said.size).reduce((a, b) => a + b, 0),
      requests: this.#requests,
      repeats: this.#repeats,
      faults: this.#faults,
      deliveryMs: side(this.#deliveryMs),
      sendMs: side(this.#sendMs),
      settledMs,
      found: this.#found,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isTalking = false;
    await this.#server?.kill();
    for (const receiver of this.#receivers.values()) await receiver[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    const program = unlimitedServer(this.#directory, ["--outgoing-allow", "127.0.0.1"]);
    this.#server = await ServerProcess.open({ ...program, env: { SUDA_API_KEYS: `test:${this.#apiKey}` } });
  }

  async #openBot(bot: string): Promise<void> {
    const receiver = await WebhookReceiver.open({ respond: (received, response) => this.#respond(bot, received, response) });
    this.#receivers.set(bot, receiver);
    await this.#api("PUT", `/v1/bots/${bot}`, {});
    const { secret } = await this.#api<{ secret: string }>("PUT", `/v1/bots/${bot}/webhook`, { url: receiver.url });
    receiver.secrets.push(secret);
    for (let n = 0; n < (this.#options.conversations ?? 6); n++) {
      const user = `user-${n}`;
      const { conversation } = await this.#api<{ conversation: { id: ConversationId } }>("POST", "/v1/conversations", { kind: "direct", members: [user, bot] });
      this.#talks.set(conversation.id, { bot, user, id: conversation.id, taken: new Set(), said: new Map(), highest: 0 });
    }
  }

  /** What the server may be told is decided here, and so is what counts as taken. */
  #respond(bot: string, { body, refused }: ReceivedWebhook, response: ServerResponse): void {
    this.#requests++;
    const { seq } = body.event;
    const talk = this.#talks.get(body.event.conversation);
    if (talk === undefined || talk.bot !== bot) return void this.#found.push(`${bot} was told of ${body.event.conversation}, which is not its own`);
    if (refused !== undefined) this.#found.push(`a request to ${bot} is not to be believed: ${refused}`);
    if (seq < talk.highest) this.#found.push(`${bot} was told ${seq} of ${talk.id} after ${talk.highest}`);
    if (seq === talk.highest) this.#repeats++;
    talk.highest = Math.max(talk.highest, seq);
    const fault = bot === flaky && this.#isFailing ? this.#chooseFault() : undefined;
    if (fault !== undefined) this.#faults[fault]++;
    if (fault === "hang") return;
    if (fault === "reset") return void response.socket?.resetAndDestroy();
    if (fault === "500") return void response.writeHead(500).end();
    if (!talk.taken.has(seq) && bot !== flaky) this.#measure(talk, seq);
    talk.taken.add(seq);
    if (fault === "slow") setTimeout(() => response.end(), 300);
    else response.end();
  }

  #measure({ said }: Talk, seq: number): void {
    const arrivedAt = performance.now();
    // The request may be faster than the reply to the send.
    setTimeout(() => {
      const sent = said.get(seq);
      if (sent?.during !== undefined) this.#deliveryMs[sent.during].push(Math.max(0, arrivedAt - sent.at));
    }, 1_000);
  }

  #chooseFault(): Fault | undefined {
    const chance = this.#random.float();
    if (chance < 0.25) return "500";
    if (chance < 0.3) return "hang";
    if (chance < 0.45) return "reset";
    return chance < 0.55 ? "slow" : undefined;
  }

  /** One message after the other, each until it is acknowledged; a kill only delays it. */
  async #talk(talk: Talk): Promise<void> {
    const { user, id, said } = talk;
    let n = 0;
    while (this.#isTalking) {
      n++;
      await sleep(this.#random.float() * 2 * (this.#options.sayEveryMs ?? 250));
      const during = this.#slice;
      const startedAt = performance.now();
      const { seq } = await this.#api<{ seq: number }>(
        "POST",
        `/v1/conversations/${id}/messages`,
        { clientId: `say-${n}`, content: { type: "text", text: `${n}` } },
        user,
      );
      const at = performance.now();
      if (during !== undefined && during === this.#slice) this.#sendMs[during].push(at - startedAt);
      said.set(seq, { at, during });
    }
  }

  /** Slices in turn, so that what else the machine does is in both. */
  async #sideBySide(ms: number): Promise<void> {
    const slices = Math.max(2, 2 * Math.round(ms / sliceMs / 2));
    for (let slice = 0; slice < slices; slice++) {
      this.#isFailing = slice % 2 === 1;
      this.#slice = this.#isFailing ? "failing" : "well";
      await sleep(ms / slices);
    }
    this.#slice = undefined;
  }

  async #killOften(ms: number): Promise<number> {
    const until = performance.now() + ms;
    let kills = 0;
    while (performance.now() < until) {
      await sleep(200 + this.#random.float() * 4_000);
      this.#found.push(...(this.#server?.alarms ?? []));
      await this.#server?.kill();
      kills++;
      await this.#start();
    }
    return kills;
  }

  /** Waits until everything was taken, and compares with the logs. */
  async #settle(): Promise<void> {
    const until = performance.now() + settleMs;
    for (const talk of this.#talks.values()) {
      const seqs = await this.#saidIn(talk.id);
      for (const seq of talk.said.keys()) if (!seqs.includes(seq)) this.#found.push(`${seq} of ${talk.id} was acknowledged and is not in the log`);
      while (seqs.some((seq) => !talk.taken.has(seq)) && performance.now() < until) await sleep(100);
      const missing = seqs.filter((seq) => !talk.taken.has(seq));
      if (missing.length > 0) this.#found.push(`${talk.bot} was never told ${missing.join(", ")} of ${talk.id}`);
    }
    for (const bot of bots) {
      const { deadLetters } = await this.#api<{ deadLetters: readonly unknown[] }>("GET", `/v1/bots/${bot}/dead-letters`);
      if (deadLetters.length > 0) this.#found.push(`${bot} has ${deadLetters.length} dead letters after minutes`);
    }
  }

  async #saidIn(id: ConversationId): Promise<readonly number[]> {
    const seqs: number[] = [];
    for (let after = 0; ; ) {
      const { events } = await this.#api<{ events: readonly LogEvent[] }>("GET", `/v1/conversations/${id}/history?after=${after}&limit=200`);
      seqs.push(...events.filter(({ type }) => type === "message.created").map(({ seq }) => seq));
      if (events.length === 0) return seqs;
      after = events.at(-1)?.seq ?? after;
    }
  }

  /** Until the server is there and answers. */
  async #api<Reply = object>(method: string, path: string, body?: object, user?: string): Promise<Reply> {
    const headers = { authorization: `Bearer ${this.#apiKey}`, "content-type": "application/json", ...(user === undefined ? {} : { "suda-user": user }) };
    const until = performance.now() + settleMs;
    for (;;) {
      try {
        const response = await fetch(`${this.#server?.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
        const reply: unknown = await response.json();
        if (response.ok) return reply as Reply;
        if (response.status < 500) throw new RangeError(`${method} ${path} was refused: ${JSON.stringify(reply)}`);
      } catch (error) {
        if (error instanceof RangeError) throw error;
        if (performance.now() > until) throw new Error(`${method} ${path} got no answer.`, { cause: error });
      }
      await sleep(50);
    }
  }
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}

export function describeWebhooks({ seed, seconds, kills, faults, deliveryMs, sendMs, found, ...report }: WebhooksReport): readonly string[] {
  const beside = (what: string, { well, failing }: SideBySide): string =>
    `${what}: p50 ${well.p50} ms, p99 ${well.p99} ms (${well.count}) while all answer well; p50 ${failing.p50} ms, p99 ${failing.p99} ms (${failing.count}) beside one that fails`;
  return [
    `webhooks: ${seconds} s with ${kills} kills, seed ${seed}`,
    `${report.events} events, ${report.requests} requests, ${report.repeats} of them repeats; settled ${report.settledMs} ms after the bot was well again`,
    `faults of the bot: ${Object.entries(faults)
      .map(([fault, count]) => `${fault} ${count}`)
      .join(", ")}`,
    beside("deliveries to the other bots", deliveryMs),
    beside("sends", sendMs),
    ...(found.length === 0 ? ["nothing missing, nothing out of order"] : found.slice(0, 20)),
  ];
}
