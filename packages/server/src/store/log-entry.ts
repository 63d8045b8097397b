/**
 * What every driver computes alike: digest and rolling hash of an entry, and an entry's effects on members
 * and conversation. Drivers decide where these go, never what they are.
 */
import { hash } from "node:crypto";
import { encodeBase64, type ClientId, type Role, type UserId } from "@suda/protocol";
import type { ConversationPatch, ConversationRecord, LogBody, LogEntry, MemberRecord } from "./store.ts";

/** The hash before the first entry. */
export const emptyHash: string = "0".repeat(32);

/**
 * SHA-256 of the body in canonical JSON (keys sorted, bytes as base64), first 128 bits, hex: equal exactly when the bodies
 * say the same. Of a tap only what the tapper says: the rest follows from the log before it.
 */
export function digestOf(body: LogBody): string {
  if (body.type !== "interaction.created") return sha256(canonicalJson(body));
  const { type, target, action, value } = body;
  return sha256(canonicalJson({ type, target, action, value }));
}

export interface ChainedEntry {
  readonly seq: number;
  readonly at: number;
  readonly from: UserId;
  readonly clientId?: ClientId;
  readonly digest: string;
}

/** The rolling hash at an entry. Over the digest and not the body, so that it still verifies after the body was erased. */
export function chainHash(previous: string, entry: ChainedEntry): string {
  // Lengths are fixed or the field cannot contain a newline, so the concatenation is unambiguous.
  return sha256(`${previous}\n${entry.seq}\n${entry.at}\n${entry.from}\n${entry.clientId ?? ""}\n${entry.digest}`);
}

/** Whether an entry counts as an unread message. */
export function isCountable(body: LogBody): boolean {
  return body.type === "message.created";
}

/** How many messages are behind the member's read mark and still there (S12, S31). */
export function countUnread({ head, floor }: ConversationRecord, { readOrdinal }: MemberRecord): number {
  // The two may have been read one after the other.
  return Math.max(0, head.ordinal - Math.max(readOrdinal, floor?.ordinal ?? 0));
}

/** What an entry changes beside the log. Pure: replaying a log over the creation gives the same members and title (S6). */
export type Effect =
  | { readonly effect: "member.join"; readonly user: UserId; readonly role: Role }
  | { readonly effect: "member.leave"; readonly user: UserId }
  | { readonly effect: "member.role"; readonly user: UserId; readonly role: Role }
  | { readonly effect: "member.read"; readonly user: UserId }
  | { readonly effect: "member.wrote"; readonly user: UserId }
  | { readonly effect: "conversation.patch"; readonly patch: ConversationPatch };

/** In order. A `member.join` of a member and a `member.leave` or `member.role` of a stranger change nothing. */
export function effectsOf({ from, body, keepsReadMark }: Pick<LogEntry, "from" | "body" | "keepsReadMark">): readonly Effect[] {
  switch (body.type) {
    case "message.created":
      // Who writes has read: sending advances one's own mark, but for a bot's.
      return [{ effect: keepsReadMark === true ? "member.wrote" : "member.read", user: from }];
    case "message.edited":
    case "reaction.added":
    case "reaction.removed":
    case "message.deleted":
    case "pin.added":
    case "pin.removed":
    case "interaction.created":
      // What they do to messages and pins: annotations.ts.
      return [];
    case "control.changed":
      // What it does, and what messages do to it: control.ts.
      return [];
    case "member.added":
      return body.users.map((user) => ({ effect: "member.join", user, role: "member" }));
    case "member.removed":
      return [{ effect: "member.leave", user: body.user }];
    case "member.updated":
      return [{ effect: "member.role", user: body.user, role: body.role }];
    case "conversation.updated":
      return [{ effect: "conversation.patch", patch: body }];
  }
}

function sha256(text: string): string {
  return hash("sha256", text).slice(0, 32);
}

/** Keys sorted, bytes as base64: equal exactly when the values say the same. On the path of every message, so loops instead of chains of arrays. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof Uint8Array) return JSON.stringify({ base64: encodeBase64(value) });
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  let fields = "";
  for (const key of Object.keys(value).sort()) {
    const field = (value as Record<string, unknown>)[key];
    if (field !== undefined) fields += `${fields === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(field)}`;
  }
  return `{${fields}}`;
}
