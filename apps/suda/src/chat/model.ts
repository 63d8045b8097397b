/**
 * One user's chat as the terminal knows it: conversations with their timelines, names, what is being sent.
 * Stands between the connection and the two faces (full screen, plain lines), which only read it and call it.
 */
import {
  isUserId,
  limits,
  SudaError,
  type ClientId,
  type Clock,
  type Conversation,
  type ConversationId,
  type Event,
  type LogEvent,
  type Member,
  type MessageCreated,
  type Random,
  type ReplyOf,
  type User,
  type UserId,
} from "@suda/protocol";
import { ConnectionLost, type ChatConnection, type ConnectionListener, type ConnectionState } from "./connection.ts";
import type { Messages } from "./messages.ts";
import { safeLine, safeText } from "./text-safety.ts";
import { Timeline } from "./timeline.ts";

export interface ConversationView {
  record: Conversation;
  timeline: Timeline;
}

export interface SessionListener {
  /** Something that is shown may have changed. */
  onChange(): void;
  /** A new event of any conversation, in the order of its log; never one of history. */
  onNew?(event: LogEvent, view: ConversationView): void;
  /** A remark of the program. */
  onNotice?(text: string, isError: boolean): void;
  /** A message of one's own became durable, or was refused. */
  onSettled?(view: ConversationView, outcome: { readonly text: string; readonly problem?: string }): void;
}

export interface SessionOptions {
  readonly connect: (listener: ConnectionListener) => ChatConnection;
  readonly messages: Messages;
  readonly clock: Clock;
  readonly random: Random;
  readonly listener: SessionListener;
}

/** A refusal that a person is told in their language, by the command or the face that asked. */
export class ChatRefusal extends Error {
  override readonly name: string = "ChatRefusal";
  readonly code = "chat.refusal";
}

/** Events of one page of history. */
export const historyPage = 50;
/** The reply came but its event did not: the layer may lose it, the log has it. */
const eventGraceMs = 1_000;

