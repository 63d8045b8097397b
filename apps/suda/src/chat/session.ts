/**
 * One user's chat as the terminal knows it: what is open, names, remarks, the unread line, and what a person does.
 * Stands between `@suda/client`, which merges, sends and comes back, and the faces (full screen, plain lines),
 * which only read it and call it.
 */
import type { ClientConversation, ConnectionState, SudaClient } from "@suda/client";
import { isUserId, limits, type Clock, type ConversationId, type LogEvent, type Member, type SlashCommand, type UserId } from "@suda/protocol";
import { Asking } from "./asking.ts";
import type { BotCommands } from "./bot-commands.ts";
import { ConversationView } from "./conversation-view.ts";
import { firstConnection } from "./first-connection.ts";
import type { Messages } from "./messages.ts";
import { Notices } from "./notices.ts";
import { People, usersOf } from "./people.ts";
import { ChatRefusal, refusalText } from "./refusal.ts";
import { safeLine, safeText } from "./text-safety.ts";
import { Told } from "./told.ts";

export interface SessionListener {
  /** Something that is shown may have changed. */
  onChange(): void;
  /** A new event of any conversation, in the order of its log; never one of history. */
  onNew?(event: LogEvent, view: ConversationView): void;
  /** A remark of the program. */
  onNotice?(text: string, isError: boolean): void;
  /** A message of one's own was refused. */
  onFailed?(text: string, problem: string): void;
}

export interface SessionOptions {
  readonly client: SudaClient;
  readonly messages: Messages;
  readonly clock: Clock;
  readonly listener: SessionListener;
  /** What bots offer for Tab; without it nothing. */
  readonly botCommands?: BotCommands;
}

/** Events of one page of history. */
export const historyPage = 50;
/** Pages of conversations that are read to find one by its name. */
const findPagesMax = 20;
const presenceWaitMs = 2_000;

export class ChatSession implements AsyncDisposable {
  readonly client: SudaClient;
  readonly messages: Messages;
  readonly people: People;
  readonly #options: SessionOptions;
  readonly #told: Told;
  readonly #views = new Map<ConversationId, ConversationView>();
  readonly #sends = new Set<Promise<void>>();
  /** Conversations that are the user's, to notice when one is not any more. */
  #mine = new Set<ConversationId>();
  #current: ConversationView | undefined;
  /** What ends when another conversation is opened. */
  #closeCurrent: (() => void)[] = [];
  #hasBeenOpen = false;
  #wasLost = false;
  #isClosing = false;
  /** Whether a person looks: only then is anything marked as read. */
  isFocused = true;
  /** Remarks made before any conversation was open. */
  readonly lobby: Notices = new Notices();
  /** What a button or a form asks the person. */
  readonly asking: Asking;

