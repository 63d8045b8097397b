/**
 * Whether everything in a store agrees with everything else: logs with their hashes, members with the log,
 * read marks with the ordinals, memberships with members. Works on the contract alone, so it checks every
 * driver; what a driver cannot read (S17) becomes a finding with its place, and the check goes on behind it.
 *
 * Used by `suda verify`, the kill test and the simulation. Reads only. Nothing may write meanwhile.
 */
import type { ConversationId, UserId } from "@suda/protocol";
import { chainHash, digestOf, emptyHash, isCountable } from "./log-entry.ts";
import { MembersReplay } from "./replay-members.ts";
import type { ConversationRecord, Head, LogBody, LogEntry, MemberRecord, Store } from "./store.ts";

export type FindingKind =
  /** The driver says that a record is damaged. */
  | "record.damaged"
  /** Seqs are not 1, 2, 3… up to the head. */
  | "log.hole"
  /** The body is not what its digest says. */
  | "log.digest"
  /** The rolling hash does not follow from the entry before. */
  | "log.hash"
  /** `at` goes backwards. */
  | "log.time"
  /** One (sender, clientId) is there twice. */
  | "log.key"
  /** The count of messages does not go on by what the entry counts. */
  | "log.ordinal"
  /** The conversation's head is not its last entry. */
  | "head.differs"
  /** Title, avatar, data, member count or `membersSeq` are not what the log leads to. */
  | "conversation.differs"
  /** Who is a member, with which role or since when, is not what the log leads to. */
  | "member.differs"
  /** A read mark is beyond the head or behind what the member wrote. */
  | "read.differs"
  /** A recount gives another number of unread messages. */
  | "unread.differs"
  /** A user's list of conversations does not agree with their members. */
  | "membership.differs";

export interface Finding {
  readonly kind: FindingKind;
  readonly conversation?: ConversationId;
  readonly seq?: number;
  readonly user?: UserId;
  /** For people; names no content. */
  readonly message: string;
}

export interface Verified {
  readonly conversations: number;
  readonly entries: number;
  readonly findings: number;
}

/** Entries and members of one page; a page of entries also ends at so many bytes. */
const pageMax = 1_000;
const pageMaxBytes = 4_194_304;

/**
 * Checks every conversation and every user named in one. Holds one conversation's keys and, of all of them, who
 * is a member where; never a whole log.
 * @param onFinding called for each, in the order of conversations
 * @throws what the store throws, but for damaged records
 */
export async function verifyStore(store: Store, onFinding: (finding: Finding) => void): Promise<Verified> {
  const verifier = new Verifier(store, onFinding);
  await verifier.run();
  return { conversations: verifier.conversations, entries: verifier.entries, findings: verifier.findings };
}

class Verifier {
  conversations = 0;
  entries = 0;
  findings = 0;
  readonly #store: Store;
  readonly #onFinding: (finding: Finding) => void;
  /** Of everybody who was named anywhere: the conversations in whose table of members they are. */
  readonly #memberOf = new Map<UserId, Set<ConversationId>>();

  constructor(store: Store, onFinding: (finding: Finding) => void) {
    this.#store = store;
    this.#onFinding = onFinding;
  }

  async run(): Promise<void> {
    let after: ConversationId | undefined;
    for (;;) {
      const from = after;
      const page = await this.#attempt(() => this.#store.conversations.list(from, pageMax));
      if (page === undefined || page.length === 0) break;
      for (const id of page) await this.#conversation(id);
      after = page.at(-1);
    }
    for (const [user, joined] of this.#memberOf) await this.#memberships(user, joined);
  }

  #report(kind: FindingKind, place: Pick<Finding, "conversation" | "seq" | "user">, message: string): void {
    this.findings++;
    this.#onFinding({ kind, ...place, message });
  }

