/**
 * The store in memory: a driver for tests and throw-away servers, and the yardstick of the others. Durable as
 * long as its object lives; everything else of the contract holds (docs/contracts/store.md, `storeSuite`).
 *
 * Each method does its work before it returns its promise, so calls take effect in the order in which they
 * are made and no other call can come between.
 */
import { SudaError, systemClock, type ClientId, type Clock, type ConversationId, type UserId } from "@suda/protocol";
import { countWithin, floorOf, keyOf, storedAs, withAnnotations, type MemoryConversation } from "./memory-conversation.ts";
import type { Controlled } from "./control.ts";
import type { DocumentStore } from "./document-store.ts";
import { memoryDocuments } from "./memory-documents.ts";
import { patchFields, planAppend } from "./plan-append.ts";
import { planCreation } from "./plan-creation.ts";
import { planDelivered, planRead, planSettings } from "./plan-member.ts";
import { planTruncation, withHides } from "./plan-truncation.ts";
import type {
  AppendOptions,
  AppendOutcome,
  ConversationRecord,
  ConversationStore,
  Draft,
  HideOutcome,
  LogEntry,
  LogStore,
  MemberPatch,
  MemberRecord,
  Membership,
  NewConversation,
  Store,
  UserPatch,
  UserRecord,
  UserStore,
} from "./store.ts";
import type { StoreStatus } from "./store-status.ts";

