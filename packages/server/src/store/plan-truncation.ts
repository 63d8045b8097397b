/**
 * One batch of a truncation, computed without I/O for all drivers alike: which entries go, and what of them stays or
 * changes elsewhere. The batch is atomic and moves the floor; a crash between two leaves a log that begins at the floor
 * of the first.
 *
 * Rules: S3 S26 S31 S32 of docs/contracts/store.md; held by `storeSuite` of @suda/testing.
 */
import type { ClientId, UserId } from "@suda/protocol";
import { erasedWith, eraseBody, isErased } from "./annotations.ts";
import { storedKeyOf } from "./plan-append.ts";
import type { Annotation, ConversationRecord, LogEntry, MemberRecord, StoredKey } from "./store.ts";

/** That a user has hidden a message. */
export interface HideMark {
  readonly target: number;
  readonly user: UserId;
}

/** What the batch must know, writes under way included. */
export interface TruncationView {
  readonly conversation: ConversationRecord;
  /** One above the floor. */
  entry(seq: number): LogEntry;
  annotation(target: number): Annotation | undefined;
  /** Of messages `first`…`last`. */
  hideMarks(first: number, last: number): readonly HideMark[];
  hides(user: UserId): number;
  member(user: UserId): MemberRecord | undefined;
}

export interface TruncationPlan {
  /** With the new floor, and without pins on what goes. */
  readonly conversation: ConversationRecord;
  /** Ascending. They go, with their annotations and with all reactions to them. */
  readonly removed: readonly LogEntry[];
  /** What stays of their keys. */
  readonly keys: readonly { readonly from: UserId; readonly clientId: ClientId; readonly key: StoredKey }[];
  /** Later edits of messages that go, and taps in them: they stay in their places, without what was written in them (S26). */
  readonly erased: readonly LogEntry[];
  readonly hideMarks: readonly HideMark[];
  /** How many each of these users has hidden afterwards, and the record of those who are members. */
  readonly hides: ReadonlyMap<UserId, number>;
  readonly members: ReadonlyMap<UserId, MemberRecord>;
}

/** @param last seq of the last entry that may go, at most the head @param maxRecords bounds entries, keys, edits and taps together, but for those of the first entry */
export function planTruncation(view: TruncationView, last: number, maxRecords: number): TruncationPlan | undefined {
  const { floor: before, pins, ...rest } = view.conversation;
  const first = (before?.seq ?? 0) + 1;
  const removed: LogEntry[] = [];
  const keys: TruncationPlan["keys"][number][] = [];
  const erased = new Map<number, LogEntry>();
  for (let seq = first; seq <= last && (removed.length === 0 || removed.length + keys.length + erased.size < maxRecords); seq++) {
    const entry = view.entry(seq);
    removed.push(entry);
    erased.delete(seq);
    if (entry.clientId !== undefined) keys.push({ from: entry.from, clientId: entry.clientId, key: storedKeyOf(entry) });
    if (entry.body.type !== "message.created") continue;
    for (const change of erasedWith(view.annotation(seq))) {
      const later = view.entry(change);
      if (!isErased(later.body)) erased.set(change, { ...later, body: eraseBody(later.body) });
    }
  }
  const end = removed.at(-1);
  if (end === undefined) return undefined;
  const left = pins?.filter((pin) => pin > end.seq) ?? [];
  const floor = { seq: end.seq, ordinal: end.ordinal, hash: end.hash };
  return {
    conversation: { ...rest, floor, ...(left.length === 0 ? {} : { pins: left.length === pins?.length ? pins : left }) },
    removed,
    keys,
    erased: [...erased.values()],
    ...unhide(view, view.hideMarks(first, end.seq)),
  };
}

function unhide(view: TruncationView, hideMarks: readonly HideMark[]): Pick<TruncationPlan, "hideMarks" | "hides" | "members"> {
  const hides = new Map<UserId, number>();
  for (const { user } of hideMarks) hides.set(user, (hides.get(user) ?? view.hides(user)) - 1);
  const members = new Map<UserId, MemberRecord>();
  for (const [user, count] of hides) {
    const member = view.member(user);
    if (member !== undefined) members.set(user, withHides(member, count));
  }
  return { hideMarks, hides, members };
}

/** The record of a member who has hidden so many messages. */
export function withHides({ hides: _hides, ...member }: MemberRecord, hides: number): MemberRecord {
  return hides === 0 ? member : { ...member, hides };
}
