/**
 * The store in memory: a driver for tests and throw-away servers, and the yardstick of the others. Durable as
 * long as its object lives; everything else of the contract holds (docs/contracts/store.md, `storeSuite`).
 *
 * Each method does its work before it returns its promise, so calls take effect in the order in which they
 * are made and no other call can come between.
 */
import { SudaError, systemClock, type ClientId, type Clock, type ConversationId, type UserId } from "@suda/protocol";
import { emptyHash } from "./log-entry.ts";
import { patchFields, planAppend } from "./plan-append.ts";
import type {
  Annotation,
  AppendOptions,
  AppendOutcome,
  ConversationRecord,
  ConversationStore,
  Draft,
  LogEntry,
  LogStore,
  MemberRecord,
  Membership,
  NewConversation,
  Store,
  StoreStatus,
  UserPatch,
  UserRecord,
  UserStore,
} from "./store.ts";

export interface MemoryStoreOptions {
  /** Gives `at` of entries. Default: the system's. */
  readonly clock?: Clock;
}

interface Conversation {
  record: ConversationRecord;
  readonly log: LogEntry[];
  readonly members: Map<UserId, MemberRecord>;
  /** User ids in order; `undefined` after somebody joined or left. */
  memberOrder: UserId[] | undefined;
  /** `from\nclientId` → seq. */
  readonly keys: Map<string, number>;
  readonly annotations: Map<number, Annotation>;
  /** `seq\nuser` → emoji. */
  readonly reactions: Map<string, Set<string>>;
}

interface UserState {
  change: number;
  readonly memberships: Map<ConversationId, Membership>;
}

