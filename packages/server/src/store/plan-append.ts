/**
 * What an append does, computed without I/O: which drafts are stored, as which entries, with which effects.
 * ⑥ of the path of a message. Every driver asks here and then only has to make the plan durable in its own
 * way, so that roles, idempotency and order cannot come out differently in one of them.
 *
 * Rules: S1 S2 S3 S4 S6 S7 S8 S24 S25 S26 S27 S29 S38 S39 S40 of docs/contracts/store.md; held by `storeSuite` of @suda/testing.
 */
import type { ClientId, Role, UserId } from "@suda/protocol";
import { annotate, erasedWith, eraseBody, isMessageChange, judgeChange, pinsAfter, type ChangeView, type Judgement } from "./annotations.ts";
import { controlAfter, isOutOfControl, judgeControl, type ControlRecord } from "./control.ts";
import { chainHash, digestOf, effectsOf, isCountable, type Effect } from "./log-entry.ts";
import type {
  Annotation,
  AppendOptions,
  AppendOutcome,
  ConversationRecord,
  Draft,
  Head,
  LogBody,
  LogEntry,
  MemberRecord,
  MessageChangeBody,
  StoredKey,
} from "./store.ts";

/** Drafts in one append. */
const draftsMax = 100;

/** What a plan must know of the conversation, entries under way included. Asked only for users, keys and messages that the drafts name. */
export interface AppendView extends ChangeView {
  /** What the key stands for, if it was ever used. Of a {@link LogEntry} {@link storedKeyOf} makes it. */
  stored(from: UserId, clientId: ClientId): StoredKey | undefined;
  /** How many messages somebody who joins has hidden when they were here before (S32). */
  hides(user: UserId): number;
}

/** Whether a user's reaction stands from now on. */
export interface ReactionMark {
  readonly target: number;
  readonly emoji: string;
  readonly user: UserId;
  readonly isOn: boolean;
}

export interface AppendPlan {
  /** One per draft, in order. */
  readonly outcomes: readonly AppendOutcome[];
  /** New entries, ascending; empty when nothing is to be written. */
  readonly entries: readonly LogEntry[];
  /** The conversation afterwards. */
  readonly conversation: ConversationRecord;
  /** Members that joined or changed (record) or left (`undefined`). */
  readonly members: ReadonlyMap<UserId, MemberRecord | undefined>;
  /** Users who joined or left, with the state after all drafts; their change counters move by one (S10). */
  readonly memberships: ReadonlyMap<UserId, "joined" | "left">;
  /** Messages that changed, by seq, as they are afterwards (S25). */
  readonly annotations: ReadonlyMap<number, Annotation>;
  /** In order; the last one of a message, emoji and user counts (S27). */
  readonly reactions: readonly ReactionMark[];
  /** Entries, old or of this very append, that are to be stored anew in their places without what was written in them (S26). */
  readonly erased: readonly LogEntry[];
}

/**
 * Plans an append of `drafts` to the conversation that `view` shows. Pure but for the view.
 * @param now epoch ms; may be behind the log, `at` then stays where it was (S2)
 * @throws RangeError for no or over 100 drafts
 */
