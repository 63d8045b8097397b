/**
 * Messages on their way out: kept in the outbox, sent in order, sent again with the same clientId over as many
 * connections as it takes, until the server has them or refuses them for good. ① of the path of a message.
 *
 * Order (D4): the messages of one conversation go out in the order in which they were written, up to 16
 * without waiting for answers, each naming the one before it: when that is refused with an error that may pass (busy, disk
 * full), so is what came behind it (D17). Then only one at a time goes out until the queue is empty.
 */
import type { ClientId, Clock, ConversationId, Random, Timer, UserId } from "@suda/protocol";
import type { Request } from "../connection/connection.ts";
import { definedOf } from "../defined.ts";
import { ClientClosed, isGone, MessageDiscarded, messageOf, OutboxFull, RequestRefused, retryDelayOf } from "../errors.ts";
import { newClientId } from "../ids.ts";
import type { Outbox, OutboxEntry, SendFailure } from "./outbox.ts";
import { Pace } from "./pace.ts";

export interface Stored {
  readonly seq: number;
  /** Epoch ms by the server's clock. */
  readonly at: number;
}

export interface Sending {
  readonly clientId: ClientId;
  /**
   * Resolves when the message is durable. Whoever does not look at it misses nothing: the snapshot shows it too.
   * Rejects with RequestRefused (then it is `failed` and waits for `retry` or `discard`), MessageDiscarded, or
   * ClientClosed (then it stays in the outbox).
   */
  readonly stored: Promise<Stored>;
}

export type OutgoingState =
  | { readonly is: "sending" }
  /** The server has it; its event has not come yet. */
  | { readonly is: "stored"; readonly seq: number; readonly at: number }
  | { readonly is: "failed"; readonly failure: SendFailure };

export interface Outgoing {
  readonly entry: OutboxEntry;
  readonly state: OutgoingState;
}

export interface SenderOptions {
  readonly outbox: Outbox;
  readonly request: Request;
  readonly clock: Clock;
  readonly random: Random;
  /** Something in {@link Sender.outgoing} of this conversation changed. */
  readonly onChange: (conversation: ConversationId) => void;
  /** The outbox failed: sending goes on, surviving a restart does not. */
  readonly onProblem: (problem: unknown) => void;
}

/** Sends of a conversation without an answer. A server carries out 64 of a connection at once. */
const windowSize = 16;
/** Messages that wait, failed ones counted. */
const maxWaiting = 1_000;

interface Item extends Outgoing {
  entry: OutboxEntry;
  state: OutgoingState;
  /** The outbox has it: only then it goes out. */
  isKept: boolean;
  isInFlight: boolean;
  settle: { resolve(stored: Stored): void; reject(error: Error): void } | undefined;
}

