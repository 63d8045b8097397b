/** The writes of a conversation as calls for its writer: what each is likely to need, and its plan. */
import { SudaError, type Clock, type UserId } from "@suda/protocol";
import {
  isMessageChange,
  planAppend,
  planDelivered,
  planRead,
  planSettings,
  planTruncation,
  storedKeyOf,
  withHides,
  type AppendOptions,
  type AppendOutcome,
  type ConversationRecord,
  type Draft,
  type HideMark,
  type HideOutcome,
  type LogEntry,
  type MemberPatch,
  type MemberRecord,
} from "@suda/server/store";
import type { Call } from "./write-call.ts";
import type { Stage } from "./planning.ts";
import { noBytes } from "./planning.ts";
import { encodeRecord, decodeStoredKey, encodeStoredKey } from "./records.ts";
import { annotationKey, entryKey, hideCountKey, hideKey, hideMarksKey, memberKey, placeOf, reactionKey, sendKey } from "./row-keys.ts";

/** Entries and changes of one batch of a truncation. */
const truncationMaxRecords = 512;

export function appendCall(drafts: readonly Draft[], options: AppendOptions, clock: Clock): Call<readonly AppendOutcome[]> {
  return {
    rows: (record) => drafts.flatMap((draft) => rowsFor(draft, record)),
    plan: (stage) => planDrafts(stage, drafts, { ...options, now: clock.now() }),
    absent: notFound,
  };
}

/** As a rule all that the draft leans on; what is missing is loaded later. */
function rowsFor({ from, clientId, body }: Draft, { between, head }: ConversationRecord): string[] {
  const keys = [memberKey(from)];
  if (clientId !== undefined) keys.push(sendKey(from, clientId));
  if (between !== undefined) keys.push(...between.map(memberKey));
  const target = isMessageChange(body) ? body.target : body.type === "message.created" ? body.replyTo : undefined;
  if (target !== undefined && isPlace(target, head.seq)) {
    keys.push(entryKey(target));
    if (isMessageChange(body)) keys.push(annotationKey(target));
    if (body.type === "reaction.added" || body.type === "reaction.removed") keys.push(reactionKey(target, from, body.emoji));
  }
  if (body.type === "member.added") for (const user of body.users) keys.push(memberKey(user), hideCountKey(user));
  if (body.type === "member.removed" || body.type === "member.updated") keys.push(memberKey(body.user));
  return keys;
}

function planDrafts(stage: Stage, drafts: readonly Draft[], options: AppendOptions & { readonly now: number }): readonly AppendOutcome[] {
  const { id, record: before } = stage;
  const view = {
    conversation: before,
    member: (user: UserId) => stage.member(user),
    stored: (from: Draft["from"], clientId: NonNullable<Draft["clientId"]>) => {
      const key = sendKey(from, clientId);
      const bytes = stage.bytes(key);
      return bytes === undefined ? undefined : decodeStoredKey(placeOf(id, key), bytes);
    },
    entry: (seq: number) => (isPlace(seq, before.head.seq) ? stage.entry(seq) : undefined),
    annotation: (target: number) => (isPlace(target, before.head.seq) ? stage.annotation(target) : undefined),
    hasReacted: (target: number, emoji: string, user: UserId) => stage.bytes(reactionKey(target, user, emoji)) !== undefined,
    hides: (user: UserId) => stage.hides(user),
  };
  const { outcomes, entries, conversation, members, memberships, annotations, reactions, erased } = planAppend(view, drafts, options);
  if (entries.length === 0) return outcomes;
  stage.setRecord(conversation);
  // The erased ones of this very append come after them, and win.
  for (const entry of [...entries, ...erased]) stage.putEntry(entry);
  for (const entry of entries) {
    if (entry.clientId === undefined) continue;
    const key = sendKey(entry.from, entry.clientId);
    // All that a retry is compared with, so that it needs no entry, and a truncation nothing to write (S31).
    stage.put(key, encodeStoredKey(placeOf(id, key), storedKeyOf(entry)));
  }
  for (const [user, member] of members) stage.putMember(user, member);
  for (const [user, state] of memberships) stage.move({ user, state, count: 1, isMembership: true });
  for (const [target, annotation] of annotations) {
    const key = annotationKey(target);
    stage.put(key, encodeRecord(placeOf(id, key), annotation));
  }
  for (const { target, emoji, user, isOn } of reactions) stage.put(reactionKey(target, user, emoji), isOn ? noBytes : null);
  return outcomes;
}