  /** Make it before the client has a connection, so that it hears every event. */
  constructor(options: SessionOptions) {
    const { client, messages, clock } = options;
    this.#options = options;
    this.client = client;
    this.messages = messages;
    this.people = new People({ client, onChange: () => this.#changed() });
    this.#told = new Told(clock);
    this.asking = new Asking({ messages, notice: (text) => this.notice(text) });
    client.on("event", (event) => this.#onEvent(event));
    client.on("interaction.answered", ({ from, toast }) => this.notice(messages.templates.toast(this.people.nameOf(from), safeText(toast))));
    client.connection.subscribe(() => this.#onConnection());
    client.conversations.subscribe(() => this.#onList());
    client.presence.subscribe(() => this.#changed());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    for (const end of this.#closeCurrent.splice(0)) end();
    await this.client[Symbol.asyncDispose]();
  }

  // ── what the faces read ─────────────────────────────────────────────────────────────────────────────

  get me(): UserId | undefined {
    return this.client.user;
  }

  get connection(): ConnectionState {
    return this.client.connection.getSnapshot();
  }

  get current(): ConversationView | undefined {
    return this.#current;
  }

  /** By last activity, newest first. */
  get conversations(): readonly ConversationView[] {
    return this.client.conversations.getSnapshot().conversations.map(({ id }) => this.viewOf(id));
  }

  viewOf(id: ConversationId): ConversationView {
    let view = this.#views.get(id);
    if (view === undefined) {
      view = new ConversationView(this.client.conversation(id));
      this.#views.set(id, view);
    }
    return view;
  }

  titleOf({ record, room }: ConversationView): string {
    if (record?.title !== undefined) return safeLine(record.title);
    return record?.with === undefined ? room.id : this.people.nameOf(record.with);
  }

  /** Slash commands that the bot with whom one speaks offers. */
  get botCommands(): readonly SlashCommand[] {
    const other = this.#current?.record?.with;
    return (other === undefined ? undefined : this.#options.botCommands?.of(other)) ?? [];
  }

  /** Whether the other one of a direct conversation is online; `undefined` when that is not known. */
  presenceOf({ record }: ConversationView): boolean | undefined {
    return record?.with === undefined ? undefined : this.client.presence.getSnapshot().get(record.with);
  }

  /** Makes a remark in the conversation that is open. */
  notice(text: string, isError = false): void {
    const safe = safeText(text);
    (this.#current?.notices ?? this.lobby).add({ text: safe, isError, afterSeq: this.#current?.lastSeq ?? 0 });
    this.#options.listener.onNotice?.(safe, isError);
    this.#changed();
  }

  // ── what a person does ──────────────────────────────────────────────────────────────────────────────

  /** @throws ConnectionLost, RequestRefused when the first attempt to connect fails */
  async open(): Promise<void> {
    await firstConnection(this.client);
    this.#hasBeenOpen = true;
    // Now: a moment later they are sent.
    const { unconfirmed } = this.client;
    this.#onList();
    if (this.me !== undefined) this.people.learn([this.me]);
    await this.people.learned();
    if (unconfirmed > 0) this.notice(this.messages.fromBefore(unconfirmed));
  }

  /** One of my conversations by id, title, the other user's id or name. */
  async find(target: string): Promise<ConversationView | undefined> {
    for (let page = 0; ; page++) {
      const found = this.#findAmongKnown(target);
      const { hasMore } = this.client.conversations.getSnapshot();
      if (found !== undefined || !hasMore || page === findPagesMax || this.connection.kind !== "open") return found;
      await this.client.conversations.loadMore();
      await this.people.learned();
    }
  }

  /** @throws ChatRefusal when neither an id nor the name of a known user */
  userNamed(target: string): UserId {
    const name = target.replace(/^@/, "");
    const { all } = this.people;
    const known = all.find((user) => user.id === name) ?? all.find((user) => user.name === name);
    if (known !== undefined) return known.id;
    if (!isUserId(name)) throw new ChatRefusal(this.messages.notUser(target));
    return name;
  }

  async openDirect(user: UserId): Promise<ConversationView> {
    // A known one can be opened, and written to, without a connection.
    const known = this.conversations.find(({ record }) => record?.with === user);
    return this.show(known ?? this.#viewOfRoom(await this.client.openDirect(user)));
  }

  async createGroup(title: string, members: readonly UserId[]): Promise<ConversationView> {
    return this.show(this.#viewOfRoom(await this.client.createGroup({ title, members })));
  }

  /** Opens a conversation on the screen; its newest events come when they come. */
  show(view: ConversationView): ConversationView {
    const other = view.record?.with;
    // An answer would go where the person does not look.
    if (view !== this.#current) this.asking.cancel();
    view.freezeUnreadLine();
    // The new one begins before the old one ends: the same one is not closed and opened.
    const ends = [view.room.subscribe(() => this.#onRoom(view)), ...(other === undefined ? [] : [this.client.presence.watch([other])])];
    for (const end of this.#closeCurrent) end();
    this.#closeCurrent = ends;
    this.#current = view;
    if (other !== undefined) this.people.learn([other]);
    if (other !== undefined) void this.#options.botCommands?.learn(other);
    this.#onRoom(view);
    return view;
  }

  /** At least `count` older events, if there are as many. @returns how many came. @throws ChatRefusal without a connection */
  async loadOlder({ room }: ConversationView, count: number = historyPage): Promise<number> {
    this.requireConnection();
    await room.load();
    const before = room.getSnapshot().events.length;
    while (room.getSnapshot().events.length < before + count && (await room.loadOlder()));
    return room.getSnapshot().events.length - before;
  }

  /** Puts a text on its way. @throws ChatRefusal when it cannot be sent as it is, OutboxFull */
  send(view: ConversationView, text: string, replyTo?: number): void {
    const length = Array.from(text).length;
    if (length > limits.textMaxLength) throw new ChatRefusal(this.messages.tooLong(length, limits.textMaxLength));
    const { stored } = view.room.sendText(text, replyTo === undefined ? {} : { replyTo });
    view.unreadAfter = undefined;
    this.#track(view, text, stored);
  }

  /** Sends again what failed here. @returns how many */
  retry(view: ConversationView): number {
    let count = 0;
    for (const { state, clientId, content } of view.snapshot.messages) {
      const sending = state === "failed" ? view.room.retry(clientId) : undefined;
      if (sending === undefined) continue;
      this.#track(view, content.type === "text" ? content.text : content.type, sending.stored);
      count++;
    }
    return count;
  }

  /** Forgets what failed here. @returns how many */
  discard({ room, snapshot }: ConversationView): number {
    return snapshot.messages.filter(({ state, clientId }) => state === "failed" && room.discard(clientId)).length;
  }

  /** Resolves when nothing is on its way any more, and what became durable has been told. */
  async settled(): Promise<void> {
    while (this.#sends.size > 0) await Promise.all(this.#sends);
  }

  /** Resolves when the event at `seq` was told; it is late, or lost, at most for some seconds. */
  async told(view: ConversationView, seq: number): Promise<void> {
    if (view.lastSeq < seq) await this.#told.until(view.room.id, seq);
  }

  /** The person is typing `input`. */
  typed(input: string): void {
    if (this.asking.question !== undefined) return;
    const room = this.#current?.room;
    if (input === "") room?.stopTyping();
    else if (!input.startsWith("/") || input.startsWith("//")) room?.startTyping();
  }

  async members({ room }: ConversationView): Promise<{ readonly members: readonly Member[]; readonly more: boolean }> {
    const { members, more } = await this.client.request("member.list", { conversation: room.id, limit: limits.pageMax });
    this.people.learn(members.slice(0, historyPage).map(({ user }) => user));
    await this.people.learned();
    return { members, more };
  }

  /** Who of them is online, as far as that can be known within 2 s. */
  async presenceOfAll(users: readonly UserId[]): Promise<ReadonlyMap<UserId, boolean>> {
    const { presence } = this.client;
    const wanted = users.slice(0, limits.watchedMax);
    const end = presence.watch(wanted);
    let endWaiting = (): void => undefined;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (wanted.every((user) => presence.getSnapshot().has(user))) resolve();
      };
      const timer = this.#options.clock.schedule(presenceWaitMs, resolve);
      const endListening = presence.subscribe(look);
      endWaiting = () => {
        timer.cancel();
        endListening();
      };
      look();
    });
    endWaiting();
    const known = presence.getSnapshot();
    end();
    return known;
  }

  async rename(name: string): Promise<void> {
    const { user } = await this.client.request("user.update", { name });
    this.people.put(user);
  }

  /** What is shown of the open conversation has been read, if a person looks. */
  markRead(): void {
    if (this.isFocused && this.#current?.snapshot.status === "ready") this.#current.room.markRead(this.#current.lastSeq);
  }

  /** @throws ChatRefusal when what comes next would wait for a connection */
  requireConnection(): void {
    if (this.connection.kind !== "open") throw new ChatRefusal(this.messages.notConnected);
  }

  // ── what the client tells ───────────────────────────────────────────────────────────────────────────

  #onEvent(event: LogEvent): void {
    const view = this.viewOf(event.conversation);
    // What comes while nobody looks begins below a line.
    if (view === this.#current && !this.isFocused) view.unreadAfter ??= event.seq - 1;
    this.people.learn(usersOf(event));
    this.#told.set(event.conversation, event.seq);
    this.#options.listener.onNew?.(event, view);
  }

  /** The open conversation changed. */
  #onRoom(view: ConversationView): void {
    this.people.learn(view.snapshot.events.flatMap(usersOf));
    if (view === this.#current) this.markRead();
    this.#changed();
  }

  #onList(): void {
    const { conversations } = this.client.conversations.getSnapshot();
    this.people.learn(conversations.flatMap((record) => (record.with === undefined ? [] : [record.with])));
    const mine = new Set(conversations.map(({ id }) => id));
    for (const id of this.#mine) if (!mine.has(id)) this.#onLeft(this.viewOf(id));
    this.#mine = mine;
    this.#changed();
  }

  #onLeft(view: ConversationView): void {
    this.#views.delete(view.room.id);
    if (this.#current === view) {
      for (const end of this.#closeCurrent.splice(0)) end();
      this.#current = undefined;
    }
    this.notice(this.messages.youLeft(this.titleOf(view)));
  }

  #onConnection(): void {
    const state = this.connection;
    // How the first attempt ends is told by whoever opens.
    if (this.#hasBeenOpen && !this.#isClosing) {
      if (state.kind === "waiting" && !this.#wasLost) {
        this.#wasLost = true;
        this.notice(this.messages.lost, true);
      } else if (state.kind === "open" && this.#wasLost) {
        this.#wasLost = false;
        this.notice(this.messages.backAgain);
        this.markRead();
      } else if (state.kind === "closed") this.notice(this.messages.closed(safeLine(state.reason)), true);
    }
    this.#changed();
  }

  // ── inside ──────────────────────────────────────────────────────────────────────────────────────────

  #findAmongKnown(target: string): ConversationView | undefined {
    const wanted = target.toLowerCase();
    const views = this.conversations;
    return (
      views.find(({ room }) => room.id === target) ??
      views.find(({ record }) => record?.title?.toLowerCase() === wanted) ??
      views.find(({ record }) => record?.with === target) ??
      views.find((view) => view.record?.kind === "direct" && this.titleOf(view).toLowerCase() === wanted)
    );
  }

  #viewOfRoom({ id }: ClientConversation): ConversationView {
    return this.viewOf(id);
  }

  #track(view: ConversationView, text: string, stored: Promise<{ readonly seq: number }>): void {
    const sent = this.#sent(view, text, stored).finally(() => this.#sends.delete(sent));
    this.#sends.add(sent);
  }

  async #sent(view: ConversationView, text: string, stored: Promise<{ readonly seq: number }>): Promise<void> {
    try {
      await this.told(view, (await stored).seq);
    } catch (error) {
      const problem = refusalText(error, this.messages);
      if (problem === undefined) throw error;
      this.#options.listener.onFailed?.(text, problem);
    }
  }

  #changed(): void {
    this.#options.listener.onChange();
  }
}