interface Queue {
  readonly items: Item[];
  inFlight: number;
  /** One at a time, see above. */
  isCareful: boolean;
  pause: Timer | undefined;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #queues = new Map<ConversationId, Queue>();
  readonly #pace: Pace;
  #user: UserId | undefined;
  #isOpen = false;
  #closed: Error | undefined;
  #idle: (() => void)[] = [];

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#pace = new Pace(options.clock);
  }

  /** What an earlier run left. */
  async load(): Promise<void> {
    for (const entry of await this.#options.outbox.load()) {
      const state: OutgoingState = entry.failure === undefined ? { is: "sending" } : { is: "failed", failure: entry.failure };
      this.#queueOf(entry.conversation).items.push({ entry, state, isKept: true, isInFlight: false, settle: undefined });
    }
  }

  /** In the order in which they were written. */
  outgoing(conversation: ConversationId): readonly Outgoing[] {
    return this.#queues.get(conversation)?.items ?? [];
  }

  /** Those that the server has not taken: on their way, or failed. */
  get unconfirmed(): number {
    let count = 0;
    for (const { items } of this.#queues.values()) count += items.filter(({ state }) => state.is !== "stored").length;
    return count;
  }

  /** @throws OutboxFull, ClientClosed */
  send(conversation: ConversationId, body: Pick<OutboxEntry, "content" | "data" | "replyTo">): Sending {
    if (this.#closed !== undefined) throw this.#closed;
    let waiting = 0;
    for (const { items } of this.#queues.values()) waiting += items.length;
    if (waiting >= maxWaiting) throw new OutboxFull(`${maxWaiting} messages wait already.`);
    const entry: OutboxEntry = {
      clientId: newClientId(this.#options.random),
      conversation,
      ...body,
      at: this.#options.clock.now(),
      ...(this.#user === undefined ? {} : { user: this.#user }),
    };
    const item: Item = { entry, state: { is: "sending" }, isKept: false, isInFlight: false, settle: undefined };
    const queue = this.#queueOf(conversation);
    queue.items.push(item);
    this.#options.onChange(conversation);
    this.#keep(queue, item);
    return { clientId: entry.clientId, stored: promiseOf(item) };
  }

  /** Sends a failed message again, after those that wait. `undefined` when there is no such failed message. */
  retry(clientId: ClientId): Sending | undefined {
    const found = this.#find(clientId);
    if (found === undefined || found.item.state.is !== "failed") return undefined;
    const { queue, item } = found;
    const { failure: _, ...entry } = item.entry;
    queue.items.splice(queue.items.indexOf(item), 1);
    queue.items.push(item);
    item.entry = entry;
    item.state = { is: "sending" };
    this.#options.onChange(entry.conversation);
    item.isKept = false;
    this.#keep(queue, item);
    return { clientId, stored: promiseOf(item) };
  }

  /** Forgets a message that failed or has not gone out; false when it may be with the server already. */
  discard(clientId: ClientId): boolean {
    const found = this.#find(clientId);
    if (found === undefined || found.item.isInFlight || found.item.state.is === "stored") return false;
    found.item.settle?.reject(new MessageDiscarded("The message was discarded."));
    this.#drop(found.queue, found.item);
    return true;
  }

  // ── what the connection tells ───────────────────────────────────────────────────────────────────────

  onOpen(user: UserId): void {
    this.#user = user;
    this.#isOpen = true;
    for (const [conversation, queue] of this.#queues) {
      // Of somebody else who used this device: not ours to send, or to show.
      queue.items.splice(0, queue.items.length, ...queue.items.filter(({ entry }) => entry.user === undefined || entry.user === user));
      this.#flush(conversation, queue);
    }
  }

  onLost(): void {
    this.#isOpen = false;
  }

  /** For good: promises are rejected, and what waits stays in the outbox. */
  close(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#isOpen = false;
    this.#closed = new ClientClosed(reason);
    for (const queue of this.#queues.values()) {
      queue.pause?.cancel();
      for (const item of queue.items) item.settle?.reject(this.#closed);
    }
    this.#tellIdle();
  }

  /** The log shows a message of this user: the answer may have been lost. */
  onLogged(conversation: ConversationId, clientId: ClientId, stored: Stored): void {
    const queue = this.#queues.get(conversation);
    const item = queue?.items.find(({ entry }) => entry.clientId === clientId);
    if (queue === undefined || item === undefined) return;
    item.settle?.resolve(stored);
    this.#drop(queue, item, item.state.is !== "stored");
  }

  /** The log is known up to here, or is not followed: stored messages need not be shown any more. */
  forgetStored(conversation: ConversationId, upTo: number): void {
    const queue = this.#queues.get(conversation);
    for (const item of queue?.items.filter(({ state }) => state.is === "stored" && state.seq <= upTo) ?? [])
      if (queue !== undefined) this.#drop(queue, item, false);
  }

  /** Resolves when nothing is in flight and nothing could go out now. */
  async idle(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  // ── inside ──────────────────────────────────────────────────────────────────────────────────────────

  #queueOf(conversation: ConversationId): Queue {
    let queue = this.#queues.get(conversation);
    if (queue === undefined) {
      queue = { items: [], inFlight: 0, isCareful: false, pause: undefined };
      this.#queues.set(conversation, queue);
    }
    return queue;
  }

  #find(clientId: ClientId): { readonly queue: Queue; readonly item: Item } | undefined {
    for (const queue of this.#queues.values()) {
      const item = queue.items.find(({ entry }) => entry.clientId === clientId);
      if (item !== undefined) return { queue, item };
    }
    return undefined;
  }

  #keep(queue: Queue, item: Item): void {
    const kept = (): void => {
      item.isKept = true;
      this.#flush(item.entry.conversation, queue);
    };
    this.#options.outbox.put(item.entry).then(kept, (problem: unknown) => {
      this.#options.onProblem(problem);
      kept();
    });
  }

  /** Sends what may go out, in order. */
  #flush(conversation: ConversationId, queue: Queue): void {
    if (!this.#isOpen || queue.pause !== undefined) return;
    let before: Item | undefined;
    for (const item of queue.items) {
      if (item.isInFlight) before = item;
      if (item.state.is !== "sending" || item.isInFlight) continue;
      if (!item.isKept || queue.inFlight >= (queue.isCareful ? 1 : windowSize)) return;
      const waitMs = this.#pace.take();
      if (waitMs > 0) return this.#pauseFor(conversation, queue, waitMs);
      this.#transmit(conversation, queue, item, before);
      before = item;
    }
    if (queue.inFlight === 0) queue.isCareful = false;
    this.#tellIdle();
  }

  #pauseFor(conversation: ConversationId, queue: Queue, delayMs: number): void {
    queue.pause?.cancel();
    queue.pause = this.#options.clock.schedule(delayMs, () => {
      queue.pause = undefined;
      this.#flush(conversation, queue);
    });
  }

  /** @param before without an answer yet: when it is refused, the server refuses this one too */
  #transmit(conversation: ConversationId, queue: Queue, item: Item, before: Item | undefined): void {
    item.isInFlight = true;
    queue.inFlight++;
    this.#ask(queue, item, before?.entry.clientId)
      .finally(() => this.#flush(conversation, queue))
      .catch(this.#options.onProblem);
  }

  async #ask(queue: Queue, item: Item, follows: ClientId | undefined): Promise<void> {
    const { conversation, clientId, content } = item.entry;
    const options = { ...definedOf(item.entry, ["data", "replyTo"]), ...(follows === undefined ? {} : { follows }) };
    const landed = (): void => {
      item.isInFlight = false;
      queue.inFlight--;
    };
    try {
      const { seq, at } = await this.#options.request("message.send", { conversation, clientId, content, ...options });
      landed();
      this.#onStored(queue, item, { seq, at });
    } catch (error) {
      if (item.isInFlight) landed();
      this.#onUnsent(queue, item, error);
    }
  }

  #onStored(queue: Queue, item: Item, stored: Stored): void {
    // Its event came first, and everything is done.
    if (!queue.items.includes(item)) return;
    item.state = { is: "stored", ...stored };
    item.settle?.resolve(stored);
    this.#forget(item);
    this.#options.onChange(item.entry.conversation);
  }

  #onUnsent(queue: Queue, item: Item, error: unknown): void {
    // No answer: it waits for the next connection.
    if (!queue.items.includes(item) || isGone(error)) return;
    const delayMs = retryDelayOf(error);
    if (delayMs !== undefined) {
      queue.isCareful = true;
      return this.#pauseFor(item.entry.conversation, queue, Math.max(delayMs, 1));
    }
    const refusal = error instanceof RequestRefused ? error : new RequestRefused({ code: "frame.invalid", message: messageOf(error), retryable: false });
    const failure: SendFailure = { code: refusal.code, message: refusal.message };
    item.state = { is: "failed", failure };
    item.entry = { ...item.entry, failure };
    item.settle?.reject(refusal);
    item.settle = undefined;
    this.#options.outbox.put(item.entry).catch(this.#options.onProblem);
    this.#options.onChange(item.entry.conversation);
  }

  #drop(queue: Queue, item: Item, isKept = true): void {
    queue.items.splice(queue.items.indexOf(item), 1);
    if (isKept) this.#forget(item);
    this.#options.onChange(item.entry.conversation);
    this.#tellIdle();
  }

  #forget(item: Item): void {
    this.#options.outbox.remove(item.entry.clientId).catch(this.#options.onProblem);
  }

  #isIdle(): boolean {
    if (!this.#isOpen) return true;
    for (const { items } of this.#queues.values()) if (items.some(({ state }) => state.is === "sending")) return false;
    return true;
  }

  #tellIdle(): void {
    if (this.#idle.length === 0 || !this.#isIdle()) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function promiseOf(item: Item): Promise<Stored> {
  const stored = new Promise<Stored>((resolve, reject) => {
    item.settle = { resolve, reject };
  });
  // A page that shows the snapshot does not look at it; that must not count as an unhandled rejection.
  stored.catch(() => {});
  return stored;
}
