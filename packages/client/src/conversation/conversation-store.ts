/**
 * One conversation as a page or a terminal shows it, without drawing anything: its events and messages in
 * order, what is on its way out, who types, who has read, and what is unread.
 *
 * It holds events while somebody is subscribed, and a little longer; before and after that it only knows the
 * record and how far the log goes, so that a user with thousands of conversations costs little memory.
 */
import type { Content, Conversation, ConversationChanged, ConversationId, Cursor, LogEvent, ReceiptUpdated, Resumed, Timer } from "@suda/protocol";
import { CatchUp } from "./catch-up.ts";
import type { ClientConversation, ConversationSnapshot, SendOptions } from "./client-conversation.ts";
import type { ConversationHost } from "./conversation-host.ts";
import { RequestRefused } from "../errors.ts";
import { asCustomData } from "../custom-types.ts";
import { Ephemerals, type AtWork } from "./ephemerals.ts";
import { EventLog } from "./event-log.ts";
import { HistoryWindow } from "./history-window.ts";
import { MessageViews } from "./messages.ts";
import { RecordKeeper } from "./record-keeper.ts";
import { ReceiptKeeper } from "./receipt-keeper.ts";
import type { Sending } from "../sending/sender.ts";
import { showChange } from "./show-change.ts";
import { SnapshotStore } from "../snapshot-store.ts";
import { Typing } from "./typing.ts";

/** How a record came here. */
export type Occasion = "first hello" | "news" | "answer";

/** After the last subscriber has gone; a page that opens again within it needs to load nothing. */
const lingerMs = 30_000;
/** Events before the head with which a conversation that was not known is told to listeners, at most. */
const maxBacklog = 200;
/** What the server has written is told without being asked for. After so long it was lost on the way, and is read. */
const eventGraceMs = 1_000;

export class ConversationStore implements ClientConversation {
  readonly id: ConversationId;
  readonly getSnapshot: () => ConversationSnapshot;
  readonly #host: ConversationHost;
  readonly #store: SnapshotStore<ConversationSnapshot>;
  readonly #log = new EventLog(0);
  readonly #catchUp: CatchUp;
  readonly #window: HistoryWindow;
  readonly #views = new MessageViews();
  readonly #typing: Typing;
  readonly #ephemerals: Ephemerals;
  readonly #receipts: ReceiptKeeper;
  readonly #keeper: RecordKeeper;
  #isLeft = false;
  /** Whether {@link EventLog.have} means anything yet. */
  #hasBase = false;
  #linger: Timer | undefined;