export interface MemoryStoreOptions {
  /** Gives `at` of entries. Default: the system's. */
  readonly clock?: Clock;
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
    truncate: async (conversation, before) => this.#truncate(conversation, before),
  };
  readonly conversations: ConversationStore = {
    create: async (conversation) => this.#create(conversation),
    get: async (id) => this.#open().get(id)?.record,
    getMany: async (ids) => ids.flatMap((id) => this.#open().get(id)?.record ?? []),
    list: async (after, limit) => this.#list(after, limit),
    member: async (id, user) => this.#open().get(id)?.members.get(user),
    getWithMember: async (id, user) => {
      const found = this.#open().get(id);
      return found && { conversation: found.record, member: found.members.get(user) };
    },
    members: async (id, after, limit) => this.#members(id, after, limit),
    memberships: async (user) => this.#membershipsOf(user),
    membership: async (user, id) => ({ change: this.#changeOf(user), membership: this.#userStates.get(user)?.memberships.get(id) }),
    change: async (user) => this.#changeOf(user),
    advanceRead: async (id, user, seq) => this.#advanceRead(id, user, seq),
    advanceDelivered: async (id, user, seq) => this.#changeMember(id, user, (member, { record }) => planDelivered(member, seq, record.head), "quiet"),
    updateMember: async (id, user, patch: MemberPatch) => this.#changeMember(id, user, (member) => planSettings(member, patch)),
    hideMessage: async (id, user, target) => this.#hideMessage(id, user, target),
    hiddenBy: async (id, user, seqs) => this.#hiddenBy(id, user, seqs),
    withRetention: async (after, limit) => this.#withRetention(after, limit),
    withControl: async (holder, after, limit) => this.#withControl(holder, after, limit),
  };
  readonly users: UserStore = {
    getMany: async (ids) => (this.#open(), ids.flatMap((id) => this.#users.get(id) ?? [])),
    ensure: async (ids, at) => this.#ensure(ids, at),
    update: async (id, patch, at) => this.#update(id, patch, at),
  };

  readonly documents: DocumentStore = memoryDocuments(() => void this.#open());

  readonly #clock: Clock;
  readonly #conversations = new Map<ConversationId, MemoryConversation>();
  /** Conversation ids in order; `undefined` after a creation. */
  #conversationOrder: ConversationId[] | undefined;
  /** Ids of the conversations with `retentionMs`, in order. */
  #retaining: ConversationId[] = [];
  /** Conversations that the bot is not in charge of, longest first. */
  readonly #controlled: Record<"human" | "none", readonly Controlled[]> = { human: [], none: [] };
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
    this.#retaining = [];
    this.#controlled.human = this.#controlled.none = [];
    this.#creations.clear();
    this.#users.clear();
    this.#userStates.clear();
  }

  #open(): Map<ConversationId, MemoryConversation> {
    if (this.#isClosed) throw new SudaError("store.failed", "The store is closed.");
    return this.#conversations;
  }

  #append(id: ConversationId, drafts: readonly Draft[], options: AppendOptions = {}): readonly AppendOutcome[] {
    const conversation = this.#open().get(id);
    if (conversation === undefined) throw new SudaError("conversation.not_found");
    const { log, keys, members, annotations, reactions, hidden } = conversation;
    const floor = floorOf(conversation);
    const view = {
      conversation: conversation.record,
      member: (user: UserId) => members.get(user),
      stored: (from: UserId, clientId: ClientId) => storedAs(conversation, keyOf(from, clientId)),
      entry: (seq: number) => log[seq - 1 - floor],
      annotation: (target: number) => annotations.get(target),
      hasReacted: (target: number, emoji: string, user: UserId) => reactions.get(target)?.get(user)?.has(emoji) === true,
      hides: (user: UserId) => hidden.get(user)?.size ?? 0,
    };
    const plan = planAppend(view, drafts, { ...options, now: this.#clock.now() });
    this.#retain(id, conversation.record, plan.conversation);
    this.#control(id, conversation.record, plan.conversation);
    conversation.record = plan.conversation;
    for (const entry of plan.entries) {
      log.push(entry);
      if (entry.clientId !== undefined) keys.set(keyOf(entry.from, entry.clientId), entry.seq);
    }
    for (const [user, member] of plan.members) {
      if (member === undefined) members.delete(user);
      else members.set(user, member);
    }
    for (const entry of plan.erased) log[entry.seq - 1 - floor] = entry;
    for (const [target, annotation] of plan.annotations) annotations.set(target, annotation);
    for (const { target, emoji, user, isOn } of plan.reactions) {
      const users = reactions.get(target) ?? new Map<UserId, Set<string>>();
      const emojis = users.get(user) ?? new Set();
      if (isOn) emojis.add(emoji);
      else emojis.delete(emoji);
      reactions.set(target, users.set(user, emojis));
    }
    if (plan.memberships.size > 0) conversation.memberOrder = undefined;
    for (const [user, state] of plan.memberships) this.#moveMembership(user, id, state);
    return plan.outcomes;
  }

  #readAfter(id: ConversationId, after: number, limit: number, maxBytes?: number): readonly LogEntry[] {
    checkLimit(limit, 1_000);
    const conversation = this.#open().get(id);
    const start = Math.max(after - floorOf(conversation), 0);
    const page = withAnnotations(conversation, conversation?.log.slice(start, start + limit) ?? []);
    return page.slice(0, countWithin(page, maxBytes));
  }

  #readBefore(id: ConversationId, before: number, limit: number, maxBytes?: number): readonly LogEntry[] {
    checkLimit(limit, 1_000);
    const conversation = this.#open().get(id);
    const log = conversation?.log ?? [];
    const end = Math.min(Math.max(before - 1 - floorOf(conversation), 0), log.length);
    const page = withAnnotations(conversation, log.slice(Math.max(end - limit, 0), end));
    return page.slice(page.length - countWithin(page.toReversed(), maxBytes));
  }

  #reactedBy(id: ConversationId, user: UserId, seqs: readonly number[]): ReadonlyMap<number, readonly string[]> {
    const reactions = this.#open().get(id)?.reactions;
    const reacted = new Map<number, readonly string[]>();
    for (const seq of seqs) {
      const emojis = reactions?.get(seq)?.get(user);
      if (emojis !== undefined && emojis.size > 0) reacted.set(seq, [...emojis].sort());
    }
    return reacted;
  }

  /** All in one: in memory there is no batch that could be too large. */
  #truncate(id: ConversationId, before: number): { removed: number; from: number } {
    const conversation = this.#open().get(id);
    if (conversation === undefined) throw new SudaError("conversation.not_found");
    const { log, members, annotations, hidden } = conversation;
    const floor = floorOf(conversation);
    const view = {
      conversation: conversation.record,
      entry: (seq: number) => log[seq - 1 - floor] as LogEntry,
      annotation: (target: number) => annotations.get(target),
      hideMarks: (first: number, last: number) =>
        [...hidden].flatMap(([user, seqs]) => [...seqs].filter((seq) => seq >= first && seq <= last).map((target) => ({ target, user }))),
      hides: (user: UserId) => hidden.get(user)?.size ?? 0,
      member: (user: UserId) => members.get(user),
    };
    const plan = planTruncation(view, Math.min(before - 1, conversation.record.head.seq), Infinity);
    if (plan === undefined) return { removed: 0, from: floor + 1 };
    for (const entry of plan.erased) log[entry.seq - 1 - floor] = entry;
    for (const { from, clientId, key } of plan.keys) conversation.keys.set(keyOf(from, clientId), key);
    for (const { target, user } of plan.hideMarks) hidden.get(user)?.delete(target);
    for (const [user, member] of plan.members) members.set(user, member);
    for (const { seq } of plan.removed) {
      annotations.delete(seq);
      conversation.reactions.delete(seq);
    }
    log.splice(0, plan.removed.length);
    conversation.record = plan.conversation;
    return { removed: plan.removed.length, from: floorOf(conversation) + 1 };
  }

  #create(creation: NewConversation): { outcome: "created" | "existing"; conversation: ConversationRecord } {
    const { key } = creation;
    const conversations = this.#open();
    const creationKey = key === undefined ? undefined : keyOf(key.user, key.clientId);
    const existing = conversations.get((creationKey === undefined ? undefined : this.#creations.get(creationKey)) ?? creation.id);
    if (existing !== undefined) return { outcome: "existing", conversation: existing.record };
    const { conversation: record, members } = planCreation(creation);
    conversations.set(creation.id, {
      record,
      log: [],
      members: new Map(members),
      memberOrder: undefined,
      keys: new Map(),
      annotations: new Map(),
      reactions: new Map(),
      hidden: new Map(),
    });
    this.#conversationOrder = undefined;
    if (creationKey !== undefined) this.#creations.set(creationKey, creation.id);
    this.#retain(creation.id, undefined, record);
    for (const user of members.keys()) this.#moveMembership(user, creation.id, "joined");
    return { outcome: "created", conversation: record };
  }

  /** Keeps the list of S33. */
  #retain(id: ConversationId, before: ConversationRecord | undefined, after: ConversationRecord): void {
    if ((before?.retentionMs === undefined) === (after.retentionMs === undefined)) return;
    const others = this.#retaining.filter((other) => other !== id);
    this.#retaining = after.retentionMs === undefined ? others : [...others, id].sort();
  }

  /** Keeps the lists of S41. */
  #control(id: ConversationId, { control: before }: ConversationRecord, { control: after }: ConversationRecord): void {
    if (before?.seq === after?.seq) return;
    if (before !== undefined && before.holder !== "bot") this.#controlled[before.holder] = this.#controlled[before.holder].filter((one) => one.id !== id);
    if (after !== undefined && after.holder !== "bot") this.#controlled[after.holder] = [...this.#controlled[after.holder], { id, at: after.at }].sort(byTime);
  }

  #withControl(holder: "human" | "none", after: Controlled | undefined, limit: number): readonly Controlled[] {
    checkLimit(limit, 1_000);
    this.#open();
    const listed = this.#controlled[holder];
    return (after === undefined ? listed : listed.filter((one) => byTime(one, after) > 0)).slice(0, limit);
  }

  #withRetention(after: ConversationId | undefined, limit: number): readonly ConversationId[] {
    checkLimit(limit, 1_000);
    this.#open();
    return pageAfter(this.#retaining, after, limit);
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
    return { change: this.#changeOf(user), memberships: [...(this.#userStates.get(user)?.memberships.values() ?? [])] };
  }

  #changeOf(user: UserId): number {
    this.#open();
    return this.#userStates.get(user)?.change ?? 0;
  }

  #advanceRead(id: ConversationId, user: UserId, seq: number): MemberRecord | undefined {
    return this.#changeMember(id, user, (member, conversation) => {
      const { head, floor } = conversation.record;
      const ordinalAt = (at: number): number => conversation.log[at - 1 - floorOf(conversation)]?.ordinal ?? 0;
      return planRead(member, seq, { head, floor, ordinalAt });
    });
  }

  /** `quiet` moves no change counter. */
  #changeMember(
    id: ConversationId,
    user: UserId,
    change: (member: MemberRecord, conversation: MemoryConversation) => MemberRecord,
    loudness?: "quiet",
  ): MemberRecord | undefined {
    const conversation = this.#open().get(id);
    const member = conversation?.members.get(user);
    if (conversation === undefined || member === undefined) return undefined;
    const changed = change(member, conversation);
    if (changed === member) return member;
    conversation.members.set(user, changed);
    if (loudness !== "quiet") this.#moveMembership(user, id, "joined");
    return changed;
  }

  #hideMessage(id: ConversationId, user: UserId, target: number): HideOutcome | undefined {
    const conversation = this.#open().get(id);
    if (conversation?.members.has(user) !== true) return undefined;
    if (conversation.log[target - 1 - floorOf(conversation)]?.body.type !== "message.created") return "no_message";
    const hidden = conversation.hidden.get(user) ?? new Set();
    if (hidden.has(target)) return "unchanged";
    conversation.hidden.set(user, hidden.add(target));
    this.#changeMember(id, user, (member) => withHides(member, hidden.size));
    return "hidden";
  }

  #hiddenBy(id: ConversationId, user: UserId, seqs: readonly number[]): ReadonlySet<number> {
    const hidden = this.#open().get(id)?.hidden.get(user);
    return new Set(hidden === undefined ? [] : seqs.filter((seq) => hidden.has(seq)));
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

function checkLimit(limit: number, max: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > max) throw new RangeError(`limit must be 1–${max}, not ${limit}.`);
}

function byTime(one: Controlled, other: Controlled): number {
  return one.at - other.at || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
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
