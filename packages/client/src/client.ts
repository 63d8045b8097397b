/**
 * The client as one thing: a connection below, a sender with its outbox, and a store for each conversation.
 * Here what the server tells finds its conversation, and what hello answers is applied in order.
 */
import {
  clientLimits,
  type Clock,
  type Conversation,
  type ConversationId,
  type Cursor,
  type CustomData,
  type Event,
  type Random,
  type ReplyOf,
  type Resume,
  type UserId,
} from "@suda/protocol";
import type { ClientConversation } from "./conversation/client-conversation.ts";
import { Listeners, type ClientEvents } from "./client-events.ts";
import { Connection, type ConnectionOptions, type ConnectionState, type Request } from "./connection/connection.ts";
import { ConversationListStore, type ConversationList } from "./conversation-list.ts";
import type { ConversationHost } from "./conversation/conversation-host.ts";
import { ConversationStore, type Occasion } from "./conversation/conversation-store.ts";
import { ClientClosed, ConnectionLost } from "./errors.ts";
import { newClientId, toConversationId, toUserId } from "./ids.ts";
import type { Outbox } from "./sending/outbox.ts";
import { PresenceStore, type Presence } from "./presence.ts";
import { Sender } from "./sending/sender.ts";
import { SnapshotStore, type Observable } from "./snapshot-store.ts";
import { Taps } from "./sending/taps.ts";

export interface NewGroup {
  readonly title?: string;
  readonly avatar?: string;
  readonly data?: CustomData;
  /** Beside oneself. */
  readonly members: readonly string[];
}

/**
 * One signed-in user on one device. Disposing it waits up to 2 s for messages that could still go out, then
 * closes; what was not answered stays in the outbox.
 */
export interface SudaClient extends AsyncDisposable {
  /** Whether there is a connection, why not, and when it will be tried again. */
  readonly connection: Observable<ConnectionState>;
  readonly conversations: ConversationList;
  readonly presence: Presence;
  /** Messages that the server has not confirmed: those on their way, and those that failed. */
  readonly unconfirmed: number;
  /** Who is signed in; `undefined` before the first hello was answered. */
  readonly user: UserId | undefined;
  /** Resolves when the first hello was answered. @throws ClientClosed when it never will be */
  ready(): Promise<void>;
  /** The same object for the same id, whether it is known already or not. @throws TypeError for what is no conversation id */
  conversation(id: string): ClientConversation;
  /** The direct conversation with a user. @throws TypeError, ConnectionLost, RequestRefused */
  openDirect(user: string): Promise<ClientConversation>;
  /** A new group with oneself as owner. @throws TypeError, ConnectionLost, RequestRefused */
  createGroup(group: NewGroup): Promise<ClientConversation>;
  /** Any command of docs/PROTOCOL.md. @throws ConnectionLost, RequestRefused, ClientClosed */
  readonly request: Request;
  /** Listens to one type of event, or to `event`, all entries of logs; returns what ends it. */
  on<Type extends keyof ClientEvents>(type: Type, listener: (event: ClientEvents[Type]) => void): () => void;
  /** Tries to connect now instead of waiting: when the device is online again, say. */
  retryNow(): void;
}

export interface ClientParts extends ConnectionOptions {
  readonly outbox: Outbox;
  readonly tellsDelivery: boolean;
  readonly onProblem: (problem: unknown) => void;
}

const drainMs = 2_000;

export class Client implements SudaClient {
  readonly conversations: ConversationListStore;
  readonly presence: PresenceStore;
  readonly connection: Observable<ConnectionState>;
  readonly request: Request;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onProblem: (problem: unknown) => void;
  readonly #connection: Connection;
  readonly #connectionStore: SnapshotStore<ConnectionState>;
  readonly #sender: Sender;
  readonly #taps: Taps;
  readonly #listeners: Listeners;
  readonly #host: ConversationHost;
  readonly #stores = new Map<ConversationId, ConversationStore>();
  #user: UserId | undefined;
  #change: number | undefined;
  readonly #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #disposed: Promise<void> | undefined;

