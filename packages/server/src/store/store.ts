/**
 * Where logs, members and profiles live. ⑥ of the path of a message: append gives the next seq and resolves
 * when it is durable, or finds the same clientId and returns the first result.
 *
 * Contract: docs/contracts/store.md, rules S1…, held by `storeSuite` of @suda/testing for every driver.
 * Domain-level on purpose: a driver knows logs and members, not keys and values, so that each engine can
 * use what it is good at (one write transaction here, a compare-and-set on the seq there).
 */
import type { ClientId, ConversationId, CustomData, Holder, MessageBody, Part, Role, ShownContent, UserId } from "@suda/protocol";
import type { ControlChangedBody, Controlled, ControlRecord } from "./control.ts";
import type { DocumentStore } from "./document-store.ts";
import type { InteractionBody } from "./interaction-body.ts";
import type { StoreSource, StoreTarget } from "./store-moving.ts";
import type { StoreStats, StoreStatus } from "./store-status.ts";
import type { UserStore } from "./user-store.ts";

export interface Store extends AsyncDisposable {
  readonly log: LogStore;
  readonly conversations: ConversationStore;
  readonly users: UserStore;
  readonly documents: DocumentStore;
  /** For moving the whole store elsewhere, and another one into it; absent where a driver cannot. */
  readonly source?: StoreSource;
  readonly target?: StoreTarget;
  /** What the store can do now; never throws. */
  status(): StoreStatus;
  /** For metrics; absent where nothing is committed. */
  stats?(): StoreStats;
}

// ── the log ───────────────────────────────────────────────────────────────────────────────────────────

/** What an entry says, without its place. The wire's log event is `{type, conversation, seq, at, from, …rest}`. */
export type LogBody =
  | MessageCreatedBody
  | MessageChangeBody
  | { readonly type: "member.added"; readonly users: readonly UserId[] }
  | { readonly type: "member.removed"; readonly user: UserId }
  | { readonly type: "member.updated"; readonly user: UserId; readonly role: Role }
  | ({ readonly type: "conversation.updated" } & ConversationPatch)
  | ControlChangedBody;

/** Title and settings that an entry changes. Absent fields stay, `null` removes. */
export interface ConversationPatch {
  readonly title?: string | null;
  readonly avatar?: string | null;
  readonly data?: CustomData | null;
  readonly write?: "admins" | null;
  readonly slowModeMs?: number | null;
  readonly retentionMs?: number | null;
}

/** As it was sent; of an erased one (S26) only content, `replyTo`, `part` and `agent` are left. */
export interface MessageCreatedBody extends Omit<MessageBody, "content"> {
  readonly type: "message.created";
  readonly content: ShownContent;
  /** Of one of several messages of a send (S4). In slow mode the first of them is judged for all (S29). */
  readonly part?: Part;
  /** The human who wrote it through the bot's account. */
  readonly agent?: UserId;
}

/** What is done to an earlier message, `target` (S24…). In a draft, `rev` is 0: the store counts. */
export type MessageChangeBody =
  | { readonly type: "message.edited"; readonly target: number; readonly rev: number; readonly content: ShownContent }
  | { readonly type: "message.deleted"; readonly target: number }
  | { readonly type: "reaction.added" | "reaction.removed"; readonly target: number; readonly emoji: string }
  | { readonly type: "pin.added" | "pin.removed"; readonly target: number }
  | InteractionBody;

/** How a message differs from its entry: what later entries have made of it. Absent as long as none has. */
export interface Annotation {
  /** Seq of the last entry that changed the message. */
  readonly changed: number;
  /** The latest edit, and the seqs of all of them, which a deletion erases too. */
  readonly edited?: { readonly rev: number; readonly at: number; readonly content: ShownContent; readonly seqs: readonly number[] };
  readonly deleted?: { readonly seq: number; readonly at: number; readonly by: UserId };
  /** In the order in which each was first given; who gave them is told by {@link LogStore.reactedBy}. */
  readonly reactions?: readonly { readonly emoji: string; readonly count: number }[];
  /** Actions that are used up, with the tap that did it, in the order of the taps. */
  readonly used?: readonly { readonly action: string; readonly seq: number; readonly at: number }[];
  /** Seqs of the taps that may say something, which a deletion erases too. */
  readonly taps?: readonly number[];
}

