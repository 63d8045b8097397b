/**
 * Ids as branded strings: a `UserId` cannot be passed where a `ConversationId` is wanted.
 * The patterns are the wire's; the schemas in `scalars.ts` are built on them.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** The host product's own id of a user: 1–128 of `A–Z a–z 0–9 . _ - @ : + | ~ =`. */
export type UserId = Branded<"UserId">;
/** `d.…` (direct, derived from its two members), `g.…` (group, time-ordered) or the host's own without those prefixes. */
export type ConversationId = Branded<"ConversationId">;
/** The sender's own id for one send: 1–64 printable ASCII characters without space. */
export type ClientId = Branded<"ClientId">;

export const userIdPattern = "^[A-Za-z0-9._@:+|~=-]{1,128}$";
export const conversationIdPattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$";
/** What a host may choose itself: no dot, so that it can never collide with a derived id. */
export const hostConversationIdPattern = "^[A-Za-z0-9_-]{1,64}$";
export const clientIdPattern = "^[\\x21-\\x7e]{1,64}$";

const userIdExpression = new RegExp(userIdPattern);
const conversationIdExpression = new RegExp(conversationIdPattern);

export function isUserId(value: string): value is UserId {
  return userIdExpression.test(value);
}

export function isConversationId(value: string): value is ConversationId {
  return conversationIdExpression.test(value);
}

// Crockford's base 32: sorts like the number it encodes; no I, L, O, U. As in the ULID specification.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * A new group's id: `g.` and a ULID — 48 bits of time, 80 bits of chance. Time-ordered and unguessable.
 * @param at epoch ms, 0…2^48-1
 * @param random at least 10 bytes; the first 10 are used
 */
export function newGroupId(at: number, random: Uint8Array): ConversationId {
  let id = "";
  let time = at;
  for (let i = 0; i < 10; i++) {
    id = alphabet.charAt(time % 32) + id;
    time = Math.floor(time / 32);
  }
  let bits = 0;
  let bitCount = 0;
  for (const byte of random.subarray(0, 10)) {
    bits = (bits << 8) | byte;
    bitCount += 8;
    while (bitCount >= 5) {
      bitCount -= 5;
      id += alphabet.charAt((bits >>> bitCount) & 31);
    }
    bits &= (1 << bitCount) - 1;
  }
  return `g.${id}` as ConversationId;
}
