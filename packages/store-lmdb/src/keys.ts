/**
 * The keys of the store, as strings of single bytes (every id is ASCII), compared byte by byte.
 *
 * All of a conversation lies together — record, idempotency keys, members, entries, tail — so that an append
 * to a small conversation touches one or two pages and a commit of many appends stays small. A `\0` ends every
 * id of variable length; ids cannot contain it, so no key is a prefix of another conversation's.
 *
 * | key | value |
 * |---|---|
 * | `!schema`, `!owner`, `!fence\0token`, `!probe`, `!move` | the store's own |
 * | `c` conversation `\0a` seq | annotation: how the message differs from its entry (S25) |
 * | `c` conversation `\0a` seq `\0` user `\0` emoji | that the user reacted so; emoji as base64url of its UTF-8 (S27) |
 * | `c` conversation `\0b` | what changes rarely: kind, epoch, title… |
 * | `c` conversation `\0h` seq `\0` user | that the user has hidden this message (S32) |
 * | `c` conversation `\0i` user | how many the user has hidden |
 * | `c` conversation `\0k` user `\0` clientId | seq of the entry with this key (S3); when it was truncated, all that is left of it (S31) |
 * | `c` conversation `\0m` user | member |
 * | `c` conversation `\0s` seq | entry |
 * | `c` conversation `\0t` | tail: head and counts |
 * | `d` collection `\0` key | document: its version and its JSON (S34) |
 * | `q` holder at conversation | that a human is in charge (`h`) or waited for (`n`), and since when (S41) |
 * | `r` conversation | that it has `retentionMs` (S33) |
 * | `u` user | profile |
 * | `v` user `\0` | the user's change counter |
 * | `v` user `\0` conversation | membership |
 * | `w` user `\0` clientId | conversation created with this key (S11) |
 */
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import type { Controlled, DocumentCollection } from "@suda/server/store";

export const schemaKey = "!schema";
export const ownerKey = "!owner";
export const probeKey = "!probe";
/** That the store is being moved elsewhere, or was; see move-mark.ts. */
export const moveKey = "!move";
/** The first key that is not the store's own. */
export const firstDataKey = '"';

export function fenceKey(token: string): string {
  return `!fence\0${token}`;
}

export const baseKey = (id: ConversationId): string => `c${id}\0b`;
export const sendKey = (id: ConversationId, from: UserId, clientId: ClientId): string => `c${id}\0k${from}\0${clientId}`;
export const memberKey = (id: ConversationId, user: UserId): string => `c${id}\0m${user}`;
export const entryKey = (id: ConversationId, seq: number): string => `c${id}\0s${orderedNumber(seq)}`;
export const annotationKey = (id: ConversationId, target: number): string => `c${id}\0a${orderedNumber(target)}`;
/** All reactions of one user to one message lie behind it. */
export const reactionsKey = (id: ConversationId, target: number, user: UserId): string => `${annotationKey(id, target)}\0${user}\0`;
export const reactionKey = (id: ConversationId, target: number, user: UserId, emoji: string): string =>
  reactionsKey(id, target, user) + Buffer.from(emoji).toString("base64url");
/** In the order of seqs, so that a truncation finds those below it. */
export const hideKey = (id: ConversationId, target: number, user: UserId): string => `${hidesFrom(id, target)}\0${user}`;
/** All hide marks of messages from this one on lie behind it. */
export const hidesFrom = (id: ConversationId, target: number): string => `c${id}\0h${orderedNumber(target)}`;
export const hideCountKey = (id: ConversationId, user: UserId): string => `c${id}\0i${user}`;
export const tailKey = (id: ConversationId): string => `c${id}\0t`;
export const documentKey = (collection: DocumentCollection, key: string): string => `d${collection}\0${key}`;
/** In the order of times, then of ids. */
export const controlKey = (holder: "human" | "none", { id, at }: Controlled): string => `${controlsOf(holder)}${orderedNumber(at)}${id}`;
/** All conversations with this holder lie behind it. */
export const controlsOf = (holder: "human" | "none"): string => `q${holder === "human" ? "h" : "n"}`;
export const retentionKey = (id: ConversationId): string => `r${id}`;
export const userKey = (user: UserId): string => `u${user}`;
export const changeKey = (user: UserId): string => `v${user}\0`;
export const membershipKey = (user: UserId, id: ConversationId): string => `v${user}\0${id}`;
export const creationKey = (user: UserId, clientId: ClientId): string => `w${user}\0${clientId}`;

