/**
 * Whether everything in a store agrees with everything else: logs with their hashes, members, messages and pins with the
 * log, marks with the ordinals, memberships with members. Works on the contract alone, so it checks every driver; what a
 * driver cannot read (S17) becomes a finding with its place, and the check goes on behind it. Of a truncated log, what
 * the rest of it can still tell.
 *
 * Used by `suda verify`, the kill test and the simulation. Reads only. Nothing may write meanwhile.
 */
import type { ConversationId, UserId } from "@suda/protocol";
import type { Finding, FindingKind } from "./finding.ts";
import { countUnread } from "./log-entry.ts";
import { isSame, LogCheck } from "./log-check.ts";
import type { Controlled } from "./control.ts";
import type { ConversationRecord, LogEntry, MemberRecord, Store } from "./store.ts";
import { StoreCorruptError } from "./store-errors.ts";

export interface Verified {
  readonly conversations: number;
  readonly entries: number;
  readonly findings: number;
}

/** That it must be in no list: the bot is in charge. */
const bot = "bot";

/** Entries, members and marks of one page; a page of entries also ends at so many bytes. */
const pageMax = 1_000;
const pageMaxBytes = 4_194_304;

/**
 * Checks every conversation and every user named in one. Holds one conversation's keys and changed messages and, of all
 * of them, who is a member where; never a whole log.
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
  /** Of every conversation whether it has retention; `undefined` of those whose record is damaged. */
  readonly #retaining = new Map<ConversationId, boolean | undefined>();
  /** Of every conversation the place in which list it must have, as a key; `undefined` of those whose record is damaged. */
  readonly #controlled = new Map<ConversationId, string | undefined>();

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
    await this.#retention();
    await this.#control();
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
      if (!(error instanceof StoreCorruptError)) throw error;
      const { conversation = place.conversation, seq = place.seq } = error;
      this.#report(
        "record.damaged",
        { ...place, ...(conversation === undefined ? {} : { conversation }), ...(seq === undefined ? {} : { seq }) },
        error.message.replace(/\. Run .*$/s, "."),
      );
      return undefined;
    }
  }

  // ── one conversation ────────────────────────────────────────────────────────────────────────────────

  async #conversation(id: ConversationId): Promise<void> {
    this.conversations++;
    const record = await this.#attempt(() => this.#store.conversations.get(id), { conversation: id });
    this.#retaining.set(id, record === undefined ? undefined : record.retentionMs !== undefined);
    this.#controlled.set(id, record === undefined ? undefined : placeOf(record));
    if (record === undefined) return;
    await this.#floor(record);
    const log = new LogCheck(record, (kind, seq, message) => this.#report(kind, { conversation: id, seq }, message));
    const isWhole = await this.#readLog(record, log);
    const members = await this.#members(id);
    this.entries += log.count;
    for (const user of log.members.users.keys()) this.#named(user);
    if (members !== undefined) for (const { user } of members) this.#named(user).add(id);
    // Without one of the two there is nothing to compare the other with.
    if (!isWhole || members === undefined) return;
    log.checkEnd();
    this.#checkRecord(record, { log, members });
    this.#checkMembers(record, { log, members });
    await this.#reactions(id, log);
    for (const member of members) await this.#hides(id, member, log);
  }

  #named(user: UserId): Set<ConversationId> {
    let joined = this.#memberOf.get(user);
    if (joined === undefined) this.#memberOf.set(user, (joined = new Set()));
    return joined;
  }

  async #floor({ id, head, floor }: ConversationRecord): Promise<void> {
    if (floor === undefined) return;
    const { seq, ordinal } = floor;
    const place = { conversation: id, seq };
    if (seq < 1 || seq > head.seq || ordinal > head.ordinal || ordinal > seq)
      this.#report("floor.differs", place, `its floor (seq ${seq}, message ${ordinal}) is not below its head (seq ${head.seq}, message ${head.ordinal})`);
    const [first] = (await this.#attempt(() => this.#store.log.readAfter(id, 0, 1), place)) ?? [];
    if (first !== undefined && first.seq <= seq) this.#report("floor.differs", { conversation: id, seq: first.seq }, "it was truncated, and is still served");
  }

  /** Whether every entry up to the head could be read. */
  async #readLog({ id, head, floor }: ConversationRecord, log: LogCheck): Promise<boolean> {
    let isWhole = true;
    for (let after = floor?.seq ?? 0; after < head.seq; ) {
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
      if (error instanceof StoreCorruptError) return "damaged";
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

  #checkRecord(record: ConversationRecord, { log, members }: { log: LogCheck; members: readonly MemberRecord[] }): void {
    const place = { conversation: record.id, seq: record.head.seq };
    const { members: replay } = log;
    for (const [field, value] of Object.entries(replay.patched)) {
      const stored = (record as unknown as Readonly<Record<string, unknown>>)[field] ?? null;
      if (!isSame(stored, value)) this.#report("conversation.differs", place, `its ${field} is not what its last change in the log says`);
    }
    if (record.memberCount !== members.length) this.#report("conversation.differs", place, `it counts ${record.memberCount} members and has ${members.length}`);
    const isTruncated = record.membersSeq <= (record.floor?.seq ?? 0);
    if (record.membersSeq < replay.lastChange || (!isTruncated && !replay.possibleChanges.has(record.membersSeq)))
      this.#report("conversation.differs", place, `its last change of members cannot be seq ${record.membersSeq}`);
    const { kind, between } = record;
    if ((kind === "direct") !== (between !== undefined) || members.some(({ user }) => between?.includes(user) === false))
      this.#report("conversation.differs", place, `it is a ${kind} conversation, and not between its members`);
  }

  #checkMembers(record: ConversationRecord, { log, members }: { log: LogCheck; members: readonly MemberRecord[] }): void {
    const present = new Set<UserId>();
    for (const member of members) {
      const { user } = member;
      const place = { conversation: record.id, user };
      present.add(user);
      const told = log.members.users.get(user);
      if (told?.isMember === false) this.#report("member.differs", place, `${user} left and is a member`);
      if (told?.role !== undefined && told.role !== member.role) this.#report("member.differs", place, `${user} was made ${told.role} and is ${member.role}`);
      const isFounder = told?.isMember === undefined && record.floor === undefined;
      const since = isFounder ? record.createdAt : told?.joined?.at;
      if (since !== undefined && since !== member.joinedAt)
        this.#report("member.differs", place, `${user} joined at ${since}, and the record says ${member.joinedAt}`);
      this.#checkRead(record, { member, log, readAtLeast: told?.readAtLeast ?? 0 });
      this.#checkSettings(record, member, log);
    }
    for (const [user, { isMember }] of log.members.users)
      if (isMember === true && !present.has(user)) this.#report("member.differs", { conversation: record.id, user }, `${user} joined and is no member`);
  }

  #checkRead(record: ConversationRecord, { member, log, readAtLeast }: { member: MemberRecord; log: LogCheck; readAtLeast: number }): void {
    const { id, head } = record;
    const { user, readSeq, deliveredSeq } = member;
    const place = { conversation: id, user, seq: readSeq };
    if (deliveredSeq < readSeq || deliveredSeq > head.seq)
      this.#report("delivered.differs", place, `${user} has received up to seq ${deliveredSeq}; it must be from ${readSeq} to ${head.seq}`);
    if (readSeq > head.seq || readSeq < readAtLeast)
      return this.#report("read.differs", place, `${user} has read up to seq ${readSeq}; it must be from ${readAtLeast} to ${head.seq}`);
    const [recount, unread] = [log.countAfter(readSeq), countUnread(record, member)];
    if (unread !== recount) this.#report("unread.differs", place, `${user} has ${recount} unread messages by a recount, and ${unread} by the marks`);
  }

  #checkSettings(record: ConversationRecord, member: MemberRecord, log: LogCheck): void {
    const { user, sentAt, mutedUntil = 0, hiddenOrdinal = 0 } = member;
    const place = { conversation: record.id, user };
    const sent = log.members.sentAtOf(user, record.slowModeMs ?? null);
    if (sent !== "untold" && sentAt !== sent) this.#report("settings.differs", place, `${user} last wrote at ${sent}, and the record says ${sentAt}`);
    if (sentAt !== undefined && sentAt > record.head.at) this.#report("settings.differs", place, `${user} last wrote at ${sentAt}, after the log's end`);
    if (!Number.isInteger(mutedUntil) || !Number.isInteger(hiddenOrdinal) || hiddenOrdinal > record.head.ordinal)
      this.#report("settings.differs", place, `${user} is muted until ${mutedUntil} and has it hidden at message ${hiddenOrdinal}`);
  }

  async #reactions(id: ConversationId, { changes }: LogCheck): Promise<void> {
    for (const [user, messages] of changes.given) {
      const targets = [...messages.keys()].filter((target) => !changes.isDeleted(target));
      for (let start = 0; start < targets.length; start += pageMax) {
        const page = targets.slice(start, start + pageMax);
        const stored = await this.#attempt(() => this.#store.log.reactedBy(id, user, page), { conversation: id, user });
        if (stored === undefined) break;
        for (const seq of page)
          if (!isSame([...(stored.get(seq) ?? [])].sort(), [...(messages.get(seq) ?? [])].sort()))
            this.#report("reaction.differs", { conversation: id, seq, user }, `${user}'s reactions to it are not what the log says`);
      }
    }
  }

  async #hides(id: ConversationId, { user, hides = 0 }: MemberRecord, { messages }: LogCheck): Promise<void> {
    const place = { conversation: id, user };
    const hidden = await this.#attempt(() => this.#store.conversations.hiddenBy(id, user, messages), place);
    if (hidden !== undefined && hidden.size !== hides)
      this.#report("hides.differs", place, `${user} has hidden ${hidden.size} messages, and ${hides} are counted`);
  }

  async #retention(): Promise<void> {
    const listed = new Set<ConversationId>();
    for (let after: ConversationId | undefined; ; ) {
      const from = after;
      const page = await this.#attempt(() => this.#store.conversations.withRetention(from, pageMax));
      for (const id of page ?? []) listed.add(id);
      after = page?.at(-1);
      if (page === undefined) return;
      // The driver has no more, or turns in a circle.
      if (after === undefined || (from !== undefined && after <= from)) break;
    }
    for (const [id, isRetaining] of this.#retaining)
      if (isRetaining !== undefined && isRetaining !== listed.has(id))
        this.#report(
          "retention.differs",
          { conversation: id },
          isRetaining ? "it has retention and is not listed so" : "it is listed with retention and has none",
        );
    for (const id of listed)
      if (!this.#retaining.has(id)) this.#report("retention.differs", { conversation: id }, "it is listed with retention and is not there");
  }

  async #control(): Promise<void> {
    const listed = new Map<ConversationId, string>();
    for (const holder of ["human", "none"] as const) {
      for (let after: Controlled | undefined; ; ) {
        const from = after;
        const page = await this.#attempt(() => this.#store.conversations.withControl(holder, from, pageMax));
        if (page === undefined) return;
        for (const { id, at } of page) listed.set(id, `${listed.get(id) ?? ""}${holder} ${at}`);
        after = page.at(-1);
        // The driver has no more, or turns in a circle.
        if (after === undefined || (from !== undefined && (after.at < from.at || (after.at === from.at && after.id <= from.id)))) break;
      }
    }
    for (const [conversation, place] of this.#controlled)
      if (place !== undefined && place !== (listed.get(conversation) ?? bot))
        this.#report("control.differs", { conversation }, `it is listed as ${listed.get(conversation) ?? bot}, and its record says ${place}`);
    for (const conversation of listed.keys())
      if (!this.#controlled.has(conversation)) this.#report("control.differs", { conversation }, "it is listed with somebody in charge and is not there");
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

function placeOf({ control }: ConversationRecord): string {
  return control === undefined || control.holder === "bot" ? bot : `${control.holder} ${control.at}`;
}
