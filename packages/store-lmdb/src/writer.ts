/**
 * Plans writes against what is planned already (records of commits under way included) and hands them to the
 * committer. Every method does all of its planning before its first await: the order of calls is the order
 * in the log (S9), and nothing can come between a check and what it allows.
 */
import { SudaError, type Clock, type ConversationId, type UserId } from "@suda/protocol";
import {
  patchFields,
  planAppend,
  planCreation,
  planDelivered,
  planRead,
  planSettings,
  withHides,
  type AppendOptions,
  type AppendOutcome,
  type AppendView,
  type ConversationRecord,
  type Draft,
  type HideOutcome,
  type MemberPatch,
  type MemberRecord,
  type NewConversation,
  type UserPatch,
  type UserRecord,
} from "@suda/server/store";
import type { Committer } from "./committer.ts";
import { annotationKey, creationKey, entryKey, hideKey, memberKey, reactionKey, sendKey, tailKey, userKey } from "./keys.ts";
import type { PlannedRecords } from "./planned-records.ts";
import type { Reader } from "./reader.ts";
import { encodeEntry, encodeRecord, floorOf } from "./records.ts";

export interface WriterOptions {
  readonly committer: Committer;
  readonly reader: Reader;
  readonly records: PlannedRecords;
  readonly clock: Clock;
}

export class Writer {
  readonly #committer: Committer;
  readonly #reader: Reader;
  readonly #records: PlannedRecords;
  readonly #clock: Clock;

  constructor({ committer, reader, records, clock }: WriterOptions) {
    this.#committer = committer;
    this.#reader = reader;
    this.#records = records;
    this.#clock = clock;
  }

  async append(id: ConversationId, drafts: readonly Draft[], options: AppendOptions = {}): Promise<readonly AppendOutcome[]> {
    this.#committer.checkWritable();
    const records = this.#records;
    const before = records.conversation(id);
    if (before === undefined) throw new SudaError("conversation.not_found");
    const view: AppendView = {
      conversation: before,
      member: (user) => records.member(id, user),
      stored: (from, clientId) => records.storedAs(id, from, clientId),
      entry: (seq) => (seq < 1 || seq > before.head.seq ? undefined : records.entry(id, seq)),
      annotation: (target) => records.annotation(id, target),
      hasReacted: (target, emoji, user) => records.has(reactionKey(id, target, user, emoji)),
      hides: (user) => records.hides(id, user),
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
    records.putConversation(before, conversation);
    for (const [key, bytes] of encoded) this.#committer.put(key, bytes);
    for (const { from, clientId, seq } of entries) {
      if (clientId === undefined) continue;
      const key = sendKey(id, from, clientId);
      this.#committer.put(key, encodeRecord(key, seq));
    }
    for (const [user, member] of members) records.putMember(id, user, member);
    for (const [user, state] of memberships) records.moveMembership(user, id, state);
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
    const { key } = creation;
    const records = this.#records;
    this.#committer.checkWritable();
    const first = key === undefined ? undefined : (records.record(creationKey(key.user, key.clientId)) as readonly [ConversationId] | undefined)?.[0];
    const existing = records.conversation(first ?? creation.id);
    if (existing !== undefined) {
      await this.#committer.settled(tailKey(existing.id));
      return { outcome: "existing", conversation: this.#reader.conversation(existing.id) ?? existing };
    }
    const { conversation, members } = planCreation(creation);
    const { id } = conversation;
    records.putConversation(undefined, conversation);
    if (key !== undefined) records.put(creationKey(key.user, key.clientId), [id]);
    for (const [user, member] of members) {
      records.putMember(id, user, member);
      records.moveMembership(user, id, "joined");
    }
    await this.#committer.commit();
    return { outcome: "created", conversation };
  }

  async advanceRead(id: ConversationId, user: UserId, seq: number): Promise<MemberRecord | undefined> {
    // The durable head: a mark on what nobody has seen yet would be one on what may vanish.
    const [headSeq = 0, , , , , , floor] = this.#reader.tail(id) ?? [];
    const ordinalAt = (at: number): number => this.#reader.entry(id, at).ordinal;
    const view = { head: { seq: headSeq }, floor: floor === undefined || floor === null ? undefined : floorOf(floor), ordinalAt };
    return this.#changeMember(id, user, (member) => planRead(member, seq, view));
  }

  async advanceDelivered(id: ConversationId, user: UserId, seq: number): Promise<MemberRecord | undefined> {
    const [headSeq = 0] = this.#reader.tail(id) ?? [];
    return this.#changeMember(id, user, (member) => planDelivered(member, seq, { seq: headSeq }), "quiet");
  }

  async updateMember(id: ConversationId, user: UserId, patch: MemberPatch): Promise<MemberRecord | undefined> {
    return this.#changeMember(id, user, (member) => planSettings(member, patch));
  }

  async hideMessage(id: ConversationId, user: UserId, target: number): Promise<HideOutcome | undefined> {
    const records = this.#records;
    const conversation = records.conversation(id);
    const member = records.member(id, user);
    if (conversation === undefined || member === undefined) {
      await this.#committer.settled(memberKey(id, user));
      return undefined;
    }
    const isThere = Number.isInteger(target) && target > (conversation.floor?.seq ?? 0) && target <= (this.#reader.tail(id)?.[0] ?? 0);
    if (!isThere || records.entry(id, target).body.type !== "message.created") {
      // The floor that it is below of may be under way.
      await this.#committer.settled(tailKey(id));
      return "no_message";
    }
    const key = hideKey(id, target, user);
    if (records.has(key)) {
      await this.#committer.settled(key);
      return "unchanged";
    }
    this.#committer.checkWritable();
    const hides = records.hides(id, user) + 1;
    this.#committer.put(key, []);
    records.putHides(id, user, hides);
    await this.#changeMember(id, user, (before) => withHides(before, hides));
    return "hidden";
  }

  /** All of its planning before the first await, as every write. `quiet` moves no change counter. */
  async #changeMember(id: ConversationId, user: UserId, change: (member: MemberRecord) => MemberRecord, loudness?: "quiet"): Promise<MemberRecord | undefined> {
    const member = this.#records.member(id, user);
    const changed = member === undefined ? undefined : change(member);
    if (changed === undefined || changed === member) {
      await this.#committer.settled(memberKey(id, user));
      return member;
    }
    this.#committer.checkWritable();
    this.#records.putMember(id, user, changed);
    if (loudness !== "quiet") this.#records.moveMembership(user, id, "joined");
    await this.#committer.commit();
    return changed;
  }

  async ensureUsers(ids: readonly UserId[], at: number): Promise<void> {
    const fresh = new Set<UserId>();
    const waits: Promise<void>[] = [];
    for (const id of ids) {
      if (this.#records.user(id) === undefined) fresh.add(id);
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
    const record: UserRecord = patchFields(this.#records.user(id) ?? { id, createdAt: at }, patch);
    encodeRecord(userKey(id), record);
    this.#committer.put(userKey(id), record);
    await this.#committer.commit();
    return record;
  }
}