/** The first of all annotations and reactions of a conversation lies at or behind it. */
export const annotationsStart = (id: ConversationId): string => `c${id}\0a`;

/** All retention keys lie in `["r", "s")`. */
export const retentionsEnd = "s";

/** The first key behind all documents of a collection. */
export const documentsEnd = (collection: DocumentCollection): string => `d${collection}\x01`;

/** All conversations' keys lie in `["c", "d")`. */
export const conversationsEnd = "d";

/** The first key behind everything of this conversation. */
export const conversationEnd = (id: ConversationId): string => `c${id}\x01`;

/** The conversation whose key this is. */
export function conversationOf(key: string): ConversationId {
  return key.slice(1, key.indexOf("\0")) as ConversationId;
}

/** All send keys of a conversation lie in `[sendKeysOf(id), membersOf(id))`, all of its members in `[membersOf(id), entryKey(id, 0))`. */
export const sendKeysOf = (id: ConversationId): string => `c${id}\0k`;
export const membersOf = (id: ConversationId): string => `c${id}\0m`;
/** All counts of hidden messages of a conversation lie in `[hideCountsOf(id), sendKeysOf(id))`. */
export const hideCountsOf = (id: ConversationId): string => `c${id}\0i`;

/** Sender and clientId of a send key. */
export function sendKeyOf(key: string): { readonly from: UserId; readonly clientId: ClientId } {
  const [, from = "", clientId = ""] = key.split("\0");
  return { from: from.slice(1) as UserId, clientId: clientId as ClientId };
}

/** Message, user and emoji of a reaction's key. */
export function reactionOf(key: string): { readonly target: number; readonly user: UserId; readonly emoji: string } {
  const [, target = "", user = ""] = key.split("\0");
  return { target: Number.parseInt(target.slice(2), 36), user: user as UserId, emoji: emojiOf(key) };
}

/** User and clientId of a creation's key. */
export function creationOf(key: string): { readonly user: UserId; readonly clientId: ClientId } {
  const [user = "", clientId = ""] = key.slice(1).split("\0");
  return { user: user as UserId, clientId: clientId as ClientId };
}

/** What a key of {@link controlKey} stands for. */
export function controlledOf(key: string): Controlled {
  const end = 3 + key.charCodeAt(2) - 0x60;
  return { id: key.slice(end) as ConversationId, at: Number.parseInt(key.slice(3, end), 36) };
}

export function seqOf(key: string): number {
  return Number.parseInt(key.slice(key.indexOf("\0") + 3), 36);
}

/** The message and the user of a hide mark. */
export function hideMarkOf(key: string): { readonly target: number; readonly user: UserId } {
  const [, target = "", user = ""] = key.split("\0");
  return { target: Number.parseInt(target.slice(2), 36), user: user as UserId };
}

/** The emoji at the end of a reaction's key. */
export function emojiOf(key: string): string {
  return Buffer.from(key.slice(key.lastIndexOf("\0") + 1), "base64url").toString();
}

/** What follows the last `\0` and its letter: the user of a member key. */
export function userOf(key: string): UserId {
  return key.slice(key.indexOf("\0") + 2) as UserId;
}

/** Base 36 behind a letter for the count of digits: sorts as the number, and is short for short logs. */
function orderedNumber(value: number): string {
  const digits = value.toString(36);
  return String.fromCharCode(0x60 + digits.length) + digits;
}

/** How lmdb-js is to write and read these keys: one byte per character, no copies. */
export const keyEncoder = {
  writeKey(key: string, target: Buffer, start: number): number {
    return start + target.write(key, start, "latin1");
  },
  readKey(source: Buffer, start: number, end: number): string {
    return source.toString("latin1", start, end);
  },
};