  constructor(id: ConversationId, host: ConversationHost) {
    this.id = id;
    this.#host = host;
    const { clock, request, isOpen, onProblem } = host;
    this.#store = new SnapshotStore(() => this.#build(), onProblem);
    this.getSnapshot = this.#store.getSnapshot;
    const onRefused = (error: RequestRefused): void => (error.code === "conversation.not_found" ? this.left() : onProblem(error));
    this.#catchUp = new CatchUp({
      log: this.#log,
      clock,
      read: (after) => this.#keeper.readPage({ after, limit: 200 }),
      onApplied: (event) => this.#onApplied(event),
      onTruncated: (from) => this.#onTruncated(from),
      onRefused,
      onProblem,
    });
    this.#window = new HistoryWindow({
      log: this.#log,
      clock,
      isOpen: host.isOpen,
      read: (fields) => this.#keeper.readPage(fields),
      // Its first page is laid at the end of what is known.
      prepare: async () => this.#record === undefined && (await this.#keeper.request()),
      receive: (event) => this.#catchUp.receive(event),
      onChange: (added) => this.#onOlder(added),
      onRefused,
      onProblem,
    });
    this.#keeper = new RecordKeeper({
      ...host,
      id,
      log: this.#log,
      onChange: () => this.#changed(),
      onRecord: (record) => this.adopt(record, "answer"),
      onGone: () => this.left(),
    });
    this.#typing = new Typing({ clock, isOpen, tell: (type) => request(type, { conversation: id }) });
    this.#ephemerals = new Ephemerals({ clock, isOpen, ask: () => request("stream.get", { conversation: id }), onChange: () => this.#store.changed() });
    this.#receipts = new ReceiptKeeper({
      ...host,
      memberCount: () => this.#record?.memberCount ?? 0,
      tell: (seq) => request("receipt.delivered", { conversation: id, seq }),
      ask: (limit) => request("member.list", { conversation: id, limit }),
      onChange: () => this.#store.changed(),
    });
  }

  // ── for whoever shows it ────────────────────────────────────────────────────────────────────────────

  readonly subscribe = (listener: () => void): (() => void) => {
    const end = this.#store.subscribe(listener);
    this.#open();
    return () => {
      end();
      this.#lingerOn();
    };
  };

  load(): Promise<void> {
    this.#open();
    this.#lingerOn();
    return this.#window.loaded();
  }

  loadOlder(): Promise<boolean> {
    return this.#window.loadOlder();
  }

  sendText(text: string, options?: SendOptions): Sending {
    return this.send({ type: "text", text }, options);
  }

  send(content: Content, { data, replyTo }: SendOptions = {}): Sending {
    this.#typing.endTurn();
    return this.#host.sender.send(this.id, {
      content,
      ...(data === undefined ? {} : { data: asCustomData(data) }),
      ...(replyTo === undefined ? {} : { replyTo }),
    });
  }

  retry(clientId: string): Sending | undefined {
    return this.#host.sender.retry(clientId as Sending["clientId"]);
  }

  discard(clientId: string): boolean {
    return this.#host.sender.discard(clientId as Sending["clientId"]);
  }

  readonly tap: ClientConversation["tap"] = (target, action, value) =>
    this.#host.taps.tap({ conversation: this.id, target, action, ...(value === undefined ? {} : { value }) });

  markRead(seq: number = this.#record?.head ?? 0): void {
    const told = this.#keeper.markRead(seq);
    if (told !== undefined) this.#receipts.read(told);
  }

  readonly startTyping = (): void => this.#typing.start();
  readonly stopTyping = (): void => this.#typing.stop();

  // ── for the client ──────────────────────────────────────────────────────────────────────────────────

  /** As the server gave it last, kept current by events; `undefined` when it is not known or not the user's any more. */
  get record(): Conversation | undefined {
    return this.#isLeft ? undefined : this.#record;
  }

  /** How far it is known, for a resume; `undefined` when nobody would notice what is missing. */
  get cursor(): Cursor | undefined {
    if (!this.#isFollowed || this.#isLeft || this.#record === undefined || !this.#hasBase) return undefined;
    return { seq: this.#log.have, epoch: this.#record.epoch };
  }

  /** Takes a record that the server gave. */
  adopt(record: Conversation, occasion: Occasion): void {
    const known = this.#record;
    this.#isLeft = false;
    if (known !== undefined && known.epoch !== record.epoch) return this.#reset(record);
    this.#keeper.take(record);
    if (!this.#hasBase) this.#setBase(occasion === "news" && this.#isFollowed ? Math.max(record.read ?? 0, record.head - maxBacklog) : record.head);
    this.#reach(record.head);
    if ((record.unread ?? 0) > 0) this.#receipts.received(record.head);
    // Messages were deleted for oneself on another device, and nothing says which.
    if (known !== undefined && (known.hiddenMessages ?? 0) !== (record.hiddenMessages ?? 0)) this.#reload();
    this.#changed();
  }

  /** A setting of the user's own changed, or the message `target` was deleted for oneself. */
  ownSideChanged({ conversation, target }: ConversationChanged): void {
    if (target !== undefined) this.#keeper.hid(target, conversation.hiddenMessages);
    this.adopt(conversation, "answer");
  }

  /** Retention removed what was before `from`. */
  truncated(from: number): void {
    if (from > this.#log.have + 1) this.#catchUp.truncate(from);
    else this.#log.trim(this.#log.have + 1 - from);
    this.#window.begin(from);
    // What went is unread no more.
    this.#keeper.ask();
    this.#changed();
  }

  receive(event: LogEvent): void {
    if (!this.#hasBase) this.#setBase(event.seq - 1);
    const isHole = event.seq > this.#log.have + 1;
    if (isHole && !this.#isFollowed) this.#log.moveTo(event.seq - 1);
    this.#catchUp.receive(event);
    if (this.#record === undefined || (isHole && !this.#isFollowed)) this.#keeper.ask();
  }

  resumed({ outcome, epoch, head, from, events, more }: Resumed): void {
    if (this.#record === undefined) return;
    if (outcome === "reset") return this.#reset({ ...this.#record, epoch, head });
    if (outcome === "truncated" && from !== undefined) this.#catchUp.truncate(from);
    for (const event of events) this.#catchUp.receive(event);
    if (more) this.#catchUp.readUpTo(head);
  }

  /** Events up to `head` were left out. */
  lag(head: number): void {
    this.#reach(head);
    if (!this.#isFollowed) this.#keeper.ask();
  }

  /** The server wrote up to `seq` for this client. */
  written(seq: number): void {
    if (seq <= this.#log.have) return;
    this.#host.clock.schedule(eventGraceMs, () => {
      if (!this.#isLeft && seq > this.#log.have) this.lag(seq);
    });
  }

  receiptUpdated({ user, read, delivered }: ReceiptUpdated): void {
    if (user === this.#host.me()) return this.#keeper.onRead(read);
    if (this.#log.isKeeping) this.#receipts.told({ user, read, delivered });
  }

  atWork(event: AtWork): void {
    if (this.#log.isKeeping && ("user" in event ? event.user : event.from) !== this.#host.me()) this.#ephemerals.receive(event);
  }

  left(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#catchUp.stop();
    this.#window.fail(new RequestRefused({ code: "conversation.not_found", message: "This conversation is not yours any more.", retryable: false }));
    this.#ephemerals.clear();
    this.#changed();
  }

  /** hello was answered, and what it said of this conversation was taken. */
  onOpen(): void {
    this.#keeper.flush();
    if (!this.#log.isKeeping || this.#isLeft) return;
    this.#window.load();
    this.#ephemerals.drafts.load();
    this.#receipts.askFor(this.#log.events, this.#host.me());
  }

  onLost(): void {
    this.#receipts.onLost();
    this.#catchUp.stop();
    this.#window.stop();
    this.#typing.endTurn();
    this.#ephemerals.onLost();
  }

  /** The client is closed for good. */
  close(error: Error): void {
    this.onLost();
    this.#ephemerals.clear();
    this.#linger?.cancel();
    this.#window.fail(error);
  }

  outgoingChanged(): void {
    this.#store.changed();
  }

  // ── inside ──────────────────────────────────────────────────────────────────────────────────────────

  get #record(): Conversation | undefined {
    return this.#keeper.record;
  }

  get #isFollowed(): boolean {
    return this.#log.isKeeping || this.#host.isListening();
  }

  #build(): ConversationSnapshot {
    const { sender, me } = this.#host;
    const events = [...this.#log.events];
    return {
      id: this.id,
      status: this.#isLeft ? "left" : this.#window.isLoaded ? "ready" : "loading",
      record: this.#record,
      events,
      messages: this.#views.build({ events, outgoing: sender.outgoing(this.id), me: me(), byOthers: this.#receipts.ofOthers.highest }),
      hasOlder: this.#window.hasOlder,
      ...this.#ephemerals.snapshot,
      receipts: this.#receipts.ofOthers.copy(),
      read: this.#record?.read ?? 0,
      unread: this.#record?.unread ?? 0,
    };
  }

  #open(): void {
    this.#linger?.cancel();
    this.#linger = undefined;
    if (this.#log.isKeeping) return;
    this.#log.isKeeping = true;
    this.#window.load();
    this.#ephemerals.drafts.load();
  }

  #lingerOn(): void {
    if (this.#store.listenerCount > 0) return;
    this.#linger?.cancel();
    this.#linger = this.#host.clock.schedule(lingerMs, () => {
      this.#log.isKeeping = false;
      this.#window.forget();
      this.#ephemerals.clear();
      this.#receipts.forget();
      this.#store.changed();
    });
  }

  #setBase(have: number): void {
    this.#hasBase = true;
    this.#log.moveTo(have);
  }

  /** The log has events up to `head`: reads them, or passes over them when nobody would see them. */
  #reach(head: number): void {
    if (head <= this.#log.have) return;
    if (this.#isFollowed) return this.#catchUp.readUpTo(head);
    this.#log.moveTo(head);
    this.#host.sender.forgetStored(this.id, head);
  }

  /** Another log has taken this one's place. */
  #reset(record: Conversation): void {
    this.#catchUp.stop();
    this.#keeper.reset(record);
    this.#receipts.reset();
    this.#setBase(record.head);
    this.#host.sender.forgetStored(this.id, Number.POSITIVE_INFINITY);
    this.#window.forget();
    this.#host.emit("log.reset", { type: "log.reset", conversation: this.id, epoch: record.epoch });
    if (this.#log.isKeeping) this.#window.load();
    this.#changed();
  }

  /** What is held may not be what the server would show now. */
  #reload(): void {
    if (!this.#log.isKeeping) return;
    this.#log.moveTo(this.#log.have);
    this.#window.forget();
    this.#window.load();
  }

  #onTruncated(from: number): void {
    this.#window.begin(from);
    this.#host.emit("log.truncated", { type: "log.truncated", conversation: this.id, from });
    this.#changed();
  }

  #onApplied(event: LogEvent): void {
    const { me, sender } = this.#host;
    if (event.type === "message.created") {
      this.#onMessage(event);
      if (event.from !== me()) this.#receipts.received(event.seq);
      this.#ephemerals.wrote(event.from, event.clientId);
    }
    showChange(this.#log, event, me());
    this.#keeper.after(event);
    sender.forgetStored(this.id, event.seq);
    this.#window.trim();
    this.#host.emit("event", event);
    this.#host.emit(event.type, event);
    this.#changed();
  }

  #onMessage({ from, clientId, seq, at }: Extract<LogEvent, { type: "message.created" }>): void {
    if (from === this.#host.me()) return this.#host.sender.onLogged(this.id, clientId, { seq, at });
    // Who writes has read.
    if (this.#log.isKeeping) this.#receipts.told({ user: from, read: seq, delivered: seq });
  }

  #onOlder(added: readonly LogEvent[]): void {
    for (const event of added) if (event.type === "message.created") this.#onMessage(event);
    // The page may be older than an event that overtook it. What it knows already changes nothing.
    if (added.length > 0) for (const event of this.#log.events) showChange(this.#log, event, this.#host.me());
    this.#keeper.conceal();
    this.#receipts.askFor(this.#log.events, this.#host.me());
    this.#store.changed();
  }

  #changed(): void {
    this.#store.changed();
    this.#host.onRecord();
  }
}