/** An entry before it has a place. */
export interface Draft {
  readonly from: UserId;
  /** Makes `(conversation, from, clientId)` unique for ever (S3); absent for entries that need no key. */
  readonly clientId?: ClientId;
  /** The sender's roles one of which `from` must hold at commit (S7); absent: no condition (the host's backend). */
  readonly roles?: readonly Role[];
  /** A message that does not count as having read what is before it (S12): of a bot, whose mark says what it has worked off. */
  readonly keepsReadMark?: true;
  /** Bound by the conversation's settings at commit (S29); absent: by none of them (the host's backend, and what is always allowed). */
  readonly asMember?: true;
  /** A bot's own words (S39): only while the bot is in charge. */
  readonly asBot?: true;
  /** A human's words through a bot's account (S39): only while this one is in charge. */
  readonly asAgent?: UserId;
  /** Only if this is the epoch of control (S39). */
  readonly ifControlEpoch?: number;
  /**
   * For changes of control (S40), whose charge they may end: an agent's, then only this one's or one whose lease is over
   * (`null`: no human's, else nothing changes); absent: anybody's.
   */
  readonly controlOf?: UserId | null;
  /** For changes of a message: only its author, or somebody with one of these roles (S24); absent: no condition. */
  readonly unlessAuthor?: readonly Role[];
  /** For an edit or a tap: only if this is the message's latest `rev`, 0 for one that was never edited (S25). */
  readonly ifRev?: number;
  /** Only if the draft before it in this append is stored too: else it is `withheld`, and holds nothing else up (S38). */
  readonly follows?: true;
  readonly body: LogBody;
  /** What was asked for, when the body is what a hook made of it (S3); of an entry its digest. */
  readonly asked?: LogBody;
}

/** One durable entry of a conversation's log. */
export interface LogEntry {
  /** 1, 2, 3… without holes (S1). */
  readonly seq: number;
  /** Epoch ms, never less than the entry's before (S2). */
  readonly at: number;
  readonly from: UserId;
  readonly clientId?: ClientId;
  /** As in its draft, so that the log alone tells who has read what (S6). */
  readonly keepsReadMark?: true;
  /** As it was appended, or erased (S26). */
  readonly body: LogBody;
  /** Of a `message.created` that was changed later; only on entries that were read. */
  readonly annotation?: Annotation;
  /** How many of the entries up to and including this one count as unread messages (only `message.created` does). */
  readonly ordinal: number;
  /** {@link digestOf} of the body; stays when a deletion erases the body. 32 hex digits. */
  readonly digest: string;
  readonly asked?: string;
  /** {@link chainHash} over the hash before, the place and the digest: equal hashes mean equal logs up to here. 32 hex digits. */
  readonly hash: string;
}

/**
 * Why a message does not take a change. `no_message`: there is no message with that seq; also of a `replyTo`.
 * `not_author`: neither its author nor one of `unlessAuthor`. `other_kind`: an edit to another type of content.
 * `other_rev`: `ifRev` is not the latest. `full`: as many edits, different reactions, taps or pins as there can be.
 * `no_action`: the message has no action of that id (any more). `expired`: the time of its form is over.
 */
export type ChangeRefusal = "no_message" | "not_author" | "deleted" | "other_kind" | "other_rev" | "full" | "no_action" | "expired";

/**
 * Why a draft is not stored though nothing is wrong with it. `role`: the sender holds none of `roles` (S7). The others
 * are of a draft `asMember` (S29). `write`: only owners and admins write here. `slow`: too soon after the sender's last
 * message. `blocked`: the other one of the direct conversation accepts nothing from the sender; `blocking`: the sender
 * accepts nothing from the other one, and so says nothing either. Of control (S39, S40): `control`: who speaks is not in
 * charge, or the epoch is another one; `held`: another agent is in charge.
 */
export type RefusalReason = "role" | "control" | "held" | "write" | "slow" | "blocked" | "blocking";

