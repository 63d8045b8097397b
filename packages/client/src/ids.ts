/** Plain strings at the edge become ids, checked. */
import { isConversationId, isUserId, type ClientId, type ConversationId, type Random, type UserId } from "@suda/protocol";

/** @throws TypeError when it is no user id */
export function toUserId(id: string): UserId {
  if (!isUserId(id)) throw new TypeError(`${JSON.stringify(id.slice(0, 140))} is no user id: 1 to 128 of A–Z a–z 0–9 . _ - @ : + | ~ =.`);
  return id;
}

/** @throws TypeError when it is no conversation id */
export function toConversationId(id: string): ConversationId {
  if (!isConversationId(id)) throw new TypeError(`${JSON.stringify(id.slice(0, 140))} is no conversation id: 1 to 64 of A–Z a–z 0–9 . _ -.`);
  return id;
}

/** 128 bits of chance, as 32 hexadecimal digits. */
export function newClientId(random: Random): ClientId {
  return Array.from(random.bytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("") as ClientId;
}
