/**
 * A new conversation as every driver stores it (S11): its record and its first members, computed without I/O.
 */
import type { UserId } from "@suda/protocol";
import { emptyHash } from "./log-entry.ts";
import type { ConversationRecord, MemberRecord, NewConversation } from "./store.ts";

export interface CreationPlan {
  readonly conversation: ConversationRecord;
  /** Each user once, with the first role that was named. */
  readonly members: ReadonlyMap<UserId, MemberRecord>;
}

/** @throws RangeError for a direct conversation of none or of more than two users */
export function planCreation({ key: _key, members, ...fields }: NewConversation): CreationPlan {
  const { id, kind, createdAt } = fields;
  const first = new Map<UserId, MemberRecord>();
  for (const { user, role } of members) if (!first.has(user)) first.set(user, { user, role, joinedAt: createdAt, readSeq: 0, readOrdinal: 0, deliveredSeq: 0 });
  const head = { seq: 0, at: createdAt, ordinal: 0, hash: emptyHash };
  const group: ConversationRecord = { ...fields, memberCount: first.size, membersSeq: 0, head };
  if (kind === "group") return { conversation: group, members: first };
  const [one, other = one, ...more] = first.keys();
  if (one === undefined || other === undefined || more.length > 0)
    throw new RangeError(`A direct conversation has one or two members; ${id} would have ${first.size}.`);
  return { conversation: { ...group, between: [one, other] }, members: first };
}