/** What became of one draft (S3, S7, S8, S24, S29). */
export type AppendOutcome =
  | { readonly outcome: "stored"; readonly entry: LogEntry }
  /** The same key with the same body was stored before; this is its place. */
  | { readonly outcome: "duplicate"; readonly seq: number; readonly at: number }
  /** The same key with another body was stored before; nothing was changed. `seq` is 0 when the other one is a draft of this very append. */
  | { readonly outcome: "conflict"; readonly seq: number }
  /** At commit `from` held none of the roles, or a setting did not allow it. `retryAfterMs` is with `slow`. */
  | { readonly outcome: "refused"; readonly reason: RefusalReason; readonly retryAfterMs?: number }
  /** What it says is so already: nothing was stored. The place of the first one for one more deletion or tap, else the head. */
  | { readonly outcome: "unchanged"; readonly seq: number; readonly at: number }
  /** The message that it speaks of does not take it. */
  | { readonly outcome: "rejected"; readonly reason: ChangeRefusal }
  /** The members changed since `ifMembersSeq`. */
  | { readonly outcome: "moved" }
  /** Fine by itself, but another draft of the same append was not (S4), it follows one that was not stored, or only drafts that are stored already were asked for. */
  | { readonly outcome: "withheld" };

export interface AppendOptions {
  /** Only if no entry after this seq has changed the members: for changes whose rules look at all members. */
  readonly ifMembersSeq?: number;
  /** Stores nothing: tells of drafts with a key what became of them earlier, and withholds all others (S3). For retries that could not be sent any more. */
  readonly onlyKnown?: true;
}

/** The last entry of a log that was truncated: it and those before it are gone (S31). */
export interface Floor {
  readonly seq: number;
  readonly ordinal: number;
  readonly hash: string;
}

/** What is kept of an entry with a key when the entry goes, so that a retry still finds it (S3, S31). */
export interface StoredKey {
  readonly seq: number;
  readonly at: number;
  readonly digest: string;
  /** Of an edit: part of its digest, and counted by the store. */
  readonly rev?: number;
}

/** The end of a log. */
export interface Head {
  /** 0 for an empty log. */
  readonly seq: number;
  /** Of the last entry; of the creation for an empty log. */
  readonly at: number;
  readonly ordinal: number;
  readonly hash: string;
}

export interface LogStore {
  /**
   * Appends drafts to one conversation, all or none of those not yet stored (S4), with their effects on members and the
   * conversation ({@link effectsOf}, S6). Resolves when durable (S5); the order of calls of one process is that of the log (S9).
   * @param drafts 1–100
   * Drafts of one append see each other's effects, in order. A key is looked up before roles and members are.
   * @throws SudaError `conversation.not_found`; `store.read_only`; `server.busy` when more is under way than the
   * driver's bound; `store.failed` after a failed commit and when closed: refused, or, if it was under way when
   * the commit failed, unknown. RangeError for no or over 100 drafts. Any other throw means that the outcome is
   * unknown, and appending the same drafts again (with their clientIds) finds it out.
   */
  append(conversation: ConversationId, drafts: readonly Draft[], options?: AppendOptions): Promise<readonly AppendOutcome[]>;
  /**
   * Entries with `seq > after`, ascending, at most `limit` (1–1,000) and at most `maxBytes` stored bytes (but at least
   * one entry). Below the floor it begins behind the floor: whoever reads on while the log is truncated looks at the
   * first seq of the page.
   */
  readAfter(conversation: ConversationId, after: number, limit: number, maxBytes?: number): Promise<readonly LogEntry[]>;
  /** The last entries with `seq < before`, ascending, bounded likewise. */
  readBefore(conversation: ConversationId, before: number, limit: number, maxBytes?: number): Promise<readonly LogEntry[]>;
  /** The user's own reactions to messages that have some: seq → emoji. Messages without one of theirs are left out. */
  reactedBy(conversation: ConversationId, user: UserId, seqs: readonly number[]): Promise<ReadonlyMap<number, readonly string[]>>;
  /**
   * Removes the entries with `seq < before`, up to the durable head at most, for ever (S31): from every read and from the
   * disk, with what was made of them, in batches of a bounded size each of which is atomic and moves the floor. Keys stay.
   * Resolves when the last batch is durable; when it rejects, those before it stand. Nothing below the floor is no mistake.
   * @returns how many entries this call removed, and the first seq that there is now or will be next
   * @throws SudaError `conversation.not_found`, and as {@link LogStore.append}
   */
  truncate(conversation: ConversationId, before: number): Promise<{ readonly removed: number; readonly from: number }>;
}