  /** What was read, or `undefined` after a finding: the record is damaged. */
  async #attempt<T>(read: () => Promise<T>, place: Pick<Finding, "conversation" | "seq" | "user"> = {}): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      // Of every driver that keeps checksums; the store cannot see their classes.
      const damage = error as { code?: unknown; conversation?: ConversationId; seq?: number; message: string };
      if (damage.code !== "store.corrupt") throw error;
      const { conversation = place.conversation, seq = place.seq } = damage;
      this.#report(
        "record.damaged",
        { ...place, ...(conversation === undefined ? {} : { conversation }), ...(seq === undefined ? {} : { seq }) },
        damage.message.replace(/\. Run .*$/s, "."),
      );
      return undefined;
    }
  }

  // ── one conversation ────────────────────────────────────────────────────────────────────────────────

  async #conversation(id: ConversationId): Promise<void> {
    this.conversations++;
    const record = await this.#attempt(() => this.#store.conversations.get(id), { conversation: id });
    if (record === undefined) return;
    const log = new LogCheck(record, (kind, seq, message) => this.#report(kind, { conversation: id, seq }, message));
    const isWhole = await this.#readLog(record, log);
    const members = await this.#members(id);
    this.entries += log.count;
    for (const user of log.replay.users.keys()) this.#named(user);
    if (members !== undefined) for (const { user } of members) this.#named(user).add(id);
    // Without one of the two there is nothing to compare the other with.
    if (!isWhole || members === undefined) return;
    log.checkEnd();
    this.#checkRecord(record, { log, memberCount: members.length });
    this.#checkMembers(record, { log, members });
  }

  #named(user: UserId): Set<ConversationId> {
    let joined = this.#memberOf.get(user);
    if (joined === undefined) this.#memberOf.set(user, (joined = new Set()));
    return joined;
  }

  /** Whether every entry up to the head could be read. */
  async #readLog({ id, head }: ConversationRecord, log: LogCheck): Promise<boolean> {
    let isWhole = true;
    for (let after = 0; after < head.seq; ) {
      const from = after;
      const page = await this.#readPage(id, from);
      if (page === "damaged") {
        // One by one up to the damaged entry, then on behind it.
        const [next] = (await this.#attempt(() => this.#store.log.readAfter(id, from, 1), { conversation: id, seq: from + 1 })) ?? [];
        if (next === undefined) log.skip();
        else log.apply(next);
        isWhole &&= next !== undefined;
        after = Math.max(next?.seq ?? 0, from + 1);
        continue;
      }
      for (const entry of page) log.apply(entry);
      const last = page.at(-1)?.seq;
      // The driver has no more, or turns in a circle: the end is compared with the head.
      if (last === undefined || last <= from) break;
      after = last;
    }
    return isWhole;
  }

  async #readPage(id: ConversationId, after: number): Promise<readonly LogEntry[] | "damaged"> {
    try {
      return await this.#store.log.readAfter(id, after, pageMax, pageMaxBytes);
    } catch (error) {
      if ((error as { code?: unknown }).code === "store.corrupt") return "damaged";
      throw error;
    }
  }

  async #members(id: ConversationId): Promise<readonly MemberRecord[] | undefined> {
    const members: MemberRecord[] = [];
    for (;;) {
      const page = await this.#attempt(() => this.#store.conversations.members(id, members.at(-1)?.user, pageMax), { conversation: id });
      if (page === undefined) return undefined;
      members.push(...page);
      if (page.length < pageMax) return members;
    }
  }

  #checkRecord(record: ConversationRecord, { log, memberCount }: { log: LogCheck; memberCount: number }): void {
    const place = { conversation: record.id, seq: record.head.seq };
    const { replay } = log;
    for (const [field, value] of Object.entries(replay.patched)) {
      const stored = (record as unknown as Readonly<Record<string, unknown>>)[field] ?? null;
      if (!isSame(stored, value)) this.#report("conversation.differs", place, `its ${field} is not what its last change in the log says`);
    }
    if (record.memberCount !== memberCount) this.#report("conversation.differs", place, `it counts ${record.memberCount} members and has ${memberCount}`);
    if (record.membersSeq < replay.lastChange || !replay.possibleChanges.has(record.membersSeq))
      this.#report("conversation.differs", place, `its last change of members cannot be seq ${record.membersSeq}`);
  }

  #checkMembers(record: ConversationRecord, { log, members }: { log: LogCheck; members: readonly MemberRecord[] }): void {
    const present = new Set<UserId>();
    for (const member of members) {
      const { user } = member;
      const place = { conversation: record.id, user };
      present.add(user);
      const told = log.replay.users.get(user);
      if (told?.isMember === false) this.#report("member.differs", place, `${user} left and is a member`);
      if (told?.role !== undefined && told.role !== member.role) this.#report("member.differs", place, `${user} was made ${told.role} and is ${member.role}`);
      const since = told?.isMember === undefined ? record.createdAt : told.joined?.at;
      if (since !== undefined && since !== member.joinedAt)
        this.#report("member.differs", place, `${user} joined at ${since}, and the record says ${member.joinedAt}`);
      this.#checkRead(record, { member, log, readAtLeast: told?.readAtLeast ?? 0 });
    }
    for (const [user, { isMember }] of log.replay.users)
      if (isMember === true && !present.has(user)) this.#report("member.differs", { conversation: record.id, user }, `${user} joined and is no member`);
  }

  #checkRead({ id, head }: ConversationRecord, { member, log, readAtLeast }: { member: MemberRecord; log: LogCheck; readAtLeast: number }): void {
    const { user, readSeq, readOrdinal } = member;
    const place = { conversation: id, user, seq: readSeq };
    if (readSeq > head.seq || readSeq < readAtLeast)
      return this.#report("read.differs", place, `${user} has read up to seq ${readSeq}; it must be from ${readAtLeast} to ${head.seq}`);
    const unread = log.countAfter(readSeq);
    if (head.ordinal - readOrdinal !== unread)
      this.#report("unread.differs", place, `${user} has ${unread} unread messages by a recount, and ${head.ordinal - readOrdinal} by the marks`);
  }

  // ── one user ────────────────────────────────────────────────────────────────────────────────────────

  async #memberships(user: UserId, joined: ReadonlySet<ConversationId>): Promise<void> {
    const list = await this.#attempt(() => this.#store.conversations.memberships(user), { user });
    if (list === undefined) return;
    const stamps = new Set<number>();
    const listed = new Set<ConversationId>();
    for (const { conversation, state, change } of list.memberships) {
      const place = { conversation, user };
      if (state === "joined") listed.add(conversation);
      if (state === "joined" && !joined.has(conversation)) this.#report("membership.differs", place, `${user} lists it and is no member of it`);
      if (change > list.change || stamps.has(change))
        this.#report("membership.differs", place, `its change ${change} in ${user}'s list is beyond the counter ${list.change} or there twice`);
      stamps.add(change);
    }
    for (const conversation of joined)
      if (!listed.has(conversation)) this.#report("membership.differs", { conversation, user }, `${user} is a member of it and does not list it`);
  }
}