export function planAppend(view: AppendView, drafts: readonly Draft[], options: AppendOptions & { readonly now: number }): AppendPlan {
  if (drafts.length < 1 || drafts.length > draftsMax) throw new RangeError(`An append takes 1–${draftsMax} drafts, not ${drafts.length}.`);
  const before = view.conversation;
  const isMoved = options.ifMembersSeq !== undefined && before.membersSeq > options.ifMembersSeq;
  const at = Math.max(before.head.at, options.now);
  const work = new Work(view);
  const outcomes: AppendOutcome[] = [];
  const own = new Map<string, StoredKey>();
  /** Outcomes that speak of an entry of this very append, and fall with it. */
  const leaning = new Set<AppendOutcome>();
  let isHeld = false;
  for (const [index, draft] of drafts.entries()) {
    if (draft.follows === true && outcomes[index - 1]?.outcome !== "stored") {
      outcomes.push({ outcome: "withheld" });
      continue;
    }
    const outcome = place(draft);
    outcomes.push(outcome);
    if (outcome.outcome !== "stored" && outcome.outcome !== "duplicate" && outcome.outcome !== "unchanged") isHeld = true;
  }
  if (isHeld) return { ...nothing, outcomes: outcomes.map((outcome) => (leaning.has(outcome) ? { outcome: "withheld" } : outcome)), conversation: before };
  if (work.entries.length === 0) return { ...nothing, outcomes, conversation: before };
  const { entries, conversation, members, memberships, annotations, reactions } = work;
  return { outcomes, entries, conversation, members, memberships, annotations, reactions, erased: [...work.erased.values()] };

  function place(draft: Draft): AppendOutcome {
    const { from, clientId, roles } = draft;
    if (clientId !== undefined) {
      const stored = view.stored(from, clientId);
      const first = stored ?? own.get(keyOf(from, clientId));
      const digest = first === undefined ? "" : digestOf(withRev(draft.asked ?? draft.body, first.rev));
      // Before the roles: a retry learns what became of the first try, also when its sender has been removed since.
      if (first !== undefined && first.digest !== digest) return { outcome: "conflict", seq: stored?.seq ?? 0 };
      if (first !== undefined) return lean({ outcome: "duplicate", seq: first.seq, at: first.at }, stored === undefined);
    }
    if (options.onlyKnown === true) return { outcome: "withheld" };
    if (isMoved) return { outcome: "moved" };
    const role = work.member(from)?.role;
    if (roles !== undefined && (role === undefined || !roles.includes(role))) return { outcome: "refused", reason: "role" };
    if (isOutOfControl(work.control, draft)) return { outcome: "refused", reason: "control" };
    const refused = draft.asMember === true ? work.refusalOf(draft, { role, at, now: options.now }) : undefined;
    if (refused !== undefined) return refused;
    const judged = judge(draft);
    if (judged.judgement === "held") return { outcome: "refused", reason: "held" };
    if (judged.judgement === "reject") return { outcome: "rejected", reason: judged.reason };
    if (judged.judgement === "unchanged") return lean({ outcome: "unchanged", seq: judged.seq, at: judged.at }, work.entries.length > 0);
    const entry = work.store(draft, judged.body, at);
    if (clientId !== undefined) own.set(keyOf(from, clientId), storedKeyOf(entry));
    return lean({ outcome: "stored", entry }, true);
  }

  function judge(draft: Draft): Judgement | { readonly judgement: "held" } {
    if (draft.body.type !== "control.changed") return judgeChange(work, draft, at);
    const judged = judgeControl(work.control, { ...draft, body: draft.body }, { at, now: options.now });
    if (judged.judgement !== "unchanged") return judged;
    return { judgement: "unchanged", seq: work.head.seq, at: work.head.at };
  }

  function lean(outcome: AppendOutcome, isOwn: boolean): AppendOutcome {
    if (isOwn) leaning.add(outcome);
    return outcome;
  }
}

const nothing = {
  entries: [],
  members: new Map<never, never>(),
  memberships: new Map<never, never>(),
  annotations: new Map<never, never>(),
  reactions: [],
  erased: [],
} as const;

/** What a retry of the entry is compared with. */
export function storedKeyOf({ seq, at, digest: ofBody, asked, body }: LogEntry): StoredKey {
  const digest = asked ?? ofBody;
  return body.type === "message.edited" ? { seq, at, digest, rev: body.rev } : { seq, at, digest };
}

/** The store counts `rev`, so a retry of an edit is compared as if it had the first one's. */
function withRev(body: LogBody, rev: number | undefined): LogBody {
  return body.type === "message.edited" && rev !== undefined ? { ...body, rev } : body;
}

/** The conversation as the drafts so far leave it. */
class Work implements ChangeView {
  readonly entries: LogEntry[] = [];
  readonly members = new Map<UserId, MemberRecord | undefined>();
  readonly memberships = new Map<UserId, "joined" | "left">();
  readonly annotations = new Map<number, Annotation>();
  readonly reactions: ReactionMark[] = [];
  readonly erased = new Map<number, LogEntry>();
  readonly #view: AppendView;
  #head: Head;
  #memberCount: number;
  #membersSeq: number;
  #pins: readonly number[] | undefined;
  #control: ControlRecord | undefined;
  /** Title and settings as the drafts so far leave them; the rest is in the fields above. */
  #patched: ConversationRecord;

