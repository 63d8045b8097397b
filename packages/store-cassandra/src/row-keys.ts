/**
 * Names of a conversation's rows beside its head, as strings: in the journal, in what is planned, and in what was loaded.
 * A `\0` ends every part of variable length; ids cannot contain it.
 *
 * | key | row |
 * |---|---|
 * | `a` seq | annotation: how the message differs from its entry (S25) |
 * | `e` seq | entry |
 * | `h` seq `\0` user | that the user has hidden this message (S32) |
 * | `i` user | how many the user has hidden |
 * | `k` user `\0` clientId | what was stored under this key, for ever (S3) |
 * | `l` list `\0` sort key | that the conversation is in this list (S14, S33, S41) |
 * | `m` user | member |
 * | `q` seq seq | for loading only: the hide marks of messages from one to the other |
 * | `r` seq `\0` user `\0` emoji | that the user reacted so (S27) |
 */
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import type { Controlled } from "@suda/server/store";

export type ListName = "all" | "retention" | "human" | "none";

export const annotationKey = (target: number): string => `a${target}`;
export const entryKey = (seq: number): string => `e${seq}`;
export const hideKey = (target: number, user: UserId): string => `h${target}\0${user}`;
export const hideCountKey = (user: UserId): string => `i${user}`;
export const sendKey = (from: UserId, clientId: ClientId): string => `k${from}\0${clientId}`;
export const listKey = (list: ListName, sortKey: string): string => `l${list}\0${sortKey}`;
export const memberKey = (user: UserId): string => `m${user}`;
export const hideMarksKey = (first: number, last: number): string => `q${first}\0${last}`;
export const reactionKey = (target: number, user: UserId, emoji: string): string => `r${target}\0${user}\0${emoji}`;

/** Where a row's checksum says that it is. */
export const placeOf = (id: ConversationId, key: string): string => `${id}\0${key}`;

/** Seq of the message that the row speaks of; `undefined` of rows that a truncation leaves. */
export function targetOf(key: string): number | undefined {
  const kind = key.charAt(0);
  if (kind !== "a" && kind !== "e" && kind !== "h" && kind !== "r") return undefined;
  return Number.parseInt(key.slice(1), 10);
}

/** The parts of a key behind its letter. */
export function partsOf(key: string): readonly [string, string, string] {
  const [first = "", second = "", third = ""] = key.slice(1).split("\0");
  return [first, second, third];
}

/** By time, then by id. */
export function sortKeyOf({ at, id }: Controlled): string {
  return `${String(at).padStart(16, "0")}${id}`;
}

export function controlledOf(sortKey: string): Controlled {
  return { at: Number(sortKey.slice(0, 16)), id: sortKey.slice(16) as ConversationId };
}