export function readCall(user: UserId, seq: number): Call<MemberRecord | undefined> {
  const isSeq = Number.isInteger(seq) && seq > 0;
  return {
    rows: ({ head, floor }) => [memberKey(user), ...(isSeq && seq < head.seq && seq > (floor?.seq ?? 0) ? [entryKey(seq)] : [])],
    plan: (stage) => {
      const { head, floor } = stage.record;
      // The head is the group's: the mark becomes durable with what it is on.
      const ordinalAt = (at: number): number => (at === head.seq ? head.ordinal : (stage.entry(at)?.ordinal ?? 0));
      return changeMember(stage, user, { isCounted: true, change: (member) => planRead(member, seq, { head, floor, ordinalAt }) });
    },
    absent: () => undefined,
  };
}

export function deliveredCall(user: UserId, seq: number): Call<MemberRecord | undefined> {
  return {
    rows: () => [memberKey(user)],
    plan: (stage) => changeMember(stage, user, { isCounted: false, change: (member) => planDelivered(member, seq, stage.record.head) }),
    absent: () => undefined,
  };
}

export function settingsCall(user: UserId, patch: MemberPatch): Call<MemberRecord | undefined> {
  return {
    rows: () => [memberKey(user)],
    plan: (stage) => changeMember(stage, user, { isCounted: true, change: (member) => planSettings(member, patch) }),
    absent: () => undefined,
  };
}

export function hideCall(user: UserId, target: number): Call<HideOutcome | undefined> {
  return {
    rows: ({ head }) => [memberKey(user), hideCountKey(user), ...(isPlace(target, head.seq) ? [entryKey(target), hideKey(target, user)] : [])],
    plan: (stage) => {
      const { floor, head } = stage.record;
      if (stage.member(user) === undefined) return undefined;
      if (!isPlace(target, head.seq) || target <= (floor?.seq ?? 0)) return "no_message";
      if (stage.entry(target)?.body.type !== "message.created") return "no_message";
      const key = hideKey(target, user);
      if (stage.bytes(key) !== undefined) return "unchanged";
      const hides = stage.hides(user) + 1;
      stage.put(key, noBytes);
      stage.putHides(user, hides);
      changeMember(stage, user, { isCounted: true, change: (member) => withHides(member, hides) });
      return "hidden";
    },
    absent: () => undefined,
  };
}

/** One batch (S31). `last`: seq of the last entry that may go, bounded by the durable head. */
export function truncateCall(last: number): Call<{ readonly removed: number; readonly from: number }> {
  return {
    rows: ({ floor, head }) => {
      const first = (floor?.seq ?? 0) + 1;
      const end = Math.min(last, head.seq, first + truncationMaxRecords - 1);
      const keys: string[] = end < first ? [] : [hideMarksKey(first, first + truncationMaxRecords - 1)];
      for (let seq = first; seq <= end; seq++) keys.push(entryKey(seq), annotationKey(seq));
      return keys;
    },
    plan: planBatch(last),
    absent: notFound,
  };
}

function planBatch(last: number): (stage: Stage) => { readonly removed: number; readonly from: number } {
  return (stage) => {
    const { record, durable } = stage;
    const first = (record.floor?.seq ?? 0) + 1;
    const view = {
      conversation: record,
      // One that is not loaded yet is planned as if it had no effects, and the plan then made anew.
      entry: (seq: number) => stage.entry(seq) ?? unloaded(seq),
      annotation: (target: number) => stage.annotation(target),
      hideMarks: (from: number, end: number): HideMark[] => stage.hideMarks(from, from + truncationMaxRecords - 1).filter(({ target }) => target <= end),
      hides: (user: UserId) => stage.hides(user),
      member: (user: UserId) => stage.member(user),
    };
    const plan = planTruncation(view, Math.min(last, durable.head.seq), truncationMaxRecords);
    if (plan === undefined) return { removed: 0, from: first };
    stage.setRecord(plan.conversation);
    for (const entry of plan.erased) stage.putEntry(entry);
    for (const [user, count] of plan.hides) stage.putHides(user, count);
    for (const [user, member] of plan.members) stage.putMember(user, member);
    stage.setSweep({ first, last: first + plan.removed.length - 1 });
    return { removed: plan.removed.length, from: first + plan.removed.length };
  };
}

/** @param change gives the very record that it was given when nothing changes */
function changeMember(
  stage: Stage,
  user: UserId,
  { isCounted, change }: { readonly isCounted: boolean; readonly change: (member: MemberRecord) => MemberRecord },
): MemberRecord | undefined {
  const member = stage.member(user);
  const changed = member === undefined ? undefined : change(member);
  if (changed === undefined || changed === member) return member;
  stage.putMember(user, changed);
  if (isCounted) stage.move({ user, state: "joined", count: 1, isMembership: false });
  return changed;
}

function isPlace(seq: number, head: number): boolean {
  return Number.isInteger(seq) && seq >= 1 && seq <= head;
}

function notFound(): never {
  throw new SudaError("conversation.not_found");
}

function unloaded(seq: number): LogEntry {
  return { seq, at: 0, from: "" as UserId, body: { type: "conversation.updated" }, ordinal: 0, digest: "", hash: "" };
}