  constructor(view: AppendView) {
    this.#view = view;
    this.#head = view.conversation.head;
    this.#memberCount = view.conversation.memberCount;
    this.#membersSeq = view.conversation.membersSeq;
    this.#pins = view.conversation.pins;
    this.#control = view.conversation.control;
    this.#patched = view.conversation;
  }

  get conversation(): ConversationRecord {
    const { pins: _pins, ...patched } = this.#patched;
    const pins = this.#pins;
    const control = this.#control;
    return { ...patched, head: this.#head, memberCount: this.#memberCount, membersSeq: this.#membersSeq, ...(pins && { pins }), ...(control && { control }) };
  }

  get head(): Head {
    return this.#head;
  }

  get control(): ControlRecord | undefined {
    return this.#control;
  }

  member(user: UserId): MemberRecord | undefined {
    return this.members.has(user) ? this.members.get(user) : this.#view.member(user);
  }

  entry(seq: number): LogEntry | undefined {
    // What was truncated is gone at once, also while a driver still finds it on the disk (S31).
    if (!Number.isInteger(seq) || seq <= (this.#view.conversation.floor?.seq ?? 0)) return undefined;
    return this.erased.get(seq) ?? this.entries[seq - 1 - this.#view.conversation.head.seq] ?? this.#view.entry(seq);
  }

  annotation(target: number): Annotation | undefined {
    return this.annotations.get(target) ?? this.#view.annotation(target);
  }

  hasReacted(target: number, emoji: string, user: UserId): boolean {
    const own = this.reactions.findLast((mark) => mark.target === target && mark.emoji === emoji && mark.user === user);
    return own?.isOn ?? this.#view.hasReacted(target, emoji, user);
  }

  /** What the settings say to a draft of this kind by somebody of this role (S29). */
  refusalOf(
    { from, body }: Draft,
    { role, at, now }: { role: Role | undefined; at: number; now: number },
  ): Extract<AppendOutcome, { outcome: "refused" }> | undefined {
    const { between, write, slowModeMs } = this.#patched;
    if (between !== undefined && between[0] !== between[1]) {
      const other = between[0] === from ? between[1] : between[0];
      if (this.member(other)?.isBlocking === true) return { outcome: "refused", reason: "blocked" };
      if (this.member(from)?.isBlocking === true) return { outcome: "refused", reason: "blocking" };
    }
    if (body.type !== "message.created" || role === "owner" || role === "admin") return undefined;
    if (write === "admins") return { outcome: "refused", reason: "write" };
    // The messages of a send are stored together or not at all, so the first one is judged for all of them.
    if (slowModeMs === undefined || (body.part !== undefined && body.part.index > 1)) return undefined;
    const { sentAt } = this.member(from) ?? {};
    // A clock that went back behind the last message cannot tell how long ago that was; nobody waits until it has caught up.
    if (sentAt === undefined || now < sentAt) return undefined;
    const retryAfterMs = sentAt + slowModeMs - at;
    return retryAfterMs > 0 ? { outcome: "refused", reason: "slow", retryAfterMs } : undefined;
  }

  store({ from, clientId, keepsReadMark, asked }: Draft, body: LogBody, at: number): LogEntry {
    const digest = digestOf(body);
    const seq = this.#head.seq + 1;
    const ordinal = this.#head.ordinal + (isCountable(body) ? 1 : 0);
    const hash = chainHash(this.#head.hash, clientId === undefined ? { seq, at, from, digest } : { seq, at, from, clientId, digest });
    // Spelled out, not spread: this is on the path of every message.
    const written: LogEntry =
      clientId === undefined ? { seq, at, from, body, ordinal, digest, hash } : { seq, at, from, clientId, body, ordinal, digest, hash };
    const marked = keepsReadMark === true ? { ...written, keepsReadMark } : written;
    const entry = asked === undefined ? marked : { ...marked, asked: digestOf(withRev(asked, body.type === "message.edited" ? body.rev : undefined)) };
    this.#head = { seq, at, ordinal, hash };
    this.entries.push(entry);
    for (const effect of effectsOf(entry)) this.#apply(effect, entry);
    this.#control = controlAfter(this.#control, entry);
    if (isMessageChange(body)) this.#change(entry, body);
    return entry;
  }

  #change(entry: LogEntry, body: MessageChangeBody): void {
    const { target } = body;
    this.#pins = pinsAfter(this.#pins, body);
    const before = this.annotation(target);
    const after = annotate(before, entry, body);
    if (after !== undefined && after !== before) this.annotations.set(target, after);
    if (body.type === "reaction.added" || body.type === "reaction.removed")
      this.reactions.push({ target, emoji: body.emoji, user: entry.from, isOn: body.type === "reaction.added" });
    if (body.type !== "message.deleted") return;
    for (const seq of [target, ...erasedWith(before)]) {
      const old = this.entry(seq);
      if (old !== undefined) this.erased.set(seq, { ...old, body: eraseBody(old.body) });
    }
  }

  #apply(effect: Effect, entry: LogEntry): void {
    if (effect.effect === "conversation.patch") {
      this.#patched = patchFields(this.#patched, effect.patch);
      return;
    }
    const { user } = effect;
    const member = this.member(user);
    switch (effect.effect) {
      case "member.join":
        if (member !== undefined) return;
        this.members.set(user, this.#joined(user, effect.role, entry));
        this.memberships.set(user, "joined");
        this.#memberCount++;
        break;
      case "member.leave":
        if (member === undefined) return;
        this.members.set(user, undefined);
        this.memberships.set(user, "left");
        this.#memberCount--;
        break;
      case "member.role":
        if (member === undefined || member.role === effect.role) return;
        this.members.set(user, { ...member, role: effect.role });
        break;
      case "member.read":
        if (member !== undefined) this.members.set(user, this.#timed({ ...member, ...readUpTo(entry) }, entry));
        return;
      case "member.wrote":
        if (member !== undefined) this.members.set(user, this.#timed(member, entry));
        return;
    }
    this.#membersSeq = entry.seq;
  }

  /** What was said before somebody joined is not unread to them; what they hid when they were here before stays hidden. */
  #joined(user: UserId, role: Role, { at, seq, ordinal }: LogEntry): MemberRecord {
    const joined = { user, role, joinedAt: at, readSeq: seq, readOrdinal: ordinal, deliveredSeq: seq };
    const hides = this.#view.hides(user);
    return hides === 0 ? joined : { ...joined, hides };
  }

  /** Who wrote: with the time while there is slow mode, and with nothing marked as unread. */
  #timed(member: MemberRecord, { at }: LogEntry): MemberRecord {
    const isSlow = this.#patched.slowModeMs !== undefined;
    // As a rule there is nothing to take away: this is on the path of every message.
    if (!isSlow && member.sentAt === undefined && member.isMarkedUnread === undefined) return member;
    const { sentAt: _sentAt, isMarkedUnread: _isMarkedUnread, ...rest } = member;
    return isSlow ? { ...rest, sentAt: at } : rest;
  }
}

/** Who writes has read. */
function readUpTo({ seq, ordinal }: LogEntry): Pick<MemberRecord, "readSeq" | "readOrdinal" | "deliveredSeq"> {
  return { readSeq: seq, readOrdinal: ordinal, deliveredSeq: seq };
}

/** Applies a patch whose absent fields stay and whose `null` fields go; for titles, avatars, names and data of any record. */
export function patchFields<R extends object>(record: R, patch: object): R {
  const result = { ...record } as Record<string, unknown>;
  for (const [field, value] of Object.entries(patch)) {
    if (field === "type" || value === undefined) continue;
    if (value === null) delete result[field];
    else result[field] = value;
  }
  return result as R;
}

/** Neither id can contain a newline. */
function keyOf(from: UserId, clientId: ClientId): string {
  return `${from}\n${clientId}`;
}
