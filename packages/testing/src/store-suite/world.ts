/** What the store suite's tests share: opening, a clock set by hand, short ways to write drafts, and the reference model. */
import assert from "node:assert/strict";
import type { AppendOutcome, ConversationRecord, Draft, LogBody, LogEntry, MemberRecord, Store } from "@suda/server/store";
import { chainHash, digestOf, emptyHash, isErased } from "@suda/server/store";
import type { ClientId, Clock, Content, ConversationId, Role, UserId } from "@suda/protocol";
import { systemClock } from "@suda/protocol";

export interface OpenStoreOptions {
  /** Must give `at` of entries. */
  readonly clock: Clock;
}

export interface OpenedStore {
  readonly store: Store;
  /** For durable drivers: after the store was disposed, opens the same data again. */
  reopen?(): Promise<Store>;
  /** Runs after all stores of the test were disposed. */
  cleanup?(): Promise<void>;
}

export type OpenStore = (options: OpenStoreOptions) => Promise<OpenedStore>;

/** Wall time set by hand; timers and the monotonic clock are the system's. */
export class HandClock implements Clock {
  time = 1_700_000_000_000;
  now(): number {
    return this.time;
  }
  monotonicMs(): number {
    return systemClock.monotonicMs();
  }
  schedule(delayMs: number, task: () => void): ReturnType<Clock["schedule"]> {
    return systemClock.schedule(delayMs, task);
  }
}

/** One test's store, disposed with it. */
export class World implements AsyncDisposable {
  readonly clock: HandClock;
  readonly #opened: OpenedStore;
  #store: Store;

  private constructor(opened: OpenedStore, clock: HandClock) {
    this.#opened = opened;
    this.#store = opened.store;
    this.clock = clock;
  }

  static async open(open: OpenStore): Promise<World> {
    const clock = new HandClock();
    return new World(await open({ clock }), clock);
  }

  get store(): Store {
    return this.#store;
  }

  /** Closes and opens the same data again; does nothing for a driver that forgets with its object. */
  async reopen(): Promise<Store> {
    if (this.#opened.reopen === undefined) return this.#store;
    await this.#store[Symbol.asyncDispose]();
    this.#store = await this.#opened.reopen();
    return this.#store;
  }

  /** A group whose members all have the role `member`. */
  async group(id: ConversationId, members: readonly UserId[]): Promise<ConversationRecord> {
    const { conversation } = await this.store.conversations.create({
      id,
      kind: "group",
      epoch: "e1",
      createdAt: this.clock.now(),
      members: members.map((member) => ({ user: member, role: "member" })),
    });
    return conversation;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
    await this.#opened.cleanup?.();
  }
}

export const user = (name: string): UserId => name as UserId;
export const room = (name: string): ConversationId => name as ConversationId;
export const key = (name: string): ClientId => name as ClientId;

export const alice: UserId = user("alice");
export const bob: UserId = user("bob");
export const carol: UserId = user("carol");
export const lobby: ConversationId = room("lobby");

export function says(text: string): LogBody {
  return { type: "message.created", content: { type: "text", text } };
}

export function bytes(content: Uint8Array): LogBody {
  return { type: "message.created", content: { type: "bytes", mime: "application/octet-stream", bytes: content } satisfies Content };
}

/** A draft; without a name for its key it has none, without roles no condition. */
export function draft(from: UserId, body: LogBody, clientId?: string, roles?: readonly Role[]): Draft {
  return { from, body, ...(clientId !== undefined && { clientId: key(clientId) }), ...(roles !== undefined && { roles }) };
}

/** The outcome's seq; fails the test if nothing was stored. */
export function storedSeq(outcome: AppendOutcome | undefined): number {
  assert.equal(outcome?.outcome, "stored");
  return outcome.outcome === "stored" ? outcome.entry.seq : 0;
}

/** A draft that is bound by the conversation's settings. */
export function asMember(from: UserId, body: LogBody, clientId?: string): Draft {
  return { ...draft(from, body, clientId), asMember: true };
}

/** All that is there of the log, page by page. */
export async function readLog(store: Store, id: ConversationId): Promise<LogEntry[]> {
  const log: LogEntry[] = [];
  for (;;) {
    const page = await store.log.readAfter(id, log.at(-1)?.seq ?? 0, 1_000);
    if (page.length === 0) return log;
    log.push(...page);
  }
}

export async function allMembers(store: Store, id: ConversationId): Promise<readonly MemberRecord[]> {
  return store.conversations.members(id, undefined, 10_000);
}

/** Dense from the floor on, in time's order, with the right ordinals, digests and hashes, and the conversation's head at its end (S1, S2, S31). */
export async function checkLog(store: Store, id: ConversationId): Promise<readonly LogEntry[]> {
  const log = await readLog(store, id);
  const conversation = await store.conversations.get(id);
  assert.ok(conversation);
  let { seq, ordinal, hash } = conversation.floor ?? { seq: 0, ordinal: 0, hash: emptyHash };
  let at = conversation.createdAt;
  for (const entry of log) {
    assert.equal(entry.seq, ++seq);
    assert.ok(entry.at >= at, "at went backwards");
    if (entry.body.type === "message.created") ordinal++;
    assert.equal(entry.ordinal, ordinal);
    if (!isErased(entry.body)) assert.equal(entry.digest, digestOf(entry.body));
    hash = chainHash(hash, entry);
    assert.equal(entry.hash, hash);
    at = entry.at;
  }
  // Nothing tells the time of an entry that is gone.
  assert.deepEqual(conversation.head, { seq, at: log.length === 0 ? conversation.head.at : at, ordinal, hash });
  return log;
}