export class MemoryStore implements Store {
  readonly log: LogStore = {
    append: async (conversation, drafts, options) => this.#append(conversation, drafts, options),
    readAfter: async (conversation, after, limit, maxBytes) => this.#readAfter(conversation, after, limit, maxBytes),
    readBefore: async (conversation, before, limit, maxBytes) => this.#readBefore(conversation, before, limit, maxBytes),
    reactedBy: async (conversation, user, seqs) => this.#reactedBy(conversation, user, seqs),
  };
  readonly conversations: ConversationStore = {
    create: async (conversation) => this.#create(conversation),
    get: async (id) => this.#open().get(id)?.record,
    getMany: async (ids) => ids.flatMap((id) => this.#open().get(id)?.record ?? []),
    list: async (after, limit) => this.#list(after, limit),
    member: async (id, user) => this.#open().get(id)?.members.get(user),
    members: async (id, after, limit) => this.#members(id, after, limit),
    memberships: async (user) => this.#membershipsOf(user),
    advanceRead: async (id, user, seq) => this.#advanceRead(id, user, seq),
  };
  readonly users: UserStore = {
    getMany: async (ids) => (this.#open(), ids.flatMap((id) => this.#users.get(id) ?? [])),
    ensure: async (ids, at) => this.#ensure(ids, at),
    update: async (id, patch, at) => this.#update(id, patch, at),
  };

  readonly #clock: Clock;
  readonly #conversations = new Map<ConversationId, Conversation>();
  /** Conversation ids in order; `undefined` after a creation. */
  #conversationOrder: ConversationId[] | undefined;
  /** `user\nclientId` of a creation → its conversation. */
  readonly #creations = new Map<string, ConversationId>();
  readonly #users = new Map<UserId, UserRecord>();
  readonly #userStates = new Map<UserId, UserState>();
  #isClosed = false;

  constructor(options: MemoryStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock;
  }

  status(): StoreStatus {
    return { state: this.#isClosed ? "closed" : "ready" };
  }

  /** Forgets everything. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#conversations.clear();
    this.#conversationOrder = undefined;
    this.#creations.clear();
    this.#users.clear();
    this.#userStates.clear();
  }

  #open(): Map<ConversationId, Conversation> {
    if (this.#isClosed) throw new SudaError("store.failed", "The store is closed.");
    return this.#conversations;
  }

  #append(id: ConversationId, drafts: readonly Draft[], options: AppendOptions = {}): readonly AppendOutcome[] {
    const conversation = this.#open().get(id);
    if (conversation === undefined) throw new SudaError("conversation.not_found");
    const { log, keys, members, annotations, reactions } = conversation;
    const view = {
      conversation: conversation.record,
      member: (user: UserId) => members.get(user),
      stored: (from: UserId, clientId: ClientId) => log[(keys.get(keyOf(from, clientId)) ?? 0) - 1],
      entry: (seq: number) => log[seq - 1],
      annotation: (target: number) => annotations.get(target),
      hasReacted: (target: number, emoji: string, user: UserId) => reactions.get(`${target}\n${user}`)?.has(emoji) === true,
    };
    const plan = planAppend(view, drafts, { ...options, now: this.#clock.now() });
    conversation.record = plan.conversation;
    for (const entry of plan.entries) {
      log.push(entry);
      if (entry.clientId !== undefined) keys.set(keyOf(entry.from, entry.clientId), entry.seq);
    }
    for (const [user, member] of plan.members) {
      if (member === undefined) members.delete(user);
      else members.set(user, member);
    }
    for (const entry of plan.erased) log[entry.seq - 1] = entry;
    for (const [target, annotation] of plan.annotations) annotations.set(target, annotation);
    for (const { target, emoji, user, isOn } of plan.reactions) {
      const emojis = reactions.get(`${target}\n${user}`) ?? new Set();
      if (isOn) emojis.add(emoji);
      else emojis.delete(emoji);
      reactions.set(`${target}\n${user}`, emojis);
    }
    if (plan.memberships.size > 0) conversation.memberOrder = undefined;
    for (const [user, state] of plan.memberships) this.#moveMembership(user, id, state);
    return plan.outcomes;
  }

  #readAfter(id: ConversationId, after: number, limit: number, maxBytes?: number): readonly LogEntry[] {
    checkLimit(limit, 1_000);
    const conversation = this.#open().get(id);
    const page = withAnnotations(conversation, conversation?.log.slice(Math.max(after, 0), Math.max(after, 0) + limit) ?? []);
    return page.slice(0, countWithin(page, maxBytes));
  }

  #readBefore(id: ConversationId, before: number, limit: number, maxBytes?: number): readonly LogEntry[] {
    checkLimit(limit, 1_000);
    const conversation = this.#open().get(id);
    const log = conversation?.log ?? [];
    const end = Math.min(Math.max(before - 1, 0), log.length);
    const page = withAnnotations(conversation, log.slice(Math.max(end - limit, 0), end));
    return page.slice(page.length - countWithin(page.toReversed(), maxBytes));
  }

  #reactedBy(id: ConversationId, user: UserId, seqs: readonly number[]): ReadonlyMap<number, readonly string[]> {
    const reactions = this.#open().get(id)?.reactions;
    const reacted = new Map<number, readonly string[]>();
    for (const seq of seqs) {
      const emojis = reactions?.get(`${seq}\n${user}`);
      if (emojis !== undefined && emojis.size > 0) reacted.set(seq, [...emojis].sort());
    }
    return reacted;
  }

  #create(creation: NewConversation): { outcome: "created" | "existing"; conversation: ConversationRecord } {
    const { key, members, ...fields } = creation;
    const conversations = this.#open();
    const creationKey = key === undefined ? undefined : keyOf(key.user, key.clientId);
    const existing = conversations.get((creationKey === undefined ? undefined : this.#creations.get(creationKey)) ?? creation.id);
    if (existing !== undefined) return { outcome: "existing", conversation: existing.record };
    const at = creation.createdAt;
    const first = new Map<UserId, MemberRecord>();
    for (const { user, role } of members) if (!first.has(user)) first.set(user, { user, role, joinedAt: at, readSeq: 0, readOrdinal: 0 });
    const record: ConversationRecord = { ...fields, memberCount: first.size, membersSeq: 0, head: { seq: 0, at, ordinal: 0, hash: emptyHash } };
    conversations.set(creation.id, { record, log: [], members: first, memberOrder: undefined, keys: new Map(), annotations: new Map(), reactions: new Map() });
    this.#conversationOrder = undefined;
    if (creationKey !== undefined) this.#creations.set(creationKey, creation.id);
    for (const user of first.keys()) this.#moveMembership(user, creation.id, "joined");
    return { outcome: "created", conversation: record };
  }

  #list(after: ConversationId | undefined, limit: number): readonly ConversationId[] {
    checkLimit(limit, 1_000);
    this.#conversationOrder ??= [...this.#open().keys()].sort();
    return pageAfter(this.#conversationOrder, after, limit);
  }

  #members(id: ConversationId, after: UserId | undefined, limit: number): readonly MemberRecord[] {
    checkLimit(limit, 10_000);
    const conversation = this.#open().get(id);
    if (conversation === undefined) return [];
    conversation.memberOrder ??= [...conversation.members.keys()].sort();
    return pageAfter(conversation.memberOrder, after, limit).flatMap((user) => conversation.members.get(user) ?? []);
  }

  #membershipsOf(user: UserId): { change: number; memberships: readonly Membership[] } {
    this.#open();
    const state = this.#userStates.get(user);
    return { change: state?.change ?? 0, memberships: [...(state?.memberships.values() ?? [])] };
  }

  #advanceRead(id: ConversationId, user: UserId, seq: number): MemberRecord | undefined {
    const conversation = this.#open().get(id);
    const member = conversation?.members.get(user);
    if (conversation === undefined || member === undefined) return undefined;
    const readSeq = Math.min(seq, conversation.record.head.seq);
    if (!(readSeq > member.readSeq)) return member;
    const advanced = { ...member, readSeq, readOrdinal: conversation.log[readSeq - 1]?.ordinal ?? 0 };
    conversation.members.set(user, advanced);
    this.#moveMembership(user, id, "joined");
    return advanced;
  }

  #ensure(ids: readonly UserId[], at: number): void {
    this.#open();
    for (const id of ids) if (!this.#users.has(id)) this.#users.set(id, { id, createdAt: at });
  }

  #update(id: UserId, patch: UserPatch, at: number): UserRecord {
    this.#open();
    const record = patchFields(this.#users.get(id) ?? { id, createdAt: at }, patch);
    this.#users.set(id, record);
    return record;
  }

  #moveMembership(user: UserId, conversation: ConversationId, state: "joined" | "left"): void {
    let userState = this.#userStates.get(user);
    if (userState === undefined) {
      userState = { change: 0, memberships: new Map() };
      this.#userStates.set(user, userState);
    }
    userState.change++;
    userState.memberships.set(conversation, { conversation, state, change: userState.change });
  }
}

/** Neither id can contain a newline. */
function keyOf(user: UserId, clientId: ClientId): string {
  return `${user}\n${clientId}`;
}

function checkLimit(limit: number, max: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > max) throw new RangeError(`limit must be 1–${max}, not ${limit}.`);
}

function pageAfter<T extends string>(ordered: readonly T[], after: T | undefined, limit: number): readonly T[] {
  if (after === undefined) return ordered.slice(0, limit);
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ordered[middle] ?? after) <= after) low = middle + 1;
    else high = middle;
  }
  return ordered.slice(low, low + limit);
}

function withAnnotations(conversation: Conversation | undefined, entries: readonly LogEntry[]): readonly LogEntry[] {
  if (conversation === undefined || conversation.annotations.size === 0) return entries;
  return entries.map((entry) => {
    const annotation = conversation.annotations.get(entry.seq);
    return annotation === undefined ? entry : { ...entry, annotation };
  });
}

/** How many of the entries fit into `maxBytes`, but at least one. */
function countWithin(entries: readonly LogEntry[], maxBytes: number | undefined): number {
  if (maxBytes === undefined) return entries.length;
  let bytes = 0;
  for (const [index, entry] of entries.entries()) {
    bytes += bytesOf(entry.body) + (entry.annotation === undefined ? 0 : bytesOf(entry.annotation));
    if (bytes > maxBytes && index > 0) return index;
  }
  return entries.length;
}

/** About what the value would take as MessagePack; memory has no stored form to measure. */
function bytesOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value) + 2;
  if (value instanceof Uint8Array) return value.byteLength + 3;
  if (typeof value !== "object" || value === null) return 5;
  let bytes = 1;
  for (const [key, field] of Object.entries(value)) bytes += (Array.isArray(value) ? 0 : key.length + 1) + bytesOf(field);
  return bytes;
}
