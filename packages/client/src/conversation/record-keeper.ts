/**
 * The record of one conversation as the server would give it now: what it gave last, kept current by events and by what the
 * user reads, and asked for again where neither can tell.
 */
import type { Clock, Conversation, ConversationId, LogEvent, ReplyOf, UserId } from "@suda/protocol";
import type { Request } from "../connection/connection.ts";
import { recordAfter, recordRead, recordUnmarked } from "./conversation-record.ts";
import type { EventLog } from "./event-log.ts";
import { MarkTeller } from "./mark-teller.ts";
import { RecordReader } from "./record-reader.ts";
import { conceal, isHidden } from "./show-change.ts";

export interface RecordKeeperOptions {
  readonly id: ConversationId;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly isOpen: () => boolean;
  readonly request: Request;
  readonly me: () => UserId | undefined;
  /** The record is another one. */
  readonly onChange: () => void;
  /** The server gave one that was asked for. */
  readonly onRecord: (record: Conversation) => void;
  /** The conversation is not the user's any more. */
  readonly onGone: () => void;
  readonly onProblem: (problem: unknown) => void;
}

export class RecordKeeper {
  record: Conversation | undefined;
  readonly #options: RecordKeeperOptions;
  readonly #reader: RecordReader;
  readonly #mark: MarkTeller<ReplyOf<"receipt.read">>;
  /** Seqs of the messages that were deleted for oneself since this client is there. */
  readonly #hidden = new Set<number>();

  constructor(options: RecordKeeperOptions) {
    this.#options = options;
    const { id, clock, isOpen, request, onGone, onProblem } = options;
    this.#reader = new RecordReader({ clock, isOpen, ask: () => this.request(), onGone, onProblem });
    this.#mark = new MarkTeller({
      clock,
      isOpen,
      tell: (seq) => request("receipt.read", { conversation: id, seq }),
      onConfirmed: ({ read, unread }) => this.onRead(read, unread),
      onProblem,
    });
  }

  /** Asks the server for it, if there is a connection, and until it has answered. */
  ask(): void {
    this.#reader.read();
  }

  /** Asks the server for it once. @throws ConnectionLost, RequestRefused */
  async request(): Promise<void> {
    const { id, request, onRecord } = this.#options;
    await request("conversation.get", { conversation: id }, ({ conversation }) => onRecord(conversation));
  }

  /** Tells the server how far the user has read, if it does not know. */
  flush(): void {
    this.#mark.flush();
  }

  /** Takes one that the server gave. */
  take(record: Conversation): void {
    // An answer may be older than an event that overtook it, and cannot say what that changed: asked again.
    if (this.record !== undefined && this.record.head > record.head) this.ask();
    else this.record = record;
    if (this.#mark.wanted !== undefined) this.#setRead(this.#mark.wanted);
  }

  /** Takes one of another numbering. */
  reset(record: Conversation): void {
    this.record = record;
    this.#hidden.clear();
    this.#mark.reset();
    this.ask();
  }

  /** The event was applied to the log. */
  after(event: LogEvent): void {
    if (this.record === undefined) return;
    this.record = recordAfter(this.record, event, this.#options.me());
    // Events do not know what their receiver deleted for themself; the log does, if it is held.
    const { log } = this.#options;
    const isHidden = this.#hidden.has(event.seq);
    if (isHidden) conceal(log, event.seq);
    const isTold = isHidden || event.type === "message.edited" || event.type === "interaction.created";
    if (!isTold || this.record.hiddenMessages === undefined || this.record.last !== event) return;
    const shown = log.at(event.seq);
    if (shown === undefined || ("target" in event && log.at(event.target) === undefined)) this.ask();
    else this.record = { ...this.record, last: shown };
  }

  /** The message `target` was deleted for oneself, one more if that is what the server counts. */
  hid(target: number, hiddenMessages: number | undefined): void {
    this.#hidden.add(target);
    conceal(this.#options.log, target);
    if (this.record !== undefined && hiddenMessages === (this.record.hiddenMessages ?? 0) + 1) this.record = { ...this.record, hiddenMessages };
  }

  /**
   * A page of history. It says which messages were deleted for oneself; the same told live, before it or after, do not.
   * @throws ConnectionLost, RequestRefused
   */
  async readPage(fields: { readonly after?: number; readonly before?: number; readonly limit: number }): Promise<ReplyOf<"history.get">> {
    const { id, log, request } = this.#options;
    const page = await request("history.get", { conversation: id, ...fields });
    for (const event of page.events)
      if (isHidden(event)) {
        this.#hidden.add(event.seq);
        conceal(log, event.seq);
      }
    return page;
  }

  /** A page was added, which may have been asked for before. */
  conceal(): void {
    for (const target of this.#hidden) conceal(this.#options.log, target);
  }

  /** The user has read up to `seq`, at most up to the head. The mark, or `undefined` when that says nothing new. */
  markRead(seq: number): number | undefined {
    if (this.record === undefined) return undefined;
    const wanted = Math.min(seq, this.record.head);
    const isMarked = this.record.markedUnread === true;
    if (wanted <= (this.record.read ?? 0) && !isMarked) return undefined;
    this.#setRead(wanted);
    if (isMarked) this.#set(recordUnmarked(this.record));
    this.#mark.advance(wanted, isMarked);
    return wanted;
  }

  /** The server has this mark. */
  onRead(seq: number, unread?: number): void {
    this.#setRead(seq, unread);
    const head = this.record?.head ?? seq;
    // Beyond the head as it is known here it cannot be taken. Before it nobody here can count what is after it, and a
    // number without a head may count what is yet to come.
    if (seq > head || (seq < head && this.#countAfter(seq) === undefined)) this.ask();
  }

  #setRead(seq: number, unread?: number): void {
    // A mark from before the user read on, or wrote, says nothing of what is unread now.
    if (this.record === undefined || seq < (this.record.read ?? 0)) return;
    this.#set(recordRead(this.record, seq, this.#countAfter(seq) ?? unread));
  }

  #set(record: Conversation): void {
    if (record === this.record) return;
    this.record = record;
    this.#options.onChange();
  }

  #countAfter(seq: number): number | undefined {
    return this.#options.log.countOthersAfter(seq, { head: this.record?.head ?? 0, me: this.#options.me() });
  }
}
