/** What the check of a whole store can find ({@link verifyStore}). */
import type { ConversationId, UserId } from "@suda/protocol";

export type FindingKind =
  /** The driver says that a record is damaged. */
  | "record.damaged"
  /** Seqs do not go on by one, from the floor up to the head. */
  | "log.hole"
  /** The body is not what its digest says. */
  | "log.digest"
  /** The rolling hash does not follow from the entry before. */
  | "log.hash"
  /** `at` goes backwards. */
  | "log.time"
  /** One (sender, clientId) is there twice. */
  | "log.key"
  /** The count of messages does not go on by what the entry counts. */
  | "log.ordinal"
  /** The conversation's head is not its last entry. */
  | "head.differs"
  /** The floor is above the head, or what it says is gone is still served. */
  | "floor.differs"
  /** Title, settings, member count, `membersSeq` or the two of a direct conversation are not what log and members lead to. */
  | "conversation.differs"
  /** The list of conversations with retention is not that of those that have some. */
  | "retention.differs"
  /** Who is in charge is not what the log leads to, or the lists of those that the bot is not in charge of are others. */
  | "control.differs"
  /** Edits, deletion or counts of reactions of a message are not what the log makes of it. */
  | "annotation.differs"
  /** Whose reactions there are is not what the log says. */
  | "reaction.differs"
  /** Something is erased without a deletion, or there in spite of one. */
  | "erasure.differs"
  /** The pins are not what the log leads to. */
  | "pins.differs"
  /** Who is a member, with which role or since when, is not what the log leads to. */
  | "member.differs"
  /** A read mark is beyond the head or behind what the member wrote. */
  | "read.differs"
  /** A delivery mark is beyond the head or behind the read mark. */
  | "delivered.differs"
  /** A recount gives another number of unread messages. */
  | "unread.differs"
  /** A member's own settings, or the time of the last message in slow mode, cannot be. */
  | "settings.differs"
  /** A recount gives another number of messages that a member has hidden. */
  | "hides.differs"
  /** A user's list of conversations does not agree with their members. */
  | "membership.differs";

export interface Finding {
  readonly kind: FindingKind;
  readonly conversation?: ConversationId;
  readonly seq?: number;
  readonly user?: UserId;
  /** For people; names no content. */
  readonly message: string;
}
