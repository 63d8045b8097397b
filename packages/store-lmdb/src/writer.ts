/**
 * Plans writes against what is planned already (records of commits under way included) and hands them to the
 * committer. Every method does all of its planning before its first await: the order of calls is the order
 * in the log (S9), and nothing can come between a check and what it allows.
 */
import { SudaError, type ClientId, type Clock, type ConversationId, type UserId } from "@suda/protocol";
import {
  emptyHash,
  patchFields,
  planAppend,
  type Annotation,
  type AppendOptions,
  type AppendOutcome,
  type AppendView,
  type ConversationRecord,
  type Draft,
  type LogEntry,
  type MemberRecord,
  type NewConversation,
  type UserPatch,
  type UserRecord,
} from "@suda/server/store";
import { notPlanned, type Committer } from "./committer.ts";
import { annotationKey, baseKey, changeKey, creationKey, entryKey, memberKey, membershipKey, reactionKey, sendKey, tailKey, userKey } from "./keys.ts";
import { conversationRecord, type Reader } from "./reader.ts";
import { RecordCache } from "./record-cache.ts";
import {
  decodeEntry,
  decodeRecord,
  encodeEntry,
  encodeRecord,
  memberOf,
  memberValue,
  type BaseRecord,
  type MemberValue,
  type MembershipValue,
  type TailRecord,
} from "./records.ts";

export interface WriterOptions {
  readonly committer: Committer;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly maxCachedRecords: number;
}

export class Writer {
  readonly #committer: Committer;
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #cache: RecordCache;
  #cacheGeneration = 0;

  constructor({ committer, reader, clock, maxCachedRecords }: WriterOptions) {
    this.#committer = committer;
    this.#reader = reader;
    this.#clock = clock;
    this.#cache = new RecordCache(maxCachedRecords);
  }

