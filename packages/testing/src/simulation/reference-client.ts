/**
 * The smallest client that keeps every promise of docs/PROTOCOL.md: cursors and resume, holes fetched before what
 * comes after them is shown, an outbox that keeps the clientId, back-off. The yardstick of a simulation; another client
 * (`@suda/client`, say) takes its place through {@link SimulatedClient}.
 */
import { isResumableCloseCode, type Clock, type Conversation, type ConversationId, type LogEvent, type Random, type ReplyOf, type Timer } from "@suda/protocol";
import type { ClientHandlers } from "./simulated-connection.ts";
import { framesOf, isLogEvent, type Frame } from "./wire-tap.ts";

/** What a simulation needs of a client. */
export interface SimulatedClient {
  /** Puts a message into the outbox; it goes out when it can. */
  send(conversation: ConversationId, text: string): void;
  /** Any command, once, if there is a connection now; its answer is for the client's own use. */
  ask(command: Frame): void;
  /** Connected, with nothing under way, waiting or missing. */
  readonly isSettled: boolean;
  /** What it shows. */
  readonly conversations: ReadonlyMap<ConversationId, ShownConversation>;
}

export interface ShownConversation {
  /** The log as far as it is shown, in its order. */
  readonly events: readonly LogEvent[];
  /** Of the last record, with the events after it applied. */
  readonly title: string | undefined;
  readonly memberCount: number;
}

export interface ClientEnvironment {
  readonly user: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Opens a socket; as `Transport` of `@suda/client`. */
  readonly transport: (url: string, handlers: ClientHandlers) => ClientSocket;
  /** Unique among the user's devices. */
  readonly newClientId: () => string;
}

export interface ClientSocket {
  send(text: string): void;
  close(code: number): void;
}

export type OpenSimulatedClient = (environment: ClientEnvironment) => SimulatedClient;

const replyTimeoutMs = 15_000;
const backOffMaxMs = 4_000;
const pageLimit = 100;

class Shown implements ShownConversation {
  events: LogEvent[] = [];
  title: string | undefined;
  memberCount = 0;
  epoch: string;
  /** Head of the record that title and count are from. */
  recordHead = 0;
  /** Up to where the log is known to go. */
  head = 0;
  isFetching = false;
  readonly ahead: Map<number, LogEvent> = new Map();

  constructor(epoch: string) {
    this.epoch = epoch;
  }
}

interface Waiting {
  readonly onReply: (reply: Frame) => void;
  readonly onError: (code: string) => void;
}

interface Outgoing {
  readonly conversation: ConversationId;
  readonly clientId: string;
  readonly text: string;
}

export class ReferenceClient implements SimulatedClient {
  readonly conversations: Map<ConversationId, Shown> = new Map();
  readonly #environment: ClientEnvironment;
  #socket: ClientSocket | undefined;
  #isGreeted = false;
  #change: number | undefined;
  #lastRef = 0;
  #attempts = 0;
  #watchdog: Timer | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #outbox = new Map<string, Outgoing>();

  constructor(environment: ClientEnvironment) {
    this.#environment = environment;
    this.#connect();
  }