// ── conversations and members ─────────────────────────────────────────────────────────────────────────

export interface ConversationRecord {
  readonly id: ConversationId;
  readonly kind: "direct" | "group";
  /** Identity of the numbering: another one after the log was restored or replaced. */
  readonly epoch: string;
  readonly createdAt: number;
  readonly createdBy?: UserId;
  readonly title?: string;
  readonly avatar?: string;
  readonly data?: CustomData;
  /** Of a direct conversation: its two members, twice the same in a conversation with oneself. */
  readonly between?: readonly [UserId, UserId];
  /** Only owners and admins write messages; absent: all members. */
  readonly write?: "admins";
  /** Between two messages of one member with the role `member`; absent: none. */
  readonly slowModeMs?: number;
  /** How old messages may become, for those who truncate; the store itself only keeps the list ({@link ConversationStore.withRetention}). */
  readonly retentionMs?: number;
  /** Seqs of pinned messages in the order of pinning; absent when there are none. */
  readonly pins?: readonly number[];
  /** Absent until it first changed: then the bot is in charge, if there is one. */
  readonly control?: ControlRecord;
  readonly memberCount: number;
  /** Seq of the last entry that changed members or roles; 0 since creation. */
  readonly membersSeq: number;
  readonly head: Head;
  /** Absent: every entry there ever was is there. */
  readonly floor?: Floor;
}

export interface MemberRecord {
  readonly user: UserId;
  readonly role: Role;
  readonly joinedAt: number;
  /** Has read up to and including this seq. Begins at the entry of the joining, so that what was said before is not unread; 0 for founders. */
  readonly readSeq: number;
  /** `ordinal` at `readSeq`, or less than it when `readSeq` is below the floor; see {@link countUnread}. */
  readonly readOrdinal: number;
  /** A device of the member's has everything up to this seq; never less than `readSeq` (S28). */
  readonly deliveredSeq: number;
  /** `at` of the member's last message; kept only while the conversation has slow mode. */
  readonly sentAt?: number;
  /** How many messages the member has hidden from themself and that are still there (S32). */
  readonly hides?: number;
  // The member's own settings (S30), each absent until set.
  /** Epoch ms. */
  readonly mutedUntil?: number;
  /** `head.ordinal` when the member hid the conversation. */
  readonly hiddenOrdinal?: number;
  /** Until the member reads or writes. */
  readonly isMarkedUnread?: true;
  /** Of a direct conversation: accepts nothing from the other one. */
  readonly isBlocking?: true;
}

/** Own settings of a member. Absent fields stay, `null` removes. */
export interface MemberPatch {
  readonly mutedUntil?: number | null;
  readonly hiddenOrdinal?: number | null;
  readonly isMarkedUnread?: true | null;
  readonly isBlocking?: true | null;
}

/** `no_message`: no message with that seq is there (any more). */
export type HideOutcome = "hidden" | "unchanged" | "no_message";

export interface NewConversation {
  readonly id: ConversationId;
  readonly kind: "direct" | "group";
  readonly epoch: string;
  readonly createdAt: number;
  readonly createdBy?: UserId;
  /** Creator's own id for the creation: a second creation with the same key finds the first conversation (S11). */
  readonly key?: { readonly user: UserId; readonly clientId: ClientId };
  readonly title?: string;
  readonly avatar?: string;
  readonly data?: CustomData;
  readonly write?: "admins";
  readonly slowModeMs?: number;
  readonly retentionMs?: number;
  /** Of a direct conversation: one or two different users. */
  readonly members: readonly { readonly user: UserId; readonly role: Role }[];
}

