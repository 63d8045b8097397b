/**
 * Two clients who chat all along while others attack, one in each encoding. Afterwards the checker says
 * whether anything that they were promised was broken, and every message has reached both.
 */
import { checkHistory, WireClient, type HistoryRecord, type LogReading, type ReadEntry, type Violation } from "@suda/testing";
import type { Event } from "@suda/protocol";

/** In every text of the pair: no attacker may ever receive it. */
export const canary = "canary-5f0c";

export interface HealthyReport {
  readonly sent: number;
  readonly violations: readonly Violation[];
  /** Messages that did not reach a member live; must be empty. */
  readonly undelivered: readonly string[];
  readonly slowestReplyMs: number;
}

export class HealthyPair {
  readonly #history: HistoryRecord[] = [];
  readonly #seen = new Map<string, Set<string>>();
  readonly #clients = new Map<string, WireClient>();
  #conversation = "";
  #isChatting = true;
  #sent = 0;
  #slowestReplyMs = 0;
  #chat: Promise<unknown> = Promise.resolve();

  static async open(url: string, tokens: ReadonlyMap<string, string>): Promise<HealthyPair> {
    const pair = new HealthyPair();
    const [first, second] = [...tokens.keys()] as [string, string];
    for (const [user, token] of tokens) {
      pair.#seen.set(user, new Set());
      const encoding = user === first ? "json" : "msgpack";
      pair.#clients.set(user, await WireClient.open({ url, token, encoding, onEvent: (event) => pair.#onEvent(user, event) }));
    }
    const { conversation } = await pair.#clientOf(first).request("conversation.open", { with: second as never });
    pair.#conversation = conversation.id;
    pair.#chat = Promise.all([...tokens.keys()].map((user) => pair.#sendAll(user)));
    // Reported by `finish`; until then a rejection must not end the process.
    pair.#chat.catch(() => {});
    return pair;
  }

  get conversation(): string {
    return this.#conversation;
  }

  /** Ends the chat and judges it. @throws what a send was refused with: a healthy client may not be refused */
  async finish(): Promise<HealthyReport> {
    this.#isChatting = false;
    await this.#chat;
    const logs: LogReading[] = [];
    for (const [reader, client] of this.#clients) logs.push({ conversation: this.#conversation, reader, entries: await this.#readLog(client) });
    // Events are sent before the reply to whatever was asked after them, so that by now each has arrived.
    const undelivered = [...this.#seen].flatMap(([user, seen]) =>
      (logs[0]?.entries ?? []).flatMap(({ clientId }) => (seen.has(clientId ?? "") ? [] : [`${user} ← ${clientId}`])),
    );
    for (const client of this.#clients.values()) await client[Symbol.asyncDispose]();
    return { sent: this.#sent, violations: checkHistory({ history: this.#history, logs }), undelivered, slowestReplyMs: Math.round(this.#slowestReplyMs) };
  }

  async #sendAll(from: string): Promise<void> {
    while (this.#isChatting) {
      const clientId = `h-${++this.#sent}`;
      const key = { conversation: this.#conversation, from, clientId, connection: from };
      const content = { type: "text", text: `${canary} ${clientId} 안녕` } as const;
      this.#history.push({ step: "invoke", ...key, body: JSON.stringify(content) });
      const startedAt = performance.now();
      const reply = await this.#clientOf(from).request("message.send", { conversation: key.conversation as never, clientId: clientId as never, content });
      this.#slowestReplyMs = Math.max(this.#slowestReplyMs, performance.now() - startedAt);
      this.#history.push({ step: "ok", ...key, seq: reply.seq, duplicate: reply.duplicate === true });
      // Below the rate that a user is allowed.
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  #onEvent(observer: string, event: Event): void {
    if (event.type !== "message.created" || event.conversation !== this.#conversation) return;
    this.#seen.get(observer)?.add(event.clientId);
    this.#history.push({ step: "observe", conversation: this.#conversation, observer, connection: observer, entry: entryOf(event) });
  }

  async #readLog(client: WireClient): Promise<ReadEntry[]> {
    const entries: ReadEntry[] = [];
    for (let isMore = true; isMore; ) {
      const page = await client.request("history.get", { conversation: this.#conversation as never, after: entries.length, limit: 200 });
      for (const event of page.events) if (event.type === "message.created") entries.push(entryOf(event));
      isMore = page.more;
    }
    return entries;
  }

  #clientOf(user: string): WireClient {
    return this.#clients.get(user) as WireClient;
  }
}

function entryOf({ seq, from, clientId, content }: Extract<Event, { type: "message.created" }>): ReadEntry {
  return { seq, from, clientId, body: JSON.stringify(content) };
}