  get isSettled(): boolean {
    if (!this.#isGreeted || this.#outbox.size > 0 || this.#waiting.size > 0) return false;
    for (const { events, head } of this.conversations.values()) if (events.length < head) return false;
    return true;
  }

  send(conversation: ConversationId, text: string): void {
    const outgoing = { conversation, clientId: this.#environment.newClientId(), text };
    this.#outbox.set(outgoing.clientId, outgoing);
    if (this.#isGreeted) this.#transmit(outgoing);
  }

  ask(command: Frame): void {
    if (!this.#isGreeted) return;
    this.#request(command, {
      onReply: (reply) => {
        if (command["type"] === "conversation.open" || command["type"] === "conversation.create") this.#adopt(reply["conversation"] as Conversation);
      },
      onError: () => {},
    });
  }

  // ── connection ──────────────────────────────────────────────────────────────────────────────────────

  #connect(): void {
    let isCurrent = true;
    const socket: ClientSocket = this.#environment.transport("ws://suda.example/v1/socket", {
      onOpen: () => this.#hello(),
      onMessage: (text) => {
        if (isCurrent) for (const frame of framesOf(text)) this.#receive(frame);
      },
      onClose: (code) => {
        if (!isCurrent) return;
        isCurrent = false;
        this.#lost(code);
      },
    });
    this.#socket = socket;
    this.#watchdog = this.#environment.clock.schedule(replyTimeoutMs, () => this.#giveUp());
  }

  /** Nothing was answered for too long: the connection may be half open. */
  #giveUp(): void {
    this.#socket?.close(1000);
    this.#lost(1006);
  }

  #lost(code: number): void {
    if (this.#socket === undefined) return;
    this.#socket = undefined;
    this.#isGreeted = false;
    this.#watchdog?.cancel();
    this.#waiting.clear();
    for (const shown of this.conversations.values()) shown.isFetching = false;
    if (!isResumableCloseCode(code) && code !== 1000) throw new Error(`The server closed the connection for ever, with ${code}.`);
    const limit = Math.min(backOffMaxMs, 100 * 2 ** this.#attempts++);
    this.#environment.clock.schedule(1 + this.#environment.random.float() * limit, () => this.#connect());
  }

  #hello(): void {
    const cursors = Object.fromEntries([...this.conversations].map(([id, { epoch, events }]) => [id, { seq: events.length, epoch }]));
    const isResume = this.#change !== undefined;
    this.#request(
      { type: "hello", ...(isResume ? { resume: { change: this.#change, cursors } } : {}) },
      {
        onReply: (reply) => this.#greeted(reply as unknown as ReplyOf<"hello">, isResume),
        onError: () => this.#giveUp(),
      },
    );
  }

  #greeted(reply: ReplyOf<"hello">, isResume: boolean): void {
    this.#attempts = 0;
    this.#isGreeted = true;
    this.#change = reply.change;
    for (const id of reply.left ?? []) this.conversations.delete(id);
    for (const { conversation, outcome, epoch, events, head } of reply.resumed ?? []) {
      const shown = this.conversations.get(conversation);
      if (shown === undefined) continue;
      if (outcome === "reset") this.#reset(shown, epoch);
      shown.head = Math.max(shown.head, head);
      for (const event of events) this.#apply(shown, event);
      this.#fill(conversation, shown);
    }
    for (const conversation of reply.conversations) this.#adopt(conversation);
    if (!isResume && reply.more && reply.next !== undefined) this.#list(reply.next);
    for (const outgoing of this.#outbox.values()) this.#transmit(outgoing);
  }

  #list(cursor: string): void {
    this.#request(
      { type: "conversation.list", cursor },
      {
        onReply: (reply) => {
          const page = reply as unknown as ReplyOf<"conversation.list">;
          for (const conversation of page.conversations) this.#adopt(conversation);
          if (page.more && page.next !== undefined) this.#list(page.next);
        },
        onError: () => this.#giveUp(),
      },
    );
  }

  #request(command: Frame, waiting: Waiting): void {
    const ref = ++this.#lastRef;
    this.#waiting.set(ref, waiting);
    this.#socket?.send(JSON.stringify({ ...command, ref }));
    this.#watchdog?.cancel();
    this.#watchdog = this.#environment.clock.schedule(replyTimeoutMs, () => this.#giveUp());
  }

  // ── what arrives ────────────────────────────────────────────────────────────────────────────────────

  #receive(frame: Frame): void {
    if (frame["type"] === "reply" || frame["type"] === "error") return this.#answered(frame);
    if (isLogEvent(frame)) return this.#live(frame);
    const id = frame["conversation"] as ConversationId;
    switch (frame["type"]) {
      case "lag": {
        const shown = this.conversations.get(id);
        if (shown === undefined) return;
        shown.head = Math.max(shown.head, Number(frame["head"]));
        return this.#fill(id, shown);
      }
      case "conversation.joined":
        this.#change = Number(frame["change"]);
        return this.#adopt(frame["conversation"] as Conversation);
      case "conversation.left":
        this.#change = Number(frame["change"]);
        this.conversations.delete(id);
        return;
      default:
    }
  }

  #answered(frame: Frame): void {
    const ref = frame["ref"] as number;
    const waiting = this.#waiting.get(ref);
    if (waiting === undefined) return;
    this.#waiting.delete(ref);
    this.#watchdog?.cancel();
    if (this.#waiting.size > 0) this.#watchdog = this.#environment.clock.schedule(replyTimeoutMs, () => this.#giveUp());
    if (frame["type"] === "reply") waiting.onReply(frame);
    else waiting.onError(String(frame["code"]));
  }

  #live(event: LogEvent): void {
    const id = event.conversation;
    const shown = this.conversations.get(id);
    // Not joined yet as far as we know: its record will come, and with it the log.
    if (shown === undefined) return;
    shown.head = Math.max(shown.head, event.seq);
    this.#apply(shown, event);
    this.#fill(id, shown);
  }

  #adopt({ id, epoch, head, title, memberCount }: Conversation): void {
    let shown = this.conversations.get(id);
    if (shown === undefined) this.conversations.set(id, (shown = new Shown(epoch)));
    if (shown.epoch !== epoch) this.#reset(shown, epoch);
    shown.head = Math.max(shown.head, head);
    if (head >= shown.recordHead && head >= shown.events.length) {
      shown.title = title;
      shown.memberCount = memberCount;
      shown.recordHead = head;
    }
    this.#fill(id, shown);
  }

  #reset(shown: Shown, epoch: string): void {
    shown.epoch = epoch;
    shown.events = [];
    shown.ahead.clear();
    shown.recordHead = 0;
  }

  /** At least once, applied once; what is beyond a hole waits. */
  #apply(shown: Shown, event: LogEvent): void {
    if (event.seq <= shown.events.length) return;
    shown.ahead.set(event.seq, event);
    for (let next = shown.ahead.get(shown.events.length + 1); next !== undefined; next = shown.ahead.get(shown.events.length + 1)) {
      shown.ahead.delete(next.seq);
      shown.events.push(next);
      if (next.seq <= shown.recordHead) continue;
      if (next.type === "conversation.updated" && next.title !== undefined) shown.title = next.title ?? undefined;
      if (next.type === "member.added") shown.memberCount += next.users.length;
      if (next.type === "member.removed") shown.memberCount--;
    }
  }

  #fill(id: ConversationId, shown: Shown): void {
    if (shown.isFetching || shown.events.length >= shown.head) return;
    shown.isFetching = true;
    this.#request(
      { type: "history.get", conversation: id, after: shown.events.length, limit: pageLimit },
      {
        onReply: (reply) => {
          shown.isFetching = false;
          if (this.conversations.get(id) !== shown) return;
          const { events, head } = reply as unknown as ReplyOf<"history.get">;
          shown.head = Math.max(shown.head, head);
          for (const event of events) this.#apply(shown, event);
          this.#fill(id, shown);
        },
        onError: (code) => {
          shown.isFetching = false;
          if (code === "conversation.not_found") {
            if (this.conversations.get(id) === shown) this.conversations.delete(id);
          } else this.#giveUp();
        },
      },
    );
  }

  #transmit({ conversation, clientId, text }: Outgoing): void {
    this.#request(
      { type: "message.send", conversation, clientId, content: { type: "text", text } },
      {
        onReply: () => void this.#outbox.delete(clientId),
        onError: (code) => {
          if (code === "server.internal" || code === "server.busy" || code.startsWith("store.")) this.#giveUp();
          else this.#outbox.delete(clientId);
        },
      },
    );
  }
}