  constructor(parts: ClientParts) {
    const { outbox, clock, random, onProblem } = parts;
    this.#clock = clock;
    this.#random = random;
    this.#onProblem = onProblem;
    this.#listeners = new Listeners(onProblem);
    this.#connection = new Connection(parts, {
      resume: () => this.#resume(),
      onState: (state) => this.#onState(state),
      onHello: (reply) => this.#onHello(reply),
      onEvent: (event) => this.#onEvent(event),
      onLost: () => this.#onLost(),
    });
    // A function that is assigned where it is written is made in V8's old space, and would keep the whole client until that is collected.
    const request: Request = async (type, fields, take) => {
      const reply = await this.#connection.request(type, fields, take);
      this.#onReply(fields, reply);
      return reply;
    };
    this.request = request;
    this.#connectionStore = new SnapshotStore(() => this.#connection.state, onProblem);
    this.connection = this.#connectionStore;
    this.#sender = new Sender({ outbox, request: this.request, clock, random, onChange: (id) => this.#stores.get(id)?.outgoingChanged(), onProblem });
    this.#taps = new Taps({ clock, random, request: this.request });
    this.conversations = new ConversationListStore({
      request: this.request,
      records: () => this.#records(),
      adopt: (page) => this.#adoptPage(page),
      onProblem,
    });
    const isOpen = (): boolean => this.#connection.state.kind === "open";
    this.presence = new PresenceStore({ clock, request: this.request, isOpen, onProblem });
    this.#host = {
      clock,
      random,
      request: this.request,
      sender: this.#sender,
      taps: this.#taps,
      emit: this.#listeners.emit,
      me: () => this.#user,
      isOpen,
      tellsDelivery: parts.tellsDelivery,
      isListening: () => this.#listeners.isFollowingLogs,
      onRecord: () => this.conversations.changed(),
      onProblem,
    };
  }

  get user(): UserId | undefined {
    return this.#user;
  }

  get unconfirmed(): number {
    return this.#sender.unconfirmed;
  }

  /** Reads the outbox, and begins to connect. @throws the outbox's error */
  async start(): Promise<void> {
    await this.#sender.load();
    this.#connection.connect();
  }

  async ready(): Promise<void> {
    const { state } = this.#connection;
    if (state.kind === "closed") throw new ClientClosed(state.reason);
    if (this.#user === undefined) await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  conversation(id: string): ConversationStore {
    return this.#storeOf(toConversationId(id));
  }

  readonly #takeNew = ({ conversation }: { readonly conversation: Conversation }): void => this.#adopt(conversation, "news");

  async openDirect(user: string): Promise<ClientConversation> {
    const { conversation } = await this.request("conversation.open", { with: toUserId(user) }, this.#takeNew);
    return this.#storeOf(conversation.id);
  }

  async createGroup({ members, ...fields }: NewGroup): Promise<ClientConversation> {
    const group = { clientId: newClientId(this.#random), ...fields, members: members.map(toUserId) };
    const { conversation } = await this.request("conversation.create", group, this.#takeNew);
    return this.#storeOf(conversation.id);
  }

  on<Type extends keyof ClientEvents>(type: Type, listener: (event: ClientEvents[Type]) => void): () => void {
    return this.#listeners.add(type, listener);
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    if (this.#connection.state.kind === "open") {
      let timer: { cancel(): void } | undefined;
      const timeout = new Promise<void>((resolve) => {
        timer = this.#clock.schedule(drainMs, resolve);
      });
      await Promise.race([this.#sender.idle(), timeout]);
      timer?.cancel();
    }
    this.#connection.close("The client was disposed.");
  }

  // ── what the connection tells ───────────────────────────────────────────────────────────────────────

  /** The most recently active of what is followed, as many as fit; hello's list and the reading after it see to the rest. */
  #resume(): Resume | undefined {
    if (this.#change === undefined) return undefined;
    const followed = [...this.#stores.values()].flatMap((store) => (store.cursor === undefined ? [] : { store, cursor: store.cursor }));
    followed.sort((a, b) => (b.store.record?.lastAt ?? 0) - (a.store.record?.lastAt ?? 0));
    const cursors: Record<string, Cursor> = {};
    for (const { store, cursor } of followed.slice(0, clientLimits.cursorsMax)) cursors[store.id] = cursor;
    return { change: this.#change, cursors };
  }

  #onState(state: ConnectionState): void {
    this.#connectionStore.changed();
    if (state.kind !== "closed") return;
    const error = new ClientClosed(state.reason);
    this.#sender.close(state.reason);
    this.#taps.wake();
    for (const store of this.#stores.values()) store.close(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #onHello(reply: ReplyOf<"hello">): void {
    // Conversations and messages of one user must not be shown to another.
    if (this.#user !== undefined && this.#user !== reply.user)
      return this.#connection.close(`The token is another user's now; open another client for ${reply.user}.`);
    const isFirst = this.#change === undefined;
    this.#user = reply.user;
    this.#change = reply.change;
    for (const id of reply.left ?? []) this.#stores.get(id)?.left();
    for (const resumed of reply.resumed ?? []) this.#stores.get(resumed.conversation)?.resumed(resumed);
    const hasMoved = this.#adoptAll(reply.conversations, isFirst ? "first hello" : "news");
    this.conversations.start(reply);
    if (!isFirst && hasMoved) this.#catchUpList(reply.next);
    for (const store of this.#stores.values()) store.onOpen();
    this.presence.onOpen();
    this.#sender.onOpen(reply.user);
    this.#taps.wake();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  #onEvent(event: Event): void {
    // The default stands for all entries of logs, those of newer servers too.
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check
    switch (event.type) {
      case "conversation.joined":
        this.#change = event.change;
        this.#adopt(event.conversation, "news");
        return this.#listeners.emit(event.type, event);
      case "conversation.left":
        this.#change = event.change;
        this.#stores.get(event.conversation)?.left();
        return this.#listeners.emit(event.type, event);
      case "conversation.changed":
        this.#change = event.change;
        this.#storeOf(event.conversation.id).ownSideChanged(event);
        return this.#listeners.emit(event.type, event);
      case "conversation.truncated":
        this.#stores.get(event.conversation)?.truncated(event.from);
        return this.#listeners.emit(event.type, event);
      case "typing.started":
      case "typing.stopped":
      case "thinking.started":
      case "thinking.stopped":
      case "stream.started":
      case "stream.appended":
      case "stream.finished":
      case "stream.aborted":
        this.#stores.get(event.conversation)?.atWork(event);
        return this.#listeners.emit(event.type, event);
      case "receipt.updated":
        this.#stores.get(event.conversation)?.receiptUpdated(event);
        return this.#listeners.emit(event.type, event);
      case "presence.changed":
        this.presence.changed(event);
        return this.#listeners.emit(event.type, event);
      case "interaction.answered":
        return this.#listeners.emit(event.type, event);
      case "lag":
        return this.#storeOf(event.conversation).lag(event.head);
      case "goaway":
        return;
      default:
        // An entry of a log, also of a type that only a newer server knows: its seq counts all the same.
        if ("seq" in event) this.#storeOf(event.conversation).receive(event);
    }
  }

  /** What writes to a log answers with a `seq`: the log has events up to there. */
  #onReply(fields: { readonly conversation?: unknown }, reply: object): void {
    if ("seq" in reply) this.#stores.get(fields.conversation as ConversationId)?.written(reply.seq as number);
  }

  #onLost(): void {
    this.#sender.onLost();
    this.presence.onLost();
    for (const store of this.#stores.values()) store.onLost();
  }

  // ── conversations ───────────────────────────────────────────────────────────────────────────────────

  #storeOf(id: ConversationId): ConversationStore {
    let store = this.#stores.get(id);
    if (store === undefined) {
      store = new ConversationStore(id, this.#host);
      this.#stores.set(id, store);
    }
    return store;
  }

  #adopt(record: Conversation, occasion: Occasion): void {
    this.#storeOf(record.id).adopt(record, occasion);
  }

  /** True when each of them was unknown or had moved: then those after them in the list may have, too. */
  #adoptAll(records: readonly Conversation[], occasion: Occasion): boolean {
    let isMoved = records.length > 0;
    for (const record of records) {
      const known = this.#stores.get(record.id)?.record;
      if (known !== undefined && known.head === record.head && known.epoch === record.epoch) isMoved = false;
      this.#adopt(record, occasion);
    }
    return isMoved;
  }

  #adoptPage(records: readonly Conversation[]): boolean {
    return this.#adoptAll(records, "answer");
  }

  #catchUpList(cursor: string | undefined): void {
    this.conversations.catchUp(cursor).catch((problem: unknown) => {
      // The next hello begins anew.
      if (!(problem instanceof ConnectionLost)) this.#onProblem(problem);
    });
  }

  *#records(): Iterable<Conversation | undefined> {
    for (const store of this.#stores.values()) yield store.record;
  }
}
