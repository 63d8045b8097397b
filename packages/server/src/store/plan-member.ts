/**
 * What marks and own settings of a member become, for all drivers alike. Pure. Each returns the very record that it was
 * given when nothing changes, so that a driver then writes nothing.
 *
 * Rules: S12 S28 S30 of docs/contracts/store.md; held by `storeSuite` of @suda/testing.
 */
import { patchFields } from "./plan-append.ts";
import type { Floor, Head, MemberPatch, MemberRecord } from "./store.ts";

export interface ReadView {
  readonly head: Pick<Head, "seq">;
  readonly floor: Floor | undefined;
  /** Of an entry that is there. */
  readonly ordinalAt: (seq: number) => number;
}

/** After reading up to `seq`. Another record than the given one moves the user's change counter (S10). */
export function planRead(member: MemberRecord, seq: number, { head, floor, ordinalAt }: ReadView): MemberRecord {
  const readSeq = Math.min(seq, head.seq);
  const { isMarkedUnread, ...rest } = member;
  if (!(readSeq > member.readSeq)) return isMarkedUnread === undefined ? member : rest;
  let { readOrdinal } = member;
  // Behind the floor nobody knows the count any more, and none is needed: everything there counts as read.
  if (floor === undefined || readSeq > floor.seq) readOrdinal = ordinalAt(readSeq);
  else if (readSeq === floor.seq) readOrdinal = floor.ordinal;
  return { ...rest, readSeq, readOrdinal, deliveredSeq: Math.max(member.deliveredSeq, readSeq) };
}

/** After a device has everything up to `seq`. */
export function planDelivered(member: MemberRecord, seq: number, head: Pick<Head, "seq">): MemberRecord {
  const deliveredSeq = Math.min(seq, head.seq);
  return deliveredSeq > member.deliveredSeq ? { ...member, deliveredSeq } : member;
}

export function planSettings(member: MemberRecord, patch: MemberPatch): MemberRecord {
  const changes = Object.entries(patch).filter(([field, value]) => value !== undefined && (member[field as keyof MemberPatch] ?? null) !== value);
  return changes.length === 0 ? member : patchFields(member, Object.fromEntries(changes));
}
