/** One conversation on the terminal: the client's own, and what only the terminal has: remarks and the unread line. */
import type { ClientConversation, ConversationSnapshot } from "@suda/client";
import type { Conversation } from "@suda/protocol";
import { Notices } from "./notices.ts";

export class ConversationView {
  readonly room: ClientConversation;
  readonly notices: Notices = new Notices();
  /** The first unread event comes after this one; frozen while one looks. */
  unreadAfter: number | undefined;

  constructor(room: ClientConversation) {
    this.room = room;
  }

  get snapshot(): ConversationSnapshot {
    return this.room.getSnapshot();
  }

  get record(): Conversation | undefined {
    return this.snapshot.record;
  }

  /** Seq of the newest event that is shown. */
  get lastSeq(): number {
    const { events, record } = this.snapshot;
    return events.at(-1)?.seq ?? record?.head ?? 0;
  }

  /** Now the person looks: what they had not read begins below a line. */
  freezeUnreadLine(): void {
    const { read, unread } = this.snapshot;
    this.unreadAfter = unread > 0 ? read : undefined;
  }
}