export class ChatSession implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #connection: ChatConnection;
  readonly #conversations = new Map<ConversationId, ConversationView>();
  readonly #users = new Map<UserId, User>();
  readonly #catchingUp = new Map<ConversationId, Promise<void>>();
  readonly #reading = new Set<ConversationId>();
  readonly #sends = new Set<Promise<void>>();
  readonly #learning = new Set<Promise<void>>();
  #me: UserId | undefined;
  #current: ConversationId | undefined;
  #wasLost = false;
  /** The end of the connection is told by whoever opens or closes it. */
  #isClosing = true;
  /** Whether a person looks: only then is anything marked as read. */
  isFocused = true;
  /** Remarks made before any conversation was open. */
  readonly lobby: Timeline = new Timeline(0);

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#connection = options.connect({
      onState: (state) => this.#onState(state),
      onHello: (reply) => this.#onHello(reply),
      onEvent: (event) => this.#onEvent(event),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await this.#connection[Symbol.asyncDispose]();
  }

  // ── what the faces read ─────────────────────────────────────────────────────────────────────────────

  get messages(): Messages {
    return this.#options.messages;
  }

  get me(): UserId | undefined {
    return this.#me;
  }

  get connection(): ConnectionState {
    return this.#connection.state;
  }

  get current(): ConversationView | undefined {
    return this.#current === undefined ? undefined : this.#conversations.get(this.#current);
  }

  /** By last activity, newest first. */
  get conversations(): ConversationView[] {
    return [...this.#conversations.values()].sort((a, b) => b.record.lastAt - a.record.lastAt || (a.record.id < b.record.id ? -1 : 1));
  }

  get users(): readonly User[] {
    return [...this.#users.values()];
  }

  /** Messages that the server has not confirmed. */
  get unconfirmed(): number {
    let count = 0;
    for (const { timeline } of this.#conversations.values()) count += timeline.outgoing.filter(({ state }) => state.is !== "sent").length;
    return count;
  }

  nameOf(user: UserId): string {
    const name = this.#users.get(user)?.name;
    return name === undefined ? user : safeLine(name);
  }

  userOf(user: UserId): User | undefined {
    return this.#users.get(user);
  }

  titleOf({ record }: ConversationView): string {
    if (record.title !== undefined) return safeLine(record.title);
    return record.with === undefined ? record.id : this.nameOf(record.with);
  }

  /** Makes a remark in the conversation that is open. */
  notice(text: string, isError = false): void {
    (this.current?.timeline ?? this.lobby).addNotice(safeText(text), isError);
    this.#options.listener.onNotice?.(safeText(text), isError);
    this.#options.listener.onChange();
  }

  /** Resolves when the names of all who were mentioned so far are known, or cannot be had now. */
  async namesLearned(): Promise<void> {
    while (this.#learning.size > 0) await Promise.all(this.#learning);
  }

  // ── what a person does ──────────────────────────────────────────────────────────────────────────────

  /** @throws ConnectionLost, SudaError when the first connection fails */
  async open(): Promise<void> {
    try {
      await this.#connection.open();
      await this.namesLearned();
    } finally {
      this.#isClosing = false;
    }
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  /** One of my conversations by id, title, the other user's id or name. */
  find(target: string): ConversationView | undefined {
    const wanted = target.toLowerCase();
    const views = this.conversations;
    return (
      views.find(({ record }) => record.id === target) ??
      views.find(({ record }) => record.title?.toLowerCase() === wanted) ??
      views.find(({ record }) => record.kind === "direct" && record.with === target) ??
      views.find((view) => view.record.kind === "direct" && this.titleOf(view).toLowerCase() === wanted)
    );
  }

  /** @throws ChatRefusal when neither an id nor the name of a known user */
  userNamed(target: string): UserId {
    const name = target.replace(/^@/, "");
    const known = this.users.find((user) => user.id === name) ?? this.users.find((user) => user.name === name);
    if (known !== undefined) return known.id;
    if (!isUserId(name)) throw new ChatRefusal(this.messages.notUser(target));
    return name;
  }

  async openDirect(user: UserId): Promise<ConversationView> {
    const { conversation } = await this.#connection.request("conversation.open", { with: user });
    return await this.show(this.#take(conversation));
  }

  async createGroup(title: string, members: readonly UserId[]): Promise<ConversationView> {
    const { conversation } = await this.#connection.request("conversation.create", { clientId: this.#newClientId(), title, members: [...members] });
    return await this.show(this.#take(conversation));
  }

  /** Opens a conversation on the screen, with the newest of its history. */
  async show(view: ConversationView): Promise<ConversationView> {
    this.#current = view.record.id;
    const { timeline, record } = view;
    const read = record.read ?? 0;
    timeline.unreadAfter = (record.unread ?? 0) > 0 && read < timeline.have ? read : undefined;
    this.#options.listener.onChange();
    if (timeline.events.length < historyPage) await this.loadOlder(view);
    if (record.kind === "direct" && record.with !== undefined) await this.#learnUsers([record.with]);
    this.markRead();
    return view;
  }

  /** @returns how many events came */
  async loadOlder({ record, timeline }: ConversationView, limit: number = historyPage): Promise<number> {
    if (timeline.first <= 1) return 0;
    const { events } = await this.#connection.request("history.get", {
      conversation: record.id,
      before: timeline.first,
      limit: Math.min(limit, limits.pageMax),
    });
    timeline.prepend(events);
    void this.#learnUsers(events.flatMap(usersOf));
    this.#options.listener.onChange();
    return events.length;
  }

  /** Puts a text on its way. @throws ChatRefusal when it cannot be sent as it is */
  send(view: ConversationView, text: string): void {
    const length = Array.from(text).length;
    if (length > limits.textMaxLength) throw new ChatRefusal(this.messages.tooLong(length, limits.textMaxLength));
    const clientId = this.#newClientId();
    view.timeline.addOutgoing({ clientId, text, at: this.#options.clock.now(), state: { is: "sending" } });
    view.timeline.unreadAfter = undefined;
    this.#dispatch(view, clientId, text);
  }

  /** Another text for the newest of one's own messages. @throws ChatRefusal when there is none */
  async editLast(view: ConversationView, text: string): Promise<void> {
    const { seq } = await this.#lastMessage(view, "mine");
    const edit = await this.#connection.request("message.edit", {
      conversation: view.record.id,
      target: seq,
      content: { type: "text", text },
      clientId: this.#newClientId(),
    });
    await this.#shown(view, edit.seq);
  }

  /** For all. @throws ChatRefusal when there is none */
  async deleteLast(view: ConversationView): Promise<void> {
    const { seq } = await this.#lastMessage(view, "mine");
    const deletion = await this.#connection.request("message.delete", { conversation: view.record.id, target: seq });
    await this.#shown(view, deletion.seq);
  }

  /** To the newest message; a second time takes it back. @throws ChatRefusal when there is none */
  async react(view: ConversationView, emoji: string): Promise<void> {
    const { seq, reactions = [] } = await this.#lastMessage(view, "any");
    const isMine = reactions.some((reaction) => reaction.emoji === emoji && reaction.mine === true);
    const reaction = await this.#connection.request(isMine ? "reaction.remove" : "reaction.add", { conversation: view.record.id, target: seq, emoji });
    await this.#shown(view, reaction.seq);
  }

  /** Resolves when the event of a change is shown, also when the live one is late. */
  async #shown(view: ConversationView, seq: number): Promise<void> {
    view.record = { ...view.record, head: Math.max(view.record.head, seq) };
    if (view.timeline.have < seq) await this.#catchUp(view);
  }

  async #lastMessage({ timeline }: ConversationView, whose: "mine" | "any"): Promise<MessageCreated> {
    // What was written right before may still be on its way.
    await this.settled();
    const message = timeline.events.findLast(
      (event): event is MessageCreated => event.type === "message.created" && event.deleted === undefined && (whose === "any" || event.from === this.#me),
    );
    if (message === undefined) throw new ChatRefusal(whose === "any" ? this.messages.noMessage : this.messages.noOwnMessage);
    return message;
  }

  /** Sends again what failed here, with the same clientIds. @returns how many */
  retry(view: ConversationView): number {
    const failed = view.timeline.outgoing.filter(({ state }) => state.is === "failed");
    for (const { clientId, text } of failed) {
      view.timeline.setOutgoing(clientId, { is: "sending" });
      this.#dispatch(view, clientId, text);
    }
    return failed.length;
  }

  /** Resolves when nothing is on its way any more, and what became durable has been shown. */
  async settled(): Promise<void> {
    while (this.#sends.size > 0) await Promise.all(this.#sends);
    for (const view of this.#conversations.values())
      if (view.timeline.outgoing.some(({ state }) => state.is === "sent" && state.seq > view.timeline.have)) await this.#catchUp(view);
  }

  async members({ record }: ConversationView): Promise<{ readonly members: readonly Member[]; readonly more: boolean }> {
    const { members, more } = await this.#connection.request("member.list", { conversation: record.id, limit: limits.pageMax });
    await this.#learnUsers(members.slice(0, 50).map(({ user }) => user));
    return { members, more };
  }

  async addMembers({ record }: ConversationView, users: readonly UserId[]): Promise<void> {
    await this.#connection.request("member.add", { conversation: record.id, users: [...users] });
  }

  async leave({ record }: ConversationView): Promise<void> {
    await this.#connection.request("member.leave", { conversation: record.id });
  }

  async rename(name: string): Promise<void> {
    const { user } = await this.#connection.request("user.update", { name });
    this.#users.set(user.id, user);
    this.#options.listener.onChange();
  }

  /** What is shown of the open conversation has been read, if a person looks. One request at a time. */
  markRead(): void {
    const view = this.current;
    if (view === undefined || !this.isFocused || this.connection.kind !== "open") return;
    const { id } = view.record;
    const seq = view.timeline.have;
    if (seq <= (view.record.read ?? 0) || this.#reading.has(id)) return;
    void this.#tellRead(view, seq);
  }

  async #tellRead(view: ConversationView, seq: number): Promise<void> {
    const { id } = view.record;
    this.#reading.add(id);
    try {
      const { read, unread } = await this.#connection.request("receipt.read", { conversation: id, seq });
      view.record = { ...view.record, read, unread };
    } catch (error) {
      // Lost with the connection, limited, or no longer a member: the next look tries again.
      if (!(error instanceof ConnectionLost) && !(error instanceof SudaError)) throw error;
      return;
    } finally {
      this.#reading.delete(id);
    }
    this.#options.listener.onChange();
    if (this.#current === id) this.markRead();
  }

  // ── what the server tells ───────────────────────────────────────────────────────────────────────────

  #onState(state: ConnectionState): void {
    if (state.kind === "waiting" && !this.#wasLost) {
      this.#wasLost = true;
      this.notice(this.messages.lost, true);
    }
    if (state.kind === "closed" && !this.#isClosing) this.notice(this.messages.closed(safeLine(state.reason)), true);
    this.#options.listener.onChange();
  }

  #onHello(reply: ReplyOf<"hello">): void {
    this.#me = reply.user;
    const listed = new Set(reply.conversations.map(({ id }) => id));
    if (!reply.more) for (const id of this.#conversations.keys()) if (!listed.has(id)) this.#onLeft(id);
    for (const record of reply.conversations) {
      const view = this.#take(record);
      if (view.timeline.have < record.head) void this.#catchUp(view);
    }
    void this.#learnUsers([reply.user, ...reply.conversations.flatMap((record) => (record.with === undefined ? [] : [record.with]))]);
    if (this.#wasLost) {
      this.#wasLost = false;
      this.notice(this.messages.backAgain);
    }
    this.markRead();
    this.#options.listener.onChange();
  }

  #onEvent(event: Event): void {
    switch (event.type) {
      case "conversation.joined":
        this.#onJoined(event.conversation);
        return;
      case "conversation.left":
        this.#onLeft(event.conversation);
        return;
      case "message.created":
      case "message.edited":
      case "message.deleted":
      case "reaction.added":
      case "reaction.removed":
      case "pin.added":
      case "pin.removed":
      case "member.added":
      case "member.removed":
      case "member.updated":
      case "conversation.updated": {
        const view = this.#conversations.get(event.conversation);
        if (view === undefined) void this.#learnConversation(event.conversation);
        else if (this.#receive(view, event) === "hole") void this.#catchUp(view);
        return;
      }
      case "lag": {
        const view = this.#conversations.get(event.conversation);
        if (view === undefined) return;
        view.record = { ...view.record, head: Math.max(view.record.head, event.head) };
        void this.#catchUp(view);
        return;
      }
      case "typing.started":
      case "typing.stopped":
      case "receipt.updated":
      case "presence.changed":
      case "goaway":
        // Not shown.
        return;
      default:
      // From a newer server; not for us.
    }
  }

  #onJoined(record: Conversation): void {
    const isNew = !this.#conversations.has(record.id);
    const view = this.#take(record);
    // All of a conversation that is new to me is news, as far as I have not read it elsewhere.
    if (isNew) view.timeline = new Timeline(Math.max(record.read ?? 0, record.head - historyPage));
    if (view.timeline.have < record.head) void this.#catchUp(view);
    if (record.with !== undefined) void this.#learnUsers([record.with]);
    this.#options.listener.onChange();
  }

  #onLeft(id: ConversationId): void {
    const view = this.#conversations.get(id);
    if (view === undefined) return;
    this.#conversations.delete(id);
    if (this.#current === id) this.#current = undefined;
    this.notice(this.messages.youLeft(this.titleOf(view)));
  }

  /** The record is the server's; the timeline stays, unless the log is another one. */
  #take(record: Conversation): ConversationView {
    const view = this.#conversations.get(record.id);
    if (view === undefined) {
      const created = { record, timeline: new Timeline(record.head) };
      this.#conversations.set(record.id, created);
      return created;
    }
    if (view.record.epoch !== record.epoch) view.timeline = new Timeline(record.head);
    view.record = record;
    return view;
  }

  #receive(view: ConversationView, event: LogEvent): "new" | "known" | "hole" {
    // What comes while nobody looks begins below a line.
    if (view === this.current && !this.isFocused) view.timeline.unreadAfter ??= view.timeline.have;
    const outcome = view.timeline.receive(event, this.#me);
    const head = Math.max(view.record.head, event.seq);
    view.record = { ...view.record, head };
    if (outcome !== "new") return outcome;
    const isUnread = event.type === "message.created" && event.from !== this.#me && event.seq > (view.record.read ?? 0);
    view.record = {
      ...view.record,
      lastAt: Math.max(view.record.lastAt, event.at),
      last: event,
      ...(isUnread ? { unread: (view.record.unread ?? 0) + 1 } : {}),
      ...(event.type === "member.added" ? { memberCount: view.record.memberCount + event.users.length } : {}),
      ...(event.type === "member.removed" ? { memberCount: view.record.memberCount - 1 } : {}),
      ...(event.type === "conversation.updated" && typeof event.title === "string" ? { title: event.title } : {}),
    };
    void this.#learnUsers(usersOf(event));
    this.#options.listener.onNew?.(event, view);
    if (view.record.id === this.#current) this.markRead();
    this.#options.listener.onChange();
    return outcome;
  }

  /** Reads the log from what is there to the head; one at a time for each conversation. */
  async #catchUp(view: ConversationView): Promise<void> {
    const { id } = view.record;
    const running = this.#catchingUp.get(id);
    if (running !== undefined) return await running;
    const run = this.#readLog(view)
      .catch((error: unknown) => {
        // Without a connection the next hello begins again; whoever is no member has nothing to fetch.
        if (!(error instanceof ConnectionLost) && !(error instanceof SudaError)) throw error;
      })
      .finally(() => this.#catchingUp.delete(id));
    this.#catchingUp.set(id, run);
    await run;
  }

  async #readLog(view: ConversationView): Promise<void> {
    while (view.timeline.have < view.record.head) {
      const after = view.timeline.have;
      const { events } = await this.#connection.request("history.get", { conversation: view.record.id, after, limit: limits.pageMax });
      for (const event of events) this.#receive(view, event);
      if (view.timeline.have === after) return;
    }
  }

  async #learnConversation(id: ConversationId): Promise<void> {
    try {
      const { conversation } = await this.#connection.request("conversation.get", { conversation: id });
      this.#onJoined(conversation);
    } catch (error) {
      if (!(error instanceof ConnectionLost) && !(error instanceof SudaError)) throw error;
    }
  }

  async #learnUsers(ids: readonly UserId[]): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.#users.has(id));
    for (const id of unknown) {
      this.#users.set(id, { id });
      const learning = this.#learnUser(id).finally(() => this.#learning.delete(learning));
      this.#learning.add(learning);
    }
    if (unknown.length > 0) await this.namesLearned();
  }

  async #learnUser(id: UserId): Promise<void> {
    try {
      const { user } = await this.#connection.request("user.get", { user: id });
      this.#users.set(id, user);
      this.#options.listener.onChange();
    } catch (error) {
      if (!(error instanceof ConnectionLost) && !(error instanceof SudaError)) throw error;
      // Asked again when next mentioned.
      this.#users.delete(id);
    }
  }

  // ── sending ─────────────────────────────────────────────────────────────────────────────────────────

  #dispatch(view: ConversationView, clientId: ClientId, text: string): void {
    const tracked = this.#deliver(view, clientId, text).finally(() => {
      this.#sends.delete(tracked);
      this.#options.listener.onChange();
    });
    this.#sends.add(tracked);
    this.#options.listener.onChange();
  }

  async #deliver(view: ConversationView, clientId: ClientId, text: string): Promise<void> {
    const { clock, listener } = this.#options;
    try {
      const { seq } = await this.#connection.send({ conversation: view.record.id, clientId, content: { type: "text", text } });
      view.timeline.setOutgoing(clientId, { is: "sent", seq });
      view.record = { ...view.record, head: Math.max(view.record.head, seq) };
      clock.schedule(eventGraceMs, () => {
        if (view.timeline.have < seq) void this.#catchUp(view);
      });
      listener.onSettled?.(view, { text });
    } catch (error) {
      if (!(error instanceof ConnectionLost) && !(error instanceof SudaError)) throw error;
      const problem = safeLine(error.message);
      view.timeline.setOutgoing(clientId, { is: "failed", reason: problem });
      listener.onSettled?.(view, { text, problem });
    }
  }

  /** 128 random bits: unique for ever without asking anyone. */
  #newClientId(): ClientId {
    return Buffer.from(this.#options.random.bytes(16)).toString("base64url") as ClientId;
  }
}

/** Whom an event names. */
function usersOf(event: LogEvent): UserId[] {
  if (event.type === "member.added") return [event.from, ...event.users];
  return event.type === "member.removed" || event.type === "member.updated" ? [event.from, event.user] : [event.from];
}