  async append(id: ConversationId, drafts: readonly Draft[], options: AppendOptions = {}): Promise<readonly AppendOutcome[]> {
    this.#committer.checkWritable();
    const before = this.#conversation(id);
    if (before === undefined) throw new SudaError("conversation.not_found");
    const view: AppendView = {
      conversation: before,
      member: (user) => this.#member(id, user),
      stored: (from, clientId) => this.#storedAs(id, from, clientId),
      entry: (seq) => (seq < 1 || seq > before.head.seq ? undefined : this.#entry(id, seq)),
      annotation: (target) => this.#annotation(id, target),
      hasReacted: (target, emoji, user) => this.#has(reactionKey(id, target, user, emoji)),
    };
    const { outcomes, entries, conversation, members, memberships, annotations, reactions, erased } = planAppend(view, drafts, {
      ...options,
      now: this.#clock.now(),
    });
    if (entries.length === 0) {
      // The answer may lean on entries that are not durable yet.
      await this.#committer.settled(tailKey(id));
      return outcomes;
    }
    // What cannot be encoded throws here, before anything is planned.
    const encoded = [...entries, ...erased].map((entry): [string, Buffer] => {
      const key = entryKey(id, entry.seq);
      return [key, encodeEntry(key, entry)];
    });
    if (hasOtherBase(before, conversation)) this.#putBase(id, baseOf(conversation));
    for (const [key, bytes] of encoded) this.#committer.put(key, bytes);
    for (const { from, clientId, seq } of entries) {
      if (clientId === undefined) continue;
      const key = sendKey(id, from, clientId);
      this.#committer.put(key, encodeRecord(key, seq));
    }
    this.#put(tailKey(id), tailOf(conversation));
    for (const [user, member] of members) {
      if (member === undefined) this.#remove(memberKey(id, user));
      else this.#put(memberKey(id, user), memberValue(member));
    }
    for (const [user, state] of memberships) this.#moveMembership(user, id, state);
    for (const [target, annotation] of annotations) this.#committer.put(annotationKey(id, target), annotation);
    for (const { target, emoji, user, isOn } of reactions) {
      const key = reactionKey(id, target, user, emoji);
      if (isOn) this.#committer.put(key, []);
      else this.#committer.remove(key);
    }
    await this.#committer.commit();
    return outcomes;
  }

  async create(creation: NewConversation): Promise<{ outcome: "created" | "existing"; conversation: ConversationRecord }> {
    const { id, key, members, ...base } = creation;
    this.#committer.checkWritable();
    const first = key === undefined ? undefined : (this.#record(creationKey(key.user, key.clientId)) as readonly [ConversationId] | undefined)?.[0];
    const existing = this.#conversation(first ?? id);
    if (existing !== undefined) {
      await this.#committer.settled(tailKey(existing.id));
      return { outcome: "existing", conversation: this.#reader.conversation(existing.id) ?? existing };
    }
    const roles = new Map<UserId, MemberValue>();
    for (const { user, role } of members) if (!roles.has(user)) roles.set(user, [role, creation.createdAt, 0, 0]);
    const tail: TailRecord = [0, creation.createdAt, 0, emptyHash, roles.size, 0];
    this.#putBase(id, base);
    this.#put(tailKey(id), tail);
    if (key !== undefined) this.#put(creationKey(key.user, key.clientId), [id]);
    for (const [user, value] of roles) {
      this.#put(memberKey(id, user), value);
      this.#moveMembership(user, id, "joined");
    }
    await this.#committer.commit();
    return { outcome: "created", conversation: conversationRecord(id, base, tail) };
  }

  async advanceRead(id: ConversationId, user: UserId, seq: number): Promise<MemberRecord | undefined> {
    const key = memberKey(id, user);
    const member = this.#member(id, user);
    // The durable head: a mark on what nobody has seen yet would be one on what may vanish.
    const readSeq = Math.min(seq, this.#reader.tail(id)?.[0] ?? 0);
    if (member === undefined || !(readSeq > member.readSeq)) {
      await this.#committer.settled(key);
      return member;
    }
    this.#committer.checkWritable();
    const advanced = { ...member, readSeq, readOrdinal: this.#reader.entry(id, readSeq).ordinal };
    this.#put(key, memberValue(advanced));
    this.#moveMembership(user, id, "joined");
    await this.#committer.commit();
    return advanced;
  }

  async ensureUsers(ids: readonly UserId[], at: number): Promise<void> {
    const fresh = new Set<UserId>();
    const waits: Promise<void>[] = [];
    for (const id of ids) {
      if (this.#user(id) === undefined) fresh.add(id);
      else waits.push(this.#committer.settled(userKey(id)));
    }
    if (fresh.size > 0) {
      this.#committer.checkWritable();
      for (const id of fresh) this.#committer.put(userKey(id), { id, createdAt: at } satisfies UserRecord);
      waits.push(this.#committer.commit());
    }
    // Safe in parallel: all are commits that are under way anyway.
    await Promise.all(waits);
  }

  async updateUser(id: UserId, patch: UserPatch, at: number): Promise<UserRecord> {
    this.#committer.checkWritable();
    const record: UserRecord = patchFields(this.#user(id) ?? { id, createdAt: at }, patch);
    encodeRecord(userKey(id), record);
    this.#committer.put(userKey(id), record);
    await this.#committer.commit();
    return record;
  }

  #conversation(id: ConversationId): ConversationRecord | undefined {
    const base = this.#record(baseKey(id)) as BaseRecord | undefined;
    const tail = this.#record(tailKey(id)) as TailRecord | undefined;
    // One without the other is damage: the reader says so.
    return base === undefined || tail === undefined ? this.#reader.conversation(id) : conversationRecord(id, base, tail);
  }

  #member(id: ConversationId, user: UserId): MemberRecord | undefined {
    const value = this.#record(memberKey(id, user)) as MemberValue | undefined;
    return value === undefined ? undefined : memberOf(user, value);
  }

  #user(id: UserId): UserRecord | undefined {
    const planned = this.#committer.planned(userKey(id));
    return planned === notPlanned ? this.#reader.user(id) : (planned as UserRecord | undefined);
  }

  #storedAs(id: ConversationId, from: UserId, clientId: ClientId): LogEntry | undefined {
    const key = sendKey(id, from, clientId);
    const planned = this.#committer.planned(key);
    const seq = planned === notPlanned ? this.#reader.record(key) : decodeRecord(key, planned as Buffer);
    return typeof seq === "number" ? this.#entry(id, seq) : undefined;
  }

  /** One that exists, durable or planned. */
  #entry(id: ConversationId, seq: number): LogEntry {
    const key = entryKey(id, seq);
    const planned = this.#committer.planned(key);
    return planned === notPlanned ? this.#reader.entry(id, seq) : decodeEntry(key, planned as Buffer);
  }

  #annotation(id: ConversationId, target: number): Annotation | undefined {
    const planned = this.#committer.planned(annotationKey(id, target));
    return planned === notPlanned ? this.#reader.annotation(id, target) : (planned as Annotation | undefined);
  }

  #has(key: string): boolean {
    const planned = this.#committer.planned(key);
    return (planned === notPlanned ? this.#reader.record(key) : planned) !== undefined;
  }

  #moveMembership(user: UserId, conversation: ConversationId, state: "joined" | "left"): void {
    const [change] = (this.#record(changeKey(user)) as readonly [number] | undefined) ?? [0];
    this.#put(changeKey(user), [change + 1]);
    this.#committer.put(membershipKey(user, conversation), [state, change + 1] satisfies MembershipValue);
  }

  #putBase(id: ConversationId, base: BaseRecord): void {
    // Custom data is the host's: what cannot be encoded must throw now and not spoil a commit of many.
    encodeRecord(baseKey(id), base);
    this.#put(baseKey(id), base);
  }

  /** The newest planned or durable value; cached, so for small records in frequent use only. */
  #record(key: string): object | undefined {
    this.#forgetFailed();
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const planned = this.#committer.planned(key);
    const record = (planned === notPlanned ? this.#reader.record(key) : planned) as object | undefined;
    if (record !== undefined) this.#cache.set(key, record);
    return record;
  }

  #put(key: string, record: object): void {
    this.#committer.put(key, record);
    this.#cache.set(key, record);
  }

  #remove(key: string): void {
    this.#committer.remove(key);
    this.#cache.delete(key);
  }

  /** After a failed commit the cache holds heads that never came to be. */
  #forgetFailed(): void {
    if (this.#cacheGeneration === this.#committer.generation) return;
    this.#cacheGeneration = this.#committer.generation;
    this.#cache.clear();
  }
}

function tailOf({ head, memberCount, membersSeq }: ConversationRecord): TailRecord {
  return [head.seq, head.at, head.ordinal, head.hash, memberCount, membersSeq];
}

function baseOf({ kind, epoch, createdAt, createdBy, title, avatar, data, pins }: ConversationRecord): BaseRecord {
  return {
    kind,
    epoch,
    createdAt,
    ...(createdBy !== undefined && { createdBy }),
    ...(title !== undefined && { title }),
    ...(avatar !== undefined && { avatar }),
    ...(data !== undefined && { data }),
    ...(pins !== undefined && { pins }),
  };
}

function hasOtherBase(before: ConversationRecord, after: ConversationRecord): boolean {
  return before.title !== after.title || before.avatar !== after.avatar || before.data !== after.data || before.pins !== after.pins;
}