/** One log, entry by entry. */
class LogCheck {
  readonly replay = new MembersReplay();
  count = 0;
  readonly #record: ConversationRecord;
  readonly #report: (kind: FindingKind, seq: number, message: string) => void;
  readonly #keys = new Map<string, number>();
  /** Seqs of what counts as unread, ascending. */
  readonly #countable: number[] = [];
  /** The entry before; `undefined` behind one that could not be read. */
  #before: Head | undefined;

  constructor(record: ConversationRecord, report: (kind: FindingKind, seq: number, message: string) => void) {
    this.#record = record;
    this.#report = report;
    this.#before = { seq: 0, at: record.createdAt, ordinal: 0, hash: emptyHash };
  }

  /** The entry could not be read, which has been told. */
  skip(): void {
    this.#before = undefined;
  }

  apply(entry: LogEntry): void {
    const { seq, at, from, clientId, body, digest, hash, ordinal } = entry;
    this.count++;
    if (!isErased(body) && digestOf(body) !== digest) this.#report("log.digest", seq, "its body is not what its digest says");
    const before = this.#before;
    if (before !== undefined) {
      if (seq !== before.seq + 1) this.#report("log.hole", seq, `seq ${seq} follows ${before.seq}`);
      if (at < before.at) this.#report("log.time", seq, `its time ${at} is before ${before.at}, that of the entry before`);
      if (chainHash(before.hash, entry) !== hash) this.#report("log.hash", seq, "its rolling hash does not follow from the entry before");
      if (ordinal !== before.ordinal + (isCountable(body) ? 1 : 0))
        this.#report("log.ordinal", seq, `it is counted as message ${ordinal} after ${before.ordinal}`);
    }
    if (clientId !== undefined) {
      const key = `${from}\n${clientId}`;
      const first = this.#keys.get(key);
      if (first === undefined) this.#keys.set(key, seq);
      else this.#report("log.key", seq, `the clientId of ${from} is also at seq ${first}`);
    }
    if (isCountable(body)) this.#countable.push(seq);
    this.replay.apply(entry);
    this.#before = { seq, at, ordinal, hash };
  }

  checkEnd(): void {
    const { head } = this.#record;
    const last = this.#before;
    if (last === undefined) return;
    if (last.seq !== head.seq) this.#report("log.hole", head.seq, `the log ends at seq ${last.seq}, and the head is ${head.seq}`);
    else if (!isSame(last, head)) this.#report("head.differs", head.seq, "the head's time, count or hash is not that of the last entry");
  }

  /** How many messages have a greater seq. */
  countAfter(seq: number): number {
    let low = 0;
    let high = this.#countable.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#countable[middle] ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return this.#countable.length - low;
  }
}

/** A deletion erased the content and left the digest. By its shape, so that stores of every version can be checked. */
function isErased(body: LogBody): boolean {
  return "content" in body && (body.content.type as string) === "deleted";
}

/** Equal as plain data. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const keys = Object.keys(one);
  const [left, right] = [one, other] as Readonly<Record<string, unknown>>[] as [Record<string, unknown>, Record<string, unknown>];
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]));
}