/** A user's relation to one conversation; `left` stays as a trace, so that another device learns of it. */
export interface Membership {
  readonly conversation: ConversationId;
  readonly state: "joined" | "left";
  /** The user's change counter when this last changed. */
  readonly change: number;
}

export interface ConversationWithMember {
  readonly conversation: ConversationRecord;
  /** Absent of somebody who is no member. */
  readonly member: MemberRecord | undefined;
}

export interface ConversationStore {
  /**
   * Creates with members and their memberships, durable when it resolves. When the id or the key exists, nothing
   * is written and the existing one comes back (S11).
   * @throws RangeError for a direct conversation of none or of more than two
   */
  create(conversation: NewConversation): Promise<{ readonly outcome: "created" | "existing"; readonly conversation: ConversationRecord }>;
  get(id: ConversationId): Promise<ConversationRecord | undefined>;
  /** In the order asked for; absent ones are left out. */
  getMany(ids: readonly ConversationId[]): Promise<readonly ConversationRecord[]>;
  /** Ids in ascending order after `after`: for whole-store checks and backups. `limit` 1–1,000; here as in the other lists a shorter page is the last. */
  list(after: ConversationId | undefined, limit: number): Promise<readonly ConversationId[]>;
  member(id: ConversationId, user: UserId): Promise<MemberRecord | undefined>;
  /** What {@link get} and then {@link member} give, with fewer reads; `undefined` when there is no such conversation. */
  getWithMember(id: ConversationId, user: UserId): Promise<ConversationWithMember | undefined>;
  /** By user id in ascending order after `after`. `limit` 1–10,000. */
  members(id: ConversationId, after: UserId | undefined, limit: number): Promise<readonly MemberRecord[]>;
  /** All conversations that the user has joined or left, and the user's change counter (S10). */
  memberships(user: UserId): Promise<{ readonly change: number; readonly memberships: readonly Membership[] }>;
  /** What {@link memberships} gives of one conversation, without reading the others; `undefined` for one that the user never was in. */
  membership(user: UserId, conversation: ConversationId): Promise<{ readonly change: number; readonly membership: Membership | undefined }>;
  /** The user's change counter alone; 0 of a user who never was in any conversation. */
  change(user: UserId): Promise<number>;
  /**
   * Advances a read mark: never backwards, never beyond the head (S12). Durable when it resolves. A mark that
   * moved also moves the user's change counter and the membership's `change`, so that the user's other devices
   * learn of it (S10); sending moves the mark but not the counter, because there the head has moved.
   * Also advances `deliveredSeq`, and takes `isMarkedUnread` away, which counts as moving.
   * `undefined` when the user is no member.
   */
  advanceRead(id: ConversationId, user: UserId, seq: number): Promise<MemberRecord | undefined>;
  /** Advances `deliveredSeq` likewise (S28), but never moves the change counter. */
  advanceDelivered(id: ConversationId, user: UserId, seq: number): Promise<MemberRecord | undefined>;
  /** Changes own settings. When something changed, the user's change counter and the membership's `change` move (S30). `undefined` when the user is no member. */
  updateMember(id: ConversationId, user: UserId, patch: MemberPatch): Promise<MemberRecord | undefined>;
  /** Hides a message from one member (S32); one that was not hidden yet moves the counter likewise. `undefined` when the user is no member. */
  hideMessage(id: ConversationId, user: UserId, target: number): Promise<HideOutcome | undefined>;
  /** Those of the messages that the user has hidden, member or not. */
  hiddenBy(id: ConversationId, user: UserId, seqs: readonly number[]): Promise<ReadonlySet<number>>;
  /** Ids of the conversations that have `retentionMs`, ascending after `after`, from an index of its own (S33). `limit` 1–1,000. */
  withRetention(after: ConversationId | undefined, limit: number): Promise<readonly ConversationId[]>;
  /** Conversations that a human is in charge of, or that wait for one, longest first (then by id) after `after`, from an index of its own (S41). `limit` 1–1,000. */
  withControl(holder: Exclude<Holder, "bot">, after: Controlled | undefined, limit: number): Promise<readonly Controlled[]>;
}

export type { UserPatch, UserRecord, UserStore } from "./user-store.ts";
